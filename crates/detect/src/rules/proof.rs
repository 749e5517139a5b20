//! What a message proves about its sender, or fails to: said of every event, whatever its rule.
//!
//! The gateway checks signatures, since that takes keys and a clock; what it saw stands in
//! the event as `signature_state` (`assay_model::signing::state`).
//!
//! Emits: `SIGNATURE_INVALID`, `SIGNATURE_EXPIRED`, `REPLAY`; all high.

use assay_model::facts::Facts;
use assay_model::hit::Field;
use assay_model::reason::Reason;
use assay_model::signing::state;
use assay_model::verdict::{Effect, Finding, Value};

/// What is wrong with the event's signature, when its integration has signing on.
pub fn signature<'a>(facts: &Facts<'a>, found: &mut Vec<Finding<'a>>) {
    let Some(told) = facts.hit.get(Field::SignatureState) else {
        return;
    };
    let mut words = told.split(' ');
    let (mode, state) = (words.next(), words.next());
    let (key_id, seconds) = (words.next(), words.next());
    let finding = match state {
        Some(state::INVALID) => {
            Finding::new(Reason::SignatureInvalid).with("key_id", key_id.unwrap_or("none"))
        }
        Some(state::EXPIRED) => {
            let skew_s = seconds.and_then(|text| text.parse().ok()).unwrap_or(0);
            Finding::new(Reason::SignatureExpired)
                .with("key_id", key_id.unwrap_or("none"))
                .with("skew_s", Value::Int(skew_s))
        }
        Some(state::REPLAY) => Finding::new(Reason::Replay).with("id", key_id.unwrap_or("none")),
        _ => return,
    };
    found.push(Finding {
        effect: match mode {
            Some("enforce") => Effect::Block,
            _ => Effect::Flag,
        },
        ..finding
    });
}

#[cfg(test)]
mod tests {
    use assay_model::document::{IntegrationKind, Rule};
    use assay_model::recall::Recall;
    use assay_model::testing::facts_of;
    use assay_model::verdict::{OnDegraded, RuleRef};
    use assay_model::{Action, Field, Reason};

    use crate::CompiledRule;

    #[test]
    fn a_bad_signature_rejects_where_signing_is_enforced_and_is_kept_where_it_is_reported() {
        let cases = [
            ("enforce good k1", Reason::Clean, Action::Approved),
            (
                "enforce invalid",
                Reason::SignatureInvalid,
                Action::Rejected,
            ),
            (
                "enforce expired k1 400",
                Reason::SignatureExpired,
                Action::Rejected,
            ),
            ("enforce replay k1", Reason::Replay, Action::Rejected),
            (
                "report invalid k1",
                Reason::SignatureInvalid,
                Action::Approved,
            ),
        ];
        let id = RuleRef { id: 1, version: 1 };
        let rule =
            CompiledRule::compile(&Rule::default_rule(), id, IntegrationKind::Custom).unwrap();
        for (told, reason, action) in cases {
            let facts = facts_of(|hit| hit.set(Field::SignatureState, Some(told)));
            let verdict = rule.judge(&facts, &Recall::default(), OnDegraded::Allow);
            assert_eq!((verdict.reason, verdict.action), (reason, action), "{told}");
            assert!(crate::verdict::agrees(&verdict, facts.hit.event), "{told}");
        }
    }
}
