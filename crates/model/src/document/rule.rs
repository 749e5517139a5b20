//! A rule: which traffic it is for, which filters run, and what happens to what they catch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Problem, Status, check_name};
use crate::facts::Country;
use crate::hit::{EventKind, Field};
use crate::verdict::{Mode, Strictness};

/// Every filter key a rule may name. Source: SPEC §9.
pub const FILTER_KEYS: &[&str] = &[
    "duplicate_user",
    "vpn",
    "residential_proxy",
    "public_proxy",
    "tor",
    "datacenter",
    "lists",
    "unroutable",
    "xff",
    "known_crawler",
    "non_browser_ua",
    "blank_ua",
    "automation",
    "emulator",
    "ua_spoofing",
    "device_id",
    "geo_mismatch",
    "locale_mismatch",
    "ip_hopping",
    "click_flooding",
    "hyper_engagement",
    "fast_clicker",
    "image_click",
    "prefetch",
    "link_scanner",
    "declared_agent",
    "click_spam",
    "conversion_rate",
    "rejection_threshold",
    "session_time",
    "low_session_time",
    "install_time",
    "click_injection",
    "ctit_variance",
    "ctit_distribution",
    "device_anomaly",
    "attribute_distribution",
    "new_device",
    "night_pattern",
    "sub_id_validity",
    "blocked_sub_ids",
    "keyword",
    "compliance",
    "isp",
    "data_validation",
    "third_party_rejection",
    "caps",
    "targeting",
    "day_parting",
];

/// What is chosen of one dimension; both empty = everything. Exclude wins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Select {
    /// Only these.
    pub include: Vec<String>,
    /// Not these.
    pub exclude: Vec<String>,
}

impl Select {
    /// Whether nothing is chosen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    fn excludes(&self, value: Option<&str>) -> bool {
        value.is_some_and(|value| self.exclude.iter().any(|entry| entry == value))
    }

    fn includes(&self, value: Option<&str>) -> bool {
        value.is_some_and(|value| self.include.iter().any(|entry| entry == value))
    }

    fn admits(&self, value: Option<&str>) -> bool {
        !self.excludes(value) && (self.include.is_empty() || self.includes(value))
    }
}

/// What a scope looks at.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScopeSubject<'a> {
    /// Offer of the event.
    pub offer: Option<&'a str>,
    /// Advertiser of the event.
    pub advertiser: Option<&'a str>,
    /// Publisher of the event.
    pub publisher: Option<&'a str>,
    /// Country of the event's address.
    pub country: Option<Country>,
}

/// Which traffic a rule or a list is for; empty = all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Scope {
    /// Offers; one selection together with advertisers.
    pub offers: Select,
    /// Advertisers.
    pub advertisers: Select,
    /// Publishers.
    pub publishers: Select,
    /// Countries, two letters.
    pub countries: Select,
}

impl Scope {
    /// Whether the traffic is in scope.
    ///
    /// Offers and advertisers are one selection, either matches; the others are and-ed;
    /// exclude wins (SPEC §5).
    #[must_use]
    pub fn matches(&self, subject: &ScopeSubject<'_>) -> bool {
        let (offer, advertiser) = (subject.offer, subject.advertiser);
        if self.offers.excludes(offer) || self.advertisers.excludes(advertiser) {
            return false;
        }
        let chosen = self.offers.include.is_empty() && self.advertisers.include.is_empty();
        if !(chosen || self.offers.includes(offer) || self.advertisers.includes(advertiser)) {
            return false;
        }
        let country = subject.country.as_ref().map(Country::as_str);
        self.publishers.admits(subject.publisher) && self.countries.admits(country)
    }

    /// How specific the scope is: publisher 3, offer 2, advertiser 1, else 0.
    ///
    /// New rules are placed above less specific ones unless the user drags them.
    #[must_use]
    pub fn specificity(&self) -> u8 {
        match self {
            scope if !scope.publishers.is_empty() => 3,
            scope if !scope.offers.is_empty() => 2,
            scope if !scope.advertisers.is_empty() => 1,
            _ => 0,
        }
    }

    pub(crate) fn check(&self, path: &str, out: &mut Vec<Problem>) {
        for (name, entries) in [
            ("include", &self.countries.include),
            ("exclude", &self.countries.exclude),
        ] {
            for (at, entry) in entries.iter().enumerate() {
                if Country::parse(entry).is_none_or(|country| country.as_str() != entry) {
                    out.push(Problem::new(
                        format!("{path}.countries.{name}[{at}]"),
                        format!("{entry:?} is not a two-letter country code in capitals"),
                    ));
                }
            }
        }
        let selects = [
            &self.offers,
            &self.advertisers,
            &self.publishers,
            &self.countries,
        ];
        if selects
            .iter()
            .any(|s| s.include.len() + s.exclude.len() > 10_000)
        {
            out.push(Problem::new(
                path,
                "holds more than 10,000 values in one selection",
            ));
        }
    }
}

/// Which events a rule screens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// Clicks, impressions, page and app views.
    Click,
    /// Base and event conversions.
    Conversion,
    /// Both.
    Both,
}

impl Protection {
    /// Whether an event is screened.
    #[must_use]
    pub const fn covers(self, event: EventKind) -> bool {
        match self {
            Self::Both => true,
            Self::Click => !event.is_conversion(),
            Self::Conversion => event.is_conversion(),
        }
    }
}

/// A ready-made choice of filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// The default filters.
    #[default]
    None,
    /// Paid clicks.
    Cpc,
    /// App installs.
    MobileCpi,
    /// Leads.
    Leadgen,
    /// Pop-under traffic.
    Popunder,
    /// Search traffic.
    Search,
    /// E-mail traffic.
    Email,
    /// No filter but those named.
    DisableAll,
}

/// The shape of a rule is fixed: what is not used is not shown.
fn is_none(percent: &u8) -> bool {
    *percent == 0
}

/// Most that a rule may let through on purpose, in percent of what it would reject.
const HOLDOUT_PERCENT_MAX: u8 = 10;

/// A rule. Settings of filters are typed and checked by `assay-detect`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Name.
    pub name: String,
    /// Paused rules are passed over.
    pub status: Status,
    /// Which events it screens ("Fraud Protection Level").
    pub protection: Protection,
    /// Which field is "the sub id" of its filters and reports.
    pub sub_id_mapping: String,
    /// Place in the order, 1 first; left out = by specificity.
    #[serde(default)]
    pub priority: u32,
    /// One integration only; none = all.
    #[serde(default)]
    pub integration_id: Option<u32>,
    /// Which traffic it is for.
    #[serde(default)]
    pub scope: Scope,
    /// What it does with what it catches.
    #[serde(default)]
    pub mode: Mode,
    /// Ready-made choice of filters.
    #[serde(default)]
    pub preset: Preset,
    /// How much it rejects.
    #[serde(default)]
    pub strictness: Strictness,
    /// Share of would-be rejects of doubtful reasons that is let through, in percent, to
    /// measure what they cost; 0 to 10.
    #[serde(default, skip_serializing_if = "is_none")]
    pub holdout_percent: u8,
    /// Settings by filter key; what is not named takes its default.
    #[serde(default)]
    pub filters: BTreeMap<String, serde_json::Value>,
    /// The account's last rule; comes last, cannot be deleted or scoped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_default: bool,
}

impl Rule {
    /// The default rule every account starts with.
    #[must_use]
    pub fn default_rule() -> Self {
        Self {
            name: "Default".to_owned(),
            status: Status::Active,
            protection: Protection::Both,
            sub_id_mapping: Field::SubId.as_str().to_owned(),
            priority: u32::MAX,
            integration_id: None,
            scope: Scope::default(),
            mode: Mode::Enforce,
            preset: Preset::None,
            strictness: Strictness::Moderate,
            holdout_percent: 0,
            filters: BTreeMap::new(),
            is_default: true,
        }
    }

    /// The field that is the sub id, when `sub_id_mapping` names one that may be.
    #[must_use]
    pub fn sub_id_field(&self) -> Option<Field> {
        use Field as F;
        let allowed = [
            F::SubId,
            F::SubId2,
            F::SubId3,
            F::SubId4,
            F::SubId5,
            F::SubId6,
            F::SourceId,
            F::Publisher,
        ];
        allowed
            .into_iter()
            .find(|field| field.as_str() == self.sub_id_mapping)
    }

    /// Everything wrong with the document but its filters' settings.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        let mut out = Vec::new();
        check_name("name", &self.name, 100, &mut out);
        if self.sub_id_field().is_none() {
            out.push(Problem::new(
                "sub_id_mapping",
                format!(
                    "{:?} is none of sub_id, sub_id_2 … sub_id_6, source_id, publisher",
                    self.sub_id_mapping
                ),
            ));
        }
        self.scope.check("scope", &mut out);
        if self.holdout_percent > HOLDOUT_PERCENT_MAX {
            out.push(Problem::new(
                "holdout_percent",
                format!(
                    "is {}, must be 0 to {HOLDOUT_PERCENT_MAX}",
                    self.holdout_percent
                ),
            ));
        }
        if self.is_default {
            if self.scope != Scope::default() || self.integration_id.is_some() {
                out.push(Problem::new("scope", "the default rule is for all traffic"));
            }
            if self.status == Status::Paused {
                out.push(Problem::new(
                    "status",
                    "the default rule cannot be paused; set its filters or mode instead",
                ));
            }
        }
        for key in self.filters.keys() {
            if !FILTER_KEYS.contains(&key.as_str()) {
                out.push(Problem::new(
                    format!("filters.{key}"),
                    format!("there is no filter {key:?}"),
                ));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(include: &[&str], exclude: &[&str]) -> Select {
        let own = |v: &[&str]| v.iter().map(|s| (*s).to_owned()).collect();
        Select {
            include: own(include),
            exclude: own(exclude),
        }
    }

    #[test]
    fn offers_and_advertisers_are_one_selection_and_exclude_wins() {
        let scope = Scope {
            offers: select(&["o1"], &["o9"]),
            advertisers: select(&["a1"], &[]),
            publishers: select(&[], &["p9"]),
            ..Scope::default()
        };
        let cases = [
            ((Some("o1"), None, Some("p1")), true),
            ((None, Some("a1"), None), true),
            ((Some("o2"), Some("a2"), Some("p1")), false),
            ((Some("o9"), Some("a1"), Some("p1")), false),
            ((Some("o1"), Some("a1"), Some("p9")), false),
        ];
        for ((offer, advertiser, publisher), expected) in cases {
            let subject = ScopeSubject {
                offer,
                advertiser,
                publisher,
                country: None,
            };
            assert_eq!(scope.matches(&subject), expected, "{subject:?}");
        }
    }

    #[test]
    fn a_missing_value_is_not_included_and_not_excluded() {
        let include = Scope {
            publishers: select(&["p1"], &[]),
            ..Scope::default()
        };
        let exclude = Scope {
            publishers: select(&[], &["p1"]),
            ..Scope::default()
        };
        assert!(!include.matches(&ScopeSubject::default()));
        assert!(exclude.matches(&ScopeSubject::default()));
    }

    #[test]
    fn problems_name_their_fields() {
        let mut rule = Rule::default_rule();
        assert!(rule.check().is_empty());
        rule.sub_id_mapping = "colour".into();
        rule.scope.countries.include.push("de".into());
        rule.filters.insert("vpnn".into(), serde_json::json!({}));
        let fields: Vec<_> = rule.check().into_iter().map(|p| p.field).collect();
        assert_eq!(
            fields,
            [
                "sub_id_mapping",
                "scope.countries.include[0]",
                "scope",
                "filters.vpnn"
            ]
        );
    }
}
