//! The data plane's limits.

use assay_model::document::Problem;
use serde::{Deserialize, Serialize};

use super::described::described;

described! {
    /// `[gateway]`
    #[derive(Clone, Debug, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct Gateway {
        /// Lanes, one thread each; 0 = one a core.
        pub lanes: u8,
        /// Most bytes of a request head.
        pub head_bytes: usize,
        /// Most parameters of a request.
        pub params: usize,
        /// Most bytes of one event's body.
        pub event_bytes: usize,
        /// Most lines of a batch.
        pub batch_lines: usize,
        /// Time a decision may take before `on_degraded` answers.
        pub budget_us: u64,
        /// Most open connections.
        pub connections: usize,
        /// Most open connections of one address.
        pub connections_per_address: u32,
        /// Seconds in which a request head must be whole.
        pub head_s: u64,
        /// Seconds a connection may stay open without a request.
        pub idle_s: u64,
        /// Slots of the counter table, 32 bytes each; half as many again as live keys.
        pub counter_slots: usize,
        /// User agents kept in memory.
        pub user_agents: usize,
        /// Hosts whose `{integration id}.clicks.`, `.postbacks.`, `.imp.` and `.rejections.` lead
        /// here, with a port where links need one; those of `listen.public_urls` do too.
        pub public_hosts: Vec<String>,
    }
}

impl Default for Gateway {
    fn default() -> Self {
        let limits = assay_gateway::Limits::default();
        let connections = assay_gateway::GatewayConfig::default();
        Self {
            lanes: 0,
            head_bytes: limits.head_bytes,
            params: limits.params,
            event_bytes: limits.event_bytes,
            batch_lines: limits.batch_lines,
            budget_us: limits.budget_us,
            connections: connections.connections,
            connections_per_address: connections.connections_per_address,
            head_s: connections.head_s,
            idle_s: connections.idle_s,
            counter_slots: 15_000_000,
            user_agents: assay_intel::ua::UaCache::CAPACITY_DEFAULT,
            public_hosts: Vec::new(),
        }
    }
}

impl Gateway {
    pub fn check(&self, problems: &mut Vec<Problem>) {
        let mut range = |field: &str, value: u64, low: u64, high: u64| {
            if !(low..=high).contains(&value) {
                problems.push(Problem::new(
                    format!("gateway.{field}"),
                    format!("is {value}, must be {low} to {high}"),
                ));
            }
        };
        range("lanes", u64::from(self.lanes), 0, 63);
        range("head_bytes", self.head_bytes as u64, 1024, 1 << 20);
        range("params", self.params as u64, 16, 10_000);
        range("event_bytes", self.event_bytes as u64, 1024, 16 << 20);
        range("batch_lines", self.batch_lines as u64, 1, 1_000_000);
        range("budget_us", self.budget_us, 100, 1_000_000);
        range("connections", self.connections as u64, 1, 1_000_000);
        range(
            "connections_per_address",
            u64::from(self.connections_per_address),
            1,
            1_000_000,
        );
        range("head_s", self.head_s, 1, 300);
        range("idle_s", self.idle_s, 1, 3600);
        range("counter_slots", self.counter_slots as u64, 1024, 1 << 32);
        range("user_agents", self.user_agents as u64, 1024, 1 << 28);
        for host in self.public_hosts.iter().filter(|host| !is_host(host)) {
            problems.push(Problem::new(
                "gateway.public_hosts",
                format!("{host:?} must be a host like traffic.example, without https:// or path"),
            ));
        }
    }

    /// Lanes to start.
    pub fn lane_count(&self) -> u8 {
        match self.lanes {
            0 => std::thread::available_parallelism().map_or(1, |n| n.get().min(63) as u8),
            lanes => lanes,
        }
    }

    /// The limits as the data plane takes them.
    pub fn limits(&self) -> assay_gateway::Limits {
        assay_gateway::Limits {
            head_bytes: self.head_bytes,
            params: self.params,
            event_bytes: self.event_bytes,
            batch_lines: self.batch_lines,
            budget_us: self.budget_us,
            ..assay_gateway::Limits::default()
        }
    }

    /// The limits of connections as the data plane takes them.
    pub const fn connections(&self) -> assay_gateway::GatewayConfig {
        assay_gateway::GatewayConfig {
            connections: self.connections,
            connections_per_address: self.connections_per_address,
            head_s: self.head_s,
            idle_s: self.idle_s,
        }
    }
}

/// Whether a text is a host name, with or without a port.
fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').unwrap_or((text, "80"));
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || c == b'-')
    };
    name.split('.').all(label) && port.parse::<u16>().is_ok_and(|port| port > 0)
}
