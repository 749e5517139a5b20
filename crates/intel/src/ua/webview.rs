//! Browser views inside apps, and which app.
//!
//! The people in them are real; the host app is a fact worth keeping (the bundle id of an event has
//! to agree with it).

use super::parse::{Parsed, has_ci};
use super::table::Table;
use std::sync::LazyLock;

/// Text that an app's view adds, and the app.
const HOSTS: &[(&str, &str)] = &[
    ("FBAN/Messenger", "Messenger"),
    ("Orca-Android", "Messenger"),
    ("FB_IAB/MESSENGER", "Messenger"),
    ("Instagram", "Instagram"),
    ("Barcelona ", "Threads"),
    ("FBAN/", "Facebook"),
    ("FBAV/", "Facebook"),
    ("FB_IAB/", "Facebook"),
    ("musical_ly", "TikTok"),
    ("BytedanceWebview", "TikTok"),
    ("trill_", "TikTok"),
    ("TikTok", "TikTok"),
    ("aweme", "Douyin"),
    ("Snapchat", "Snapchat"),
    ("Pinterest", "Pinterest"),
    ("LinkedInApp", "LinkedIn"),
    ("[LinkedIn", "LinkedIn"),
    ("TwitterAndroid", "Twitter"),
    ("Twitter for", "Twitter"),
    (" Line/", "Line"),
    ("MicroMessenger", "WeChat"),
    ("WindowsWechat", "WeChat"),
    ("KAKAOTALK", "KakaoTalk"),
    ("NAVER(", "Naver"),
    ("DaumApps", "Daum"),
    ("baiduboxapp", "Baidu"),
    ("GSA/", "Google"),
    ("GoogleWv", "Google"),
    ("GeminiiOS", "Gemini"),
    ("AliApp", "Alibaba"),
    ("AlipayClient", "Alipay"),
    ("DingTalk", "DingTalk"),
    ("Weibo", "Weibo"),
    (" QQ/", "QQ"),
    ("ZhihuHybrid", "Zhihu"),
    ("Telegram", "Telegram"),
    ("Viber", "Viber"),
    ("Zalo", "Zalo"),
    ("Reddit/", "Reddit"),
    ("Tumblr", "Tumblr"),
    ("Discord", "Discord"),
    ("Slack/", "Slack"),
    ("Slack_SSB", "Slack"),
    ("MSTeams", "Teams"),
    ("Teams/", "Teams"),
    ("BingSapphire", "Bing"),
    ("NewsSapphire", "Microsoft Start"),
    ("Flipboard", "Flipboard"),
    ("YJApp", "Yahoo Japan"),
    ("SmartNews", "SmartNews"),
    ("NewsBreak", "NewsBreak"),
    ("Phantom/", "Phantom"),
    ("MetaMaskMobile", "MetaMask"),
    ("TrustWallet", "Trust Wallet"),
    ("VKAndroid", "VK"),
    ("Spotify", "Spotify"),
    ("Kwai", "Kwai"),
    ("ShopeeApp", "Shopee"),
    ("Lazada", "Lazada"),
    ("YahooMobile", "Yahoo"),
    ("AolApp", "AOL"),
    ("EdgW/", "Edge WebView"),
    ("TMCWEB", "Truecaller"),
];

static HOST_TABLE: LazyLock<Table> =
    LazyLock::new(|| Table::exact(HOSTS.iter().map(|(mark, _)| *mark)));

/// The host app when the string is a view inside an app; an empty name is an unknown app.
pub(super) fn host(parsed: &Parsed<'_>) -> Option<&'static str> {
    let raw = parsed.raw;
    if let Some((_, name)) = HOST_TABLE.first(raw).and_then(|at| HOSTS.get(at)) {
        return Some(name);
    }
    let android = parsed
        .comments
        .first()
        .is_some_and(|c| c.segments().any(|(text, _)| text == "wv"));
    (android || is_bare_ios_view(parsed)).then_some("")
}

/// iOS views have no `Safari/` and no `Version/`, unlike the browser.
fn is_bare_ios_view(parsed: &Parsed<'_>) -> bool {
    let platform = parsed.platform();
    (has_ci(platform, "iPhone") || has_ci(platform, "iPad") || has_ci(platform, "iPod"))
        && parsed.product("AppleWebKit").is_some()
        && parsed.product("Safari").is_none()
        && parsed.product("Version").is_none()
        && parsed
            .products
            .iter()
            .any(|p| p.name == "Mobile" && p.has_version())
}
