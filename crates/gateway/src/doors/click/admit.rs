//! Whether a call is taken: who asks, whose event it is, and which rule judges.

use assay_model::hit::{EventKind, Hit};
use assay_model::ports::CounterStore;

use super::Owner;
use super::call::Call;
use crate::decide::Screening;
use crate::doors::DoorRequest;
use crate::engine::Engine;
use crate::mapping::{self, FieldError};

/// Whether the caller may, and which rule judges.
pub fn check(
    owner: Owner<'_>,
    call: &Call<'_>,
    request: &DoorRequest<'_>,
    from_server: bool,
) -> Result<Screening, FieldError> {
    let integration = owner.integration;
    let refusal = |code, field: &str, detail: &str| {
        Err(FieldError {
            code,
            field: field.to_owned(),
            detail: detail.to_owned(),
        })
    };
    if !integration.key_fits(call.key.or(request.key)) {
        return refusal("bad_key", "key", "is missing or not this integration's");
    }
    // Visitors come from anywhere; the list is of servers.
    if from_server && !integration.admits(request.peer) {
        return refusal(
            "source",
            "",
            "the caller's address is not on the integration's allowed_sources",
        );
    }
    if !integration.is_active() {
        return Ok(Screening::Off);
    }
    let Some(group) = call.filter_group.filter(|_| from_server) else {
        return Ok(Screening::ByScope);
    };
    let rules = owner.account.rules(integration.settings.kind);
    let known = |id: &u64| rules.by_id(*id, integration.id.0).is_some();
    match group.parse().ok().filter(known) {
        Some(id) => Ok(Screening::ByRule(id)),
        None => refusal(
            "malformed",
            "filter_group",
            "is no rule in use of this integration",
        ),
    }
}

/// Whose event it is and when it happened: told by a server, seen of a visitor.
pub fn place_hit<C: CounterStore>(
    engine: &Engine<C>,
    hit: &mut Hit<'_>,
    call: &Call<'_>,
    request: &DoorRequest<'_>,
    from_server: bool,
) -> Result<(), FieldError> {
    if !from_server {
        hit.ip = Some(request.peer);
        return Ok(());
    }
    let name = |click, impression| match hit.event {
        EventKind::Impression => impression,
        _ => click,
    };
    let (ip_name, time_name) = (
        name("click_ip", "impression_ip"),
        name("click_time", "impression_time"),
    );
    if let Some(text) = call.ip {
        hit.ip = Some(mapping::address(ip_name, text)?);
    }
    if let Some(text) = call.time {
        hit.time = mapping::time(time_name, text, hit.received, &engine.limits)?;
    }
    Ok(())
}
