//! What clicks are found by, as hashes. Stored in sidecars: they never change.

use assay_model::{AccountId, EventId, EventKind, IntegrationId};
use smallvec::SmallVec;
use twox_hash::XxHash3_64;

/// Our own ids and callers' ids share tables; different seeds keep them apart.
const OWN: u64 = 1;
const EXTERNAL: u64 = 2;

/// Whether the index knows events of this kind.
pub fn is_indexed(kind: EventKind) -> bool {
    matches!(kind, EventKind::Click | EventKind::Impression)
}

/// Our own id.
pub fn own(account: AccountId, id: EventId) -> u64 {
    let mut bytes = [0; 14];
    bytes[..4].copy_from_slice(&account.0.to_le_bytes());
    bytes[4..].copy_from_slice(&id.0);
    XxHash3_64::oneshot_with_seed(OWN, &bytes)
}

/// The caller's id, which is its own within an integration.
pub fn external(account: AccountId, integration: IntegrationId, id: &str) -> u64 {
    let mut bytes = SmallVec::<[u8; 128]>::new();
    bytes.extend_from_slice(&account.0.to_le_bytes());
    bytes.extend_from_slice(&integration.0.to_le_bytes());
    bytes.extend_from_slice(id.as_bytes());
    XxHash3_64::oneshot_with_seed(EXTERNAL, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_what_sidecars_on_disk_have() {
        let id = EventId([7; 10]);
        assert_eq!(own(AccountId(3), id), 0x236e_e7eb_5954_2786);
        let external = external(AccountId(3), IntegrationId(4), "tx-1");
        assert_eq!(external, 0xeb4b_7643_8186_bed9);
    }
}
