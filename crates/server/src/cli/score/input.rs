//! Reading events of any form: NDJSON, CSV, combined access log; gzip too.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;

use anyhow::Context as _;
use assay_gateway::FieldError;
use assay_model::Field;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Form of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON event a line.
    Ndjson,
    /// Comma-separated with a header of our field names.
    Csv,
    /// Combined access log; each line is a page view.
    Clf,
}

/// Longest line that is read.
const LINE_MAX: u64 = 1 << 20;
/// Lines handed on at once.
const CHUNK_LINES: usize = 512;

/// Lines on their way to be judged.
pub struct Chunk {
    pub lines: Vec<Line>,
    /// Bytes of the file read so far, for the progress bar.
    pub read_bytes: u64,
}

/// One line of the input.
pub enum Line {
    /// A JSON event.
    Json(Vec<u8>),
    /// A log line.
    Log(Vec<u8>),
    /// A line that could not be read.
    Bad(String),
}

impl Line {
    /// The line as a JSON event; `None` = blank.
    pub fn event(&self) -> Result<Option<Cow<'_, [u8]>>, FieldError> {
        match self {
            Self::Json(json) if json.trim_ascii().is_empty() => Ok(None),
            Self::Json(json) => Ok(Some(Cow::Borrowed(json))),
            Self::Log(line) if line.trim_ascii().is_empty() => Ok(None),
            Self::Log(line) => {
                log_event(&String::from_utf8_lossy(line)).map(|json| Some(Cow::Owned(json)))
            }
            Self::Bad(error) => Err(FieldError {
                code: "line",
                field: String::new(),
                detail: error.clone(),
            }),
        }
    }
}

/// An open input.
pub struct Input {
    reader: Box<dyn BufRead + Send>,
    name: String,
    format: Format,
    read_bytes: Arc<AtomicU64>,
    pub progress: ProgressBar,
}

/// Counts what is read of the file, compressed or not.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(out)?;
        self.count.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// What Windows programs put before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Opens a file, or standard input for `-`; unpacks gzip.
///
/// # Errors
/// What cannot be read, with the file's name.
pub fn open(path: &Path, format: Option<Format>) -> anyhow::Result<Input> {
    let named = || format!("cannot read {}", path.display());
    let stdin = path == Path::new("-");
    let (raw, size): (Box<dyn Read + Send>, u64) = if stdin {
        (Box::new(std::io::stdin()), 0)
    } else {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let size = file.metadata()?.len();
        (Box::new(file), size)
    };
    let read_bytes = Arc::new(AtomicU64::new(0));
    let counted = Counted {
        inner: raw,
        count: Arc::clone(&read_bytes),
    };
    let mut reader: Box<dyn BufRead + Send> = Box::new(BufReader::with_capacity(1 << 18, counted));
    if reader
        .fill_buf()
        .with_context(named)?
        .starts_with(&[0x1f, 0x8b])
    {
        let unpacked = flate2::bufread::MultiGzDecoder::new(reader);
        reader = Box::new(BufReader::with_capacity(1 << 18, unpacked));
    }
    let start = reader.fill_buf().with_context(named)?;
    let mark = start.starts_with(BYTE_ORDER_MARK);
    let marked = if mark { BYTE_ORDER_MARK.len() } else { 0 };
    let format = format.unwrap_or_else(|| guess(path, &start[marked..]));
    reader.consume(marked);
    Ok(Input {
        reader,
        name: path.display().to_string(),
        format,
        read_bytes,
        progress: progress(size),
    })
}

/// By the name's ending, else by the first byte.
fn guess(path: &Path, start: &[u8]) -> Format {
    let name = path.to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    if name.ends_with(".csv") {
        return Format::Csv;
    }
    if name.ends_with(".ndjson") || name.ends_with(".jsonl") || name.ends_with(".json") {
        return Format::Ndjson;
    }
    match start.trim_ascii_start().first() {
        Some(b'{') | None => Format::Ndjson,
        Some(_)
            if memchr::memchr(b'"', start).is_some() && memchr::memchr(b'[', start).is_some() =>
        {
            Format::Clf
        }
        Some(_) => Format::Csv,
    }
}

fn progress(size: u64) -> ProgressBar {
    let (bar, template) = match size {
        0 => (ProgressBar::new_spinner(), "{spinner} {bytes} {msg}"),
        size => (
            ProgressBar::new(size),
            "{bar:30} {percent:>3}% {msg}, {eta} left",
        ),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(4));
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

impl Input {
    /// Reads everything, chunk by chunk.
    ///
    /// # Errors
    /// What cannot be read, with the file's name; a CSV whose header has none of our names.
    pub fn read(self, chunks: &SyncSender<Chunk>) -> anyhow::Result<()> {
        let read = match self.format {
            Format::Csv => read_csv(self.reader, &self.read_bytes, chunks),
            Format::Ndjson => read_lines(self.reader, &self.read_bytes, chunks, Line::Json),
            Format::Clf => read_lines(self.reader, &self.read_bytes, chunks, Line::Log),
        };
        read.with_context(|| format!("cannot read {}", self.name))
    }
}

fn read_lines(
    mut reader: Box<dyn BufRead + Send>,
    read_bytes: &AtomicU64,
    chunks: &SyncSender<Chunk>,
    make: fn(Vec<u8>) -> Line,
) -> anyhow::Result<()> {
    loop {
        let mut lines = Vec::with_capacity(CHUNK_LINES);
        while lines.len() < CHUNK_LINES {
            let mut line = Vec::with_capacity(512);
            if (&mut reader).take(LINE_MAX).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if line.last() == Some(&b'\n') {
                line.pop();
            } else if line.len() as u64 == LINE_MAX {
                skip_line(&mut reader)?;
                lines.push(Line::Bad(format!("line is over {LINE_MAX} bytes")));
                continue;
            }
            lines.push(make(line));
        }
        let done = lines.is_empty();
        let read_bytes = read_bytes.load(Ordering::Relaxed);
        if done || chunks.send(Chunk { lines, read_bytes }).is_err() {
            return Ok(());
        }
    }
}

fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        let (used, done) = match memchr::memchr(b'\n', buffer) {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        reader.consume(used);
        if done {
            return Ok(());
        }
    }
}

/// Whether a column is a field of events.
fn is_ours(name: &str) -> bool {
    matches!(
        name,
        "ip" | "event" | "time" | "id" | "integration_id" | "outcome"
    ) || Field::parse(name).is_some()
}

fn shorten(name: &str) -> String {
    name.chars().take(40).collect()
}

/// A CSV row becomes a JSON object under the header's names; empty cells are not given.
fn read_csv(
    reader: Box<dyn BufRead + Send>,
    read_bytes: &AtomicU64,
    chunks: &SyncSender<Chunk>,
) -> anyhow::Result<()> {
    let mut csv = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
    let header = csv.headers().context("the CSV header")?.clone();
    anyhow::ensure!(
        header.is_empty() || header.iter().any(|name| is_ours(name.trim())),
        "the CSV header has no name of ours, like ip or user_agent, but {:?}; \
         is it another format (--format) or another separator than a comma?",
        header.iter().take(4).map(shorten).collect::<Vec<_>>()
    );
    let mut lines = Vec::with_capacity(CHUNK_LINES);
    for row in csv.records() {
        lines.push(match row {
            Ok(row) if row.len() != header.len() => Line::Bad(format!(
                "row has {} cells, the header {}",
                row.len(),
                header.len()
            )),
            Ok(row) => {
                let object: serde_json::Map<String, serde_json::Value> = header
                    .iter()
                    .zip(row.iter())
                    .filter(|(name, cell)| !cell.is_empty() || *name == "user_agent")
                    .map(|(name, cell)| (name.trim().to_owned(), cell.into()))
                    .collect();
                Line::Json(serde_json::Value::Object(object).to_string().into_bytes())
            }
            Err(error) => Line::Bad(format!("no CSV: {error}")),
        });
        if lines.len() == CHUNK_LINES {
            let lines = std::mem::replace(&mut lines, Vec::with_capacity(CHUNK_LINES));
            if chunks
                .send(Chunk {
                    lines,
                    read_bytes: read_bytes.load(Ordering::Relaxed),
                })
                .is_err()
            {
                return Ok(());
            }
        }
    }
    let _ = chunks.send(Chunk {
        lines,
        read_bytes: read_bytes.load(Ordering::Relaxed),
    });
    Ok(())
}

/// A combined log line as a page view:
/// `IP - user [10/Oct/2000:13:55:36 -0700] "GET /x HTTP/1.0" 200 23 "referer" "agent"`.
fn log_event(line: &str) -> Result<Vec<u8>, FieldError> {
    let wrong = |field: &str, detail: &str| FieldError {
        code: "line",
        field: field.to_owned(),
        detail: detail.to_owned(),
    };
    let (ip, rest) = line
        .split_once(' ')
        .ok_or_else(|| wrong("", "is no combined log line"))?;
    let (time, rest) = rest
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'))
        .ok_or_else(|| wrong("time", "has no [time]"))?;
    let mut quoted = Quoted { rest };
    let request = quoted
        .next()
        .ok_or_else(|| wrong("url", "has no \"request\""))?;
    let referer = quoted.next();
    let agent = quoted.next();
    let mut event = serde_json::json!({"event": "page_view", "ip": ip});
    event["time"] = log_time(time)
        .ok_or_else(|| wrong("time", "is not like 10/Oct/2000:13:55:36 -0700"))?
        .into();
    if let Some(path) = request.split(' ').nth(1) {
        event["url"] = path.into();
    }
    if let Some(referer) = referer.filter(|text| !matches!(text.as_str(), "" | "-")) {
        event["referer"] = referer.into();
    }
    if let Some(agent) = agent {
        event["user_agent"] = agent.into();
    }
    Ok(event.to_string().into_bytes())
}

/// Texts in double quotes, with backslash escapes undone.
struct Quoted<'l> {
    rest: &'l str,
}

impl Iterator for Quoted<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let start = self.rest.find('"')? + 1;
        let mut text = String::new();
        let mut chars = self.rest[start..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[start + at + 1..];
                    return Some(text);
                }
                '\\' => match chars.next() {
                    Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                    Some((_, other)) => text.extend(['\\', other]),
                    None => break,
                },
                _ => text.push(c),
            }
        }
        self.rest = "";
        Some(text)
    }
}

/// `10/Oct/2000:13:55:36 -0700` as RFC 3339.
fn log_time(text: &str) -> Option<String> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (date, rest) = text.split_once(':')?;
    let mut parts = date.split('/');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let (clock, zone) = rest.split_once(' ').unwrap_or((rest, "+0000"));
    Some(format!("{year}-{month:02}-{day:0>2}T{clock}{zone}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(line: &str) -> serde_json::Value {
        serde_json::from_slice(&log_event(line).unwrap()).unwrap()
    }

    #[test]
    fn a_combined_log_line_is_a_page_view() {
        let seen = event(
            r#"203.0.113.9 - frank [10/Oct/2000:13:55:36 -0700] "GET /a?b HTTP/1.0" 200 2326 "https://x.example/" "Mozilla/4.08 \"q\"""#,
        );
        assert_eq!(
            seen,
            serde_json::json!({"event": "page_view", "ip": "203.0.113.9", "time": "2000-10-10T13:55:36-0700",
                "url": "/a?b", "referer": "https://x.example/", "user_agent": "Mozilla/4.08 \"q\""})
        );
    }

    #[test]
    fn a_dash_is_a_blank_agent_but_no_referer() {
        let seen =
            event(r#"1.2.3.4 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.0" 200 1 "-" "-""#);
        assert_eq!(seen["user_agent"], "-");
        assert!(seen.get("referer").is_none());
    }

    #[test]
    fn a_broken_line_names_what_is_missing() {
        assert_eq!(log_event("1.2.3.4 - - nothing").unwrap_err().field, "time");
        assert_eq!(
            log_event("1.2.3.4 - - [10/Foo/2000:13:55:36] \"GET /\"")
                .unwrap_err()
                .field,
            "time"
        );
        assert!(log_event("rubbish").is_err());
    }

    fn lines_of(name: &str, bytes: &[u8]) -> anyhow::Result<(Format, Vec<Line>)> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join(name);
        std::fs::write(&path, bytes)?;
        let input = open(&path, None)?;
        let format = input.format;
        let (chunks, read) = std::sync::mpsc::sync_channel(8);
        input.read(&chunks)?;
        drop(chunks);
        Ok((format, read.iter().flat_map(|chunk| chunk.lines).collect()))
    }

    #[test]
    fn a_byte_order_mark_hides_no_format_and_no_name() {
        let json = b"\xef\xbb\xbf{\"ip\":\"8.8.8.8\"}\n";
        let (format, lines) = lines_of("events", json).unwrap();
        assert_eq!(format, Format::Ndjson);
        assert!(matches!(&lines[0], Line::Json(json) if json == br#"{"ip":"8.8.8.8"}"#));
        let (format, lines) = lines_of("events.csv", b"\xef\xbb\xbfip\r\n8.8.8.8\r\n").unwrap();
        assert_eq!(format, Format::Csv);
        assert!(matches!(&lines[0], Line::Json(json) if json == br#"{"ip":"8.8.8.8"}"#));
    }

    #[test]
    fn a_table_of_other_things_is_not_judged() {
        for text in ["colour,size\n1,2\n", "event;ip\nclick;8.8.8.8\n", "aaaa\n"] {
            let error = lines_of("a.csv", text.as_bytes()).map(|_| ()).unwrap_err();
            let error = format!("{error:#}");
            assert!(
                error.contains("a.csv: the CSV header has no name of ours"),
                "{error}"
            );
        }
        assert!(lines_of("a.csv", b"").is_ok());
        assert!(lines_of("a.csv", b"user_agent,colour\nx,1\n").is_ok());
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let error = lines_of("a.gz", b"\x1f\x8bxx").map(|_| ()).unwrap_err();
        assert!(format!("{error:#}").contains("a.gz"), "{error:#}");
        let dir = tempfile::tempdir().unwrap();
        let error = open(dir.path(), None).map(|_| ()).unwrap_err();
        assert!(
            format!("{error:#}").contains(&*dir.path().to_string_lossy()),
            "{error:#}"
        );
    }
}
