//! What the console is made of: ports, clock, randomness and settings.
//!
//! The server builds one [`ConsoleState`] and hands it to [`crate::router`]; nothing in
//! this crate names a backend.

use std::net::IpAddr;
use std::sync::Arc;

use assay_model::ports::{
    ControlStore, ConversionReader, ErrorLog, EventReader, EventScan, IntelView, Ledger,
    PolicyPublisher, PostbackQueue, ReportReader, SourceDesk,
};
use assay_model::{Clock, EventRecord};

use crate::auth::{PasswordCost, Setup};

/// Everything the console needs of the outside.
#[derive(Clone)]
pub struct ConsoleState {
    /// Control data.
    pub control: Arc<dyn ControlStore>,
    /// Events, one or the newest.
    pub events: Arc<dyn EventReader>,
    /// Our ids of clicks.
    pub click_ids: Arc<dyn ClickIds>,
    /// Events, many in one go.
    pub scan: Arc<dyn EventScan>,
    /// Reports.
    pub reports: Arc<dyn ReportReader>,
    /// Conversions and their history.
    pub ledger: Arc<dyn Ledger>,
    /// Conversion reports.
    pub conversions: Arc<dyn ConversionReader>,
    /// What receivers are owed and were told.
    pub postbacks: Arc<dyn PostbackQueue>,
    /// Sources as they stand, and what was decided about them.
    pub sources: Arc<dyn SourceDesk>,
    /// The integrations' error log.
    pub errors: Arc<dyn ErrorLog>,
    /// Intelligence, to look at.
    pub intel: Arc<dyn IntelView>,
    /// Puts a saved change in force.
    pub publisher: Arc<dyn PolicyPublisher>,
    /// Readiness and metrics of the whole process.
    pub health: Arc<dyn Health>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness of tokens and sessions.
    pub random: Arc<dyn Random>,
    /// The one-time set-up link, when one is open.
    pub setup: Arc<Setup>,
    /// Settings.
    pub settings: Settings,
}

/// Settings of the console listener.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Public base URLs of the data plane (`https://eu.clicks.example`), without a final
    /// slash; the first is the one that the API names.
    pub data_urls: Vec<String>,
    /// Scheme and host of the links that name their integration in the host
    /// (`{id}.clicks.HOST`); empty = links name it in the path.
    pub host_urls: Vec<(&'static str, String)>,
    /// Whether browsers reach the console over HTTPS: sets `Secure` and `__Host-` on the cookie.
    pub https: bool,
    /// Largest request body of the management API, in bytes.
    pub body_bytes_max: usize,
    /// Most rules of one account.
    pub rules_max: usize,
    /// Most reports of one account that run at once.
    pub reports_parallel: usize,
    /// Work that one password check costs.
    pub passwords: PasswordCost,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_urls: vec!["http://127.0.0.1:8080".to_owned()],
            host_urls: Vec::new(),
            https: false,
            body_bytes_max: 16 * 1024 * 1024,
            rules_max: 1000,
            reports_parallel: 4,
            passwords: PasswordCost::default(),
        }
    }
}

/// Our ids of clicks and impressions. Records do not hold them: sealing one again gives the
/// same text.
pub trait ClickIds: Send + Sync {
    /// The id that the event was answered with; `None` = it cannot be made.
    fn of(&self, record: &EventRecord<'_>) -> Option<String>;
}

/// How the process is doing, for `/readyz` and `/metrics`.
pub trait Health: Send + Sync {
    /// Whether the process can do its work.
    fn ready(&self) -> Readiness;
    /// The metrics page, in Prometheus text form.
    fn metrics(&self) -> String;
}

/// An answer to "can it do its work?".
#[derive(Clone, Debug)]
pub struct Readiness {
    /// Whether it can.
    pub ready: bool,
    /// State of each part, for people.
    pub detail: serde_json::Value,
}

/// Where randomness comes from.
pub trait Random: Send + Sync {
    /// Fills `out` with unpredictable bytes.
    ///
    /// # Errors
    /// When the system gives none; then no token may be made.
    fn fill(&self, out: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random bytes")]
pub struct NoRandomness;

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), NoRandomness> {
        getrandom::fill(out).map_err(|_| NoRandomness)
    }
}

/// Random text of `N` bytes in base32.
pub(crate) fn random_text<const N: usize>(random: &dyn Random) -> Result<String, NoRandomness> {
    let mut bytes = [0u8; N];
    random.fill(&mut bytes)?;
    let mut text = String::with_capacity(N * 2);
    assay_model::base32::encode_into(&bytes, &mut text);
    Ok(text)
}

/// The visitor's address, when a layer of the server has worked it out (trusted proxies).
///
/// Put into the request's extensions; without it the socket's address counts.
#[derive(Clone, Copy, Debug)]
pub struct ClientIp(pub IpAddr);
