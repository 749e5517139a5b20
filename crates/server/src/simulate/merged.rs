//! Traffic with its conversions, in one order of time.

use assay_model::Timestamp;

use super::agenda::Agenda;
use super::buyers::{Buyers, What};
use super::{Labelled, Simulator};

/// The simulator's events, and after each click what follows it. At the end of the traffic
/// come the conversions that are still due.
pub struct WithConversions {
    traffic: std::iter::Peekable<Simulator>,
    buyers: Buyers,
    /// Conversions that are due.
    due: Agenda<Timestamp, Box<Labelled>>,
}

impl WithConversions {
    #[must_use]
    pub fn new(traffic: Simulator, buyers: Buyers) -> Self {
        Self {
            traffic: traffic.peekable(),
            buyers,
            due: Agenda::new(),
        }
    }

    fn plan(&mut self, click: &mut Labelled) {
        let Some(sequel) = self.buyers.after(click) else {
            return;
        };
        for step in sequel.steps {
            // A rejection is no event that could be scored.
            if let What::Conversion(event) = step.what {
                self.due.plan(event.at, event);
            }
        }
    }
}

impl Iterator for WithConversions {
    type Item = Labelled;

    fn next(&mut self) -> Option<Labelled> {
        let due = self.due.due();
        let traffic = self.traffic.peek().map(|event| event.at);
        if let Some(due) = due
            && traffic.is_none_or(|traffic| due < traffic)
        {
            return self.due.next().map(|(_, event)| *event);
        }
        let mut event = self.traffic.next()?;
        self.plan(&mut event);
        Some(event)
    }
}
