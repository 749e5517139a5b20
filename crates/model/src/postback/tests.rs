//! Who is told what, over any sequence of changes; and what a document is refused for.

use proptest::prelude::*;

use super::*;
use crate::document::{ScopeSubject, Select};
use crate::testing::NOW;
use crate::{EventId, EventKind, IntegrationId};

fn postback(change: impl FnOnce(&mut Postback)) -> Postback {
    let mut made: Postback =
        serde_json::from_str(r#"{"name":"To the publisher","type":"conversion","url":"https://partner.example/pb?cid={external_transaction_id}"}"#)
            .unwrap();
    change(&mut made);
    made
}

fn about() -> About<'static> {
    About {
        subject: EventId([7; 10]),
        event: EventKind::Conversion,
        integration: IntegrationId(3),
        scope: ScopeSubject {
            publisher: Some("p1"),
            ..ScopeSubject::default()
        },
    }
}

const APPROVED: Standing<'static> = Standing {
    outcome: Outcome::Approved,
    reason: "",
};

const fn rejected(reason: &'static str) -> Standing<'static> {
    Standing {
        outcome: Outcome::Rejected,
        reason,
    }
}

/// What one receiver is told over a sequence of standings.
fn told(postback: &Postback, sequence: &[Option<Standing<'static>>]) -> Vec<Owed> {
    let mut before = None;
    let mut out = Vec::new();
    for (at, after) in sequence.iter().enumerate() {
        let change = Change {
            seq: at as u32 + 1,
            at: NOW,
            before,
            after: *after,
        };
        out.extend(owed([(9, postback)], &about(), &change));
        before = after.or(before);
    }
    out
}

#[test]
fn a_minimal_document_takes_the_defaults() {
    let made: Postback =
        serde_json::from_str(r#"{"name":"n","url":"https://a.example/"}"#).unwrap();
    assert_eq!(made.kind, PostbackType::Click);
    assert_eq!(made.fire_on, FireOn::Approved);
    assert_eq!((made.method, made.delay_s), (HttpMethod::Get, 0));
    assert_eq!(made.check(), []);
}

#[test]
fn every_problem_is_named_at_once() {
    let wrong = postback(|p| {
        p.name = String::new();
        p.reasons = vec!["VPN".into(), "NO_SUCH".into()];
        p.delay_s = 7 * 86_400 + 1;
        p.headers = [
            ("Host", "x"),
            ("content-length", "1"),
            ("Transfer-Encoding", "chunked"),
            ("Webhook-Id", "mine"),
            ("X-Ok", "fine"),
            ("X-Two\r\nX", "x"),
            ("X-Value", "a\r\nb: c"),
        ]
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .into();
        p.body = Some("x".into());
        p.secret = Some("short".into());
        p.url = "https://{publisher}.example/".into();
    });
    let mut fields: Vec<_> = wrong.check().into_iter().map(|p| p.field).collect();
    fields.sort();
    assert_eq!(
        fields,
        [
            "body",
            "delay_s",
            "headers.Host",
            "headers.Transfer-Encoding",
            "headers.Webhook-Id",
            "headers.X-Two\r\nX",
            "headers.X-Value",
            "headers.content-length",
            "name",
            "reasons",
            "reasons[1]",
            "secret",
            "url",
        ]
    );
}

#[test]
fn a_url_is_one_that_can_be_called_and_no_value_chooses_its_place() {
    for url in [
        "javascript:alert(1)",
        "ftp://a.example/",
        "//a.example/",
        "https://user:pass@a.example/",
        "https://{host}/",
        "https://a.example:{port}/",
        "{url}",
        "https://a.example/\r\nX: y",
        "https://",
        "gopher://a.example/",
    ] {
        let fields: Vec<_> = postback(|p| p.url = url.into())
            .check()
            .into_iter()
            .map(|p| p.field)
            .collect();
        assert_eq!(fields, ["url"], "{url}");
    }
    let fine = postback(|p| p.url = "http://a.example:8080/{publisher}?x={sub_id}#{y}".into());
    assert_eq!(fine.check(), []);
}

#[test]
fn a_secret_is_told_by_its_end_only() {
    let text = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    assert_eq!(Secret::parse(text).unwrap().bytes().len(), 24);
    assert_eq!(Secret::hint(text), "whsec_…LaSw");
    assert!(Secret::parse("whsec_AAAA").is_err());
    assert!(Secret::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_err());
    assert_eq!(format!("{:?}", Secret::parse(text).unwrap()), "Secret");
}

#[test]
fn each_side_is_told_once_per_change() {
    let of = |fire_on| postback(|p| p.fire_on = fire_on);
    let seqs = |p: &Postback, s: &[Option<Standing<'static>>]| {
        told(p, s).iter().map(|o| o.seq).collect::<Vec<_>>()
    };
    let changes = [
        None,
        Some(rejected("VPN")),
        Some(APPROVED),
        Some(rejected("VPN")),
        Some(rejected("TOR_EXIT")),
    ];
    assert_eq!(seqs(&of(FireOn::Any), &changes), [2, 3, 4]);
    assert_eq!(seqs(&of(FireOn::Approved), &changes), [3]);
    assert_eq!(seqs(&of(FireOn::Rejected), &changes), [2, 4]);
    let chosen = postback(|p| {
        p.fire_on = FireOn::Rejected;
        p.reasons = vec!["TOR_EXIT".into()];
    });
    assert_eq!(seqs(&chosen, &changes), [5]);
}

#[test]
fn only_what_fits_is_told() {
    let sequence = [Some(APPROVED)];
    let tells = |change: fn(&mut Postback)| !told(&postback(change), &sequence).is_empty();
    assert!(tells(|_| {}));
    assert!(!tells(|p| p.status = crate::document::Status::Paused));
    assert!(!tells(|p| p.kind = PostbackType::Event));
    assert!(!tells(|p| p.kind = PostbackType::Click));
    assert!(!tells(|p| p.integration_id = Some(IntegrationId(4))));
    assert!(tells(|p| p.integration_id = Some(IntegrationId(3))));
    let not_p1 = |p: &mut Postback| {
        p.scope.publishers = Select {
            include: vec![],
            exclude: vec!["p1".into()],
        };
    };
    assert!(!tells(not_p1));
}

#[test]
fn a_message_is_due_after_its_delay_under_a_stable_id() {
    let message = told(&postback(|p| p.delay_s = 120), &[Some(APPROVED)]).remove(0);
    assert_eq!(message.due, NOW.plus_ms(120_000));
    let id = message.message_id();
    assert_eq!(id, format!("pb_9_{}_1", EventId([7; 10])));
    assert!(!id.contains('.'), "{id}: the signature joins by full stops");
}

fn any_standing() -> impl Strategy<Value = Option<Standing<'static>>> {
    prop_oneof![
        Just(None),
        Just(Some(APPROVED)),
        Just(Some(rejected("VPN"))),
        Just(Some(rejected("TOR_EXIT"))),
    ]
}

fn any_condition() -> impl Strategy<Value = Postback> {
    (0..3u8, 0..3u8).prop_map(|(fire, chosen)| {
        postback(|p| {
            p.fire_on = [FireOn::Any, FireOn::Approved, FireOn::Rejected][usize::from(fire)];
            if p.fire_on == FireOn::Rejected {
                p.reasons = [
                    vec![],
                    vec!["VPN".into()],
                    vec!["VPN".into(), "TOR_EXIT".into()],
                ][usize::from(chosen)]
                .clone();
            }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// A receiver holds what it was told last. After every change it holds the newest
    /// standing that its condition covers, was told so at most once per change, and never
    /// twice in a row the same unless it left that side in between.
    #[test]
    fn a_receiver_is_told_once_per_change_that_concerns_it(
        receiver in any_condition(),
        sequence in prop::collection::vec(any_standing(), 1..12),
    ) {
        let messages = told(&receiver, &sequence);
        let mut ids: Vec<_> = messages.iter().map(Owed::message_id).collect();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), messages.len(), "one message per change at most");
        let mut before: Option<Standing<'static>> = None;
        for (at, standing) in sequence.iter().enumerate() {
            let Some(now) = *standing else { continue };
            let message = messages.iter().find(|m| m.seq == at as u32 + 1);
            let concerned = receiver.covers(now);
            let moved = before.is_none_or(|b| b.outcome != now.outcome || !receiver.covers(b));
            prop_assert_eq!(message.is_some(), concerned && moved);
            if let Some(message) = message {
                prop_assert_eq!(message.outcome, now.outcome);
                prop_assert_eq!(message.reason.as_str(), now.reason);
            }
            before = Some(now);
        }
        // What it was told last is how things stand on its side, whatever the order was.
        let last_side = sequence.iter().flatten().rfind(|s| receiver.covers(**s));
        prop_assert_eq!(messages.last().map(|m| m.outcome), last_side.map(|s| s.outcome));
    }
}
