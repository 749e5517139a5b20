//! Turns merged layers into resolved rows, each distinct answer once.

use std::collections::HashMap;

use super::relay::RelayBlocks;
use super::{BLOCK, CLAIM_KINDS, LAYERS, NETWORK};
use crate::ip::Kind;
use crate::ip::belief::{Claim, Claims, MarkRow, Marks, NetRow, narrower, resolve};
use crate::ip::flat::{Flat, Key, NONE, Steps, merge, push_step};
use crate::ip::name::NameFacts;
use crate::ip::strings::StrId;
use crate::ip::tables::NetworkRow;

/// What resolving needs to see.
pub(super) struct Evidence<'a> {
    pub(super) claims: &'a [Claim],
    /// Claims about whole networks.
    pub(super) listed: &'a HashMap<(Kind, u32), Claim>,
    pub(super) networks: &'a [NetworkRow],
    pub(super) names: &'a [NameFacts],
    pub(super) name_list: StrId,
    pub(super) blocks: &'a RelayBlocks,
}

/// Rows found so far.
pub(super) struct Rows<'a> {
    evidence: Evidence<'a>,
    seen: HashMap<[u32; LAYERS], u32>,
    rows: Vec<NetRow>,
    row_ids: HashMap<NetRow, u32>,
    marks: Vec<MarkRow>,
    mark_ids: HashMap<Marks, u32>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(evidence: Evidence<'a>) -> Self {
        Self {
            evidence,
            seen: HashMap::new(),
            rows: Vec::new(),
            row_ids: HashMap::new(),
            marks: Vec::new(),
            mark_ids: HashMap::new(),
        }
    }

    /// Resolves every change of any layer into one array.
    pub(super) fn resolve_all<K: Key>(&mut self, layers: &[&[(K, u32)]; LAYERS]) -> Flat<K> {
        let mut steps = Steps::new();
        merge(layers, |start, values| {
            let row = self.row(values);
            push_step(&mut steps, start, row);
        });
        Flat::new(&steps)
    }

    pub(super) fn finish(self) -> (Box<[NetRow]>, Box<[MarkRow]>) {
        (self.rows.into_boxed_slice(), self.marks.into_boxed_slice())
    }

    fn row(&mut self, values: &[u32; LAYERS]) -> u32 {
        if let Some(&row) = self.seen.get(values) {
            return row;
        }
        let row = match self.evidence.claims_of(values) {
            Some(claims) => {
                let (row, marks) = resolve(&claims);
                self.store(row, marks)
            }
            None => NONE,
        };
        self.seen.insert(*values, row);
        row
    }

    fn store(&mut self, mut row: NetRow, marks: Marks) -> u32 {
        row.marks = marks.len() as u8;
        if row.marks > 0 {
            row.marks_at = *self.mark_ids.entry(marks).or_insert_with_key(|marks| {
                self.marks.extend_from_slice(marks);
                (self.marks.len() - marks.len()) as u32
            });
        }
        *self.row_ids.entry(row).or_insert_with(|| {
            self.rows.push(row);
            self.rows.len() as u32 - 1
        })
    }
}

impl<'a> Evidence<'a> {
    /// All claims about a run; `None` when nothing covers it.
    fn claims_of(&self, values: &[u32; LAYERS]) -> Option<Claims<'a>> {
        let network = values[NETWORK];
        let claims = &values[..CLAIM_KINDS.len()];
        if network == NONE && claims.iter().all(|&v| v == NONE) {
            return None;
        }
        let number = self.networks.get(network as usize).map(|n| n.number);
        let claim = |kind: Kind| {
            let at = CLAIM_KINDS.iter().position(|&k| k == kind)?;
            let range = self.claims.get(values[at] as usize).copied();
            let whole = number.and_then(|n| self.listed.get(&(kind, n)).copied());
            narrower(range, whole)
        };
        Some(Claims {
            network,
            name: self.names.get(network as usize),
            name_list: self.name_list,
            relay: claim(Kind::Relay),
            relay_block: self.blocks.holds(values[BLOCK], network),
            crawler: claim(Kind::Crawler),
            tor: claim(Kind::Tor),
            vpn: claim(Kind::Vpn),
            proxy: claim(Kind::Proxy),
            residential: claim(Kind::Residential),
            cloud: claim(Kind::Cloud),
            hosting: claim(Kind::Hosting),
            isp: claim(Kind::Isp),
        })
    }
}
