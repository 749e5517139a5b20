//! What a click owes, and the values its messages are filled from.

use assay_model::document::{ScopeSubject, Status};
use assay_model::ports::{ClickMessage, MacroValues};
use assay_model::postback::{About, Change, Outcome, PostbackType, Standing, owed};
use assay_model::transaction::{Content, KeyRing};
use assay_model::{Action, EventKind, EventRecord, Field, Hit, Reason};

use crate::policy::AccountPolicy;

/// Fields that are for our eyes only.
const NOT_TOLD: [Field; 1] = [Field::Signals];

impl AccountPolicy {
    /// Whether anybody is told of clicks.
    #[must_use]
    pub fn tells_clicks(&self) -> bool {
        self.postbacks.iter().any(|(_, postback)| {
            postback.kind == PostbackType::Click && postback.status == Status::Active
        })
    }
}

/// The messages that a click owes by its account's postbacks; `keys` seal its id as they did
/// when it was answered.
#[must_use]
pub fn click_messages(
    account: &AccountPolicy,
    keys: Option<&KeyRing>,
    record: &EventRecord<'_>,
) -> Vec<ClickMessage> {
    let hit = &record.facts.hit;
    if hit.event != EventKind::Click || is_test(record) {
        return Vec::new();
    }
    let given = |field| hit.get(field);
    let about = About {
        subject: record.event_id,
        event: hit.event,
        integration: hit.integration,
        scope: ScopeSubject {
            offer: given(Field::Offer),
            advertiser: given(Field::Advertiser),
            publisher: given(Field::Publisher),
            country: record.facts.ip.as_ref().and_then(|ip| ip.country),
        },
    };
    let change = Change {
        seq: 1,
        at: hit.received,
        before: None,
        after: standing(record),
    };
    let definitions = account.postbacks.iter().map(|(id, body)| (*id, body));
    let owed = owed(definitions, &about, &change);
    if owed.is_empty() {
        return Vec::new();
    }
    let values = values(keys, record);
    owed.into_iter()
        .map(|owed| ClickMessage {
            account: account.account,
            owed,
            values: values.clone(),
        })
        .collect()
}

fn is_test(record: &EventRecord<'_>) -> bool {
    let findings = &record.verdict.findings;
    findings.iter().any(|f| f.reason == Reason::TestTraffic)
}

/// What was done with the visitor: one that only would have been rejected went on.
fn standing<'r>(record: &'r EventRecord<'_>) -> Option<Standing<'r>> {
    let verdict = &record.verdict;
    match verdict.action {
        Action::Approved | Action::Monitored => Some(Standing {
            outcome: Outcome::Approved,
            reason: "",
        }),
        Action::Rejected => Some(Standing {
            outcome: Outcome::Rejected,
            reason: verdict.reason.code(),
        }),
        Action::OnHold => None,
    }
}

fn values(keys: Option<&KeyRing>, record: &EventRecord<'_>) -> MacroValues {
    let hit = &record.facts.hit;
    let mut out = MacroValues::new();
    let mut put = |name: &str, value: String| {
        if !value.is_empty() {
            out.insert(name.to_owned(), value);
        }
    };
    if let Some(ua) = &record.facts.ua {
        put("browser", ua.browser.to_string());
        put("os", ua.os.to_string());
        put("device_type", ua.device_type.as_str().to_owned());
    }
    for (name, value) in told(hit) {
        put(name, value.to_owned());
    }
    if let Some(ip) = &record.facts.ip {
        put("ip", ip.ip.to_string());
        put("click_ip", ip.ip.to_string());
        put(
            "country",
            ip.country.map_or_else(String::new, |c| c.to_string()),
        );
        put("city", ip.city.unwrap_or("").to_owned());
        put("isp", ip.operator.unwrap_or("").to_owned());
    }
    let content = Content::of(record.event_id, &record.facts, &record.verdict);
    let sealed = keys.and_then(|keys| keys.seal(&content, hit.received));
    put("transaction_id", sealed.unwrap_or_default());
    put("click_time", hit.time.plain());
    put("event", hit.event.as_str().to_owned());
    put("integration_id", hit.integration.to_string());
    out
}

fn told<'h>(hit: &'h Hit<'_>) -> impl Iterator<Item = (&'h str, &'h str)> {
    let fields = hit
        .given()
        .filter(|(field, _)| !NOT_TOLD.contains(field))
        .map(|(field, text)| (field.as_str(), text));
    // Our own names win over parameters that are none of ours.
    hit.extras
        .iter()
        .map(|(name, text)| (*name, *text))
        .chain(fields)
}

#[cfg(test)]
mod tests {
    use assay_model::document::{Integration, Rule};
    use assay_model::postback::Postback;
    use assay_model::testing::{clean_verdict, facts_of};
    use assay_model::verdict::Finding;
    use assay_model::{AccountId, EventId, IntegrationId, Recall};

    use super::*;

    fn account(postbacks: &[&str]) -> AccountPolicy {
        let integration: Integration =
            serde_json::from_str(r#"{"name":"n","kind":"custom"}"#).unwrap();
        let rules: &[(assay_model::verdict::RuleRef, Rule)] = &[];
        let postbacks = postbacks.iter().zip(1..).map(|(text, id)| {
            let postback: Postback = serde_json::from_str(text).unwrap();
            (id, postback)
        });
        AccountPolicy::compile(
            AccountId(1),
            vec![(IntegrationId(7), integration)],
            rules,
            vec![],
            vec![],
        )
        .unwrap()
        .with_postbacks(postbacks.collect())
    }

    fn record(event: EventKind, action: Action) -> EventRecord<'static> {
        let facts = facts_of(|hit| {
            hit.event = event;
            hit.set(Field::Publisher, Some("p1"));
            hit.set(Field::Signals, Some("{}"));
            hit.extras.push(("color", "red"));
            hit.extras.push(("publisher", "forged"));
        });
        let mut verdict = clean_verdict();
        verdict.action = action;
        if action == Action::Rejected {
            verdict.reason = Reason::Vpn;
        }
        EventRecord {
            event_id: EventId([3; 10]),
            facts,
            recall: Recall::default(),
            verdict,
            destination: None,
            detect_revision: 1,
            decision_us: 1,
        }
    }

    const ANY: &str = r#"{"name":"n","fire_on":"any","url":"https://a.example/"}"#;
    const REJECTED: &str =
        r#"{"name":"n","fire_on":"rejected","reasons":["VPN"],"url":"https://a.example/"}"#;
    const CONVERSIONS: &str =
        r#"{"name":"n","type":"conversion","fire_on":"any","url":"https://a.example/"}"#;

    #[test]
    fn a_click_is_told_to_those_whose_condition_it_meets() {
        let account = account(&[ANY, REJECTED, CONVERSIONS]);
        assert!(account.tells_clicks());
        let told = |event, action| -> Vec<(u64, Outcome)> {
            click_messages(&account, None, &record(event, action))
                .iter()
                .map(|m| (m.owed.postback, m.owed.outcome))
                .collect()
        };
        let approved = [(1, Outcome::Approved)];
        assert_eq!(told(EventKind::Click, Action::Approved), approved);
        assert_eq!(told(EventKind::Click, Action::Monitored), approved);
        let rejected = [(1, Outcome::Rejected), (2, Outcome::Rejected)];
        assert_eq!(told(EventKind::Click, Action::Rejected), rejected);
        assert_eq!(told(EventKind::Impression, Action::Approved), []);
        assert_eq!(told(EventKind::Conversion, Action::Approved), []);
    }

    #[test]
    fn its_values_are_its_own_fields_and_nothing_private() {
        let account = account(&[ANY]);
        let messages = click_messages(&account, None, &record(EventKind::Click, Action::Approved));
        let values = &messages[0].values;
        assert_eq!(values["publisher"], "p1");
        assert_eq!(values["color"], "red");
        assert_eq!(values["integration_id"], "7");
        assert!(!values.contains_key("signals"));
    }

    #[test]
    fn a_test_click_is_told_to_nobody() {
        let mut test = record(EventKind::Click, Action::Approved);
        test.verdict
            .findings
            .push(Finding::new(Reason::TestTraffic));
        assert!(click_messages(&account(&[ANY]), None, &test).is_empty());
        let paused = account(&[&ANY.replace("{", r#"{"status":"paused","#)]);
        assert!(!paused.tells_clicks());
    }
}
