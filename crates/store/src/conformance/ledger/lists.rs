//! Lists: the same as a naive model that looks at every conversion.

use assay_model::ledger::{Conversion, NewConversion, Status};
use assay_model::ports::{
    ConversionCursor, ConversionDimension, ConversionFilter, ConversionQuery, Ledger, LedgerError,
};
use assay_model::testing::NOW;
use assay_model::{AccountId, EventKind, IntegrationId, Reason};

use super::{add, conversion, pending};

const ACCOUNT: AccountId = AccountId(13);

/// Filters match what they should, and pages join without a gap.
pub async fn filters_and_pages(ledger: &dyn Ledger) {
    let mut all = Vec::new();
    for number in 0..60 {
        all.push(add(ledger, ACCOUNT, sample(number)).await);
    }
    all.sort_by_key(|row| std::cmp::Reverse((row.time, row.conversion_id)));
    for query in queries() {
        let expected: Vec<_> = all.iter().filter(|row| matches(row, &query)).collect();
        let mut found = Vec::new();
        let mut before: Option<ConversionCursor> = None;
        loop {
            let next = ConversionQuery {
                before,
                ..query.clone()
            };
            let page = ledger.list(ACCOUNT, &next).await.unwrap();
            assert!(page.conversions.len() <= query.limit as usize);
            found.extend(page.conversions);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert!(found.iter().eq(expected), "{query:?}");
    }
    let wrong = ConversionQuery {
        filters: vec![filter(ConversionDimension::Day, &["2026-01-01"])],
        limit: 10,
        ..ConversionQuery::default()
    };
    let refused = ledger.list(ACCOUNT, &wrong).await.unwrap_err();
    assert!(matches!(refused, LedgerError::Invalid { .. }), "{refused}");
}

fn sample(number: u32) -> NewConversion {
    let base = match number % 4 {
        0 => pending(ACCOUNT, number),
        _ => conversion(ACCOUNT, number),
    };
    NewConversion {
        // Several at the same moment: the cursor must not skip any.
        time: NOW.plus_ms(i64::from(number / 7) * 1000),
        integration: IntegrationId(7 + number % 2),
        kind: [EventKind::Conversion, EventKind::PostEvent][(number % 5 == 1) as usize],
        event: ["", "lead"][(number % 5 == 1) as usize].to_owned(),
        note: ["", "low quality"][(number % 6 == 2) as usize].to_owned(),
        status: if number % 6 == 2 {
            Status::Rejected
        } else {
            base.status
        },
        reason: if number % 6 == 2 {
            Reason::ThirdPartyRejected
        } else {
            base.reason
        },
        ..base
    }
}

fn filter(dimension: ConversionDimension, values: &[&str]) -> ConversionFilter {
    ConversionFilter {
        dimension,
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    }
}

fn queries() -> Vec<ConversionQuery> {
    use ConversionDimension as D;
    let of = |filters: Vec<ConversionFilter>| ConversionQuery {
        filters,
        limit: 7,
        ..ConversionQuery::default()
    };
    let period = ConversionQuery {
        from: Some(NOW.plus_ms(2000)),
        to: Some(NOW.plus_ms(5000)),
        limit: 4,
        ..ConversionQuery::default()
    };
    vec![
        of(vec![]),
        period,
        of(vec![filter(D::Status, &["rejected"])]),
        of(vec![filter(D::Status, &["pending", "approved"])]),
        of(vec![filter(D::Event, &["conversion"])]),
        of(vec![
            filter(D::Event, &["lead"]),
            filter(D::Integration, &["8"]),
        ]),
        of(vec![filter(D::Kind, &["post_event"])]),
        of(vec![filter(
            D::Reason,
            &["THIRD_PARTY_REJECTED", "NO_CLICK"],
        )]),
        of(vec![filter(D::ThirdPartyRejectedReason, &["low quality"])]),
        of(vec![filter(D::Offer, &[""])]),
        of(vec![
            filter(D::Publisher, &["p1", "p2"]),
            filter(D::Offer, &["offer 1"]),
        ]),
        of(vec![filter(D::ExternalTransactionId, &["external-13-9"])]),
        of(vec![filter(
            D::TransactionId,
            &["transaction-13-9", "transaction-13-10"],
        )]),
        of(vec![filter(D::TransactionId, &[""])]),
        of(vec![filter(D::Action, &[""])]),
        of(vec![
            filter(D::SubId3, &["three"]),
            filter(D::Country, &["DE", ""]),
        ]),
        of(vec![filter(D::Publisher, &["' OR 1=1 --"])]),
        of(vec![filter(D::Integration, &["no number"])]),
    ]
}

fn matches(row: &Conversion, query: &ConversionQuery) -> bool {
    query.from.is_none_or(|from| row.time >= from)
        && query.to.is_none_or(|to| row.time < to)
        && query
            .filters
            .iter()
            .all(|filter| filter.values.contains(&filter.dimension.value(row)))
}
