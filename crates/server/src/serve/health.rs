//! Readiness and metrics of the process.
//!
//! Prometheus text, base units; no label can grow without bound, and none is personal.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use assay_console::{Health, Readiness};
use assay_gateway::BUCKETS_US;
use assay_model::Action;
use serde_json::json;

use super::Node;

/// Looks at a node's parts.
pub struct ProcessHealth {
    node: Arc<Node>,
}

impl ProcessHealth {
    /// Watches a node.
    pub fn new(node: &Arc<Node>) -> Self {
        Self {
            node: Arc::clone(node),
        }
    }
}

impl Health for ProcessHealth {
    fn ready(&self) -> Readiness {
        let started = self.node.doors.ready.load(Ordering::Acquire);
        Readiness {
            ready: self.node.spool.healthy() && self.node.ledger.closed().is_none() && started,
            detail: json!({
                "spool": self.spool_words(),
                "counters": if self.node.engine.counters.is_warming() { "warming" } else { "ok" },
                "lost_records": self.lost_records(),
                "ledger": match self.node.ledger.closed() {
                    None => "ok",
                    Some(_) => "a commit failed: restart once the disk is well",
                },
            }),
        }
    }

    fn metrics(&self) -> String {
        let mut out = String::with_capacity(4096);
        self.decisions(&mut out);
        self.storage(&mut out);
        self.intelligence(&mut out);
        self.postbacks(&mut out);
        self.sources(&mut out);
        out
    }
}

/// Appends one metric; writing into a string cannot fail.
fn metric(out: &mut String, kind: &str, name: &str, help: &str, rows: &[(&str, u64)]) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
    for (labels, value) in rows {
        let _ = writeln!(out, "{name}{labels} {value}");
    }
}

impl ProcessHealth {
    /// How records get to the disk. One that is slow or full does not make the process unready:
    /// it still judges and answers, which a balancer that took it out would only end.
    fn spool_words(&self) -> &'static str {
        let steady = &self.node.steady;
        if !self.node.spool.healthy() {
            "an fsync failed: restart once the disk is well"
        } else if steady.lanes_failing.load(Ordering::Relaxed) > 0 {
            "full or failing: records are lost and counted until the disk takes them"
        } else if steady.lanes_buffered.load(Ordering::Relaxed) > 0 {
            "slow: records wait in memory until the disk keeps up"
        } else {
            "ok"
        }
    }

    fn lost_records(&self) -> u64 {
        self.node.engine.stats.lost_records.load(Ordering::Relaxed)
            + self.node.steady.lost_late.load(Ordering::Relaxed)
    }

    fn postbacks(&self, out: &mut String) {
        let postbacks = &self.node.postbacks;
        let stats = &postbacks.sender.stats;
        let load = |value: &std::sync::atomic::AtomicU64| value.load(Ordering::Relaxed);
        metric(
            out,
            "counter",
            "assay_postback_attempts_total",
            "Tries to tell a receiver, by what came of them.",
            &[
                ("{result=\"sent\"}", load(&stats.sent)),
                ("{result=\"failed\"}", load(&stats.failed)),
                ("{result=\"dead\"}", load(&stats.dead)),
            ],
        );
        metric(
            out,
            "gauge",
            "assay_postback_queue",
            "Messages that are still to be sent.",
            &[("", postbacks.waiting())],
        );
        let name = "assay_postback_oldest_age_seconds";
        let age_ms = postbacks.oldest_age_ms(self.node.engine.clock.now());
        let _ = writeln!(
            out,
            "# HELP {name} How long the oldest of them has been due.\n# TYPE {name} gauge\n\
             {name} {}.{:03}",
            age_ms / 1000,
            age_ms % 1000
        );
    }

    fn sources(&self, out: &mut String) {
        let now = self.node.engine.clock.now();
        for (name, kind, help, value) in self.node.sources.stats.rows(now) {
            let _ = writeln!(
                out,
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}"
            );
        }
    }

    fn decisions(&self, out: &mut String) {
        let stats = &self.node.engine.stats;
        let load = |value: &std::sync::atomic::AtomicU64| value.load(Ordering::Relaxed);
        let labels = Action::ALL.map(|action| format!("{{action=\"{}\"}}", action.as_str()));
        let rows: Vec<_> = labels
            .iter()
            .zip(&stats.decisions)
            .map(|(l, v)| (l.as_str(), load(v)))
            .collect();
        metric(
            out,
            "counter",
            "assay_decisions_total",
            "Decisions by what was done.",
            &rows,
        );
        metric(
            out,
            "counter",
            "assay_degraded_total",
            "Decisions that lacked inputs.",
            &[("", load(&stats.degraded))],
        );
        metric(
            out,
            "counter",
            "assay_refused_total",
            "Calls refused before a decision.",
            &[("", load(&stats.refused))],
        );
        metric(
            out,
            "counter",
            "assay_lost_records_total",
            "Records that could not be written.",
            &[("", self.lost_records())],
        );
        metric(
            out,
            "gauge",
            "assay_connections",
            "Open connections of the data plane.",
            &[("", load(&stats.connections))],
        );
        let name = "assay_decision_duration_seconds";
        let _ = writeln!(
            out,
            "# HELP {name} Time a decision took.\n# TYPE {name} histogram"
        );
        let mut sum = 0;
        for (bound, count) in BUCKETS_US.iter().zip(&stats.decision_us) {
            sum += load(count);
            let _ = writeln!(
                out,
                "{name}_bucket{{le=\"{}\"}} {sum}",
                f64::from(*bound) / 1e6
            );
        }
        sum += load(&stats.decision_us[BUCKETS_US.len()]);
        let total_us = load(&stats.decision_us_sum);
        let (seconds, micros) = (total_us / 1_000_000, total_us % 1_000_000);
        let _ = writeln!(
            out,
            "{name}_bucket{{le=\"+Inf\"}} {sum}\n{name}_sum {seconds}.{micros:06}\n{name}_count {sum}"
        );
    }

    fn storage(&self, out: &mut String) {
        let counters = self.node.engine.counters.stats();
        metric(
            out,
            "gauge",
            "assay_spool_bytes",
            "Bytes of the spool on disk.",
            &[("", self.node.spool.disk_bytes())],
        );
        metric(
            out,
            "gauge",
            "assay_spool_healthy",
            "Whether every fsync has worked.",
            &[("", u64::from(self.node.spool.healthy()))],
        );
        metric(
            out,
            "gauge",
            "assay_ledger_open",
            "Whether conversions are taken.",
            &[("", u64::from(self.node.ledger.closed().is_none()))],
        );
        self.back_pressure(out);
        metric(
            out,
            "counter",
            "assay_counter_evictions_total",
            "Counter keys given up for others.",
            &[("", counters.evicted)],
        );
    }

    fn back_pressure(&self, out: &mut String) {
        let steady = &self.node.steady;
        let rows = [
            (
                "counter",
                "assay_spool_stalls_total",
                "Writes of records that took longer than storage.stall_ms.",
                &steady.stalls,
            ),
            (
                "gauge",
                "assay_spool_lanes_buffered",
                "Lanes whose records wait in memory for the disk.",
                &steady.lanes_buffered,
            ),
            (
                "gauge",
                "assay_spool_buffered_bytes",
                "Bytes of records that wait in memory for the disk.",
                &steady.bytes_buffered,
            ),
            (
                "gauge",
                "assay_spool_lanes_failing",
                "Lanes whose records are lost: the disk is full or fails.",
                &steady.lanes_failing,
            ),
        ];
        for (kind, name, help, value) in rows {
            let value = value.load(Ordering::Relaxed);
            metric(out, kind, name, help, &[("", value)]);
        }
    }

    fn intelligence(&self, out: &mut String) {
        let cache = self.node.engine.user_agents.stats();
        metric(
            out,
            "counter",
            "assay_user_agent_cache_total",
            "User agent look-ups.",
            &[
                ("{outcome=\"hit\"}", cache.hits),
                ("{outcome=\"miss\"}", cache.misses),
            ],
        );
        metric(
            out,
            "gauge",
            "assay_intelligence_generation",
            "Swaps of the address tables.",
            &[("", self.node.engine.intel.generation())],
        );
        let Ok(sources) = self.node.intel.status(self.node.engine.clock.now().0) else {
            return;
        };
        let rows: Vec<(String, u64)> = sources
            .iter()
            .filter_map(|s| {
                Some((
                    format!("{{kind=\"{}\",list=\"{}\"}}", s.kind, s.name),
                    s.age_s?,
                ))
            })
            .collect();
        let rows: Vec<_> = rows.iter().map(|(l, v)| (l.as_str(), *v)).collect();
        metric(
            out,
            "gauge",
            "assay_list_age_seconds",
            "Age of each imported list.",
            &rows,
        );
    }
}
