//! Postbacks out: limits, and where they may go.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use assay_gateway::postbacks::{PostbackConfig, Range};
use assay_model::document::{Problem, list_cidr};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};

use super::Listen;
use super::described::described;

described! {
    /// `[postbacks]`
    #[derive(Clone, Debug, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct Postbacks {
        /// Messages under way at a time.
        pub workers: u32,
        /// Of them, of one postback.
        pub per_postback: u32,
        /// Ports that receivers may have.
        pub ports: Vec<u16>,
        /// Longest wait for a receiver's address.
        pub resolve_ms: u64,
        /// Longest wait for a connection.
        pub connect_ms: u64,
        /// Longest call, from the look-up to the end of the answer.
        pub total_ms: u64,
        /// Most bytes read of an answer.
        pub answer_bytes: usize,
        /// Ranges inside the network that may be called all the same: the operator's receivers.
        pub allow_private: Vec<String>,
        /// Our own public addresses, which are never called. An address that `listen` names is one
        /// of them without being listed.
        pub own_addresses: Vec<String>,
        /// PEM file of certificates trusted beside Mozilla's list.
        pub ca_file: Option<PathBuf>,
        /// Days the delivery log is kept.
        pub log_d: u32,
    }
}

impl Default for Postbacks {
    fn default() -> Self {
        let own = PostbackConfig::default();
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            workers: own.workers,
            per_postback: own.per_postback,
            ports: own.ports,
            resolve_ms: ms(own.resolve),
            connect_ms: ms(own.connect),
            total_ms: ms(own.total),
            answer_bytes: own.body_bytes,
            allow_private: Vec::new(),
            own_addresses: Vec::new(),
            ca_file: None,
            log_d: 30,
        }
    }
}

impl Postbacks {
    pub fn check(&self, problems: &mut Vec<Problem>) {
        let mut range = |field: &str, value: u64, low: u64, high: u64| {
            if !(low..=high).contains(&value) {
                problems.push(Problem::new(
                    format!("postbacks.{field}"),
                    format!("is {value}, must be {low} to {high}"),
                ));
            }
        };
        range("workers", self.workers.into(), 1, 10_000);
        range("per_postback", self.per_postback.into(), 1, 1000);
        range("resolve_ms", self.resolve_ms, 10, 60_000);
        range("connect_ms", self.connect_ms, 10, 60_000);
        range("total_ms", self.total_ms, 100, 120_000);
        range("answer_bytes", self.answer_bytes as u64, 1024, 16 << 20);
        range("log_d", self.log_d.into(), 1, 400);
        if self.ports.is_empty() || self.ports.contains(&0) {
            let detail = "must name at least one port, each 1 to 65535";
            problems.push(Problem::new("postbacks.ports", detail));
        }
        for (field, ranges) in [
            ("postbacks.allow_private", &self.allow_private),
            ("postbacks.own_addresses", &self.own_addresses),
        ] {
            for range in ranges.iter().filter(|range| list_cidr(range).is_none()) {
                let detail = format!("{range:?} is no address or range like 10.0.0.0/8");
                problems.push(Problem::new(field, detail));
            }
        }
    }

    /// The settings as the sender takes them.
    ///
    /// # Errors
    /// When the file of certificates cannot be read.
    pub fn sender(&self, listen: &Listen) -> anyhow::Result<PostbackConfig> {
        let roots = match &self.ca_file {
            None => Vec::new(),
            Some(path) => CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect)
                .with_context(|| format!("postbacks.ca_file {} cannot be read", path.display()))?,
        };
        let read = |ranges: &[String]| ranges.iter().filter_map(|r| list_cidr(r)).collect();
        let mut own_addresses: Vec<Range> = read(&self.own_addresses);
        own_addresses.extend(listening_at(listen));
        Ok(PostbackConfig {
            workers: self.workers,
            per_postback: self.per_postback,
            ports: self.ports.clone(),
            resolve: Duration::from_millis(self.resolve_ms),
            connect: Duration::from_millis(self.connect_ms),
            total: Duration::from_millis(self.total_ms),
            body_bytes: self.answer_bytes,
            own_addresses,
            allow_private: read(&self.allow_private),
            roots,
        })
    }
}

/// The addresses that the server is told to listen at; "all" names none.
fn listening_at(listen: &Listen) -> impl Iterator<Item = Range> {
    [&listen.data, &listen.console]
        .into_iter()
        .filter_map(|text| text.parse::<std::net::SocketAddr>().ok())
        .map(|address| address.ip())
        .filter(|ip| !ip.is_unspecified())
        .map(|ip| (ip, if ip.is_ipv4() { 32 } else { 128 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_setting_is_named() {
        let wrong = Postbacks {
            workers: 0,
            ports: vec![],
            allow_private: vec!["10.0.0.0/8".into(), "inside".into()],
            own_addresses: vec!["198.51.100.0/99".into()],
            log_d: 0,
            ..Postbacks::default()
        };
        let mut problems = Vec::new();
        wrong.check(&mut problems);
        let fields: Vec<_> = problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "postbacks.workers",
                "postbacks.log_d",
                "postbacks.ports",
                "postbacks.allow_private",
                "postbacks.own_addresses"
            ]
        );
    }

    #[test]
    fn our_own_addresses_are_known_from_where_we_listen() {
        let listen = Listen {
            data: "198.41.0.9:80".into(),
            console: "0.0.0.0:8081".into(),
            ..Listen::default()
        };
        let made = Postbacks::default().sender(&listen).unwrap();
        assert_eq!(made.own_addresses, [("198.41.0.9".parse().unwrap(), 32)]);
        let missing = Postbacks {
            ca_file: Some("no-such-file.pem".into()),
            ..Postbacks::default()
        };
        let why = missing.sender(&listen).unwrap_err().to_string();
        assert!(why.contains("postbacks.ca_file"), "{why}");
    }
}
