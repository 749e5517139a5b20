//! Traffic with its conversions, in one order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use assay_model::Timestamp;

use super::buyers::{Buyers, What};
use super::{Labelled, Simulator};

/// The simulator's events, and after each click what follows it. At the end of the traffic
/// come the conversions that are still due.
pub struct WithConversions {
    traffic: std::iter::Peekable<Simulator>,
    buyers: Buyers,
    due: BinaryHeap<Reverse<Due>>,
    planned: u64,
}

/// A conversion that is due; `number` keeps the order of equals.
struct Due {
    at: Timestamp,
    number: u64,
    event: Box<Labelled>,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl WithConversions {
    #[must_use]
    pub fn new(traffic: Simulator, buyers: Buyers) -> Self {
        Self {
            traffic: traffic.peekable(),
            buyers,
            due: BinaryHeap::new(),
            planned: 0,
        }
    }

    fn plan(&mut self, click: &mut Labelled) {
        let Some(sequel) = self.buyers.after(click) else {
            return;
        };
        for step in sequel.steps {
            // A rejection is no event that could be scored.
            if let What::Conversion(event) = step.what {
                self.planned += 1;
                self.due.push(Reverse(Due {
                    at: event.at,
                    number: self.planned,
                    event,
                }));
            }
        }
    }
}

impl Iterator for WithConversions {
    type Item = Labelled;

    fn next(&mut self) -> Option<Labelled> {
        let due = self.due.peek().map(|Reverse(due)| due.at);
        let traffic = self.traffic.peek().map(|event| event.at);
        if let Some(due) = due
            && traffic.is_none_or(|traffic| due < traffic)
        {
            return self.due.pop().map(|Reverse(due)| *due.event);
        }
        let mut event = self.traffic.next()?;
        self.plan(&mut event);
        Some(event)
    }
}
