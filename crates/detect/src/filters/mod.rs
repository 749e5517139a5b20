//! All filters, one file each, and the table that names them.
//!
//! The table fixes key, order (append-only: records list checks by place), what is on by
//! default, and how settings become a filter.

mod address;
mod attribute_distribution;
mod blank_ua;
mod blocked_sub_ids;
mod caps;
mod click_flooding;
mod click_injection;
mod click_spam;
mod compliance;
mod conversion_rate;
mod ctit_distribution;
mod ctit_variance;
mod data_validation;
mod datacenter;
mod day_parting;
mod declared_agent;
mod device_anomaly;
mod device_id;
mod duplicate_user;
mod excess;
mod fast_clicker;
mod geo_mismatch;
mod hyper_engagement;
mod image_click;
mod install_time;
mod ip_hopping;
mod isp;
mod keyword;
mod level;
mod limit;
mod link_scanner;
mod lists;
mod locale_mismatch;
mod low_session_time;
mod marked_share;
mod names;
mod new_device;
mod night_pattern;
mod of_source;
mod prefetch;
mod rejection_threshold;
mod session_time;
mod signals;
mod sub_id_validity;
mod targeting;
mod third_party_rejection;
mod ua_kind;
mod ua_spoofing;
mod unroutable;
mod words;
mod xff;
mod zone;

pub(crate) use locale_mismatch::standard_offset_min;

use assay_model::document::{IntegrationKind, Problem};
use assay_model::hit::Field;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::filter::Filter;

/// What a rule tells its filters when it is compiled.
#[derive(Clone, Copy, Debug)]
pub struct BuildContext {
    /// The field that is "the sub id".
    pub sub_id: Field,
    /// Kind of the integration whose traffic it judges.
    pub kind: IntegrationKind,
}

/// Whether a filter's findings do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum BlockMode {
    /// They count.
    #[default]
    Block,
    /// They are kept, nothing is done.
    Flag,
}

impl BlockMode {
    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Flag => "flag",
        }
    }
}

/// A filter's own settings.
pub trait Settings: DeserializeOwned + Default {
    /// Pushes what is wrong, with field names relative to the filter.
    fn check(&self, out: &mut Vec<Problem>) {
        let _ = out;
    }
}

/// Settings of a filter that has none of its own.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NoSettings {}

impl Settings for NoSettings {}

/// Pushes a problem unless `value` is in `range`.
pub(crate) fn in_range(
    field: &str,
    value: u32,
    range: std::ops::RangeInclusive<u32>,
    unit: &str,
    out: &mut Vec<Problem>,
) {
    if !range.contains(&value) {
        let (low, high) = (range.start(), range.end());
        out.push(Problem::new(
            field,
            format!("is {value}{unit}, must be {low} to {high}{unit}"),
        ));
    }
}

/// Pushes a problem unless the duration is in `range` (seconds).
pub(crate) fn span_in_range(
    field: &str,
    value: assay_model::Span,
    range: std::ops::RangeInclusive<u32>,
    out: &mut Vec<Problem>,
) {
    if !range.contains(&value.0) {
        let (low, high) = (
            assay_model::Span(*range.start()),
            assay_model::Span(*range.end()),
        );
        out.push(Problem::new(
            field,
            format!("is {value}, must be {low} to {high}"),
        ));
    }
}

/// Pushes a problem unless a share in percent is from `least` to 100.
pub(crate) fn share_in_range(field: &str, value: f64, least: f64, out: &mut Vec<Problem>) {
    if !(least..=100.0).contains(&value) {
        out.push(Problem::new(
            field,
            format!("is {value} %, must be {least} to 100 %"),
        ));
    }
}

/// A filter made from its settings, or everything that is wrong with them.
type BuildResult = Result<Box<dyn Filter>, Vec<Problem>>;

/// How a filter stands in a rule that does not name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// It runs, and what it finds counts.
    On,
    /// It runs and only reports: what judges a source is a person's to switch on.
    Flag,
    /// It does not run: it needs a list or a limit of the user's.
    Off,
}

/// One row of the table.
pub(crate) struct FilterKind {
    pub key: &'static str,
    pub start: fn(IntegrationKind) -> Start,
    pub build: fn(serde_json::Value, BuildContext) -> BuildResult,
}

/// Reads typed settings and builds the filter; every problem names its field.
fn build<S: Settings, F: Filter + 'static>(
    json: serde_json::Value,
    make: impl FnOnce(S) -> F,
) -> BuildResult {
    let settings: S = serde_path_to_error::deserialize(json).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { String::new() } else { path };
        vec![Problem::new(field, error.into_inner().to_string())]
    })?;
    let mut problems = Vec::new();
    settings.check(&mut problems);
    if problems.is_empty() {
        Ok(Box::new(make(settings)))
    } else {
        Err(problems)
    }
}

const fn always(_: IntegrationKind) -> Start {
    Start::On
}

/// Filters that judge a source.
const fn reports(_: IntegrationKind) -> Start {
    Start::Flag
}

/// Filters that need a list or a limit of the user's.
const fn chosen(_: IntegrationKind) -> Start {
    Start::Off
}

/// Views repeat: where the caller only asks for a score, duplicates are not judged.
fn not_s2s(kind: IntegrationKind) -> Start {
    match kind {
        IntegrationKind::S2s => Start::Off,
        IntegrationKind::Custom | IntegrationKind::Network => Start::On,
    }
}

macro_rules! table {
    ($($key:literal $on:ident $settings:ty => $make:expr;)*) => {
        /// Every filter key, in stored order.
        pub const KEYS: &[&str] = &[$($key,)*];

        pub(crate) static TABLE: &[FilterKind] = &[
            $(FilterKind {
                key: $key,
                start: $on,
                build: |json, context| {
                    let make: fn($settings, BuildContext) -> _ = $make;
                    build::<$settings, _>(json, |settings| make(settings, context))
                },
            },)*
        ];
    };
}

table! {
    "unroutable" always NoSettings => |_, _| unroutable::Unroutable;
    "lists" always NoSettings => |_, _| lists::Lists;
    "known_crawler" always NoSettings => |_, _| ua_kind::KnownCrawler;
    "non_browser_ua" always NoSettings => |_, _| ua_kind::NonBrowserUa;
    "blank_ua" always NoSettings => |_, _| blank_ua::BlankUa;
    "automation" always NoSettings => |_, _| ua_kind::Automation;
    "emulator" always NoSettings => |_, _| ua_kind::Emulator;
    "ua_spoofing" always NoSettings => |_, _| ua_spoofing::UaSpoofing;
    "tor" always NoSettings => |_, _| address::MarkFilter::TOR;
    "vpn" always marked_share::MarkedShareSettings => |settings, context| marked_share::MarkedShare::new(address::MarkFilter::VPN, settings, context);
    "public_proxy" always NoSettings => |_, _| address::MarkFilter::PUBLIC_PROXY;
    "residential_proxy" always marked_share::MarkedShareSettings => |settings, context| marked_share::MarkedShare::new(address::MarkFilter::RESIDENTIAL_PROXY, settings, context);
    "datacenter" always NoSettings => |_, _| datacenter::Datacenter;
    "xff" always xff::XffSettings => |settings, _| xff::Xff::new(settings);
    "geo_mismatch" always NoSettings => |_, _| geo_mismatch::GeoMismatch;
    "device_id" always device_id::DeviceIdSettings => |settings, _| device_id::DeviceId::new(&settings);
    "duplicate_user" not_s2s duplicate_user::DuplicateUserSettings => duplicate_user::DuplicateUser::new;
    "click_flooding" always click_flooding::ClickFloodingSettings => click_flooding::ClickFlooding::new;
    "hyper_engagement" always hyper_engagement::HyperEngagementSettings => hyper_engagement::HyperEngagement::new;
    "ip_hopping" always ip_hopping::IpHoppingSettings => ip_hopping::IpHopping::new;
    "fast_clicker" always fast_clicker::FastClickerSettings => fast_clicker::FastClicker::new;
    "locale_mismatch" always NoSettings => |_, _| locale_mismatch::LocaleMismatch;
    "session_time" always session_time::SessionTimeSettings => |settings, _| session_time::SessionTime::new(settings);
    "click_injection" always NoSettings => |_, _| click_injection::ClickInjection;
    "install_time" always install_time::InstallTimeSettings => |settings, _| install_time::InstallTime::new(&settings);
    "third_party_rejection" always NoSettings => |_, _| third_party_rejection::ThirdPartyRejection;
    "declared_agent" always declared_agent::DeclaredAgentSettings => |settings, _| declared_agent::DeclaredAgent::new(&settings);
    "image_click" always NoSettings => |_, _| image_click::ImageClick;
    "prefetch" always NoSettings => |_, _| prefetch::Prefetch;
    "link_scanner" always link_scanner::LinkScannerSettings => link_scanner::LinkScanner::new;
    "keyword" chosen keyword::KeywordSettings => keyword::Keyword::new;
    "compliance" chosen compliance::ComplianceSettings => |settings, _| compliance::Compliance::new(settings);
    "isp" chosen isp::IspSettings => |settings, _| isp::Isp::new(settings);
    "data_validation" chosen data_validation::DataValidationSettings => data_validation::DataValidation::new;
    "blocked_sub_ids" chosen blocked_sub_ids::BlockedSubIdsSettings => blocked_sub_ids::BlockedSubIds::new;
    "sub_id_validity" chosen sub_id_validity::SubIdValiditySettings => sub_id_validity::SubIdValidity::new;
    "caps" chosen caps::CapsSettings => caps::Caps::new;
    "targeting" chosen targeting::TargetingSettings => |settings, _| targeting::Targeting::new(settings);
    "day_parting" chosen day_parting::DayPartingSettings => |settings, _| day_parting::DayParting::new(settings);
    "conversion_rate" reports conversion_rate::ConversionRateSettings => conversion_rate::build;
    "click_spam" reports click_spam::ClickSpamSettings => click_spam::build;
    "rejection_threshold" reports rejection_threshold::RejectionThresholdSettings => rejection_threshold::build;
    "low_session_time" reports NoSettings => low_session_time::build;
    "ctit_variance" reports ctit_variance::CtitVarianceSettings => ctit_variance::build;
    "ctit_distribution" reports ctit_distribution::CtitDistributionSettings => ctit_distribution::build;
    "device_anomaly" reports device_anomaly::DeviceAnomalySettings => device_anomaly::build;
    "attribute_distribution" reports attribute_distribution::AttributeDistributionSettings => attribute_distribution::build;
    "new_device" reports new_device::NewDeviceSettings => new_device::build;
    "night_pattern" reports night_pattern::NightPatternSettings => night_pattern::build;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_one_that_a_rule_may_name() {
        for key in KEYS {
            assert!(assay_model::document::FILTER_KEYS.contains(key), "{key}");
        }
    }

    #[test]
    fn defaults_of_every_filter_compile() {
        let context = BuildContext {
            sub_id: Field::SubId,
            kind: IntegrationKind::Custom,
        };
        for row in TABLE {
            assert!(
                (row.build)(serde_json::json!({}), context).is_ok(),
                "{}",
                row.key
            );
        }
    }
}
