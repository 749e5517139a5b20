//! What an id says, as 21 bytes.

use std::net::IpAddr;
use std::num::NonZeroU16;

use crate::facts::{Country, Facts, canonical_ip};
use crate::hit::{EventKind, Field};
use crate::reason::Risk;
use crate::verdict::{Action, Verdict};
use crate::{EventId, IntegrationId};

/// Bytes of a content.
pub(super) const BYTES: usize = 21;

/// What stands for a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DevicePrint {
    /// Print of a device id.
    Id(NonZeroU16),
    /// Print of the user agent: nobody gave a device id.
    UserAgent(NonZeroU16),
}

/// What an id says of its click.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// The click's event id, which says when it came in.
    pub event_id: EventId,
    /// Where it came in.
    pub integration: IntegrationId,
    /// Whether it was an impression and no click.
    pub impression: bool,
    /// What was done with it.
    pub action: Action,
    /// How risky it was.
    pub risk: Risk,
    /// Country of its address.
    pub country: Option<Country>,
    /// Print of its address, see [`print_of_address`].
    pub address: Option<NonZeroU16>,
    /// Print of its device.
    pub device: Option<DevicePrint>,
}

impl Content {
    /// What the id of a judged event says.
    #[must_use]
    pub fn of(event_id: EventId, facts: &Facts<'_>, verdict: &Verdict<'_>) -> Self {
        let agent = || facts.hit.get(Field::UserAgent).filter(|ua| !ua.is_empty());
        Self {
            event_id,
            integration: facts.hit.integration,
            impression: facts.hit.event == EventKind::Impression,
            action: verdict.action,
            risk: verdict.risk,
            country: facts.ip.as_ref().and_then(|ip| ip.country),
            address: facts.hit.ip.map(print_of_address),
            device: match facts.device_key() {
                Some(id) => Some(DevicePrint::Id(print_of(id.as_bytes()))),
                None => agent().map(|ua| DevicePrint::UserAgent(print_of(ua.as_bytes()))),
            },
        }
    }

    pub(super) fn bytes(&self) -> [u8; BYTES] {
        let mut out = [0; BYTES];
        out[..10].copy_from_slice(&self.event_id.0);
        out[10..14].copy_from_slice(&self.integration.0.to_be_bytes());
        let by_agent = matches!(self.device, Some(DevicePrint::UserAgent(_)));
        out[14] = self.action as u8
            | (self.risk as u8) << 2
            | u8::from(self.impression) << 4
            | u8::from(by_agent) << 5;
        out[15..17].copy_from_slice(&self.country.map_or([0; 2], Country::bytes));
        let device = self.device.map(|device| match device {
            DevicePrint::Id(print) | DevicePrint::UserAgent(print) => print,
        });
        let number = |print: Option<NonZeroU16>| print.map_or(0, NonZeroU16::get).to_be_bytes();
        out[17..19].copy_from_slice(&number(self.address));
        out[19..].copy_from_slice(&number(device));
        out
    }

    /// `None` only for bytes that a newer build has sealed.
    pub(super) fn read(bytes: &[u8; BYTES]) -> Option<Self> {
        let (mut event_id, mut integration) = ([0; 10], [0; 4]);
        event_id.copy_from_slice(&bytes[..10]);
        integration.copy_from_slice(&bytes[10..14]);
        let flags = bytes[14];
        if flags >> 6 != 0 {
            return None;
        }
        let number = |at: usize| NonZeroU16::new(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        let device = number(19).map(|print| {
            if flags & 0x20 == 0 {
                DevicePrint::Id(print)
            } else {
                DevicePrint::UserAgent(print)
            }
        });
        Some(Self {
            event_id: EventId(event_id),
            integration: IntegrationId(u32::from_be_bytes(integration)),
            impression: flags & 0x10 != 0,
            action: *Action::ALL.get(usize::from(flags & 3))?,
            risk: Risk::from_code(flags >> 2 & 3)?,
            country: std::str::from_utf8(&bytes[15..17])
                .ok()
                .and_then(Country::parse),
            address: number(17),
            device,
        })
    }
}

/// Print of an address: of all of an IPv4, of an IPv6's /64.
#[must_use]
pub fn print_of_address(ip: IpAddr) -> NonZeroU16 {
    match canonical_ip(ip) {
        IpAddr::V4(v4) => print_of(&v4.octets()),
        IpAddr::V6(v6) => print_of(&v6.octets()[..8]),
    }
}

/// Sixteen bits that stand for a value: equal values have equal ones, and one in 65,535 pairs
/// of different values too. FNV-1a, folded; never changed, since ids live for months.
#[must_use]
pub fn print_of(bytes: &[u8]) -> NonZeroU16 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let folded = (hash ^ hash >> 16 ^ hash >> 32 ^ hash >> 48) as u16;
    NonZeroU16::new(folded).unwrap_or(NonZeroU16::MIN)
}
