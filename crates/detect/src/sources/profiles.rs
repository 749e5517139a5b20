//! The numbers of all sources of an account, by the hour for two days and by the day beyond.
//!
//! Kept as fine as the rule's filters tell sources apart, and added up when they are judged.
//! The order in which events come does not matter, with two exceptions that can only acquit:
//! which of a device's events is its first, and who finds the place taken when the limit is
//! reached.

use std::collections::HashMap;
use std::hash::Hasher;

use assay_model::Timestamp;
use assay_model::hit::Field;
use assay_model::recall::{Family, KeyHasher};
use assay_model::record::EventRecord;

use super::observe;
use super::seen::Seen;
use super::tally::{Part, Slot, Tally};
use crate::rules::CompiledRule;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// How far back hours are told apart.
const HOURS_MS: i64 = 2 * DAY_MS;

/// The most that profiles hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Sources told apart, sub ids and offers included. Past seven eighths of it, new sub
    /// ids count for their publisher only; past all of it, new sources are not told apart.
    pub sources: usize,
    /// Counts of all sources and buckets, eight bytes each. Past it, events of known sources
    /// go on counting where a count is there, and new sources are not told apart.
    pub counts: usize,
}

impl Default for Limits {
    /// Some 150 MB at most.
    fn default() -> Self {
        Self {
            sources: 100_000,
            counts: 16_000_000,
        }
    }
}

/// Whose an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// Publisher.
    pub publisher: &'a str,
    /// The rule's sub id; empty = none.
    pub sub_id: &'a str,
    /// Offer; empty = none.
    pub offer: &'a str,
}

/// What happened to a conversion in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was rejected, or found invalid.
    Rejected,
    /// A rejection was taken back.
    Reinstated,
}

/// The numbers of one source as fine as they are kept.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub rule: u64,
    pub publisher: Box<str>,
    pub sub_id: Box<str>,
    pub offer: Box<str>,
    /// By their number since 1970, ascending.
    hours: Vec<(i64, Tally)>,
    days: Vec<(i64, Tally)>,
}

/// The numbers of all sources of one account.
#[derive(Clone, Debug)]
pub struct Profiles {
    limits: Limits,
    cells: HashMap<u64, Cell>,
    seen: Seen,
    /// Hours before this day are kept as days.
    hours_from_day: i64,
    counts: usize,
    folded: u64,
    slots: Vec<Slot>,
}

impl Profiles {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            cells: HashMap::new(),
            seen: Seen::default(),
            hours_from_day: i64::MIN,
            counts: 0,
            folded: 0,
            slots: Vec::new(),
        }
    }

    /// Counts a judged event for its source, under the rule that judged it. In any order;
    /// that an event comes once is the caller's business. What cannot count is left out:
    /// events of nobody, test events, copies, and what was judged without all inputs.
    pub fn add(&mut self, rule: &CompiledRule, record: &EventRecord<'_>) {
        let hit = &record.facts.hit;
        let Some(publisher) = hit.get(Field::Publisher).filter(|text| !text.is_empty()) else {
            return;
        };
        if rule.standings().is_empty() || !observe::counts(record) {
            return;
        }
        let origin = Origin {
            publisher,
            sub_id: hit.get(rule.sub_id).unwrap_or(""),
            offer: hit.get(Field::Offer).unwrap_or(""),
        };
        let mut slots = std::mem::take(&mut self.slots);
        observe::slots(rule, record, &mut self.seen, &mut slots);
        self.put(rule, origin, hit.time, &slots);
        self.slots = slots;
    }

    /// Counts what became of a conversion, at the conversion's own time. A rejection that is
    /// the work of a filter of sources must not be told: it would hold its source for ever
    /// (see [`super::is_own_rejection`]).
    pub fn outcome(
        &mut self,
        rule: &CompiledRule,
        origin: Origin<'_>,
        at: Timestamp,
        outcome: Outcome,
    ) {
        if rule.standings().is_empty() || origin.publisher.is_empty() {
            return;
        }
        let part = match outcome {
            Outcome::Rejected => Part::Rejected,
            Outcome::Reinstated => Part::Reinstated,
        };
        self.put(rule, origin, at, &[Slot::new(Family::Conversions, part, 0)]);
    }

    /// Drops what lies before a moment, in whole days.
    pub fn forget(&mut self, before: Timestamp) {
        let day = before.utc_day();
        for cell in self.cells.values_mut() {
            cell.days.retain(|(own, _)| *own >= day);
            cell.hours.retain(|(hour, _)| hour.div_euclid(24) >= day);
        }
        self.cells
            .retain(|_, cell| !(cell.days.is_empty() && cell.hours.is_empty()));
        self.counts = self.cells.values().map(Cell::len).sum();
    }

    /// How many sources are told apart, and how many events were not because of the limit.
    #[must_use]
    pub fn size(&self) -> Size {
        Size {
            sources: self.cells.len(),
            counts: self.counts,
            folded: self.folded,
        }
    }

    pub(super) fn cells(&self, rule: u64) -> impl Iterator<Item = &Cell> {
        self.cells.values().filter(move |cell| cell.rule == rule)
    }

    /// The start of what lies in a window without a part of it lying outside.
    pub(super) fn window_from(&self, now: Timestamp, window_s: u32) -> Timestamp {
        let from = now.0 - i64::from(window_s) * 1000;
        let hour = ceil_to(from, HOUR_MS);
        if hour >= self.hours_from_day.saturating_mul(DAY_MS) {
            Timestamp(hour)
        } else {
            Timestamp(ceil_to(from, DAY_MS))
        }
    }

    fn put(&mut self, rule: &CompiledRule, origin: Origin<'_>, at: Timestamp, slots: &[Slot]) {
        self.turn(at);
        let by_day = at.utc_day() < self.hours_from_day;
        let Some(key) = self.place(rule, origin) else {
            self.folded += 1;
            return;
        };
        let full = self.counts >= self.limits.counts;
        let Some(cell) = self.cells.get_mut(&key) else {
            return;
        };
        let tally = if by_day {
            bucket(&mut cell.days, at.utc_day())
        } else {
            bucket(&mut cell.hours, at.0.div_euclid(HOUR_MS))
        };
        for slot in slots {
            if full && !tally.has(*slot) {
                continue;
            }
            self.counts += usize::from(tally.add(*slot));
        }
    }

    /// The cell of a source, made if there is room; a sub id without room is its publisher's.
    fn place(&mut self, rule: &CompiledRule, origin: Origin<'_>) -> Option<u64> {
        let spec = rule.standings();
        let by = |told: bool, text| if told { text } else { "" };
        let mut origin = Origin {
            sub_id: by(spec.iter().any(|s| s.level.by_sub_id()), origin.sub_id),
            offer: by(spec.iter().any(|s| s.level.by_offer()), origin.offer),
            ..origin
        };
        let rule = rule.rule.id;
        let room = |cells: usize| self.counts < self.limits.counts && self.cells.len() < cells;
        let key = key_of(rule, origin);
        if self.cells.contains_key(&key) {
            return Some(key);
        }
        if !room(self.limits.sources / 8 * 7) {
            self.folded += u64::from(!origin.sub_id.is_empty());
            origin.sub_id = "";
        }
        let key = key_of(rule, origin);
        if !self.cells.contains_key(&key) {
            if !room(self.limits.sources) {
                return None;
            }
            self.cells.insert(key, Cell::new(rule, origin));
        }
        Some(key)
    }

    /// Turns hours into days that are no longer told apart by the hour.
    fn turn(&mut self, at: Timestamp) {
        let from_day = Timestamp(at.0 - HOURS_MS).utc_day();
        if from_day <= self.hours_from_day {
            return;
        }
        self.hours_from_day = from_day;
        for cell in self.cells.values_mut() {
            cell.turn(from_day);
        }
        self.counts = self.cells.values().map(Cell::len).sum();
    }
}

/// How much is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Sources told apart.
    pub sources: usize,
    /// Counts held.
    pub counts: usize,
    /// Events that were not told apart, or not counted, because a limit was reached.
    pub folded: u64,
}

impl Cell {
    fn new(rule: u64, origin: Origin<'_>) -> Self {
        Self {
            rule,
            publisher: origin.publisher.into(),
            sub_id: origin.sub_id.into(),
            offer: origin.offer.into(),
            hours: Vec::new(),
            days: Vec::new(),
        }
    }

    fn len(&self) -> usize {
        let of = |buckets: &[(i64, Tally)]| buckets.iter().map(|(_, tally)| tally.len()).sum();
        let (hours, days): (usize, usize) = (of(&self.hours), of(&self.days));
        hours + days
    }

    fn turn(&mut self, from_day: i64) {
        let keep = self
            .hours
            .partition_point(|(hour, _)| hour.div_euclid(24) < from_day);
        for (hour, tally) in self.hours.drain(..keep) {
            bucket(&mut self.days, hour.div_euclid(24)).merge(&tally);
        }
    }

    /// Everything from `from` to `now`; `from` is where a bucket starts.
    pub(super) fn window(&self, from: Timestamp, now: Timestamp) -> Tally {
        let mut all = Tally::default();
        let days = self.days.iter().map(|(day, tally)| (day * DAY_MS, tally));
        let hours = self
            .hours
            .iter()
            .map(|(hour, tally)| (hour * HOUR_MS, tally));
        for (start, tally) in days.chain(hours) {
            if start >= from.0 && start <= now.0 {
                all.merge(tally);
                all.on_day(Timestamp(start).utc_day() - from.utc_day());
            }
        }
        all
    }
}

fn bucket(buckets: &mut Vec<(i64, Tally)>, number: i64) -> &mut Tally {
    let at = match buckets.binary_search_by_key(&number, |(own, _)| *own) {
        Ok(at) => at,
        Err(at) => {
            buckets.insert(at, (number, Tally::default()));
            at
        }
    };
    &mut buckets[at].1
}

fn key_of(rule: u64, origin: Origin<'_>) -> u64 {
    let mut hash = KeyHasher::default();
    hash.write_u64(rule);
    for part in [origin.publisher, origin.sub_id, origin.offer] {
        hash.write(part.as_bytes());
    }
    hash.finish()
}

const fn ceil_to(ms: i64, step_ms: i64) -> i64 {
    -((-ms).div_euclid(step_ms)) * step_ms
}
