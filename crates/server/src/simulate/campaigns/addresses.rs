//! Campaigns that their address gives away.

use super::super::event::SimEvent;
use super::super::networks::{inside, nth_address};
use super::super::rng::Rng;
use super::inconspicuous;

fn from_block(rng: &mut Rng, blocks: &[&str]) -> SimEvent {
    let mut event = inconspicuous(rng);
    let block = rng.pick(blocks);
    event.ip = Some(inside(rng, block));
    event
}

/// Rented servers with browsers' names.
pub fn datacenter(rng: &mut Rng) -> SimEvent {
    from_block(
        rng,
        &[
            "52.95.110.0/24",
            "3.80.0.0/14",
            "2600:1f18::/36",
            "34.64.0.0/12",
            "20.42.0.0/17",
            "129.146.0.0/17",
            "47.88.0.0/17",
            "43.152.0.0/18",
            "159.65.0.0/16",
            "45.76.0.0/18",
            "88.198.0.0/16",
            "2a01:4f8::/32",
            "51.68.0.0/16",
            "51.15.0.0/17",
        ],
    )
}

/// Addresses that only lists know: made up, on ordinary consumer lines. Their blocks are
/// none of those that people come from here.
struct Listed {
    kind: &'static str,
    name: &'static str,
    blocks: &'static [&'static str],
    /// How many of each block.
    each: u64,
}

const TOR: Listed = Listed {
    kind: "tor",
    name: "demo-tor-exits",
    blocks: &["217.0.0.0/17", "94.0.0.0/16", "90.224.0.0/16"],
    each: 40,
};
const VPN: Listed = Listed {
    kind: "vpn",
    name: "demo-vpn-exits",
    blocks: &["68.32.0.0/16", "80.8.0.0/16"],
    each: 60,
};
const PROXY: Listed = Listed {
    kind: "proxy",
    name: "demo-open-proxies",
    blocks: &["151.56.0.0/16", "95.120.0.0/16", "125.160.0.0/16"],
    each: 60,
};
const RESIDENTIAL: Listed = Listed {
    kind: "residential",
    name: "demo-residential-proxies",
    blocks: &[
        "100.0.0.0/16",
        "46.88.0.0/16",
        "79.144.0.0/16",
        "178.36.0.0/16",
    ],
    each: 150,
};

impl Listed {
    fn event(&self, rng: &mut Rng) -> SimEvent {
        let mut event = inconspicuous(rng);
        let block = rng.pick(self.blocks);
        event.ip = Some(nth_address(block, rng.below(self.each)));
        event
    }

    fn text(&self) -> String {
        let mut out = format!("# {}: made-up addresses of the simulation\n", self.name);
        for block in self.blocks {
            for nth in 0..self.each {
                out.push_str(&nth_address(block, nth).to_string());
                out.push('\n');
            }
        }
        out
    }
}

/// Files for `assay intel import`: (kind, name, text). Without them the campaigns
/// `vpn_exits`, `open_proxies`, `tor` and `residential_proxies` look like people.
#[must_use]
pub fn lists() -> Vec<(&'static str, &'static str, String)> {
    [TOR, VPN, PROXY, RESIDENTIAL]
        .iter()
        .map(|listed| (listed.kind, listed.name, listed.text()))
        .collect()
}

/// VPN sellers: by their networks, and exits that only a list knows.
pub fn vpn(rng: &mut Rng) -> SimEvent {
    if rng.chance(0.5) {
        return VPN.event(rng);
    }
    from_block(
        rng,
        &[
            "193.32.249.0/24",
            "185.213.154.0/24",
            "193.138.218.0/24",
            "185.159.157.0/24",
        ],
    )
}

/// Proxies anybody can use.
pub fn open_proxy(rng: &mut Rng) -> SimEvent {
    PROXY.event(rng)
}

/// Tor exits.
pub fn tor(rng: &mut Rng) -> SimEvent {
    TOR.event(rng)
}

/// Consumer lines that are sold as proxies.
pub fn residential(rng: &mut Rng) -> SimEvent {
    RESIDENTIAL.event(rng)
}

/// Addresses that nobody can have on the internet.
pub fn unroutable(rng: &mut Rng) -> SimEvent {
    from_block(
        rng,
        &[
            "10.0.0.0/8",
            "192.168.0.0/16",
            "172.16.0.0/12",
            "127.0.0.0/16",
            "169.254.0.0/16",
            "203.0.113.0/24",
            "240.0.0.0/8",
            "fd00::/16",
            "2001:db8::/32",
        ],
    )
}
