//! What a browser's own signals prove, for the filters that judge clients.
//!
//! Signals come from the visitor: they can accuse, never acquit. One sign that people's
//! browsers show too proves nothing; two together do.

use assay_model::facts::{DeviceType, SignalFacts, UaFacts};
use assay_model::reason::{Reason, Risk};
use assay_model::verdict::Finding;

use super::ua_spoofing::{Family, family, family_in, spoofed};

/// Names that only driving tools leave in a page.
const DRIVEN: [&str; 22] = [
    "callPhantom",
    "_phantom",
    "__nightmare",
    "domAutomation",
    "domAutomationController",
    "__webdriver_evaluate",
    "__selenium_evaluate",
    "__webdriver_script_fn",
    "__driver_evaluate",
    "__fxdriver_evaluate",
    "_Selenium_IDE_Recorder",
    "_selenium",
    "callSelenium",
    "__playwright",
    "__pw_manual",
    "__puppeteer_evaluation_script__",
    "cdc",
    "html_webdriver",
    "html_selenium",
    "html_driver",
    "webdriver",
    "HeadlessChrome",
];

/// Marks that some people's browsers have as well: embedded, patched, or odd ones.
const ODD: [&str; 8] = [
    "awesomium",
    "RunPerfTest",
    "CefSharp",
    "webdriver_patched",
    "no_window_size",
    "no_languages",
    "chrome_without_chrome",
    "notification_contradiction",
];

/// Renderers that draw without a graphics card.
const SOFTWARE: [&str; 4] = ["swiftshader", "llvmpipe", "softpipe", "software rasterizer"];

/// Renderers of virtual machines and of desktop cards: no phone has one.
const NO_PHONE: [&str; 10] = [
    "android emulator",
    "bluestacks",
    "virtualbox",
    "vmware",
    "parallels",
    "direct3d",
    "geforce",
    "radeon",
    "nvidia rtx",
    "intel(r)",
];

/// A driven or headless browser.
pub(super) fn automation(signals: &SignalFacts) -> Option<Finding<'_>> {
    let finding = |token: String, rule| {
        Finding::new(Reason::Automation)
            .with("token", token)
            .with("rule", rule)
    };
    if signals.webdriver == Some(true) {
        return Some(finding("navigator.webdriver".to_owned(), "webdriver"));
    }
    if let Some(mark) = signals.marks.iter().find(|m| DRIVEN.contains(&m.as_str())) {
        return Some(finding(mark.clone(), "page_mark"));
    }
    if signals
        .user_agent
        .as_ref()
        .is_some_and(|ua| ua.contains("HeadlessChrome"))
    {
        return Some(finding("HeadlessChrome".to_owned(), "script_user_agent"));
    }
    let mut odd: Vec<&str> = signals
        .marks
        .iter()
        .map(String::as_str)
        .filter(|mark| ODD.contains(mark))
        .collect();
    if renderer_is_one_of(signals, &SOFTWARE) {
        odd.push("software_renderer");
    }
    (odd.len() >= 2).then(|| finding(odd.join(" + "), "odd_marks"))
}

/// A phone that draws with what no phone has.
pub(super) fn emulator<'a>(signals: &'a SignalFacts, ua: &UaFacts) -> Option<Finding<'a>> {
    let phone = matches!(ua.device_type, DeviceType::Phone | DeviceType::Tablet);
    let mobile =
        matches!(family(&ua.os), Some(Family::Android | Family::Apple)) && &*ua.os != "macOS";
    (phone && mobile && renderer_is_one_of(signals, &NO_PHONE)).then(|| {
        Finding::new(Reason::Emulator)
            .with_some("token", signals.renderer.as_deref())
            .with("rule", "renderer")
    })
}

fn renderer_is_one_of(signals: &SignalFacts, names: &[&str]) -> bool {
    let renderer = signals
        .renderer
        .as_deref()
        .unwrap_or("")
        .to_ascii_lowercase();
    names.iter().any(|name| renderer.contains(name))
}

/// Where scripts are told another client than the server.
pub(super) fn contradictions<'a>(
    signals: &'a SignalFacts,
    ua: &'a UaFacts,
    sent: &str,
) -> impl Iterator<Item = Finding<'a>> {
    [
        script_user_agent(signals, ua, sent),
        script_platform(signals, ua),
        no_touch(signals, ua),
    ]
    .into_iter()
    .flatten()
}

/// `navigator.userAgent` is not what was sent. Another system is a lie; another text of the
/// same system may be an app that changes only its first request.
fn script_user_agent<'a>(
    signals: &'a SignalFacts,
    ua: &'a UaFacts,
    sent: &str,
) -> Option<Finding<'a>> {
    let told = signals.user_agent.as_deref()?;
    if told == sent {
        return None;
    }
    let finding = spoofed(&ua.os, told, "script_user_agent");
    let differs = family_in(&told.to_ascii_lowercase()) != family(&ua.os);
    Some(if differs {
        finding
    } else {
        finding.at_most(Risk::Low)
    })
}

/// `navigator.platform` belongs to another system. On `Linux` Android runs as well, and an
/// iPad says `MacIntel`.
fn script_platform<'a>(signals: &'a SignalFacts, ua: &'a UaFacts) -> Option<Finding<'a>> {
    let platform = signals.platform.as_deref()?;
    let told = match platform {
        p if p.starts_with("Win") => Family::Windows,
        p if p.starts_with("Mac") || p.starts_with("iP") => Family::Apple,
        p if p.starts_with("Linux") || p.starts_with("X11") => Family::Linux,
        _ => return None,
    };
    let claimed = family(&ua.os)?;
    let fits = told == claimed || (told == Family::Linux && claimed == Family::Android);
    (!fits).then(|| spoofed(&ua.os, platform, "script_platform"))
}

/// A phone on which nothing can be touched.
fn no_touch<'a>(signals: &'a SignalFacts, ua: &'a UaFacts) -> Option<Finding<'a>> {
    let smart = matches!(family(&ua.os)?, Family::Android | Family::Apple);
    (smart && ua.device_type == DeviceType::Phone && signals.touch_points == Some(0))
        .then(|| spoofed(&ua.os, "no touch", "no_touch").at_most(Risk::Low))
}
