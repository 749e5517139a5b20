//! Forms of ids, and text that is no id.

use assay_model::facts::DeviceIdForm;

/// The id without the quotes and braces some senders keep.
pub(super) fn bare(id: &str) -> &str {
    let id = id.trim();
    let inner = id
        .strip_prefix('{')
        .and_then(|t| t.strip_suffix('}'))
        .filter(|t| is_uuid(t));
    inner.unwrap_or_else(|| id.trim_matches(['"', '\'']))
}

/// Text that programs send for "no id": words for nothing, and macros nobody filled in.
pub(super) fn says_nothing(id: &str) -> bool {
    const WORDS: &[&str] = &[
        "",
        "-",
        "null",
        "(null)",
        "nil",
        "none",
        "undefined",
        "unknown",
        "nan",
        "n/a",
        "na",
        "false",
        "0",
        "no",
        "lat",
        "optout",
        "opt-out",
        "opted_out",
        "disabled",
        "empty",
        "not_available",
        "notavailable",
        "not set",
        "limit_ad_tracking",
        "default",
        "1",
    ];
    WORDS.iter().any(|word| id.eq_ignore_ascii_case(word)) || is_macro(id)
}

/// `{gaid}`, `%%IDFA%%`, `[device_id]`, `$(x)`, `${x}`, `__IDFA__`, `#x#`, `<x>`.
fn is_macro(id: &str) -> bool {
    const PAIRS: &[(&str, &str)] = &[
        ("{", "}"),
        ("%%", "%%"),
        ("[", "]"),
        ("${", "}"),
        ("$(", ")"),
        ("__", "__"),
        ("#", "#"),
        ("<", ">"),
        ("%7b", "%7d"),
        ("%7B", "%7D"),
    ];
    PAIRS.iter().any(|(open, close)| {
        id.len() > open.len() + close.len() && id.starts_with(open) && id.ends_with(close)
    })
}

/// Zeros of any form: what both platforms send when tracking is off.
///
/// Fifteen zeros are left out: that is what emulators give as their IMEI.
pub(super) fn is_zeros(id: &str) -> bool {
    id.bytes().all(|b| b == b'0' || b == b'-') && id.contains('0')
}

/// Form of an id in lower case.
pub(super) fn of(id: &str) -> DeviceIdForm {
    let hex = !id.is_empty() && id.bytes().all(|b| b.is_ascii_hexdigit());
    let digits = !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit());
    match id.len() {
        36 if is_uuid(id) => DeviceIdForm::Uuid,
        14 if digits => DeviceIdForm::Imei,
        15 if digits && luhn(id) => DeviceIdForm::Imei,
        // Leading zeros are lost by some senders: fifteen hex digits are an Android id too.
        15 | 16 if hex && !(digits && id.len() == 15) => DeviceIdForm::AndroidId,
        32 if hex => DeviceIdForm::Md5,
        40 if hex => DeviceIdForm::Sha1,
        64 if hex => DeviceIdForm::Sha256,
        _ => DeviceIdForm::Other,
    }
}

/// 8-4-4-4-12 hex digits.
fn is_uuid(id: &str) -> bool {
    id.len() == 36
        && id.bytes().enumerate().all(|(i, b)| {
            if matches!(i, 8 | 13 | 18 | 23) {
                b == b'-'
            } else {
                b.is_ascii_hexdigit()
            }
        })
}

/// Luhn's check digit, as IMEI uses it (3GPP TS 23.003, annex B).
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, b)| {
            let digit = u32::from(b.wrapping_sub(b'0'));
            if place % 2 == 0 {
                digit
            } else {
                digit * 2 / 10 + digit * 2 % 10
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Patterns that chance does not make: one digit over and over, a run up or down, a short part repeated.
pub(super) fn pattern(id: &str) -> Option<&'static str> {
    let hex: Vec<u8> = id
        .bytes()
        .filter(|b| *b != b'-')
        .filter_map(|b| char::from(b).to_digit(16))
        .filter_map(|d| u8::try_from(d).ok())
        .collect();
    let first = *hex.first()?;
    if hex.iter().all(|d| *d == first) {
        return Some("repeated");
    }
    let up = |base: u8| hex.windows(2).all(|w| w[1] == (w[0] + 1) % base);
    let down = |base: u8| hex.windows(2).all(|w| w[0] == (w[1] + 1) % base);
    if up(10) || up(16) || down(10) || down(16) || restarts(id) {
        return Some("sequential");
    }
    (1..=4)
        .any(|len| hex.len() >= len * 4 && hex.chunks(len).all(|c| hex.starts_with(c)))
        .then_some("repeated")
}

/// `12345678-1234-1234-1234-123456789012`: each group counts from its first digit.
fn restarts(id: &str) -> bool {
    id.contains('-')
        && id.split('-').all(|group| {
            group.as_bytes().windows(2).all(|w| {
                let (a, b) = (char::from(w[0]).to_digit(16), char::from(w[1]).to_digit(16));
                matches!((a, b), (Some(a), Some(b)) if b == a + 1 || a == 9 && b == 0)
            })
        })
}
