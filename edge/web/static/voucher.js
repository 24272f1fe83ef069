/* A voucher's QR code may carry its code behind the #, which no server is told: it goes into the form from here. */
(function () {
  "use strict";
  var field = document.getElementById("voucher"), code = location.hash.slice(1);
  if (!field || field.value || !/^[A-Za-z0-9-]{4,64}$/.test(code)) return;
  field.value = code;
  field.focus();
})();
