//! Where a record goes before its answer leaves.
//!
//! A lane gathers the records of everything that is ready in one turn, writes them with
//! one `write()`, and only then lets the answers go: `kill -9` loses nothing that was
//! answered, at a quarter of the price of a write per record.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};

use assay_model::ports::{EventLog, LogError};
use assay_model::recall::{Bump, Reading};
use assay_model::{EventId, EventIds, Timestamp};

use crate::sending::Sending;

/// Buffers of one decision, kept between decisions.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) bumps: Vec<(u16, Bump)>,
    pub(crate) batch: Vec<Bump>,
    pub(crate) readings: Vec<Reading>,
    /// What was moved and read for the same event under another rule.
    pub(crate) counted: Vec<(Bump, Reading)>,
    /// The facts' part of the record.
    pub(crate) facts: Vec<u8>,
}

/// Takes records.
pub trait Outbox {
    /// Whether records are taken at all; where not, nothing is encoded ahead.
    const KEEPS: bool = true;

    /// The id of the next event.
    fn next_id(&self, now: Timestamp) -> EventId;

    /// Takes the record of an event that has such an id.
    fn put(&self, encode: impl FnOnce(&mut Vec<u8>));

    /// Gives the event its id and takes its record.
    fn keep(&self, now: Timestamp, encode: impl FnOnce(EventId, &mut Vec<u8>)) -> EventId {
        let event_id = self.next_id(now);
        self.put(|out| encode(event_id, out));
        event_id
    }
}

/// An outbox for one event, whose record is held back until it is known whether the event
/// counts. Dropped, it gives the record up to the outbox behind it: who breaks off in the
/// middle does not know, and what may have happened is kept.
#[derive(Debug)]
pub struct Held<'o, O: Outbox> {
    outbox: &'o O,
    record: RefCell<Vec<u8>>,
}

impl<'o, O: Outbox> Held<'o, O> {
    /// Holds back what would go to `outbox`.
    pub const fn new(outbox: &'o O) -> Self {
        Self {
            outbox,
            record: RefCell::new(Vec::new()),
        }
    }

    /// The event does not count; its record.
    pub fn discard(self) -> Vec<u8> {
        self.record.take()
    }
}

impl<O: Outbox> Outbox for Held<'_, O> {
    const KEEPS: bool = O::KEEPS;

    fn next_id(&self, now: Timestamp) -> EventId {
        self.outbox.next_id(now)
    }

    fn put(&self, encode: impl FnOnce(&mut Vec<u8>)) {
        encode(&mut self.record.borrow_mut());
    }
}

impl<O: Outbox> Drop for Held<'_, O> {
    fn drop(&mut self) {
        let record = self.record.take();
        if !record.is_empty() {
            self.outbox.put(|out| out.extend_from_slice(&record));
        }
    }
}

/// What a lane is told about records that could not be kept.
pub type LostCounter = Arc<dyn Fn(u32) + Send + Sync>;

/// A lane's outbox in front of its event log.
pub struct LaneOutbox {
    ids: RefCell<EventIds>,
    pending: RefCell<Vec<u8>>,
    count: Cell<u32>,
    /// Number of the batch being gathered; what is in it is kept once `done` reaches it.
    gathering: Cell<u64>,
    done: Cell<u64>,
    waiting: RefCell<Vec<Waker>>,
    /// Connections whose answers wait for this batch.
    sending: RefCell<Vec<Rc<Sending>>>,
    flusher: RefCell<Option<Waker>>,
    log: RefCell<Box<dyn EventLog>>,
    lost: LostCounter,
    /// Records lost since the log last took any; told when it does again.
    losing: Cell<u64>,
}

impl LaneOutbox {
    /// An outbox that writes to `log`; `lost` is told of records that could not be.
    #[must_use]
    pub fn new(ids: EventIds, log: Box<dyn EventLog>, lost: LostCounter) -> Rc<Self> {
        Rc::new(Self {
            ids: RefCell::new(ids),
            pending: RefCell::new(Vec::with_capacity(64 * 1024)),
            count: Cell::new(0),
            gathering: Cell::new(1),
            done: Cell::new(0),
            waiting: RefCell::new(Vec::new()),
            sending: RefCell::new(Vec::new()),
            flusher: RefCell::new(None),
            log: RefCell::new(log),
            lost,
            losing: Cell::new(0),
        })
    }

    /// Whether everything kept so far is written.
    pub fn is_written(&self) -> bool {
        self.count.get() == 0
    }

    /// Sends a connection's answers once everything kept so far is written.
    pub fn send_then(&self, answers: Rc<Sending>) {
        self.sending.borrow_mut().push(answers);
    }

    /// Waits until everything kept so far is written.
    pub async fn written(&self) {
        let mine = if self.count.get() == 0 {
            self.gathering.get() - 1
        } else {
            self.gathering.get()
        };
        poll_fn(|cx| {
            if self.done.get() >= mine {
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Writes batch after batch; runs as a task of the lane for as long as it lives.
    pub async fn run(&self) {
        loop {
            poll_fn(|cx| {
                if self.count.get() > 0 {
                    return Poll::Ready(());
                }
                *self.flusher.borrow_mut() = Some(cx.waker().clone());
                Poll::Pending
            })
            .await;
            // Everything else that is ready this turn joins the batch.
            tokio::task::yield_now().await;
            self.flush();
        }
    }

    /// Writes what is pending now.
    pub fn flush(&self) {
        let count = self.count.replace(0);
        if count > 0 {
            let mut pending = self.pending.borrow_mut();
            let appended = self.log.borrow_mut().append(&pending, count);
            pending.clear();
            self.tell_loss(count, appended.err());
        }
        self.done.set(self.gathering.get());
        self.gathering.set(self.gathering.get() + 1);
        for answers in self.sending.borrow_mut().drain(..) {
            answers.kept();
        }
        for waker in self.waiting.borrow_mut().drain(..) {
            waker.wake();
        }
    }

    /// Traffic filtering fails open: the answers go out, the loss is counted, and told once
    /// when it begins and once when it ends: a full disk must not fill the log, too.
    fn tell_loss(&self, records: u32, error: Option<LogError>) {
        let losing = self.losing.get();
        match error {
            Some(error) => {
                (self.lost)(records);
                if losing == 0 {
                    tracing::error!(%error, "records are being lost");
                }
                self.losing.set(losing + u64::from(records));
            }
            None if losing > 0 => {
                tracing::warn!(lost = losing, "records are kept again");
                self.losing.set(0);
            }
            None => {}
        }
    }
}

impl Outbox for LaneOutbox {
    fn next_id(&self, now: Timestamp) -> EventId {
        self.ids.borrow_mut().next(now)
    }

    fn put(&self, encode: impl FnOnce(&mut Vec<u8>)) {
        let mut pending = self.pending.borrow_mut();
        let start = pending.len();
        pending.extend_from_slice(&[0; 4]);
        encode(&mut pending);
        let length = (pending.len() - start - 4) as u32;
        pending[start..start + 4].copy_from_slice(&length.to_le_bytes());
        self.count.set(self.count.get() + 1);
        if let Some(waker) = self.flusher.borrow_mut().take() {
            waker.wake();
        }
    }
}

/// Counts event ids and keeps nothing: for scoring files, which have no store.
#[derive(Debug)]
pub struct NoOutbox {
    ids: RefCell<EventIds>,
}

impl Default for NoOutbox {
    fn default() -> Self {
        Self {
            ids: RefCell::new(EventIds::after(0, 0, None)),
        }
    }
}

impl Outbox for NoOutbox {
    const KEEPS: bool = false;

    fn next_id(&self, now: Timestamp) -> EventId {
        self.ids.borrow_mut().next(now)
    }

    fn put(&self, _: impl FnOnce(&mut Vec<u8>)) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::testing::NOW;

    /// Takes records into memory.
    struct Kept {
        ids: RefCell<EventIds>,
        records: RefCell<Vec<Vec<u8>>>,
    }

    impl Outbox for Kept {
        fn next_id(&self, now: Timestamp) -> EventId {
            self.ids.borrow_mut().next(now)
        }

        fn put(&self, encode: impl FnOnce(&mut Vec<u8>)) {
            let mut record = Vec::new();
            encode(&mut record);
            self.records.borrow_mut().push(record);
        }
    }

    #[test]
    fn what_is_held_back_goes_on_unless_it_is_discarded() {
        let outbox = Kept {
            ids: RefCell::new(EventIds::after(0, 0, None)),
            records: RefCell::default(),
        };
        let (one, other) = (Held::new(&outbox), Held::new(&outbox));
        let first = one.keep(NOW, |id, out| out.extend_from_slice(&id.0));
        let second = other.keep(NOW, |id, out| out.extend_from_slice(&id.0));
        assert!(second > first && outbox.records.borrow().is_empty());
        assert_eq!(other.discard(), second.0);
        drop(one);
        drop(Held::new(&outbox));
        assert_eq!(*outbox.records.borrow(), [first.0]);
    }
}
