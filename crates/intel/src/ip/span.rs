//! A run of addresses of one family.
//!
//! IPv6 is kept as the upper 64 bits: a subscriber or a server owns a /64, so
//! anything narrower is widened to it (SPEC §3, "IPv6 at /64 or wider").

use std::net::{IpAddr, Ipv6Addr};

use assay_model::facts::canonical_ip;

/// Inclusive run of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Span {
    /// First and last IPv4 address.
    V4(u32, u32),
    /// First and last IPv6 /64.
    V6(u64, u64),
}

/// The upper half of an IPv6 address: its /64.
#[must_use]
pub(crate) fn high64(ip: Ipv6Addr) -> u64 {
    (u128::from(ip) >> 64) as u64
}

impl Span {
    /// One address; an IPv6 address stands for its /64.
    #[must_use]
    pub fn of_ip(ip: IpAddr) -> Self {
        match canonical_ip(ip) {
            IpAddr::V4(v4) => Self::V4(v4.into(), v4.into()),
            IpAddr::V6(v6) => Self::V6(high64(v6), high64(v6)),
        }
    }

    /// A prefix; host bits are ignored, `None` when `bits` is too long for the family.
    #[must_use]
    pub fn of_prefix(ip: IpAddr, bits: u8) -> Option<Self> {
        match ip {
            IpAddr::V4(v4) if bits <= 32 => {
                let host = u32::MAX.checked_shr(bits.into()).unwrap_or(0);
                let first = u32::from(v4) & !host;
                Some(Self::V4(first, first | host))
            }
            IpAddr::V6(v6) if bits <= 128 => Some(Self::of_v6_prefix(v6, bits)),
            _ => None,
        }
    }

    fn of_v6_prefix(v6: Ipv6Addr, bits: u8) -> Self {
        let mapped = matches!(canonical_ip(v6.into()), IpAddr::V4(_)) && bits >= 96;
        if let (true, IpAddr::V4(v4)) = (mapped, canonical_ip(v6.into()))
            && let Some(span) = Self::of_prefix(v4.into(), bits - 96)
        {
            return span;
        }
        let host = u64::MAX.checked_shr(bits.into()).unwrap_or(0);
        let first = high64(v6) & !host;
        Self::V6(first, first | host)
    }

    /// An inclusive range; `None` for mixed families or a last before the first.
    #[must_use]
    pub fn of_range(first: IpAddr, last: IpAddr) -> Option<Self> {
        match (Self::of_ip(first), Self::of_ip(last)) {
            (Self::V4(a, _), Self::V4(b, _)) if a <= b => Some(Self::V4(a, b)),
            (Self::V6(a, _), Self::V6(b, _)) if a <= b => Some(Self::V6(a, b)),
            _ => None,
        }
    }

    /// Whether it is as narrow as IPv4 /24 or IPv6 /48: about these addresses, not a network.
    #[must_use]
    pub const fn is_small(self) -> bool {
        match self {
            Self::V4(first, last) => last - first < 1 << 8,
            Self::V6(first, last) => last - first < 1 << 16,
        }
    }

    /// Whether `ip` lies in it.
    #[must_use]
    pub fn contains(self, ip: IpAddr) -> bool {
        match (self, Self::of_ip(ip)) {
            (Self::V4(a, b), Self::V4(x, _)) => a <= x && x <= b,
            (Self::V6(a, b), Self::V6(x, _)) => a <= x && x <= b,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str, bits: u8) -> Option<Span> {
        Span::of_prefix(text.parse().unwrap(), bits)
    }

    #[test]
    fn prefixes_drop_host_bits_and_widen_to_the_slash_64() {
        assert_eq!(
            prefix("10.1.2.3", 8),
            Some(Span::V4(0x0a00_0000, 0x0aff_ffff))
        );
        assert_eq!(prefix("0.0.0.0", 0), Some(Span::V4(0, u32::MAX)));
        assert_eq!(prefix("10.1.2.3", 33), None);
        let slash64 = Span::V6(0x2001_0db8_0000_0001, 0x2001_0db8_0000_0001);
        assert_eq!(prefix("2001:db8:0:1::5", 128), Some(slash64));
        assert_eq!(prefix("2001:db8:0:1::", 64), Some(slash64));
        assert_eq!(
            prefix("::ffff:10.0.0.0", 104),
            Some(Span::V4(0x0a00_0000, 0x0aff_ffff))
        );
        assert_eq!(prefix("::", 0), Some(Span::V6(0, u64::MAX)));
    }

    #[test]
    fn small_means_slash_24_or_slash_48() {
        assert!(prefix("10.0.0.0", 24).unwrap().is_small());
        assert!(!prefix("10.0.0.0", 23).unwrap().is_small());
        assert!(prefix("2001:db8::", 48).unwrap().is_small());
        assert!(!prefix("2001:db8::", 47).unwrap().is_small());
    }

    #[test]
    fn a_range_has_one_family_and_an_order() {
        let (a, b) = ("1.2.3.4".parse().unwrap(), "1.2.3.9".parse().unwrap());
        assert!(Span::of_range(a, b).is_some());
        assert!(Span::of_range(b, a).is_none());
        assert!(Span::of_range(a, "2001:db8::".parse().unwrap()).is_none());
    }
}
