//! Flags device ids of no known form, and a conversion's that is not its click's.
//!
//! Zeros and "limit ad tracking" are no id at all: never a reason. `block_empty` asks for
//! an id on app events; it is off unless chosen, since people may refuse to give one.
//!
//! Another id than the click's is low: trackers fill in ids of the wrong kind, people reset
//! them and change phones.
//!
//! Reads: `facts.device`, the click's ids. Emits: `INVALID_DEVICE_ID`, medium.

use assay_model::click::ClickMatch;
use assay_model::facts::{DeviceIdState, Facts};
use assay_model::hit::Field;
use assay_model::reason::{Reason, Risk};
use assay_model::verdict::{Check, Finding, Missing};
use serde::Deserialize;

use super::Settings;
use crate::filter::{Filter, Readings};

/// Settings of `device_id`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeviceIdSettings {
    /// Whether an app event without any id is caught too.
    block_empty: bool,
}

impl Settings for DeviceIdSettings {}

pub struct DeviceId {
    block_empty: bool,
}

impl DeviceId {
    pub fn new(settings: &DeviceIdSettings) -> Self {
        Self {
            block_empty: settings.block_empty,
        }
    }
}

impl Filter for DeviceId {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        readings: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let device = &facts.device;
        let ids = [
            (Field::DeviceId, device.device_id),
            (Field::Gaid, device.gaid),
            (Field::Idfa, device.idfa),
        ];
        let before = found.len();
        for (field, state) in ids {
            if state == DeviceIdState::Malformed {
                let rule = if device.broken.is_empty() {
                    "format"
                } else {
                    device.broken
                };
                found.push(
                    Finding::new(Reason::InvalidDeviceId)
                        .with("field", field.as_str())
                        .with("value", facts.hit.get(field).unwrap_or(""))
                        .with("rule", rule),
                );
            }
        }
        let click = readings.click().filter(|_| facts.hit.event.is_conversion());
        if let Some(click) = click {
            let valid = ids
                .iter()
                .filter(|(_, state)| *state == DeviceIdState::Valid);
            found.extend(valid.filter_map(|(field, _)| of_other_device(facts, click, *field)));
        }
        if found.len() > before {
            return Check::Flagged;
        }
        if ids.iter().any(|(_, state)| *state != DeviceIdState::Absent) {
            return Check::Clean;
        }
        if self.block_empty && facts.hit.is_app() {
            found.push(
                Finding::new(Reason::InvalidDeviceId)
                    .with("field", "device_id")
                    .with("rule", "empty"),
            );
            return Check::Flagged;
        }
        Check::Skipped(Missing::DeviceId)
    }
}

/// An id of the same form as the click's, and not the same. Hashed and plain ids cannot be
/// compared.
fn of_other_device<'a>(
    facts: &'a Facts<'_>,
    click: &ClickMatch,
    field: Field,
) -> Option<Finding<'a>> {
    let (then, now) = (click.device(field)?, facts.hit.get(field)?);
    let alike = then.len() == now.len() && then.contains('-') == now.contains('-');
    (alike && !then.eq_ignore_ascii_case(now)).then(|| {
        Finding::new(Reason::InvalidDeviceId)
            .with("field", field.as_str())
            .with("value", now)
            .with("rule", "other_than_click")
            .at_most(Risk::Low)
    })
}
