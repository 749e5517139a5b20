//! Many at once, and the same again after a restart.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use assay_model::ledger::{Change, Guard, NewConversion, Status};
use assay_model::ports::{Appended, ConversionQuery, Ledger};
use assay_model::{AccountId, EventId, Reason};

use super::{add, conversion, event_id, history, nothing, wish};

const ACCOUNT: AccountId = AccountId(15);
const SENDERS: u32 = 64;
const IDS: u32 = 10_000;
const COPIES: u32 = 10;

/// 64 senders, 10,000 ids, each ten times in any order: 10,000 conversions; the ledger is
/// opened again half way.
pub async fn repeats_make_one_conversion(open: &impl Fn() -> Arc<dyn Ledger>) {
    let made = Arc::new(AtomicU32::new(0));
    let answers = Arc::new(std::sync::Mutex::new(vec![BTreeSet::new(); IDS as usize]));
    for half in 0..2 {
        let ledger = open();
        let mut senders = tokio::task::JoinSet::new();
        for sender in 0..SENDERS {
            let (ledger, made, answers) = (ledger.clone(), made.clone(), answers.clone());
            senders.spawn(async move {
                for turn in (sender..IDS * COPIES / 2).step_by(SENDERS as usize) {
                    // A walk over all ids and copies that looks shuffled and misses none.
                    let place = (turn + half * IDS * COPIES / 2) as u64 * 48_271 % 100_003;
                    let (number, copy) = ((place % u64::from(IDS)) as u32, place / u64::from(IDS));
                    let new = NewConversion {
                        conversion_id: event_id(ACCOUNT, number * COPIES + copy as u32),
                        ..conversion(ACCOUNT, number)
                    };
                    let appended = ledger.append(ACCOUNT, new, Vec::new()).await.unwrap();
                    if matches!(appended, Appended::New(_)) {
                        made.fetch_add(1, Ordering::Relaxed);
                    }
                    let id = appended.conversion().conversion_id;
                    answers.lock().unwrap()[number as usize].insert(id);
                }
            });
        }
        while let Some(sender) = senders.join_next().await {
            sender.unwrap();
        }
    }
    let answers = std::mem::take(&mut *answers.lock().unwrap());
    let seen = answers.iter().filter(|ids| !ids.is_empty()).count();
    assert!(
        answers.iter().all(|ids| ids.len() <= 1),
        "two answers for one id"
    );
    assert_eq!(made.load(Ordering::Relaxed) as usize, seen);
    assert_eq!(seen, IDS as usize);
    let ledger = open();
    let mut query = ConversionQuery {
        limit: 1000,
        ..ConversionQuery::default()
    };
    let mut kept = 0;
    loop {
        let page = ledger.list(ACCOUNT, &query).await.unwrap();
        kept += page.conversions.len();
        query.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    assert_eq!(kept, IDS as usize);
}

/// Of many equal changes one is made; of different ones each is, in one line.
pub async fn changes_at_once_are_one_history(open: &impl Fn() -> Arc<dyn Ledger>) {
    let ledger = open();
    let account = AccountId(16);
    let made = add(&*ledger, account, conversion(account, 1)).await;
    let id = made.conversion_id;
    let equal = all_at_once(&ledger, account, id, |_| Change {
        guard: Guard::OtherStatus,
        ..wish(Status::Rejected, Reason::ManualRejected)
    });
    assert_eq!(equal.await, 1);
    let different = all_at_once(&ledger, account, id, |number| Change {
        note: number.to_string(),
        ..wish(Status::Rejected, Reason::ThirdPartyRejected)
    });
    assert_eq!(different.await, SENDERS as usize);
    let now = ledger.get(account, id).await.unwrap().unwrap();
    let entries = history(&*ledger, &now).await;
    assert!(entries.iter().map(|entry| entry.seq).eq(1..=SENDERS + 2));
}

/// Makes the changes at the same time; how many entries that made.
async fn all_at_once(
    ledger: &Arc<dyn Ledger>,
    account: AccountId,
    id: EventId,
    change: impl Fn(u32) -> Change,
) -> usize {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..SENDERS {
        let (ledger, change) = (ledger.clone(), change(number));
        tasks.spawn(async move { ledger.change(account, id, change, nothing()).await.unwrap() });
    }
    let done = tasks.join_all().await;
    done.iter().filter(|done| done.entry.is_some()).count()
}
