//! What every event store must do: find one, list the newest, keep accounts apart.

#![expect(
    clippy::unwrap_used,
    reason = "a test suite: a backend that fails must stop it"
)]

use std::sync::Arc;

use assay_model::ports::{
    Dimension, EventFilter, EventQuery, EventReader, ReportReader, StoredEvent,
};
use assay_model::testing::NOW;
use assay_model::{AccountId, EventId, EventRecord, Timestamp};

use super::sample::{ACCOUNTS, Sample};

/// An event store under test, as its writer knows it.
pub trait EventBackend {
    /// Takes records in; they can be read when it returns.
    fn append(&mut self, records: &[Vec<u8>]);
    /// Moves events along to where the backend keeps them for long.
    fn settle(&mut self, now: Timestamp);
    /// Reads events.
    fn events(&self) -> Arc<dyn EventReader>;
    /// Makes reports.
    fn reports(&self) -> Arc<dyn ReportReader>;
}

/// Every event is found by its account and no other, before and after it has settled.
pub async fn finds_every_event(backend: &mut impl EventBackend) {
    let mut sample = Sample::new(0, 1, 40);
    let mut all = Vec::new();
    for _ in 0..3 {
        let records = sample.records(300);
        backend.append(&records);
        all.extend(records);
        check_found(backend, &all).await;
        backend.settle(sample.now());
        check_found(backend, &all).await;
    }
    let unknown = EventId::new(NOW, 9, 9, 9);
    let found = backend.events().get(ACCOUNTS[0], unknown).await.unwrap();
    assert_eq!(found, None);
}

async fn check_found(backend: &impl EventBackend, records: &[Vec<u8>]) {
    let reader = backend.events();
    for bytes in records.iter().step_by(7) {
        let record = EventRecord::decode(bytes).unwrap();
        let account = record.facts.hit.account;
        let found = reader.get(account, record.event_id).await.unwrap();
        assert_eq!(
            found,
            Some(StoredEvent(bytes.clone())),
            "{}",
            record.event_id
        );
        let foreign = AccountId(account.0 + 1);
        let found = reader.get(foreign, record.event_id).await.unwrap();
        assert_eq!(found, None, "a foreign id is not found");
    }
}

/// Lists are newest first, whole over all pages, and as the filters say, wherever the events are.
pub async fn lists_the_newest_first(backend: &mut impl EventBackend) {
    let mut sample = Sample::new(0, 2, 40);
    let mut all = Vec::new();
    for round in 0..4 {
        let records = sample.records(150);
        backend.append(&records);
        all.extend(records);
        for query in queries() {
            check_list(backend, &all, &query).await;
        }
        if round % 2 == 0 {
            backend.settle(sample.now());
        }
    }
}

fn queries() -> Vec<EventQuery> {
    let filter = |dimension, values: &[&str]| EventFilter {
        dimension,
        values: values.iter().map(|v| (*v).to_owned()).collect(),
    };
    let with = |filters: Vec<EventFilter>| EventQuery {
        filters,
        limit: 50,
        ..EventQuery::default()
    };
    vec![
        with(vec![]),
        EventQuery {
            limit: 3,
            from: Some(NOW.plus_ms(5_000)),
            to: Some(NOW.plus_ms(15_000)),
            ..EventQuery::default()
        },
        with(vec![filter(Dimension::Country, &["DE", "FR"])]),
        with(vec![filter(Dimension::Publisher, &["", "pub0"])]),
        with(vec![filter(Dimension::Day, &["2025-12-31"])]),
        with(vec![
            filter(Dimension::Action, &["rejected"]),
            filter(Dimension::Event, &["click", "conversion"]),
        ]),
        with(vec![filter(Dimension::Country, &["nowhere"])]),
    ]
}

async fn check_list(backend: &impl EventBackend, records: &[Vec<u8>], query: &EventQuery) {
    for account in ACCOUNTS {
        let expected = expected(records, account, query);
        let mut query = query.clone();
        let mut listed = Vec::new();
        loop {
            let page = backend.events().list(account, &query).await.unwrap();
            assert!(page.events.len() <= query.limit as usize);
            listed.extend(page.events.into_iter().map(|event| event.0));
            match page.next {
                Some(next) => query.before = Some(next),
                None => break,
            }
        }
        let ids = |events: &[Vec<u8>]| -> Vec<EventId> {
            let decode = |bytes: &Vec<u8>| EventRecord::decode(bytes).unwrap().event_id;
            events.iter().map(decode).collect()
        };
        assert_eq!(ids(&listed), ids(&expected), "{account:?} {query:?}");
        assert_eq!(listed, expected);
    }
}

fn expected(records: &[Vec<u8>], account: AccountId, query: &EventQuery) -> Vec<Vec<u8>> {
    let mut expected: Vec<(EventId, Vec<u8>)> = Vec::new();
    for bytes in records {
        let record = EventRecord::decode(bytes).unwrap();
        let hit = &record.facts.hit;
        let matches = |filter: &EventFilter| {
            let value = match filter.dimension {
                Dimension::Day => hit.time.to_string()[..10].to_owned(),
                dimension => dimension.value(&record).to_string(),
            };
            filter.values.contains(&value)
        };
        if hit.account == account
            && query.from.is_none_or(|from| hit.received >= from)
            && query.to.is_none_or(|to| hit.received < to)
            && query.filters.iter().all(matches)
        {
            expected.push((record.event_id, bytes.clone()));
        }
    }
    expected.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
    expected.into_iter().map(|(_, bytes)| bytes).collect()
}
