//! The shape of a network: how much it announces, in how many pieces and countries.
//!
//! Sellers of servers rent scattered /24s that are registered all over the world;
//! access networks hold a few wide allocations in one country.

use std::collections::BTreeMap;

use assay_model::facts::Country;

/// Numbers about one network.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    /// Runs of IPv4 addresses, and of them /24s.
    pub(crate) runs: u64,
    pub(crate) slash24: u64,
    pub(crate) addresses: u64,
    /// Distinct first octets, one bit each.
    eighths: [u64; 4],
    /// Addresses by the country of their run's first.
    countries: BTreeMap<Option<Country>, u64>,
    /// IPv6 runs and the widest, in /64s.
    pub(crate) v6_runs: u64,
    pub(crate) v6_max: u64,
}

impl Shape {
    /// Counts an IPv4 run.
    pub(crate) fn add_v4(&mut self, first: u32, size: u64, country: Option<Country>) {
        self.runs += 1;
        self.slash24 += u64::from(size == 256);
        self.addresses += size;
        let octet = (first >> 24) as usize;
        self.eighths[octet / 64] |= 1 << (octet % 64);
        *self.countries.entry(country).or_default() += size;
    }

    /// Counts an IPv6 run.
    pub(crate) fn add_v6(&mut self, size: u64) {
        self.v6_runs += 1;
        self.v6_max = self.v6_max.max(size);
    }

    /// Number of distinct first octets.
    pub(crate) fn spread(&self) -> u64 {
        self.eighths.iter().map(|b| u64::from(b.count_ones())).sum()
    }

    /// Number of known countries.
    pub(crate) fn country_count(&self) -> u64 {
        self.countries.keys().flatten().count() as u64
    }

    /// The country with most addresses, and how many those are.
    pub(crate) fn main_country(&self) -> (Option<Country>, u64) {
        // Of equals the first, as the script that fits the points does.
        let main = self
            .countries
            .iter()
            .rev()
            .max_by_key(|(_, addresses)| **addresses);
        main.map_or((None, 0), |(country, addresses)| (*country, *addresses))
    }
}
