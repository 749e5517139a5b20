//! Flags visitors who are not the ones that were bought: place, device, language, line.
//!
//! Each dimension has its own reason. What is not known of a visitor is not held against
//! them: that dimension is left out.
//!
//! Reads: `facts.ip`, `facts.ua`, `languages`, `connection`, `carrier`. Emits: `GEO_TARGET`,
//! `DEVICE_TARGET`, `LANGUAGE_TARGET`, `CONNECTION_TARGET`, `CARRIER_TARGET`, `IP_RANGE`,
//! `ISP_BLOCKED`.
//! Source: facts.md 1.B.2 (codes 4 to 13, 16, 18, 19), 3.8.

mod choice;
mod ranges;
mod settings;
mod versions;

use assay_model::facts::{DeviceType, Facts, IpFacts, NetworkClass};
use assay_model::hit::{EventKind, Field};
use assay_model::reason::Reason;
use assay_model::verdict::{Check, Finding, Missing};

use crate::filter::{Filter, Readings};

use choice::Choice;
use ranges::RangeChoice;
pub use settings::TargetingSettings;
use versions::Versions;

/// What one dimension came to; `None` = nothing is known to compare.
type Looked<'a> = Option<Result<(), Finding<'a>>>;

pub struct Targeting {
    countries: Option<Choice>,
    cities: Option<Choice>,
    os: Option<Choice>,
    os_versions: Vec<(Versions, String)>,
    device_types: Option<Choice>,
    browsers: Option<Choice>,
    languages: Option<Choice>,
    connections: Option<Choice>,
    carriers: Option<Choice>,
    isps: Option<Choice>,
    ip_ranges: Option<RangeChoice>,
}

impl Targeting {
    pub fn new(settings: TargetingSettings) -> Self {
        let versions = settings.os_versions.into_iter();
        Self {
            countries: Choice::new(&settings.countries),
            cities: Choice::new(&settings.cities),
            os: Choice::new(&settings.os),
            os_versions: versions
                .map(|versions| {
                    let wanted = versions.wanted();
                    (versions, wanted)
                })
                .collect(),
            device_types: Choice::new(&settings.device_types),
            browsers: Choice::new(&settings.browsers),
            languages: Choice::new(&settings.languages),
            connections: Choice::new(&settings.connections),
            carriers: Choice::new(&settings.carriers),
            isps: Choice::new(&settings.isps),
            ip_ranges: RangeChoice::new(&settings.ip_ranges),
        }
    }

    fn place<'a>(&'a self, facts: &'a Facts<'_>) -> [Looked<'a>; 2] {
        let ip = facts.ip.as_ref();
        let country = ip.and_then(|ip| ip.country.as_ref());
        let city = ip.and_then(|ip| ip.city);
        let geo = || Finding::new(Reason::GeoTarget);
        [
            judged(
                self.countries.as_ref(),
                country.map(|own| own.as_str()),
                |own| geo().with("country", own),
            ),
            judged(self.cities.as_ref(), city, |own| {
                geo()
                    .with_some("country", country.map(|c| c.as_str()))
                    .with("city", own)
            }),
        ]
    }

    fn device<'a>(&'a self, facts: &'a Facts<'_>) -> [Looked<'a>; 4] {
        let ua = facts.ua.as_deref();
        let told = |field| facts.hit.get(field);
        let known = |own: Option<&'a str>| own.filter(|text| !text.is_empty());
        let os = known(ua.map(|ua| &*ua.os)).or_else(|| told(Field::Os));
        let version = known(ua.map(|ua| &*ua.os_version)).or_else(|| told(Field::OsVersion));
        let browser = known(ua.map(|ua| &*ua.browser)).or_else(|| told(Field::Browser));
        let device = ua
            .map(|ua| ua.device_type)
            .filter(|kind| *kind != DeviceType::Unknown)
            .map(DeviceType::as_str);
        let found = |attribute| {
            move |own| {
                Finding::new(Reason::DeviceTarget)
                    .with("attribute", attribute)
                    .with("value", own)
            }
        };
        [
            judged(self.os.as_ref(), os, found("os")),
            self.version(os, version),
            judged(self.device_types.as_ref(), device, found("device_type")),
            judged(self.browsers.as_ref(), browser, found("browser")),
        ]
    }

    fn version<'a>(&'a self, os: Option<&str>, version: Option<&'a str>) -> Looked<'a> {
        let (os, version) = (os?, version?);
        let mut own = self.os_versions.iter();
        let (versions, wanted) = own.find(|(own, _)| own.os.trim().eq_ignore_ascii_case(os))?;
        Some(match versions.admits(version)? {
            true => Ok(()),
            false => Err(Finding::new(Reason::DeviceTarget)
                .with("attribute", "os_version")
                .with("value", version)
                .with("wanted", wanted.as_str())),
        })
    }

    fn language<'a>(&'a self, facts: &'a Facts<'_>) -> Looked<'a> {
        let languages = facts.hit.get(Field::Languages)?;
        let choice = self.languages.as_ref()?;
        let mut tags = tags_of(languages).peekable();
        tags.peek()?;
        Some(match choice.admits_any(tags) {
            true => Ok(()),
            false => Err(Finding::new(Reason::LanguageTarget)
                .with("language", languages)
                .with("wanted", choice.wanted.as_str())),
        })
    }

    fn line<'a>(&'a self, facts: &'a Facts<'_>) -> [Looked<'a>; 4] {
        let ip = facts.ip.as_ref();
        let operator = ip.and_then(|ip| ip.operator);
        let class = ip
            .map(|ip| ip.class)
            .filter(|class| *class != NetworkClass::Unknown);
        let connection = facts
            .hit
            .get(Field::Connection)
            .or_else(|| class.map(NetworkClass::as_str));
        let by_line = operator.filter(|_| class == Some(NetworkClass::Mobile));
        let carrier = facts.hit.get(Field::Carrier).or(by_line);
        [
            judged(self.connections.as_ref(), connection, |own| {
                Finding::new(Reason::ConnectionTarget).with("connection", own)
            }),
            judged(self.carriers.as_ref(), carrier, |own| {
                Finding::new(Reason::CarrierTarget).with("carrier", own)
            }),
            judged(self.isps.as_ref(), operator, |own| {
                Finding::new(Reason::IspBlocked).with("operator", own)
            }),
            ip.and_then(|ip| self.range(ip)),
        ]
    }

    fn range<'a>(&'a self, ip: &IpFacts<'_>) -> Looked<'a> {
        let ranges = self.ip_ranges.as_ref()?;
        Some(match ranges.admits(ip.ip) {
            true => Ok(()),
            false => Err(Finding::new(Reason::IpRange)
                .with("ip", ip.ip.to_string())
                .with("range", ranges.wanted.as_str())),
        })
    }
}

/// One value against what is chosen of its dimension.
fn judged<'a>(
    choice: Option<&'a Choice>,
    value: Option<&'a str>,
    found: impl FnOnce(&'a str) -> Finding<'a>,
) -> Looked<'a> {
    let (choice, value) = (choice?, value?);
    Some(match choice.admits(value) {
        true => Ok(()),
        false => Err(found(value).with("wanted", choice.wanted.as_str())),
    })
}

/// Languages without country and weight: `de-AT,en;q=0.5` is `de`, `en`.
fn tags_of(languages: &str) -> impl Iterator<Item = &str> {
    let tags = languages.split(',').map(|one| {
        let tag = one.split([';', '-', '_']).next();
        tag.unwrap_or("").trim()
    });
    tags.filter(|tag| !tag.is_empty() && *tag != "*")
}

impl Filter for Targeting {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        if facts.hit.event == EventKind::PostEvent {
            return Check::Skipped(Missing::EventKind);
        }
        let before = found.len();
        let mut looked = false;
        let dimensions = self.place(facts).into_iter().chain(self.device(facts));
        let dimensions = dimensions.chain([self.language(facts)]);
        for outcome in dimensions.chain(self.line(facts)).flatten() {
            looked = true;
            found.extend(outcome.err());
        }
        match (found.len() > before, looked) {
            (true, _) => Check::Flagged,
            (false, true) => Check::Clean,
            (false, false) => Check::Skipped(Missing::Values),
        }
    }
}
