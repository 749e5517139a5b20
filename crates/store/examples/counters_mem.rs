//! Fills the counter table with live keys; prints its memory and the processor time of a batch.
//!
//! `cargo run --release -p assay-store --example counters_mem [KEYS] [SLOTS]`
//! (default 10,000,000 keys in 15,000,000 slots).

use std::hint::black_box;

use assay_model::AccountId;
use assay_model::Timestamp;
use assay_model::recall::{Bump, Measure, key_hash};
use assay_store::embedded::counters::{CounterOptions, CounterTable};

const START: Timestamp = Timestamp(1_767_225_600_000);
const BATCH: usize = 8;
const MEASURED: usize = 2_000_000;

fn main() {
    let mut numbers = std::env::args().skip(1).map(|arg| arg.parse());
    let keys: u64 = numbers.next().and_then(Result::ok).unwrap_or(10_000_000);
    let slots: u64 = numbers.next().and_then(Result::ok).unwrap_or(15_000_000);
    let table = CounterTable::new(CounterOptions {
        slots: slots as usize,
        account_slots_max: None,
    });
    println!("empty: {} MB resident", resident_mb());
    let mut out = Vec::with_capacity(BATCH);
    let filled = cpu_ns();
    for key in (0..keys).step_by(BATCH) {
        let bumps: [Bump; BATCH] = std::array::from_fn(|at| bump(key + at as u64));
        let _ = table.bump(AccountId(1), START, &bumps, &mut out);
    }
    let filled = cpu_ns() - filled;
    let stats = table.stats();
    println!(
        "filled: {} MB resident, {} live keys, {} evicted ({:.3} %), {:.0} ns a batch of new keys",
        resident_mb(),
        table.live_keys(START),
        stats.evicted,
        stats.evicted as f64 * 100.0 / keys as f64,
        filled as f64 * BATCH as f64 / keys as f64,
    );
    for round in 1..=3 {
        println!("round {round}: {}", measure(&table, keys, &mut out));
    }
}

/// Batches of random known keys.
fn measure(table: &CounterTable, keys: u64, out: &mut Vec<assay_model::recall::Reading>) -> String {
    let mut random = 88_172_645_463_325_252_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % keys
    };
    let batches: Vec<[Bump; BATCH]> = (0..MEASURED / 10)
        .map(|_| std::array::from_fn(|_| bump(next())))
        .collect();
    let mut times = Vec::with_capacity(10);
    for round in 0..10 {
        let at = START.plus_ms(1000 * (round + 1));
        let started = cpu_ns();
        for bumps in &batches {
            let _ = black_box(table.bump(AccountId(1), at, black_box(bumps), out));
        }
        times.push((cpu_ns() - started) as f64 / batches.len() as f64);
    }
    times.sort_by(f64::total_cmp);
    format!(
        "{:.0} ns a batch of {BATCH} (median of ten), {:.0} best",
        times[5], times[0]
    )
}

fn bump(key: u64) -> Bump {
    let key = key_hash(&key.to_le_bytes());
    Bump {
        key,
        measure: if key & 7 == 0 {
            Measure::Distinct
        } else {
            Measure::Count
        },
        window_s: 86_400,
        member: (key >> 32) as u32,
    }
}

/// Time this thread has had on a processor: waiting for others on a busy machine is left out.
fn cpu_ns() -> u64 {
    let spent = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let spent = spent.split_whitespace().next().and_then(|n| n.parse().ok());
    spent.unwrap_or(0)
}

/// Resident memory of this process; 0 where the system does not say.
fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status
        .split_whitespace()
        .nth(1)
        .and_then(|n| n.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096 / 1_000_000
}
