//! Tables of user agents and what they are.

use super::{classify, classify::is_caught};
use assay_model::facts::{DeviceType, UaKind};

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# "))
}

#[test]
fn people_are_people() {
    let taken: Vec<_> = lines(include_str!("fixtures/people.txt"))
        .filter(|ua| is_caught(&classify(ua)))
        .collect();
    assert!(taken.is_empty(), "{taken:#?}");
}

#[test]
fn robots_are_caught() {
    let free: Vec<_> = lines(include_str!("fixtures/robots.txt"))
        .filter(|ua| !is_caught(&classify(ua)))
        .collect();
    assert!(free.is_empty(), "{free:#?}");
}

#[test]
fn a_library_named_like_a_crawler_is_a_library() {
    for (ua, kind) in [
        ("node-fetch", UaKind::Library),
        (
            "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
            UaKind::Library,
        ),
        ("cross-fetch/4.0", UaKind::Library),
        (
            "node-fetch/1.0 (+https://examplebot.example)",
            UaKind::Crawler,
        ),
        ("examplefetch/2.0", UaKind::Crawler),
        ("prefetch node-fetch/1.0", UaKind::Crawler),
    ] {
        assert_eq!(classify(ua).kind, kind, "{ua}");
    }
}

/// People's odd strings, typed before the rules were fitted to them: none may be taken.
#[test]
fn odd_people_are_people() {
    let files = [
        include_str!("fixtures/people_desktop.txt"),
        include_str!("fixtures/people_old.txt"),
        include_str!("fixtures/people_devices.txt"),
        include_str!("fixtures/people_mobile.txt"),
    ];
    let taken: Vec<_> = files
        .into_iter()
        .flat_map(lines)
        .filter(|ua| is_caught(&classify(ua)))
        .collect();
    assert!(taken.is_empty(), "{taken:#?}");
}

/// Robots without a telling word, typed likewise. One word behind a whole desktop browser is what
/// tools of people add too, on Linux as elsewhere, so a few of these go free on purpose.
#[test]
fn quiet_robots_are_mostly_caught_and_attacks_always() {
    let quiet: Vec<_> = lines(include_str!("fixtures/robots_quiet.txt")).collect();
    let free: Vec<_> = quiet
        .iter()
        .filter(|ua| !is_caught(&classify(ua)))
        .collect();
    assert!(free.len() * 100 <= quiet.len() * 5, "{free:#?}");
    let missed: Vec<_> = lines(include_str!("fixtures/attacks.txt"))
        .filter(|ua| !is_caught(&classify(ua)))
        .collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn one_oddity_is_a_note_and_two_are_a_robot() {
    for (part, browser, end, caught, rule) in [
        (
            "; provider-token",
            "Chrome/120.0.0.0",
            "",
            false,
            "odd_platform_part",
        ),
        ("", "Chrome/120.0", "", false, "chrome_version_short"),
        ("", "Chrome/120.0.0.0", " Owlsight", false, "trailing_word"),
        (
            "; Owlsight",
            "Chrome/120.0.0.0",
            " Owlsight",
            true,
            "odd_platform_part",
        ),
        (
            "; Owlsight/1.0",
            "Chrome/120.0.0.0",
            "",
            true,
            "odd_platform_part",
        ),
        ("", "Chrome/120.0", " Owlsight", true, "trailing_word"),
    ] {
        let ua = format!(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64{part}) AppleWebKit/537.36 (KHTML, like Gecko) {browser} Safari/537.36{end}"
        );
        let facts = classify(&ua);
        assert_eq!(
            (is_caught(&facts), facts.mark.map(|m| m.rule.into_string())),
            (caught, Some(rule.to_owned())),
            "{ua}"
        );
    }
}

#[test]
fn each_kind_is_told() {
    use UaKind as K;
    for (ua, kind, rule) in [
        ("", K::Blank, "blank"),
        ("  -  ", K::Blank, "blank"),
        ("undefined", K::Blank, "blank"),
        ("SomeNewBot/1.0", K::Crawler, "crawler_word"),
        (
            "Mozilla/5.0 (compatible; Whatnot/1.0)",
            K::Crawler,
            "compatible_unknown",
        ),
        (
            "Whatnot (+https://whatnot.example)",
            K::Crawler,
            "contact_url",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36",
            K::Automation,
            "automation_tool",
        ),
        ("python-requests/2.31.0", K::Library, "http_library"),
        ("${jndi:ldap://a.example/x}", K::Scanner, "injection"),
        ("sqlmap/1.7", K::Scanner, "scanner_tool"),
        ("Whatnot", K::NonBrowser, "no_engine"),
        (
            "Mozilla/5.0 (Linux; Android 12; sdk_gphone64_arm64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/91.0.4472.114 Mobile Safari/537.36",
            K::Emulator,
            "emulator",
        ),
        ("okhttp/4.9.3", K::NativeApp, "app_stack"),
        (
            "Shop/4.2 (iPhone; iOS 17.1; Scale/3.00)",
            K::NativeApp,
            "app_stack",
        ),
        (
            "Shop/12 CFNetwork/1410.0.3 Darwin/22.6.0",
            K::NativeApp,
            "app_stack",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
            K::InApp,
            "web_view",
        ),
    ] {
        let facts = classify(ua);
        assert_eq!(
            (facts.kind, facts.mark.map(|m| m.rule.into_string())),
            (kind, Some(rule.to_owned())),
            "{ua}"
        );
    }
}

#[test]
fn browsers_are_described() {
    use DeviceType as D;
    for (ua, browser, os, device, model) in [
        (
            "Mozilla/5.0 (Linux; Android 13; SM-A715F) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.7151.61 Mobile Safari/537.36",
            "Chrome 137.0.7151.61",
            "Android 13",
            D::Phone,
            "SM-A715F",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Mobile Safari/537.36",
            "Chrome 137.0.0.0",
            "Android 10",
            D::Phone,
            "",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
            "Mobile Safari 18.5",
            "iOS 18.5",
            D::Phone,
            "iPhone",
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.6478.35 Mobile/15E148 Safari/604.1",
            "Chrome 126.0.6478.35",
            "iOS 17.5",
            D::Tablet,
            "iPad",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36 Edg/137.0.0.0",
            "Edge 137.0.0.0",
            "Windows 10.0",
            D::Desktop,
            "",
        ),
        (
            "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36",
            "Chrome 137.0.0.0",
            "ChromeOS 14541.0.0",
            D::Desktop,
            "",
        ),
        (
            "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/79.0.3945.79 Safari/537.36 WebAppManager",
            "Chrome 79.0.3945.79",
            "webOS ",
            D::Tv,
            "",
        ),
        (
            "Opera/9.80 (Android; Opera Mini/36.2.2254/191.256; U; en) Presto/2.12.423 Version/12.16",
            "Opera Mini 36.2.2254",
            "Android ",
            D::Phone,
            "",
        ),
        (
            "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; AS; rv:11.0) like Gecko",
            "Internet Explorer 11.0",
            "Windows 6.1",
            D::Desktop,
            "",
        ),
        (
            "Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5",
            "Firefox 48.0",
            "KaiOS 2.5",
            D::Phone,
            "",
        ),
    ] {
        let f = classify(ua);
        let got = (
            format!("{} {}", f.browser, f.browser_version),
            format!("{} {}", f.os, f.os_version),
            f.device_type,
            &*f.device_model,
        );
        assert_eq!(
            got,
            (browser.to_owned(), os.to_owned(), device, model),
            "{ua}"
        );
    }
}

#[test]
fn impossible_and_strange_strings_are_named() {
    for (ua, rule) in [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.1 Safari/537.36",
            "chrome_version",
        ),
        (
            "Mozilla/5.0 (Windows NT 11.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
            "system_version",
        ),
        (
            "Mozilla/5.0 (Windows NT 6.1; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
            "system_too_old",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15",
            "safari_on_windows",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Safari/537.36 Chrome/120.0.0.0",
            "chrome_form",
        ),
        (
            "Mozilla/5.0 (Linux; Android {release}; {device}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Mobile Safari/537.36",
            "unfilled",
        ),
        (
            "Mozilla/5.0 Windows NT 10.0; Win64; x64 AppleWebKit/537.36 KHTML, like Gecko Chrome/110.0.0.0 Safari/537.36",
            "platform_missing",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:95.0) Gecko/20100101 Firefox/120.0",
            "firefox_version",
        ),
        (
            "Mozilla/9.9 (Windows NT 10.0; rv:99.9) Gecko/20100101 Firefox/99.9",
            "mozilla_version",
        ),
        (
            "Mozilla/5.1 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0 Safari/537.36",
            "chrome_version_short",
        ),
    ] {
        assert_eq!(&*classify(ua).impossible, rule, "{ua}");
    }
    // Each of these is one oddity, or a fork's: a note at most.
    for ua in [
        "Mozilla/5.0 (Macintosh Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.1 Safari/605.1.15",
        "Mozilla/5.0 (Windows NT 6.1; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Forkling/131.0.6778.86",
        "Mozilla/5.0 (Windows NT 6.1; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    ] {
        assert!(!is_caught(&classify(ua)), "{ua}");
    }
    let made_up = classify(
        "Mozilla/5.0 (Linux; Android 6.0; Nexus 5 Build/MRA58N) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/54.0.9895.1771 Mobile Safari/537.36",
    );
    assert_eq!(
        made_up.mark.map(|m| m.rule.into_string()),
        Some("chrome_build_unreleased".to_owned())
    );
    assert_eq!(
        (made_up.kind, &*made_up.impossible, &*made_up.retired),
        (UaKind::Browser, "", "chrome<60")
    );
}

#[test]
fn an_encoded_string_is_decoded_first() {
    for ua in [
        "Mozilla%2F5.0%20%28X11%3B%20Linux%20x86_64%29%20AppleWebKit%2F537.36%20%28KHTML%2C%20like%20Gecko%29%20Chrome%2F120.0.0.0%20Safari%2F537.36",
        "Mozilla/5.0+(X11;+Linux+x86_64)+AppleWebKit/537.36+(KHTML,+like+Gecko)+Chrome/120.0.0.0+Safari/537.36",
    ] {
        let facts = classify(ua);
        assert_eq!(
            (facts.kind, &*facts.browser, &*facts.impossible),
            (UaKind::Browser, "Chrome", ""),
            "{ua}"
        );
    }
}

#[test]
fn the_name_of_a_crawler_is_kept() {
    let facts = classify("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)");
    assert_eq!(
        facts.mark.map(|m| m.name.into_string()),
        Some("AhrefsBot".to_owned())
    );
}

#[test]
fn a_view_inside_an_app_may_be_named_after_what_the_app_does() {
    const VIEW: &str = "Mozilla/5.0 (Linux; Android 13; X1 Build/TP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/120.0.6099.43 Mobile Safari/537.36";
    for (app, caught) in [
        ("TicketInspector/4.2", false),
        ("SpeedTester/1.0", false),
        ("Homes.com/7.1", false),
        ("NewsSpider/2.0", true),
    ] {
        let ua = format!("{VIEW} {app}");
        assert_eq!(is_caught(&classify(&ua)), caught, "{ua}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_classified_the_same_twice(ua in "\\PC{0,300}") {
        proptest::prop_assert_eq!(classify(&ua), classify(&ua));
    }

    #[test]
    fn cut_and_spoiled_strings_do_not_panic(cut in 0_usize..200, extra in "[()\\[\\];/. %é]{0,12}") {
        let whole = "Mozilla/5.0 (Linux; Android 13; SM-A715F Build/TP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Mobile Safari/537.36 [FBAN/FB4A;FBAV/1;]";
        let part = whole.get(..cut.min(whole.len())).unwrap_or(whole);
        let _ = classify(&format!("{part}{extra}{part}"));
    }
}

#[test]
fn telephones_named_like_robots_are_telephones() {
    const NAMES: &[&str] = &[
        "CUBOT X19",
        "CUBOT_NOTE_S",
        "XBOT_Junior",
        "M bot 60",
        "Spider 8",
        "iSpider",
        "Discovery II",
        "Radar C110e",
        "jackpot2lte",
        "Robot 7",
        "Monitor X1",
        "Phantom 6",
        "ruby_global",
        "Seoul 5",
        "Agent 99",
        "Headless X",
        "Search A1",
    ];
    const SHAPES: &[&str] = &[
        "Mozilla/5.0 (Linux; Android 9; {n} Build/PPR1.180610.011) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/80.0.3987.99 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 9; {n}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/80.0.3987.99 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; U; Android 4.4.2; en-us; {n} Build/KOT49H) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
        "Mozilla/5.0 (Linux; Android 9; {n} Build/PPR1; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/80.0.3987.99 Mobile Safari/537.36 Instagram 150.0.0.33.120 Android (28/9; 480dpi; 1080x2076; {n}; {n}; {n}; mt6763; en_US; 1)",
        "Dalvik/2.1.0 (Linux; U; Android 9; {n} Build/PPR1)",
        "Opera/9.80 (Linux; Opera Mobi/ADR; Android 4.2; {n}) Presto/2.11.355 Version/12.10",
        "UCWEB/2.0 (MIDP-2.0; U; Adr 4.4.2; en-US; {n}) U2/1.0.0 UCBrowser/10.9.8.770 U2/1.0.0 Mobile",
        "[FBAN/FB4A;FBAV/363.0.0.30.112;FBMF/{n};FBBD/{n};FBDV/{n};FBSV/10;FBOP/1]",
        "Mozilla/5.0 (Windows Phone 8.1; ARM; Trident/7.0; Touch; rv:11.0; IEMobile/11.0; HTC; {n}) like Gecko",
    ];
    let all = NAMES
        .iter()
        .flat_map(|name| SHAPES.iter().map(move |shape| shape.replace("{n}", name)));
    let taken: Vec<_> = all.filter(|ua| is_caught(&classify(ua))).collect();
    assert!(taken.is_empty(), "{taken:#?}");
}
