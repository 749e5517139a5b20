//! What must hold for every verdict, whatever the facts, counters and rule.
//!
//! The golden rules as properties: same inputs give the same verdict, a record replays to
//! its verdict, evidence alone comes to it again; and what may only lower a verdict
//! (benign networks, allow lists, absent ids) never raises it.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

mod world;

use assay_detect::{CompiledRule, verdict::agrees};
use assay_model::facts::{Benign, DeviceIdState};
use assay_model::reason::FpRisk;
use assay_model::testing::NOW;
use assay_model::verdict::{Effect, Mode, OnDegraded};
use assay_model::{Action, Class, EventId, EventRecord, Field, Finding, Reason, Risk, Verdict};
use proptest::prelude::*;

use world::{World, benign, event_kind, rule, zero_id};

/// How far an action goes against an event: let through, only reported, held, rejected.
const fn severity(action: Action) -> u8 {
    match action {
        Action::Approved => 0,
        Action::Monitored => 1,
        Action::OnHold => 2,
        Action::Rejected => 3,
    }
}

/// Whether a finding rejects under this verdict's strictness; written from SPEC §4, not
/// from the code.
fn rejects(finding: &Finding<'_>, verdict: &Verdict<'_>) -> bool {
    use assay_model::Strictness as S;
    let by_risk = match verdict.weighing.strictness {
        S::Conservative => finding.risk == Risk::High,
        S::Moderate => matches!(finding.risk, Risk::Medium | Risk::High),
        S::Strict => finding.risk != Risk::Clean,
    };
    let info = finding.reason.info();
    let alone = matches!(info.class, Class::Policy | Class::External)
        && !["SAMPLED_HOLDOUT", "MANUAL_APPROVED", "APPEAL_REVERSED"].contains(&info.code)
        || info.code == "CLICK_EXPIRED";
    finding.effect == Effect::Block && (by_risk || alone)
}

/// Whether it was let through on purpose.
fn held_out(verdict: &Verdict<'_>) -> bool {
    let findings = &verdict.findings;
    findings.iter().any(|f| f.reason == Reason::SampledHoldout)
}

/// The action that SPEC §4 and §5 ask for.
fn expected_action(verdict: &Verdict<'_>, conversion: bool) -> Action {
    let caught = match verdict.weighing.mode {
        Mode::Monitor => Action::Monitored,
        Mode::Hold if conversion => Action::OnHold,
        Mode::Hold | Mode::Enforce => Action::Rejected,
    };
    if held_out(verdict) {
        return Action::Approved;
    }
    if verdict.findings.iter().any(|f| rejects(f, verdict)) {
        return caught;
    }
    match (verdict.degraded, verdict.weighing.on_degraded) {
        (Some(_), OnDegraded::Block) => caught,
        (Some(_), OnDegraded::Review) if conversion => match verdict.weighing.mode {
            Mode::Monitor => Action::Monitored,
            Mode::Hold | Mode::Enforce => Action::OnHold,
        },
        _ => Action::Approved,
    }
}

fn judged<'a>(
    rule: &'a CompiledRule,
    world: &'a World,
    facts: &'a assay_model::Facts<'a>,
) -> Verdict<'a> {
    rule.judge(facts, &world.recall(rule), world.on_degraded)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn the_same_event_gets_the_same_verdict(world: World, rule in rule()) {
        let facts = world.facts();
        let again = world.facts();
        let compiled = world.compile(&rule);
        let recompiled = world.compile(&rule);
        prop_assert_eq!(judged(&compiled, &world, &facts), judged(&recompiled, &world, &again));
    }

    #[test]
    fn evidence_alone_comes_to_the_verdict(world: World, rule in rule()) {
        let compiled = world.compile(&rule);
        let facts = world.facts();
        let verdict = judged(&compiled, &world, &facts);
        prop_assert!(agrees(&verdict, facts.hit.event), "{:?}", verdict);
        for finding in &verdict.findings {
            prop_assert!(finding.holds(), "{:?}", finding);
        }
    }

    #[test]
    fn a_record_replays_to_its_verdict(world: World, rule in rule()) {
        let compiled = world.compile(&rule);
        let facts = world.facts();
        let recall = world.recall(&compiled);
        let verdict = compiled.judge(&facts, &recall, world.on_degraded);
        let record = EventRecord {
            event_id: EventId::new(NOW, 1, 0, 1),
            facts: facts.clone(),
            recall,
            verdict: verdict.clone(),
            destination: None,
            detect_revision: assay_detect::REVISION,
            decision_us: 1,
        };
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        let stored = EventRecord::decode(&bytes).unwrap();
        prop_assert_eq!(&stored.verdict, &verdict);
        let on_degraded = stored.verdict.weighing.on_degraded;
        let replayed = compiled.judge(&stored.facts, &stored.recall, on_degraded);
        prop_assert_eq!(replayed, verdict);
        prop_assert!(agrees(&stored.verdict, stored.facts.hit.event));
    }

    #[test]
    fn risk_points_class_and_action_follow_from_the_findings(world: World, rule in rule()) {
        let compiled = world.compile(&rule);
        let facts = world.facts();
        let verdict = judged(&compiled, &world, &facts);
        let worst = verdict.findings.iter().map(|f| f.risk).max().unwrap_or(Risk::Clean);
        prop_assert_eq!(verdict.risk, worst);
        let band = match verdict.risk {
            Risk::Clean => 0..=19,
            Risk::Low => 20..=49,
            Risk::Medium => 50..=79,
            Risk::High => 80..=100,
        };
        prop_assert!(band.contains(&verdict.points), "{} points", verdict.points);
        let conversion = facts.hit.event.is_conversion();
        prop_assert_eq!(verdict.action, expected_action(&verdict, conversion));
        let rejecting = || verdict.findings.iter().filter(|f| rejects(f, &verdict));
        if held_out(&verdict) {
            let doubtful = |f: &Finding<'_>| {
                let info = f.reason.info();
                info.class == Class::Sivt && info.fp_risk == FpRisk::High
            };
            prop_assert!(rejecting().count() > 0 && rejecting().all(doubtful));
            prop_assert!(!conversion && verdict.degraded.is_none());
        }
        let caught = !held_out(&verdict) && rejecting().count() > 0;
        let main = verdict.findings.iter().find(|f| !f.reason.is_note());
        prop_assert_eq!(verdict.reason, main.map_or(Reason::Clean, |f| f.reason));
        prop_assert_eq!(verdict.class, match (caught, verdict.degraded) {
            (true, _) => verdict.reason.info().class,
            (false, Some(_)) => Class::Undecided,
            (false, None) => Class::Valid,
        });
        if caught {
            prop_assert!(rejects(&verdict.findings[0], &verdict), "the main reason rejects");
        }
    }

    #[test]
    fn only_screened_events_are_judged_and_every_filter_answers(world: World, rule in rule()) {
        let compiled = world.compile(&rule);
        let facts = world.facts();
        let verdict = judged(&compiled, &world, &facts);
        let screened = rule.protection.covers(facts.hit.event);
        let keys = assay_detect::filter_keys().len();
        prop_assert_eq!(verdict.checks.len(), if screened { keys } else { 0 });
        if !screened {
            // Whether there is a click that counts is no screening.
            let attributed = [Reason::NoClick, Reason::ClickExpired];
            let found = verdict.findings.iter().filter(|f| f.risk > Risk::Clean);
            prop_assert!(found.clone().all(|f| attributed.contains(&f.reason)));
            if found.count() == 0 {
                prop_assert_eq!((verdict.action, verdict.risk), (Action::Approved, Risk::Clean));
            }
        }
    }

    #[test]
    fn a_benign_network_never_raises_the_risk(world: World, rule in rule(), network in benign()) {
        let compiled = world.compile(&rule);
        let mut alone = world.facts();
        alone.ip.iter_mut().for_each(|ip| ip.benign = None);
        let mut shared = alone.clone();
        shared.ip.iter_mut().for_each(|ip| ip.benign = Some(network));
        let (alone, shared) = (judged(&compiled, &world, &alone), judged(&compiled, &world, &shared));
        prop_assert!(shared.risk <= alone.risk, "{network:?}: {:?}", shared.findings);
        prop_assert!(shared.points <= alone.points);
        prop_assert!(severity(shared.action) <= severity(alone.action));
        if network == Benign::Relay {
            prop_assert!(shared.findings.iter().all(|f| f.reason != Reason::FastClicker));
        }
    }

    #[test]
    fn zeros_in_place_of_an_id_never_change_a_verdict(world: World, rule in rule(), zeros in zero_id()) {
        let compiled = world.compile(&rule);
        let mut without = world.facts();
        let mut with = without.clone();
        let device = without.device;
        for (field, state) in [
            (Field::DeviceId, device.device_id),
            (Field::Gaid, device.gaid),
            (Field::Idfa, device.idfa),
        ] {
            if state == DeviceIdState::Absent {
                without.hit.set(field, None);
                with.hit.set(field, Some(zeros));
            }
        }
        prop_assert_eq!(judged(&compiled, &world, &with), judged(&compiled, &world, &without));
        let (mut a, mut b) = (Vec::new(), Vec::new());
        compiled.bumps(&with, &mut a);
        compiled.bumps(&without, &mut b);
        prop_assert_eq!(a, b, "nor are they counted under a key");
    }

    #[test]
    fn an_allow_list_never_makes_it_stricter(world: World, rule in rule()) {
        let compiled = world.compile(&rule);
        let plain = world.facts();
        let mut allowed = plain.clone();
        allowed.lists.push(world::allow_match());
        let before = judged(&compiled, &world, &plain);
        let after = judged(&compiled, &world, &allowed);
        prop_assert!(severity(after.action) <= severity(before.action), "{after:?}");
        prop_assert_eq!((after.risk, after.points), (before.risk, before.points), "what was found stays found");
        let found = |f: &Finding<'_>| matches!(f.reason.info().class, Class::Givt | Class::Sivt);
        let lifted = |f: &&Finding<'_>| found(f) && f.reason != Reason::ListDenied;
        prop_assert!(!after.findings.iter().filter(lifted).any(|f| rejects(f, &after)));
        let denied = |v: &Verdict<'_>| v.findings.iter().any(|f| f.reason == Reason::ListDenied && rejects(f, v));
        if denied(&before) {
            prop_assert_eq!(after.action, before.action, "the own deny list stands");
        }
    }

    #[test]
    fn a_stricter_rule_lets_nothing_more_through(world: World, mut rule in rule()) {
        use assay_model::Strictness as S;
        let facts = world.facts();
        let mut last = 0;
        for strictness in [S::Conservative, S::Moderate, S::Strict] {
            rule.strictness = strictness;
            let compiled = world.compile(&rule);
            // Degraded events are decided by the integration unless something else does,
            // and a person's look counts as less than a rejection.
            let verdict = compiled.judge(&facts, &world.recall(&compiled), OnDegraded::Allow);
            prop_assert!(severity(verdict.action) >= last);
            last = severity(verdict.action);
        }
    }

    #[test]
    fn monitoring_blocks_and_holds_nothing(world: World, mut rule in rule()) {
        rule.mode = Mode::Monitor;
        let compiled = world.compile(&rule);
        let facts = world.facts();
        let verdict = judged(&compiled, &world, &facts);
        prop_assert!(matches!(verdict.action, Action::Approved | Action::Monitored));
    }

    #[test]
    fn counters_that_are_missing_accuse_nobody(mut world: World, rule in rule(), event in event_kind()) {
        world.event = event;
        world.readings.clear();
        let compiled = world.compile(&rule);
        let facts = world.facts();
        let verdict = judged(&compiled, &world, &facts);
        let counted = [
            Reason::DuplicateIp, Reason::DuplicateDevice, Reason::DuplicateUuid,
            Reason::DuplicateFingerprint, Reason::ClickFlooding, Reason::HyperEngagement,
            Reason::IpHopping, Reason::FastClicker, Reason::LinkScanner,
            Reason::KeywordDuplicate, Reason::SubidCardinality, Reason::CapClick,
            Reason::CapConversion,
        ];
        prop_assert!(verdict.findings.iter().all(|f| !counted.contains(&f.reason)));
    }
}
