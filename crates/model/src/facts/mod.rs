//! What is known about an event once intelligence has been looked up.
//!
//! `Facts` is everything a filter may read of the event itself; counters come as
//! [`crate::Recall`]. The whole of it is stored with the event, so a verdict can
//! be recomputed from its record alone.

mod device;
mod ip;
mod signals;
mod ua;

pub use device::{DeviceFacts, DeviceIdForm, DeviceIdState};
pub use ip::{
    AddressScope, Basis, Benign, Country, IpFacts, IpMark, MarkKind, NetworkClass, canonical_ip,
};
pub use signals::{SIGNALS_BYTES_MAX, SignalFacts};
pub use ua::{DeviceType, UaFacts, UaKind, UaMark};

use std::sync::Arc;

use crate::hit::{Field, Hit};

/// A match on one of the account's own lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListMatch<'a> {
    /// The list's id.
    pub list_id: u64,
    /// Whether the list denies (else it allows).
    pub deny: bool,
    /// What was looked up (`ip`, `user_agent`…).
    pub field: &'a str,
    /// The event's value.
    pub value: &'a str,
    /// The entry that matched.
    pub entry: &'a str,
    /// The list's name and version.
    pub list: &'a str,
    /// The entry's note; empty = none.
    pub note: &'a str,
}

/// Everything a filter may read about an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts<'a> {
    /// The event as told.
    pub hit: Hit<'a>,
    /// Its address, when it has one.
    pub ip: Option<IpFacts<'a>>,
    /// Its user agent; `None` = not given (which is not the same as blank).
    pub ua: Option<Arc<UaFacts>>,
    /// Its device ids.
    pub device: DeviceFacts,
    /// What its browser said, read from the hit's `signals`; records store that text only.
    pub signals: Option<Box<SignalFacts>>,
    /// Matches on the account's own lists.
    pub lists: Vec<ListMatch<'a>>,
    /// Version of the intelligence that was looked up.
    pub intel_version: u32,
}

impl<'a> Facts<'a> {
    /// Facts of an event about which nothing was looked up.
    #[must_use]
    pub fn bare(hit: Hit<'a>) -> Self {
        Self {
            ip: hit.ip.map(IpFacts::unknown),
            signals: SignalFacts::of(&hit),
            hit,
            ua: None,
            device: DeviceFacts::default(),
            lists: Vec::new(),
            intel_version: 0,
        }
    }

    /// The id that stands for the device: the first of device id, GAID and IDFA that is
    /// well formed. An absent or zeroed id is never a key.
    #[must_use]
    pub fn device_key(&self) -> Option<&'a str> {
        let candidates = [
            (Field::DeviceId, self.device.device_id),
            (Field::Gaid, self.device.gaid),
            (Field::Idfa, self.device.idfa),
        ];
        candidates
            .into_iter()
            .filter(|(_, state)| *state == DeviceIdState::Valid)
            .find_map(|(field, _)| self.hit.get(field))
    }
}
