//! Where words mean nothing: the names makers give their devices.
//!
//! There are telephones called Cubot, XBot, M bot, Spider 8, Discovery and Radar. Their owners are
//! people, so the place where a device name stands is covered before words are looked for. A cover
//! is refused when the text in it cannot be a device name (an address, a product with a contact).

use super::parse::{Comment, Parsed, has_ci, starts_ci};
use smallvec::SmallVec;

/// Ranges of the string that hold device names.
#[derive(Clone, Debug, Default)]
pub(super) struct Masks {
    ranges: SmallVec<[(usize, usize); 8]>,
}

impl Masks {
    /// Finds the device names in `parsed`.
    pub fn new(parsed: &Parsed<'_>) -> Self {
        let mut masks = Self::default();
        for comment in &parsed.comments {
            masks.comment(comment);
        }
        masks.bracket(parsed);
        masks.feature_phone(parsed);
        masks
    }

    /// Whether the byte at `at` belongs to a device name.
    pub fn cover(&self, at: usize) -> bool {
        self.ranges
            .iter()
            .any(|(from, to)| (*from..*to).contains(&at))
    }

    fn add(&mut self, text: &str, start: usize) {
        if !has_ci(text, "http") && !text.contains('@') && !text.contains('+') && !is_robot(text) {
            self.ranges.push((start, start + text.len()));
        }
    }

    fn comment(&mut self, comment: &Comment<'_>) {
        if let Some((text, at)) = android_model(comment) {
            self.add(text, at);
        }
        if is_app_device_list(comment.text) {
            self.ranges
                .push((comment.start, comment.start + comment.text.len()));
        }
        let mut after = None;
        for (index, (text, at)) in comment.segments().enumerate() {
            if after.is_some_and(|seen: usize| index > seen) && !text.contains('/') {
                self.add(text, at);
            }
            // Windows Phone: `IEMobile/11.0; MAKER; MODEL`. Java: `MIDP-2.0; U; Adr 9; xx; MODEL`.
            if starts_ci(text, "IEMobile") || starts_ci(text, "MIDP-") || starts_ci(text, "Adr ") {
                after = Some(index);
            }
        }
    }

    /// `[FBAN/…;FBMF/CUBOT;FBDV/CUBOT X19;…]`.
    fn bracket(&mut self, parsed: &Parsed<'_>) {
        if has_ci(parsed.bracket, "FBAV/") || has_ci(parsed.bracket, "FBAN/") {
            let start = parsed.bracket.as_ptr() as usize - parsed.raw.as_ptr() as usize;
            self.ranges.push((start, start + parsed.bracket.len()));
        }
    }

    /// `Spice-M5350/1.0 Profile/MIDP-2.0 …`: the first word is the device.
    fn feature_phone(&mut self, parsed: &Parsed<'_>) {
        let Some(first) = parsed.products.first() else {
            return;
        };
        if first.name != "Mozilla" && (has_ci(parsed.raw, "MIDP-") || has_ci(parsed.raw, "CLDC-")) {
            self.add(first.name, first.start);
        }
    }
}

/// The segment after `Android x`, `Tizen x` or `Mobile` that names the device.
pub(super) fn android_model<'a>(comment: &Comment<'a>) -> Option<(&'a str, usize)> {
    let mut seen = false;
    for (text, at) in comment.segments() {
        if seen && !is_filler(text) {
            return Some((text, at));
        }
        seen |= ["Android", "Tizen", "Adr "]
            .iter()
            .any(|lead| starts_ci(text, lead))
            || text == "Mobile";
    }
    None
}

/// Segments that stand between the version and the model.
fn is_filler(text: &str) -> bool {
    let locale = text.len() <= 7
        && text
            .get(..2)
            .is_some_and(|l| l.bytes().all(|b| b.is_ascii_lowercase()))
        && (text.len() == 2 || matches!(text.as_bytes().get(2), Some(b'-' | b'_')));
    locale
        || matches!(
            text,
            "U" | "wv" | "Mobile" | "Tablet" | "" | "arm" | "arm_64" | "K" | "HarmonyOS"
        )
        || starts_ci(text, "rv:")
}

/// Instagram, Pinterest, Snapchat: `(33/13; 420dpi; 1080x2209; Google/google; Pixel 6; …)`.
fn is_app_device_list(text: &str) -> bool {
    has_ci(text, "dpi;") && text.matches(';').count() >= 4
}

/// `SomeBot/1.0` in the model's place is a robot, `CUBOT X19 Build/…` is a telephone.
fn is_robot(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    if lower.contains(" build/") || lower.contains("cubot") {
        return false;
    }
    ["bot/", "spider/", "crawler/", "robot/"]
        .iter()
        .any(|w| lower.contains(w))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(ua: &str, word: &str) -> bool {
        Masks::new(&Parsed::new(ua)).cover(ua.find(word).unwrap())
    }

    #[test]
    fn device_names_are_covered() {
        for (ua, word) in [
            (
                "Mozilla/5.0 (Linux; Android 9; CUBOT X19 Build/PPR1) AppleWebKit/537.36",
                "BOT",
            ),
            (
                "Mozilla/5.0 (Linux; U; Android 4.4.2; en-us; Spider 8 Build/KOT49H) AppleWebKit/534.30",
                "Spider",
            ),
            (
                "Mozilla/5.0 (Linux; Android 7.0; M bot 60) AppleWebKit/537.36",
                "bot",
            ),
            (
                "Dalvik/2.1.0 (Linux; U; Android 9; XBOT_Junior Build/PPR1)",
                "BOT",
            ),
            ("x [FBAN/FB4A;FBAV/1;FBDV/CUBOT X19;]", "CUBOT"),
            (
                "Mozilla/5.0 (Mobile; Spider M7; rv:28.0) Gecko/28.0 Firefox/28.0",
                "Spider",
            ),
            (
                "Mozilla/5.0 (Windows Phone 10.0; Android 4.2.1; IEMobile/11.0; CUBOT; Radar C110e)",
                "Radar",
            ),
        ] {
            assert!(covered(ua, word), "{ua}");
        }
    }

    #[test]
    fn a_robot_in_the_models_place_is_not_covered() {
        for (ua, word) in [
            (
                "Mozilla/5.0 (Linux; Android 7.0; NewsBot/1.0) AppleWebKit/537.36",
                "Bot",
            ),
            (
                "Mozilla/5.0 (Linux; Android 7.0; x +http://a.example/bot) AppleWebKit/537.36",
                "bot",
            ),
            (
                "Mozilla/5.0 (Linux; Android 8.0; Pixel 2 Build/OPD3; Storebot-Google/1.0) AppleWebKit/537.36",
                "bot",
            ),
        ] {
            assert!(!covered(ua, word), "{ua}");
        }
    }
}
