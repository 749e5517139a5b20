//! Which messages are under way, and whose turn it is.

use std::collections::{HashMap, HashSet};

use assay_model::ports::{Message, Take};
use assay_model::{AccountId, Timestamp};

/// A postback definition: whose, and which.
pub type Whose = (AccountId, u64);

/// Messages under way.
#[derive(Debug, Default)]
pub struct Leases {
    held: HashMap<u64, (Whose, Timestamp)>,
    /// The definition that was served last; the next look begins behind it.
    last: Option<Whose>,
}

/// What a look at the file may take.
#[derive(Debug)]
pub struct Plan {
    /// Now.
    pub now: Timestamp,
    /// Limits.
    pub take: Take,
    /// Messages under way.
    pub held: HashSet<u64>,
    /// How many of them by definition.
    pub under_way: HashMap<Whose, u32>,
    /// Definition to begin behind.
    pub after: Option<Whose>,
}

impl Leases {
    /// Ends the leases that ran out.
    pub fn end_before(&mut self, now: Timestamp) {
        self.held.retain(|_, (_, until)| *until > now);
    }

    /// Ends one lease.
    pub fn end(&mut self, id: u64) {
        self.held.remove(&id);
    }

    /// What may be taken now.
    pub fn plan(&self, now: Timestamp, take: Take) -> Plan {
        let mut under_way: HashMap<Whose, u32> = HashMap::new();
        for (whose, _) in self.held.values() {
            *under_way.entry(*whose).or_default() += 1;
        }
        Plan {
            now,
            take,
            held: self.held.keys().copied().collect(),
            under_way,
            after: self.last,
        }
    }

    /// Notes what was taken, in the order it was.
    pub fn note(&mut self, taken: &[Message], until: Timestamp) {
        for message in taken {
            let whose = (message.account, message.owed.postback);
            self.held.insert(message.id, (whose, until));
            self.last = Some(whose);
        }
    }
}
