//! The clicks of a file that is scored: conversions are matched to them as at the doors, but
//! in memory, and only back in the file.
//!
//! Bounded: past the given number the oldest clicks are forgotten, and counted.

use std::collections::{HashMap, VecDeque};
use std::hash::{Hash as _, Hasher as _};

use assay_model::click::{ClickMatch, ClickSearch, MatchedBy};
use assay_model::hit::{EventKind, Field, Hit};
use assay_model::ledger::Keys;
use assay_model::ports::CounterStore;
use assay_model::recall::KeyHasher;
use assay_model::{IntegrationId, Timestamp};

use super::click::{FALLBACKS, INHERITED, inherit, told_by};
use super::ids::Ids;
use crate::decide::{Course, Decision, Memory, Screening, decide, decide_as};
use crate::engine::Engine;
use crate::outbox::{Outbox, Scratch};
use crate::policy::{AccountPolicy, IntegrationPolicy};

/// [`decide`] for an event of a file: a conversion is judged beside its click in the same
/// file, or the one that it tells of. `of`: the integration that the event names.
pub async fn decide_in_file<C: CounterStore, R>(
    engine: &Engine<C>,
    outbox: &impl Outbox,
    scratch: &mut Scratch,
    whose: (&AccountPolicy, &IntegrationPolicy),
    hit: Hit<'_>,
    (clicks, of): (&mut FileClicks, Option<u32>),
    respond: impl FnOnce(&Decision<'_, '_>) -> R,
) -> R {
    if !hit.event.is_conversion() {
        return decide(engine, outbox, scratch, whose, hit, |decision| {
            clicks.keep(decision, of);
            respond(decision)
        })
        .await;
    }
    let mut hit = hit;
    let lookback_s = whose.1.lookback_s();
    let (search, click) = clicks.find(&mut hit, of, lookback_s);
    let click = click.or_else(|| told_by(&hit, &engine.intel.tables(), lookback_s));
    let course = Course {
        screening: Screening::ByScope,
        memory: Memory {
            // A click that is told of is known, though the file has none.
            search: match (search, &click) {
                (ClickSearch::NotFound, Some(_)) => ClickSearch::None,
                _ => search,
            },
            click: click.map(Box::new),
            ..Memory::default()
        },
        place: |_: &Decision<'_, '_>| None,
    };
    decide_as(engine, outbox, scratch, whose, hit, course, respond).await
}

/// The clicks of a file, as far as it was read.
#[derive(Debug)]
pub struct FileClicks {
    max: usize,
    /// Oldest first.
    kept: VecDeque<Kept>,
    /// How many were forgotten: the number of the oldest that is kept.
    forgotten: u64,
    /// Number of the click that an id means, by the id's print.
    by_id: HashMap<u64, u64>,
}

#[derive(Debug)]
struct Kept {
    click: ClickMatch,
    /// What its conversion takes over.
    given: Box<[(Field, Box<str>)]>,
    prints: [Option<u64>; 2],
}

impl FileClicks {
    /// Clicks of which `max` are kept at most.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self {
            max: max.max(1),
            kept: VecDeque::new(),
            forgotten: 0,
            by_id: HashMap::new(),
        }
    }

    /// Clicks that had to be forgotten for newer ones.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Keeps a click or impression that has an id; `of`: the integration that it names.
    pub fn keep(&mut self, decision: &Decision<'_, '_>, of: Option<u32>) {
        let hit = &decision.facts.hit;
        if !matches!(hit.event, EventKind::Click | EventKind::Impression) {
            return;
        }
        let prints = [own_print(hit), external_print(hit, of)];
        if prints == [None, None] {
            return;
        }
        let judged = (decision.event_id, decision.verdict);
        // Look-back and by which id are the conversion's.
        let click = ClickMatch::of(judged, decision.facts, MatchedBy::OwnId, 0);
        let fields = INHERITED.into_iter().chain(FALLBACKS);
        let given = fields.filter_map(|field| Some((field, hit.get(field)?.into())));
        let kept = Kept {
            click,
            given: given.collect(),
            prints,
        };
        if self.kept.len() >= self.max {
            self.forget_oldest();
        }
        let number = self.forgotten + self.kept.len() as u64;
        for print in prints.into_iter().flatten() {
            let before = self.by_print(print);
            if before.is_none_or(|before| before.rank() <= kept.rank()) {
                self.by_id.insert(print, number);
            }
        }
        self.kept.push_back(kept);
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.kept.pop_front() else {
            return;
        };
        for print in oldest.prints.into_iter().flatten() {
            if self.by_id.get(&print) == Some(&self.forgotten) {
                self.by_id.remove(&print);
            }
        }
        self.forgotten += 1;
    }

    /// Looks for a conversion's click, and puts what it takes over into it.
    ///
    /// A file without any click is not searched: that its conversions have none in it says
    /// nothing about them.
    pub fn find<'f>(
        &'f self,
        hit: &mut Hit<'f>,
        of: Option<u32>,
        lookback_s: u32,
    ) -> (ClickSearch, Option<ClickMatch>) {
        let named = own_print(hit).is_some() || external_print(hit, of).is_some();
        if !named || (self.kept.is_empty() && self.forgotten == 0) {
            return (ClickSearch::None, None);
        }
        let Some((kept, by)) = self.meant(hit, of, Some(lookback_s)) else {
            return (ClickSearch::NotFound, None);
        };
        let mut own = Hit::new(hit.account, hit.integration, EventKind::Click, hit.received);
        for (field, text) in &kept.given {
            own.set(*field, Some(text));
        }
        inherit(hit, &own);
        let mut click = kept.click.clone();
        (click.by, click.lookback_s) = (by, lookback_s);
        (ClickSearch::Found, Some(click))
    }

    /// By what a conversion is known again; `None` = nothing tells it from another.
    #[must_use]
    pub fn keys(&self, hit: &Hit<'_>, of: Option<u32>) -> Option<Keys> {
        let click = self.meant(hit, of, None);
        let own_text = hit.get(Field::TransactionId);
        let ids = Ids {
            own: None,
            own_text,
            external: hit.get(Field::ExternalTransactionId).or(own_text),
        };
        let event = match hit.get(Field::EventName).unwrap_or("").trim() {
            "" if hit.event == EventKind::PostEvent => hit.event.as_str(),
            "conversion" => "",
            name => name,
        };
        let order_id = hit.get(Field::OrderId).unwrap_or("");
        let click = click.and_then(|(kept, _)| kept.click.event_id);
        ids.keys(IntegrationId(of.unwrap_or(0)), event, order_id, click)
    }

    /// The click that a conversion names: by our id whenever it was, by the caller's within
    /// the look-back.
    fn meant(
        &self,
        hit: &Hit<'_>,
        of: Option<u32>,
        lookback_s: Option<u32>,
    ) -> Option<(&Kept, MatchedBy)> {
        let by_own = own_print(hit).and_then(|print| self.by_print(print));
        if let Some(kept) = by_own {
            return Some((kept, MatchedBy::OwnId));
        }
        let kept = self.by_print(external_print(hit, of)?)?;
        let since = lookback_s.map(|s| hit.time.plus_ms(-1000 * i64::from(s)));
        (kept.click.time >= since).then_some((kept, MatchedBy::ExternalId))
    }

    fn by_print(&self, print: u64) -> Option<&Kept> {
        let number = self.by_id.get(&print)?;
        let at = usize::try_from(number.checked_sub(self.forgotten)?).ok()?;
        self.kept.get(at)
    }
}

impl Kept {
    /// A click counts before an impression, the newer before the older.
    fn rank(&self) -> (bool, Option<Timestamp>) {
        (self.click.kind == EventKind::Click, self.click.time)
    }
}

fn own_print(hit: &Hit<'_>) -> Option<u64> {
    let id = hit.get(Field::TransactionId)?.trim();
    Some(print(0, None, &id.to_ascii_lowercase()))
}

/// A caller's id is only unique within one integration.
fn external_print(hit: &Hit<'_>, of: Option<u32>) -> Option<u64> {
    hit.get(Field::ExternalTransactionId)
        .map(|id| print(1, of, id))
}

fn print(kind: u8, of: Option<u32>, id: &str) -> u64 {
    let mut hasher = KeyHasher::default();
    (kind, of, id).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::testing::{NOW, clean_verdict, facts_of};
    use assay_model::{EventId, Timestamp};

    const DAY_S: u32 = 86_400;

    /// Keeps a click of publisher `publisher` with the caller's id `id`; its event id.
    fn click(clicks: &mut FileClicks, id: &str, publisher: &str, at: Timestamp) -> EventId {
        kind(clicks, EventKind::Click, id, publisher, at)
    }

    fn kind(
        clicks: &mut FileClicks,
        event: EventKind,
        id: &str,
        publisher: &str,
        at: Timestamp,
    ) -> EventId {
        let facts = facts_of(|hit| {
            hit.event = event;
            hit.time = at;
            hit.set(Field::ExternalTransactionId, Some(id));
            hit.set(Field::Publisher, Some(publisher));
        });
        let sequence = clicks.forgotten as u16 + clicks.kept.len() as u16;
        let decision = Decision {
            event_id: EventId::new(at, 0, 0, sequence.into()),
            facts: &facts,
            verdict: &clean_verdict(),
            decision_us: 0,
            destination: None,
        };
        clicks.keep(&decision, Some(7));
        decision.event_id
    }

    /// What a conversion with this id finds: the search, and the publisher it takes over.
    fn found(clicks: &FileClicks, id: &str, of: u32) -> (ClickSearch, Option<String>) {
        let facts = facts_of(|hit| {
            hit.event = EventKind::Conversion;
            hit.set(Field::ExternalTransactionId, Some(id));
        });
        let mut hit = facts.hit.clone();
        let (search, click) = clicks.find(&mut hit, Some(of), DAY_S);
        assert_eq!(click.is_some(), search == ClickSearch::Found);
        (search, hit.get(Field::Publisher).map(str::to_owned))
    }

    #[test]
    fn a_click_is_found_by_its_id_within_integration_and_look_back() {
        let mut clicks = FileClicks::new(10);
        assert_eq!(found(&clicks, "a", 7), (ClickSearch::None, None));
        click(&mut clicks, "a", "p1", NOW.plus_ms(-60_000));
        let old = NOW.plus_ms(-1000 * i64::from(DAY_S) - 1);
        click(&mut clicks, "old", "p2", old);
        let p1 = || (ClickSearch::Found, Some("p1".to_owned()));
        assert_eq!(found(&clicks, "a", 7), p1());
        assert_eq!(found(&clicks, "a", 8), (ClickSearch::NotFound, None));
        assert_eq!(found(&clicks, "old", 7), (ClickSearch::NotFound, None));
        kind(&mut clicks, EventKind::Impression, "a", "p3", NOW);
        assert_eq!(found(&clicks, "a", 7), p1(), "a click counts first");
        click(&mut clicks, "a", "p4", NOW);
        assert_eq!(found(&clicks, "a", 7).1.as_deref(), Some("p4"));
    }

    #[test]
    fn past_the_bound_the_oldest_are_forgotten_and_counted() {
        let mut clicks = FileClicks::new(2);
        for id in ["a", "b", "a", "c"] {
            click(&mut clicks, id, id, NOW);
        }
        assert_eq!((clicks.forgotten(), clicks.by_id.len()), (2, 2));
        assert_eq!(found(&clicks, "b", 7), (ClickSearch::NotFound, None));
        assert_eq!(
            found(&clicks, "a", 7).0,
            ClickSearch::Found,
            "the newer one"
        );
    }

    #[test]
    fn a_conversion_is_known_again_by_its_click_event_and_order() {
        let mut clicks = FileClicks::new(10);
        let own = click(&mut clicks, "a", "p1", NOW);
        let of = |more: &[(Field, &'static str)]| {
            let facts = facts_of(|hit| {
                hit.event = EventKind::Conversion;
                hit.set(Field::ExternalTransactionId, Some("a"));
                for (field, text) in more {
                    hit.set(*field, Some(text));
                }
            });
            clicks.keys(&facts.hit, Some(7)).unwrap()
        };
        let plain = of(&[]);
        assert_eq!(plain, of(&[(Field::EventName, "conversion")]));
        assert_ne!(plain.decides, of(&[(Field::OrderId, "o1")]).decides);
        assert_ne!(plain.decides, of(&[(Field::EventName, "signup")]).decides);
        let click_key = super::super::ids::click_key(IntegrationId(7), "", "", own);
        assert_eq!(plain.decides, click_key);
    }
}
