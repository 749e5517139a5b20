//! The counters of a replay: a table as the lanes have it, of fixed size.

use assay_model::ports::ScratchCounters;
use assay_model::recall::{Bump, Reading};
use assay_model::{AccountId, Timestamp};

use crate::embedded::counters::{CounterOptions, CounterTable};

/// 128 MiB; beyond some three million live keys the coldest go, which only undercounts.
const SLOTS: usize = 4_000_000;

/// A table that is thrown away.
pub struct Scratch {
    table: CounterTable,
    readings: Vec<Reading>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            table: CounterTable::new(CounterOptions {
                slots: SLOTS,
                account_slots_max: None,
            }),
            readings: Vec::new(),
        }
    }
}

impl ScratchCounters for Scratch {
    fn bump(
        &mut self,
        account: AccountId,
        at: Timestamp,
        bumps: &[Bump],
        out: &mut Vec<Option<Reading>>,
    ) {
        out.clear();
        match self.table.bump(account, at, bumps, &mut self.readings) {
            Ok(()) => out.extend(self.readings.iter().copied().map(Some)),
            Err(_) => out.resize(bumps.len(), None),
        }
    }
}
