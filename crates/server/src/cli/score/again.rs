//! Conversions that a file holds more than once: each is judged once, and answered as before.

use std::collections::{HashMap, VecDeque};

use assay_model::ledger::{IdempotencyKey, Keys};
use serde_json::Value;

/// The answers of conversions, to be given again.
pub struct Answers {
    max: usize,
    by_key: HashMap<IdempotencyKey, Box<str>>,
    /// Oldest first.
    order: VecDeque<IdempotencyKey>,
}

impl Answers {
    /// Answers of which `max` are kept at most; past that the oldest is forgotten.
    pub fn new(max: usize) -> Self {
        Self {
            max: max.max(1),
            by_key: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// What a conversion with these keys was answered; one that was judged without its click
    /// is known by the id that it was sent with.
    pub fn find(&self, keys: &Keys) -> Option<Value> {
        let mut all = std::iter::once(&keys.decides).chain(&keys.also);
        let text = all.find_map(|key| self.by_key.get(key))?;
        serde_json::from_str(text).ok()
    }

    /// Remembers an answer.
    pub fn keep(&mut self, keys: &Keys, answer: &Value) {
        if self.order.len() >= self.max
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_key.remove(&oldest);
        }
        let text = answer.to_string().into_boxed_str();
        self.by_key.insert(keys.decides, text);
        self.order.push_back(keys.decides);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(n: u8) -> Keys {
        Keys {
            decides: IdempotencyKey::of([&[n][..]]),
            also: Vec::new(),
        }
    }

    #[test]
    fn answers_are_given_again_and_the_oldest_is_forgotten_first() {
        let mut answers = Answers::new(2);
        for n in 0..3 {
            answers.keep(&keys(n), &n.into());
        }
        assert_eq!(answers.find(&keys(0)), None);
        assert_eq!(answers.find(&keys(2)), Some(2.into()));
        let early = Keys {
            also: vec![keys(1).decides],
            ..keys(9)
        };
        assert_eq!(answers.find(&early), Some(1.into()));
    }
}
