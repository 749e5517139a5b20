//! A conversion that waited, and what it waited for.

use assay_model::ledger::{Change, Keys, Match, NewConversion, Status};
use assay_model::ports::{Ledger, LedgerError, Settled, Settlement};
use assay_model::{AccountId, Action, Reason};

use super::{add, conversion, event_id, history, key, nothing, pending, wish};

fn matched(account: AccountId, number: u32) -> Match {
    let full = conversion(account, number);
    Match {
        click: full.click.unwrap(),
        key: full.keys.decides,
        transaction_id: full.transaction_id,
        external_transaction_id: full.external_transaction_id,
        attributes: full.attributes,
        fields: full.fields,
    }
}

pub(super) fn settlement(account: AccountId, number: u32) -> Settlement {
    Settlement {
        found: Some(matched(account, number)),
        action: Some(Action::Rejected),
        change: Change {
            actor: "engine".to_owned(),
            reasons: vec![Reason::ClickRejected, Reason::Vpn],
            ..wish(Status::Rejected, Reason::ClickRejected)
        },
    }
}

/// It is matched, decided and keeps what a person had decided.
pub async fn a_click_that_comes_later_settles(ledger: &dyn Ledger) {
    let account = AccountId(7);
    let made = add(ledger, account, pending(account, 1)).await;
    let id = made.conversion_id;
    let settled = ledger.settle(account, id, settlement(account, 1), nothing());
    let Settled::Done(done) = settled.await.unwrap() else {
        unreachable!("nobody else has the click")
    };
    let full = conversion(account, 1);
    let now = &done.conversion;
    assert_eq!((now.click, &now.attributes), (full.click, &full.attributes));
    assert_eq!(
        (now.state.waiting, now.action),
        (None, Some(Action::Rejected))
    );
    assert_eq!(now.state.reasons, [Reason::ClickRejected, Reason::Vpn]);
    assert_eq!(ledger.get(account, id).await.unwrap().as_ref(), Some(now));
    assert_eq!(history(ledger, now).await.len(), 2);
    // It has the click's key from now on as well.
    let found = ledger.find_by_key(account, &full.keys).await.unwrap();
    assert_eq!(found.as_ref(), Some(now));
    // A person's decision is not undone by a click; but the click is kept.
    let made = add(ledger, account, pending(account, 2)).await;
    let id = made.conversion_id;
    let approve = wish(Status::Approved, Reason::ManualApproved);
    let change = ledger.change(account, id, approve, nothing());
    change.await.unwrap();
    let settled = ledger.settle(account, id, settlement(account, 2), nothing());
    let Settled::Done(done) = settled.await.unwrap() else {
        unreachable!("nobody else has the click")
    };
    assert_eq!(done.entry, None);
    let now = &done.conversion;
    assert_eq!((now.state.status, now.action), (Status::Approved, None));
    assert_eq!(now.click, conversion(account, 2).click);
    assert_eq!(ledger.get(account, id).await.unwrap().as_ref(), Some(now));
    let missing = ledger.settle(
        account,
        event_id(account, 9),
        settlement(account, 9),
        nothing(),
    );
    assert_eq!(missing.await, Err(LedgerError::NotFound));
}

/// The click, event and order are another conversion's: nothing is changed.
pub async fn a_click_that_has_its_conversion_settles_no_other(ledger: &dyn Ledger) {
    let account = AccountId(8);
    let first = add(ledger, account, conversion(account, 1)).await;
    // Sent by an id that nobody knew to be the same click's.
    let stray = NewConversion {
        conversion_id: event_id(account, 2),
        keys: Keys {
            decides: key("stray"),
            also: Vec::new(),
        },
        ..pending(account, 1)
    };
    let stray = add(ledger, account, stray).await;
    let id = stray.conversion_id;
    let settled = ledger.settle(account, id, settlement(account, 1), nothing());
    assert_eq!(
        settled.await.unwrap(),
        Settled::Duplicate(first.conversion_id)
    );
    assert_eq!(ledger.get(account, id).await.unwrap(), Some(stray));
}
