//! What a device id looks like.
//!
//! An id that was switched off (zeros, "limit ad tracking", a macro left in place) is no id at all:
//! it is neither a reason nor a key, or every private telephone would be one and the same device.
//! Hashed ids hide the same nothing, so the hashes of nothing are known.

mod form;
mod known;

use assay_model::facts::{DeviceFacts, DeviceIdForm, DeviceIdState};

use form::Digits;

/// Which of the three fields an id came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// Any id.
    Device,
    /// Google's advertising id.
    Gaid,
    /// Apple's advertising id.
    Idfa,
}

/// One id, judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Judged {
    state: DeviceIdState,
    form: Option<DeviceIdForm>,
    broken: &'static str,
}

impl Judged {
    const ABSENT: Self = Self {
        state: DeviceIdState::Absent,
        form: None,
        broken: "",
    };

    const fn malformed(form: DeviceIdForm, broken: &'static str) -> Self {
        Self {
            state: DeviceIdState::Malformed,
            form: Some(form),
            broken,
        }
    }
}

/// Judges the three ids an event can carry.
///
/// Shape: `broken` names the rule of the first malformed one, in the order of the arguments.
#[must_use]
pub fn facts(device_id: Option<&str>, gaid: Option<&str>, idfa: Option<&str>) -> DeviceFacts {
    let device = judge(device_id, Field::Device);
    let gaid = judge(gaid, Field::Gaid);
    let idfa = judge(idfa, Field::Idfa);
    let broken = [device, gaid, idfa]
        .into_iter()
        .map(|j| j.broken)
        .find(|b| !b.is_empty());
    DeviceFacts {
        device_id: device.state,
        form: device.form,
        gaid: gaid.state,
        idfa: idfa.state,
        broken: broken.unwrap_or(""),
    }
}

fn judge(id: Option<&str>, field: Field) -> Judged {
    let Some(text) = id.map(form::bare) else {
        return Judged::ABSENT;
    };
    if form::says_nothing(text) {
        return Judged::ABSENT;
    }
    let digits = Digits::of(text);
    let form = digits.as_ref().map_or(DeviceIdForm::Other, Digits::form);
    if known::is_emulator(text) {
        return Judged {
            state: DeviceIdState::Emulator,
            form: Some(form),
            broken: "",
        };
    }
    if form::is_zeros(text) || known::is_hash_of_zeros(text) {
        return Judged::ABSENT;
    }
    if let Some(broken) = known::hash_of_nothing(text) {
        return Judged::malformed(form, broken);
    }
    if !fits(form, field) {
        return Judged::malformed(form, "format");
    }
    match digits.and_then(|digits| digits.pattern()) {
        Some(broken) => Judged::malformed(form, broken),
        None => Judged {
            state: DeviceIdState::Valid,
            form: Some(form),
            broken: "",
        },
    }
}

/// Whether an id of this form can stand in the field.
fn fits(form: DeviceIdForm, field: Field) -> bool {
    match (field, form) {
        (_, DeviceIdForm::Other) => false,
        (Field::Device, _) => true,
        (Field::Gaid, form) => form != DeviceIdForm::Imei,
        (Field::Idfa, form) => !matches!(form, DeviceIdForm::Imei | DeviceIdForm::AndroidId),
    }
}

#[cfg(test)]
mod tests;
