//! Click postbacks: the event log is followed, and what its clicks owe goes into the queue.
//!
//! Messages and the place in the log are one commit, so a restart goes on behind the last
//! click that was told. Only what is fsynced is read: a power cut must not leave the place
//! beyond the end of the log. The log's segments stay until this place has passed them.

use std::sync::Arc;

use assay_gateway::Policies;
use assay_gateway::postbacks::click_messages;
use assay_model::ports::{ClickMessage, LogPosition, PostbackQueue};
use assay_model::record::EventRecord;
use tokio::runtime::Handle;

use super::Node;

/// Messages of one commit.
const AT_ONCE: usize = 1000;
/// While nobody is told of clicks: how often the place is noted, so that a postback made just
/// before a crash is not told of clicks from long before it was made.
const NOTED_EVERY_MS: i64 = 10_000;

/// Follows the log of every lane.
pub struct ClickTeller {
    node: Arc<Node>,
    queue: Arc<dyn PostbackQueue>,
    runtime: Handle,
    lanes: Vec<Place>,
    /// When the places were last noted while nothing was told.
    noted_ms: i64,
}

/// How far a lane's log was read.
struct Place {
    lane: u8,
    position: LogPosition,
    /// As it stands in the queue.
    noted: LogPosition,
}

impl ClickTeller {
    /// Goes on where the queue says.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub fn new(node: &Arc<Node>, runtime: Handle) -> anyhow::Result<Self> {
        let queue = Arc::clone(&node.postbacks.queue);
        let cursor = runtime.block_on(queue.click_cursor())?;
        let places = node.spool.lanes().map(|lane| {
            // A lane without a place is new: its log begins at its beginning.
            let known = cursor.iter().find(|(own, _)| *own == lane);
            let position = known.map_or_else(LogPosition::default, |(_, position)| *position);
            Place {
                lane,
                position,
                noted: position,
            }
        });
        Ok(Self {
            lanes: places.collect(),
            node: Arc::clone(node),
            queue,
            runtime,
            noted_ms: 0,
        })
    }

    /// Up to where each lane's log is no longer needed here.
    pub fn noted(&self) -> Vec<(u8, LogPosition)> {
        self.lanes.iter().map(|p| (p.lane, p.noted)).collect()
    }

    /// Tells what came since the last step.
    ///
    /// # Errors
    /// When log or queue cannot be read or written; the next step tries again.
    pub fn step(&mut self) -> anyhow::Result<()> {
        // Before the policies: what comes while they are swapped is seen by the next step.
        let ends: Vec<LogPosition> = self
            .lanes
            .iter()
            .map(|place| self.node.spool.synced(place.lane))
            .collect();
        if !self.node.engine.policies.load().tells_clicks() {
            return self.pass(&ends);
        }
        for (at, end) in ends.into_iter().enumerate() {
            while self.tell(at, end)? {}
        }
        Ok(())
    }

    /// Passes over everything: nobody is told of clicks.
    fn pass(&mut self, ends: &[LogPosition]) -> anyhow::Result<()> {
        for (place, end) in self.lanes.iter_mut().zip(ends) {
            place.position = place.position.max(*end);
        }
        let now = self.node.engine.clock.now().0;
        if now - self.noted_ms < NOTED_EVERY_MS {
            return Ok(());
        }
        self.noted_ms = now;
        for at in 0..self.lanes.len() {
            if self.lanes[at].position != self.lanes[at].noted {
                self.note(at, Vec::new())?;
            }
        }
        Ok(())
    }

    /// Reads one lane on, until a commit is full or its end is reached; true = there is more.
    fn tell(&mut self, at: usize, end: LogPosition) -> anyhow::Result<bool> {
        let place = &self.lanes[at];
        let (lane, mut position) = (place.lane, place.position);
        let mut messages = Vec::new();
        let Some(mut reader) = self.node.spool.reader(lane, position) else {
            return Ok(false);
        };
        let policies = &self.node.engine.policies;
        let mut more = false;
        while position < end {
            let Some(batch) = reader.next_batch()? else {
                break;
            };
            if batch.end > end {
                break;
            }
            for bytes in batch.records {
                collect(policies, bytes, &mut messages);
            }
            position = batch.end;
            if messages.len() >= AT_ONCE {
                more = true;
                break;
            }
        }
        self.lanes[at].position = position;
        if position != self.lanes[at].noted
            && let Err(error) = self.note(at, messages)
        {
            // Nothing was kept: it is all read again.
            self.lanes[at].position = self.lanes[at].noted;
            return Err(error);
        }
        Ok(more)
    }

    /// Commits messages and a lane's place.
    fn note(&mut self, at: usize, messages: Vec<ClickMessage>) -> anyhow::Result<()> {
        let place = &mut self.lanes[at];
        let cursor = vec![(place.lane, place.position)];
        self.runtime
            .block_on(self.queue.enqueue_clicks(messages, cursor))?;
        place.noted = place.position;
        Ok(())
    }
}

/// What one record owes.
fn collect(policies: &Policies, bytes: &[u8], out: &mut Vec<ClickMessage>) {
    // One that does not decode is reported where it is sealed.
    let Ok(record) = EventRecord::decode(bytes) else {
        return;
    };
    let snapshot = policies.load();
    if let Some(account) = snapshot.account(record.facts.hit.account) {
        let keys = policies.keys();
        out.extend(click_messages(account, keys.as_deref(), &record));
    }
}
