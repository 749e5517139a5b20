// What a browser says about itself, for the filters; shared by /jsp and /sdk.js.
//
// It reads, it never asks the visitor for anything and draws nothing. Each value is left
// out when it cannot be had: absent = unknown. `done` is called exactly once, after
// `budget` milliseconds at the latest, with what is known by then.
function collect(budget, done) {
  var began = Date.now();
  var nav = navigator;
  var out = { collector: 1, marks: [] };
  var open = true;
  function finish() {
    if (!open) return;
    open = false;
    out.took_ms = Date.now() - began;
    done(out);
  }
  function set(name, read) {
    try {
      var value = read();
      if (value !== undefined && value !== null && value !== "") out[name] = value;
    } catch (e) { /* unknown stays absent */ }
  }
  function mark(name, there) {
    try { if (there()) out.marks.push(name); } catch (e) { /* as above */ }
  }

  set("user_agent", function () { return nav.userAgent; });
  set("webdriver", function () { return nav.webdriver === true; });
  set("platform", function () { return nav.platform; });
  set("vendor", function () { return nav.vendor; });
  set("languages", function () { return [].slice.call(nav.languages || []); });
  set("plugins", function () { return nav.plugins.length; });
  set("cores", function () { return nav.hardwareConcurrency; });
  set("memory_gb", function () { return nav.deviceMemory; });
  set("touch_points", function () { return nav.maxTouchPoints; });
  set("screen", function () {
    return [screen.width, screen.height, window.devicePixelRatio || 1, window.outerWidth, window.outerHeight];
  });
  set("time_zone", function () { return Intl.DateTimeFormat().resolvedOptions().timeZone; });
  set("offset_min", function () { return -new Date().getTimezoneOffset(); });
  set("brands", function () {
    return nav.userAgentData.brands.map(function (b) { return b.brand + " " + b.version; });
  });
  set("mobile", function () { return nav.userAgentData.mobile; });
  set("hint_platform", function () { return nav.userAgentData.platform; });
  set("renderer", function () {
    var gl = document.createElement("canvas").getContext("webgl");
    var info = gl.getExtension("WEBGL_debug_renderer_info");
    return gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
  });

  // Names that driving tools leave behind in the page.
  [
    "callPhantom", "_phantom", "__nightmare", "domAutomation", "domAutomationController",
    "__webdriver_evaluate", "__selenium_evaluate", "__webdriver_script_fn", "__driver_evaluate",
    "__fxdriver_evaluate", "_Selenium_IDE_Recorder", "_selenium", "callSelenium", "__playwright",
    "__pw_manual", "__puppeteer_evaluation_script__", "awesomium", "RunPerfTest", "CefSharp"
  ].forEach(function (name) {
    mark(name, function () { return name in window; });
  });
  mark("cdc", function () {
    return Object.getOwnPropertyNames(document).concat(Object.getOwnPropertyNames(window))
      .some(function (name) { return /^\$?cdc_[a-zA-Z0-9]{22}_/.test(name); });
  });
  ["webdriver", "selenium", "driver"].forEach(function (name) {
    mark("html_" + name, function () { return document.documentElement.getAttribute(name) !== null; });
  });
  // A getter that was put in front of the browser's own.
  mark("webdriver_patched", function () {
    return Object.getOwnPropertyDescriptor(nav, "webdriver") !== undefined;
  });
  mark("no_window_size", function () { return window.outerWidth === 0 && window.outerHeight === 0; });
  mark("no_languages", function () { return nav.languages !== undefined && nav.languages.length === 0; });
  mark("chrome_without_chrome", function () {
    return /\bChrome\/\d/.test(nav.userAgent) && nav.vendor === "Google Inc." && !window.chrome
      && !/\bwv\b|Android|CriOS/.test(nav.userAgent);
  });

  var own = "assay_uuid";
  set("uuid", function () {
    var id = localStorage.getItem(own);
    if (!/^[0-9a-f]{32}$/.test(id || "")) {
      id = [].map.call(crypto.getRandomValues(new Uint8Array(16)), function (b) {
        return (b + 256).toString(16).slice(1);
      }).join("");
      localStorage.setItem(own, id);
    }
    return id;
  });
  // Of what stays the same between visits; FNV-1a, twice with other starts, 64 bits.
  set("fingerprint", function () {
    var text = [
      out.user_agent, out.platform, out.vendor, (out.languages || []).join(), out.plugins, out.cores,
      out.memory_gb, out.touch_points, (out.screen || []).slice(0, 3).join(), out.time_zone, out.renderer
    ].join("|");
    function hash(start) {
      for (var i = 0, h = start; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
      return (h >>> 0).toString(16).padStart(8, "0");
    }
    return hash(2166136261) + hash(84696351);
  });

  setTimeout(finish, budget);
  // A headless browser refuses notifications and says it would ask.
  try {
    nav.permissions.query({ name: "notifications" }).then(function (answer) {
      if (window.isSecureContext && Notification.permission === "denied" && answer.state === "prompt") {
        out.marks.push("notification_contradiction");
      }
      finish();
    }, finish);
  } catch (e) {
    finish();
  }
}
