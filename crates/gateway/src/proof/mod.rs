//! What a message proves about who sent it, before anything is judged: the sender's
//! signature over its parameters, and an agent's over the request.
//!
//! The result is text in the event (`signature_state`, `agent_state`), so that the record
//! holds all a verdict used. A message seen before is told by a counter of its signature:
//! what restarts and other nodes know, this knows.

pub mod agents;
mod signature;

use assay_model::ports::CounterStore;
use assay_model::recall::{Bump, Measure};
use assay_model::{AccountId, Hit};

use crate::engine::Engine;

pub use agents::{AgentKeys, AgentKeysError};
pub(crate) use signature::check as check_signature;

/// States as they go into an event.
#[derive(Debug, Default)]
pub struct Proof {
    /// `signature_state`; `None` = signing is off.
    pub signature: Option<String>,
    /// `agent_state`; `None` = no agent says it is one.
    pub agent: Option<String>,
}

impl Proof {
    /// Puts what was seen into the event.
    pub fn tell<'h>(&'h self, hit: &mut Hit<'h>) {
        hit.set(
            assay_model::Field::SignatureState,
            self.signature.as_deref(),
        );
        hit.set(assay_model::Field::AgentState, self.agent.as_deref());
    }
}

/// Whether this print was seen within the window; from now on it was. A store that does not
/// answer says no: traffic fails open.
async fn seen_before<C: CounterStore>(
    engine: &Engine<C>,
    account: AccountId,
    print: u64,
    window_s: u32,
) -> bool {
    let bump = Bump {
        key: print,
        measure: Measure::Count,
        window_s,
        member: 0,
    };
    let mut readings = Vec::with_capacity(1);
    let answer = engine
        .counters
        .recall(account, engine.clock.now(), &[bump], &mut readings)
        .await;
    answer.is_ok() && readings.first().is_some_and(|reading| reading.count > 1)
}

/// A print of these bytes among counter keys of its own kind.
fn print_of(kind: u8, bytes: &[u8]) -> u64 {
    use sha2::Digest as _;
    let mut hash = sha2::Sha256::new();
    hash.update([kind]);
    hash.update(bytes);
    let digest: [u8; 32] = hash.finalize().into();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(first)
}
