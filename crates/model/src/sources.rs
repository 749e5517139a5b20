//! What is held against a source: decided by a task from its statistics, read by the hot path.
//!
//! A source is a publisher, or one sub id of a publisher, alone or on one offer. A task folds
//! the account's events into profiles and judges them (`assay-detect`'s `sources`); what comes
//! of it is an immutable, numbered snapshot beside the policy. The hot path only looks it up,
//! and the record keeps what it saw, so a verdict recomputes without the statistics.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use crate::facts::Facts;
use crate::hit::Field;
use crate::reason::Reason;
use crate::recall::KeyHasher;
use crate::verdict::Value;
use crate::{AccountId, Timestamp};

/// Which part of the traffic is one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum SourceLevel {
    /// A publisher, over all offers.
    Publisher = 0,
    /// The rule's sub id within its publisher, over all offers.
    SubId = 1,
    /// A publisher on one offer.
    PublisherOffer = 2,
    /// The rule's sub id within its publisher, on one offer.
    SubIdOffer = 3,
}

impl SourceLevel {
    /// Every level, in stored order.
    pub const ALL: [Self; 4] = [
        Self::Publisher,
        Self::SubId,
        Self::PublisherOffer,
        Self::SubIdOffer,
    ];

    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::SubId => "sub_id",
            Self::PublisherOffer => "publisher_offer",
            Self::SubIdOffer => "sub_id_offer",
        }
    }

    /// Whether sub ids are told apart.
    #[must_use]
    pub const fn by_sub_id(self) -> bool {
        matches!(self, Self::SubId | Self::SubIdOffer)
    }

    /// Whether offers are told apart.
    #[must_use]
    pub const fn by_offer(self) -> bool {
        matches!(self, Self::PublisherOffer | Self::SubIdOffer)
    }
}

/// What a filter asks of the snapshot: what its test said about the event's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StandingSpec {
    /// The filter, by its place in the table of `assay-detect`.
    pub filter: u8,
    /// What one source is.
    pub level: SourceLevel,
    /// The field that is the sub id.
    pub sub_id: Field,
}

/// A source by name; texts are empty where the event does not say.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceName {
    /// What one source is.
    pub level: SourceLevel,
    /// Publisher.
    pub publisher: String,
    /// Sub id; empty unless the level tells them apart.
    pub sub_id: String,
    /// Offer; empty unless the level tells them apart.
    pub offer: String,
}

/// A source's print: what the snapshot is keyed by, with the rule and the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceKey(pub u64);

impl SourceName {
    /// The source an event belongs to; `None` = the event names no publisher, or no sub id
    /// where one is needed: nobody to hold anything against.
    #[must_use]
    pub fn of(facts: &Facts<'_>, level: SourceLevel, sub_id: Field) -> Option<Self> {
        let hit = &facts.hit;
        let named = |field| hit.get(field).filter(|text| !text.is_empty());
        let part = |wanted: bool, field| match wanted {
            true => named(field).map(str::to_owned),
            false => Some(String::new()),
        };
        Some(Self {
            level,
            publisher: named(Field::Publisher)?.to_owned(),
            sub_id: part(level.by_sub_id(), sub_id)?,
            offer: part(level.by_offer(), Field::Offer)?,
        })
    }

    /// Its print.
    #[must_use]
    pub fn key(&self) -> SourceKey {
        key_of(self.level, [&self.publisher, &self.sub_id, &self.offer])
    }
}

impl SourceKey {
    /// [`SourceName::of`] and [`SourceName::key`] without making the name.
    #[must_use]
    pub fn of(facts: &Facts<'_>, level: SourceLevel, sub_id: Field) -> Option<Self> {
        let hit = &facts.hit;
        let named = |field| hit.get(field).filter(|text| !text.is_empty());
        let part = |wanted: bool, field| match wanted {
            true => named(field),
            false => Some(""),
        };
        Some(key_of(
            level,
            [
                named(Field::Publisher)?,
                part(level.by_sub_id(), sub_id)?,
                part(level.by_offer(), Field::Offer)?,
            ],
        ))
    }
}

fn key_of(level: SourceLevel, parts: [&str; 3]) -> SourceKey {
    let mut hash = KeyHasher::default();
    hash.write_u8(level as u8);
    for part in parts {
        hash.write(part.as_bytes());
    }
    SourceKey(hash.finish())
}

/// What is held against a source by one filter of one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The reason it gives to the source's events.
    pub reason: Reason,
    /// Observed values by their place in the catalogue's field list.
    pub observed: Vec<(u8, Value<'static>)>,
    /// The limit that was broken.
    pub threshold: Value<'static>,
    /// Length of the window looked at.
    pub window_s: u32,
    /// Sample size.
    pub n: u32,
    /// Since when it is held.
    pub since: Timestamp,
    /// When the numbers were taken.
    pub as_of: Timestamp,
}

/// What is held against the sources of one account; only what is held, nothing for the others.
#[derive(Clone, Debug, Default)]
pub struct Standings {
    /// Grows with every judgement, across restarts.
    pub number: u64,
    /// When the numbers were taken.
    pub as_of: Timestamp,
    held: HashMap<SourceKey, Vec<Against>, BuildHasherDefault<KeyHasher>>,
}

/// What one filter of one rule holds against a source.
#[derive(Clone, Debug)]
pub struct Against {
    /// The rule.
    pub rule: u64,
    /// The filter, by its place in the table of `assay-detect`.
    pub filter: u8,
    /// What it holds.
    pub standing: Arc<Standing>,
}

impl Standings {
    /// An empty snapshot.
    #[must_use]
    pub fn new(number: u64, as_of: Timestamp) -> Self {
        Self {
            number,
            as_of,
            held: HashMap::default(),
        }
    }

    /// Holds something against a source: by `rule` and `filter`.
    pub fn hold(&mut self, rule: u64, filter: u8, source: SourceKey, standing: Standing) {
        let own = self.held.entry(source).or_default();
        own.retain(|other| (other.rule, other.filter) != (rule, filter));
        own.push(Against {
            rule,
            filter,
            standing: Arc::new(standing),
        });
    }

    /// Everything that is held against a source, by any rule: nothing, of nearly all.
    #[must_use]
    pub fn against(&self, source: SourceKey) -> &[Against] {
        self.held.get(&source).map_or(&[], Vec::as_slice)
    }

    /// What is held against a source by one filter of one rule.
    #[must_use]
    pub fn get(&self, rule: u64, filter: u8, source: SourceKey) -> Option<&Arc<Standing>> {
        let own = self.against(source).iter();
        own.filter(|held| held.rule == rule && held.filter == filter)
            .map(|held| &held.standing)
            .next()
    }

    /// Whether nothing is held against anybody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

/// Where the judging task leaves its snapshots and the hot path finds them.
pub trait StandingsReader: Send + Sync {
    /// The account's snapshot in force.
    fn standings(&self, account: AccountId) -> Option<Arc<Standings>>;
}
