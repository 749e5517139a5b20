//! Driven and headless browsers that say so.
//!
//! A browser driven with its ordinary user agent cannot be told from text; the page script and the
//! client hints do that. These are the ones that keep their tool's name.

use super::needle::{Edge, Needle};
use assay_model::facts::UaKind;

const fn tool(text: &'static str) -> Needle {
    Needle::new(text, Edge::Any, UaKind::Automation, "automation_tool")
}

const fn word(text: &'static str) -> Needle {
    Needle::new(text, Edge::Left, UaKind::Automation, "automation_tool")
}

/// Names of drivers, headless browsers, page renderers and synthetic-monitoring browsers.
pub(super) const TOOLS: &[Needle] = &[
    tool("headless"), tool("phantomjs"), tool("slimerjs"), tool("casperjs"), tool("zombie.js"), tool("selenium"),
    tool("webdriver"), tool("chromedriver"), tool("geckodriver"), tool("puppeteer"), tool("playwright"),
    tool("cypress"), tool("testcafe"), tool("nightmare"), tool("htmlunit"), tool("httpunit"), tool("jsdom"),
    tool("splash version"), tool("wkhtmlto"), tool("webkit2png"), tool("prerender"), tool("rendertron"), tool("browserless"),
    tool("browserstack"), tool("saucelabs"), tool("lambdatest"), tool("browsershots"), word("watir"), tool("dejaclick"),
    tool("synthetic"), tool("ghost inspector"), tool("catchpoint"), tool("gomezagent"), tool("dareboost"),
    tool("thousandeyes"), tool("newrelicsynth"), tool("lighthouse"), tool("pagespeed"), tool("page speed"),
    tool("webpagetest"), tool("gtmetrix"), tool("speedcurve"), tool("functionize"), tool("testlocally"),
    tool("browser-use"), tool("browserbase"), tool("stagehand"), tool("anchor browser"), tool("manus-user"),
    tool("devin/"), tool("skyvern"), tool("agentcore"), tool("mariner"), tool("wechatdevtools"),
    tool("ulixee"), tool("undetected"), tool("nodriver"), tool("capybara"), tool("poltergeist"), tool("ferrum/"),
    tool("scrapingbee"), tool("webscreenie"), tool("kimonolabs"), tool("uipath"), tool("automationanywhere"),
    tool("robotframework"), tool("katalon"), tool("appium"), tool("electron-prerender"), tool("ptst/"), tool("ptst "),
    word("jaunt/"), word("mshots"), word("qtwebkit screenshot"), word("cutycapt"), word("webthumb"), word("pagepeeker"),
    word("rigor"), word("pingdomtms"), word("apm-synthetics"), word("neustar"), word("alertsite"), word("sitespeed"),
];
