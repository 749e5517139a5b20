// The page script: the functions of the original under the same global, `ASP`, beside ours.
//
// Fails open: no function throws, no page waits. Where the engine does not answer within
// `timeout_ms`, what comes back is `{status: 0, data: {status: "approved"}}`.
var script = document.currentScript;
var defaults = { host: script ? new URL(script.src).origin : "", timeout_ms: 150 };
var COOKIE = "assay_tid";

function getQueryParam(name) {
  try {
    var value = new URLSearchParams(location.search).get(name);
    return value === null ? undefined : value;
  } catch (e) {
    return undefined;
  }
}

function signals() {
  return new Promise(function (resolve) {
    try { collect(100, resolve); } catch (e) { resolve(undefined); }
  });
}

// The blob for `js_check_data=`: base64url of the JSON.
function get24metricsData() {
  return signals().then(function (found) {
    if (!found) return "";
    var bytes = unescape(encodeURIComponent(JSON.stringify(found)));
    return btoa(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }).catch(function () { return ""; });
}

function openAnswer() {
  return { status: 0, data: { status: "approved" } };
}

// Parameters of the call over those of the page's address; our own settings are no parameters.
function split(given) {
  var call = { params: {}, host: defaults.host, integration: defaults.integration_id, timeout: defaults.timeout_ms };
  var key;
  for (key in given || {}) {
    if (key === "host") call.host = String(given[key]).replace(/\/$/, "");
    else if (key === "integration_id") call.integration = given[key];
    else if (key === "timeout_ms") call.timeout = given[key];
    else if (given[key] !== undefined && given[key] !== null) call.params[key] = given[key];
  }
  if (call.host && !/^https?:\/\//.test(call.host)) call.host = location.protocol + "//" + call.host;
  return call;
}

function url(call, door) {
  return call.host + "/" + door + (call.integration === undefined ? "" : "/" + encodeURIComponent(call.integration));
}

function ask(address, params, timeout) {
  var stop = typeof AbortController === "function" ? new AbortController() : undefined;
  var late = new Promise(function (resolve) {
    setTimeout(function () {
      if (stop) stop.abort();
      resolve(openAnswer());
    }, timeout);
  });
  var answer = fetch(address, {
    method: "POST",
    credentials: "omit",
    keepalive: true,
    headers: { "Content-Type": "application/x-www-form-urlencoded", Accept: "application/json" },
    body: new URLSearchParams(params).toString(),
    signal: stop && stop.signal
  }).then(function (response) {
    if (!response.ok) return openAnswer();
    return response.json().then(function (data) { return { status: response.status, data: data }; });
  });
  return Promise.race([answer, late]).catch(openAnswer);
}

function remember(answer) {
  var id = answer.data && answer.data.transaction_id;
  if (/^[a-z2-7]{20,64}$/.test(id || "")) {
    document.cookie = COOKIE + "=" + id + "; path=/; max-age=2592000; SameSite=Lax"
      + (location.protocol === "https:" ? "; Secure" : "");
  }
  return answer;
}

function remembered() {
  var found = document.cookie.match(new RegExp("(?:^|; )" + COOKIE + "=([a-z2-7]{20,64})"));
  return found ? found[1] : undefined;
}

function track(door, given, withSignals) {
  try {
    var call = split(given);
    call.params.no_redirect = "true";
    if (document.referrer && call.params.referer === undefined) call.params.referer = document.referrer;
    return (withSignals ? get24metricsData() : Promise.resolve("")).then(function (blob) {
      if (blob && call.params.js_check_data === undefined) call.params.js_check_data = blob;
      return ask(url(call, door), call.params, call.timeout);
    }).catch(openAnswer);
  } catch (e) {
    return Promise.resolve(openAnswer());
  }
}

function trackClick(given) {
  return track("click", given, true).then(remember).catch(openAnswer);
}

function trackImpression(given) {
  return track("imp", given, false);
}

// Without an id of its own it is the conversion of the click this browser made last.
function trackConversion(given) {
  try {
    var own = given || {};
    if (own.transaction_id === undefined && own.external_transaction_id === undefined) {
      own = Object.assign({ transaction_id: getQueryParam("transaction_id") || remembered() }, own);
    }
    return track("postback", own, false);
  } catch (e) {
    return Promise.resolve(openAnswer());
  }
}

// Tracks the click of this page with the parameters of its address, and leaves a rejected
// visitor to the redirect link, which knows where such visitors go. Nobody else is moved.
function pageClick(given) {
  try {
    var params = {};
    new URLSearchParams(location.search).forEach(function (value, name) {
      if (!(name in params)) params[name] = value;
    });
    Object.assign(params, given);
    var wanted = "redirect_url,transaction_id,monitoring_mode";
    params.fields = params.fields ? params.fields + "," + wanted : wanted;
    return trackClick(params).then(function (answer) {
      var data = answer.data || {};
      if (data.status === "rejected" && !data.monitoring_mode && /^https?:\/\//.test(data.redirect_url || "")) {
        location.replace(data.redirect_url);
      }
      return answer;
    }).catch(openAnswer);
  } catch (e) {
    return Promise.resolve(openAnswer());
  }
}

var ours = {
  configure: function (given) { Object.assign(defaults, given); },
  pageClick: pageClick,
  trackClick: trackClick,
  trackImpression: trackImpression,
  trackConversion: trackConversion,
  getQueryParam: getQueryParam,
  get24metricsData: get24metricsData,
  signals: signals
};
window.Assay = ours;
if (!window.ASP) window.ASP = ours;
