//! Flags sources whose visitors are spread unlike those of the offer's other publishers: few
//! addresses, few device models, odd versions, languages that do not belong.
//!
//! Models and versions are compared within the same operating system, languages and addresses
//! within the same country: a publisher of one platform or of another country is not for that a fraud.
//! Addresses behind carriers' gateways and relays are nobody's in particular and left out.
//!
//! Reads: what is held against the source. Emits: `IP_DISTRIBUTION`,
//! `DEVICE_ATTRIBUTE_OUTLIER`; medium.
//! Tests: total variation distance with McDiarmid's bound, against publishers that are as
//! far apart as honest ones are (seven tenths of the limit); for addresses exact binomial of
//! the prefixes that stand out, corrected for all that could. Assume independent events.

use assay_model::Span;
use assay_model::document::Problem;
use assay_model::reason::Reason;
use assay_model::recall::Family;
use assay_model::sources::SourceLevel;
use assay_model::verdict::Value;
use serde::Deserialize;

use super::of_source::{Catches, OfSource, level};
use super::{BuildContext, Settings, in_range, share_in_range, span_in_range};
use crate::sources::{Part, Peers, SourceTest, Tally, Tested, USUAL, distance, hot};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Attribute {
    Ip,
    Device,
    OsVersion,
    Language,
}

impl Attribute {
    /// Its name in evidence, its part of the numbers, and the bits below its stratum.
    const fn part(self) -> (&'static str, Part, u32) {
        match self {
            Self::Ip => ("ip", Part::Subnet, 10),
            Self::Device => ("device_model", Part::Model, 8),
            Self::OsVersion => ("os_version", Part::OsVersion, 8),
            Self::Language => ("language", Part::Language, 6),
        }
    }
}

/// Settings of `attribute_distribution`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttributeDistributionSettings {
    attributes: Vec<Attribute>,
    /// Largest part of a source that may lie elsewhere than the others', in percent.
    max_distance: f64,
    /// Largest share of few network prefixes that the others lack, in percent.
    max_ip_share: f64,
    min_count: u32,
    lookback_time: Span,
    check_by_subid: bool,
}

impl Default for AttributeDistributionSettings {
    fn default() -> Self {
        Self {
            attributes: vec![
                Attribute::Ip,
                Attribute::Device,
                Attribute::OsVersion,
                Attribute::Language,
            ],
            max_distance: 35.0,
            max_ip_share: 30.0,
            min_count: 100,
            lookback_time: Span(7 * 86_400),
            check_by_subid: false,
        }
    }
}

impl Settings for AttributeDistributionSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        share_in_range("max_distance", self.max_distance, 5.0, out);
        share_in_range("max_ip_share", self.max_ip_share, 5.0, out);
        in_range("min_count", self.min_count, 50..=1_000_000, "", out);
        let window = self.lookback_time;
        span_in_range("lookback_time", window, 12 * 3600..=30 * 86_400, out);
    }
}

struct AttributeDistribution(AttributeDistributionSettings);

/// The filter.
pub fn build(
    settings: AttributeDistributionSettings,
    context: BuildContext,
) -> impl crate::Filter + 'static {
    let test = AttributeDistribution(settings);
    OfSource::new(test, context.sub_id, Catches::Conversions)
}

impl AttributeDistribution {
    fn addresses(&self, own: &Tally, peers: &Peers<'_, '_>, family: Family) -> Option<Tested> {
        let (_, part, bits) = Attribute::Ip.part();
        let spread = peers.spread(family, part, bits)?;
        let hot = hot(own, &spread, (family, part, bits), self.0.min_count)?;
        let share = hot.share * 100.0;
        Some(
            Tested::above(Reason::IpDistribution, "share", share, self.0.max_ip_share)
                .with("entropy", Value::Float(hot.entropy))
                .with("baseline", Value::Float(hot.baseline * 100.0))
                .by(
                    "exact binomial, every prefix",
                    hot.p,
                    hot.n,
                    self.0.min_count,
                ),
        )
    }

    fn spread(
        &self,
        attribute: Attribute,
        own: &Tally,
        peers: &Peers<'_, '_>,
        family: Family,
    ) -> Option<Tested> {
        let (name, part, bits) = attribute.part();
        let usual = self.0.max_distance / 100.0 * USUAL;
        let apart = distance(own, peers, (family, part, bits), (usual, self.0.min_count))?;
        let (seen, limit) = (apart.distance * 100.0, self.0.max_distance);
        Some(
            Tested::above(Reason::DeviceAttributeOutlier, "distance", seen, limit)
                .with("attribute", name)
                .with("baseline", Value::Float(apart.by_chance * 100.0))
                .by("total variation", apart.p, apart.n, self.0.min_count),
        )
    }
}

impl SourceTest for AttributeDistribution {
    fn level(&self) -> SourceLevel {
        level(self.0.check_by_subid, true)
    }

    fn window_s(&self) -> u32 {
        self.0.lookback_time.0
    }

    fn test(&self, own: &Tally, peers: &Peers<'_, '_>, _: u8, out: &mut Vec<Tested>) {
        for family in [Family::Conversions, Family::Clicks] {
            for attribute in &self.0.attributes {
                out.extend(match attribute {
                    Attribute::Ip => self.addresses(own, peers, family),
                    other => self.spread(*other, own, peers, family),
                });
            }
        }
    }
}
