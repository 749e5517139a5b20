//! What a scored file comes to, by risk, reason and source.

use std::collections::HashMap;
use std::fmt;
use std::time::Instant;

use assay_gateway::Decision;
use assay_model::hit::Field;
use assay_model::{Reason, Risk};

/// Most sources that are told apart; the rest are one.
const SOURCES_MAX: usize = 100_000;
/// Rows shown of each table.
const ROWS: usize = 15;

/// Counts of everything scored so far.
#[derive(Debug)]
pub struct Summary {
    started: Instant,
    events: u64,
    rejected: u64,
    by_risk: [u64; 4],
    by_reason: HashMap<Reason, (u64, u64)>,
    by_source: HashMap<String, (u64, u64)>,
    other_sources: (u64, u64),
    bad: u64,
    first_bad: Option<String>,
    /// Conversions that were there before, and counted then.
    pub again: u64,
    /// Clicks that were forgotten for want of room.
    pub forgotten: u64,
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            events: 0,
            rejected: 0,
            by_risk: [0; 4],
            by_reason: HashMap::new(),
            by_source: HashMap::new(),
            other_sources: (0, 0),
            bad: 0,
            first_bad: None,
            again: 0,
            forgotten: 0,
        }
    }
}

impl Summary {
    /// Counts a verdict.
    pub fn add(&mut self, decision: &Decision<'_, '_>) {
        let verdict = decision.verdict;
        let caught = u64::from(verdict.is_caught());
        self.events += 1;
        self.rejected += caught;
        self.by_risk[verdict.risk as usize] += 1;
        for (at, finding) in verdict.findings.iter().enumerate() {
            let counts = self.by_reason.entry(finding.reason).or_default();
            counts.0 += 1;
            counts.1 += u64::from(at == 0);
        }
        let source = decision.facts.hit.get(Field::Publisher).unwrap_or("(none)");
        let counts = if self.by_source.contains_key(source) || self.by_source.len() < SOURCES_MAX {
            self.by_source.entry(source.to_owned()).or_default()
        } else {
            &mut self.other_sources
        };
        counts.0 += 1;
        counts.1 += caught;
    }

    /// Counts a line that could not be scored.
    pub fn bad(&mut self, error: &str) {
        self.bad += 1;
        self.first_bad.get_or_insert_with(|| error.to_owned());
    }

    /// Lines that could not be scored.
    pub const fn bad_lines(&self) -> u64 {
        self.bad
    }

    /// Events a second so far.
    pub fn rate(&self) -> String {
        format!("{} events/s", grouped(self.per_second()))
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate for people"
    )]
    fn per_second(&self) -> u64 {
        (self.events as f64 / self.started.elapsed().as_secs_f64().max(1e-6)) as u64
    }
}

fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[expect(clippy::cast_precision_loss, reason = "a share for people")]
fn share(part: u64, of: u64) -> String {
    format!("{:.1}%", part as f64 * 100.0 / of.max(1) as f64)
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.events;
        writeln!(
            f,
            "{} events, {} rejected ({}), {}",
            grouped(all),
            grouped(self.rejected),
            share(self.rejected, all),
            self.rate()
        )?;
        if let Some(first) = &self.first_bad {
            writeln!(
                f,
                "{} lines could not be scored; the first: {first}",
                grouped(self.bad)
            )?;
        }
        if self.again > 0 {
            let again = grouped(self.again);
            writeln!(
                f,
                "{again} conversions came again and were answered as before"
            )?;
        }
        if self.forgotten > 0 {
            let forgotten = grouped(self.forgotten);
            writeln!(
                f,
                "warning: {forgotten} clicks were forgotten for newer ones; their conversions found \
                 none (--clicks keeps more)"
            )?;
        }
        writeln!(f, "\n{:<24} {:>14} {:>8}", "risk", "events", "share")?;
        for risk in [Risk::Clean, Risk::Low, Risk::Medium, Risk::High] {
            let n = self.by_risk[risk as usize];
            writeln!(
                f,
                "{:<24} {:>14} {:>8}",
                risk.as_str(),
                grouped(n),
                share(n, all)
            )?;
        }
        writeln!(f, "\n{:<24} {:>14} {:>14}", "reason", "events", "as main")?;
        let mut reasons: Vec<_> = self.by_reason.iter().collect();
        reasons.sort_by_key(|(reason, (n, _))| (std::cmp::Reverse(*n), **reason));
        for (reason, (n, main)) in reasons.into_iter().take(ROWS) {
            writeln!(
                f,
                "{:<24} {:>14} {:>14}",
                reason.code(),
                grouped(*n),
                grouped(*main)
            )?;
        }
        writeln!(
            f,
            "\n{:<24} {:>14} {:>14} {:>8}",
            "source (publisher)", "events", "rejected", "share"
        )?;
        let mut sources: Vec<_> = self.by_source.iter().collect();
        sources.sort_by_key(|(name, (n, _))| (std::cmp::Reverse(*n), name.as_str()));
        let rest = sources.len().saturating_sub(ROWS);
        for (name, (n, rejected)) in sources.into_iter().take(ROWS) {
            let name: String = name.chars().filter(|c| !c.is_control()).take(24).collect();
            writeln!(
                f,
                "{name:<24} {:>14} {:>14} {:>8}",
                grouped(*n),
                grouped(*rejected),
                share(*rejected, *n)
            )?;
        }
        if rest > 0 {
            writeln!(f, "… and {} more", grouped(rest as u64))?;
        }
        let (n, rejected) = self.other_sources;
        if n > 0 {
            writeln!(
                f,
                "{:<24} {:>14} {:>14} {:>8}",
                "(sources past 100,000)",
                grouped(n),
                grouped(rejected),
                share(rejected, n)
            )?;
        }
        Ok(())
    }
}
