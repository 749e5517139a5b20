//! The writer thread of the error log: merge, write, keep the newest rows.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use assay_model::Timestamp;
use assay_model::ports::DoorError;
use assay_model::recall::KeyHasher;
use rusqlite::{Connection, params};
use std::hash::{Hash, Hasher};
use tokio::sync::{mpsc, oneshot};

use super::{Counts, ErrorLogOptions, Told};

/// How long errors are gathered before they are written: one fsync for many.
const GATHER: Duration = Duration::from_millis(20);
const MINUTE_MS: i64 = 60_000;

/// Account and integration; 0 = the call named none.
type Whose = (u32, u32);

/// What equal errors have in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Same {
    whose: Whose,
    minute: i64,
    print: i64,
}

/// Equal errors of one batch.
struct Merged {
    newest: DoorError,
    count: i64,
}

/// Runs until every sender is gone and the queue is empty.
pub(super) fn serve(
    db: Connection,
    mut inbox: mpsc::Receiver<Told>,
    counts: &Counts,
    options: ErrorLogOptions,
) {
    let mut rows = Rows {
        db,
        kept: HashMap::new(),
        most: i64::from(options.rows_per_integration),
    };
    while let Some(first) = inbox.blocking_recv() {
        let mut barriers = Vec::new();
        let mut batch = HashMap::new();
        let mut taken = 0;
        if matches!(first, Told::Error(_)) {
            std::thread::sleep(GATHER);
        }
        let mut next = Some(first);
        while let Some(told) = next {
            take(told, counts, &mut batch, &mut barriers);
            taken += 1;
            // A flood fills the queue as fast as it is emptied: stop once around.
            next = (taken < options.queue)
                .then(|| inbox.try_recv().ok())
                .flatten();
        }
        rows.write(&batch, counts);
        for barrier in barriers {
            let _ = barrier.send(());
        }
    }
}

fn take(
    told: Told,
    counts: &Counts,
    batch: &mut HashMap<Same, Merged>,
    barriers: &mut Vec<oneshot::Sender<()>>,
) {
    match told {
        Told::Barrier(done) => barriers.push(done),
        Told::Error(error) => {
            counts.shares.give_back(error.account);
            merge(batch, error);
        }
    }
}

fn merge(batch: &mut HashMap<Same, Merged>, error: DoorError) {
    let mut hasher = KeyHasher::default();
    (error.door, error.code, &error.field, &error.cause).hash(&mut hasher);
    let same = Same {
        whose: (
            error.account.map_or(0, |id| id.0),
            error.integration.map_or(0, |id| id.0),
        ),
        minute: error.at.0.div_euclid(MINUTE_MS),
        print: hasher.finish().cast_signed(),
    };
    match batch.get_mut(&same) {
        None => {
            let newest = error;
            batch.insert(same, Merged { newest, count: 1 });
        }
        Some(merged) => {
            merged.count += 1;
            if error.at >= merged.newest.at {
                merged.newest = error;
            }
        }
    }
}

/// The rows of the file.
struct Rows {
    db: Connection,
    /// Rows of each integration written to since the start.
    kept: HashMap<Whose, i64>,
    most: i64,
}

impl Rows {
    fn write(&mut self, batch: &HashMap<Same, Merged>, counts: &Counts) {
        if batch.is_empty() {
            return;
        }
        if self.commit(batch).is_err() {
            let lost: i64 = batch.values().map(|m| m.count).sum();
            counts
                .lost
                .fetch_add(lost.unsigned_abs(), Ordering::Relaxed);
            let _ = self.db.execute_batch("ROLLBACK");
            // What was counted along may not have been written.
            self.kept.clear();
        }
    }

    fn commit(&mut self, batch: &HashMap<Same, Merged>) -> rusqlite::Result<()> {
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        let mut in_order: Vec<_> = batch.iter().collect();
        in_order.sort_by_key(|(_, merged)| merged.newest.at);
        for (same, merged) in in_order {
            self.put(same, merged)?;
        }
        for whose in batch.keys().map(|same| same.whose) {
            self.keep_newest(whose)?;
        }
        self.db.execute_batch("COMMIT")
    }

    fn put(&mut self, same: &Same, merged: &Merged) -> rusqlite::Result<()> {
        let Merged { newest, count } = merged;
        let (account, integration) = same.whose;
        // Counted before the row is in, or it would be counted twice.
        let kept = self.kept_of(same.whose)?;
        let seen = self
            .db
            .prepare_cached(
                "UPDATE errors SET count = count + ?5, time = max(time, ?6), sample = ?7
                 WHERE account = ?1 AND integration = ?2 AND minute = ?3 AND print = ?4",
            )?
            .execute(params![
                account,
                integration,
                same.minute,
                same.print,
                count,
                newest.at.0,
                newest.sample
            ])?;
        if seen > 0 {
            return Ok(());
        }
        self.insert(same, newest.at, merged)?;
        self.kept.insert(same.whose, kept + 1);
        Ok(())
    }

    fn insert(&self, same: &Same, at: Timestamp, merged: &Merged) -> rusqlite::Result<()> {
        let error = &merged.newest;
        self.db
            .prepare_cached(
                "INSERT INTO errors (account, integration, minute, print, time, door, code,
                 field, cause, sample, count) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                same.whose.0,
                same.whose.1,
                same.minute,
                same.print,
                at.0,
                error.door,
                error.code,
                error.field,
                error.cause,
                error.sample,
                merged.count
            ])
            .map(|_| ())
    }

    fn kept_of(&mut self, whose: Whose) -> rusqlite::Result<i64> {
        if let Some(kept) = self.kept.get(&whose) {
            return Ok(*kept);
        }
        let kept = self
            .db
            .prepare_cached("SELECT count(*) FROM errors WHERE account = ?1 AND integration = ?2")?
            .query_row(whose, |row| row.get(0))?;
        self.kept.insert(whose, kept);
        Ok(kept)
    }

    /// Takes the oldest rows of an integration away once it has more than it may.
    fn keep_newest(&mut self, whose: Whose) -> rusqlite::Result<()> {
        let over = self.kept_of(whose)? - self.most;
        if over <= 0 {
            return Ok(());
        }
        self.db
            .prepare_cached(
                "DELETE FROM errors WHERE id IN (SELECT id FROM errors
                 WHERE account = ?1 AND integration = ?2 ORDER BY id LIMIT ?3)",
            )?
            .execute(params![whose.0, whose.1, over])?;
        self.kept.insert(whose, self.most);
        Ok(())
    }
}
