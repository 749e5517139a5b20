//! What every click index must do: find each click by both ids, and only clicks.

#![expect(
    clippy::unwrap_used,
    reason = "a test suite: a backend that fails must stop it"
)]

use std::sync::Arc;
use std::time::Duration;

use assay_model::hit::Field;
use assay_model::ports::{ClickIndex, ClickKey, ClickRow, Lookup};
use assay_model::testing::NOW;
use assay_model::{AccountId, EventId, EventKind, EventRecord, IntegrationId, Timestamp};

use super::events::EventBackend;
use super::sample::{ACCOUNTS, Sample};

/// Longer than any machine takes; the suite ends as soon as the index is there.
const WITHIN: Duration = Duration::from_secs(30);

/// An event store whose clicks are indexed by whatever runs behind it.
pub trait ClickBackend: EventBackend {
    /// Finds clicks.
    fn clicks(&self) -> Arc<dyn ClickIndex>;
}

/// Makes clicks with chosen ids.
#[derive(Debug)]
pub struct Clicks {
    sample: Sample,
    next: u32,
}

impl Clicks {
    /// The same seed, the same clicks.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            sample: Sample::new(0, seed, 1),
            next: 0,
        }
    }

    /// An event of the first account that happened at `time`.
    pub fn record(
        &mut self,
        kind: EventKind,
        integration: u32,
        external_id: &str,
        time: Timestamp,
    ) -> Vec<u8> {
        let base = self.sample.record();
        let mut record = EventRecord::decode(&base).unwrap();
        self.next += 1;
        record.event_id = EventId::new(time, 7, 0, self.next);
        let hit = &mut record.facts.hit;
        hit.account = ACCOUNTS[0];
        hit.integration = IntegrationId(integration);
        hit.event = kind;
        (hit.received, hit.time) = (time, time);
        hit.set(Field::ExternalTransactionId, Some(external_id));
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        bytes
    }
}

async fn caught_up(backend: &impl ClickBackend) -> Arc<dyn ClickIndex> {
    let clicks = backend.clicks();
    assert!(clicks.caught_up(WITHIN).await);
    clicks
}

/// Every click and impression is found by its account and no other, and nothing else is.
pub async fn finds_every_click(backend: &mut impl ClickBackend) {
    let mut sample = Sample::new(0, 31, 40);
    let mut all = Vec::new();
    for _ in 0..3 {
        let records = sample.records(200);
        backend.append(&records);
        all.extend(records);
        check_found(&*caught_up(backend).await, &all).await;
        backend.settle(sample.now());
        check_found(&*caught_up(backend).await, &all).await;
    }
    let unknown = EventId::new(NOW, 9, 9, 9);
    let clicks = backend.clicks();
    let found = clicks.find_by_event_id(ACCOUNTS[0], unknown).await;
    assert_eq!(found.unwrap(), Lookup::NotFound);
}

async fn check_found(clicks: &dyn ClickIndex, records: &[Vec<u8>]) {
    for bytes in records.iter().step_by(5) {
        let record = EventRecord::decode(bytes).unwrap();
        let hit = &record.facts.hit;
        let expected = match hit.event {
            kind @ (EventKind::Click | EventKind::Impression) => Some(row(kind, bytes)),
            _ => None,
        };
        let found = clicks.find_by_event_id(hit.account, record.event_id).await;
        assert_eq!(found.unwrap().found(), expected, "{}", record.event_id);
        let foreign = AccountId(hit.account.0 + 1);
        let found = clicks.find_by_event_id(foreign, record.event_id).await;
        assert_eq!(found.unwrap(), Lookup::NotFound, "a foreign id");
        let Some(id) = hit.get(Field::ExternalTransactionId) else {
            continue;
        };
        let ever = Timestamp(0);
        let by_id =
            |account, integration| clicks.find_by_external_id(account, integration, id, ever);
        let found = by_id(hit.account, hit.integration).await;
        assert_eq!(found.unwrap().found(), expected, "{id}");
        let found = by_id(foreign, hit.integration).await;
        assert_eq!(found.unwrap(), Lookup::NotFound, "a foreign account");
        let found = by_id(hit.account, IntegrationId(hit.integration.0 + 1)).await;
        assert_eq!(found.unwrap(), Lookup::NotFound, "another integration");
    }
}

fn row(kind: EventKind, bytes: &[u8]) -> ClickRow {
    ClickRow {
        kind,
        event: assay_model::ports::StoredEvent(bytes.to_vec()),
    }
}

/// Where a caller's id comes more than once, the newest click counts; an impression only where
/// there is no click; and nothing older than was asked for.
pub async fn the_newest_click_counts(backend: &mut impl ClickBackend) {
    let mut clicks = Clicks::new(32);
    let at = |minutes: i64| NOW.plus_ms(minutes * 60_000);
    // In the order of arrival: minute, kind.
    let comes = [
        (50, EventKind::Impression),
        (10, EventKind::Click),
        (40, EventKind::Click),
        (20, EventKind::Click),
        (60, EventKind::Impression),
    ];
    let mut known: Vec<(i64, EventKind, Vec<u8>)> = Vec::new();
    for settled in [false, true, false, true, false] {
        let (minute, kind) = comes[known.len()];
        let record = clicks.record(kind, 1, "again", at(minute));
        backend.append(&[record.clone(), clicks.record(kind, 2, "again", at(99))]);
        known.push((minute, kind, record));
        if settled {
            backend.settle(at(100));
        }
        let index = caught_up(backend).await;
        for since in [0, 15, 45, 55, 61] {
            let best = known
                .iter()
                .filter(|(minute, ..)| *minute >= since)
                .max_by_key(|(minute, kind, _)| (*kind == EventKind::Click, *minute));
            let expected = best.map(|(_, kind, bytes)| row(*kind, bytes));
            let found = index
                .find_by_external_id(ACCOUNTS[0], IntegrationId(1), "again", at(since))
                .await;
            assert_eq!(
                found.unwrap().found(),
                expected,
                "since {since}, {}",
                known.len()
            );
        }
    }
}

/// Who waits for a click is told once it comes, and only of that one.
pub async fn tells_of_clicks_that_were_waited_for(backend: &mut impl ClickBackend) {
    let mut clicks = Clicks::new(33);
    let index = backend.clicks();
    let key = |external_id: &str| ClickKey {
        account: ACCOUNTS[0],
        integration: IntegrationId(1),
        external_id: external_id.to_owned(),
    };
    for id in ["first", "second", "given up"] {
        assert!(index.watch(key(id)));
    }
    index.unwatch(&key("given up"));
    backend.append(&[
        clicks.record(EventKind::Conversion, 1, "second", NOW),
        clicks.record(EventKind::Click, 2, "second", NOW),
        clicks.record(EventKind::Click, 1, "given up", NOW),
        clicks.record(EventKind::Click, 1, "first", NOW),
    ]);
    assert_eq!(index.arrived().await, [key("first")]);
    backend.append(&[
        clicks.record(EventKind::Click, 1, "first", NOW),
        clicks.record(EventKind::Click, 1, "second", NOW),
    ]);
    assert_eq!(index.arrived().await, [key("second")]);
    let found = index
        .find_by_external_id(ACCOUNTS[0], IntegrationId(1), "second", Timestamp(0))
        .await;
    assert!(found.unwrap().found().is_some(), "who is told finds it");
}
