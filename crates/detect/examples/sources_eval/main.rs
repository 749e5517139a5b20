//! Counts what the filters of sources find in simulated traffic of known truth.
//!
//! `cargo run --release -p assay-detect --example sources_eval -- --seeds 101-110`
//! prints the tables of `bench/DETECTION.md`. `--publishers`, `--each` and `--threads` set
//! the size; `--only month` or `--only campaigns` runs one half, and `--limits tight` takes
//! limits below the published ones. `SOURCES_EVAL_TRACE=1` says
//! who was held and why.

mod market;
mod person;
mod record;
mod rng;
mod run;
mod traffic;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use run::Cell;
use traffic::Kind;

type Failure = Box<dyn std::error::Error>;

const SHARES: [f64; 4] = [1.0, 0.5, 0.2, 0.1];

struct Options {
    seeds: Vec<u64>,
    publishers: u32,
    each: u32,
    threads: usize,
    only: String,
    tight: bool,
}

impl Options {
    fn read() -> Result<Self, Failure> {
        let mut options = Self {
            seeds: (1..=2).collect(),
            publishers: 200,
            each: 2,
            threads: 1,
            only: String::new(),
            tight: false,
        };
        let mut args = std::env::args().skip(1);
        while let Some(name) = args.next() {
            let value = args.next().ok_or(format!("{name} needs a value"))?;
            match name.as_str() {
                "--seeds" => {
                    let (from, to) = value.split_once('-').unwrap_or((&value, &value));
                    options.seeds = (from.parse()?..=to.parse()?).collect();
                }
                "--publishers" => options.publishers = value.parse()?,
                "--each" => options.each = value.parse()?,
                "--threads" => options.threads = value.parse()?,
                "--limits" => options.tight = value == "tight",
                "--only" => options.only = value,
                _ => return Err(format!("no option {name}").into()),
            }
        }
        Ok(options)
    }
}

fn main() -> Result<(), Failure> {
    let options = Options::read()?;
    let rule = run::rule(options.tight)?;
    if options.only != "campaigns" {
        month(&options, &rule);
    }
    if options.only != "month" {
        weeks(&options, &rule);
    }
    Ok(())
}

/// Runs jobs on some threads; results come in the order of the jobs.
fn all<T: Send>(threads: usize, jobs: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let job = next.fetch_add(1, Ordering::Relaxed);
                    if job >= jobs {
                        return;
                    }
                    let result = work(job);
                    if let Ok(mut done) = done.lock() {
                        done.insert(job, result);
                    }
                }
            });
        }
    });
    let done = done.into_inner().unwrap_or_default();
    done.into_values().collect()
}

fn month(options: &Options, rule: &assay_detect::CompiledRule) {
    let results = all(options.threads, options.seeds.len(), |job| {
        run::honest_month(rule, options.seeds[job], options.publishers)
    });
    let publishers = options.publishers as usize * results.len();
    let events: usize = results.iter().map(|(_, events)| events).sum();
    let condemned: usize = results.iter().map(|(condemned, _)| condemned.len()).sum();
    let mut filters: BTreeMap<&str, u32> = BTreeMap::new();
    for key in results.iter().flat_map(|(own, _)| own.values().flatten()) {
        *filters.entry(key).or_default() += 1;
    }
    println!("A month of honest publishers: {events} events, judged every six hours.");
    println!(
        "Ever condemned: {condemned} of {publishers} ({:.2} %) {filters:?}\n",
        100.0 * condemned as f64 / publishers as f64
    );
}

fn weeks(options: &Options, rule: &assay_detect::CompiledRule) {
    let columns: Vec<(f64, bool)> = [true, false]
        .into_iter()
        .flat_map(|large| SHARES.map(|share| (share, large)))
        .collect();
    let jobs = columns.len() * options.seeds.len();
    let cells = all(options.threads, jobs, |job| {
        let (share, large) = columns[job / options.seeds.len()];
        let seed = options.seeds[job % options.seeds.len()];
        run::campaigns(rule, seed, share, large, options.each)
    });
    let columns: Vec<Cell> = cells
        .chunks(options.seeds.len())
        .map(|of_column| of_column.iter().fold(Cell::default(), added))
        .collect();
    println!(
        "| campaign | 100 % | 50 % | 20 % | 10 % | 100 %, small | 50 %, small | 20 %, small | 10 %, small | by |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (at, kind) in Kind::ALL.into_iter().enumerate() {
        let mut by: BTreeMap<&str, u32> = BTreeMap::new();
        let mut line = format!("| {} ", kind.name());
        for cell in &columns {
            let Some((all, caught, filters)) = cell.kinds.get(&at) else {
                continue;
            };
            line += &format!("| {caught}/{all} ");
            for (filter, n) in filters {
                *by.entry(filter).or_default() += n;
            }
        }
        let by: Vec<String> = by
            .iter()
            .map(|(filter, n)| format!("{filter} {n}"))
            .collect();
        println!("{line}| {} |", by.join(", "));
    }
    let honest: u32 = columns.iter().map(|cell| cell.honest).sum();
    let condemned: u32 = columns.iter().map(|cell| cell.honest_condemned).sum();
    println!("\nHonest publishers beside them ever condemned: {condemned} of {honest}");
}

fn added(mut sum: Cell, cell: &Cell) -> Cell {
    for (kind, (all, caught, filters)) in &cell.kinds {
        let row = sum.kinds.entry(*kind).or_default();
        row.0 += all;
        row.1 += caught;
        for (filter, n) in filters {
            *row.2.entry(filter).or_default() += n;
        }
    }
    sum.honest += cell.honest;
    sum.honest_condemned += cell.honest_condemned;
    sum
}
