//! Text columns as keys of a dictionary, which is fed once per value and not once per row.
//!
//! Values are looked up as the event has them (a number, an address, a borrowed text); a text is
//! written only for a value that was not there before. Rows like the one before cost a comparison,
//! so a column that is nearly always empty costs next to nothing.

use std::fmt::Write as _;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, StringArray};
use arrow_schema::ArrowError;
use assay_model::facts::Country;
use assay_model::ports::DimensionValue;
use hashbrown::{DefaultHashBuilder, HashTable};

/// Keys of columns that have one value only, shared by all of them.
static ZEROS: LazyLock<Int32Array> = LazyLock::new(|| Int32Array::from(vec![0; 1 << 16]));

/// A value that is no text yet.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Raw {
    Number(u64),
    Country(Country),
    Ip(IpAddr),
}

impl Raw {
    fn of(value: &DimensionValue<'_>) -> Option<Self> {
        match value {
            DimensionValue::Text(_) | DimensionValue::Made(_) => None,
            DimensionValue::Number(n) => Some(Self::Number(*n)),
            DimensionValue::Country(country) => Some(Self::Country(*country)),
            DimensionValue::Ip(ip) => Some(Self::Ip(*ip)),
        }
    }
}

/// A value, ready to be looked up.
enum Wanted<'a> {
    Text(&'a str),
    Raw(Raw),
}

impl<'a> Wanted<'a> {
    fn of(value: &'a DimensionValue<'_>) -> Self {
        match value {
            DimensionValue::Text(text) => Self::Text(text),
            DimensionValue::Made(text) => Self::Text(text),
            other => Raw::of(other).map_or(Self::Text(""), Self::Raw),
        }
    }
}

/// Whether texts are equal. Two empty ones are not handed to the C library, whose `memcmp` loads
/// from their addresses, which are none: that costs more than all the rest of a row.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && (a.is_empty() || a == b)
}

/// Each value once, numbered as they come.
#[derive(Default)]
pub struct Dictionary {
    /// Hash and key of each value.
    keys: HashTable<(u64, u32)>,
    hasher: DefaultHashBuilder,
    text: String,
    /// Where each value's text ends.
    ends: Vec<u32>,
    /// By key, for values that are no text; shorter than `ends` where none is.
    raws: Vec<Option<Raw>>,
}

impl Dictionary {
    /// How many values there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of their texts.
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// The text of a key.
    pub fn text(&self, key: usize) -> &str {
        &self.text[self.range(key)]
    }

    #[inline]
    fn range(&self, key: usize) -> Range<usize> {
        let from = key.checked_sub(1).map_or(0, |before| self.ends[before]);
        from as usize..self.ends[key] as usize
    }

    /// All texts, by key.
    pub fn texts(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|key| self.text(key))
    }

    #[inline]
    fn is(&self, key: usize, wanted: &Wanted<'_>) -> bool {
        let raw = self.raws.get(key).and_then(Option::as_ref);
        match wanted {
            Wanted::Text(text) => {
                // Bytes: whether a range begins and ends at a character need not be looked at.
                let own = &self.text.as_bytes()[self.range(key)];
                raw.is_none() && same(own, text.as_bytes())
            }
            Wanted::Raw(wanted) => raw == Some(wanted),
        }
    }

    fn key(&mut self, value: &DimensionValue<'_>, wanted: &Wanted<'_>) -> u32 {
        let hash = match wanted {
            Wanted::Text(text) => self.hasher.hash_one(text),
            Wanted::Raw(raw) => self.hasher.hash_one(raw),
        };
        let known = |(of, key): &(u64, u32)| *of == hash && self.is(*key as usize, wanted);
        if let Some((_, key)) = self.keys.find(hash, known) {
            return *key;
        }
        let key = self.len() as u32;
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{value}");
        self.ends.push(self.text.len() as u32);
        if let Wanted::Raw(raw) = wanted {
            self.raws.resize(key as usize, None);
            self.raws.push(Some(*raw));
        }
        self.keys
            .insert_unique(hash, (hash, key), |(hash, _)| *hash);
        key
    }

    fn clear(&mut self) {
        self.keys.clear();
        self.text.clear();
        self.ends.clear();
        self.raws.clear();
    }
}

/// The rows of a text column.
#[derive(Default)]
pub struct TextColumn {
    dictionary: Dictionary,
    keys: Vec<i32>,
    /// Key of the rows that are not in `keys` yet: the newest ones, all alike.
    last: i32,
    run: usize,
}

impl TextColumn {
    /// Adds a row.
    #[inline]
    pub fn push(&mut self, value: &DimensionValue<'_>) {
        let wanted = Wanted::of(value);
        if self.run > 0 {
            if self.dictionary.is(self.last as usize, &wanted) {
                self.run += 1;
                return;
            }
            self.end_run();
        }
        self.last = self.dictionary.key(value, &wanted) as i32;
        self.run = 1;
    }

    /// The values.
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// The rows' keys; `Err` = how often the same one.
    pub fn keys(&mut self) -> Result<&[i32], (i32, usize)> {
        if self.keys.is_empty() {
            return Err((self.last, self.run));
        }
        self.end_run();
        Ok(&self.keys)
    }

    /// Starts over with the rows; the values stay.
    pub fn clear_rows(&mut self) {
        self.keys.clear();
        self.run = 0;
    }

    /// Forgets rows and values.
    pub fn clear(&mut self) {
        self.clear_rows();
        self.dictionary.clear();
    }

    /// About how much memory the rows and values take.
    pub fn bytes(&self) -> usize {
        self.keys.len() * size_of::<i32>() + self.dictionary.text_bytes()
    }

    /// The column.
    ///
    /// # Errors
    /// Arrow's; a key without a value would be a bug.
    pub fn array(&mut self) -> Result<ArrayRef, ArrowError> {
        let keys = match self.keys() {
            Err((0, rows)) if rows <= ZEROS.len() => ZEROS.slice(0, rows),
            Err((key, rows)) => Int32Array::from(vec![key; rows]),
            Ok(keys) => Int32Array::from(keys.to_vec()),
        };
        let texts = StringArray::from_iter_values(self.dictionary.texts());
        let array = DictionaryArray::<Int32Type>::try_new(keys, Arc::new(texts))?;
        Ok(Arc::new(array))
    }

    fn end_run(&mut self) {
        self.keys.resize(self.keys.len() + self.run, self.last);
        self.run = 0;
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;

    use super::*;

    fn texts(column: &mut TextColumn) -> Vec<String> {
        let array = column.array().unwrap();
        let array = array.as_dictionary::<Int32Type>();
        let values = array.values().as_string::<i32>();
        let keys = array.keys().values().iter();
        keys.map(|key| values.value(*key as usize).to_owned())
            .collect()
    }

    #[test]
    fn numbers_addresses_and_texts_come_back_as_texts() {
        let mut column = TextColumn::default();
        let ip: IpAddr = "2001:db8::1".parse().unwrap();
        let values = [
            DimensionValue::Text(""),
            DimensionValue::Number(7),
            DimensionValue::Number(7),
            DimensionValue::Ip(ip),
            DimensionValue::Text("7"),
            DimensionValue::Text(""),
            DimensionValue::Made("x".to_owned()),
            DimensionValue::Text("x"),
        ];
        for value in &values {
            column.push(value);
        }
        let expected: Vec<String> = values.iter().map(ToString::to_string).collect();
        assert_eq!(texts(&mut column), expected);
        assert_eq!(column.dictionary.len(), 5, "equal values are kept once");
        column.clear();
        column.push(&values[1]);
        column.push(&values[1]);
        assert_eq!(texts(&mut column), ["7", "7"]);
        assert!(column.keys.is_empty(), "one value only takes no keys");
    }
}
