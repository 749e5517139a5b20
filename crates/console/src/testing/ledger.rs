//! Conversion reports by counting what lies in a ledger in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_model::AccountId;
use assay_model::ledger::{Amount, Conversion};
use assay_model::ports::{
    ConversionDimension, ConversionMeasures, ConversionQuery, ConversionReader, ConversionReport,
    ConversionReportQuery, Ledger, ReportError, ReportRow,
};
use assay_model::testing::MemoryLedger;
use async_trait::async_trait;

/// Counts; stretches of time are minutes in UTC.
pub struct FakeConversions(pub Arc<MemoryLedger>);

#[async_trait]
impl ConversionReader for FakeConversions {
    async fn conversions(
        &self,
        account: AccountId,
        query: &ConversionReportQuery,
    ) -> Result<ConversionReport, ReportError> {
        let wanted = ConversionQuery {
            from: Some(query.from),
            to: Some(query.to),
            filters: query.filters.clone(),
            before: None,
            limit: u32::MAX,
        };
        let found = self.0.list(account, &wanted).await.unwrap().conversions;
        let mut groups: BTreeMap<Vec<String>, ConversionMeasures> = BTreeMap::new();
        let mut totals = ConversionMeasures::default();
        for row in &found {
            let key = query.group_by.iter().map(|unit| value(*unit, row));
            let micros = |amount: &Option<Amount>| amount.as_ref().map(Amount::micros);
            let (payout, revenue) = (micros(&row.payout), micros(&row.revenue));
            for counts in [groups.entry(key.collect()).or_default(), &mut totals] {
                counts.count(row.state.status, &row.currency, payout, revenue);
            }
        }
        let rows = groups
            .into_iter()
            .map(|(key, measures)| ReportRow { key, measures });
        let (offset, limit) = (query.offset as usize, query.limit as usize);
        let next = (rows.len() > offset + limit).then_some((offset + limit) as u64);
        Ok(ConversionReport {
            rows: rows.skip(offset).take(limit).collect(),
            totals,
            next,
        })
    }
}

fn value(unit: ConversionDimension, row: &Conversion) -> String {
    match unit.time() {
        Some(_) => row.time.to_string()[..16].to_owned(),
        None => unit.value(row),
    }
}
