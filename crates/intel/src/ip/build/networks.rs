//! Networks by number, and which run of addresses belongs to which.

use std::collections::HashMap;

use super::layers::{Layer, Runs};
use crate::ip::source::{Place, Source, Value};
use crate::ip::strings::Interner;
use crate::ip::tables::NetworkRow;

/// Teredo and 6to4: who announces them is a router's owner, not the visitor's network.
///
/// Source: RFC 4380, RFC 3056.
const TUNNELS: [(u64, u64); 2] = [
    (0x2001_0000 << 32, 0x2001_0000_ffff_ffff),
    (0x2002 << 48, 0x2002_ffff_ffff_ffff),
];

/// Networks; the built-in runs lie below the imported ones.
#[derive(Default)]
pub(super) struct Networks {
    pub(super) rows: Vec<NetworkRow>,
    index: HashMap<u32, u32>,
    builtin: Runs,
    imported: Runs,
}

impl Networks {
    pub(super) fn add(&mut self, source: &Source, builtin: bool, strings: &mut Interner) {
        let rows: Vec<_> = source.values.iter().map(|v| self.row(v, strings)).collect();
        let runs = if builtin {
            &mut self.builtin
        } else {
            &mut self.imported
        };
        for entry in &source.entries {
            if let (Place::Span(span), Some(Some(row))) =
                (entry.place, rows.get(entry.value as usize))
            {
                runs.push(span, *row);
            }
        }
    }

    /// The row of a value's network; a later name replaces an earlier one.
    fn row(&mut self, value: &Value, strings: &mut Interner) -> Option<u32> {
        let number = value.asn.filter(|&n| n != 0)?;
        let operator = strings.id(&value.label);
        if let Some(&at) = self.index.get(&number) {
            if !value.label.is_empty() {
                self.rows[at as usize].operator = operator;
            }
            return Some(at);
        }
        let at = self.rows.len() as u32;
        self.rows.push(NetworkRow { number, operator });
        self.index.insert(number, at);
        Some(at)
    }

    pub(super) fn flatten(&mut self) -> Layer {
        self.imported
            .flatten()
            .over(&self.builtin.flatten())
            .without(&TUNNELS)
    }
}
