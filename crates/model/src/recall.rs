//! What is remembered about a visitor or a source: counters, read once per event.

use std::hash::Hasher;
use std::net::IpAddr;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::EventId;
use crate::click::{ClickMatch, ClickSearch};
use crate::facts::Facts;
use crate::hit::{EventKind, Field};
use crate::ledger::Amount;
use crate::reason::Reason;
use crate::reputation::Reputed;
use crate::sources::Standing;
use crate::verdict::{Finding, RuleRef};

/// What a counter measures within its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Measure {
    /// How often the key was seen, this event included, and how long ago it was seen last.
    Count = 0,
    /// How many different members were seen with the key, this one included.
    Distinct = 1,
    /// How many events the key stands for, however long ago; the window only says how long
    /// after the newest it is kept. For caps, whose keys begin anew with each day.
    Total = 2,
    /// The same of payouts, in ten-thousandths of the currency. A [`Bump`] says
    /// [`Measure::Total`], with the amount.
    Payout = 3,
}

/// Part of an event that identifies a visitor or a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Subject {
    /// IPv4 address; together with the user agent on shared (benign) networks.
    Ipv4 = 0,
    /// IPv6 /64; together with the user agent on shared networks.
    Ipv6 = 1,
    /// Either of the two.
    Ip = 2,
    /// Device id, GAID or IDFA, whichever is given and well formed.
    Device = 3,
    /// Browser id from the collector.
    Uuid = 4,
    /// Browser fingerprint from the collector.
    Fingerprint = 5,
    /// Address and user agent together.
    IpUa = 6,
    /// Publisher.
    Publisher = 7,
    /// The rule's sub id, within its publisher.
    SubId = 8,
    /// Network prefix: IPv4 /24, IPv6 /48.
    Subnet = 9,
    /// The keyword of a search click.
    Keyword = 10,
    /// What was clicked where no page led there, as in a mail: offer, publisher, sub id and
    /// target together.
    Link = 11,
    /// Everybody: what a level counts as a whole.
    Everybody = 12,
}

impl Subject {
    /// Stable text used in evidence.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Ip => "ip",
            Self::Device => "device_id",
            Self::Uuid => "uuid",
            Self::Fingerprint => "fingerprint",
            Self::IpUa => "ip_and_user_agent",
            Self::Publisher => "publisher",
            Self::SubId => "sub_id",
            Self::Subnet => "subnet",
            Self::Keyword => "keyword",
            Self::Link => "link",
            Self::Everybody => "everybody",
        }
    }
}

/// Within what a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// The whole account.
    Account = 0,
    /// One offer.
    Offer = 1,
    /// One publisher.
    Publisher = 2,
    /// One offer of one publisher.
    OfferPublisher = 3,
    /// One sub id of one publisher.
    SubId = 4,
}

/// Which events a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Family {
    /// Clicks, page and app views.
    Clicks = 0,
    /// Impressions.
    Impressions = 1,
    /// Conversions and post-events.
    Conversions = 2,
}

impl Family {
    /// The family an event belongs to.
    #[must_use]
    pub const fn of(event: EventKind) -> Self {
        match event {
            EventKind::Click | EventKind::PageView | EventKind::AppView => Self::Clicks,
            EventKind::Impression => Self::Impressions,
            EventKind::Conversion | EventKind::PostEvent => Self::Conversions,
        }
    }
}

/// One counter that a filter needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CounterSpec {
    /// What it measures.
    pub measure: Measure,
    /// Who is counted.
    pub subject: Subject,
    /// What is told apart, for [`Measure::Distinct`]; ignored otherwise.
    pub member: Subject,
    /// Within what.
    pub level: Level,
    /// Length of the window.
    pub window_s: u32,
    /// Which field the rule takes as the sub id.
    pub sub_id: Field,
}

impl Recall {
    /// What is held against the source that the rule asks about at this place.
    #[must_use]
    pub fn standing(&self, place: u16) -> Option<&Standing> {
        self.standings
            .iter()
            .find(|(own, _)| *own == place)
            .map(|(_, standing)| &**standing)
    }
}

/// One bump of one counter, ready for a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bump {
    /// 64-bit key of (account, what is counted, who).
    pub key: u64,
    /// What it measures.
    pub measure: Measure,
    /// Length of the window.
    pub window_s: u32,
    /// 32-bit print of the member, for [`Measure::Distinct`]; what is added, for
    /// [`Measure::Total`]: a signed number, since what was added can be taken back.
    pub member: u32,
}

/// What a counter said after its bump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Reading {
    /// Events or different members in the window, this one included; saturates.
    pub count: u32,
    /// Time really covered: shorter than the window for a young key, and up to an eighth
    /// shorter once a key is counted in parts; never longer, so parts cannot accuse.
    pub span_s: u32,
    /// Milliseconds since the key was seen before; `None` = first time (or forgotten).
    pub gap_ms: Option<u32>,
}

/// Why a recall is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Degraded {
    /// Counters did not answer in time.
    RecallLate = 1,
    /// Counters are still being loaded after a start.
    Warming = 2,
    /// The decision budget was spent.
    BudgetSpent = 3,
    /// The account's share of the counter table is used up.
    TableQuota = 4,
}

impl Degraded {
    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RecallLate => "recall_late",
            Self::Warming => "warming",
            Self::BudgetSpent => "budget_spent",
            Self::TableQuota => "table_quota",
        }
    }

    /// The cause with this stored number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::RecallLate),
            2 => Some(Self::Warming),
            3 => Some(Self::BudgetSpent),
            4 => Some(Self::TableQuota),
            _ => None,
        }
    }
}

/// Everything remembered that a verdict used; stored with the event.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Recall {
    /// One reading per counter of the rule, in the rule's order; `None` = the event
    /// lacks what the key is made of, or the store did not answer.
    pub readings: SmallVec<[Option<Reading>; 16]>,
    /// Why it is not whole, if it is not.
    pub degraded: Option<Degraded>,
    /// What the search for a conversion's click came to.
    pub search: ClickSearch,
    /// That click, as far as it is known; a search may fail and the postback still tell.
    pub click: Option<Box<ClickMatch>>,
    /// The event was judged before, under this id: this record is no event of its own.
    pub again: Option<EventId>,
    /// No counter was moved for this record: the event's own was, or will be, by another.
    pub uncounted: bool,
    /// Number of the snapshot in which the event's sources were looked up; 0 = there is none
    /// yet, or the rule asks nothing of it.
    pub snapshot: u64,
    /// What was held against the event's sources: by the place of the question among the
    /// rule's, ascending. What is missing of a snapshot that is there is held against nobody.
    pub standings: Vec<(u16, Arc<Standing>)>,
    /// What outcomes had taught about the event's keys; `None` = nothing.
    pub reputation: Option<Box<Reputed>>,
    /// What the offer's own limits found, and whether publisher and offer are in use: they are
    /// no rule's, so a rule that judges again takes them as they were found.
    pub limits: Vec<Finding<'static>>,
    /// The offers that turned the click down before it came to this one, in order; without one
    /// that took it, this is the first of them.
    pub passed: Vec<Passed>,
}

/// An offer that turned a click down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Its name; empty = the click named none.
    pub offer: Box<str>,
    /// The main reason.
    pub reason: Reason,
    /// The rule that judged.
    pub rule: RuleRef,
}

impl CounterSpec {
    /// The bump of this event, or `None` when the event lacks what the key is made of.
    #[must_use]
    pub fn bump(&self, event: &mut Prints<'_, '_>) -> Option<Bump> {
        let subject = event.of(self.subject, self.sub_id)?;
        let (measure, member, added) = match self.measure {
            Measure::Count => (Measure::Count, None, 0),
            Measure::Distinct => {
                let member = event.of(self.member, self.sub_id)?;
                (
                    Measure::Distinct,
                    Some(member),
                    (mixed(member) >> 32) as u32,
                )
            }
            Measure::Total => (Measure::Total, None, 1),
            Measure::Payout => (Measure::Total, None, payout_of(event.facts)),
        };
        let mut hash = KeyHasher::default();
        hash.write_u64(self.seed(event.facts, member.is_some()));
        hash.write_u32(event.facts.hit.account.0);
        self.level_key(event.facts, &mut hash)?;
        hash.write_u64(subject);
        Some(Bump {
            key: hash.finish(),
            measure,
            window_s: self.window_s,
            member: added,
        })
    }

    /// What is counted, as one number.
    fn seed(&self, facts: &Facts<'_>, with_member: bool) -> u64 {
        let member = if with_member {
            1 + self.member as u8
        } else {
            0
        };
        let bytes = [
            self.measure as u8 | (self.level as u8) << 4,
            self.subject as u8,
            member,
            Family::of(facts.hit.event) as u8,
        ];
        u64::from(self.window_s) << 32 | u64::from(u32::from_le_bytes(bytes))
    }

    fn level_key(&self, facts: &Facts<'_>, hash: &mut KeyHasher) -> Option<()> {
        let hit = &facts.hit;
        // An event that names no offer is counted with the others that name none:
        // leaving the name out must not be a way around the limit.
        let mut add = |text: Option<&str>| hash.write_u64(print(text.unwrap_or("")));
        match self.level {
            Level::Account => {}
            Level::Offer => add(hit.get(Field::Offer)),
            Level::Publisher => add(hit.get(Field::Publisher)),
            Level::OfferPublisher => {
                add(hit.get(Field::Offer));
                add(hit.get(Field::Publisher));
            }
            Level::SubId => {
                add(hit.get(Field::Publisher));
                add(Some(hit.get(self.sub_id)?));
            }
        }
        Some(())
    }
}

/// Who stands behind an event, as 64-bit prints: each is made once, however many of a
/// rule's counters ask for it.
#[derive(Debug)]
pub struct Prints<'f, 'a> {
    facts: &'f Facts<'a>,
    device: Option<Option<u64>>,
    user_agent: Option<u64>,
}

impl<'f, 'a> Prints<'f, 'a> {
    /// The prints of an event; none is made yet.
    #[must_use]
    pub const fn new(facts: &'f Facts<'a>) -> Self {
        Self {
            facts,
            device: None,
            user_agent: None,
        }
    }

    /// `None` = the event does not say.
    fn of(&mut self, subject: Subject, sub_id: Field) -> Option<u64> {
        let hit = &self.facts.hit;
        match subject {
            Subject::Ipv4 | Subject::Ipv6 | Subject::Ip => {
                let ip = self.facts.ip.as_ref()?;
                if matches!(
                    (subject, ip.ip),
                    (Subject::Ipv4, IpAddr::V6(_)) | (Subject::Ipv6, IpAddr::V4(_))
                ) {
                    return None;
                }
                let address = prefix_of(ip.ip, 32, 64);
                Some(match ip.benign {
                    None => address,
                    // Many people share the address: alone it identifies nobody.
                    Some(_) => together(address, self.user_agent()),
                })
            }
            Subject::IpUa => {
                let address = prefix_of(self.facts.ip.as_ref()?.ip, 32, 64);
                hit.get(Field::UserAgent)?;
                Some(together(address, self.user_agent()))
            }
            Subject::Subnet => Some(prefix_of(self.facts.ip.as_ref()?.ip, 24, 48)),
            Subject::Device => *self
                .device
                .get_or_insert_with(|| self.facts.device_key().map(print)),
            Subject::Uuid => hit.get(Field::Uuid).map(print),
            Subject::Fingerprint => hit.get(Field::Fingerprint).map(print),
            Subject::Publisher => hit.get(Field::Publisher).map(print),
            Subject::Keyword => hit.get(Field::Keyword).map(print),
            Subject::Everybody => Some(0),
            Subject::Link if hit.get(Field::Referer).is_some() => None,
            Subject::Link => {
                let parts = [Field::Offer, Field::Publisher, sub_id, Field::Url];
                let mut hash = KeyHasher::default();
                for field in parts {
                    hash.write_u64(print(hit.get(field).unwrap_or("")));
                }
                Some(hash.finish())
            }
            Subject::SubId => {
                let publisher = hit.get(Field::Publisher).unwrap_or("");
                Some(together(print(publisher), print(hit.get(sub_id)?)))
            }
        }
    }

    fn user_agent(&mut self) -> u64 {
        let facts = self.facts;
        *self.user_agent.get_or_insert_with(|| {
            let text = facts.hit.get(Field::UserAgent).unwrap_or("");
            match facts.ua.as_ref().and_then(|ua| ua.print()) {
                Some(made) => {
                    debug_assert_eq!(made, print(text), "of another user agent");
                    made
                }
                None => print(text),
            }
        })
    }
}

/// The event's payout in ten-thousandths; none, or one that does not read, adds nothing.
fn payout_of(facts: &Facts<'_>) -> u32 {
    let text = facts.hit.get(Field::Payout).unwrap_or("");
    let micros = Amount::micros_in(text).unwrap_or(0).max(0);
    i32::try_from(micros / 100)
        .unwrap_or(i32::MAX)
        .cast_unsigned()
}

/// The print of a text.
fn print(text: &str) -> u64 {
    key_hash(text.as_bytes())
}

fn mixed(print: u64) -> u64 {
    let mut hash = KeyHasher::default();
    hash.write_u64(print);
    hash.finish()
}

fn together(one: u64, other: u64) -> u64 {
    let mut hash = KeyHasher::default();
    hash.write_u64(one);
    hash.write_u64(other);
    hash.finish()
}

/// The address cut to a prefix of at most 64 bits, as a number; IPv4 and IPv6 never meet:
/// an IPv4 address stands where IPv6 has the range that maps them.
fn prefix_of(ip: IpAddr, v4_bits: u32, v6_bits: u32) -> u64 {
    match ip {
        IpAddr::V4(v4) => 0xffff << 32 | u64::from(v4.to_bits() & (u32::MAX << (32 - v4_bits))),
        IpAddr::V6(v6) => (v6.to_bits() >> 64) as u64 & (u64::MAX << (64 - v6_bits)),
    }
}

/// A fixed 64-bit hash: the same key in every process, version and restart.
///
/// Keys are stored in checkpoints and shared between nodes, so the standard library's
/// hasher, which may change, will not do. Folded multiplication as in wyhash; not
/// proof against a chosen collision, which could only make two visitors share a count.
#[derive(Default)]
pub struct KeyHasher {
    state: u64,
}

const K0: u64 = 0x9e37_79b9_7f4a_7c15;
const K1: u64 = 0xe703_7ed1_a0b4_28db;

const fn fold(a: u64, b: u64) -> u64 {
    let wide = (a as u128) * (b as u128);
    (wide as u64) ^ ((wide >> 64) as u64)
}

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut state = self.state ^ (bytes.len() as u64).wrapping_mul(K0);
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            state = fold(state ^ u64::from_le_bytes(word) ^ K0, K1);
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            state = fold(state ^ u64::from_le_bytes(word) ^ K1, K0);
        }
        self.state = state;
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.state = fold(self.state ^ value ^ K0, K1);
    }

    fn write_u128(&mut self, value: u128) {
        self.write_u64(value as u64);
        self.write_u64((value >> 64) as u64);
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn finish(&self) -> u64 {
        fold(self.state ^ K1, K0 ^ (self.state >> 32))
    }
}

/// The fixed 64-bit hash of some bytes; see [`KeyHasher`].
#[must_use]
pub fn key_hash(bytes: &[u8]) -> u64 {
    let mut hasher = KeyHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::facts_of;

    fn bump(spec: &CounterSpec, facts: &Facts<'_>) -> Option<Bump> {
        spec.bump(&mut Prints::new(facts))
    }

    fn spec(subject: Subject, level: Level) -> CounterSpec {
        CounterSpec {
            measure: Measure::Count,
            subject,
            member: subject,
            level,
            window_s: 3600,
            sub_id: Field::SubId,
        }
    }

    #[test]
    fn hash_never_changes() {
        // Stored in checkpoints: a change here needs a new checkpoint format.
        assert_eq!(key_hash(b"assay"), key_hash(b"assay"));
        assert_ne!(key_hash(b""), key_hash(b"\0"));
        assert_ne!(key_hash(b"ab"), key_hash(b"ba"));
    }

    #[test]
    fn a_print_made_ahead_is_the_text_s_own() {
        let mut facts = facts_of(|hit| {
            hit.ip = "8.8.8.8".parse().ok();
            hit.set(Field::UserAgent, Some("curl/8.5.0"));
        });
        let spec = spec(Subject::IpUa, Level::Account);
        let without = bump(&spec, &facts);
        let ua = crate::facts::UaFacts::bare(crate::facts::UaKind::Library);
        facts.ua = Some(std::sync::Arc::new(ua.ready("curl/8.5.0")));
        assert_eq!(bump(&spec, &facts), without);
    }

    #[test]
    fn counters_of_one_event_have_keys_of_their_own() {
        let facts = facts_of(|hit| {
            hit.ip = "8.8.8.8".parse().ok();
            hit.set(Field::UserAgent, Some("x"));
            hit.set(Field::Uuid, Some("u"));
            hit.set(Field::Publisher, Some("u"));
        });
        let mut keys = std::collections::HashSet::new();
        for subject in [Subject::Ip, Subject::Subnet, Subject::IpUa, Subject::Uuid] {
            for level in [Level::Account, Level::Offer, Level::Publisher] {
                for window_s in [60, 3600] {
                    for (measure, member) in [
                        (Measure::Count, Subject::Uuid),
                        (Measure::Distinct, Subject::Uuid),
                        (Measure::Distinct, Subject::Publisher),
                    ] {
                        let spec = CounterSpec {
                            measure,
                            member,
                            window_s,
                            ..spec(subject, level)
                        };
                        keys.insert(bump(&spec, &facts).unwrap().key);
                    }
                }
            }
        }
        assert_eq!(keys.len(), 4 * 3 * 2 * 3);
    }

    #[test]
    fn ipv6_counts_by_its_64() {
        let a = facts_of(|hit| hit.ip = "2606:4700:1:2::1".parse().ok());
        let b = facts_of(|hit| hit.ip = "2606:4700:1:2:ffff::9".parse().ok());
        let c = facts_of(|hit| hit.ip = "2606:4700:1:3::1".parse().ok());
        let spec = spec(Subject::Ip, Level::Account);
        assert_eq!(bump(&spec, &a), bump(&spec, &b));
        assert_ne!(bump(&spec, &a), bump(&spec, &c));
        assert!(bump(&self::spec(Subject::Ipv4, Level::Account), &a).is_none());
    }

    #[test]
    fn a_shared_address_counts_only_with_its_user_agent() {
        let mut a = facts_of(|hit| {
            hit.ip = "104.28.1.1".parse().ok();
            hit.set(Field::UserAgent, Some("one"));
        });
        let mut b = a.clone();
        b.hit.set(Field::UserAgent, Some("two"));
        let spec = spec(Subject::Ip, Level::Account);
        assert_eq!(bump(&spec, &a), bump(&spec, &b));
        for facts in [&mut a, &mut b] {
            facts.ip.as_mut().unwrap().benign = Some(crate::facts::Benign::Relay);
        }
        assert_ne!(bump(&spec, &a), bump(&spec, &b));
    }

    #[test]
    fn what_is_missing_makes_no_key() {
        let facts = facts_of(|_| {});
        for subject in [
            Subject::Ip,
            Subject::Device,
            Subject::Uuid,
            Subject::Publisher,
        ] {
            assert!(
                bump(&spec(subject, Level::Account), &facts).is_none(),
                "{subject:?}"
            );
        }
        assert!(bump(&spec(Subject::Ip, Level::SubId), &facts).is_none());
    }
}
