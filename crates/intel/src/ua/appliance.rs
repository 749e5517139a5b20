//! Desk telephones, set-top boxes, printers and signs that write themselves after `compatible;`.
//!
//! There are too many makers to list. What they have in common: a model number or the thing's own
//! noun, and no `Name/1.0`, which is how robots write there.

use super::parse::{Parsed, has_ci};

/// What such a thing calls itself.
const NOUNS: &[&str] = &[
    "phone",
    "sip",
    "stb",
    "tv",
    "pda",
    "mfp",
    "printer",
    "panel",
    "player",
    "soundpoint",
    "console",
    "openstage",
    "netfront",
    "opera",
    "ekioh",
];

/// Digits of a model number; versions have fewer or dots.
const MODEL_DIGITS_MIN: usize = 3;

/// Whether `name`, the first part after `compatible;` in `comment`, is such a thing's.
pub(super) fn is_appliance(name: &str, comment: &str) -> bool {
    // `Maker 6757i/3.2`: the slash of a firmware stands behind maker and model.
    let (name, firmware) = name.split_once('/').unwrap_or((name, ""));
    if name.is_empty() || name.contains('@') || names_site(name) {
        return false;
    }
    let model = name.split([' ', '-']).any(is_model);
    if !firmware.is_empty() {
        return model && name.contains(' ');
    }
    let noun = comment
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| NOUNS.iter().any(|noun| word.eq_ignore_ascii_case(noun)));
    noun || model
}

/// The same for a whole string.
pub(super) fn in_platform(parsed: &Parsed<'_>) -> bool {
    let platform = parsed.platform();
    has_ci(platform, "compatible")
        && platform
            .split(';')
            .map(str::trim)
            .find(|part| !part.is_empty() && !part.eq_ignore_ascii_case("compatible"))
            .is_some_and(|name| is_appliance(name, platform))
}

/// `GXV3140`, `6757i`: a capital or a digit first, letters and digits only.
fn is_model(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit())
        && word.bytes().all(|b| b.is_ascii_alphanumeric())
        && word.bytes().filter(u8::is_ascii_digit).count() >= MODEL_DIGITS_MIN
}

/// A dot with a letter after it.
fn names_site(name: &str) -> bool {
    name.as_bytes()
        .windows(2)
        .any(|pair| matches!(pair, [b'.', next] if next.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::is_appliance;

    #[test]
    fn appliances_are_told_from_robots() {
        for name in [
            "desk200-SIP 8.1.2",
            "Maker GXV9140 1.0.7",
            "Maker IP Phone 79",
            "Maker 6757i/3.2",
        ] {
            assert!(is_appliance(name, name), "{name}");
        }
        for name in [
            "",
            "Thing/1.0",
            "Phone/2",
            "phone.example",
            "Thing 1.0",
            "Thing",
        ] {
            assert!(!is_appliance(name, name), "{name}");
        }
    }
}
