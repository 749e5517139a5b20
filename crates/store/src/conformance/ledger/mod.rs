//! What every ledger of conversions must do.
#![expect(clippy::unwrap_used, reason = "a failed check is a failed test")]

mod find;
mod lists;
mod races;
pub mod reports;
mod settle;

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_model::ledger::{
    Amount, Attributes, Change, Conversion, Entry, Guard, IdempotencyKey, Keys, NewConversion,
    State, Status, Waiting,
};
use assay_model::ports::{Appended, Ledger, LedgerError, Owes, SentId};
use assay_model::testing::NOW;
use assay_model::{AccountId, Action, EventId, EventKind, IntegrationId, Reason};

/// Runs every check; each call of `open` opens the same, at first empty, ledger again.
///
/// Wants a runtime with threads: races are run on several.
pub async fn suite(open: impl Fn() -> Arc<dyn Ledger>) {
    a_conversion_is_kept_as_it_was_told(&*open()).await;
    sent_again_it_is_the_same(&*open()).await;
    keys_meet_before_and_after_the_click(&*open()).await;
    changes_are_entries_and_the_status_their_fold(&*open()).await;
    what_does_not_change_leaves_no_entry(&*open()).await;
    what_a_change_owes_is_asked_with_what_was_told(&*open()).await;
    settle::a_click_that_comes_later_settles(&*open()).await;
    settle::a_click_that_has_its_conversion_settles_no_other(&*open()).await;
    find::conversions_are_found_by_the_ids_others_know(&*open()).await;
    find::what_waits_is_found(&*open()).await;
    other_accounts_see_nothing(&*open()).await;
    lists::filters_and_pages(&*open()).await;
    races::repeats_make_one_conversion(&open).await;
    races::changes_at_once_are_one_history(&open).await;
}

/// A conversion of integration 7, of which nearly everything is given.
#[must_use]
pub fn conversion(account: AccountId, number: u32) -> NewConversion {
    let id = |text: &str| format!("{text}-{}-{number}", account.0);
    NewConversion {
        conversion_id: event_id(account, number),
        integration: IntegrationId(7),
        kind: EventKind::Conversion,
        event: String::new(),
        order_id: id("order"),
        time: NOW.plus_ms(i64::from(number) * 1000),
        received: NOW.plus_ms(i64::from(number) * 1000 + 500),
        keys: Keys {
            decides: key(&id("click")),
            also: vec![key(&id("external"))],
        },
        transaction_id: id("transaction"),
        external_transaction_id: id("external"),
        click: Some(event_id(account, number + 1_000_000)),
        attributes: Attributes {
            advertiser: "shop".to_owned(),
            offer: format!("offer {}", number % 3),
            publisher: format!("p{}", number % 5),
            sub_ids: ["one", "", "three", "", "", "six"].map(str::to_owned),
            source_id: "source".to_owned(),
            country: "DE".to_owned(),
        },
        payout: Amount::parse("1.10").ok(),
        revenue: Amount::parse("2.000001").ok(),
        currency: "EUR".to_owned(),
        fields: BTreeMap::from([
            ("offer".to_owned(), "o\"1".to_owned()),
            ("sub_id".to_owned(), "é=&".to_owned()),
        ]),
        action: Some(Action::Approved),
        actor: "engine".to_owned(),
        status: Status::Approved,
        reason: Reason::Clean,
        reasons: vec![Reason::Clean],
        note: String::new(),
        waiting: None,
    }
}

/// The same without a click: it waits for it.
fn pending(account: AccountId, number: u32) -> NewConversion {
    let full = conversion(account, number);
    NewConversion {
        keys: Keys {
            decides: full.keys.also[0],
            also: Vec::new(),
        },
        transaction_id: String::new(),
        click: None,
        attributes: Attributes::default(),
        action: None,
        status: Status::Pending,
        reason: Reason::NoClick,
        reasons: vec![Reason::NoClick],
        waiting: Some(Waiting::Click),
        ..full
    }
}

fn event_id(account: AccountId, number: u32) -> EventId {
    let node = u8::try_from(account.0 % 256).unwrap();
    EventId::new(NOW.plus_ms(number.into()), node, 0, 0)
}

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::of([text.as_bytes()])
}

fn nothing() -> Owes {
    Box::new(|_, _, _| Vec::new())
}

fn wish(to: Status, reason: Reason) -> Change {
    Change {
        actor: "user:3".to_owned(),
        at: NOW.plus_ms(60_000),
        to,
        reason,
        reasons: Vec::new(),
        note: String::new(),
        waiting: None,
        guard: Guard::Any,
    }
}

/// Appends one that must be new.
async fn add(ledger: &dyn Ledger, account: AccountId, new: NewConversion) -> Conversion {
    match ledger.append(account, new, Vec::new()).await.unwrap() {
        Appended::New(made) => *made,
        Appended::Duplicate(there) => panic_with(&there),
    }
}

#[expect(clippy::panic, reason = "a failed check is a failed test")]
fn panic_with(there: &Conversion) -> ! {
    panic!("{} was there already", there.conversion_id)
}

async fn history(ledger: &dyn Ledger, of: &Conversion) -> Vec<Entry> {
    let history = ledger.history(of.account, of.conversion_id).await.unwrap();
    assert_eq!(State::fold(&history), Some(of.state.clone()));
    history
}

async fn a_conversion_is_kept_as_it_was_told(ledger: &dyn Ledger) {
    let account = AccountId(1);
    for new in [
        conversion(account, 1),
        pending(account, 2),
        NewConversion {
            kind: EventKind::PostEvent,
            event: "purchase".to_owned(),
            order_id: String::new(),
            payout: None,
            revenue: Amount::parse("-0.30000000000000004").ok(),
            fields: BTreeMap::new(),
            reasons: vec![Reason::Vpn, Reason::GeoMismatch],
            reason: Reason::Vpn,
            status: Status::Rejected,
            action: Some(Action::Rejected),
            note: "said so".to_owned(),
            ..conversion(account, 3)
        },
    ] {
        let expected = new.clone().into_conversion(account);
        let made = add(ledger, account, new).await;
        assert_eq!(made, expected);
        let id = made.conversion_id;
        assert_eq!(ledger.get(account, id).await.unwrap(), Some(expected));
        let history = history(ledger, &made).await;
        assert_eq!(history.len(), 1);
        assert_eq!((history[0].seq, history[0].from), (1, None));
    }
    let unknown = event_id(account, 99);
    assert_eq!(ledger.get(account, unknown).await.unwrap(), None);
    assert!(ledger.history(account, unknown).await.unwrap().is_empty());
}

async fn sent_again_it_is_the_same(ledger: &dyn Ledger) {
    let account = AccountId(2);
    let new = conversion(account, 1);
    let made = add(ledger, account, new.clone()).await;
    let found = ledger.find_by_key(account, &new.keys).await.unwrap();
    assert_eq!(found, Some(made.clone()));
    let reject = wish(Status::Rejected, Reason::ManualRejected);
    let change = ledger.change(account, made.conversion_id, reject, nothing());
    let rejected = change.await.unwrap().conversion;
    // Whatever else it says now, it is answered as it stands.
    let again = NewConversion {
        conversion_id: event_id(account, 2),
        payout: Amount::parse("99").ok(),
        ..new
    };
    let appended = ledger.append(account, again, Vec::new()).await.unwrap();
    assert_eq!(appended, Appended::Duplicate(Box::new(rejected.clone())));
    assert_eq!(
        ledger.get(account, event_id(account, 2)).await.unwrap(),
        None
    );
    assert_eq!(history(ledger, &rejected).await.len(), 2);
}

async fn keys_meet_before_and_after_the_click(ledger: &dyn Ledger) {
    let account = AccountId(3);
    let duplicate_of = async |new: NewConversion, of: &Conversion| {
        let found = ledger.find_by_key(account, &new.keys).await.unwrap();
        assert_eq!(found.map(|row| row.conversion_id), Some(of.conversion_id));
        let appended = ledger.append(account, new, Vec::new()).await.unwrap();
        assert!(matches!(&appended, Appended::Duplicate(row) if **row == *of));
    };
    // First with its click; then by the caller's id when the click is no longer known.
    let matched = add(ledger, account, conversion(account, 1)).await;
    let late = NewConversion {
        conversion_id: event_id(account, 11),
        ..pending(account, 1)
    };
    duplicate_of(late, &matched).await;
    // First without its click; then with it.
    let early = add(ledger, account, pending(account, 2)).await;
    let then = NewConversion {
        conversion_id: event_id(account, 12),
        ..conversion(account, 2)
    };
    duplicate_of(then, &early).await;
    // The caller used its id again for another click: that is another conversion.
    let another = NewConversion {
        conversion_id: event_id(account, 13),
        keys: Keys {
            decides: key("another click"),
            also: vec![key("external-3-1")],
        },
        ..conversion(account, 1)
    };
    let another = add(ledger, account, another).await;
    assert_ne!(another.conversion_id, matched.conversion_id);
}

async fn changes_are_entries_and_the_status_their_fold(ledger: &dyn Ledger) {
    let account = AccountId(4);
    let made = add(ledger, account, conversion(account, 1)).await;
    let mut told = vec![Status::Approved];
    for (status, reason) in [
        (Status::Rejected, Reason::ThirdPartyRejected),
        (Status::Approved, Reason::ManualApproved),
        (Status::Invalid, Reason::ManualRejected),
        (Status::Rejected, Reason::Chargeback),
    ] {
        let change = Change {
            note: format!("because {}", status.as_str()),
            ..wish(status, reason)
        };
        let changed = ledger.change(account, made.conversion_id, change, nothing());
        let changed = changed.await.unwrap();
        let entry = changed.entry.unwrap();
        assert_eq!(entry.from, told.last().copied());
        assert_eq!((entry.actor.as_str(), entry.reason), ("user:3", reason));
        told.push(status);
        let read = ledger.get(account, made.conversion_id).await.unwrap();
        assert_eq!(read.as_ref(), Some(&changed.conversion));
        let history = history(ledger, &changed.conversion).await;
        assert_eq!(history.last(), Some(&entry));
        assert!(history.iter().map(|entry| entry.to).eq(told.clone()));
    }
    let back = wish(Status::Pending, Reason::NoClick);
    let refused = ledger.change(account, made.conversion_id, back, nothing());
    let refused = refused.await.unwrap_err();
    assert!(matches!(refused, LedgerError::Refused(_)), "{refused}");
    let unknown = event_id(account, 9);
    let approve = wish(Status::Approved, Reason::ManualApproved);
    let missing = ledger.change(account, unknown, approve, nothing()).await;
    assert_eq!(missing, Err(LedgerError::NotFound));
}

async fn what_does_not_change_leaves_no_entry(ledger: &dyn Ledger) {
    let account = AccountId(5);
    let made = add(ledger, account, conversion(account, 1)).await;
    let again = Change {
        guard: Guard::OtherStatus,
        ..wish(Status::Approved, Reason::ManualApproved)
    };
    let owes: Owes = Box::new(|_, _, _| unreachable!("nothing changed, nothing is owed"));
    let changed = ledger.change(account, made.conversion_id, again, owes);
    let changed = changed.await.unwrap();
    assert_eq!((changed.entry, &changed.conversion), (None, &made));
    assert_eq!(history(ledger, &made).await.len(), 1);
}

async fn what_a_change_owes_is_asked_with_what_was_told(ledger: &dyn Ledger) {
    let account = AccountId(6);
    let made = add(ledger, account, pending(account, 1)).await;
    let mut before = None;
    for status in [Status::Rejected, Status::Approved] {
        let (say, said) = std::sync::mpsc::channel();
        let owes: Owes = Box::new(move |after, entry, last| {
            let _ = say.send((after.clone(), entry.clone(), last.cloned()));
            Vec::new()
        });
        let change = wish(status, Reason::ManualRejected);
        let changed = ledger.change(account, made.conversion_id, change, owes);
        let changed = changed.await.unwrap();
        let (after, entry, last) = said.recv().unwrap();
        assert_eq!(
            (&after, Some(&entry)),
            (&changed.conversion, changed.entry.as_ref())
        );
        assert_eq!(last, before, "that it waited was told to nobody");
        before = Some(entry);
    }
}

async fn other_accounts_see_nothing(ledger: &dyn Ledger) {
    let (ours, theirs) = (AccountId(11), AccountId(12));
    let made = add(ledger, ours, pending(ours, 1)).await;
    let id = made.conversion_id;
    assert_eq!(ledger.get(theirs, id).await.unwrap(), None);
    assert!(ledger.history(theirs, id).await.unwrap().is_empty());
    let keys = pending(ours, 1).keys;
    assert_eq!(ledger.find_by_key(theirs, &keys).await.unwrap(), None);
    let approve = wish(Status::Approved, Reason::ManualApproved);
    let refused = ledger.change(theirs, id, approve, nothing()).await;
    assert_eq!(refused, Err(LedgerError::NotFound));
    let refused = ledger.settle(theirs, id, settle::settlement(ours, 1), nothing());
    assert_eq!(refused.await, Err(LedgerError::NotFound));
    let sent = SentId::External(made.external_transaction_id.clone());
    let found = ledger.find_by_ids(theirs, made.integration, &sent, None);
    assert!(found.await.unwrap().is_empty());
    let waiting = ledger.waiting(theirs, Waiting::Click, None, 100);
    assert!(waiting.await.unwrap().is_empty());
    // The same key and even the same id in another account are another conversion.
    let foreign = add(ledger, theirs, pending(ours, 1)).await;
    assert_eq!(foreign.account, theirs);
    assert_eq!(ledger.get(ours, id).await.unwrap(), Some(made));
}
