//! From named texts to a hit under our own names.
//!
//! An unreplaced macro means "not given" and is noted; a malformed value is refused by
//! name; what is none of ours is kept as an extra.

use std::net::IpAddr;

use assay_model::Timestamp;
use assay_model::facts::canonical_ip;
use assay_model::hit::{Field, Hit};

use crate::engine::Limits;

/// A value that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}{}{detail}", if field.is_empty() { "" } else { " " })]
pub struct FieldError {
    /// Stable code of the refusal: `missing`, `malformed`, `unknown_field`, `too_many`.
    pub code: &'static str,
    /// The field or parameter.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}

impl FieldError {
    /// A field that must be there and is not.
    #[must_use]
    pub fn missing(field: &str) -> Self {
        Self {
            code: "missing",
            field: field.to_owned(),
            detail: "is missing".to_owned(),
        }
    }

    /// A value of the wrong form.
    #[must_use]
    pub fn malformed(field: &str, detail: impl Into<String>) -> Self {
        Self {
            code: "malformed",
            field: field.to_owned(),
            detail: detail.into(),
        }
    }
}

/// Most extras kept of one event.
const EXTRAS: usize = 32;

/// Whether a text is a macro that a tracker left in place.
///
/// `CIDMACRO`, `S1MACRO` … `S11MACRO` are the S2S guide's own defaults; the others are the
/// usual forms of trackers. Source: SPEC §2.1.
#[must_use]
pub fn is_unreplaced(text: &str) -> bool {
    if let Some(name) = text.strip_suffix("MACRO") {
        return name == "CID"
            || name.strip_prefix('S').is_some_and(|n| {
                matches!(
                    n,
                    "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "10" | "11"
                )
            });
    }
    let inner = text
        .strip_prefix("${")
        .and_then(|t| t.strip_suffix('}'))
        .or_else(|| text.strip_prefix('{').and_then(|t| t.strip_suffix('}')))
        .or_else(|| text.strip_prefix("%%").and_then(|t| t.strip_suffix("%%")))
        .or_else(|| text.strip_prefix('[').and_then(|t| t.strip_suffix(']')));
    inner.is_some_and(|name| {
        let name = name.trim_matches(['{', '}', '[', ']']);
        !name.is_empty()
            && name.len() <= 64
            && name
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.' | b':' | b' '))
    })
}

/// Sets a field; an unreplaced macro is noted and leaves it unset.
pub fn set<'a>(hit: &mut Hit<'a>, field: Field, name: &'a str, value: &'a str) {
    if is_unreplaced(value) {
        note_unreplaced(hit, name, value);
    } else if hit.get(field).is_none() {
        // A repeated parameter: the first counts.
        hit.set(field, Some(value));
    }
}

/// Notes a macro left in place.
pub fn note_unreplaced<'a>(hit: &mut Hit<'a>, name: &'a str, value: &'a str) {
    if hit.unreplaced.len() < EXTRAS {
        hit.unreplaced.push((name, value));
    }
}

/// Keeps a parameter that is none of ours.
pub fn extra<'a>(hit: &mut Hit<'a>, name: &'a str, value: &'a str) {
    if hit.extras.len() < EXTRAS {
        hit.extras.push((name, value));
    }
}

/// Reads a plain address; ports, brackets and names are malformed.
///
/// # Errors
/// [`FieldError`] names the field.
pub fn address(field: &str, text: &str) -> Result<IpAddr, FieldError> {
    text.trim().parse().map(canonical_ip).map_err(|_| {
        FieldError::malformed(
            field,
            format!("{:?} is not an IPv4 or IPv6 address", cut(text)),
        )
    })
}

/// Reads a time that is neither too far ahead nor too far back.
///
/// # Errors
/// [`FieldError`] names the field.
pub fn time(
    field: &str,
    text: &str,
    now: Timestamp,
    limits: &Limits,
) -> Result<Timestamp, FieldError> {
    let at = Timestamp::parse(text)
        .map_err(|e| FieldError::malformed(field, format!("{:?} {e}", cut(text))))?;
    if at.ms_since(now) > limits.ahead_ms {
        return Err(FieldError::malformed(
            field,
            format!("{at} is more than 5 minutes ahead"),
        ));
    }
    if now.ms_since(at) > limits.back_ms {
        return Err(FieldError::malformed(
            field,
            format!("{at} is more than 90 days back"),
        ));
    }
    Ok(at)
}

/// At most 64 characters of a value, for messages.
#[must_use]
pub fn cut(text: &str) -> &str {
    match text.char_indices().nth(64) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_left_in_place_are_told_from_values() {
        for text in [
            "CIDMACRO",
            "S1MACRO",
            "S11MACRO",
            "{clickid}",
            "${GAID}",
            "%%CACHEBUSTER%%",
            "[sub1]",
            "{{campaign.id}}",
        ] {
            assert!(is_unreplaced(text), "{text}");
        }
        for text in [
            "",
            "S12MACRO",
            "S0MACRO",
            "MACRO",
            "s1MACRO",
            "{}",
            "[]",
            "{\"a\":1}",
            "[2001:db8::1]x",
            "a{b}",
            "%%",
        ] {
            assert!(!is_unreplaced(text), "{text}");
        }
    }

    #[test]
    fn times_out_of_reach_are_refused_by_name() {
        let limits = Limits::default();
        let now = Timestamp(1_767_225_600_000);
        let of = |ms: i64| time("time", &now.plus_ms(ms).to_string(), now, &limits);
        assert!(of(0).is_ok());
        assert!(of(5 * 60_000).is_ok());
        assert!(of(5 * 60_000 + 1).unwrap_err().detail.contains("ahead"));
        assert!(of(-90 * 86_400_000).is_ok());
        assert!(
            of(-90 * 86_400_000 - 1)
                .unwrap_err()
                .detail
                .contains("back")
        );
        assert_eq!(
            time("time", "soon", now, &limits).unwrap_err().field,
            "time"
        );
    }
}
