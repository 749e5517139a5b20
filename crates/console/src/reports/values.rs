//! Values that a dimension can have at all: a filter by another one would find nothing, silently.

use std::net::IpAddr;

use assay_model::hit::EventKind;
use assay_model::ledger::Status;
use assay_model::ports::{ConversionDimension, Dimension};
use assay_model::{Action, Class, Reason, Risk};

/// A filter's value as events have it. An empty one means "not given" and is always fine.
///
/// # Errors
/// What is wrong with it.
pub fn of_events(dimension: Dimension, text: &str) -> Result<String, String> {
    use Dimension as D;
    if text.is_empty() {
        return Ok(String::new());
    }
    match dimension {
        D::Event => one_of(text, EventKind::ALL.map(EventKind::as_str)),
        D::Class => one_of(text, Class::ALL.map(Class::as_str)),
        D::Risk => one_of(
            text,
            [Risk::Clean, Risk::Low, Risk::Medium, Risk::High].map(Risk::as_str),
        ),
        D::Action | D::Status => one_of(text, Action::ALL.map(Action::as_str)),
        D::Reason => reason(text),
        D::Country => country(text),
        D::Integration | D::Rule | D::RuleVersion | D::Asn => number(text),
        D::Ip => match text.parse::<IpAddr>() {
            Ok(ip) => Ok(ip.to_string()),
            Err(_) => Err(format!("{text:?} is not an IPv4 or IPv6 address")),
        },
        _ => Ok(text.to_owned()),
    }
}

/// A filter's value as conversions have it; names of events are the user's own.
///
/// # Errors
/// What is wrong with it.
pub fn of_conversions(dimension: ConversionDimension, text: &str) -> Result<String, String> {
    use ConversionDimension as D;
    if text.is_empty() {
        return Ok(String::new());
    }
    match dimension {
        D::Kind => one_of(text, ["conversion", "post_event"]),
        D::Status => one_of(text, Status::ALL.map(Status::as_str)),
        D::Action => one_of(text, Action::ALL.map(Action::as_str)),
        D::Reason => reason(text),
        D::Country => country(text),
        D::Integration => number(text),
        _ => Ok(text.to_owned()),
    }
}

fn one_of<const N: usize>(text: &str, words: [&str; N]) -> Result<String, String> {
    if words.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is none of {}", words.join(", ")))
}

fn reason(text: &str) -> Result<String, String> {
    match Reason::from_code(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(format!(
            "{text:?} is not in the reason catalogue (GET /reasons)"
        )),
    }
}

fn country(text: &str) -> Result<String, String> {
    if text.len() == 2 && text.bytes().all(|c| c.is_ascii_alphabetic()) {
        return Ok(text.to_ascii_uppercase());
    }
    Err(format!("{text:?} is not a two-letter country code"))
}

fn number(text: &str) -> Result<String, String> {
    match text.parse::<u64>() {
        Ok(number) => Ok(number.to_string()),
        Err(_) => Err(format!("{text:?} is not a whole number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_that_events_can_have() {
        use Dimension as D;
        for (dimension, text, kept) in [
            (D::Risk, "high", Some("high")),
            (D::Risk, "hihg", None),
            (D::Risk, "", Some("")),
            (D::Reason, "VPN", Some("VPN")),
            (D::Reason, "VPNN", None),
            (D::Class, "givt", None),
            (D::Event, "click", Some("click")),
            (D::Event, "install", None),
            (D::Status, "approved", Some("approved")),
            (D::Country, "us", Some("US")),
            (D::Country, "USA", None),
            (D::Integration, "7", Some("7")),
            (D::Integration, "seven", None),
            (D::Ip, "2001:DB8::0001", Some("2001:db8::1")),
            (D::Ip, "8.8.8", None),
            (D::Publisher, "anything", Some("anything")),
        ] {
            let read = of_events(dimension, text).ok();
            assert_eq!(read.as_deref(), kept, "{dimension:?} {text}");
        }
    }

    #[test]
    fn conversions_have_statuses_and_names_of_their_own() {
        use ConversionDimension as D;
        for (dimension, text, fine) in [
            (D::Status, "pending", true),
            (D::Status, "on_hold", false),
            (D::Event, "purchase", true),
            (D::Kind, "post_event", true),
            (D::Kind, "purchase", false),
            (D::Reason, "NO_CLICK", true),
        ] {
            assert_eq!(of_conversions(dimension, text).is_ok(), fine, "{text}");
        }
    }
}
