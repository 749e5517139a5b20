//! Who is let through, and that the verdict stands on its evidence.

use assay_model::document::{IntegrationKind, Rule};
use assay_model::facts::{Basis, IpFacts, IpMark, MarkKind};
use assay_model::hit::{EventKind, Hit};
use assay_model::recall::Recall;
use assay_model::testing::{NOW, facts_of};
use assay_model::verdict::{Mode, OnDegraded, RuleRef};
use assay_model::{Action, Class, Facts, Reason};

use crate::CompiledRule;
use crate::verdict::agrees;

fn rule(percent: u8, change: impl FnOnce(&mut Rule)) -> CompiledRule {
    let mut rule = Rule::default_rule();
    rule.holdout_percent = percent;
    change(&mut rule);
    let id = RuleRef { id: 4, version: 1 };
    CompiledRule::compile(&rule, id, IntegrationKind::Custom).unwrap()
}

/// The `n`th event, with these marks on its address.
fn event(n: u32, marks: &[MarkKind], change: impl FnOnce(&mut Hit<'static>)) -> Facts<'static> {
    let mut facts = facts_of(|hit| {
        hit.ip = Some(std::net::Ipv4Addr::from_bits(0x0808_0000 + n).into());
        hit.received = NOW.plus_ms(i64::from(n) * 17);
        change(hit);
    });
    facts.ip = facts.hit.ip.map(IpFacts::unknown);
    let marks = marks.iter().map(|kind| IpMark {
        kind: *kind,
        basis: Basis::Address,
        weak: false,
        label: "x",
        list: "y",
    });
    facts
        .ip
        .iter_mut()
        .for_each(|ip| ip.marks.extend(marks.clone()));
    facts
}

/// How many of some events are let through; each verdict is checked on the way.
fn let_through(rule: &CompiledRule, marks: &[MarkKind], kind: EventKind) -> u32 {
    let mut through = 0;
    for n in 0..5000 {
        let facts = event(n, marks, |hit| hit.event = kind);
        let verdict = rule.judge(&facts, &Recall::default(), OnDegraded::Allow);
        assert!(agrees(&verdict, kind), "{verdict:?}");
        let again = rule.judge(&facts, &Recall::default(), OnDegraded::Allow);
        assert_eq!(verdict, again);
        if verdict.action == Action::Approved {
            through += 1;
            assert_eq!(verdict.reason, Reason::SampledHoldout);
            assert_eq!(verdict.class, Class::Valid);
            assert!(verdict.is_held_out());
            let told = verdict.findings[0].value("would_be").unwrap();
            assert_eq!(*told, assay_model::verdict::Value::from("VPN"));
            assert!(verdict.findings.iter().any(|f| f.reason == Reason::Vpn));
        }
    }
    through
}

#[test]
fn the_share_is_let_through_and_named() {
    let vpn = [MarkKind::Vpn];
    assert_eq!(let_through(&rule(0, |_| {}), &vpn, EventKind::Click), 0);
    let five = let_through(&rule(5, |_| {}), &vpn, EventKind::Click);
    assert!((200..300).contains(&five), "{five} of 5000");
    let ten = let_through(&rule(10, |_| {}), &vpn, EventKind::PageView);
    assert!((430..570).contains(&ten), "{ten} of 5000");
}

#[test]
fn nothing_else_is() {
    let ten = rule(10, |_| {});
    let tor = [MarkKind::Vpn, MarkKind::Tor];
    assert_eq!(
        let_through(&ten, &tor, EventKind::Click),
        0,
        "Tor is no doubt"
    );
    let vpn = [MarkKind::Vpn];
    for kind in [
        EventKind::Conversion,
        EventKind::PostEvent,
        EventKind::Impression,
    ] {
        assert_eq!(let_through(&ten, &vpn, kind), 0, "{kind:?}");
    }
    let monitor = rule(10, |rule| rule.mode = Mode::Monitor);
    assert_eq!(let_through(&monitor, &vpn, EventKind::Click), 0);
}

#[test]
fn a_visitor_who_comes_again_is_drawn_again() {
    let ten = rule(10, |_| {});
    let through = |ms| {
        let facts = event(1, &[MarkKind::Vpn], |hit| hit.received = NOW.plus_ms(ms));
        let verdict = ten.judge(&facts, &Recall::default(), OnDegraded::Allow);
        verdict.action == Action::Approved
    };
    let times = (0..2000).filter(|ms| through(*ms)).count();
    assert!((140..270).contains(&times), "{times} of 2000");
}

#[test]
fn the_share_has_a_bound() {
    let mut rule = Rule::default_rule();
    rule.holdout_percent = 11;
    let fields: Vec<_> = rule.check().into_iter().map(|p| p.field).collect();
    assert_eq!(fields, ["holdout_percent"]);
}
