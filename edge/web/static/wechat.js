/* 微信连Wi-Fi: asks WeChat for the link that opens it, by JSONP as it wants it, and opens it when the button is pressed.
   Plain old JavaScript: these pages are met in WebViews of ten years ago. */
(function () {
  "use strict";
  var button = document.getElementById("open"), failed = document.getElementById("failed"), away = false;
  if (!button) return;
  function fail() { failed.hidden = false; button.disabled = false; }
  window.jsonpCallback = function (answer) {
    var link = answer && answer.success ? String(answer.data) : "";
    if (!/^weixin:\/\//.test(link)) return fail();
    if (/iPhone|iPad|iPod/.test(navigator.userAgent)) {
      location.href = link;
    } else {
      var frame = document.createElement("iframe");
      frame.hidden = true;
      frame.src = link;
      document.body.appendChild(frame);
    }
    setTimeout(fail, 4000);
  };
  document.getElementById("script").hidden = true;
  button.hidden = false;
  button.addEventListener("click", function () {
    var script = document.createElement("script");
    button.disabled = true;
    failed.hidden = true;
    script.src = button.getAttribute("data-call");
    script.onerror = fail;
    document.body.appendChild(script);
  });
  document.addEventListener("visibilitychange", function () {
    if (document.hidden) away = true;
    else if (away) location.replace(button.getAttribute("data-back"));
  });
})();
