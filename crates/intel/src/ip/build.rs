//! Builds the tables: layers per kind, merged and resolved once.
//!
//! Imported tables of networks and countries go over the built-in ones, which
//! fill what they leave open. Lists of a kind add up.
//!
//! Limits: peak memory is about twice the sources plus the finished tables.

mod layers;
mod networks;
mod places;
mod relay;
mod rows;
mod shapes;

use std::collections::HashMap;

use assay_model::facts::{Basis, NetworkClass};

use self::layers::{Layer, Runs};
use self::networks::Networks;
use self::places::Places;
use self::relay::RelayBlocks;
use self::rows::{Evidence, Rows};
use super::Kind;
use super::belief::Claim;
use super::flat::Flat;
use super::name::{NameFacts, NameRules};
use super::source::{Entry, Place, Source};
use super::strings::{EMPTY, Interner, StrId};
use super::tables::{Both, IpTables};

/// Kinds that claim something about runs of addresses, in layer order.
const CLAIM_KINDS: [Kind; 9] = [
    Kind::Relay,
    Kind::Crawler,
    Kind::Tor,
    Kind::Vpn,
    Kind::Proxy,
    Kind::Residential,
    Kind::Cloud,
    Kind::Hosting,
    Kind::Isp,
];
/// The layer of networks, then that of relay blocks, follow the claims.
const NETWORK: usize = CLAIM_KINDS.len();
const BLOCK: usize = NETWORK + 1;
const LAYERS: usize = BLOCK + 1;

/// Provenance of marks that the network-name rules set.
const NAME_RULES: &str = "as_name@1";

/// Collects sources, then resolves them into [`IpTables`].
pub struct TablesBuilder {
    strings: Interner,
    claims: Vec<Claim>,
    claim_ids: HashMap<Claim, u32>,
    layers: [Runs; CLAIM_KINDS.len()],
    listed: HashMap<(Kind, u32), Claim>,
    networks: Networks,
    places: Places,
}

impl Default for TablesBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl TablesBuilder {
    /// Starts with no table at all, not even the built-in ones.
    #[must_use]
    pub fn new() -> Self {
        Self {
            strings: Interner::new(),
            claims: Vec::new(),
            claim_ids: HashMap::new(),
            layers: Default::default(),
            listed: HashMap::new(),
            networks: Networks::default(),
            places: Places::default(),
        }
    }

    /// Adds a built-in source: imported tables of networks and places go over it.
    pub fn add_builtin(&mut self, source: &Source) -> &mut Self {
        self.add_source(source, true)
    }

    /// Adds an imported source.
    pub fn add(&mut self, source: &Source) -> &mut Self {
        self.add_source(source, false)
    }

    fn add_source(&mut self, source: &Source, builtin: bool) -> &mut Self {
        match source.kind {
            Kind::Asn => self.networks.add(source, builtin, &mut self.strings),
            Kind::Country | Kind::City => self.places.add(source, builtin, &mut self.strings),
            kind => {
                if let Some(layer) = CLAIM_KINDS.iter().position(|&k| k == kind) {
                    self.add_claims(source, layer);
                }
            }
        }
        self
    }

    fn add_claims(&mut self, source: &Source, layer: usize) {
        let list = self.strings.id(&source.list);
        let labels: Vec<StrId> = source
            .values
            .iter()
            .map(|v| self.strings.id(&v.label))
            .collect();
        for entry in &source.entries {
            let class = source
                .value_of(entry)
                .and_then(|v| v.class)
                .unwrap_or(NetworkClass::Isp);
            let label = labels.get(entry.value as usize).copied().unwrap_or(EMPTY);
            let claim = Claim {
                basis: basis(entry),
                label,
                list,
                class,
            };
            match entry.place {
                Place::Asn(number) => {
                    self.listed.insert((source.kind, number), claim);
                }
                Place::Span(span) => {
                    let id = self.claim_id(claim);
                    self.layers[layer].push(span, id);
                }
            }
        }
    }

    fn claim_id(&mut self, claim: Claim) -> u32 {
        *self.claim_ids.entry(claim).or_insert_with(|| {
            self.claims.push(claim);
            self.claims.len() as u32 - 1
        })
    }

    /// Resolves everything added so far.
    #[must_use]
    pub fn build(mut self) -> IpTables {
        let place = self.places.flatten();
        let mut layers: Vec<Layer> = self.layers.iter_mut().map(Runs::flatten).collect();
        let network = self.networks.flatten();
        let mut blocks = RelayBlocks::of(&layers[0], &network);
        layers.push(network);
        layers.push(std::mem::take(&mut blocks.layer));

        let rows = &self.networks.rows;
        let shapes = shapes::of(rows.len(), &layers[NETWORK], &place, &self.places.rows);
        let rules = NameRules::builtin();
        let names = rows.iter().zip(&shapes);
        let names: Vec<NameFacts> = names
            .map(|(n, shape)| rules.judge(n.number, self.strings.get(n.operator), shape))
            .collect();
        let name_list = self.strings.id(NAME_RULES);
        let mut resolved = Rows::new(Evidence {
            claims: &self.claims,
            listed: &self.listed,
            networks: rows,
            names: &names,
            name_list,
            blocks: &blocks,
        });
        let net = Both {
            v4: resolved.resolve_all(&std::array::from_fn(|i| layers[i].v4.as_slice())),
            v6: resolved.resolve_all(&std::array::from_fn(|i| layers[i].v6.as_slice())),
        };
        let (net_rows, marks) = resolved.finish();
        IpTables {
            net,
            place: Both {
                v4: Flat::new(&place.v4),
                v6: Flat::new(&place.v6),
            },
            net_rows,
            marks,
            place_rows: self.places.rows.into_boxed_slice(),
            networks: self.networks.rows.into_boxed_slice(),
            strings: self.strings.finish(),
        }
    }
}

/// How specific an entry is.
fn basis(entry: &Entry) -> Basis {
    match entry.place {
        Place::Asn(_) => Basis::Asn,
        Place::Span(span) if span.is_small() => Basis::Address,
        Place::Span(_) => Basis::Range,
    }
}

#[cfg(test)]
mod tests;
