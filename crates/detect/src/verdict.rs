//! From findings to a verdict: risk, points, class, main reason, action.
//!
//! The fold uses nothing but findings and how the rule weighs them, so it can be done
//! again from a record's evidence alone ([`recompute`]).

use assay_model::hit::EventKind;
use assay_model::reason::{Class, FpRisk, Reason, Risk};
use assay_model::recall::Degraded;
use assay_model::verdict::{Action, Effect, Finding, Mode, OnDegraded, Value, Verdict, Weighing};

/// What findings come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Highest risk of all findings.
    pub risk: Risk,
    /// Finer order, 0 to 100.
    pub points: u8,
    /// Class of the main reason when caught, else valid; undecided when degraded.
    pub class: Class,
    /// The most reproducible reason.
    pub reason: Reason,
    /// What is done.
    pub action: Action,
}

/// Orders findings main reason first and says what they come to.
///
/// `degraded` decides only when nothing else rejects (DESIGN §7).
pub fn weigh(
    findings: &mut [Finding<'_>],
    event: EventKind,
    weighing: Weighing,
    degraded: Option<Degraded>,
) -> Outcome {
    findings.sort_by_key(|finding| rank(finding, weighing));
    let risk = findings.iter().map(|f| f.risk).max().unwrap_or(Risk::Clean);
    let held_out = findings.iter().any(|f| f.reason == Reason::SampledHoldout);
    let limited = findings
        .iter()
        .any(|f| f.effect == Effect::Offer && catches(f, weighing));
    let caught = !held_out && findings.iter().any(|f| catches(f, weighing));
    let action = match (caught, degraded) {
        // No rule lifts or postpones what the offer itself does not take.
        (true, _) if limited => Action::Rejected,
        (true, _) => caught_action(weighing.mode, event),
        (false, None) => Action::Approved,
        (false, Some(_)) => degraded_action(weighing.on_degraded, weighing.mode, event),
    };
    // A note is told beside the verdict, it is never what the verdict rests on.
    let main = findings
        .iter()
        .find(|f| !f.reason.is_note() && !is_order(f))
        .map_or(Reason::Clean, |f| f.reason);
    let class = match (caught, degraded) {
        (true, _) => main.info().class,
        (false, Some(_)) => Class::Undecided,
        (false, None) => Class::Valid,
    };
    Outcome {
        risk,
        points: points(findings, risk),
        class,
        reason: main,
        action,
    }
}

/// Whether a finding rejects: by its class, or by a risk that the strictness rejects.
pub(crate) fn catches(finding: &Finding<'_>, weighing: Weighing) -> bool {
    finding.effect.counts()
        && (finding.reason.rejects_alone()
            || (finding.risk > Risk::Clean && finding.risk >= weighing.strictness.rejects_from()))
}

/// Main reason first: that it was let through on purpose, what rejects, then what is easiest to reproduce, then what is worst.
pub(crate) fn rank(
    finding: &Finding<'_>,
    weighing: Weighing,
) -> (bool, bool, bool, bool, FpRisk, std::cmp::Reverse<Risk>, u8) {
    let info = finding.reason.info();
    (
        finding.reason != Reason::SampledHoldout,
        // Where the rule would not have rejected, the offer's own limit is why.
        weighing.mode == Mode::Enforce || finding.effect != Effect::Offer,
        !catches(finding, weighing),
        finding.risk == Risk::Clean,
        info.fp_risk,
        std::cmp::Reverse(finding.risk),
        finding.reason as u8,
    )
}

const fn caught_action(mode: Mode, event: EventKind) -> Action {
    match mode {
        Mode::Monitor => Action::Monitored,
        Mode::Hold if event.is_conversion() => Action::OnHold,
        Mode::Hold | Mode::Enforce => Action::Rejected,
    }
}

const fn degraded_action(on_degraded: OnDegraded, mode: Mode, event: EventKind) -> Action {
    match on_degraded {
        OnDegraded::Block => caught_action(mode, event),
        // A rule that only monitors holds nothing either: it says what would have been.
        OnDegraded::Review if event.is_conversion() => match mode {
            Mode::Monitor => Action::Monitored,
            Mode::Enforce | Mode::Hold => Action::OnHold,
        },
        OnDegraded::Review | OnDegraded::Allow => Action::Approved,
    }
}

/// Whether a finding only puts a clean event in order among the clean ones.
fn is_order(finding: &Finding<'_>) -> bool {
    finding.reason == Reason::SourceReputation && finding.risk == Risk::Clean
}

/// Points add up over reasons, never across the boundary of the worst one's band. A
/// reputation says itself how many it is worth, in clean events too.
///
/// Bands (SPEC §4): clean < 20 ≤ low < 50 ≤ medium < 80 ≤ high ≤ 100.
fn points(findings: &[Finding<'_>], risk: Risk) -> u8 {
    let (floor, ceiling) = match risk {
        Risk::Clean => (0, 19),
        Risk::Low => (20, 49),
        Risk::Medium => (50, 79),
        Risk::High => (80, 100),
    };
    let weight = |f: &Finding<'_>| match f.risk {
        // A good reputation orders clean events; it makes nothing else worse.
        _ if is_order(f) && risk > Risk::Clean => 0,
        _ if f.reason == Reason::SourceReputation => worth(f),
        Risk::Clean => 0,
        Risk::Low => 3,
        Risk::Medium => 6,
        Risk::High => 10,
    };
    let sum: u32 = findings.iter().map(weight).sum();
    u8::try_from((floor + sum).min(ceiling)).unwrap_or(100)
}

/// The points that a reputation's evidence names.
fn worth(reputation: &Finding<'_>) -> u32 {
    match reputation.value("points") {
        Some(Value::Int(points)) => u32::try_from(*points).unwrap_or(0).min(29),
        _ => 0,
    }
}

/// The verdict again, from stored evidence alone: only findings whose observed values
/// still break their threshold count.
#[must_use]
pub fn recompute(verdict: &Verdict<'_>, event: EventKind) -> Outcome {
    let mut held: Vec<Finding<'_>> = verdict
        .findings
        .iter()
        .filter(|f| f.holds())
        .cloned()
        .collect();
    weigh(&mut held, event, verdict.weighing, verdict.degraded)
}

/// Whether the stored verdict is what its own evidence comes to.
#[must_use]
pub fn agrees(verdict: &Verdict<'_>, event: EventKind) -> bool {
    recompute(verdict, event)
        == Outcome {
            risk: verdict.risk,
            points: verdict.points,
            class: verdict.class,
            reason: verdict.reason,
            action: verdict.action,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::Strictness;

    fn weighing(strictness: Strictness, mode: Mode) -> Weighing {
        Weighing {
            strictness,
            mode,
            on_degraded: OnDegraded::Allow,
        }
    }

    fn outcome(reasons: &[Reason], weighing: Weighing) -> Outcome {
        let mut findings: Vec<_> = reasons.iter().map(|r| Finding::new(*r)).collect();
        weigh(&mut findings, EventKind::Click, weighing, None)
    }

    #[test]
    fn strictness_decides_from_which_risk_on() {
        use Strictness as S;
        let cases = [
            (Reason::Vpn, S::Conservative, Action::Approved),
            (Reason::Vpn, S::Moderate, Action::Rejected),
            (Reason::GeoMismatch, S::Moderate, Action::Approved),
            (Reason::GeoMismatch, S::Strict, Action::Rejected),
            (Reason::TorExit, S::Conservative, Action::Rejected),
            (Reason::CapClick, S::Conservative, Action::Rejected),
            (Reason::SampledHoldout, S::Strict, Action::Approved),
            (Reason::MacroUnreplaced, S::Strict, Action::Approved),
        ];
        for (reason, strictness, action) in cases {
            let seen = outcome(&[reason], weighing(strictness, Mode::Enforce));
            assert_eq!(seen.action, action, "{reason} {strictness:?}");
        }
    }

    #[test]
    fn modes_turn_a_catch_into_their_own_action() {
        let caught = |mode, event| {
            let mut findings = [Finding::new(Reason::TorExit)];
            weigh(
                &mut findings,
                event,
                weighing(Strictness::Moderate, mode),
                None,
            )
            .action
        };
        assert_eq!(caught(Mode::Monitor, EventKind::Click), Action::Monitored);
        assert_eq!(caught(Mode::Hold, EventKind::Click), Action::Rejected);
        assert_eq!(caught(Mode::Hold, EventKind::Conversion), Action::OnHold);
    }

    #[test]
    fn points_stay_in_the_band_of_the_worst_reason() {
        let w = weighing(Strictness::Moderate, Mode::Enforce);
        assert_eq!(outcome(&[], w).points, 0);
        let all: Vec<Reason> = assay_model::CATALOGUE
            .iter()
            .map(|row| row.reason)
            .collect();
        for risk in [Risk::Low, Risk::Medium, Risk::High] {
            let up_to: Vec<Reason> = all
                .iter()
                .copied()
                .filter(|r| r.info().risk <= risk)
                .collect();
            let band = match risk {
                Risk::Low => 20..=49,
                Risk::Medium => 50..=79,
                _ => 80..=100,
            };
            assert!(band.contains(&outcome(&up_to, w).points));
        }
        let one = outcome(&[Reason::Vpn], w).points;
        assert!(outcome(&[Reason::Vpn, Reason::GeoMismatch], w).points > one);
    }

    #[test]
    fn the_main_reason_is_the_most_reproducible_that_rejects() {
        let w = weighing(Strictness::Moderate, Mode::Enforce);
        let seen = outcome(
            &[
                Reason::Vpn,
                Reason::DatacenterIp,
                Reason::KnownCrawler,
                Reason::GeoMismatch,
            ],
            w,
        );
        assert_eq!(seen.reason, Reason::KnownCrawler);
        let seen = outcome(&[Reason::MacroUnreplaced, Reason::Vpn], w);
        assert_eq!(
            seen.reason,
            Reason::Vpn,
            "a note is never the reason of a rejection"
        );
    }

    #[test]
    fn flags_keep_their_reason_and_do_nothing() {
        let mut findings = [Finding::new(Reason::TorExit)];
        findings[0].effect = Effect::Flag;
        let seen = weigh(&mut findings, EventKind::Click, Weighing::default(), None);
        assert_eq!(
            (seen.risk, seen.action, seen.class),
            (Risk::High, Action::Approved, Class::Valid)
        );
    }

    #[test]
    fn degraded_decides_only_when_nothing_else_does() {
        let late = Some(Degraded::RecallLate);
        let w = |on_degraded| Weighing {
            on_degraded,
            ..Weighing::default()
        };
        let act = |findings: &mut [Finding<'_>], on, event| weigh(findings, event, w(on), late);
        let none = act(&mut [], OnDegraded::Allow, EventKind::Click);
        assert_eq!(
            (none.action, none.class),
            (Action::Approved, Class::Undecided)
        );
        assert_eq!(
            act(&mut [], OnDegraded::Block, EventKind::Click).action,
            Action::Rejected
        );
        assert_eq!(
            act(&mut [], OnDegraded::Review, EventKind::Conversion).action,
            Action::OnHold
        );
        let caught = act(
            &mut [Finding::new(Reason::TorExit)],
            OnDegraded::Allow,
            EventKind::Click,
        );
        assert_eq!(
            (caught.action, caught.class),
            (Action::Rejected, Class::Sivt)
        );
    }
}
