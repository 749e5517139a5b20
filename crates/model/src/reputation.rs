//! What outcomes have taught about an event's source, device and network, as the hot path
//! reads it.
//!
//! An outcome (paid, rejected, charged back…) teaches every key of its event. A task makes an
//! immutable snapshot of what was learned (`assay-detect`'s `reputation`); the hot path looks
//! an event's keys up in it, and the record keeps what it saw.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::Timestamp;
use crate::facts::Facts;
use crate::hit::Field;
use crate::recall::KeyHasher;

/// What became of an event, as its account or the other side tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Outcome {
    /// It was paid.
    Paid = 0,
    /// The advertiser, or its system, rejected it.
    Rejected = 1,
    /// The payment was charged back.
    Chargeback = 2,
    /// A rejection stands after an appeal.
    AppealUpheld = 3,
    /// A rejection was lifted after an appeal.
    AppealReversed = 4,
}

impl Outcome {
    /// All values, in stored order.
    pub const ALL: [Self; 5] = [
        Self::Paid,
        Self::Rejected,
        Self::Chargeback,
        Self::AppealUpheld,
        Self::AppealReversed,
    ];

    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Rejected => "rejected",
            Self::Chargeback => "chargeback",
            Self::AppealUpheld => "appeal_upheld",
            Self::AppealReversed => "appeal_reversed",
        }
    }

    /// The outcome with this text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|own| own.as_str() == text)
    }

    /// The outcome with this stored number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Whether it speaks against the event.
    #[must_use]
    pub const fn is_bad(self) -> bool {
        match self {
            Self::Rejected | Self::Chargeback | Self::AppealUpheld => true,
            Self::Paid | Self::AppealReversed => false,
        }
    }
}

/// What a key is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum KeyKind {
    /// The publisher.
    Publisher = 0,
    /// The rule's sub id, within its publisher.
    SubId = 1,
    /// The placement (`source_id`), within its publisher.
    Placement = 2,
    /// Model of the device, as sent, as the hints say, or as the user agent does.
    DeviceModel = 3,
    /// Operating system and its version.
    OsVersion = 4,
    /// Mobile carrier, as sent.
    Carrier = 5,
    /// Number of the network (ASN).
    Network = 6,
}

impl KeyKind {
    /// All values, in stored order.
    pub const ALL: [Self; 7] = [
        Self::Publisher,
        Self::SubId,
        Self::Placement,
        Self::DeviceModel,
        Self::OsVersion,
        Self::Carrier,
        Self::Network,
    ];

    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::SubId => "sub_id",
            Self::Placement => "placement",
            Self::DeviceModel => "device_model",
            Self::OsVersion => "os_version",
            Self::Carrier => "carrier",
            Self::Network => "network",
        }
    }

    /// The kind with this stored number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Whether it is a part of its publisher: what is known of the publisher is then where
    /// it starts from.
    #[must_use]
    pub const fn within_publisher(self) -> bool {
        matches!(self, Self::SubId | Self::Placement)
    }
}

/// One key of an event: its kind, and the print of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyPrint {
    /// What it is about.
    pub kind: KeyKind,
    /// 64-bit print of the value, and of the publisher where it is a part of one.
    pub print: u64,
}

/// The keys of one event, each kind at most once, in stored order.
pub type EventKeys = SmallVec<[KeyPrint; KeyKind::ALL.len()]>;

/// The keys of an event; `sub_id` is the field that its rule takes as the sub id.
#[must_use]
pub fn keys_of(facts: &Facts<'_>, sub_id: Field) -> EventKeys {
    let hit = &facts.hit;
    let named = |field| hit.get(field).filter(|text| !text.is_empty());
    let ua = facts.ua.as_deref();
    let of_ua = |text: fn(&crate::facts::UaFacts) -> &str| ua.map(text).filter(|t| !t.is_empty());
    let publisher = named(Field::Publisher);
    let within = publisher.unwrap_or("");
    let os = named(Field::Os).or_else(|| of_ua(|ua| &ua.os));
    let version = named(Field::OsVersion).or_else(|| of_ua(|ua| &ua.os_version));
    let model = named(Field::DeviceModel)
        .or_else(|| named(Field::ChModel))
        .or_else(|| of_ua(|ua| &ua.device_model));
    let asn = facts.ip.as_ref().and_then(|ip| ip.asn);
    let mut keys = EventKeys::new();
    let mut add = |kind: KeyKind, value: Option<&str>, beside: &str| {
        if let Some(value) = value {
            let print = print(kind, value, beside);
            keys.push(KeyPrint { kind, print });
        }
    };
    add(KeyKind::Publisher, publisher, "");
    add(KeyKind::SubId, named(sub_id), within);
    add(KeyKind::Placement, named(Field::SourceId), within);
    add(KeyKind::DeviceModel, model, "");
    add(KeyKind::OsVersion, version, os.unwrap_or(""));
    add(KeyKind::Carrier, named(Field::Carrier), "");
    if let Some(asn) = asn {
        let mut hash = KeyHasher::default();
        hash.write_u8(KeyKind::Network as u8);
        hash.write_u32(asn);
        keys.push(KeyPrint {
            kind: KeyKind::Network,
            print: hash.finish(),
        });
    }
    keys
}

/// Letters' case says nothing about a device or a carrier; of a publisher it may.
fn print(kind: KeyKind, value: &str, beside: &str) -> u64 {
    let mut hash = KeyHasher::default();
    hash.write_u8(kind as u8);
    for text in [beside, value] {
        match kind {
            KeyKind::DeviceModel | KeyKind::OsVersion | KeyKind::Carrier
                if text.bytes().any(|c| c.is_ascii_uppercase()) =>
            {
                hash.write(text.to_ascii_lowercase().as_bytes());
            }
            _ => hash.write(text.as_bytes()),
        }
    }
    hash.finish()
}

/// What was learned about one key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Learned {
    /// How much worse than what it started from (the account's base rate, or its
    /// publisher): natural logarithm of the odds of a bad outcome, shrunk.
    pub log_odds: f32,
    /// Its variance.
    pub variance: f32,
    /// Outcomes behind it, decayed.
    pub n: f32,
}

/// How what was learned is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Use {
    /// Log-odds by which the whole interval must be above the base rate before it may reject.
    pub margin: f32,
    /// Whether it may reject at all; else it is only reported.
    pub blocks: bool,
}

/// What was learned about each key; prints are hashes already.
pub type LearnedKeys = HashMap<KeyPrint, Learned, BuildHasherDefault<KeyHasher>>;

/// What was learned by an account, ready to be looked up. Immutable.
#[derive(Clone, Debug)]
pub struct Reputation {
    /// When it was made.
    pub as_of: Timestamp,
    /// Log-odds of a bad outcome over the whole account.
    pub base: f32,
    /// Outcomes behind the base, decayed.
    pub n: f32,
    /// How it is used.
    pub settings: Use,
    keys: LearnedKeys,
}

impl Reputation {
    /// A snapshot of what was learned.
    #[must_use]
    pub fn new(as_of: Timestamp, base: f32, n: f32, settings: Use, keys: LearnedKeys) -> Self {
        Self {
            as_of,
            base,
            n,
            settings,
            keys,
        }
    }

    /// What is known of an event; `None` = nothing of any of its keys.
    #[must_use]
    pub fn look_up(&self, facts: &Facts<'_>, sub_id: Field) -> Option<Box<Reputed>> {
        if self.keys.is_empty() {
            return None;
        }
        let known = |key: &KeyPrint| Some((key.kind, *self.keys.get(key)?));
        let keys: SmallVec<_> = keys_of(facts, sub_id).iter().filter_map(known).collect();
        (!keys.is_empty()).then(|| {
            Box::new(Reputed {
                as_of: self.as_of,
                base: self.base,
                settings: self.settings,
                keys,
            })
        })
    }

    /// How many keys it knows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether it knows nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// What was known of an event's keys when it was judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Reputed {
    /// When the snapshot was made.
    pub as_of: Timestamp,
    /// Log-odds of a bad outcome over the whole account.
    pub base: f32,
    /// How it is used.
    pub settings: Use,
    /// The event's keys that something is known of, each kind once.
    pub keys: SmallVec<[(KeyKind, Learned); KeyKind::ALL.len()]>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::facts_of;

    fn key(kind: KeyKind, change: impl FnOnce(&mut crate::Hit<'static>)) -> Option<u64> {
        let facts = facts_of(change);
        keys_of(&facts, Field::SubId)
            .iter()
            .find(|key| key.kind == kind)
            .map(|key| key.print)
    }

    #[test]
    fn sub_ids_of_two_publishers_never_meet() {
        let of = |publisher: &'static str| {
            key(KeyKind::SubId, |hit| {
                hit.set(Field::Publisher, Some(publisher));
                hit.set(Field::SubId, Some("1"));
            })
        };
        assert!(of("p1").is_some());
        assert_ne!(of("p1"), of("p2"));
    }

    #[test]
    fn a_device_is_the_same_in_any_case_and_a_publisher_is_not() {
        let model = |text: &'static str| {
            key(KeyKind::DeviceModel, |hit| {
                hit.set(Field::DeviceModel, Some(text));
            })
        };
        let publisher = |text: &'static str| {
            key(KeyKind::Publisher, |hit| {
                hit.set(Field::Publisher, Some(text));
            })
        };
        assert_eq!(model("SM-G960F"), model("sm-g960f"));
        assert_ne!(publisher("A"), publisher("a"));
    }

    #[test]
    fn what_an_event_does_not_say_is_no_key() {
        assert!(keys_of(&facts_of(|_| {}), Field::SubId).is_empty());
    }

    #[test]
    fn outcomes_read_back() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::parse(outcome.as_str()), Some(outcome));
            assert_eq!(Outcome::from_code(outcome as u8), Some(outcome));
        }
        assert_eq!(Outcome::parse("PAID"), None);
    }
}
