//! The sender's signature (`assay_model::signing`), under the integration's settings.

use assay_model::ports::CounterStore;
use assay_model::signing::{SignatureFault, Signing, SigningMode, state};
use assay_model::{AccountId, IntegrationId, Reason};

use super::{print_of, seen_before};
use crate::engine::Engine;
use crate::mapping::FieldError;

/// A message whose signature does not stand.
#[derive(Debug)]
pub struct Refusal {
    /// What to say of it.
    pub reason: Reason,
    /// Field and cause.
    pub cause: FieldError,
    /// Whether the integration's settings refuse it; else it is only listed.
    pub enforced: bool,
}

/// Checks the signature of a message: what goes into the event, and what is wrong with it.
/// Nothing at all where signing is off.
pub async fn check<'p, C: CounterStore>(
    engine: &Engine<C>,
    (account, integration): (AccountId, IntegrationId),
    signing: &Signing,
    params: impl Iterator<Item = (&'p str, &'p str)> + Clone,
) -> (Option<String>, Option<Refusal>) {
    let enforced = match signing.mode {
        SigningMode::Off => return (None, None),
        SigningMode::Report => false,
        SigningMode::Enforce => true,
    };
    let mode = if enforced { "enforce" } else { "report" };
    let signed = match signing.verify(integration, params, engine.clock.now()) {
        Ok(signed) => signed,
        Err(fault) => {
            let (text, reason) = described(&fault);
            let refusal = Refusal {
                reason,
                cause: FieldError {
                    code: "signature",
                    field: fault.field().to_owned(),
                    detail: fault.to_string(),
                },
                enforced,
            };
            return (Some(format!("{mode} {text}")), Some(refusal));
        }
    };
    // A message may come `window_s` early or late, so it is remembered for both.
    let window_s = signing.window_s.saturating_mul(2);
    let print = print_of(b's', &signed.signature);
    if !seen_before(engine, account, print, window_s).await {
        return (
            Some(format!("{mode} {} {}", state::GOOD, signed.key_id)),
            None,
        );
    }
    let refusal = Refusal {
        reason: Reason::Replay,
        cause: FieldError {
            code: "replay",
            field: assay_model::signing::SIGNATURE.to_owned(),
            detail: "was seen before: every message needs a signature of its own".to_owned(),
        },
        enforced,
    };
    let text = format!("{mode} {} {}", state::REPLAY, signed.key_id);
    (Some(text), Some(refusal))
}

fn described(fault: &SignatureFault) -> (String, Reason) {
    match fault {
        SignatureFault::Expired(off_s) => (
            format!("{} - {off_s}", state::EXPIRED),
            Reason::SignatureExpired,
        ),
        _ => (state::INVALID.to_owned(), Reason::SignatureInvalid),
    }
}
