//! The words of the domain: what every other crate talks about.
//!
//! Pure: no runtime, no HTTP, no SQL, no clock. What is checked on save or shared by
//! the data plane and the console lives here; see `docs/ARCHITECTURE.md`.

pub mod base32;
pub mod click;
pub mod document;
pub mod facts;
pub mod hit;
mod ids;
pub mod ledger;
pub mod ports;
pub mod postback;
pub mod reason;
pub mod recall;
pub mod record;
pub mod render;
pub mod reputation;
pub mod signing;
pub mod sources;
pub mod template;
pub mod testing;
pub mod time;
pub mod transaction;
pub mod verdict;

pub use click::{ClickMatch, ClickSearch, MatchedBy};
pub use facts::Facts;
pub use hit::{EventKind, Field, Hit};
pub use ids::{AccountId, EventId, EventIds, IntegrationId};
pub use reason::{CATALOGUE, Class, FpRisk, Reason, ReasonInfo, Risk, Test};
pub use recall::Recall;
pub use record::EventRecord;
pub use time::{Clock, FakeClock, Span, SystemClock, TimeError, Timestamp};
pub use verdict::{Action, Check, Finding, Mode, Strictness, Verdict};
