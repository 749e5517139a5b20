//! One account's events counted for their sources.
//!
//! After a start, and whenever its rules count events for other sources than before, an
//! account is counted anew from the store, back to the longest window; from then on the log
//! is followed. An id that was counted is known by the highest one of its lane.

use std::collections::HashSet;
use std::hash::Hasher as _;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use assay_detect::sources::{Limits, Origin, Outcome, Profiles, is_own_rejection};
use assay_gateway::AccountPolicy;
use assay_model::facts::{Country, Facts, IpFacts};
use assay_model::hit::{Field, Hit};
use assay_model::ledger::{Conversion, Status};
use assay_model::ports::{ChangeCursor, ScanQuery};
use assay_model::recall::KeyHasher;
use assay_model::record::EventRecord;
use assay_model::{EventId, Timestamp};

use super::account::Account;
use super::{SourceKeeper, locked};

/// Lanes that an id can name.
const LANES: usize = 64;
/// Rejected conversions that are remembered; past it, one that is approved again still counts
/// as rejected.
const REJECTED_MAX: usize = 1_000_000;
/// Conversions of one page of the ledger's changes.
const PAGE: u32 = 1000;
/// Events whose own time is ahead of their arrival are read too, as far as doors take them.
const AHEAD_MS: i64 = 86_400_000;
/// After a gap in the log, events from so long before it are looked at again.
const OVERLAP_MS: i64 = 3_600_000;

/// An account's counts.
#[derive(Default)]
pub struct Folded {
    counted: Option<Counted>,
    /// From when on the log was passed over.
    gap: Option<Timestamp>,
}

struct Counted {
    profiles: Profiles,
    print: u64,
    window_s: u32,
    /// What happened before is in no window.
    from: Timestamp,
    /// By lane, the highest id that was counted.
    passed: [Option<EventId>; LANES],
    /// When the newest came in.
    newest: Timestamp,
    rejected: HashSet<EventId>,
}

impl Folded {
    /// The profiles, without what no window reaches any more.
    pub fn profiles(&mut self, now: Timestamp) -> Option<&Profiles> {
        let counted = self.counted.as_mut()?;
        let window_ms = i64::from(counted.window_s) * 1000;
        // A day more: windows end where a bucket starts.
        counted
            .profiles
            .forget(now.plus_ms(-window_ms - 86_400_000));
        Some(&counted.profiles)
    }

    /// Counts a record of the log; false = nobody asks for it, or it was counted.
    pub fn add(&mut self, policy: &AccountPolicy, record: &EventRecord<'_>) -> bool {
        match &mut self.counted {
            Some(counted) => counted.add(policy, record),
            None => false,
        }
    }

    /// Notes that records of the log were passed over.
    pub fn missed(&mut self) {
        if let Some(counted) = &self.counted {
            let since = counted.newest;
            self.gap = Some(self.gap.map_or(since, |gap| gap.min(since)));
        }
    }

    /// Counts what became of a conversion.
    pub fn conversion(&mut self, policy: &AccountPolicy, row: &Conversion) {
        if let Some(counted) = &mut self.counted {
            counted.conversion(policy, row);
        }
    }
}

impl Counted {
    fn new(limits: Limits, print: u64, window_s: u32, from: Timestamp) -> Self {
        Self {
            profiles: Profiles::new(limits),
            print,
            window_s,
            from,
            passed: [None; LANES],
            newest: Timestamp::default(),
            rejected: HashSet::new(),
        }
    }

    fn add(&mut self, policy: &AccountPolicy, record: &EventRecord<'_>) -> bool {
        let id = record.event_id;
        let passed = &mut self.passed[lane_of(id)];
        if passed.is_some_and(|highest| id <= highest) {
            return false;
        }
        *passed = Some(id);
        self.count(policy, record)
    }

    fn count(&mut self, policy: &AccountPolicy, record: &EventRecord<'_>) -> bool {
        self.newest = self.newest.max(record.facts.hit.received);
        // What nobody screened then tells nothing of its source.
        if record.verdict.rule.id == 0 && record.verdict.rule.version == 0 {
            return false;
        }
        let hit = &record.facts.hit;
        let own = policy.integrations.iter().find(|i| i.id == hit.integration);
        let Some(integration) = own else {
            return false;
        };
        let rules = policy.rules(integration.settings.kind);
        self.profiles.add(rules.rule_for(&record.facts), record);
        true
    }

    fn conversion(&mut self, policy: &AccountPolicy, row: &Conversion) {
        if row.time < self.from {
            return;
        }
        let state = &row.state;
        let rejected = matches!(state.status, Status::Rejected | Status::Invalid)
            && !is_own_rejection(state.reason);
        let known = self.rejected.contains(&row.conversion_id);
        let outcome = match (known, rejected) {
            (false, true) if self.rejected.len() < REJECTED_MAX => {
                self.rejected.insert(row.conversion_id);
                Outcome::Rejected
            }
            (true, false) => {
                self.rejected.remove(&row.conversion_id);
                Outcome::Reinstated
            }
            _ => return,
        };
        let facts = facts_of(row);
        let own = policy.integrations.iter().find(|i| i.id == row.integration);
        let Some(integration) = own else {
            return;
        };
        let rule = policy.rules(integration.settings.kind).rule_for(&facts);
        let text = |field| facts.hit.get(field).unwrap_or("");
        let origin = Origin {
            publisher: text(Field::Publisher),
            sub_id: text(rule.sub_id),
            offer: text(Field::Offer),
        };
        self.profiles.outcome(rule, origin, row.time, outcome);
    }
}

/// What a rule's scope asks of a conversion, from its row.
pub fn facts_of(row: &Conversion) -> Facts<'_> {
    let from = &row.attributes;
    let mut hit = Hit::new(row.account, row.integration, row.kind, row.received);
    hit.time = row.time;
    let sub_ids = [
        Field::SubId,
        Field::SubId2,
        Field::SubId3,
        Field::SubId4,
        Field::SubId5,
        Field::SubId6,
    ];
    let named = [
        (Field::Advertiser, &from.advertiser),
        (Field::Offer, &from.offer),
        (Field::Publisher, &from.publisher),
        (Field::SourceId, &from.source_id),
    ];
    let all = named
        .into_iter()
        .chain(sub_ids.into_iter().zip(&from.sub_ids));
    for (field, text) in all.filter(|(_, text)| !text.is_empty()) {
        hit.set(field, Some(text));
    }
    let mut facts = Facts::bare(hit);
    if let Some(country) = Country::parse(&from.country) {
        let mut ip = IpFacts::unknown([0, 0, 0, 0].into());
        ip.country = Some(country);
        facts.ip = Some(ip);
    }
    facts
}

fn lane_of(id: EventId) -> usize {
    let [.., a, b, c, d] = id.0;
    (u32::from_be_bytes([a, b, c, d]) >> 18) as usize % LANES
}

/// Counts anew, or what was passed over, where that is needed.
pub fn keep_up(
    keeper: &SourceKeeper,
    account: &Account,
    policy: &AccountPolicy,
    now: Timestamp,
    runtime: &tokio::runtime::Handle,
) -> anyhow::Result<()> {
    let window_s = policy
        .rules_by_kind()
        .filter_map(|r| r.sources_window_s())
        .max();
    let Some(window_s) = window_s else {
        locked(&account.folded).counted = None;
        return Ok(());
    };
    let print = print_of(policy, window_s);
    let (fresh, gap) = {
        let mut folded = locked(&account.folded);
        let fresh = folded
            .counted
            .as_ref()
            .is_some_and(|own| own.print == print);
        (fresh, folded.gap.take())
    };
    if !fresh {
        let from = now.plus_ms(-i64::from(window_s) * 1000);
        let mut counted = Counted::new(keeper.options.limits(), print, window_s, from);
        scan(keeper, account, policy, (from, now), &mut counted)?;
        runtime.block_on(follow_ledger(
            keeper,
            account,
            policy,
            (from, now),
            &mut counted,
        ))?;
        locked(&account.folded).counted = Some(counted);
    } else if let Some(since) = gap {
        let taken = locked(&account.folded).counted.take();
        if let Some(mut counted) = taken {
            let from = since.plus_ms(-OVERLAP_MS);
            scan(keeper, account, policy, (from, now), &mut counted)?;
            locked(&account.folded).counted = Some(counted);
        }
    }
    Ok(())
}

/// Counts the store's events that were not counted, in the order of their time.
fn scan(
    keeper: &SourceKeeper,
    account: &Account,
    policy: &AccountPolicy,
    (from, now): (Timestamp, Timestamp),
    counted: &mut Counted,
) -> anyhow::Result<()> {
    let started_us = keeper.engine.clock.monotonic_us();
    let query = ScanQuery {
        from,
        to: now.plus_ms(AHEAD_MS),
        filters: Vec::new(),
    };
    let opened = keeper.ports.scan.open(account.id, &query)?;
    // Ids do not ascend here: what was counted before is below what was passed before.
    let before = counted.passed;
    let mut added = 0;
    opened.in_time_order(&mut |bytes| {
        // One that does not decode is reported where it is sealed.
        if let Ok(record) = EventRecord::decode(bytes) {
            let lane = lane_of(record.event_id);
            if before[lane].is_none_or(|highest| record.event_id > highest) {
                let highest = &mut counted.passed[lane];
                *highest = (*highest).max(Some(record.event_id));
                added += u64::from(counted.count(policy, &record));
            }
        }
        ControlFlow::Continue(())
    })?;
    keeper.folded(added, started_us);
    Ok(())
}

async fn follow_ledger(
    keeper: &SourceKeeper,
    account: &Account,
    policy: &AccountPolicy,
    (from, now): (Timestamp, Timestamp),
    counted: &mut Counted,
) -> anyhow::Result<()> {
    let mut cursor = ChangeCursor {
        changed: from,
        row: 0,
    };
    loop {
        let page = keeper.ports.feed.changed(cursor, now, PAGE).await?;
        let Some((last, _)) = page.last() else {
            return Ok(());
        };
        cursor = *last;
        for (_, row) in page.iter().filter(|(_, row)| row.account == account.id) {
            counted.conversion(policy, row);
        }
    }
}

fn print_of(policy: &AccountPolicy, window_s: u32) -> u64 {
    let mut hash = KeyHasher::default();
    for rules in policy.rules_by_kind() {
        hash.write_u64(rules.sources_print());
    }
    for integration in &policy.integrations {
        hash.write_u32(integration.id.0);
    }
    hash.write_u32(window_s);
    hash.finish()
}

impl SourceKeeper {
    /// Notes time spent on counting.
    pub(super) fn folded(&self, events: u64, since_us: u64) {
        let spent = self.engine.clock.monotonic_us().saturating_sub(since_us);
        self.stats.fold_us.fetch_add(spent, Ordering::Relaxed);
        self.stats.folded.fetch_add(events, Ordering::Relaxed);
    }
}
