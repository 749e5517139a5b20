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
    const LONGEST: usize = 17;
    id.len() <= LONGEST && WORDS.iter().any(|word| id.eq_ignore_ascii_case(word)) || is_macro(id)
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
    // Most ids begin with a digit or a letter: no need to try them all.
    let marked = matches!(
        id.as_bytes(),
        [b'{' | b'%' | b'[' | b'$' | b'_' | b'#' | b'<', ..]
    );
    let fits = |(open, close): &(&str, &str)| {
        id.len() > open.len() + close.len() && id.starts_with(open) && id.ends_with(close)
    };
    marked && PAIRS.iter().any(fits)
}

/// Zeros of any form: what both platforms send when tracking is off.
///
/// Fifteen zeros are left out: that is what emulators give as their IMEI.
pub(super) fn is_zeros(id: &str) -> bool {
    id.bytes().all(|b| b == b'0' || b == b'-') && id.contains('0')
}

/// The digits of an id, read once for all that is asked of them.
pub(super) struct Digits {
    values: [u8; LONGEST],
    count: usize,
    /// A bit per place at which a dash stands.
    dashes: u64,
    /// None is above nine.
    decimal: bool,
}

/// Digits of the longest form, SHA-256.
const LONGEST: usize = 64;
/// Dashes of a UUID.
const UUID_DASHES: u64 = 1 << 8 | 1 << 13 | 1 << 18 | 1 << 23;

const DASH: u8 = 16;
/// What a byte stands for: a hex digit's value, [`DASH`], or neither.
const VALUES: [u8; 256] = {
    let mut values = [u8::MAX; 256];
    let mut digit = 0;
    while digit < 16 {
        let text = b"0123456789abcdef"[digit];
        values[text as usize] = digit as u8;
        values[text.to_ascii_uppercase() as usize] = digit as u8;
        digit += 1;
    }
    values[b'-' as usize] = DASH;
    values
};

impl Digits {
    /// `None` when something else than hex digits and dashes stands there, or too many.
    pub(super) fn of(id: &str) -> Option<Self> {
        let mut read = Self {
            values: [0; LONGEST],
            count: 0,
            dashes: 0,
            decimal: true,
        };
        if id.len() > LONGEST {
            return None;
        }
        for (place, byte) in id.bytes().enumerate() {
            match VALUES[usize::from(byte)] {
                value @ 0..DASH => {
                    read.values[read.count] = value;
                    read.count += 1;
                    read.decimal &= value < 10;
                }
                DASH => read.dashes |= 1 << place,
                _ => return None,
            }
        }
        Some(read)
    }

    fn values(&self) -> &[u8] {
        &self.values[..self.count]
    }

    /// Form of the id.
    pub(super) fn form(&self) -> DeviceIdForm {
        match (self.count, self.dashes) {
            (32, UUID_DASHES) => DeviceIdForm::Uuid,
            (14, 0) if self.decimal => DeviceIdForm::Imei,
            (15, 0) if self.decimal && luhn(self.values()) => DeviceIdForm::Imei,
            (15, 0) if self.decimal => DeviceIdForm::Other,
            // Leading zeros are lost by some senders: fifteen hex digits are an Android id too.
            (15 | 16, 0) => DeviceIdForm::AndroidId,
            (32, 0) => DeviceIdForm::Md5,
            (40, 0) => DeviceIdForm::Sha1,
            (64, 0) => DeviceIdForm::Sha256,
            _ => DeviceIdForm::Other,
        }
    }

    /// Patterns that chance does not make: one digit over and over, a run up or down, a short part repeated.
    pub(super) fn pattern(&self) -> Option<&'static str> {
        let hex = self.values();
        let first = *hex.first()?;
        if hex.iter().all(|d| *d == first) {
            return Some("repeated");
        }
        let up = |base: u8| hex.windows(2).all(|w| w[1] == (w[0] + 1) % base);
        let down = |base: u8| hex.windows(2).all(|w| w[0] == (w[1] + 1) % base);
        if up(10) || up(16) || down(10) || down(16) || self.restarts() {
            return Some("sequential");
        }
        (1..=4)
            .any(|len| hex.len() >= len * 4 && hex.iter().zip(&hex[len..]).all(|(a, b)| a == b))
            .then_some("repeated")
    }

    /// `12345678-1234-1234-1234-123456789012`: each group counts from its first digit.
    fn restarts(&self) -> bool {
        const GROUPS: [std::ops::Range<usize>; 5] = [0..8, 8..12, 12..16, 16..20, 20..32];
        let counts = |w: &[u8]| w[1] == w[0] + 1 || w[0] == 9 && w[1] == 0;
        self.dashes == UUID_DASHES
            && GROUPS
                .into_iter()
                .all(|group| self.values[group].windows(2).all(counts))
    }
}

/// 8-4-4-4-12 hex digits.
fn is_uuid(id: &str) -> bool {
    id.len() == 36 && Digits::of(id).is_some_and(|digits| digits.form() == DeviceIdForm::Uuid)
}

/// Luhn's check digit, as IMEI uses it (3GPP TS 23.003, annex B).
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(*digit);
            if place % 2 == 0 {
                digit
            } else {
                digit * 2 / 10 + digit * 2 % 10
            }
        })
        .sum();
    sum.is_multiple_of(10)
}
