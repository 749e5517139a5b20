//! Apps' own network stacks: normal for app events, odd for page views.

use super::parse::{Parsed, has_ci, starts_ci};

/// What kind of app wrote the string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum App<'a> {
    /// A network stack, or an app that sends its own string; with the text that tells.
    Stack(&'a str),
    /// A well-known app that people browse and follow links in.
    People(&'static str),
    /// A program on a desktop computer.
    Desktop(&'a str),
}

/// Apps whose own string names a person's telephone.
const PEOPLES_APPS: &[(&str, &str)] = &[
    ("com.google.android.youtube", "YouTube"),
    ("com.google.ios.youtube", "YouTube"),
    ("com.google.", "Google"),
    ("Instagram ", "Instagram"),
    ("Pinterest for ", "Pinterest"),
    ("[FBAN/", "Facebook"),
    ("Snapchat/", "Snapchat"),
    ("TikTok ", "TikTok"),
    ("com.zhiliaoapp.musically/", "TikTok"),
    ("com.ss.android.ugc.trill/", "TikTok"),
    ("Twitter for ", "Twitter"),
    ("TwitterAndroid/", "Twitter"),
];

/// Recognises an app's string; browsers and programs give `None`.
pub(super) fn recognise<'a>(parsed: &Parsed<'a>) -> Option<App<'a>> {
    let raw = parsed.raw;
    for (head, name) in PEOPLES_APPS {
        if raw.starts_with(head) && (raw.contains('(') || raw.contains(';') || raw.contains(' ')) {
            return Some(App::People(name));
        }
    }
    if has_ci(raw, "applewebkit") || has_ci(raw, "gecko/") {
        return None;
    }
    if has_ci(raw, "cfnetwork/") && has_ci(raw, "darwin/") {
        let desktop = has_ci(raw, "(x86_64)") || has_ci(raw, "(i386)") || has_ci(raw, "(power");
        let name = parsed.products.first().map_or("CFNetwork", |p| p.name);
        return Some(if desktop {
            App::Desktop(name)
        } else {
            App::Stack("CFNetwork")
        });
    }
    for stack in [
        "Dalvik/",
        "okhttp/",
        "okhttp-",
        "Cronet/",
        "Android-Volley",
        "AppleCoreMedia/",
        "stagefright/",
        "ExoPlayer",
        "UnityPlayer/",
    ] {
        if let Some(at) = super::parse::find_ci(raw, stack) {
            return raw.get(at..at + stack.len()).map(App::Stack);
        }
    }
    telephone_comment(parsed)
        .or_else(|| telephone_product(parsed))
        .map(App::Stack)
}

/// `Music/8.9.58 Android/33 (X-A145R)`: an app, then the telephone's system as a product.
fn telephone_product<'a>(parsed: &Parsed<'a>) -> Option<&'a str> {
    let [first, second, ..] = parsed.products.as_slice() else {
        return None;
    };
    let system = ["Android", "iOS", "iPadOS", "tvOS"].contains(&second.name)
        && second.version.starts_with(|c: char| c.is_ascii_digit());
    (system && first.has_version() && first.name != "Mozilla").then_some(first.name)
}

/// `Shop/4.2 (iPhone; iOS 17.1; Scale/3.00)`: a product of an app with the telephone after it.
fn telephone_comment<'a>(parsed: &Parsed<'a>) -> Option<&'a str> {
    let first = parsed.products.first()?;
    if first.name.eq_ignore_ascii_case("Mozilla") || starts_ci(parsed.raw, "Opera") {
        return None;
    }
    parsed
        .comments
        .iter()
        .find(|c| names_telephone(c.text))
        .map(|_| first.name)
}

fn names_telephone(text: &str) -> bool {
    let apple = ["iphone", "ipad", "ipod", "apple watch"]
        .iter()
        .any(|w| has_ci(text, w))
        && has_ci(text, "os ");
    let ios = has_ci(text, "ios ") || has_ci(text, "iphone os") || has_ci(text, "ipados ");
    let android = has_ci(text, "android ") && text.bytes().any(|b| b.is_ascii_digit());
    apple || ios || android
}
