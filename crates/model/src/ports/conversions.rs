//! The conversion report: counts and sums over the ledger, grouped by dimensions.

use async_trait::async_trait;
use serde::Serialize;

use super::reports::{Dimension, named_dimensions};
use super::{ReportError, ReportFilter, ReportQuery, ReportResult};
use crate::AccountId;
use crate::ledger::{Conversion, Money, Status};
use crate::reason::NetworkError;

named_dimensions! {
    /// What conversions can be grouped and filtered by.
    ConversionDimension:
    Minute "minute" "Start of the minute, in the report's zone.",
    Hour "hour" "Start of the hour, in the report's zone.",
    Day "day" "Date, in the report's zone.",
    Month "month" "Month, in the report's zone.",
    Event "event" "Name of the event; `conversion` for the base conversion.",
    Kind "kind" "Base conversion or post-event.",
    Integration "integration" "Integration id.",
    Advertiser "advertiser" "Advertiser.",
    Offer "offer" "Offer.",
    Publisher "publisher" "Publisher.",
    SubId "sub_id" "Sub id.",
    SubId2 "sub_id_2" "Second sub id.",
    SubId3 "sub_id_3" "Third sub id.",
    SubId4 "sub_id_4" "Fourth sub id.",
    SubId5 "sub_id_5" "Fifth sub id.",
    SubId6 "sub_id_6" "Sixth sub id.",
    SourceId "source_id" "Source id.",
    Country "country" "Country of the address.",
    Status "status" "Status.",
    Reason "reason" "Main reason.",
    ThirdPartyRejectedReason "third_party_rejected_reason" "The reason in the other system's own words.",
    Action "action" "What detection did.",
    Currency "currency" "Currency of the amounts.",
    TransactionId "transaction_id" "Our id of the click.",
    ExternalTransactionId "external_transaction_id" "The caller's own id of the click.",
    OrderId "order_id" "The caller's order.",
    ErrorCode "error_code" "Number of an invalid conversion, as networks count them.",
    ErrorMessage "error_message" "Message of an invalid conversion.",
}

impl ConversionDimension {
    /// The stretch of time that the dimension is, for those that are one.
    #[must_use]
    pub const fn time(self) -> Option<Dimension> {
        Some(match self {
            Self::Minute => Dimension::Minute,
            Self::Hour => Dimension::Hour,
            Self::Day => Dimension::Day,
            Self::Month => Dimension::Month,
            _ => return None,
        })
    }

    /// The conversion's value, without the time dimensions; empty = not given.
    ///
    /// The one definition that storage columns, filters and reports share.
    #[must_use]
    pub fn value(self, of: &Conversion) -> String {
        let from = &of.attributes;
        let error = || NetworkError::of_conversion(of.state.status, of.state.reason);
        match self {
            Self::Minute | Self::Hour | Self::Day | Self::Month => "",
            Self::Event => of.event_name(),
            Self::Kind => of.kind.as_str(),
            Self::Integration => return of.integration.to_string(),
            Self::Advertiser => &from.advertiser,
            Self::Offer => &from.offer,
            Self::Publisher => &from.publisher,
            Self::SubId => &from.sub_ids[0],
            Self::SubId2 => &from.sub_ids[1],
            Self::SubId3 => &from.sub_ids[2],
            Self::SubId4 => &from.sub_ids[3],
            Self::SubId5 => &from.sub_ids[4],
            Self::SubId6 => &from.sub_ids[5],
            Self::SourceId => &from.source_id,
            Self::Country => &from.country,
            Self::Status => of.state.status.as_str(),
            Self::Reason => of.state.reason.code(),
            Self::ThirdPartyRejectedReason => &of.state.note,
            Self::Action => of.action.map_or("", crate::Action::as_str),
            Self::Currency => &of.currency,
            Self::TransactionId => &of.transaction_id,
            Self::ExternalTransactionId => &of.external_transaction_id,
            Self::OrderId => &of.order_id,
            Self::ErrorCode => error().map_or("", |error| error.code),
            Self::ErrorMessage => error().map_or("", |error| error.message),
        }
        .to_owned()
    }
}

/// Only conversions whose dimension has one of the values.
pub type ConversionFilter = ReportFilter<ConversionDimension>;
/// Which conversion report.
pub type ConversionReportQuery = ReportQuery<ConversionDimension>;
/// A conversion report.
pub type ConversionReport = ReportResult<ConversionMeasures>;

/// Counts and sums of the conversion report. Every conversion is in one of the four counts.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize)]
pub struct ConversionMeasures {
    /// All.
    pub conversions: u64,
    /// Approved.
    pub approved: u64,
    /// Rejected.
    pub rejected: u64,
    /// Pending and processing.
    pub pending: u64,
    /// Filtered on the network side.
    pub invalid: u64,
    /// Money by currency, ascending: what is in two currencies is never added up.
    #[serde(skip)]
    pub amounts: Vec<CurrencyAmounts>,
}

/// Sums in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize)]
pub struct CurrencyAmounts {
    /// The currency; empty = none was named.
    pub currency: String,
    /// The sums.
    #[serde(flatten)]
    pub sums: Amounts,
}

/// Sums of amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize)]
pub struct Amounts {
    /// What publishers get: of approved conversions.
    pub payout: Money,
    /// What advertisers pay: of approved conversions.
    pub revenue: Money,
    /// Payout that was not due: of rejected and invalid ones.
    pub rejected_payout: Money,
    /// Revenue that was not due: of rejected and invalid ones.
    pub rejected_revenue: Money,
}

impl std::ops::AddAssign for Amounts {
    fn add_assign(&mut self, other: Self) {
        self.payout += other.payout;
        self.revenue += other.revenue;
        self.rejected_payout += other.rejected_payout;
        self.rejected_revenue += other.rejected_revenue;
    }
}

impl ConversionMeasures {
    /// Adds one conversion; an amount that was not given is in no currency.
    pub fn count(
        &mut self,
        status: Status,
        currency: &str,
        payout: Option<i64>,
        revenue: Option<i64>,
    ) {
        self.conversions += 1;
        *match status {
            Status::Approved => &mut self.approved,
            Status::Rejected => &mut self.rejected,
            Status::Pending | Status::Processing => &mut self.pending,
            Status::Invalid => &mut self.invalid,
        } += 1;
        if payout.is_none() && revenue.is_none() {
            return;
        }
        let money = |micros: Option<i64>| Money(micros.unwrap_or(0).into());
        let (payout, revenue) = (money(payout), money(revenue));
        let sums = match status {
            Status::Approved => Amounts {
                payout,
                revenue,
                ..Amounts::default()
            },
            Status::Rejected | Status::Invalid => Amounts {
                rejected_payout: payout,
                rejected_revenue: revenue,
                ..Amounts::default()
            },
            Status::Pending | Status::Processing => Amounts::default(),
        };
        self.add(currency, sums);
    }

    fn add(&mut self, currency: &str, sums: Amounts) {
        let place = self
            .amounts
            .binary_search_by(|amounts| amounts.currency.as_str().cmp(currency));
        match place {
            Ok(at) => self.amounts[at].sums += sums,
            Err(at) => {
                let currency = currency.to_owned();
                self.amounts.insert(at, CurrencyAmounts { currency, sums });
            }
        }
    }

    /// The sums, with their currency; `None` when there are several, which have no sum.
    #[must_use]
    pub fn sums(&self) -> Option<(&str, Amounts)> {
        match self.amounts.as_slice() {
            [] => Some(("", Amounts::default())),
            [only] => Some((&only.currency, only.sums)),
            _ => None,
        }
    }
}

impl std::ops::AddAssign<&Self> for ConversionMeasures {
    fn add_assign(&mut self, other: &Self) {
        self.conversions += other.conversions;
        self.approved += other.approved;
        self.rejected += other.rejected;
        self.pending += other.pending;
        self.invalid += other.invalid;
        for amounts in &other.amounts {
            self.add(&amounts.currency, amounts.sums);
        }
    }
}

/// Where conversion reports come from. Sees a change as soon as it was answered.
#[async_trait]
pub trait ConversionReader: Send + Sync {
    /// The conversion report.
    async fn conversions(
        &self,
        account: AccountId,
        query: &ConversionReportQuery,
    ) -> Result<ConversionReport, ReportError>;
}
