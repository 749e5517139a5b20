//! What every store of decisions and outcomes must do.
#![expect(clippy::unwrap_used, reason = "a failed check is a failed test")]

use std::sync::Arc;

use assay_model::ports::{
    ChangeCursor, DecisionQuery, Kept, KeptSnapshot, Lesson, Lift, NewDecision, SourceStep,
    SourceStore, Teacher,
};
use assay_model::reputation::{KeyKind, KeyPrint, Outcome};
use assay_model::sources::{SourceLevel, SourceName};
use assay_model::testing::NOW;
use assay_model::{AccountId, EventId, Timestamp};
use serde_json::json;

const OWN: AccountId = AccountId(1);
const OTHER: AccountId = AccountId(2);

/// Runs every check; each call of `open` opens the same, at first empty, store again.
pub async fn suite(open: impl Fn() -> Arc<dyn SourceStore>) {
    a_judgement_is_kept_whole(&open).await;
    the_log_comes_newest_first_in_pages(&*open()).await;
    a_lift_ends(&*open()).await;
    an_event_has_one_outcome(&*open()).await;
    what_was_told_outweighs_the_ledger(&*open()).await;
    lessons_come_in_order_and_old_ones_go(&*open()).await;
    cursors_are_kept(&open).await;
}

fn line(publisher: &str, step: SourceStep) -> NewDecision {
    NewDecision {
        at: NOW,
        snapshot: 3,
        step,
        source: SourceName {
            level: SourceLevel::SubIdOffer,
            publisher: publisher.to_owned(),
            sub_id: "s".to_owned(),
            offer: "o".to_owned(),
        },
        rule: Some(7),
        filter: "ctit_variance".to_owned(),
        reason: "CTIT_LOW_VARIANCE".to_owned(),
        actor: "engine".to_owned(),
        detail: json!({"seen": 0.25, "n": 120}),
    }
}

fn kept(number: u64) -> KeptSnapshot {
    KeptSnapshot {
        number,
        as_of: NOW,
        held: json!([{"rule": 7}]),
    }
}

async fn a_judgement_is_kept_whole(open: &impl Fn() -> Arc<dyn SourceStore>) {
    let store = open();
    assert_eq!(store.snapshot(OWN).await.unwrap(), None);
    let changes = vec![line("p1", SourceStep::Held)];
    store.judged(OWN, kept(3), changes).await.unwrap();
    store.judged(OWN, kept(4), Vec::new()).await.unwrap();
    drop(store);
    let store = open();
    assert_eq!(store.snapshot(OWN).await.unwrap(), Some(kept(4)));
    assert_eq!(store.snapshot(OTHER).await.unwrap(), None);
    let all = DecisionQuery {
        limit: 10,
        ..DecisionQuery::default()
    };
    let log = store.decisions(OWN, &all).await.unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].line, line("p1", SourceStep::Held));
    assert!(store.decisions(OTHER, &all).await.unwrap().is_empty());
    assert_eq!(store.accounts().await.unwrap(), [OWN]);
}

async fn the_log_comes_newest_first_in_pages(store: &dyn SourceStore) {
    for step in [SourceStep::Changed, SourceStep::Lifted] {
        let changes = vec![line("p2", step)];
        store.judged(OWN, kept(5), changes).await.unwrap();
    }
    let query = |before, publisher: Option<&str>| DecisionQuery {
        publisher: publisher.map(str::to_owned),
        before,
        limit: 1,
    };
    let newest = store.decisions(OWN, &query(None, None)).await.unwrap();
    assert_eq!(newest[0].line.step, SourceStep::Lifted);
    let next = query(Some(newest[0].id), None);
    let older = store.decisions(OWN, &next).await.unwrap();
    assert_eq!(older[0].line.step, SourceStep::Changed);
    let of_p1 = store.decisions(OWN, &query(None, Some("p1"))).await;
    assert_eq!(of_p1.unwrap()[0].line.step, SourceStep::Held);
}

async fn a_lift_ends(store: &dyn SourceStore) {
    let lift = Lift {
        publisher: "p1".to_owned(),
        sub_id: None,
        offer: Some("o".to_owned()),
        rule: None,
        filter: None,
        until: NOW.plus_ms(1000),
        note: "their new landing page".to_owned(),
    };
    let by_hand = line("p1", SourceStep::LiftedByHand);
    let made = store.lift(OWN, lift.clone(), by_hand.clone()).await;
    assert_eq!(made.unwrap().line, by_hand);
    assert_eq!(store.lifts(OWN, NOW).await.unwrap(), [lift]);
    assert!(store.lifts(OTHER, NOW).await.unwrap().is_empty());
    let after = NOW.plus_ms(1000);
    assert!(store.lifts(OWN, after).await.unwrap().is_empty());
}

fn lesson(second: i64, outcome: Outcome) -> Lesson {
    let time = NOW.plus_ms(second * 1000);
    Lesson {
        event: EventId::new(time, 0, 0, 1),
        outcome,
        weight: 1.0,
        time,
        teacher: Teacher::Told,
        keys: [(KeyKind::Publisher, u64::MAX), (KeyKind::Network, 7)]
            .into_iter()
            .map(|(kind, print)| KeyPrint { kind, print })
            .collect(),
    }
}

async fn taught(store: &dyn SourceStore, lesson: Lesson) -> Kept {
    let mut kept = store.teach(OWN, vec![lesson]).await.unwrap();
    kept.remove(0)
}

async fn an_event_has_one_outcome(store: &dyn SourceStore) {
    let paid = lesson(0, Outcome::Paid);
    assert_eq!(taught(store, paid.clone()).await, Kept::New);
    assert_eq!(taught(store, paid.clone()).await, Kept::Same);
    let back = lesson(0, Outcome::Chargeback);
    let was = Kept::InPlaceOf(Box::new(paid));
    assert_eq!(taught(store, back.clone()).await, was);
    let all = store.lessons(OWN, NOW, None, 10).await.unwrap();
    assert_eq!(all, [back]);
    assert!(
        store
            .lessons(OTHER, NOW, None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn what_was_told_outweighs_the_ledger(store: &dyn SourceStore) {
    let ledger = |outcome, weight| Lesson {
        teacher: Teacher::Ledger,
        weight,
        ..lesson(1, outcome)
    };
    let weak = ledger(Outcome::Paid, 0.25);
    assert_eq!(taught(store, weak.clone()).await, Kept::New);
    let rejected = ledger(Outcome::Rejected, 1.0);
    let was = Kept::InPlaceOf(Box::new(weak));
    assert_eq!(taught(store, rejected.clone()).await, was);
    let told = lesson(1, Outcome::AppealReversed);
    let was = Kept::InPlaceOf(Box::new(rejected.clone()));
    assert_eq!(taught(store, told).await, was);
    assert_eq!(taught(store, rejected).await, Kept::Same);
}

async fn lessons_come_in_order_and_old_ones_go(store: &dyn SourceStore) {
    let pages = store.lessons(OWN, NOW, None, 1).await.unwrap();
    let next = store.lessons(OWN, NOW, Some(pages[0].event), 10).await;
    assert_eq!(next.unwrap().len(), 1);
    let later = NOW.plus_ms(1000);
    assert_eq!(store.lessons(OWN, later, None, 10).await.unwrap().len(), 1);
    assert_eq!(store.forget(later).await.unwrap(), 1);
    assert_eq!(store.lessons(OWN, NOW, None, 10).await.unwrap().len(), 1);
}

async fn cursors_are_kept(open: &impl Fn() -> Arc<dyn SourceStore>) {
    let store = open();
    let cursor = ChangeCursor {
        changed: Timestamp(5),
        row: 9,
    };
    assert_eq!(store.cursor("a").await.unwrap(), ChangeCursor::default());
    store.note_cursor("a", cursor).await.unwrap();
    drop(store);
    assert_eq!(open().cursor("a").await.unwrap(), cursor);
}
