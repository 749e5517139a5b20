//! Blocks of relay operators around listed relay ranges.
//!
//! Relay lists are never complete, and a missed relay address means a blocked
//! person: an address in the same IPv4 /16 or IPv6 /32 and the same network as a
//! listed relay range is taken for relay.
//!
//! Source: SPEC §3 ("Relay lists are never complete").

use std::collections::{BTreeMap, BTreeSet};

use super::layers::{Layer, Runs};
use crate::ip::Span;
use crate::ip::flat::{Key, NONE, value_at};

/// Blocks, and for each which networks in it are the relay's.
#[derive(Default)]
pub(super) struct RelayBlocks {
    pub(super) layer: Layer,
    networks: Vec<BTreeSet<u32>>,
}

impl RelayBlocks {
    /// Finds the blocks of every listed relay range.
    pub(super) fn of(relay: &Layer, network: &Layer) -> Self {
        let mut blocks: BTreeMap<Span, BTreeSet<u32>> = BTreeMap::new();
        each_block(&relay.v4, &network.v4, 16, |block, id| {
            let first = (block as u32) << 16;
            blocks
                .entry(Span::V4(first, first | 0xffff))
                .or_default()
                .insert(id);
        });
        each_block(&relay.v6, &network.v6, 32, |block, id| {
            let first = block << 32;
            blocks
                .entry(Span::V6(first, first | 0xffff_ffff))
                .or_default()
                .insert(id);
        });
        let (mut runs, mut networks) = (Runs::default(), Vec::new());
        for (span, ids) in blocks {
            let at = networks.iter().position(|n| *n == ids).unwrap_or_else(|| {
                networks.push(ids);
                networks.len() - 1
            });
            runs.push(span, at as u32);
        }
        Self {
            layer: runs.flatten(),
            networks,
        }
    }

    /// Whether `network` is the relay's own in this block.
    pub(super) fn holds(&self, block: u32, network: u32) -> bool {
        self.networks
            .get(block as usize)
            .is_some_and(|n| n.contains(&network))
    }
}

/// Calls `found(block number, network)` for every block a listed range touches.
fn each_block<K: Key + Into<u64>>(
    relay: &[(K, u32)],
    network: &[(K, u32)],
    bits: u32,
    mut found: impl FnMut(u64, u32),
) {
    for (at, &(start, value)) in relay.iter().enumerate() {
        if value == NONE {
            continue;
        }
        let id = value_at(network, start);
        let last = relay
            .get(at + 1)
            .map_or(start.into(), |next| next.0.into() - 1);
        let (first_block, last_block) = (start.into() >> bits, last >> bits);
        // A list wide enough to span this many blocks describes them itself.
        if id != NONE && last_block - first_block <= 4096 {
            (first_block..=last_block).for_each(|block| found(block, id));
        }
    }
}
