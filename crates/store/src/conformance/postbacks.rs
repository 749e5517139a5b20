//! What every queue of owed messages must do, beside the ledger that fills it.
#![expect(clippy::unwrap_used, reason = "a failed check is a failed test")]

use std::collections::BTreeSet;
use std::sync::Arc;

use assay_model::ledger::{Attributes, Change, Guard, IdempotencyKey, Keys, NewConversion, Status};
use assay_model::ports::{
    After, Attempt, ClickMessage, Delivery, DeliveryQuery, DeliveryState, Ledger, LogPosition,
    Message, PostbackQueue, StoreError, Take,
};
use assay_model::postback::{Outcome, Owed};
use assay_model::testing::NOW;
use assay_model::{AccountId, EventId, EventKind, IntegrationId, Reason, Timestamp};

/// A queue and the ledger that shares its transactions.
pub struct Backend {
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// The queue.
    pub queue: Arc<dyn PostbackQueue>,
}

/// Runs every check; each call of `open` opens the same, at first empty, backend again. The
/// one before is gone by then.
pub async fn suite(open: impl Fn() -> Backend) {
    what_is_owed_is_taken_once_when_it_is_due(&open()).await;
    a_failed_message_waits_and_a_sent_one_is_over(&open()).await;
    one_conversions_messages_keep_their_order(&open()).await;
    every_receiver_has_its_turn(&open()).await;
    a_slowed_receiver_is_left_alone(&open()).await;
    a_message_is_resent_under_its_old_id(&open()).await;
    the_log_is_read_by_state_and_in_pages(&open()).await;
    clicks_go_in_with_the_cursor_and_once(&open()).await;
    a_change_and_what_it_owes_are_one(&open()).await;
    old_messages_are_forgotten(&open()).await;
    everything_outlives_the_process(&open).await;
}

const LEASE_MS: i64 = 60_000;

const ALL: Take = Take {
    limit: 1000,
    per_postback: 1000,
    lease_ms: LEASE_MS,
};

fn id(account: u32, n: u8) -> EventId {
    let mut id = [0; 10];
    id[..4].copy_from_slice(&account.to_be_bytes());
    id[9] = n;
    EventId(id)
}

fn owed(account: u32, n: u8, postback: u64, seq: u32) -> Owed {
    Owed {
        postback,
        subject: id(account, n),
        event: EventKind::Conversion,
        seq,
        due: NOW,
        outcome: Outcome::Approved,
        reason: String::new(),
    }
}

fn conversion(account: u32, n: u8) -> NewConversion {
    NewConversion {
        conversion_id: id(account, n),
        integration: IntegrationId(3),
        kind: EventKind::Conversion,
        event: String::new(),
        order_id: String::new(),
        time: NOW,
        received: NOW,
        keys: Keys {
            decides: IdempotencyKey::of([[n].as_slice()]),
            also: vec![],
        },
        transaction_id: "t".to_owned(),
        external_transaction_id: "x".to_owned(),
        click: None,
        attributes: Attributes::default(),
        payout: None,
        revenue: None,
        currency: "EUR".to_owned(),
        fields: [("publisher".to_owned(), format!("p{n}"))].into(),
        action: None,
        actor: "engine".to_owned(),
        status: Status::Approved,
        reason: Reason::Clean,
        reasons: vec![],
        note: String::new(),
        waiting: None,
    }
}

/// Adds conversion `n` with messages owed to these postbacks.
async fn add(to: &Backend, account: u32, n: u8, postbacks: &[u64]) {
    let messages = postbacks.iter().map(|p| owed(account, n, *p, 1)).collect();
    to.ledger
        .append(AccountId(account), conversion(account, n), messages)
        .await
        .unwrap();
}

async fn take(from: &Backend, at: Timestamp, limits: Take) -> Vec<Message> {
    from.queue.take(at, limits).await.unwrap()
}

fn tried(at: Timestamp, status: Option<u16>) -> Attempt {
    Attempt {
        at,
        request: "GET https://partner.example/".to_owned(),
        status,
        latency_ms: 12,
        error: status.is_none().then(|| "reset".to_owned()),
        response: "ok".to_owned(),
    }
}

async fn settle(to: &Backend, message: &Message, attempt: Attempt, after: After) {
    let (account, id) = (message.account, message.id);
    to.queue
        .settle(account, id, Some(attempt), after)
        .await
        .unwrap();
}

/// Marks everything that waits as sent, so that checks do not meet.
async fn clear(of: &Backend) {
    let far = NOW.plus_ms(365 * 86_400_000);
    loop {
        let all = take(of, far, ALL).await;
        if all.is_empty() {
            return;
        }
        for message in all {
            settle(of, &message, tried(NOW, Some(200)), After::Sent).await;
        }
    }
}

async fn log(of: &Backend, account: u32, postback: u64) -> Vec<Delivery> {
    let query = DeliveryQuery {
        postback: Some(postback),
        limit: 100,
        ..DeliveryQuery::default()
    };
    of.queue
        .deliveries(AccountId(account), query)
        .await
        .unwrap()
}

async fn what_is_owed_is_taken_once_when_it_is_due(on: &Backend) {
    assert_eq!(take(on, NOW, ALL).await, []);
    add(on, 1, 1, &[5]).await;
    assert_eq!(take(on, NOW.plus_ms(-1), ALL).await, []);
    let taken = take(on, NOW, ALL).await;
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].owed, owed(1, 1, 5, 1));
    assert_eq!((taken[0].account, taken[0].attempts), (AccountId(1), 0));
    assert_eq!(taken[0].values["publisher"], "p1");
    let before_end = NOW.plus_ms(LEASE_MS - 1);
    assert_eq!(take(on, before_end, ALL).await, [], "it is under way");
    assert_eq!(take(on, NOW.plus_ms(LEASE_MS), ALL).await, taken);
    // Sent again by the caller: nothing more is owed.
    add(on, 1, 1, &[5]).await;
    assert_eq!(log(on, 1, 5).await.len(), 1);
    clear(on).await;
}

async fn a_failed_message_waits_and_a_sent_one_is_over(on: &Backend) {
    add(on, 2, 1, &[5]).await;
    let message = take(on, NOW, ALL).await.remove(0);
    let later = NOW.plus_ms(5_000);
    settle(on, &message, tried(NOW, Some(500)), After::Retry(later)).await;
    assert_eq!(take(on, later.plus_ms(-1), ALL).await, []);
    let again = take(on, later, ALL).await.remove(0);
    assert_eq!((again.id, again.attempts), (message.id, 1));
    let state = log(on, 2, 5).await.remove(0);
    assert_eq!(
        (state.state, state.attempts, state.next),
        (DeliveryState::Failed, 1, Some(later))
    );
    // Left alone for no fault of the receiver's: no try.
    let (account, number) = (again.account, again.id);
    let wait = After::Wait(later.plus_ms(1));
    on.queue.settle(account, number, None, wait).await.unwrap();
    let again = take(on, later.plus_ms(1), ALL).await.remove(0);
    assert_eq!(again.attempts, 1);
    settle(on, &again, tried(later, Some(204)), After::Sent).await;
    assert_eq!(take(on, NOW.plus_ms(i64::from(u32::MAX)), ALL).await, []);
    let state = log(on, 2, 5).await.remove(0);
    assert_eq!(
        (state.state, state.attempts, state.next),
        (DeliveryState::Sent, 2, None)
    );
    assert_eq!(state.last, Some(tried(later, Some(204))));
    let (_, tries) = on.queue.delivery(account, number).await.unwrap().unwrap();
    assert_eq!(tries, [tried(NOW, Some(500)), tried(later, Some(204))]);
    let gone = on.queue.settle(account, number, None, After::Sent).await;
    assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
}

async fn one_conversions_messages_keep_their_order(on: &Backend) {
    add(on, 3, 1, &[5]).await;
    add(on, 3, 2, &[5]).await;
    reject(on, 3, 1, owed(3, 1, 5, 2)).await;
    let taken = take(on, NOW, ALL).await;
    let told = |all: &[Message]| -> BTreeSet<(EventId, u32)> {
        all.iter().map(|m| (m.owed.subject, m.owed.seq)).collect()
    };
    assert_eq!(told(&taken), [(id(3, 1), 1), (id(3, 2), 1)].into());
    let first = taken.iter().find(|m| m.owed.subject == id(3, 1)).unwrap();
    let later = NOW.plus_ms(1_000);
    settle(on, first, tried(NOW, None), After::Retry(later)).await;
    assert_eq!(told(&take(on, NOW, ALL).await), BTreeSet::new());
    let again = take(on, later, ALL).await;
    assert_eq!(told(&again), [(id(3, 1), 1)].into());
    settle(on, &again[0], tried(later, None), After::Dead).await;
    assert_eq!(told(&take(on, later, ALL).await), [(id(3, 1), 2)].into());
    clear(on).await;
}

async fn reject(on: &Backend, account: u32, n: u8, message: Owed) {
    let change = Change {
        actor: "user:1".to_owned(),
        at: NOW,
        to: Status::Rejected,
        reason: Reason::Vpn,
        reasons: vec![],
        note: String::new(),
        waiting: None,
        guard: Guard::Any,
    };
    let owes = Box::new(move |_: &_, _: &_, _: Option<&_>| vec![message]);
    on.ledger
        .change(AccountId(account), id(account, n), change, owes)
        .await
        .unwrap();
}

async fn every_receiver_has_its_turn(on: &Backend) {
    for n in 0..20 {
        add(on, 4, n, &[5]).await;
    }
    add(on, 4, 20, &[6]).await;
    add(on, 5, 1, &[7]).await;
    let few = Take {
        limit: 10,
        per_postback: 4,
        lease_ms: LEASE_MS,
    };
    let receivers = |all: &[Message]| all.iter().map(|m| m.owed.postback).collect::<Vec<_>>();
    let mut first = receivers(&take(on, NOW, few).await);
    first.sort_unstable();
    assert_eq!(first, [5, 5, 5, 5, 6, 7]);
    let more = take(on, NOW, few).await;
    assert_eq!(more, [], "all four are under way");
    // Leases are over; one at a time goes round.
    let one = Take { limit: 1, ..few };
    let later = NOW.plus_ms(LEASE_MS);
    let mut round = Vec::new();
    for _ in 0..3 {
        round.extend(receivers(&take(on, later, one).await));
    }
    round.sort_unstable();
    assert_eq!(round, [5, 6, 7]);
    clear(on).await;
}

async fn a_slowed_receiver_is_left_alone(on: &Backend) {
    add(on, 6, 1, &[5]).await;
    add(on, 7, 1, &[5]).await;
    let until = NOW.plus_ms(10_000);
    on.queue.slow_down(AccountId(6), 5, until).await.unwrap();
    let taken = take(on, NOW, ALL).await;
    assert_eq!(
        taken.len(),
        1,
        "another account's of the same number goes on"
    );
    assert_eq!(taken[0].account, AccountId(7));
    assert_eq!(take(on, until.plus_ms(-1), ALL).await, []);
    assert_eq!(take(on, until, ALL).await.len(), 1);
    clear(on).await;
}

async fn a_message_is_resent_under_its_old_id(on: &Backend) {
    add(on, 8, 1, &[5]).await;
    let message = take(on, NOW, ALL).await.remove(0);
    let number = message.id;
    let queue = &on.queue;
    let waiting = queue.resend(AccountId(8), number, NOW).await;
    assert!(
        matches!(waiting, Err(StoreError::Invalid(_))),
        "{waiting:?}"
    );
    settle(
        on,
        &message,
        tried(NOW, None),
        After::Retry(NOW.plus_ms(9_000)),
    )
    .await;
    queue.resend(AccountId(8), number, NOW).await.unwrap();
    let message = take(on, NOW, ALL).await.remove(0);
    assert_eq!(message.attempts, 1, "a failed one is only tried sooner");
    settle(on, &message, tried(NOW, None), After::Dead).await;
    let dead = log(on, 8, 5).await.remove(0);
    assert_eq!((dead.state, dead.next), (DeliveryState::Dead, None));
    for foreign in [(9, number), (8, number + 1000)] {
        let none = queue.resend(AccountId(foreign.0), foreign.1, NOW).await;
        assert!(matches!(none, Err(StoreError::NotFound)), "{none:?}");
    }
    let later = NOW.plus_ms(86_400_000);
    let shown = queue.resend(AccountId(8), number, later).await.unwrap();
    assert_eq!(
        (shown.state, shown.due, shown.attempts),
        (DeliveryState::Pending, later, 0)
    );
    assert_eq!(shown.message_id, dead.message_id);
    let again = take(on, later, ALL).await.remove(0);
    assert_eq!(
        (again.id, again.attempts, again.owed.due),
        (number, 0, later)
    );
    settle(on, &again, tried(later, Some(200)), After::Sent).await;
    let (_, tries) = queue.delivery(AccountId(8), number).await.unwrap().unwrap();
    assert_eq!(tries.len(), 3);
}

async fn the_log_is_read_by_state_and_in_pages(on: &Backend) {
    for n in 0..6 {
        add(on, 10, n, &[5 + u64::from(n % 2)]).await;
    }
    let taken = take(on, NOW, ALL).await;
    let afters = [After::Sent, After::Dead, After::Retry(NOW.plus_ms(1))];
    for (message, after) in taken.iter().zip(afters) {
        settle(on, message, tried(NOW, Some(200)), after).await;
    }
    let ask = |account, query| on.queue.deliveries(AccountId(account), query);
    let all = DeliveryQuery {
        limit: 100,
        ..DeliveryQuery::default()
    };
    let found = ask(10, all).await.unwrap();
    assert_eq!(found.len(), 6);
    assert!(found.windows(2).all(|pair| pair[0].id > pair[1].id));
    for (state, count) in DeliveryState::ALL.into_iter().zip([3, 1, 1, 1]) {
        let state = Some(state);
        let own: Vec<_> = ask(10, DeliveryQuery { state, ..all }).await.unwrap();
        assert_eq!(own.len(), count, "{state:?}");
        assert!(own.iter().all(|d| Some(d.state) == state));
    }
    let of_five = DeliveryQuery {
        postback: Some(5),
        state: Some(DeliveryState::Pending),
        ..all
    };
    let own = ask(10, of_five).await.unwrap();
    assert!(
        own.iter()
            .all(|d| d.postback_id == 5 && d.state == DeliveryState::Pending)
    );
    let mut paged = Vec::new();
    let mut before = None;
    loop {
        let query = DeliveryQuery {
            before,
            limit: 4,
            ..all
        };
        let page = ask(10, query).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        paged.extend(page);
    }
    assert_eq!(paged, found);
    assert_eq!(ask(11, all).await.unwrap(), []);
    let foreign = on.queue.delivery(AccountId(11), found[0].id).await.unwrap();
    assert_eq!(foreign, None);
    clear(on).await;
}

async fn clicks_go_in_with_the_cursor_and_once(on: &Backend) {
    assert_eq!(on.queue.click_cursor().await.unwrap(), []);
    let at = |segment, offset| LogPosition { segment, offset };
    let click = |n, publisher: &str| ClickMessage {
        account: AccountId(12),
        owed: Owed {
            event: EventKind::Click,
            ..owed(12, n, 5, 1)
        },
        values: [("publisher".to_owned(), publisher.to_owned())].into(),
    };
    let (first, second) = (click(1, "one"), click(2, "two"));
    let enqueue = |messages, cursor| on.queue.enqueue_clicks(messages, cursor);
    enqueue(vec![first], vec![(0, at(1, 100)), (1, at(1, 7))])
        .await
        .unwrap();
    enqueue(vec![click(1, "again"), second], vec![(0, at(2, 0))])
        .await
        .unwrap();
    let cursor = on.queue.click_cursor().await.unwrap();
    assert_eq!(cursor, [(0, at(2, 0)), (1, at(1, 7))]);
    let mut taken = take(on, NOW, ALL).await;
    taken.sort_by_key(|message| message.owed.subject);
    let values: Vec<_> = taken
        .iter()
        .map(|m| m.values["publisher"].as_str())
        .collect();
    assert_eq!(values, ["one", "two"]);
    assert_eq!(taken[0].owed.event, EventKind::Click);
    clear(on).await;
}

async fn a_change_and_what_it_owes_are_one(on: &Backend) {
    add(on, 13, 1, &[]).await;
    reject(on, 13, 1, owed(13, 1, 5, 2)).await;
    let taken = take(on, NOW, ALL).await;
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].owed.seq, 2);
    let backlog = on.queue.backlog().await.unwrap();
    assert_eq!((backlog.waiting, backlog.oldest_due), (1, Some(NOW)));
    clear(on).await;
    let backlog = on.queue.backlog().await.unwrap();
    assert_eq!((backlog.waiting, backlog.oldest_due), (0, None));
}

async fn old_messages_are_forgotten(on: &Backend) {
    on.queue
        .forget(NOW.plus_ms(i64::from(u32::MAX) * 1000))
        .await
        .unwrap();
    for n in 0..3 {
        add(on, 14, n, &[5]).await;
    }
    let taken = take(on, NOW, ALL).await;
    let day = 86_400_000;
    for (days, message) in taken.iter().take(2).enumerate() {
        let at = NOW.plus_ms(days as i64 * day);
        settle(on, message, tried(at, Some(200)), After::Sent).await;
    }
    assert_eq!(on.queue.forget(NOW.plus_ms(day)).await.unwrap(), 1);
    assert_eq!(
        log(on, 14, 5).await.len(),
        2,
        "the newer and the waiting one stay"
    );
    let forgotten = on.queue.delivery(AccountId(14), taken[0].id).await.unwrap();
    assert_eq!(forgotten, None);
    clear(on).await;
}

async fn everything_outlives_the_process(open: &impl Fn() -> Backend) {
    let on = open();
    add(&on, 15, 1, &[5]).await;
    let message = take(&on, NOW, ALL).await.remove(0);
    let later = NOW.plus_ms(1_000);
    settle(&on, &message, tried(NOW, Some(503)), After::Retry(later)).await;
    on.queue
        .slow_down(AccountId(15), 5, NOW.plus_ms(2_000))
        .await
        .unwrap();
    let before = (
        log(&on, 15, 5).await,
        on.queue.click_cursor().await.unwrap(),
    );
    drop(on);
    let on = open();
    let after = (
        log(&on, 15, 5).await,
        on.queue.click_cursor().await.unwrap(),
    );
    assert_eq!(before, after);
    assert_eq!(take(&on, later, ALL).await, [], "still slowed");
    assert_eq!(take(&on, NOW.plus_ms(2_000), ALL).await.len(), 1);
}
