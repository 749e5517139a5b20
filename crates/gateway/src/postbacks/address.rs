//! Which addresses a receiver may have: none of the inside's.
//!
//! Source: standards.md §5.2 (the sets of Svix and Smokescreen, IANA's special-purpose
//! registries). IPv6 turns the question round: only global unicast is outside at all.

use std::net::IpAddr;

use crate::policy::in_range;

/// IPv4 that is no public host.
const INSIDE_V4: [(&str, u8); 16] = [
    ("0.0.0.0", 8),        // this network
    ("10.0.0.0", 8),       // private
    ("100.64.0.0", 10),    // carrier-grade NAT
    ("127.0.0.0", 8),      // loopback
    ("169.254.0.0", 16),   // link-local, cloud metadata
    ("172.16.0.0", 12),    // private
    ("192.0.0.0", 24),     // protocol assignments
    ("192.0.2.0", 24),     // documentation
    ("192.88.99.0", 24),   // 6to4 relays
    ("192.168.0.0", 16),   // private
    ("198.18.0.0", 15),    // benchmarking
    ("198.51.100.0", 24),  // documentation
    ("203.0.113.0", 24),   // documentation
    ("224.0.0.0", 4),      // multicast
    ("240.0.0.0", 4),      // class E, broadcast
    ("168.63.129.16", 32), // a cloud's host agent, on a public address
];

/// IPv6 that is global unicast by its first bits, and yet leads elsewhere.
const INSIDE_V6: [(&str, u8); 5] = [
    ("2001::", 23),         // protocol assignments: Teredo, benchmarking, ORCHID
    ("2001:db8::", 32),     // documentation
    ("2002::", 16),         // 6to4: an IPv4 address in it
    ("3fff::", 20),         // documentation
    ("2620:4f:8000::", 48), // a sink for private reverse look-ups
];

/// Everything else of IPv6 is inside: loopback, mapped and compatible IPv4, NAT64, discard,
/// SRv6, unique local, link-local, multicast, and what is not assigned.
const GLOBAL_V6: (&str, u8) = ("2000::", 3);

/// A range of addresses.
pub type Range = (IpAddr, u8);

/// Which addresses may be connected to.
#[derive(Clone, Debug)]
pub struct AddressPolicy {
    inside: Vec<Range>,
    global_v6: Range,
    own: Vec<Range>,
    allowed: Vec<Range>,
}

impl AddressPolicy {
    /// The built-in sets; `own`: the operator's public addresses, never to be reached;
    /// `allowed`: inside ranges that may be, since the operator's receivers stand there.
    #[must_use]
    pub fn new(own: Vec<Range>, allowed: Vec<Range>) -> Self {
        let read = |(base, bits): &(&str, u8)| base.parse().ok().map(|base| (base, *bits));
        Self {
            inside: INSIDE_V4
                .iter()
                .chain(&INSIDE_V6)
                .filter_map(read)
                .collect(),
            // Without it nothing of IPv6 would be outside: the safe side.
            global_v6: read(&GLOBAL_V6).unwrap_or((IpAddr::from([0; 16]), 128)),
            own,
            allowed,
        }
    }

    /// Whether a connection may be made to this address.
    #[must_use]
    pub fn admits(&self, ip: IpAddr) -> bool {
        let within =
            |ranges: &[Range]| ranges.iter().any(|(base, bits)| in_range(ip, *base, *bits));
        if within(&self.allowed) {
            return true;
        }
        let global = ip.is_ipv4() || in_range(ip, self.global_v6.0, self.global_v6.1);
        global && !within(&self.inside) && !within(&self.own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> AddressPolicy {
        AddressPolicy::new(
            vec![("198.41.0.4".parse().unwrap(), 32)],
            vec![("10.9.0.0".parse().unwrap(), 16)],
        )
    }

    #[test]
    fn every_set_holds_at_its_edges() {
        let inside = [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.170",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "198.41.0.4",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:2::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ];
        for ip in inside {
            assert!(!policy().admits(ip.parse().unwrap()), "{ip}");
        }
        let outside = [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "198.41.0.5",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450::1",
            "10.9.0.1",
        ];
        for ip in outside {
            assert!(policy().admits(ip.parse().unwrap()), "{ip}");
        }
    }
}
