//! Conversions by the ids others know, and those that wait.

use assay_model::ledger::{Keys, NewConversion, Status, Waiting};
use assay_model::ports::{Ledger, SentId};
use assay_model::{AccountId, EventKind, IntegrationId, Reason};

use super::{add, conversion, event_id, key, nothing, pending, wish};

/// By our id, the caller's id and the click; each within its integration.
pub async fn conversions_are_found_by_the_ids_others_know(ledger: &dyn Ledger) {
    let account = AccountId(9);
    let base = add(ledger, account, conversion(account, 1)).await;
    let event = NewConversion {
        conversion_id: event_id(account, 2),
        kind: EventKind::PostEvent,
        event: "purchase".to_owned(),
        keys: Keys {
            decides: key("purchase"),
            also: Vec::new(),
        },
        ..conversion(account, 1)
    };
    let event = add(ledger, account, event).await;
    add(ledger, account, conversion(account, 3)).await;
    let seven = IntegrationId(7);
    for id in [
        SentId::External("external-9-1".to_owned()),
        SentId::Transaction("transaction-9-1".to_owned()),
        SentId::Click(base.click.unwrap()),
    ] {
        for (name, expected) in [
            (None, vec![base.clone(), event.clone()]),
            (Some(""), vec![base.clone()]),
            (Some("purchase"), vec![event.clone()]),
            (Some("lead"), vec![]),
        ] {
            let found = ledger.find_by_ids(account, seven, &id, name);
            assert_eq!(found.await.unwrap(), expected, "{id:?} {name:?}");
        }
        let foreign = ledger.find_by_ids(account, IntegrationId(8), &id, None);
        assert!(foreign.await.unwrap().is_empty());
    }
    let without = NewConversion {
        external_transaction_id: String::new(),
        ..pending(account, 4)
    };
    add(ledger, account, without).await;
    let none = SentId::External(String::new());
    let found = ledger.find_by_ids(account, seven, &none, None).await;
    assert!(
        found.unwrap().is_empty(),
        "an id that was not given is none"
    );
}

/// Page by page, and no longer once it is decided.
pub async fn what_waits_is_found(ledger: &dyn Ledger) {
    let account = AccountId(10);
    for number in 0..5 {
        add(ledger, account, pending(account, number)).await;
    }
    let person = NewConversion {
        waiting: Some(Waiting::Person),
        ..pending(account, 7)
    };
    add(ledger, account, person).await;
    add(ledger, account, conversion(account, 8)).await;
    let mut seen = Vec::new();
    loop {
        let after = seen.last().copied();
        let page = ledger.waiting(account, Waiting::Click, after, 2);
        let page = page.await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 2);
        seen.extend(page.iter().map(|row| row.conversion_id));
    }
    assert!(
        seen.iter()
            .copied()
            .eq((0..5).map(|n| event_id(account, n)))
    );
    let accounts = ledger.accounts_waiting(Waiting::Click).await.unwrap();
    assert!(accounts.contains(&account) && accounts.is_sorted());
    let settle = wish(Status::Approved, Reason::Clean);
    let change = ledger.change(account, seen[0], settle, nothing());
    change.await.unwrap();
    let left = ledger.waiting(account, Waiting::Click, None, 100);
    assert_eq!(left.await.unwrap().len(), 4);
    let nobody = ledger.accounts_waiting(Waiting::Tracker).await.unwrap();
    assert!(nobody.is_empty());
}
