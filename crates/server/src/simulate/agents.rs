//! Browsers, views inside apps and apps that people use at the end of 2026.
//!
//! Source: the reduced user agents that Chromium (since 107), Safari (frozen at 10_15_7 and,
//! from iOS 26 on, at 18_x) and Firefox send; app views as Meta and TikTok write them.

use super::event::ClientHints;
use super::rng::Rng;

/// What a device runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    Android,
    Ios,
    Windows,
    Mac,
    Linux,
    Tv,
}

/// What a visitor uses.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub user_agent: String,
    pub hints: Option<ClientHints>,
    pub system: System,
    /// An app of a publisher, which passes device ids, and not a page.
    pub app: bool,
}

const CHROME: &[(u32, u32)] = &[
    (157, 50),
    (156, 25),
    (155, 8),
    (150, 3),
    (146, 3),
    (138, 2),
    (109, 1),
];
const FIREFOX: &[(u32, u32)] = &[(158, 60), (157, 20), (140, 12), (115, 4)];
const SAFARI: &[(&str, &str, u32)] = &[
    ("27.1", "18_7", 45),
    ("27.0", "18_7", 20),
    ("26.4", "18_7", 14),
    ("18.6", "18_6", 9),
    ("17.6.1", "17_6_1", 6),
    ("16.6.1", "16_6_1", 4),
];
const BUILDS: &[&str] = &["23A355", "23B85", "22G86", "21G93"];

/// Telephones with their Android version; some are named like robots and belong to people.
const PHONES: &[(&str, u32, u32)] = &[
    ("SM-S938B", 16, 14),
    ("SM-S928U", 16, 12),
    ("SM-A556B", 16, 14),
    ("SM-A155F", 15, 12),
    ("Pixel 9", 16, 9),
    ("Pixel 8a", 16, 7),
    ("2312DRA50G", 15, 10),
    ("23117RA68G", 14, 8),
    ("CPH2581", 15, 8),
    ("V2318", 14, 6),
    ("moto g84 5G", 14, 6),
    ("RMX3890", 14, 6),
    ("SM-J250F", 9, 2),
    ("CUBOT NOTE 50", 13, 1),
    ("CUBOT X30", 10, 1),
    ("Spider 8", 9, 1),
    ("XBOT_Junior", 9, 1),
    ("M bot 60", 7, 1),
];

/// Something a visitor uses, drawn as the market has them.
pub(super) fn client(rng: &mut Rng, apple_only: bool) -> Client {
    type Make = fn(&mut Rng) -> Client;
    const MAKERS: &[(Make, u32, bool)] = &[
        (chrome_android, 235, false),
        (safari_phone, 190, true),
        (chrome_desktop, 190, false),
        (safari_mac, 40, true),
        (edge, 55, false),
        (firefox, 35, false),
        (samsung, 40, false),
        (chrome_ios, 18, true),
        (opera, 12, false),
        (facebook_android, 40, false),
        (facebook_ios, 30, true),
        (instagram_android, 22, false),
        (instagram_ios, 24, true),
        (tiktok_android, 16, false),
        (app_android, 75, false),
        (app_ios, 55, true),
        (tv, 8, false),
    ];
    loop {
        let (make, _, apple) = rng.weighted(MAKERS, |row| row.1);
        if *apple || !apple_only {
            return make(rng);
        }
    }
}

fn chrome_version(rng: &mut Rng) -> u32 {
    rng.weighted(CHROME, |row| row.1).0
}

fn phone(rng: &mut Rng) -> (&'static str, u32) {
    let (model, android, _) = rng.weighted(PHONES, |row| row.2);
    (model, *android)
}

/// The hints of a Chromium browser of this brand.
pub(super) fn hints(brand: &str, version: u32, platform: &str, mobile: bool) -> ClientHints {
    ClientHints {
        brands: format!(
            "\"Chromium\";v=\"{version}\", \"{brand}\";v=\"{version}\", \"Not)A;Brand\";v=\"24\""
        ),
        platform: format!("\"{platform}\""),
        mobile,
    }
}

fn web(user_agent: String, system: System, hints: Option<ClientHints>) -> Client {
    Client {
        user_agent,
        hints,
        system,
        app: false,
    }
}

pub(super) fn chrome_android(rng: &mut Rng) -> Client {
    let v = chrome_version(rng);
    // Old telephones and a few makers' builds still name the model.
    let (platform, odd) = if rng.chance(0.12) {
        let (model, android) = phone(rng);
        (format!("Android {android}; {model}"), true)
    } else {
        ("Android 10; K".to_owned(), false)
    };
    let ua = format!(
        "Mozilla/5.0 (Linux; {platform}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Mobile Safari/537.36"
    );
    let hints = (!odd).then(|| hints("Google Chrome", v, "Android", true));
    web(ua, System::Android, hints)
}

pub(super) fn chrome_desktop(rng: &mut Rng) -> Client {
    let v = chrome_version(rng);
    let (platform, name, system) = *rng.weighted(DESKTOPS, |row| match row.2 {
        System::Windows => 78,
        System::Mac => 17,
        _ => 5,
    });
    let ua = format!(
        "Mozilla/5.0 ({platform}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36"
    );
    web(ua, system, Some(hints("Google Chrome", v, name, false)))
}

const DESKTOPS: &[(&str, &str, System)] = &[
    ("Windows NT 10.0; Win64; x64", "Windows", System::Windows),
    ("Macintosh; Intel Mac OS X 10_15_7", "macOS", System::Mac),
    ("X11; Linux x86_64", "Linux", System::Linux),
];

fn edge(rng: &mut Rng) -> Client {
    let v = chrome_version(rng);
    let ua = format!(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36 Edg/{v}.0.0.0"
    );
    web(
        ua,
        System::Windows,
        Some(hints("Microsoft Edge", v, "Windows", false)),
    )
}

fn opera(rng: &mut Rng) -> Client {
    let v = chrome_version(rng).max(140);
    let own = v - 16;
    let ua = format!(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36 OPR/{own}.0.0.0"
    );
    let mut hints = hints("Opera", v, "Windows", false);
    hints.brands = hints.brands.replace(
        &format!("\"Opera\";v=\"{v}\""),
        &format!("\"Opera\";v=\"{own}\""),
    );
    web(ua, System::Windows, Some(hints))
}

pub(super) fn firefox(rng: &mut Rng) -> Client {
    let v = rng.weighted(FIREFOX, |row| row.1).0;
    let (platform, system) = *rng.pick(&[
        ("Windows NT 10.0; Win64; x64", System::Windows),
        ("Windows NT 10.0; Win64; x64", System::Windows),
        ("Macintosh; Intel Mac OS X 10.15", System::Mac),
        ("X11; Linux x86_64", System::Linux),
        ("Android 15; Mobile", System::Android),
    ]);
    let engine = if system == System::Android {
        format!("{v}.0")
    } else {
        "20100101".to_owned()
    };
    web(
        format!("Mozilla/5.0 ({platform}; rv:{v}.0) Gecko/{engine} Firefox/{v}.0"),
        system,
        None,
    )
}

pub(super) fn safari_phone(rng: &mut Rng) -> Client {
    let (version, system, _) = rng.weighted(SAFARI, |row| row.2);
    let ua = format!(
        "Mozilla/5.0 (iPhone; CPU iPhone OS {system} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{version} Mobile/15E148 Safari/604.1"
    );
    web(ua, System::Ios, None)
}

fn safari_mac(rng: &mut Rng) -> Client {
    let (version, ..) = rng.weighted(SAFARI, |row| row.2);
    let ua = format!(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{version} Safari/605.1.15"
    );
    web(ua, System::Mac, None)
}

fn chrome_ios(rng: &mut Rng) -> Client {
    let v = chrome_version(rng).max(138);
    let ua = format!(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/{v}.0.7800.41 Mobile/15E148 Safari/604.1"
    );
    web(ua, System::Ios, None)
}

fn samsung(rng: &mut Rng) -> Client {
    let (own, v) = *rng.pick(&[(30, 143), (29, 136), (28, 130)]);
    let ua = format!(
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/{own}.0 Chrome/{v}.0.0.0 Mobile Safari/537.36"
    );
    web(ua, System::Android, None)
}

/// The part all Android views share.
fn android_view(rng: &mut Rng) -> (String, &'static str, u32) {
    let (model, android) = phone(rng);
    let v = chrome_version(rng);
    let ua = format!(
        "Mozilla/5.0 (Linux; Android {android}; {model} Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/{v}.0.{}.{} Mobile Safari/537.36",
        7339 + (u64::from(v).max(140) - 140) * 46,
        rng.between(20, 180)
    );
    (ua, model, android)
}

fn facebook_android(rng: &mut Rng) -> Client {
    let (ua, ..) = android_view(rng);
    let version = rng.between(520, 541);
    web(
        format!("{ua} [FB_IAB/FB4A;FBAV/{version}.0.0.44.77;]"),
        System::Android,
        None,
    )
}

fn instagram_android(rng: &mut Rng) -> Client {
    let (ua, model, android) = android_view(rng);
    let version = rng.between(395, 410);
    let ua = format!(
        "{ua} Instagram {version}.0.0.48.109 Android (36/{android}; 450dpi; 1080x2209; samsung; {model}; a55x; s5e8845; de_DE; 7{}; IABMV/1)",
        rng.between(10_000_000, 99_999_999)
    );
    web(ua, System::Android, None)
}

fn tiktok_android(rng: &mut Rng) -> Client {
    let (ua, ..) = android_view(rng);
    web(
        format!(
            "{ua} trill_2024{:02} BytedanceWebview/d8a21c6",
            rng.between(1, 12)
        ),
        System::Android,
        None,
    )
}

fn ios_view(rng: &mut Rng) -> String {
    let build = rng.pick(BUILDS);
    format!(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/{build}"
    )
}

fn facebook_ios(rng: &mut Rng) -> Client {
    let ua = ios_view(rng);
    let (version, model) = (
        rng.between(520, 541),
        rng.pick(&["iPhone17,1", "iPhone16,2", "iPhone14,5", "iPhone12,1"]),
    );
    web(
        format!(
            "{ua} [FBAN/FBIOS;FBAV/{version}.0.0.31.90;FBBV/7{};FBDV/{model};FBMD/iPhone;FBSN/iOS;FBSV/26.1;FBSS/3;FBCR/;FBID/phone;FBLC/en_US;FBOP/80]",
            rng.between(10_000_000, 99_999_999)
        ),
        System::Ios,
        None,
    )
}

fn instagram_ios(rng: &mut Rng) -> Client {
    let ua = ios_view(rng);
    web(
        format!(
            "{ua} Instagram {}.0.0.29.70 (iPhone17,1; iOS 26_1; en_US; en; scale=3.00; 1206x2622; 8{})",
            rng.between(395, 410),
            rng.between(10_000_000, 99_999_999)
        ),
        System::Ios,
        None,
    )
}

/// An ad view in an Android app: the system's web view.
pub(super) fn app_android(rng: &mut Rng) -> Client {
    let (user_agent, model, android) = android_view(rng);
    // A tenth of the software kits send the app's own network stack.
    let user_agent = if rng.chance(0.1) {
        format!("Dalvik/2.1.0 (Linux; U; Android {android}; {model} Build/UP1A.231005.007)")
    } else {
        user_agent
    };
    Client {
        user_agent,
        hints: None,
        system: System::Android,
        app: true,
    }
}

/// An ad view in an iOS app.
pub(super) fn app_ios(rng: &mut Rng) -> Client {
    Client {
        user_agent: ios_view(rng),
        hints: None,
        system: System::Ios,
        app: true,
    }
}

fn tv(rng: &mut Rng) -> Client {
    let ua = *rng.pick(&[
        "Mozilla/5.0 (SMART-TV; LINUX; Tizen 8.0) AppleWebKit/537.36 (KHTML, like Gecko) 108.0.5359.1/8.0 TV Safari/537.36",
        "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0.5359.211 Safari/537.36 WebAppManager",
        "Mozilla/5.0 (Linux; Android 11; BRAVIA 4K VH2 Build/RTT0.211026.001; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/137.0.7151.104 Mobile Safari/537.36",
    ]);
    web(ua.to_owned(), System::Tv, None)
}
