// The /jsp page: collect, then go on with a form to the click itself. One request, one
// event; whatever fails here, the form is sent all the same.
(function () {
  var form = document.forms[0];
  // A link's own referer counts; else the page that the visitor came from.
  form.elements.referer.value = document.referrer;
  function go(signals) {
    if (signals) form.elements.js_check_data.value = JSON.stringify(signals);
    if (!document.referrer) form.elements.referer.remove();
    form.submit();
  }
  try {
    collect(100, go);
  } catch (e) {
    go();
  }
})();
