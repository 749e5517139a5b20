//! From a hit to facts: every table is looked at, none is waited for.

use assay_intel::ip::IpTables;
use assay_model::facts::{DeviceFacts, Facts, SignalFacts};
use assay_model::hit::{Field, Hit};
use assay_model::ports::CounterStore;

use crate::engine::Engine;
use crate::policy::AccountPolicy;

/// Looks up address, user agent, device ids and the account's own lists.
pub fn enrich<'a, C: CounterStore>(
    engine: &Engine<C>,
    tables: &'a IpTables,
    account: &'a AccountPolicy,
    hit: Hit<'a>,
) -> Facts<'a> {
    let ip = hit.ip.map(|ip| tables.lookup(ip));
    let ua = hit
        .get(Field::UserAgent)
        .map(|text| engine.user_agents.get(text));
    let ids = [Field::DeviceId, Field::Gaid, Field::Idfa].map(|field| hit.get(field));
    let device = if ids.iter().any(Option::is_some) {
        assay_intel::device::facts(ids[0], ids[1], ids[2])
    } else {
        DeviceFacts::default()
    };
    let mut lists = Vec::new();
    if !account.lists.is_empty() {
        account.lists.matches(&hit, ip.as_ref(), &mut lists);
    }
    let intel_version = u32::try_from(engine.intel.generation()).unwrap_or(u32::MAX);
    Facts {
        signals: SignalFacts::of(&hit),
        hit,
        ip,
        ua,
        device,
        lists,
        intel_version,
    }
}
