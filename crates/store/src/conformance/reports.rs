//! What every report backend must say: the same as a naive model that looks at every record.

#![expect(
    clippy::unwrap_used,
    reason = "a test suite: a backend that fails must stop it"
)]

use std::collections::BTreeMap;

use assay_model::hit::EventKind;
use assay_model::ports::{
    ClickMeasures, Dimension, ReportError, ReportFilter, ReportQuery, ReportResult,
};
use assay_model::testing::NOW;
use assay_model::{AccountId, Action, Class, EventRecord, Reason, Timestamp};

use super::events::EventBackend;
use super::sample::{ACCOUNTS, Sample};

const DAY_MS: i64 = 86_400_000;

/// Reports agree with the model while events come in, settle and are merged.
pub async fn agree_with_the_model(backend: &mut impl EventBackend) {
    let mut sample = Sample::new(0, 3, 60_000);
    let mut all = Vec::new();
    for round in 0..4 {
        let records = sample.records(300);
        backend.append(&records);
        all.extend(records);
        for query in queries() {
            check(backend, &all, &query).await;
        }
        if round % 2 == 0 {
            backend.settle(sample.now());
        }
    }
    backend.settle(sample.now().plus_ms(2 * DAY_MS));
    for query in queries() {
        check(backend, &all, &query).await;
    }
}

/// Questions that make no sense are refused, and say which part.
pub async fn refuse_wrong_questions(backend: &impl EventBackend) {
    let right = query(&[Dimension::Day], vec![]);
    let wrong = [
        (
            "tz",
            ReportQuery {
                tz: "Mars/Base".to_owned(),
                ..right.clone()
            },
        ),
        (
            "to",
            ReportQuery {
                to: right.from,
                ..right.clone()
            },
        ),
        ("group_by", query(&[Dimension::Os, Dimension::Os], vec![])),
    ];
    for (name, query) in wrong {
        match backend.reports().clicks(ACCOUNTS[0], &query).await {
            Err(ReportError::Invalid { field, .. }) => assert_eq!(field, name),
            other => unreachable!("{name}: {other:?}"),
        }
    }
}

fn query(group_by: &[Dimension], filters: Vec<ReportFilter>) -> ReportQuery {
    ReportQuery {
        from: NOW.plus_ms(-10 * DAY_MS),
        to: NOW.plus_ms(10 * DAY_MS),
        tz: "UTC".to_owned(),
        group_by: group_by.to_vec(),
        filters,
        offset: 0,
        limit: 100_000,
    }
}

fn queries() -> Vec<ReportQuery> {
    use Dimension as D;
    let filter = |dimension, values: &[&str]| ReportFilter {
        dimension,
        values: values.iter().map(|v| (*v).to_owned()).collect(),
    };
    let mut queries = vec![
        query(&[], vec![]),
        query(&[D::Day], vec![]),
        query(&[D::Publisher, D::Country], vec![]),
        query(&[D::Country, D::Hour, D::Os], vec![]),
        query(
            &[D::SubId, D::Ip, D::Publisher, D::Asn, D::Operator, D::Offer],
            vec![],
        ),
        query(&[D::ExternalTransactionId], vec![]),
        query(&[D::Status, D::Action], vec![]),
        query(
            &[D::Status],
            vec![filter(D::Status, &["rejected", "on_hold"])],
        ),
        query(
            &[D::Event],
            vec![filter(D::Event, &["conversion", "click"])],
        ),
        query(
            &[D::Reason, D::Class],
            vec![filter(D::Publisher, &["", "pub1"])],
        ),
        query(
            &[D::Action],
            vec![filter(D::Day, &["2026-01-01"]), filter(D::Os, &["iOS"])],
        ),
        query(&[D::ReferrerDomain], vec![filter(D::Country, &["nowhere"])]),
    ];
    let mut berlin = query(&[D::Month, D::Day, D::Integration], vec![]);
    berlin.tz = "Europe/Berlin".to_owned();
    let mut narrow = query(&[D::Hour], vec![]);
    narrow.from = NOW.plus_ms(3_600_000);
    narrow.to = NOW.plus_ms(5 * 3_600_000);
    let mut paged = query(&[D::Publisher], vec![]);
    paged.offset = 5;
    paged.limit = 7;
    queries.extend([berlin, narrow, paged]);
    queries
}

async fn check(backend: &impl EventBackend, records: &[Vec<u8>], query: &ReportQuery) {
    for account in ACCOUNTS {
        let report = backend.reports().clicks(account, query).await.unwrap();
        let model = model(records, account, query);
        assert_eq!(report.totals, model.totals, "{account:?} {query:?}");
        let plain = |report: &ReportResult| -> Vec<(Vec<String>, ClickMeasures)> {
            report
                .rows
                .iter()
                .map(|row| (row.key.clone(), row.measures))
                .collect()
        };
        assert_eq!(plain(&report), plain(&model), "{account:?} {query:?}");
        assert_eq!(report.next, model.next);
    }
}

/// The report, one record after the other.
fn model(records: &[Vec<u8>], account: AccountId, query: &ReportQuery) -> ReportResult {
    let mut groups: BTreeMap<Vec<String>, ClickMeasures> = BTreeMap::new();
    let mut totals = ClickMeasures::default();
    for bytes in records {
        let record = EventRecord::decode(bytes).unwrap();
        if counts(&record, account, query) {
            let value = |dimension: &Dimension| value(*dimension, &record, &query.tz);
            let key = query.group_by.iter().map(value).collect();
            *groups.entry(key).or_default() += measures(&record);
            totals += measures(&record);
        }
    }
    let mut rows: Vec<_> = groups.into_iter().collect();
    let times = |key: &[String]| -> Vec<String> {
        let parts = query.group_by.iter().zip(key);
        parts
            .filter(|(unit, _)| unit.is_time())
            .map(|(_, text)| text.clone())
            .collect()
    };
    rows.sort_by(|(a, x), (b, y)| (times(a), y.clicks, a).cmp(&(times(b), x.clicks, b)));
    let end = query.offset as usize + query.limit as usize;
    let next = (rows.len() > end).then_some(end as u64);
    let rows = rows
        .into_iter()
        .skip(query.offset as usize)
        .take(query.limit as usize);
    ReportResult {
        rows: rows
            .map(|(key, measures)| assay_model::ports::ReportRow { key, measures })
            .collect(),
        totals,
        next,
    }
}

fn counts(record: &EventRecord<'_>, account: AccountId, query: &ReportQuery) -> bool {
    let hit = &record.facts.hit;
    let test = record
        .verdict
        .findings
        .iter()
        .any(|f| f.reason == Reason::TestTraffic);
    let asked = query
        .filters
        .iter()
        .any(|f| f.dimension == Dimension::Event);
    let click = matches!(
        hit.event,
        EventKind::Click | EventKind::PageView | EventKind::AppView
    );
    let matches = |filter: &ReportFilter| {
        filter
            .values
            .contains(&value(filter.dimension, record, &query.tz))
    };
    hit.account == account
        && !test
        && (asked || click)
        && (query.from..query.to).contains(&hit.time)
        && query.filters.iter().all(matches)
}

/// Zones by hand: samples lie in a winter, when Berlin is an hour ahead.
fn value(dimension: Dimension, record: &EventRecord<'_>, tz: &str) -> String {
    let (shift, offset) = match tz {
        "Europe/Berlin" => (3_600_000, "+01:00"),
        _ => (0, "Z"),
    };
    let local = Timestamp(record.facts.hit.time.0 + shift).to_string();
    match dimension {
        Dimension::Month => local[..7].to_owned(),
        Dimension::Day => local[..10].to_owned(),
        Dimension::Hour => format!("{}:00:00{offset}", &local[..13]),
        Dimension::Minute => format!("{}:00{offset}", &local[..16]),
        dimension => dimension.value(record).to_string(),
    }
}

fn measures(record: &EventRecord<'_>) -> ClickMeasures {
    let verdict = &record.verdict;
    let caught = verdict.is_caught();
    ClickMeasures {
        clicks: 1,
        approved: (verdict.action == Action::Approved).into(),
        rejected: (verdict.action == Action::Rejected).into(),
        monitored: (verdict.action == Action::Monitored).into(),
        givt: (caught && verdict.class == Class::Givt).into(),
        sivt: (caught && verdict.class == Class::Sivt).into(),
        policy: (caught && verdict.class == Class::Policy).into(),
    }
}
