//! Reports: counts over events, grouped by dimensions.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::facts::Country;
use crate::hit::{EventKind, Field};
use crate::reason::{CATALOGUE, NetworkError, Reason, ReasonInfo};
use crate::record::EventRecord;
use crate::verdict::Action;
use crate::verdict::{Value, Verdict};
use crate::{AccountId, Timestamp};

/// Makes an enum of dimensions with their stable names.
macro_rules! named_dimensions {
    ($(#[$about:meta])* $enum:ident: $($name:ident $text:literal $doc:literal,)*) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $enum { $(#[doc = $doc] $name,)* }

        impl $enum {
            /// Every dimension.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The dimension with this name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

pub(super) use named_dimensions;

named_dimensions! {
    /// What events can be grouped and filtered by.
    Dimension:
    Minute "minute" "Start of the minute, in the report's zone.",
    Hour "hour" "Start of the hour, in the report's zone.",
    Day "day" "Date, in the report's zone.",
    Month "month" "Month, in the report's zone.",
    Event "event" "Kind of event.",
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
    City "city" "City of the address.",
    Asn "asn" "Network number.",
    Operator "operator" "Network operator.",
    NetworkClass "network_class" "Kind of network.",
    DeviceType "device_type" "Kind of device.",
    Os "os" "Operating system.",
    Browser "browser" "Browser family.",
    UaKind "ua_kind" "Kind of client.",
    Bundle "bundle_id" "App bundle.",
    ReferrerDomain "referrer_domain" "Host of the referring page.",
    Reason "reason" "Main reason.",
    Class "class" "Class of the verdict.",
    Risk "risk" "Risk.",
    Rule "rule" "Rule id.",
    RuleVersion "rule_version" "Rule version.",
    Action "action" "What was done.",
    Status "status" "Status: what was done, under the name that conversions have for it.",
    Ip "ip" "Address.",
    ExternalTransactionId "external_transaction_id" "The caller's own id.",
    ErrorCode "error_code" "Number of a rejected click, as networks count them.",
    ErrorMessage "error_message" "Message of a rejected click, with its number.",
}

impl Dimension {
    /// Whether the dimension is a stretch of time.
    #[must_use]
    pub const fn is_time(self) -> bool {
        matches!(self, Self::Minute | Self::Hour | Self::Day | Self::Month)
    }

    /// The dimension whose column it is read from: two names of one thing share one.
    #[must_use]
    pub const fn column(self) -> Self {
        match self {
            Self::Status => Self::Action,
            Self::ErrorCode | Self::ErrorMessage => Self::Reason,
            own => own,
        }
    }

    /// Whether it is made of reason and action together, and has no column of its own.
    #[must_use]
    pub const fn is_made(self) -> bool {
        matches!(self, Self::ErrorCode | Self::ErrorMessage)
    }

    /// The value of a made dimension.
    #[must_use]
    pub fn of_verdict(self, action: Action, reason: Reason) -> &'static str {
        match (self, NetworkError::of_click(action, reason)) {
            (Self::ErrorCode, Some(error)) => error.code,
            (Self::ErrorMessage, Some(error)) => error.message,
            _ => "",
        }
    }

    /// A filter as one on dimensions that have columns: all of them must match.
    ///
    /// # Errors
    /// "Not given" together with values of a made dimension is no filter on columns.
    pub fn plain(self, values: Vec<String>) -> Result<Vec<(Self, Vec<String>)>, &'static str> {
        if !self.is_made() {
            return Ok(vec![(self, values)]);
        }
        let texts = |all: &mut dyn Iterator<Item = &'static str>| all.map(str::to_owned).collect();
        let actions = Action::ALL.iter().copied();
        if values.iter().all(String::is_empty) {
            let mut let_through = actions
                .filter(|a| *a != Action::Rejected)
                .map(Action::as_str);
            return Ok(vec![(Self::Action, texts(&mut let_through))]);
        }
        if values.iter().any(String::is_empty) {
            return Err("takes values, or an empty one for clicks without an error; not both");
        }
        let wanted = |row: &&ReasonInfo| {
            let own = self.of_verdict(Action::Rejected, row.reason);
            values.iter().any(|value| value == own)
        };
        // A conversion that is none has words of its own.
        let clicks = EventKind::ALL.iter().filter(|kind| !kind.is_conversion());
        let mut clicks = clicks.map(|kind| kind.as_str());
        let mut reasons = CATALOGUE.iter().filter(wanted).map(|row| row.code);
        Ok(vec![
            (Self::Event, texts(&mut clicks)),
            (Self::Reason, texts(&mut reasons)),
            (Self::Action, vec![Action::Rejected.as_str().to_owned()]),
        ])
    }

    /// The event field that the dimension is, for those that are one.
    #[must_use]
    pub const fn field(self) -> Option<Field> {
        Some(match self {
            Self::Advertiser => Field::Advertiser,
            Self::Offer => Field::Offer,
            Self::Publisher => Field::Publisher,
            Self::SubId => Field::SubId,
            Self::SubId2 => Field::SubId2,
            Self::SubId3 => Field::SubId3,
            Self::SubId4 => Field::SubId4,
            Self::SubId5 => Field::SubId5,
            Self::SubId6 => Field::SubId6,
            Self::SourceId => Field::SourceId,
            Self::Bundle => Field::BundleId,
            Self::ExternalTransactionId => Field::ExternalTransactionId,
            _ => return None,
        })
    }

    /// The event's value, without the time dimensions; an empty text = not given.
    ///
    /// The one definition that storage columns, filters and reports share. It is read for
    /// every dimension of every event that is stored, so it writes no text.
    #[must_use]
    pub fn value<'r>(self, record: &'r EventRecord<'_>) -> DimensionValue<'r> {
        use DimensionValue::{Country, Ip, Number, Text};
        const NONE: DimensionValue<'static> = Text("");
        let facts = &record.facts;
        let ip = facts.ip.as_ref();
        let ua = facts.ua.as_deref();
        let verdict = &record.verdict;
        if let Some(field) = self.field() {
            let text = facts.hit.get(field).unwrap_or("");
            return Text(unified(verdict, field, text).unwrap_or(text));
        }
        match self {
            Self::Event => Text(facts.hit.event.as_str()),
            Self::Integration => Number(facts.hit.integration.0.into()),
            Self::Country => ip.and_then(|ip| ip.country).map_or(NONE, Country),
            Self::City => Text(ip.and_then(|ip| ip.city).unwrap_or("")),
            Self::Asn => ip
                .and_then(|ip| ip.asn)
                .map_or(NONE, |asn| Number(asn.into())),
            Self::Operator => Text(ip.and_then(|ip| ip.operator).unwrap_or("")),
            Self::NetworkClass => Text(ip.map_or("", |ip| ip.class.as_str())),
            Self::DeviceType => Text(ua.map_or("", |ua| ua.device_type.as_str())),
            Self::Os => Text(ua.map_or("", |ua| &*ua.os)),
            Self::Browser => Text(ua.map_or("", |ua| &*ua.browser)),
            Self::UaKind => Text(ua.map_or("", |ua| ua.kind.as_str())),
            Self::ReferrerDomain => {
                DimensionValue::host(host_of(facts.hit.get(Field::Referer).unwrap_or("")))
            }
            Self::Reason => Text(verdict.reason.code()),
            Self::Class => Text(verdict.class.as_str()),
            Self::Risk => Text(verdict.risk.as_str()),
            Self::Rule => Number(verdict.rule.id),
            Self::RuleVersion => Number(verdict.rule.version.into()),
            Self::Action | Self::Status => Text(verdict.action.as_str()),
            Self::ErrorCode | Self::ErrorMessage if facts.hit.event.is_conversion() => NONE,
            Self::ErrorCode | Self::ErrorMessage => {
                Text(self.of_verdict(verdict.action, verdict.reason))
            }
            Self::Ip => ip.map_or(NONE, |ip| Ip(ip.ip)),
            _ => NONE,
        }
    }
}

/// What stands for a sub id of a publisher that makes up too many: reports would have a row
/// for each. The real one is kept in the evidence.
fn unified<'r>(verdict: &'r Verdict<'_>, field: Field, text: &str) -> Option<&'r str> {
    if verdict.findings.is_empty() || field == Field::Publisher {
        return None;
    }
    let mut findings = verdict.findings.iter();
    let finding = findings.find(|own| own.reason == Reason::SubidCardinality)?;
    let value = |name| match finding.value(name) {
        Some(Value::Text(own)) => Some(&**own),
        _ => None,
    };
    value("value").filter(|_| value("invalid_sub_id") == Some(text))
}

/// A value as the event has it; [`fmt::Display`] gives the text that reports show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DimensionValue<'r> {
    /// A text of the event.
    Text(&'r str),
    /// A text that the event has in another case.
    Made(String),
    /// A number.
    Number(u64),
    /// A country.
    Country(Country),
    /// An address.
    Ip(IpAddr),
}

impl<'r> DimensionValue<'r> {
    /// A host name in small letters; nearly every one comes so.
    fn host(host: &'r str) -> Self {
        if host.bytes().any(|c| c.is_ascii_uppercase()) {
            Self::Made(host.to_ascii_lowercase())
        } else {
            Self::Text(host)
        }
    }
}

impl DimensionValue<'_> {
    /// The text that reports show.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Made(text) => Cow::Borrowed(text),
            other => Cow::Owned(other.to_string()),
        }
    }
}

impl fmt::Display for DimensionValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Made(text) => f.write_str(text),
            Self::Number(n) => n.fmt(f),
            Self::Country(country) => country.fmt(f),
            Self::Ip(ip) => ip.fmt(f),
        }
    }
}

/// The host of an address, or of a bare host name.
#[must_use]
pub fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    match host.rsplit_once(':') {
        Some((name, port)) if !name.ends_with(':') && port.bytes().all(|c| c.is_ascii_digit()) => {
            name
        }
        _ => host,
    }
}

/// Only what has one of the values in its dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFilter<D = Dimension> {
    /// Which dimension.
    pub dimension: D,
    /// Any of these; an empty text means "not given".
    pub values: Vec<String>,
}

/// Which report: of events, or of whatever else has dimensions.
#[derive(Clone, Debug)]
pub struct ReportQuery<D = Dimension> {
    /// From here on, by the own time of what is counted.
    pub from: Timestamp,
    /// Before here.
    pub to: Timestamp,
    /// IANA time zone that stretches of time are cut in.
    pub tz: String,
    /// Dimensions, outermost first.
    pub group_by: Vec<D>,
    /// All must match.
    pub filters: Vec<ReportFilter<D>>,
    /// Rows to skip: the cursor.
    pub offset: u64,
    /// Most rows.
    pub limit: u32,
}

/// Most dimensions of a report.
const DIMENSIONS_MAX: usize = 8;

impl<D: PartialEq> ReportQuery<D> {
    /// Whether the question can be asked.
    ///
    /// # Errors
    /// [`ReportError::Invalid`] with the parameter at fault.
    pub fn check(&self) -> Result<(), ReportError> {
        let invalid = |field, detail: String| Err(ReportError::Invalid { field, detail });
        if self.to <= self.from {
            return invalid("to", "is not after from".to_owned());
        }
        if self.group_by.len() > DIMENSIONS_MAX {
            return invalid("group_by", format!("at most {DIMENSIONS_MAX} dimensions"));
        }
        let twice = |(at, unit)| self.group_by[..at].contains(unit);
        if self.group_by.iter().enumerate().any(twice) {
            return invalid("group_by", "names a dimension twice".to_owned());
        }
        Ok(())
    }
}

/// Counts of the click report. Clicks are clicks, page views and app views.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClickMeasures {
    /// All.
    pub clicks: u64,
    /// Let through.
    pub approved: u64,
    /// Rejected.
    pub rejected: u64,
    /// Let through, would have been rejected.
    pub monitored: u64,
    /// General invalid, rejected or monitored.
    pub givt: u64,
    /// Sophisticated invalid.
    pub sivt: u64,
    /// Unwanted, not invalid.
    pub policy: u64,
}

impl std::ops::AddAssign for ClickMeasures {
    fn add_assign(&mut self, other: Self) {
        self.clicks += other.clicks;
        self.approved += other.approved;
        self.rejected += other.rejected;
        self.monitored += other.monitored;
        self.givt += other.givt;
        self.sivt += other.sivt;
        self.policy += other.policy;
    }
}

/// One row: the group's values in `group_by` order, and what was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRow<M = ClickMeasures> {
    /// Values of the dimensions.
    pub key: Vec<String>,
    /// Counts and sums.
    pub measures: M,
}

/// A report.
#[derive(Clone, Debug, Default)]
pub struct ReportResult<M = ClickMeasures> {
    /// Rows: time ascending first where grouped by time, else the greatest count first.
    pub rows: Vec<ReportRow<M>>,
    /// Counts and sums of everything that matched.
    pub totals: M,
    /// Offset of the next page; `None` = no more.
    pub next: Option<u64>,
}

/// A report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The question is wrong; names the parameter.
    #[error("{field}: {detail}")]
    Invalid {
        /// Parameter at fault.
        field: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// More groups than memory allows.
    #[error("more than {0} groups: narrow the range or group by less")]
    TooManyGroups(usize),
    /// The backend failed.
    #[error("storage failed: {0}")]
    Backend(String),
}

/// Where reports come from.
#[async_trait]
pub trait ReportReader: Send + Sync {
    /// The click report.
    async fn clicks(
        &self,
        account: AccountId,
        query: &ReportQuery,
    ) -> Result<ReportResult, ReportError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sub_id_of_too_many_is_shown_under_one_name() {
        use crate::testing::{NOW, clean_verdict, facts_of};
        use crate::{EventId, Finding, Recall};
        let mut record = EventRecord {
            event_id: EventId::new(NOW, 1, 0, 1),
            facts: facts_of(|hit| {
                hit.set(Field::Publisher, Some("s501"));
                hit.set(Field::SubId, Some("s501"));
                hit.set(Field::SubId2, Some("other"));
            }),
            recall: Recall::default(),
            verdict: clean_verdict(),
            destination: None,
            detect_revision: 1,
            decision_us: 1,
        };
        let shown = |record: &EventRecord<'_>, dimension: Dimension| {
            dimension.value(record).text().into_owned()
        };
        assert_eq!(shown(&record, Dimension::SubId), "s501");
        record.verdict.findings.push(
            Finding::new(Reason::SubidCardinality)
                .with("unique", 501u32)
                .with("value", "TOO_MANY_UNIQUE_SUB_ID")
                .with("invalid_sub_id", "s501")
                .over(500u32),
        );
        assert_eq!(shown(&record, Dimension::SubId), "TOO_MANY_UNIQUE_SUB_ID");
        assert_eq!(shown(&record, Dimension::SubId2), "other");
        assert_eq!(shown(&record, Dimension::Publisher), "s501");
    }

    #[test]
    fn hosts_are_cut_out_of_any_form() {
        for (url, host) in [
            ("https://news.example/a?b", "news.example"),
            ("http://user:pw@news.example:8080/", "news.example"),
            ("news.example", "news.example"),
            ("https://[2001:db8::1]/x", "[2001:db8::1]"),
            ("", ""),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
    }
}
