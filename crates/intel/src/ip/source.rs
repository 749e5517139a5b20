//! One parsed source: what the loaders hand to the builder.
//!
//! Values are interned per source because a table of half a million ranges has
//! some ten thousand different ones.

use std::collections::HashMap;

use assay_model::facts::{Country, NetworkClass};

use super::{Kind, Span};

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A run of addresses.
    Span(Span),
    /// A whole network, by AS number.
    Asn(u32),
}

/// One row of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is about.
    pub place: Place,
    /// Index into [`Source::values`].
    pub value: u32,
}

/// What an entry says; which fields count depends on the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Value {
    /// Operator, provider, city or entry name; empty when there is none.
    pub label: Box<str>,
    /// Network number (kind `asn`).
    pub asn: Option<u32>,
    /// Country (kinds `country`, `city`).
    pub country: Option<Country>,
    /// Kind of access network (kind `isp`).
    pub class: Option<NetworkClass>,
}

/// A parsed list or table.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// What its entries mean.
    pub kind: Kind,
    /// Provenance, `name@version`.
    pub list: Box<str>,
    /// Rows, in file order.
    pub entries: Vec<Entry>,
    /// Distinct values.
    pub values: Vec<Value>,
    index: HashMap<Value, u32>,
}

impl Source {
    /// An empty source.
    #[must_use]
    pub fn new(kind: Kind, list: &str) -> Self {
        Self {
            kind,
            list: list.into(),
            entries: Vec::new(),
            values: Vec::new(),
            index: HashMap::new(),
        }
    }

    /// Adds one row.
    pub fn push(&mut self, place: Place, value: Value) {
        let value = self.value(value);
        self.entries.push(Entry { place, value });
    }

    /// Index of a value, the same for equal ones.
    pub fn value(&mut self, value: Value) -> u32 {
        if let Some(&at) = self.index.get(&value) {
            return at;
        }
        let at = self.values.len() as u32;
        self.values.push(value.clone());
        self.index.insert(value, at);
        at
    }

    /// The value of an entry.
    #[must_use]
    pub fn value_of(&self, entry: &Entry) -> Option<&Value> {
        self.values.get(entry.value as usize)
    }
}
