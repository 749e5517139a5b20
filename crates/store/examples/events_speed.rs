//! How fast events are spooled, sealed, merged and reported, and how much disk they take.
//!
//! Appending and sealing are in time on a core, reports in time of the clock.
//!
//! `cargo run --release -p assay-store --example events_speed -- FOLDER [MILLIONS]`

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use assay_model::ports::{
    ClickIndex, Dimension, EventLog, EventQuery, EventReader, ReportQuery, ReportReader,
};
use assay_model::testing::NOW;
use assay_model::{IntegrationId, Timestamp};
use assay_store::conformance::sample::{ACCOUNTS, Sample};
use assay_store::embedded::events::{EventStore, EventsOptions};
use assay_store::spool::{FolderLock, Spool, SpoolOptions};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().ok_or("which folder?")?);
    let millions: usize = args.next().map_or(Ok(1), |text| text.parse())?;
    let lock = Arc::new(FolderLock::take(&folder)?);
    let (spool, mut logs) = Spool::open(&lock, SpoolOptions::new(1, 1))?;
    let store = EventStore::open(&folder, &spool, EventsOptions::default())?;
    let mut sealer = store.sealer();
    let mut sample = Sample::new(0, 1, 2).on_time();
    let records = millions * 1_000_000;
    let mut indexer = store.click_indexer();
    let (mut spooled, mut indexed, mut sealed) = (0.0, 0.0, 0.0);
    let (mut spool_bytes, mut file_bytes) = (0, 0);
    for _ in 0..records / 100_000 {
        let batches: Vec<Vec<u8>> = (0..100_000 / 16).map(|_| batch(&mut sample)).collect();
        let start = cpu_s()?;
        for batch in &batches {
            logs[0].append(batch, 16)?;
            spool_bytes += batch.len();
        }
        spooled += cpu_s()? - start;
        let start = cpu_s()?;
        indexer.step()?;
        indexed += cpu_s()? - start;
        let start = cpu_s()?;
        if sealer.unsealed_bytes() > 64 << 20 {
            file_bytes += sealer.seal()?.bytes;
            sealed += cpu_s()? - start;
            spool.release(0, store.sealed(0))?;
        }
    }
    let start = cpu_s()?;
    file_bytes += sealer.seal()?.bytes;
    sealed += cpu_s()? - start;
    let n = records as f64;
    println!(
        "append    {:8.0} ns a record, {:.0} bytes",
        spooled / n * 1e9,
        spool_bytes as f64 / n
    );
    println!("index     {:8.0} ns a record", indexed / n * 1e9);
    println!(
        "seal      {:8.0} ns a row, {:.0} bytes",
        sealed / n * 1e9,
        file_bytes as f64 / n
    );
    if std::env::var_os("ASSAY_MERGE").is_some() {
        let start = Instant::now();
        let done = store.maintain(sample.now().plus_ms(2 * 86_400_000), &|_| 90)?;
        println!(
            "maintain  {:8.0} ms {done:?}",
            start.elapsed().as_secs_f64() * 1e3
        );
    }
    indexer.step()?;
    tokio::runtime::Runtime::new()?.block_on(async {
        ask(&store).await?;
        look_up(&store).await
    })
}

/// Looks up clicks that are in files, and ids that are nowhere.
async fn look_up(store: &EventStore) -> Result<(), Failure> {
    const TIMES: u32 = 1000;
    let query = EventQuery {
        limit: 1000,
        ..EventQuery::default()
    };
    let page = store.reader().list(ACCOUNTS[0], &query).await?;
    let clicks = store.clicks();
    let start = Instant::now();
    let mut found = 0;
    for event in &page.events {
        let id = event.decode()?.event_id;
        let row = clicks.find_by_event_id(ACCOUNTS[0], id).await?.found();
        found += u32::from(row.is_some());
    }
    let us = start.elapsed().as_secs_f64() * 1e6 / page.events.len() as f64;
    println!("find   {us:8.1} us, {found} of {}", page.events.len());
    let start = Instant::now();
    for nth in 0..TIMES {
        let (id, integration) = (format!("none-{nth}"), IntegrationId(10));
        let ever = Timestamp(0);
        clicks
            .find_by_external_id(ACCOUNTS[0], integration, &id, ever)
            .await?;
    }
    let us = start.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES);
    println!("absent {us:8.1} us");
    Ok(())
}

/// Seconds this thread was on a core: on a shared machine the clock says little.
fn cpu_s() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let ns: u64 = stat.split(' ').next().unwrap_or_default().parse()?;
    Ok(ns as f64 / 1e9)
}

fn batch(sample: &mut Sample) -> Vec<u8> {
    let mut batch = Vec::new();
    for _ in 0..16 {
        let record = sample.record();
        batch.extend((record.len() as u32).to_le_bytes());
        batch.extend(record);
    }
    batch
}

async fn ask(store: &EventStore) -> Result<(), Failure> {
    use Dimension as D;
    let questions: [&[Dimension]; 6] = [
        &[],
        &[D::Day],
        &[D::Publisher],
        &[D::Hour, D::Country],
        &[D::Publisher, D::SubId],
        &[D::Ip],
    ];
    for group_by in questions.into_iter().chain([&[D::Publisher][..]]) {
        let query = ReportQuery {
            from: NOW,
            to: NOW.plus_ms(40 * 86_400_000),
            tz: "Europe/Berlin".to_owned(),
            group_by: group_by.to_vec(),
            filters: Vec::new(),
            offset: 0,
            limit: 10,
        };
        let start = Instant::now();
        let report = store.reports().clicks(ACCOUNTS[0], &query).await;
        let ms = start.elapsed().as_secs_f64() * 1e3;
        match report {
            Ok(report) => println!("report {ms:8.1} ms {group_by:?} {}", report.totals.clicks),
            Err(error) => println!("report {ms:8.1} ms {group_by:?} {error}"),
        }
    }
    let start = Instant::now();
    let query = EventQuery {
        limit: 100,
        ..EventQuery::default()
    };
    let page = store.reader().list(ACCOUNTS[0], &query).await?;
    println!("list   {:8.1} ms", start.elapsed().as_secs_f64() * 1e3);
    let last = page.events.last().ok_or("no events")?.decode()?.event_id;
    let start = Instant::now();
    store.reader().get(ACCOUNTS[0], last).await?;
    println!("get    {:8.1} ms", start.elapsed().as_secs_f64() * 1e3);
    Ok(())
}
