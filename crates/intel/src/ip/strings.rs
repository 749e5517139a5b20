//! Interned text: every name is kept once, a small id stands for it.

use std::collections::HashMap;

/// Id of an interned string.
pub(crate) type StrId = u32;

/// The empty string, always there.
pub(crate) const EMPTY: StrId = 0;

/// Finished table: one arena and where each string starts.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    text: Box<str>,
    ends: Box<[u32]>,
}

impl Strings {
    /// The text of `id`; empty for an id it never gave out.
    pub(crate) fn get(&self, id: StrId) -> &str {
        slice(&self.text, &self.ends, id)
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len() + self.ends.len() * 4
    }
}

fn slice<'a>(text: &'a str, ends: &[u32], id: StrId) -> &'a str {
    let at = id as usize;
    let start = match at.checked_sub(1) {
        Some(before) => ends.get(before).copied().unwrap_or(0),
        None => 0,
    };
    let end = ends.get(at).copied().unwrap_or(0);
    text.get(start as usize..end as usize).unwrap_or("")
}

/// Collects strings while tables are built.
#[derive(Debug)]
pub(crate) struct Interner {
    ids: HashMap<Box<str>, StrId>,
    text: String,
    ends: Vec<u32>,
}

impl Interner {
    /// Starts with the empty string as id 0.
    pub(crate) fn new() -> Self {
        let mut new = Self {
            ids: HashMap::new(),
            text: String::new(),
            ends: Vec::new(),
        };
        new.id("");
        new
    }

    /// The id of `text`, the same for equal texts.
    pub(crate) fn id(&mut self, text: &str) -> StrId {
        if let Some(&id) = self.ids.get(text) {
            return id;
        }
        let id = self.ends.len() as StrId;
        self.text.push_str(text);
        self.ends.push(self.text.len() as u32);
        self.ids.insert(text.into(), id);
        id
    }

    /// The text of `id`; empty for an id it never gave out.
    pub(crate) fn get(&self, id: StrId) -> &str {
        slice(&self.text, &self.ends, id)
    }

    /// Closes the table.
    pub(crate) fn finish(self) -> Strings {
        Strings {
            text: self.text.into_boxed_str(),
            ends: self.ends.into_boxed_slice(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_an_id_and_come_back() {
        let mut interner = Interner::new();
        let (a, b, c) = (
            interner.id("amazon"),
            interner.id("ovh"),
            interner.id("amazon"),
        );
        assert_eq!(a, c);
        assert_eq!(interner.id(""), EMPTY);
        let strings = interner.finish();
        assert_eq!(
            (strings.get(a), strings.get(b), strings.get(EMPTY)),
            ("amazon", "ovh", "")
        );
        assert_eq!(strings.get(99), "");
    }
}
