//! Scans see each event once, wherever it is; in order when asked to.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use assay_model::ports::{Dimension, EventFilter, EventScan, Scan, ScanQuery, Visit};
use assay_model::testing::NOW;
use assay_model::{AccountId, EventId, EventRecord, Timestamp};

use crate::conformance::events::EventBackend;
use crate::conformance::sample::{ACCOUNTS, Sample};
use crate::embedded::events::tests::Embedded;
use crate::embedded::events::{EmbeddedScan, EventsOptions};

fn all_of(scan: &dyn Scan, threads: usize) -> Vec<Vec<u8>> {
    let seen = Mutex::new(Vec::new());
    let visitors = (0..threads).map(|_| {
        let visit = |record: &[u8]| {
            seen.lock().unwrap().push(record.to_vec());
            ControlFlow::Continue(())
        };
        Box::new(visit) as Box<Visit<'_>>
    });
    scan.each(visitors.collect()).unwrap();
    seen.into_inner().unwrap()
}

fn in_order(scan: &dyn Scan) -> Vec<Vec<u8>> {
    let mut seen = Vec::new();
    scan.in_time_order(&mut |record| {
        seen.push(record.to_vec());
        ControlFlow::Continue(())
    })
    .unwrap();
    seen
}

fn sorted(records: &[Vec<u8>]) -> BTreeSet<EventId> {
    let ids = records
        .iter()
        .map(|bytes| EventRecord::decode(bytes).unwrap().event_id);
    ids.collect()
}

fn expected(all: &[Vec<u8>], account: AccountId, query: &ScanQuery) -> BTreeSet<EventId> {
    all.iter()
        .map(|bytes| EventRecord::decode(bytes).unwrap())
        .filter(|record| {
            let hit = &record.facts.hit;
            let dimension = |f: &EventFilter| {
                let value = f.dimension.value(record);
                f.values.iter().any(|wanted| *wanted == value.text())
            };
            hit.account == account
                && hit.time >= query.from
                && hit.time < query.to
                && query.filters.iter().all(dimension)
        })
        .map(|record| record.event_id)
        .collect()
}

fn check(scan: &EmbeddedScan, all: &[Vec<u8>]) {
    let whole = ScanQuery {
        from: Timestamp(i64::MIN / 2),
        to: Timestamp(i64::MAX / 2),
        filters: Vec::new(),
    };
    let part = ScanQuery {
        from: NOW.plus_ms(3_000),
        to: NOW.plus_ms(9_000),
        ..whole.clone()
    };
    let filtered = ScanQuery {
        filters: vec![EventFilter {
            dimension: Dimension::Action,
            values: vec!["rejected".to_owned()],
        }],
        ..whole.clone()
    };
    for account in ACCOUNTS {
        for query in [&whole, &part, &filtered] {
            let opened = scan.open(account, query).unwrap();
            let expected = expected(all, account, query);
            for threads in [1, 3] {
                let seen = all_of(&*opened, threads);
                assert_eq!(seen.len(), expected.len(), "each once");
                assert_eq!(sorted(&seen), expected);
            }
            let ordered = in_order(&*opened);
            assert_eq!(sorted(&ordered), expected);
            let times: Vec<_> = ordered
                .iter()
                .map(|bytes| EventRecord::decode(bytes).unwrap().facts.hit.time)
                .collect();
            assert!(times.is_sorted());
        }
    }
    let foreign = scan.open(AccountId(999), &whole).unwrap();
    assert!(all_of(&*foreign, 1).is_empty());
}

#[test]
fn every_event_is_seen_once_wherever_it_is() {
    let mut embedded = Embedded::scratch(EventsOptions::default());
    let mut sample = Sample::new(0, 3, 40);
    let mut all = Vec::new();
    for _ in 0..3 {
        let records = sample.records(300);
        embedded.append(&records);
        all.extend(records);
        check(&embedded.store.scan(), &all);
        embedded.settle(sample.now());
    }
    check(&embedded.store.scan(), &all);
}

#[test]
fn what_is_beyond_the_tail_s_memory_is_seen_too() {
    let mut embedded = Embedded::scratch(EventsOptions {
        tail_bytes: 1,
        ..EventsOptions::default()
    });
    let records = Sample::new(0, 4, 40).records(300);
    embedded.append(&records);
    check(&embedded.store.scan(), &records);
}

#[test]
fn a_scan_ends_when_its_visitor_has_seen_enough() {
    let mut embedded = Embedded::scratch(EventsOptions::default());
    embedded.append(&Sample::new(0, 5, 40).records(300));
    embedded.settle(NOW);
    let query = ScanQuery {
        from: Timestamp(0),
        to: Timestamp(i64::MAX / 2),
        filters: Vec::new(),
    };
    let opened = embedded.store.scan().open(ACCOUNTS[0], &query).unwrap();
    assert!(opened.events() >= all_of(&*opened, 1).len() as u64);
    let seen = AtomicU64::new(0);
    let mut visit = |_: &[u8]| match seen.fetch_add(1, Ordering::Relaxed) {
        9.. => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    opened.in_time_order(&mut visit).unwrap();
    opened.each(vec![Box::new(visit)]).unwrap();
    assert_eq!(seen.into_inner(), 11, "ten in order, then one more");
}
