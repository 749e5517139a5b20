//! Settings of `targeting`.

use assay_model::document::{Problem, list_cidr};
use assay_model::facts::{Country, DeviceType};
use serde::Deserialize;

use super::choice::Chosen;
use super::versions::Versions;
use crate::filters::Settings;

/// Most rows of versions.
const VERSIONS_MAX: usize = 50;

/// What is wanted, by dimension; what is not named is not looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TargetingSettings {
    /// Two letters each.
    pub countries: Chosen,
    pub cities: Chosen,
    /// Systems (`Android`, `iOS`, `Windows`…).
    pub os: Chosen,
    pub os_versions: Vec<Versions>,
    /// `desktop`, `phone`, `tablet`, `tv`, `console`, `other`.
    pub device_types: Chosen,
    /// Families (`Chrome`, `Mobile Safari`…).
    pub browsers: Chosen,
    /// Two or three letters each (`de`, `en`).
    pub languages: Chosen,
    /// As told (`wifi`, `4g`…); where nothing is told, the kind of network (`mobile`, `isp`…).
    pub connections: Chosen,
    pub carriers: Chosen,
    pub isps: Chosen,
    /// Addresses and ranges.
    pub ip_ranges: Chosen,
}

impl Settings for TargetingSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        self.countries.check("countries", out, |text| {
            let known = Country::parse(text).is_some();
            (!known).then(|| format!("{text:?} is not a two-letter country code"))
        });
        self.device_types.check("device_types", out, |text| {
            let known = DeviceType::ALL
                .iter()
                .any(|own| *own != DeviceType::Unknown && own.as_str().eq_ignore_ascii_case(text));
            (!known)
                .then(|| format!("{text:?} is none of desktop, phone, tablet, tv, console, other"))
        });
        self.languages.check("languages", out, |text| {
            let fits =
                (2..=3).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphabetic());
            (!fits).then(|| format!("{text:?} is not a language like de or en"))
        });
        self.ip_ranges.check("ip_ranges", out, |text| {
            let fits = list_cidr(text).is_some();
            (!fits).then(|| format!("{text:?} is not an address or a range like 203.0.113.0/24"))
        });
        for (name, chosen) in [
            ("cities", &self.cities),
            ("os", &self.os),
            ("browsers", &self.browsers),
            ("connections", &self.connections),
            ("carriers", &self.carriers),
            ("isps", &self.isps),
        ] {
            chosen.check(name, out, |_| None);
        }
        if self.os_versions.len() > VERSIONS_MAX {
            let detail = format!("holds more than {VERSIONS_MAX} rows");
            out.push(Problem::new("os_versions", detail));
        }
        for (at, versions) in self.os_versions.iter().enumerate() {
            versions.check(&format!("os_versions[{at}]"), out);
        }
    }
}
