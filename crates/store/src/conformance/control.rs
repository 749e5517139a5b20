//! What every store of control data must do.
#![expect(clippy::unwrap_used, reason = "a failed check is a failed test")]

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use assay_model::AccountId;
use assay_model::ports::{ControlStore, Doc, DocKind, NewDoc, Removal, Save, StoreError};
use assay_model::testing::NOW;
use serde_json::json;

/// Runs every check; each call of `open` opens the same, at first empty, store again.
pub async fn suite(open: impl Fn() -> Arc<dyn ControlStore>) {
    an_empty_store_is_empty(&*open()).await;
    accounts_count_from_one(&*open()).await;
    documents_are_stored_and_changed(&*open()).await;
    a_stale_version_is_refused(&*open()).await;
    removed_documents_keep_their_versions(&*open()).await;
    a_unique_value_is_taken_once(&*open()).await;
    many_are_saved_together_or_none(&*open()).await;
    lists_come_in_pages(&*open()).await;
    other_accounts_see_nothing(&*open()).await;
    the_revision_tells_who_changed(&*open()).await;
    writers_together_lose_nothing(&*open()).await;
    everything_outlives_the_process(&open).await;
}

fn rule(name: &str) -> NewDoc {
    NewDoc {
        kind: DocKind::Rule,
        unique: None,
        body: json!({ "name": name, "nested": { "é": [1, 2.5, null] } }),
    }
}

fn token(hash: &str) -> NewDoc {
    NewDoc {
        kind: DocKind::Token,
        unique: Some(hash.to_owned()),
        body: json!({ "hash": hash }),
    }
}

async fn account(store: &dyn ControlStore) -> AccountId {
    let body = json!({ "name": "account" });
    store
        .create_account(body, "bootstrap", NOW)
        .await
        .unwrap()
        .account
}

async fn insert(store: &dyn ControlStore, account: AccountId, doc: NewDoc) -> Doc {
    store.insert(account, doc, "user:1", NOW).await.unwrap()
}

async fn an_empty_store_is_empty(store: &dyn ControlStore) {
    assert!(store.accounts().await.unwrap().is_empty());
    assert!(store.changed_since(0).await.unwrap().is_empty());
    assert_eq!(store.revision().await.unwrap(), 0);
    let nobody = AccountId(1);
    let found = store.get(nobody, DocKind::Rule, 1).await.unwrap();
    assert_eq!(found, None);
    // There is no such account to put it into.
    let refused = store.insert(nobody, rule("x"), "user:1", NOW).await;
    assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    assert_eq!(store.revision().await.unwrap(), 0);
}

async fn accounts_count_from_one(store: &dyn ControlStore) {
    let body = json!({ "name": "first" });
    let made = store
        .create_account(body.clone(), "bootstrap", NOW)
        .await
        .unwrap();
    assert_eq!((made.account, made.id, made.version), (AccountId(1), 1, 1));
    assert_eq!((made.kind, made.updated), (DocKind::Account, NOW));
    assert_eq!((made.actor.as_str(), &made.body), ("bootstrap", &body));
    let read = store.get(AccountId(1), DocKind::Account, 1).await.unwrap();
    assert_eq!(read, Some(made));
    assert_eq!(account(store).await, AccountId(2));
    assert_eq!(
        store.accounts().await.unwrap(),
        [AccountId(1), AccountId(2)]
    );
    let inner = NewDoc {
        kind: DocKind::Account,
        unique: None,
        body,
    };
    let refused = store.insert(AccountId(1), inner, "user:1", NOW).await;
    assert!(
        matches!(refused, Err(StoreError::Invalid(_))),
        "{refused:?}"
    );
}

async fn documents_are_stored_and_changed(store: &dyn ControlStore) {
    let account = account(store).await;
    let first = insert(store, account, rule("one")).await;
    assert!(first.id > 0);
    assert_eq!(
        (first.version, first.actor.as_str(), first.updated),
        (1, "user:1", NOW)
    );
    let later = NOW.plus_ms(5);
    let second = store
        .update(account, first.id, Some(1), rule("two"), "token:9", later)
        .await
        .unwrap();
    assert_eq!((second.id, second.version), (first.id, 2));
    assert_eq!((second.actor.as_str(), second.updated), ("token:9", later));
    let read = store.get(account, DocKind::Rule, first.id).await.unwrap();
    assert_eq!(read.as_ref(), Some(&second));
    // Without a version the change is taken whatever is stored.
    let third = store
        .update(account, first.id, None, rule("three"), "user:1", later)
        .await
        .unwrap();
    let versions = store
        .versions(account, DocKind::Rule, first.id)
        .await
        .unwrap();
    assert_eq!(versions, [third, second, first]);
}

async fn a_stale_version_is_refused(store: &dyn ControlStore) {
    let account = account(store).await;
    let id = insert(store, account, rule("one")).await.id;
    let update = |expected, name: &str| {
        store.update(
            account,
            id,
            Some(expected),
            rule(name),
            "user:1",
            NOW.plus_ms(1),
        )
    };
    update(1, "two").await.unwrap();
    for stale in [0, 1, 3] {
        let refused = update(stale, "lost").await;
        assert!(
            matches!(refused, Err(StoreError::Conflict { sent, current: 2 }) if sent == stale),
            "{refused:?}"
        );
    }
    let read = store.get(account, DocKind::Rule, id).await.unwrap();
    assert_eq!(read.unwrap().body["name"], "two");
    let missing = store
        .update(account, id + 1000, Some(1), rule("x"), "user:1", NOW)
        .await;
    assert!(matches!(missing, Err(StoreError::NotFound)), "{missing:?}");
}

async fn removed_documents_keep_their_versions(store: &dyn ControlStore) {
    let account = account(store).await;
    let doc = insert(store, account, rule("one")).await;
    let remove = || store.delete(account, DocKind::Rule, doc.id, "user:1", NOW);
    assert!(remove().await.unwrap());
    assert!(!remove().await.unwrap());
    let found = store.get(account, DocKind::Rule, doc.id).await.unwrap();
    assert_eq!(found, None);
    let listed = store.list(account, DocKind::Rule, 0, 10).await.unwrap();
    assert!(listed.is_empty());
    let gone = store
        .update(account, doc.id, None, rule("x"), "user:1", NOW)
        .await;
    assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
    let versions = store
        .versions(account, DocKind::Rule, doc.id)
        .await
        .unwrap();
    assert_eq!(versions, std::slice::from_ref(&doc));
    // An id once seen in a record never means another document.
    assert!(insert(store, account, rule("two")).await.id > doc.id);
}

async fn a_unique_value_is_taken_once(store: &dyn ControlStore) {
    let (ours, theirs) = (account(store).await, account(store).await);
    let first = insert(store, ours, token("h1")).await;
    for account in [ours, theirs] {
        let refused = store.insert(account, token("h1"), "user:1", NOW).await;
        assert!(
            matches!(&refused, Err(StoreError::Taken(value)) if value == "h1"),
            "{refused:?}"
        );
    }
    let find = |hash: &'static str| store.find_unique(DocKind::Token, hash);
    assert_eq!(find("h1").await.unwrap(), Some(first.clone()));
    assert_eq!(find("H1").await.unwrap(), None);
    let other_kind = store.find_unique(DocKind::User, "h1").await.unwrap();
    assert_eq!(other_kind, None);
    let second = insert(store, theirs, token("h2")).await;
    let update = |hash: &str| store.update(theirs, second.id, Some(1), token(hash), "user:1", NOW);
    let refused = update("h1").await;
    assert!(matches!(refused, Err(StoreError::Taken(_))), "{refused:?}");
    // Keeping one's own value is no clash, and a value given up is free again.
    update("h2").await.unwrap();
    let change = store.update(ours, first.id, Some(1), token("h3"), "user:1", NOW);
    change.await.unwrap();
    assert_eq!(find("h1").await.unwrap(), None);
    // Who changes a document need not know the value, and does not lose it.
    let nameless = NewDoc {
        unique: None,
        ..token("")
    };
    let change = store.update(ours, first.id, Some(2), nameless, "user:1", NOW);
    change.await.unwrap();
    assert_eq!(find("h3").await.unwrap().map(|doc| doc.id), Some(first.id));
    let values = store.unique_values(ours, DocKind::Token).await.unwrap();
    assert_eq!(values, [(first.id, "h3".to_owned())]);
    let gone = store.delete(theirs, DocKind::Token, second.id, "user:1", NOW);
    assert!(gone.await.unwrap());
    insert(store, ours, token("h1")).await;
    insert(store, ours, token("h2")).await;
}

async fn many_are_saved_together_or_none(store: &dyn ControlStore) {
    let account = account(store).await;
    let first = insert(store, account, rule("one")).await;
    let new = |doc| Save {
        replaces: None,
        doc,
    };
    let over = |version, doc| Save {
        replaces: Some((first.id, version)),
        doc,
    };
    let save = |saves| store.save_all(account, saves, "user:2", NOW);
    let saved = save(vec![
        new(rule("two")),
        over(1, rule("uno")),
        new(token("m1")),
    ])
    .await;
    let saved = saved.unwrap();
    let versions: Vec<_> = saved.iter().map(|doc| (doc.id, doc.version)).collect();
    assert_eq!(versions[1], (first.id, 2));
    assert!(saved[0].id > first.id && saved[0].version == 1);
    let before = store.list(account, DocKind::Rule, 0, 10).await.unwrap();
    assert_eq!(before.len(), 2);
    let revision = store.revision().await.unwrap();
    for refused in [
        vec![new(rule("three")), over(1, rule("stale"))],
        vec![over(2, rule("dos")), new(rule("four")), new(token("m1"))],
    ] {
        assert!(save(refused).await.is_err());
        let after = store.list(account, DocKind::Rule, 0, 10).await.unwrap();
        assert_eq!(after, before, "one that fails takes the others with it");
        assert_eq!(store.revision().await.unwrap(), revision);
    }
    let remove = |id, version| Removal {
        kind: DocKind::Rule,
        id,
        version,
    };
    for (gone, made) in [
        (vec![remove(saved[0].id, 1), remove(first.id, 1)], "stale"),
        (vec![remove(saved[0].id, 1), remove(999_999, 1)], "unknown"),
    ] {
        let saves = vec![new(rule(made))];
        let refused = store.change_all(account, saves, gone, "user:2", NOW).await;
        assert!(refused.is_err());
        let after = store.list(account, DocKind::Rule, 0, 10).await.unwrap();
        assert_eq!(after, before, "{made}");
    }
    let saves = vec![over(2, rule("dos"))];
    let gone = vec![remove(saved[0].id, 1)];
    let changed = store.change_all(account, saves, gone, "user:2", NOW).await;
    assert_eq!(changed.unwrap()[0].version, 3);
    let after = store.list(account, DocKind::Rule, 0, 10).await.unwrap();
    let left: Vec<_> = after.iter().map(|doc| doc.id).collect();
    assert_eq!(left, [first.id]);
}

async fn lists_come_in_pages(store: &dyn ControlStore) {
    let account = account(store).await;
    let mut made = Vec::new();
    for number in 0..7 {
        made.push(insert(store, account, rule(&number.to_string())).await);
    }
    insert(store, account, token("pages")).await;
    let mut paged: Vec<Doc> = Vec::new();
    loop {
        let after = paged.last().map_or(0, |doc| doc.id);
        let page = store.list(account, DocKind::Rule, after, 3).await.unwrap();
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, made);
    let beyond = store.list(account, DocKind::Rule, u64::MAX, 3).await;
    assert!(beyond.unwrap().is_empty());
}

async fn other_accounts_see_nothing(store: &dyn ControlStore) {
    let (ours, theirs) = (account(store).await, account(store).await);
    let doc = insert(store, ours, rule("ours")).await;
    let id = doc.id;
    assert_eq!(store.get(theirs, DocKind::Rule, id).await.unwrap(), None);
    let listed = store.list(theirs, DocKind::Rule, 0, 100).await.unwrap();
    assert!(listed.is_empty());
    let versions = store.versions(theirs, DocKind::Rule, id).await.unwrap();
    assert!(versions.is_empty());
    // Also with a stale version: whether it exists is nobody's business.
    for expected in [None, Some(1), Some(9)] {
        let refused = store
            .update(theirs, id, expected, rule("theirs"), "user:2", NOW)
            .await;
        assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    }
    let gone = store.delete(theirs, DocKind::Rule, id, "user:2", NOW);
    assert!(!gone.await.unwrap());
    let foreign = u64::from(ours.0);
    let seen = store.get(theirs, DocKind::Account, foreign).await.unwrap();
    assert_eq!(seen, None);
    let read = store.get(ours, DocKind::Rule, id).await.unwrap();
    assert_eq!(read, Some(doc));
    // Another kind with the same id is another document.
    assert_eq!(store.get(ours, DocKind::List, id).await.unwrap(), None);
}

async fn the_revision_tells_who_changed(store: &dyn ControlStore) {
    let (one, two) = (account(store).await, account(store).await);
    let mut last = store.revision().await.unwrap();
    let unchanged = store.changed_since(last).await.unwrap();
    assert!(unchanged.is_empty());
    let id = insert(store, two, rule("a")).await.id;
    let mut grown = async |who: &[AccountId]| {
        let now = store.revision().await.unwrap();
        assert!(now > last, "the revision stands at {now}");
        assert_eq!(store.changed_since(last).await.unwrap(), who);
        last = now;
    };
    grown(&[two]).await;
    let update = store.update(two, id, None, rule("b"), "user:1", NOW);
    update.await.unwrap();
    insert(store, one, rule("c")).await;
    grown(&[one, two]).await;
    let gone = store.delete(two, DocKind::Rule, id, "user:1", NOW);
    gone.await.unwrap();
    grown(&[two]).await;
    let nothing = store.delete(two, DocKind::Rule, id, "user:1", NOW);
    assert!(!nothing.await.unwrap());
    let refused = store.update(two, id, None, rule("d"), "user:1", NOW).await;
    assert!(refused.is_err());
    assert_eq!(store.revision().await.unwrap(), last);
}

async fn writers_together_lose_nothing(store: &dyn ControlStore) {
    let account = account(store).await;
    // One of many with the same unique value wins; its neighbours are not harmed.
    let inserts = (0..64).map(|number| {
        let hash = format!("together-{}", number % 32);
        async move { store.insert(account, token(&hash), "user:1", NOW).await }
    });
    let made = together(inserts).await;
    let won: BTreeSet<u64> = made.iter().flatten().map(|doc| doc.id).collect();
    assert_eq!(won.len(), 32);
    let taken = |made: &Result<Doc, _>| matches!(made, Err(StoreError::Taken(_)));
    assert_eq!(made.iter().filter(|made| taken(made)).count(), 32);
    // Of many changes to one version one goes through.
    let id = insert(store, account, rule("start")).await.id;
    let updates = (0..32).map(|number| {
        let doc = rule(&number.to_string());
        store.update(account, id, Some(1), doc, "user:1", NOW)
    });
    let changed = together(updates).await;
    let winner = changed.iter().flatten().next().unwrap();
    assert_eq!(changed.iter().flatten().count(), 1);
    let read = store.get(account, DocKind::Rule, id).await.unwrap();
    assert_eq!(read.as_ref(), Some(winner));
    // Changes that name no version all go through, one after the other.
    let updates = (0..32).map(|_| store.update(account, id, None, rule("x"), "user:1", NOW));
    for change in together(updates).await {
        change.unwrap();
    }
    let versions = store.versions(account, DocKind::Rule, id).await.unwrap();
    assert!(versions.iter().map(|doc| doc.version).eq((1..=34).rev()));
}

async fn everything_outlives_the_process(open: &impl Fn() -> Arc<dyn ControlStore>) {
    let store = open();
    let account = account(&*store).await;
    let doc = insert(&*store, account, rule("kept")).await;
    let change = store.update(account, doc.id, Some(1), rule("newer"), "user:1", NOW);
    let newer = change.await.unwrap();
    let revision = store.revision().await.unwrap();
    drop(store);
    let store = open();
    let read = store.get(account, DocKind::Rule, doc.id).await.unwrap();
    assert_eq!(read.as_ref(), Some(&newer));
    let versions = store.versions(account, DocKind::Rule, doc.id).await;
    assert_eq!(versions.unwrap(), [newer, doc]);
    assert_eq!(store.revision().await.unwrap(), revision);
    assert!(store.accounts().await.unwrap().contains(&account));
}

/// Runs all of them at the same time in this task, and returns their results in order.
async fn together<F: Future>(all: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<Pin<Box<F>>> = all.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = waiting.iter().map(|_| None).collect();
    let all_done = std::future::poll_fn(|context| {
        for (future, slot) in waiting.iter_mut().zip(&mut done) {
            if slot.is_none()
                && let Poll::Ready(output) = future.as_mut().poll(context)
            {
                *slot = Some(output);
            }
        }
        match done.iter().all(Option::is_some) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    });
    pin!(all_done).await;
    done.into_iter().flatten().collect()
}
