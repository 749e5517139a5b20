//! Flags device ids of no known form.
//!
//! Zeros and "limit ad tracking" are no id at all: never a reason. `block_empty` asks for
//! an id on app events; it is off unless chosen, since people may refuse to give one.
//!
//! Reads: `facts.device`. Emits: `INVALID_DEVICE_ID`, medium.

use assay_model::facts::{DeviceIdState, Facts};
use assay_model::hit::Field;
use assay_model::reason::Reason;
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
        _: Readings<'_>,
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
