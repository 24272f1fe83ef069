/* A voucher's QR code may carry its code behind the #, which no server is told: it goes into the form from here. Who
   comes with one came for it: it stands first, and its button wears the colour. */
(function () {
  "use strict";
  var field = document.getElementById("voucher"), code = location.hash.slice(1);
  if (!field || field.value || !/^[A-Za-z0-9-]{4,64}$/.test(code)) return;
  field.value = code.replace(/-/g, "").toUpperCase().replace(/(.{4})(?=.)/g, "$1-");
  var way = field.parentNode, buttons = document.querySelectorAll("#ways .button:not(.wechat)");
  for (var at = 0; at < buttons.length; at++) buttons[at].className = "button plain";
  way.querySelector(".button").className = "button";
  way.parentNode.insertBefore(way, way.parentNode.firstChild);
  field.focus();
})();
