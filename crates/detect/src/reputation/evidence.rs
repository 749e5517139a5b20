//! From what is known of an event's keys to a finding.

use assay_model::reason::{Reason, Risk};
use assay_model::reputation::{KeyKind, Learned, Reputed};
use assay_model::verdict::{Effect, Finding, Value};

use super::INTERVAL_SD;

/// Log-odds from which on the estimate is a risk at all: the odds are doubled.
const NOTICEABLE: f64 = std::f64::consts::LN_2;
/// Log-odds that are as good as it gets, and as bad: points tell no further.
const REACH: f64 = 5.0;
/// Points that a clean event has at most.
const CLEAN_MAX: f64 = 19.0;
/// Points that a reason adds at most within its band.
const BAND_MAX: f64 = 29.0;

/// What the keys of an event say together, over the account's base rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sum {
    /// Log-odds of a bad outcome.
    pub log_odds: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The key that says most.
    pub key: KeyKind,
    /// Outcomes behind that key.
    pub n: f64,
}

/// How much of a key's log-odds counts: a pair that tells nearly the same twice counts half
/// each, one of them alone counts whole.
fn share(kind: KeyKind, reputed: &Reputed) -> f64 {
    let twin = match kind {
        KeyKind::Publisher | KeyKind::SubId | KeyKind::Placement => return 1.0,
        KeyKind::DeviceModel => KeyKind::OsVersion,
        KeyKind::OsVersion => KeyKind::DeviceModel,
        KeyKind::Carrier => KeyKind::Network,
        KeyKind::Network => KeyKind::Carrier,
    };
    match reputed.keys.iter().any(|(own, _)| *own == twin) {
        true => 0.5,
        false => 1.0,
    }
}

/// Adds up what is known; `None` = nothing is.
#[must_use]
pub fn summed(reputed: &Reputed) -> Option<Sum> {
    let (mut log_odds, mut variance) = (0.0, 0.0);
    let mut most: Option<(f64, KeyKind, f64)> = None;
    for (kind, learned) in &reputed.keys {
        let Learned { n, .. } = *learned;
        let share = share(*kind, reputed);
        let said = f64::from(learned.log_odds) * share;
        log_odds += said;
        variance += f64::from(learned.variance) * share * share;
        if most.is_none_or(|(so_far, ..)| said.abs() > so_far) {
            most = Some((said.abs(), *kind, f64::from(n)));
        }
    }
    let (_, key, n) = most?;
    let reach = INTERVAL_SD * variance.sqrt();
    Some(Sum {
        log_odds,
        low: log_odds - reach,
        high: log_odds + reach,
        key,
        n,
    })
}

/// What the reputation of an event's keys comes to.
///
/// Below doubled odds it is a note that only moves points; from there on a low risk. It can
/// reject once the whole interval is above the base rate by the margin: as a low risk where
/// only strict rules reject, as a medium one where a bad outcome is also the likelier one.
#[must_use]
pub fn finding(reputed: &Reputed) -> Option<Finding<'static>> {
    let sum = summed(reputed)?;
    let base = f64::from(reputed.base);
    let margin = f64::from(reputed.settings.margin);
    let clear = sum.low > margin;
    let risk = match () {
        () if sum.log_odds < NOTICEABLE => Risk::Clean,
        () if clear && base + sum.low > 0.0 => Risk::Medium,
        () => Risk::Low,
    };
    let mut found = Finding::new(Reason::SourceReputation)
        .at_most(risk)
        .with("key", sum.key.as_str())
        .with("log_odds", rounded(sum.log_odds))
        .with("points", i64::from(points(sum.log_odds, risk)));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count is positive, and saturates"
    )]
    {
        found.n = sum.n.round() as u32;
    }
    if risk > Risk::Clean {
        found = found
            .with("low", rounded(sum.low))
            .with("high", rounded(sum.high))
            .with("base_rate", rounded(rate(base)))
            .with("bad_rate", rounded(rate(base + sum.log_odds)))
            .with("as_of", reputed.as_of.to_string())
            .over(Value::Float(rounded(margin)));
    }
    if risk == Risk::Clean || !(clear && reputed.settings.blocks) {
        found.effect = Effect::Flag;
    }
    Some(found)
}

/// Four digits are what the numbers carry.
fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

fn rate(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// A finer order within the band of a risk: 1 to 19 of a clean event, where the account's
/// average stands at 16; 0 to 29 above.
fn points(log_odds: f64, risk: Risk) -> u8 {
    let (from, to, lowest, highest) = match risk {
        Risk::Clean => (-REACH, NOTICEABLE, 1.0, CLEAN_MAX),
        _ => (NOTICEABLE, REACH, 0.0, BAND_MAX),
    };
    let part = ((log_odds - from) / (to - from)).clamp(0.0, 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 29"
    )]
    {
        (lowest + part * (highest - lowest)).floor() as u8
    }
}
