//! A network's words for clicks and conversions that do not count: Everflow's numbers and
//! messages, letter by letter.
//!
//! Source: facts.md 1.B.1 to 1.B.3.

use super::Reason;
use crate::ledger::Status;
use crate::verdict::Action;

/// A number and its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkError {
    /// The number.
    pub code: &'static str,
    /// The message.
    pub message: &'static str,
}

/// What the engine itself filters.
const CLICK: NetworkError = NetworkError {
    code: "1021",
    message: "1021 : 24metrics fraud check",
};
const CONVERSION: NetworkError = NetworkError {
    code: "1021",
    message: "24metrics flagged the conversion as fraudulent",
};

/// Numbers of clicks that the catalogue names beside that one.
const CLICKS: [(u16, NetworkError); 18] = [
    (1, named("1", "1 : INVALID_OVER_TTL")),
    (2, named("2", "2 : INVALID_OVER_OFFER_CAP")),
    (4, named("4", "4 : INVALID_PLATFORM")),
    (5, named("5", "5 : INVALID_DEVICE_TYPE")),
    (6, named("6", "6 : INVALID_BROWSER")),
    (7, named("7", "7 : INVALID_OS_VERSION")),
    (8, named("8", "8 : INVALID_BROWSER_LANGUAGE")),
    (9, named("9", "9 : INVALID_COUNTRY")),
    (13, named("13", "13 : INVALID_IP_RANGE")),
    (14, named("14", "14 : BLOCKED_TRAFFIC")),
    (16, named("16", "16 : INVALID_ISP")),
    (17, named("17", "17 : INVALID_DAY_PARTING")),
    (18, named("18", "18 : INVALID_CONNECTION_TYPE")),
    (19, named("19", "19 : INVALID_CARRIER")),
    (21, named("21", "21 : DUPLICATE_CLICK")),
    (23, named("23", "23 : PROXY_BLOCK")),
    (24, named("24", "24 : BLOCKED_TRAFFIC_CONTROL")),
    (27, named("27", "27 : ALREADY_CONVERTED")),
];
const SUB_FILTER: NetworkError = named("101", "101 : FILTER_SUB_1");

const fn named(code: &'static str, message: &'static str) -> NetworkError {
    NetworkError { code, message }
}

impl NetworkError {
    /// Why a click was not delivered; `None` = it was.
    #[must_use]
    pub fn of_click(action: Action, reason: Reason) -> Option<Self> {
        if action != Action::Rejected {
            return None;
        }
        let number = reason.info().everflow;
        let found = CLICKS.iter().find(|(own, _)| *own == number);
        Some(match found {
            Some((_, error)) => *error,
            None if number == 101 => SUB_FILTER,
            None => CLICK,
        })
    }

    /// Why a conversion is none; `None` = it is one, or somebody's to decide.
    #[must_use]
    pub fn of_conversion(status: Status, reason: Reason) -> Option<Self> {
        (status == Status::Invalid).then_some(match reason {
            Reason::CapConversion => named("4", "Over caps"),
            Reason::ClickExpired => named("5", "Outside lookback"),
            _ => CONVERSION,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CATALOGUE;

    #[test]
    fn every_number_of_the_catalogue_has_its_message() {
        for row in CATALOGUE {
            let error = NetworkError::of_click(Action::Rejected, row.reason).unwrap();
            assert_eq!(error.code, row.everflow.to_string(), "{}", row.code);
            assert!(error.message.starts_with(&format!("{} : ", error.code)));
            for action in [Action::Approved, Action::Monitored, Action::OnHold] {
                assert_eq!(NetworkError::of_click(action, row.reason), None);
            }
        }
    }

    #[test]
    fn the_two_messages_are_literal() {
        let click = NetworkError::of_click(Action::Rejected, Reason::DatacenterIp).unwrap();
        assert_eq!(click.message, "1021 : 24metrics fraud check");
        let filtered = NetworkError::of_conversion(Status::Invalid, Reason::ClickRejected);
        let message = "24metrics flagged the conversion as fraudulent";
        assert_eq!(filtered.unwrap().message, message);
        assert_eq!(
            NetworkError::of_conversion(Status::Rejected, Reason::Vpn),
            None
        );
    }
}
