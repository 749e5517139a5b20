//! Conversion reports: the same as a naive model, before and after changes.

use std::collections::BTreeMap;

use assay_model::ledger::{Amount, Conversion, NewConversion, Status};
use assay_model::ports::{
    ConversionDimension as D, ConversionFilter, ConversionMeasures, ConversionReader,
    ConversionReport, ConversionReportQuery, Ledger, ReportError,
};
use assay_model::testing::NOW;
use assay_model::{AccountId, Reason};

use super::{add, conversion, nothing, wish};

const ACCOUNT: AccountId = AccountId(14);
const DAY_MS: i64 = 86_400_000;

/// Reports agree with the model, also after conversions were changed.
pub async fn agree_with_the_model(ledger: &(impl Ledger + ConversionReader)) {
    let mut all = Vec::new();
    for number in 0..80 {
        all.push(add(ledger, ACCOUNT, sample(number)).await);
    }
    let test = NewConversion {
        reasons: vec![Reason::Vpn, Reason::TestTraffic],
        ..sample(1000)
    };
    add(ledger, ACCOUNT, test).await;
    check_all(ledger, &all).await;
    for row in all.iter_mut().step_by(3) {
        let (to, reason) = match row.state.status {
            Status::Approved => (Status::Rejected, Reason::ManualRejected),
            _ => (Status::Approved, Reason::ManualApproved),
        };
        let change = ledger.change(ACCOUNT, row.conversion_id, wish(to, reason), nothing());
        *row = change.await.unwrap().conversion;
    }
    check_all(ledger, &all).await;
}

/// Questions that make no sense are refused, and say which part.
pub async fn refuse_wrong_questions(ledger: &(impl Ledger + ConversionReader)) {
    let right = query(&[D::Day], vec![]);
    let wrong = [
        (
            "tz",
            ConversionReportQuery {
                tz: "Mars/Base".to_owned(),
                ..right.clone()
            },
        ),
        (
            "to",
            ConversionReportQuery {
                to: right.from,
                ..right.clone()
            },
        ),
        ("group_by", query(&[D::Day, D::Day], vec![])),
    ];
    for (field, query) in wrong {
        let refused = ledger.conversions(ACCOUNT, &query).await.unwrap_err();
        assert!(
            matches!(refused, ReportError::Invalid { field: at, .. } if at == field),
            "{refused}"
        );
    }
}

fn sample(number: u32) -> NewConversion {
    let statuses = [
        Status::Approved,
        Status::Approved,
        Status::Rejected,
        Status::Pending,
        Status::Invalid,
        Status::Processing,
    ];
    NewConversion {
        time: NOW.plus_ms(i64::from(number) * 3_600_000),
        status: statuses[number as usize % statuses.len()],
        reason: [Reason::Clean, Reason::Vpn][number as usize % 2],
        payout: match number % 7 {
            0 => None,
            n => Amount::parse(&format!("0.{n}")).ok(),
        },
        revenue: Amount::parse("0.1")
            .ok()
            .filter(|_| !number.is_multiple_of(7)),
        currency: ["EUR", "EUR", "USD"][number as usize % 3].to_owned(),
        ..conversion(ACCOUNT, number)
    }
}

fn query(group_by: &[D], filters: Vec<ConversionFilter>) -> ConversionReportQuery {
    ConversionReportQuery {
        from: NOW.plus_ms(-DAY_MS),
        to: NOW.plus_ms(60 * DAY_MS),
        tz: "UTC".to_owned(),
        group_by: group_by.to_vec(),
        filters,
        offset: 0,
        limit: 1000,
    }
}

async fn check_all(ledger: &(impl Ledger + ConversionReader), all: &[Conversion]) {
    let only = |dimension: D, value: &str| {
        vec![ConversionFilter {
            dimension,
            values: vec![value.to_owned()],
        }]
    };
    let cut = ConversionReportQuery {
        from: NOW.plus_ms(DAY_MS / 2),
        to: NOW.plus_ms(2 * DAY_MS),
        ..query(&[D::Publisher], vec![])
    };
    for query in [
        query(&[], vec![]),
        query(&[D::Day], vec![]),
        query(&[D::Day, D::Status], vec![]),
        query(&[D::Status, D::Reason, D::Currency], vec![]),
        query(&[D::Publisher, D::Offer], vec![]),
        query(&[D::Event, D::Integration], only(D::Status, "rejected")),
        query(&[D::Publisher], only(D::Day, "2026-01-02")),
        query(&[D::Publisher], only(D::Publisher, "nobody")),
        cut,
    ] {
        check(ledger, all, &query).await;
    }
}

async fn check(
    ledger: &(impl Ledger + ConversionReader),
    all: &[Conversion],
    query: &ConversionReportQuery,
) {
    let expected = model(all, query);
    let report = ledger.conversions(ACCOUNT, query).await.unwrap();
    let rows: BTreeMap<_, _> = rows_of(&report);
    assert_eq!(rows, expected.0, "{query:?}");
    assert_eq!(report.totals, expected.1, "{query:?}");
    assert_eq!(report.next, None);
    // Pages join to the whole.
    let mut paged = Vec::new();
    let mut offset = 0;
    loop {
        let page = ConversionReportQuery {
            offset,
            limit: 3,
            ..query.clone()
        };
        let page = ledger.conversions(ACCOUNT, &page).await.unwrap();
        assert_eq!(page.totals, report.totals);
        paged.extend(page.rows);
        match page.next {
            Some(next) => offset = next,
            None => break,
        }
    }
    assert_eq!(paged, report.rows);
}

fn rows_of(report: &ConversionReport) -> BTreeMap<Vec<String>, ConversionMeasures> {
    let rows = report.rows.iter();
    rows.map(|row| (row.key.clone(), row.measures.clone()))
        .collect()
}

type Expected = (
    BTreeMap<Vec<String>, ConversionMeasures>,
    ConversionMeasures,
);

fn model(all: &[Conversion], query: &ConversionReportQuery) -> Expected {
    let mut rows: BTreeMap<Vec<String>, ConversionMeasures> = BTreeMap::new();
    let mut totals = ConversionMeasures::default();
    let value = |unit: D, row: &Conversion| match unit {
        D::Day => row.time.to_string()[..10].to_owned(),
        other => other.value(row),
    };
    for row in all {
        let wanted = row.time >= query.from
            && row.time < query.to
            && query
                .filters
                .iter()
                .all(|filter| filter.values.contains(&value(filter.dimension, row)));
        if !wanted {
            continue;
        }
        let key = query
            .group_by
            .iter()
            .map(|unit| value(*unit, row))
            .collect();
        let micros = |amount: &Option<Amount>| amount.as_ref().map(Amount::micros);
        let (payout, revenue) = (micros(&row.payout), micros(&row.revenue));
        for measures in [rows.entry(key).or_default(), &mut totals] {
            measures.count(row.state.status, &row.currency, payout, revenue);
        }
    }
    (rows, totals)
}
