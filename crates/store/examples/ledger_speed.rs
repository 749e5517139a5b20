//! How many conversions a second the ledger takes, each on the disk when it is answered, and
//! how often the same disk syncs by itself.
//!
//! `cargo run --release -p assay-store --example ledger_speed -- FOLDER [SECONDS]`

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use assay_model::AccountId;
use assay_model::ledger::{Change, Guard, Status};
use assay_model::ports::{ConversionDimension, ConversionReader, ConversionReportQuery, Ledger};
use assay_model::testing::NOW;
use assay_store::conformance::ledger::conversion;
use assay_store::embedded::SqliteLedger;
use assay_store::embedded::ledger::LedgerOptions;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const ACCOUNT: AccountId = AccountId(1);

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().ok_or("which folder?")?);
    let seconds: u64 = args.next().map_or(Ok(10), |text| text.parse())?;
    let length = Duration::from_secs(seconds);
    std::fs::create_dir_all(&folder)?;
    for bytes in [4 << 10, 64 << 10] {
        let took = disk(&folder.join("disk"), bytes, length)?;
        say(
            &format!("disk alone, {} KiB and a sync", bytes >> 10),
            took,
            length,
        );
    }
    let ledger = SqliteLedger::open(&folder.join("ledger.db"), LedgerOptions::default())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let next = Arc::new(AtomicU32::new(0));
    for waiting in [1, 8, 64, 256] {
        let before = cpu_seconds()?;
        let took = runtime.block_on(appends(&ledger, &next, waiting, length))?;
        let each = (cpu_seconds()? - before) * 1e6 / took.len().max(1) as f64;
        say(&format!("append, {waiting} waiting"), took, length);
        println!("  {each:.1} µs of processor time each, the callers' included");
    }
    let appended = next.load(Ordering::Relaxed);
    let took = runtime.block_on(changes(&ledger, appended, 64, length))?;
    say("change, 64 waiting", took, length);
    runtime.block_on(report(&ledger, appended))?;
    let bytes = std::fs::metadata(folder.join("ledger.db"))?.len();
    println!(
        "{appended} conversions, {} bytes each on the disk",
        bytes / u64::from(appended.max(1))
    );
    Ok(())
}

/// Processor time of the whole process; a tick is a hundredth of a second.
fn cpu_seconds() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().unwrap_or("");
    let ticks = after_name.split_whitespace().skip(11).take(2);
    let ticks = ticks.map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(ticks / 100.0)
}

/// Appends a block to a file and syncs it, again and again; how long each took.
fn disk(path: &Path, bytes: usize, length: Duration) -> Result<Vec<Duration>, Failure> {
    let mut file = File::create(path)?;
    let block = vec![7_u8; bytes];
    let (start, mut took) = (Instant::now(), Vec::new());
    while start.elapsed() < length {
        let one = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        took.push(one.elapsed());
    }
    std::fs::remove_file(path)?;
    Ok(took)
}

/// Callers that each append one conversion after the other.
async fn appends(
    ledger: &SqliteLedger,
    next: &Arc<AtomicU32>,
    callers: usize,
    length: Duration,
) -> Result<Vec<Duration>, Failure> {
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let (ledger, next) = (ledger.clone(), Arc::clone(next));
        tasks.spawn(async move {
            let mut took = Vec::new();
            while start.elapsed() < length {
                let new = conversion(ACCOUNT, next.fetch_add(1, Ordering::Relaxed));
                let one = Instant::now();
                ledger.append(ACCOUNT, new, Vec::new()).await?;
                took.push(one.elapsed());
            }
            Ok::<_, Failure>(took)
        });
    }
    all(tasks).await
}

/// Callers that each reject one conversion after the other.
async fn changes(
    ledger: &SqliteLedger,
    appended: u32,
    callers: u32,
    length: Duration,
) -> Result<Vec<Duration>, Failure> {
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let ledger = ledger.clone();
        tasks.spawn(async move {
            let mut took = Vec::new();
            for number in (caller..appended).step_by(callers as usize) {
                if start.elapsed() >= length {
                    break;
                }
                let id = conversion(ACCOUNT, number).conversion_id;
                let one = Instant::now();
                ledger
                    .change(ACCOUNT, id, reject(), Box::new(|_, _, _| Vec::new()))
                    .await?;
                took.push(one.elapsed());
            }
            Ok::<_, Failure>(took)
        });
    }
    all(tasks).await
}

async fn all(
    mut tasks: tokio::task::JoinSet<Result<Vec<Duration>, Failure>>,
) -> Result<Vec<Duration>, Failure> {
    let mut took = Vec::new();
    while let Some(task) = tasks.join_next().await {
        took.extend(task??);
    }
    Ok(took)
}

fn reject() -> Change {
    Change {
        actor: "bench".to_owned(),
        at: NOW,
        to: Status::Rejected,
        reason: assay_model::Reason::ManualRejected,
        reasons: Vec::new(),
        note: String::new(),
        waiting: None,
        guard: Guard::OtherStatus,
    }
}

async fn report(ledger: &SqliteLedger, appended: u32) -> Result<(), Failure> {
    let query = ConversionReportQuery {
        from: NOW,
        to: NOW.plus_ms(i64::from(appended) * 1000 + 1),
        tz: "Europe/Berlin".to_owned(),
        group_by: vec![ConversionDimension::Day, ConversionDimension::Status],
        filters: Vec::new(),
        offset: 0,
        limit: 1000,
    };
    let start = Instant::now();
    let report = ledger.conversions(ACCOUNT, &query).await?;
    let seconds = start.elapsed().as_secs_f64();
    let counted = report.totals.conversions;
    println!("report by day and status over {counted} conversions: {seconds:.2} s");
    Ok(())
}

fn say(what: &str, mut took: Vec<Duration>, length: Duration) {
    took.sort_unstable();
    let at = |share: f64| {
        let place = (took.len() as f64 * share) as usize;
        let took = took.get(place.min(took.len().saturating_sub(1)));
        took.map_or(0.0, |took| took.as_secs_f64() * 1000.0)
    };
    let rate = took.len() as f64 / length.as_secs_f64();
    let (half, most) = (at(0.5), at(0.99));
    println!("{what}: {rate:.0}/s, p50 {half:.3} ms, p99 {most:.3} ms");
}
