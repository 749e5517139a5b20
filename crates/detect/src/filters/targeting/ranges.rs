//! Ranges of addresses, flattened: one search, however many there are.

use std::net::IpAddr;

use assay_model::document::list_cidr;

use super::choice::Chosen;

/// Ranges that are wanted and ranges that are not.
#[derive(Debug)]
pub struct RangeChoice {
    include: Ranges,
    exclude: Ranges,
    pub wanted: String,
}

impl RangeChoice {
    /// `None` = nothing is chosen.
    pub fn new(chosen: &Chosen) -> Option<Self> {
        (!chosen.is_empty()).then(|| Self {
            include: Ranges::new(&chosen.include),
            exclude: Ranges::new(&chosen.exclude),
            wanted: chosen.wanted(),
        })
    }

    pub fn admits(&self, ip: IpAddr) -> bool {
        !self.exclude.has(ip) && (self.include.0.is_empty() || self.include.has(ip))
    }
}

/// First and last addresses, sorted, none touching another. IPv4 lies where IPv6 maps it.
#[derive(Debug, Default)]
struct Ranges(Vec<(u128, u128)>);

impl Ranges {
    fn new(texts: &[Box<str>]) -> Self {
        let mut ranges: Vec<(u128, u128)> = texts
            .iter()
            .filter_map(|text| list_cidr(text))
            .map(|(ip, prefix)| {
                let width = if ip.is_ipv4() { 32 } else { 128 };
                let hosts = u128::MAX.checked_shr(128 - (width - u32::from(prefix)));
                let hosts = hosts.unwrap_or(0);
                let first = number(ip) & !hosts;
                (first, first | hosts)
            })
            .collect();
        ranges.sort_unstable();
        let mut merged: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(before) if first <= before.1 => before.1 = before.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    fn has(&self, ip: IpAddr) -> bool {
        let number = number(ip);
        let after = self.0.partition_point(|(first, _)| *first <= number);
        after > 0 && number <= self.0[after - 1].1
    }
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_at_both_ends_of_a_range() {
        let texts = [
            "10.0.0.0/8",
            "10.1.0.0/16",
            "2001:db8::/32",
            "8.8.8.8",
            "0.0.0.0/32",
        ];
        let ranges = Ranges::new(&texts.map(Box::from));
        for (ip, inside) in [
            ("10.0.0.0", true),
            ("10.255.255.255", true),
            ("11.0.0.0", false),
            ("9.255.255.255", false),
            ("8.8.8.8", true),
            ("8.8.8.9", false),
            ("2001:db8:ffff::1", true),
            ("2001:db9::", false),
            ("0.0.0.1", false),
        ] {
            assert_eq!(ranges.has(ip.parse().unwrap()), inside, "{ip}");
        }
        let all = Ranges::new(&["::/0".into()]);
        assert!(
            all.has("1.1.1.1".parse().unwrap()),
            "everything is everything"
        );
        assert!(!Ranges::default().has("1.1.1.1".parse().unwrap()));
    }
}
