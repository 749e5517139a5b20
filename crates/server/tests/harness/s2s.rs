//! Calls of the S2S door, parameter by parameter.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};

/// A user agent of a person.
pub const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";

/// A user agent of no person: `1 BN`.
pub const CURL: &str = "curl/8.5.0";

/// An `/ic3.php` call; parameters keep their order.
#[derive(Clone, Debug)]
pub struct Call(pub Vec<(String, String)>);

impl Call {
    /// The example of ClearTrust's S2S guide, for account 1.
    pub fn guide(integration: u64) -> Self {
        Self::of(&[
            ("m", "AF"),
            ("src", "s2s"),
            ("b", "1"),
            ("s", &integration.to_string()),
            ("cid", "19819383"),
            ("ip", "31.13.127.18"),
            ("s1", "10001"),
            ("s2", "20001"),
            ("s3", "S3MACRO"),
            ("s4", "com.myexample.app"),
            ("s5", "1.5.3"),
            (
                "s6",
                "Mozilla/5.0 (iPhone; CPU iPhone OS 13_2_3 like Mac OS X)AppleWebKit/607",
            ),
            ("s7", "tokyo"),
            ("s8", "31.13.127.18,70.41.3.18"),
            ("s9", "123456781234123412341234567890AB"),
            ("s10", "S10MACRO"),
            ("s11", "AEBE52E7-03EE-455A-B3C4-E57283966239"),
        ])
    }

    /// A person's page: `0 CL`. Each call is another person's: one who clicks as fast as a
    /// test does is caught for that.
    pub fn web(integration: u64) -> Self {
        Self::of(&[
            ("m", "AF"),
            ("src", "s2s"),
            ("b", "1"),
            ("s", &integration.to_string()),
            ("cid", "c1"),
            ("ip", &visitor()),
            ("s1", "p1"),
            ("s3", "https://news.example/a"),
            ("s6", IPHONE),
        ])
    }

    fn of(pairs: &[(&str, &str)]) -> Self {
        Self(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    /// With this parameter set, in its place or at the end.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match self.0.iter_mut().find(|(own, _)| own == name) {
            Some((_, own)) => value.clone_into(own),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(own, _)| own != name);
        self
    }

    #[must_use]
    pub fn verbose(self) -> Self {
        self.with("verbose", "1")
    }

    pub fn query(&self) -> String {
        let pairs: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        pairs.join("&")
    }

    pub fn target(&self) -> String {
        format!("/ic3.php?{}", self.query())
    }

    pub fn json(&self) -> String {
        let pairs = self
            .0
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().into()));
        serde_json::Value::Object(pairs.collect()).to_string()
    }
}

/// The address of somebody at home who was not seen yet.
fn visitor() -> String {
    static SEEN: AtomicU32 = AtomicU32::new(0);
    let number = SEEN.fetch_add(1, Ordering::Relaxed);
    Ipv4Addr::from_bits(u32::from(Ipv4Addr::new(86, 128, 0, 1)) + number).to_string()
}

/// Percent-encodes everything but letters and digits.
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
