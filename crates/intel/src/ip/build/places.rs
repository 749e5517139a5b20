//! Countries and cities of runs of addresses.

use std::collections::HashMap;

use super::layers::{Layer, Runs};
use crate::ip::Kind;
use crate::ip::source::{Place, Source, Value};
use crate::ip::strings::Interner;
use crate::ip::tables::PlaceRow;

/// Built in, imported countries, imported cities: the later lies over the earlier.
#[derive(Default)]
pub(super) struct Places {
    pub(super) rows: Vec<PlaceRow>,
    index: HashMap<PlaceRow, u32>,
    layers: [Runs; 3],
}

impl Places {
    pub(super) fn add(&mut self, source: &Source, builtin: bool, strings: &mut Interner) {
        let rows: Vec<_> = source.values.iter().map(|v| self.row(v, strings)).collect();
        let layer = match source.kind {
            _ if builtin => 0,
            Kind::City => 2,
            _ => 1,
        };
        for entry in &source.entries {
            if let (Place::Span(span), Some(&row)) = (entry.place, rows.get(entry.value as usize)) {
                self.layers[layer].push(span, row);
            }
        }
    }

    fn row(&mut self, value: &Value, strings: &mut Interner) -> u32 {
        let row = PlaceRow {
            country: value.country,
            city: strings.id(&value.label),
        };
        *self.index.entry(row).or_insert_with(|| {
            self.rows.push(row);
            self.rows.len() as u32 - 1
        })
    }

    pub(super) fn flatten(&mut self) -> Layer {
        let [builtin, country, city] = &mut self.layers;
        city.flatten()
            .over(&country.flatten().over(&builtin.flatten()))
    }
}
