//! Groups and their counts, keyed by small numbers instead of texts.

use assay_model::ports::{ClickMeasures, ReportError};
use hashbrown::HashMap;
use smallvec::SmallVec;

/// Most groups of a report.
pub const MOST_GROUPS: usize = 1_000_000;

/// A group: the code of each dimension's value.
pub type Key = SmallVec<[u32; 4]>;

/// Values of one dimension that were seen, and their codes.
#[derive(Debug, Clone)]
pub enum Values {
    /// Texts.
    Texts(Interned<Box<str>>),
    /// Starts of stretches of time.
    Starts(Interned<i64>),
}

/// Each value once, numbered as they come.
#[derive(Debug, Clone)]
pub struct Interned<T> {
    codes: HashMap<T, u32>,
    /// The values by code.
    pub values: Vec<T>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self {
            codes: HashMap::new(),
            values: Vec::new(),
        }
    }
}

impl Interned<Box<str>> {
    /// The code of a text.
    pub fn code(&mut self, text: &str) -> u32 {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
        let code = self.values.len() as u32;
        self.values.push(text.into());
        self.codes.insert(text.into(), code);
        code
    }
}

impl Interned<i64> {
    /// The code of a number.
    pub fn code(&mut self, number: i64) -> u32 {
        let next = self.values.len() as u32;
        let code = *self.codes.entry(number).or_insert(next);
        if code == next {
            self.values.push(number);
        }
        code
    }
}

/// The groups of a report, or of one thread's part of it.
#[derive(Debug, Default)]
pub struct Groups {
    /// Values of each dimension.
    pub values: Vec<Values>,
    /// Counts.
    pub counts: HashMap<Key, ClickMeasures>,
}

impl Groups {
    /// No groups yet; one entry per dimension, whether it is a time.
    pub fn new(times: impl IntoIterator<Item = bool>) -> Self {
        let values = times.into_iter().map(|time| {
            if time {
                Values::Starts(Interned::default())
            } else {
                Values::Texts(Interned::default())
            }
        });
        Self {
            values: values.collect(),
            counts: HashMap::new(),
        }
    }

    /// Adds counts to a group.
    pub fn add(&mut self, key: Key, measures: ClickMeasures) -> Result<(), ReportError> {
        *self.counts.entry(key).or_default() += measures;
        if self.counts.len() > MOST_GROUPS {
            return Err(ReportError::TooManyGroups(MOST_GROUPS));
        }
        Ok(())
    }

    /// Adds another thread's groups.
    pub fn merge(&mut self, other: Self) -> Result<(), ReportError> {
        if self.counts.is_empty() {
            *self = other;
            return Ok(());
        }
        let codes: Vec<Vec<u32>> = self
            .values
            .iter_mut()
            .zip(&other.values)
            .map(|(mine, theirs)| mine.codes_of(theirs))
            .collect();
        for (key, measures) in other.counts {
            let key = key
                .iter()
                .zip(&codes)
                .map(|(code, codes)| codes[*code as usize]);
            self.add(key.collect(), measures)?;
        }
        Ok(())
    }
}

impl Values {
    /// My codes of all values of `other`.
    fn codes_of(&mut self, other: &Self) -> Vec<u32> {
        match (self, other) {
            (Self::Texts(mine), Self::Texts(theirs)) => {
                theirs.values.iter().map(|text| mine.code(text)).collect()
            }
            (Self::Starts(mine), Self::Starts(theirs)) => theirs
                .values
                .iter()
                .map(|start| mine.code(*start))
                .collect(),
            // Both come from the same query.
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_number_values_each_their_own_way() {
        let count = |clicks| ClickMeasures {
            clicks,
            ..ClickMeasures::default()
        };
        let mut parts = [Groups::new([false, true]), Groups::new([false, true])];
        for (part, texts) in parts.iter_mut().zip([["a", "b"], ["b", "c"]]) {
            for (n, text) in texts.into_iter().enumerate() {
                let key = part.values.iter_mut().map(|values| match values {
                    Values::Texts(all) => all.code(text),
                    Values::Starts(all) => all.code(n as i64),
                });
                let key = key.collect();
                part.add(key, count(1)).unwrap();
            }
        }
        let [mut all, other] = parts;
        all.merge(other).unwrap();
        assert_eq!(all.counts.len(), 4, "a 0, b 1, b 0, c 1");
        assert!(all.counts.values().all(|measures| measures.clicks == 1));
    }

    #[test]
    fn groups_are_bounded() {
        let mut groups = Groups::new([false]);
        for code in 0..MOST_GROUPS as u32 {
            groups
                .add(Key::from_slice(&[code]), ClickMeasures::default())
                .unwrap();
        }
        let error = groups.add(Key::from_slice(&[u32::MAX]), ClickMeasures::default());
        assert!(matches!(
            error,
            Err(ReportError::TooManyGroups(MOST_GROUPS))
        ));
    }
}
