//! What a conversion's click says by itself, whatever filters a rule has on.
//!
//! Whether there is a click, and one that still counts, is the integration's business, so
//! it is said of conversions that the rule does not screen too. NO_CLICK is low: it rejects
//! under a strict rule only, elsewhere the conversion waits for its click.
//!
//! Emits: `NO_CLICK`, low; `CLICK_EXPIRED` and `CLICK_REJECTED`, medium.

use assay_model::click::{ClickMatch, ClickSearch};
use assay_model::facts::Facts;
use assay_model::hit::Field;
use assay_model::reason::Reason;
use assay_model::recall::Recall;
use assay_model::verdict::{Finding, Value};

/// The click is not known, or older than the look-back.
pub fn missing_click<'a>(facts: &Facts<'_>, recall: &Recall, found: &mut Vec<Finding<'a>>) {
    if !facts.hit.event.is_conversion() {
        return;
    }
    if recall.search == ClickSearch::NotFound {
        found.push(Finding::new(Reason::NoClick).with("transaction_id", named(facts)));
        return;
    }
    let Some(click) = recall.click.as_deref() else {
        return;
    };
    let age_s = click.age_s(facts.hit.time).unwrap_or(0);
    if recall.search != ClickSearch::None && age_s > i64::from(click.lookback_s) {
        found.push(
            Finding::new(Reason::ClickExpired)
                .with("transaction_id", id_of(facts, click))
                .with("age_s", Value::Int(age_s))
                .over(click.lookback_s),
        );
    }
}

/// The click was rejected, or would have been: what comes of it is not paid either.
pub fn caught_click<'a>(facts: &Facts<'_>, recall: &Recall, found: &mut Vec<Finding<'a>>) {
    let Some(click) = recall.click.as_deref().filter(|click| click.was_caught()) else {
        return;
    };
    if facts.hit.event.is_conversion() {
        found.push(
            Finding::new(Reason::ClickRejected)
                .with("transaction_id", id_of(facts, click))
                .with("click_reason", click.reason.code()),
        );
    }
}

/// The id under which the conversion names its click.
fn named(facts: &Facts<'_>) -> String {
    [Field::TransactionId, Field::ExternalTransactionId]
        .into_iter()
        .find_map(|field| facts.hit.get(field))
        .unwrap_or("")
        .to_owned()
}

fn id_of(facts: &Facts<'_>, click: &ClickMatch) -> String {
    let named = named(facts);
    match click.event_id {
        Some(id) if named.is_empty() => id.to_string(),
        _ => named,
    }
}

#[cfg(test)]
mod tests {
    use assay_model::click::{ClickMatch, ClickSearch, MatchedBy};
    use assay_model::document::{IntegrationKind, Protection, Rule};
    use assay_model::recall::Recall;
    use assay_model::testing::{NOW, facts_of};
    use assay_model::verdict::{Mode, OnDegraded, RuleRef};
    use assay_model::{Action, EventKind, Field, Reason, Strictness};

    use crate::CompiledRule;

    const DAY_S: i64 = 86_400;

    /// Main reason and action of a conversion with this click.
    fn outcome(
        change: impl FnOnce(&mut Rule),
        event: EventKind,
        search: ClickSearch,
        click: Option<(i64, Action)>,
    ) -> (Reason, Action) {
        let mut rule = Rule::default_rule();
        change(&mut rule);
        let id = RuleRef { id: 1, version: 1 };
        let rule = CompiledRule::compile(&rule, id, IntegrationKind::Custom).unwrap();
        let facts = facts_of(|hit| {
            hit.event = event;
            hit.set(Field::TransactionId, Some("abc"));
        });
        let click = click.map(|(age_s, action)| {
            let mut click = ClickMatch::unknown(MatchedBy::OwnId, 30 * 86_400);
            click.time = Some(NOW.plus_ms(-1000 * age_s));
            click.action = Some(action);
            click.reason = Reason::Vpn;
            Box::new(click)
        });
        let recall = Recall {
            search,
            click,
            ..Recall::default()
        };
        let verdict = rule.judge(&facts, &recall, OnDegraded::Allow);
        assert!(crate::verdict::agrees(&verdict, event));
        (verdict.reason, verdict.action)
    }

    #[test]
    fn a_click_that_is_missing_rejects_under_a_strict_rule_only() {
        let of = |strictness| {
            outcome(
                |rule| rule.strictness = strictness,
                EventKind::Conversion,
                ClickSearch::NotFound,
                None,
            )
        };
        assert_eq!(
            of(Strictness::Moderate),
            (Reason::NoClick, Action::Approved)
        );
        assert_eq!(of(Strictness::Strict), (Reason::NoClick, Action::Rejected));
    }

    #[test]
    fn an_expired_click_rejects_under_every_rule() {
        let late = Some((30 * DAY_S + 1, Action::Approved));
        for strictness in [Strictness::Conservative, Strictness::Moderate] {
            for protection in [Protection::Click, Protection::Both] {
                let seen = outcome(
                    |rule| {
                        rule.strictness = strictness;
                        rule.protection = protection;
                    },
                    EventKind::Conversion,
                    ClickSearch::Found,
                    late,
                );
                assert_eq!(seen, (Reason::ClickExpired, Action::Rejected));
            }
        }
        let in_time = Some((30 * DAY_S, Action::Approved));
        let seen = outcome(|_| {}, EventKind::Conversion, ClickSearch::Found, in_time);
        assert_eq!(seen, (Reason::Clean, Action::Approved));
    }

    #[test]
    fn what_comes_of_a_caught_click_is_caught_too() {
        let found = |action, mode| {
            outcome(
                |rule| rule.mode = mode,
                EventKind::PostEvent,
                ClickSearch::Found,
                Some((60, action)),
            )
        };
        let rejected = (Reason::ClickRejected, Action::Rejected);
        assert_eq!(found(Action::Rejected, Mode::Enforce), rejected);
        assert_eq!(found(Action::Monitored, Mode::Enforce), rejected);
        assert_eq!(
            found(Action::Monitored, Mode::Monitor),
            (Reason::ClickRejected, Action::Monitored)
        );
        assert_eq!(
            found(Action::Rejected, Mode::Hold),
            (Reason::ClickRejected, Action::OnHold)
        );
        assert_eq!(
            found(Action::Approved, Mode::Enforce),
            (Reason::Clean, Action::Approved)
        );
    }

    #[test]
    fn other_events_have_no_click() {
        let seen = outcome(|_| {}, EventKind::Click, ClickSearch::NotFound, None);
        assert_eq!(seen.0, Reason::Clean);
    }

    #[test]
    fn a_click_that_nobody_searched_cannot_have_expired() {
        let told = Some((40 * DAY_S, Action::Approved));
        let seen = outcome(|_| {}, EventKind::Conversion, ClickSearch::None, told);
        assert_eq!(
            seen.0,
            Reason::CtitTooLong,
            "the sender's own time is judged as such"
        );
    }
}
