//! The finished tables and the look-up.
//!
//! Two flat arrays per family: `net` (operator, class, marks, already resolved by
//! the order of belief) and `place` (country, city). A look-up searches both and
//! copies; it allocates only for more than two marks.
//!
//! Limits: about 10 bytes per IPv4 step, 14 per IPv6 step, see [`TableSizes`].

use std::net::IpAddr;

use assay_model::facts::{AddressScope, Benign, Country, IpFacts, IpMark, NetworkClass};

use super::belief::{MarkRow, NetRow};
use super::flat::Flat;
use super::span::high64;
use super::strings::{EMPTY, StrId, Strings};

/// Country and city of a run of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PlaceRow {
    pub(crate) country: Option<Country>,
    pub(crate) city: StrId,
}

/// One network: number and operator name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NetworkRow {
    pub(crate) number: u32,
    pub(crate) operator: StrId,
}

/// An array for each family.
#[derive(Debug)]
pub(crate) struct Both {
    pub(crate) v4: Flat<u32>,
    pub(crate) v6: Flat<u64>,
}

impl Both {
    fn get(&self, ip: IpAddr) -> u32 {
        match ip {
            IpAddr::V4(v4) => self.v4.get(v4.into()),
            IpAddr::V6(v6) => self.v6.get(high64(v6)),
        }
    }
}

/// Everything known about addresses: immutable, shared by all lanes.
#[derive(Debug)]
pub struct IpTables {
    pub(crate) net: Both,
    pub(crate) place: Both,
    pub(crate) net_rows: Box<[NetRow]>,
    pub(crate) marks: Box<[MarkRow]>,
    pub(crate) place_rows: Box<[PlaceRow]>,
    pub(crate) networks: Box<[NetworkRow]>,
    pub(crate) strings: Strings,
}

/// How large the tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TableSizes {
    /// Steps of the IPv4 arrays.
    pub v4_steps: usize,
    /// Steps of the IPv6 arrays.
    pub v6_steps: usize,
    /// Distinct resolved rows.
    pub rows: usize,
    /// Networks with a name.
    pub networks: usize,
    /// Bytes held by all arrays.
    pub bytes: usize,
}

impl IpTables {
    /// What is known about `ip`; never fetches, never blocks.
    #[must_use]
    pub fn lookup(&self, ip: IpAddr) -> IpFacts<'_> {
        let mut facts = IpFacts::unknown(ip);
        if facts.scope != AddressScope::Global {
            return facts;
        }
        if let Some(place) = self.place_rows.get(self.place.get(facts.ip) as usize) {
            facts.country = place.country;
            facts.city = self.text(place.city);
        }
        if let Some(row) = self.net_rows.get(self.net.get(facts.ip) as usize) {
            self.fill(&mut facts, row);
        }
        facts
    }

    fn fill<'a>(&'a self, facts: &mut IpFacts<'a>, row: &NetRow) {
        if let Some(network) = self.networks.get(row.network as usize) {
            facts.asn = Some(network.number);
            facts.operator = self.text(network.operator);
        }
        facts.class = row.class;
        facts.benign = row.benign;
        facts.crawler = self.text(row.crawler);
        facts.cloud = self.text(row.cloud);
        let first = row.marks_at as usize;
        let marks = self
            .marks
            .get(first..first + usize::from(row.marks))
            .unwrap_or(&[]);
        facts.marks.extend(marks.iter().map(|m| self.mark(m)));
    }

    fn mark(&self, row: &MarkRow) -> IpMark<'_> {
        IpMark {
            kind: row.kind,
            basis: row.basis,
            weak: row.weak,
            label: self.strings.get(row.label),
            list: self.strings.get(row.list),
        }
    }

    fn text(&self, id: StrId) -> Option<&str> {
        (id != EMPTY).then(|| self.strings.get(id))
    }

    /// Sizes, for status and tests.
    #[must_use]
    pub fn sizes(&self) -> TableSizes {
        let rows = size_of_val(&*self.net_rows)
            + size_of_val(&*self.marks)
            + size_of_val(&*self.place_rows)
            + size_of_val(&*self.networks);
        let arrays = [&self.net, &self.place];
        let flat: usize = arrays.iter().map(|b| b.v4.bytes() + b.v6.bytes()).sum();
        TableSizes {
            v4_steps: self.net.v4.len() + self.place.v4.len(),
            v6_steps: self.net.v6.len() + self.place.v6.len(),
            rows: self.net_rows.len() + self.place_rows.len(),
            networks: self.networks.len(),
            bytes: rows + flat + self.strings.bytes(),
        }
    }
}

impl NetRow {
    /// A row with nothing known.
    pub(crate) const fn empty(network: u32) -> Self {
        Self {
            network,
            class: NetworkClass::Unknown,
            benign: None::<Benign>,
            crawler: EMPTY,
            cloud: EMPTY,
            marks_at: 0,
            marks: 0,
        }
    }
}
