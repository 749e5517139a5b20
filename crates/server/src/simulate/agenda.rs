//! What is planned, in order of time; of equals what was planned first comes first.

use std::collections::BTreeMap;

/// Tasks by their time.
pub struct Agenda<At, Task> {
    planned: BTreeMap<(At, u64), Task>,
    count: u64,
}

impl<At: Ord + Copy, Task> Agenda<At, Task> {
    pub const fn new() -> Self {
        Self {
            planned: BTreeMap::new(),
            count: 0,
        }
    }

    pub fn plan(&mut self, at: At, task: Task) {
        self.count += 1;
        self.planned.insert((at, self.count), task);
    }

    /// When the next task is due.
    pub fn due(&self) -> Option<At> {
        self.planned.first_key_value().map(|((at, _), _)| *at)
    }

    pub fn next(&mut self) -> Option<(At, Task)> {
        let ((at, _), task) = self.planned.pop_first()?;
        Some((at, task))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_come_in_time_and_equals_in_the_order_of_planning() {
        let mut agenda = Agenda::new();
        for (at, task) in [(5, 'c'), (1, 'a'), (5, 'd'), (3, 'b')] {
            agenda.plan(at, task);
        }
        assert_eq!(agenda.due(), Some(1));
        let order: String = std::iter::from_fn(|| agenda.next())
            .map(|(_, task)| task)
            .collect();
        assert_eq!(order, "abcd");
    }
}
