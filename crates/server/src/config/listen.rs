//! Addresses and public names.

use assay_model::document::{Problem, list_cidr};
use serde::{Deserialize, Serialize};

use super::described::described;

described! {
    /// `[listen]`
    #[derive(Clone, Debug, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct Listen {
        /// The data plane.
        pub data: String,
        /// Console, management API and metrics.
        pub console: String,
        /// Public base URLs of the data plane, first = default; empty = the bound address.
        pub public_urls: Vec<String>,
        /// Whether the console is reached over HTTPS (cookies are then bound to it).
        pub https: bool,
        /// Proxies whose `X-Forwarded-For` is believed.
        pub trusted_proxies: Vec<String>,
    }
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            data: "127.0.0.1:8080".to_owned(),
            console: "127.0.0.1:8081".to_owned(),
            public_urls: Vec::new(),
            https: false,
            trusted_proxies: Vec::new(),
        }
    }
}

impl Listen {
    pub fn check(&self, problems: &mut Vec<Problem>) {
        for (field, value) in [
            ("listen.data", &self.data),
            ("listen.console", &self.console),
        ] {
            if value.parse::<std::net::SocketAddr>().is_err() {
                problems.push(Problem::new(
                    field,
                    format!("{value:?} is not an address and port"),
                ));
            }
        }
        for url in &self.public_urls {
            if !(url.starts_with("https://") || url.starts_with("http://")) || url.ends_with('/') {
                problems.push(Problem::new(
                    "listen.public_urls",
                    format!(
                        "{url:?} must be like https://clicks.example.com, without a closing slash"
                    ),
                ));
            }
        }
        for proxy in &self.trusted_proxies {
            if list_cidr(proxy).is_none() {
                problems.push(Problem::new(
                    "listen.trusted_proxies",
                    format!("{proxy:?} is no address or range"),
                ));
            }
        }
    }
}
