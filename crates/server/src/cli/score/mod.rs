//! `assay score`: one verdict line per event, in input order.
//!
//! Three threads in a row: read and split, judge, write. Windows are in event time, so a
//! day of log lines is judged as the day it was. A conversion is matched to a click that
//! stands before it in the input.

mod again;
mod input;
mod lessons;
mod summary;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;

use assay_gateway::{FileClicks, NoOutbox, Scratch, Times, answer_json, decide_in_file};
use assay_model::{Clock, SystemClock};
use assay_store::embedded::counters::CounterTable;
use clap::Args;

use super::DataArgs;
use crate::offline;
use again::Answers;
use input::{Chunk, Format, Line};
use lessons::Lessons;
use summary::Summary;

#[derive(Debug, Args)]
pub struct ScoreArgs {
    /// Form of the input; default: by the file's name and first line.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Rules to judge by (TOML or JSON); default: the default rule.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Only the summary, no verdict lines.
    #[arg(long)]
    summary_only: bool,
    /// Slots of the counter table, 32 bytes each.
    #[arg(long, default_value_t = 15_000_000)]
    counter_slots: usize,
    /// Clicks, and conversions, that are remembered for matching: under a kilobyte each.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    clicks: usize,
    /// The events: a file (gzip too), or `-`.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    data: DataArgs,
}

pub fn run(args: &ScoreArgs) -> anyhow::Result<ExitCode> {
    let config = args.data.load()?;
    // Judging without the lists that were meant must not look like judging with them.
    if let Some(data) = args.data.data.as_ref().filter(|data| !data.is_dir()) {
        let name = data.display();
        eprintln!("assay: there is no data folder {name}: only built-in intelligence is used");
    }
    let rules = args
        .rules
        .as_deref()
        .map(offline::rules_of)
        .transpose()?
        .unwrap_or_default();
    let now = SystemClock::default().now();
    let intel = offline::intelligence(&config.storage.dir, now.0)?;
    let engine = offline::engine(intel, &rules, Vec::new(), args.counter_slots)?;
    let input = input::open(&args.file, args.format)?;
    let progress = input.progress.clone();
    // Eight chunks wait at most on either side.
    let (to_judge, chunks) = mpsc::sync_channel(8);
    let (to_write, verdicts) = mpsc::sync_channel::<Vec<u8>>(8);
    let mut summary = Summary::default();
    let written = std::thread::scope(|scope| {
        let reader = scope.spawn(move || input.read(&to_judge));
        let writer = scope.spawn(move || write(&verdicts));
        let mut scorer = Scorer {
            engine: &engine,
            outbox: NoOutbox::default(),
            scratch: Scratch::default(),
            now,
            clicks: FileClicks::new(args.clicks),
            answers: Answers::new(args.clicks),
            lessons: Lessons::of(&engine),
        };
        let mut number = 0;
        for chunk in chunks {
            let out = scorer.chunk(&chunk, &mut number, &mut summary, args.summary_only);
            progress.set_position(chunk.read_bytes);
            progress.set_message(summary.rate());
            if to_write.send(out).is_err() {
                break;
            }
        }
        summary.forgotten = scorer.clicks.forgotten();
        drop(to_write);
        let read = reader
            .join()
            .map_err(|_| anyhow::anyhow!("reading ended by a panic"))?;
        let written = writer
            .join()
            .map_err(|_| anyhow::anyhow!("writing ended by a panic"))?;
        read.and(written)
    });
    progress.finish_and_clear();
    match written {
        Err(error) if super::is_closed_pipe(&error) => return Ok(ExitCode::SUCCESS),
        other => other?,
    }
    eprint!("{summary}");
    Ok(if summary.bad_lines() > 0 {
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    })
}

fn write(verdicts: &mpsc::Receiver<Vec<u8>>) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for bytes in verdicts {
        out.write_all(&bytes)?;
    }
    out.flush()?;
    Ok(())
}

struct Scorer<'e> {
    engine: &'e assay_gateway::Engine<CounterTable>,
    outbox: NoOutbox,
    scratch: Scratch,
    now: assay_model::Timestamp,
    clicks: FileClicks,
    answers: Answers,
    lessons: Lessons,
}

impl Scorer<'_> {
    fn chunk(
        &mut self,
        chunk: &Chunk,
        number: &mut u64,
        summary: &mut Summary,
        quiet: bool,
    ) -> Vec<u8> {
        let mut out = Vec::with_capacity(chunk.lines.len() * 256);
        for line in &chunk.lines {
            *number += 1;
            match self.line(line, summary) {
                Ok(Some(answer)) if !quiet => {
                    out.extend_from_slice(answer.to_string().as_bytes());
                    out.push(b'\n');
                }
                Ok(_) => {}
                Err(error) => {
                    summary.bad(&error.to_string());
                    let mut answer = serde_json::json!({"line": number, "score": -1, "error": error.to_string()});
                    if !error.field.is_empty() {
                        answer["field"] = error.field.into();
                    } else {
                        answer["error"] = error.detail.into();
                    }
                    out.extend_from_slice(answer.to_string().as_bytes());
                    out.push(b'\n');
                }
            }
        }
        out
    }

    fn line(
        &mut self,
        line: &Line,
        summary: &mut Summary,
    ) -> Result<Option<serde_json::Value>, assay_gateway::FieldError> {
        let Some(json) = line.event()? else {
            return Ok(None);
        };
        let event = assay_gateway::NativeEvent::parse(&json)?;
        event.check(Times::Free)?;
        let snapshot = self.engine.policies.load();
        let Some((account, integration)) = snapshot.integration(offline::INTEGRATION) else {
            return Ok(None);
        };
        // Event time rules: ids, windows and expiries are those of the event's own moment.
        let at = event.time().unwrap_or(self.now);
        let hit = event.hit(offline::ACCOUNT, offline::INTEGRATION, at, None);
        let of = event.integration_id;
        let conversion = hit.event.is_conversion();
        let keys = conversion.then(|| self.clicks.keys(&hit, of)).flatten();
        if let Some(mut first) = keys.as_ref().and_then(|keys| self.answers.find(keys)) {
            summary.again += 1;
            first["id"] = event.caller_id().into();
            first["duplicate"] = true.into();
            return Ok(Some(first));
        }
        let answer = offline::now(decide_in_file(
            self.engine,
            &self.outbox,
            &mut self.scratch,
            (account, integration),
            hit,
            (&mut self.clicks, of),
            |decision| {
                summary.add(decision);
                self.lessons
                    .learn(account, integration, decision, event.outcome());
                answer_json(decision, event.caller_id())
            },
        ));
        if let Some(keys) = keys {
            self.answers.keep(&keys, &answer);
        }
        Ok(Some(answer))
    }
}
