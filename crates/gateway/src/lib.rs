//! The data plane: events come in, verdicts go out, records are kept.
//!
//! [`decide()`] is the whole path as one short function; read it first. Around it:
//! `ingress` reads requests, `doors` speak the dialects, `mapping` puts what they say
//! under our own names, `enrich` looks intelligence up, `outbox` keeps the record before
//! the answer leaves, `lane` runs it all, one thread a core.

mod address;
mod conn;
mod conversions;
pub mod decide;
mod destination;
mod doors;
mod engine;
mod enrich;
mod headers;
mod ingress;
mod lane;
mod look;
mod mapping;
mod mend;
mod native;
mod network;
mod outbox;
mod policy;
pub mod postbacks;
mod proof;
mod renames;
mod sending;
mod slow;
mod sources;
mod waterfall;

pub use conversions::{Conversions, FileClicks, decide_in_file};
pub use decide::{Course, Decision, Screening, decide, decide_as, foresee};
pub use doors::{Answer, DoorRequest, Doors, Method, Outcomes};
pub use engine::{BUCKETS_US, Engine, EngineStats, Limits};
pub use headers::Headers;
pub use lane::{Gateway, GatewayConfig, Shutdown};
pub use mapping::FieldError;
pub use native::{NativeEvent, Times, answer_json, decide_native};
pub use network::{Network, NetworkDocs};
pub use outbox::{LaneOutbox, NoOutbox, Outbox, Scratch};
pub use policy::{AccountPolicy, IntegrationPolicy, Policies, PolicyError, TokenPolicy};
pub use proof::{AgentKeys, AgentKeysError};
pub use sources::{AccountSources, SourceSnapshots, Taught};

/// What fuzz targets reach and nobody else does.
#[cfg(fuzzing)]
pub mod fuzzing {
    pub use crate::ingress::{Head, ParamBuffer, PlainRequest, read_head};
}
