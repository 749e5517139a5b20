//! The account's own allow and deny lists, compiled for look-up.
//!
//! A filter never sees a list, only the matches that were found while facts were gathered.
//! Exact values are hashed, ranges are one set per prefix length, substrings are one
//! automaton per list.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use assay_model::document::{
    List, ListEntry, ListField, ListMode, ScopeSubject, list_asn, list_cidr,
};
use assay_model::facts::{IpFacts, ListMatch, canonical_ip};
use assay_model::hit::{Field, Hit};
use assay_model::ports::host_of;

/// All lists of one account.
#[derive(Debug, Default)]
pub struct OwnLists {
    lists: Vec<OwnList>,
}

#[derive(Debug)]
struct OwnList {
    id: u64,
    /// `name@version`, as evidence names it.
    label: String,
    list: List,
    index: Index,
}

/// How a list is searched; values are places in the list's entries.
#[derive(Debug)]
enum Index {
    Ranges {
        lengths: Vec<(bool, u8)>,
        ranges: HashMap<(bool, u8, u128), u32>,
    },
    Asns(HashMap<u32, u32>),
    Exact(HashMap<String, u32>),
    Parts {
        automaton: AhoCorasick,
        places: Vec<u32>,
    },
    Hosts {
        hosts: HashMap<String, u32>,
        parts: Option<(AhoCorasick, Vec<u32>)>,
    },
}

impl OwnLists {
    /// Compiles lists given as (id, version, list).
    ///
    /// # Errors
    /// The list's id and the cause, when an automaton cannot be built.
    pub fn compile(lists: Vec<(u64, u32, List)>) -> Result<Self, (u64, String)> {
        let mut compiled = Vec::with_capacity(lists.len());
        for (id, version, list) in lists {
            let index = Index::build(&list).map_err(|cause| (id, cause))?;
            let label = format!("{}@{version}", list.name);
            compiled.push(OwnList {
                id,
                label,
                list,
                index,
            });
        }
        Ok(Self { lists: compiled })
    }

    /// Whether there is nothing to look up.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// Finds the event's values on the lists that are for its traffic.
    ///
    /// Shape: at most one match per list; entries that have expired do not count.
    pub fn matches<'a>(
        &'a self,
        hit: &Hit<'a>,
        ip: Option<&IpFacts<'a>>,
        out: &mut Vec<ListMatch<'a>>,
    ) {
        for own in &self.lists {
            let subject = ScopeSubject {
                offer: hit.get(Field::Offer),
                advertiser: hit.get(Field::Advertiser),
                publisher: hit.get(Field::Publisher),
                country: ip.and_then(|ip| ip.country),
            };
            if own.list.scope.matches(&subject) {
                out.extend(own.find(hit, ip));
            }
        }
    }
}

impl OwnList {
    fn find<'a>(&'a self, hit: &Hit<'a>, ip: Option<&IpFacts<'a>>) -> Option<ListMatch<'a>> {
        let value_of = |field| hit.get(field).unwrap_or("");
        let (value, place): (&'a str, u32) = match (self.list.field, &self.index) {
            (ListField::Ip, Index::Ranges { lengths, ranges }) => {
                ("", find_range(ip?.ip, lengths, ranges)?)
            }
            (ListField::Asn, Index::Asns(asns)) => ("", *asns.get(&ip?.asn?)?),
            (ListField::Isp, Index::Parts { .. }) => self.find_part(ip?.operator?)?,
            (ListField::UserAgent, _) => self.find_part(value_of(Field::UserAgent))?,
            (ListField::Keyword, _) => self.find_part(value_of(Field::Keyword))?,
            (ListField::DeviceId, Index::Exact(values)) => {
                [Field::DeviceId, Field::Gaid, Field::Idfa]
                    .into_iter()
                    .filter_map(|field| hit.get(field))
                    .find_map(|id| Some((id, *values.get(&id.to_ascii_lowercase())?)))?
            }
            (ListField::Referrer, Index::Hosts { hosts, parts }) => {
                let referer = value_of(Field::Referer);
                (referer, find_host(referer, hosts, parts.as_ref())?)
            }
            (ListField::BundleId, Index::Exact(values)) => {
                exact(values, value_of(Field::BundleId))?
            }
            (ListField::Publisher, Index::Exact(values)) => {
                exact(values, value_of(Field::Publisher))?
            }
            (ListField::SubId, Index::Exact(values)) => exact(values, value_of(Field::SubId))?,
            _ => return None,
        };
        let entry = self.list.entries.get(place as usize)?;
        (!expired(entry, hit)).then(|| ListMatch {
            list_id: self.id,
            deny: self.list.mode == ListMode::Deny,
            field: self.list.field.as_str(),
            // An address or network is what the entry says it is: it needs no second text.
            value: if value.is_empty() {
                &entry.value
            } else {
                value
            },
            entry: &entry.value,
            list: &self.label,
            note: entry.note.as_deref().unwrap_or(""),
        })
    }

    fn find_part<'a>(&self, text: &'a str) -> Option<(&'a str, u32)> {
        let Index::Parts { automaton, places } = &self.index else {
            return None;
        };
        let found = automaton.find(text)?;
        Some((text, *places.get(found.pattern().as_usize())?))
    }
}

fn expired(entry: &ListEntry, hit: &Hit<'_>) -> bool {
    entry.expires.is_some_and(|at| at <= hit.received)
}

fn exact<'a>(values: &HashMap<String, u32>, text: &'a str) -> Option<(&'a str, u32)> {
    Some((text, *values.get(text)?))
}

fn find_range(
    ip: IpAddr,
    lengths: &[(bool, u8)],
    ranges: &HashMap<(bool, u8, u128), u32>,
) -> Option<u32> {
    lengths
        .iter()
        .filter(|(v4, _)| *v4 == ip.is_ipv4())
        .find_map(|&(v4, length)| ranges.get(&(v4, length, prefix(ip, length))).copied())
}

fn prefix(ip: IpAddr, length: u8) -> u128 {
    let (bits, width) = match ip {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    };
    let drop = u32::from(width - length);
    if drop == 128 { 0 } else { bits >> drop }
}

/// The referring host, its parent domains, or a part of the whole address.
fn find_host(
    referer: &str,
    hosts: &HashMap<String, u32>,
    parts: Option<&(AhoCorasick, Vec<u32>)>,
) -> Option<u32> {
    let host = host_of(referer).to_ascii_lowercase();
    let mut rest = host.as_str();
    while !rest.is_empty() {
        if let Some(place) = hosts.get(rest) {
            return Some(*place);
        }
        rest = rest.split_once('.').map_or("", |(_, parent)| parent);
    }
    let (automaton, places) = parts?;
    places
        .get(automaton.find(referer)?.pattern().as_usize())
        .copied()
}

impl Index {
    fn build(list: &List) -> Result<Self, String> {
        let values = || (0u32..).zip(list.entries.iter().map(|entry| entry.value.trim()));
        Ok(match list.field {
            ListField::Ip => Self::ranges(values()),
            ListField::Asn => Self::Asns(
                values()
                    .filter_map(|(at, v)| Some((list_asn(v)?, at)))
                    .collect(),
            ),
            ListField::UserAgent | ListField::Keyword | ListField::Isp => {
                let (automaton, places) = automaton(values())?;
                Self::Parts { automaton, places }
            }
            ListField::DeviceId => Self::Exact(
                values()
                    .map(|(at, v)| (v.to_ascii_lowercase(), at))
                    .collect(),
            ),
            ListField::BundleId | ListField::Publisher | ListField::SubId => {
                Self::Exact(values().map(|(at, v)| (v.to_owned(), at)).collect())
            }
            ListField::Referrer => Self::hosts(values())?,
        })
    }

    fn ranges<'a>(values: impl Iterator<Item = (u32, &'a str)>) -> Self {
        let mut ranges = HashMap::new();
        let mut lengths = HashSet::new();
        for (at, value) in values {
            let Some((ip, length)) = list_cidr(value) else {
                continue;
            };
            // A mapped address is stored, and looked up, as the IPv4 it carries.
            let (ip, length) = match canonical_ip(ip) {
                v4 if v4.is_ipv4() && ip.is_ipv6() => (v4, length.saturating_sub(96)),
                same => (same, length),
            };
            ranges.insert((ip.is_ipv4(), length, prefix(ip, length)), at);
            lengths.insert((ip.is_ipv4(), length));
        }
        let mut lengths: Vec<(bool, u8)> = lengths.into_iter().collect();
        // Longest first: the most specific entry is the one evidence names.
        lengths.sort_by_key(|(v4, length)| (*v4, std::cmp::Reverse(*length)));
        Self::Ranges { lengths, ranges }
    }

    /// A bare host matches itself and its subdomains; anything else is a part of the address.
    fn hosts<'a>(values: impl Iterator<Item = (u32, &'a str)>) -> Result<Self, String> {
        let (hosts, parts): (Vec<_>, Vec<_>) = values.partition(|(_, value)| {
            value.contains('.')
                && value
                    .bytes()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-'))
        });
        let parts = if parts.is_empty() {
            None
        } else {
            Some(automaton(parts.into_iter())?)
        };
        let hosts = hosts
            .into_iter()
            .map(|(at, host)| (host.to_ascii_lowercase(), at))
            .collect();
        Ok(Self::Hosts { hosts, parts })
    }
}

fn automaton<'a>(
    values: impl Iterator<Item = (u32, &'a str)>,
) -> Result<(AhoCorasick, Vec<u32>), String> {
    let (places, patterns): (Vec<u32>, Vec<&str>) = values.unzip();
    AhoCorasickBuilder::new()
        .ascii_case_insensitive(true)
        .build(patterns)
        .map(|automaton| (automaton, places))
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::Timestamp;
    use assay_model::testing::{NOW, facts_of};

    fn lists(field: &str, entries: &[&str]) -> OwnLists {
        let entries: Vec<_> = entries
            .iter()
            .map(|value| serde_json::json!({"value": value}))
            .collect();
        let list = serde_json::from_value(
            serde_json::json!({"name": "own", "field": field, "entries": entries}),
        )
        .unwrap();
        OwnLists::compile(vec![(7, 2, list)]).unwrap()
    }

    fn entry(lists: &OwnLists, change: impl FnOnce(&mut Hit<'static>)) -> Option<String> {
        let mut facts = facts_of(change);
        if let Some(ip) = &mut facts.ip {
            ip.asn = Some(16509);
            ip.operator = Some("Example Telecom AG");
        }
        let mut out = vec![];
        lists.matches(&facts.hit, facts.ip.as_ref(), &mut out);
        out.first().map(|m| format!("{} {}", m.entry, m.list))
    }

    #[test]
    fn every_field_is_compared_in_its_own_way() {
        let ip = |text: &'static str| move |hit: &mut Hit<'static>| hit.ip = text.parse().ok();
        let text = |field, value| move |hit: &mut Hit<'static>| hit.set(field, Some(value));
        let own = lists("ip", &["203.0.113.0/24", "203.0.113.7", "2001:db8::/32"]);
        assert_eq!(
            entry(&own, ip("203.0.113.7")).unwrap(),
            "203.0.113.7 own@2",
            "the narrowest entry"
        );
        assert_eq!(
            entry(&own, ip("203.0.113.8")).unwrap(),
            "203.0.113.0/24 own@2"
        );
        assert!(entry(&own, ip("2001:db8:1::1")).is_some());
        assert!(entry(&own, ip("203.0.114.1")).is_none());
        assert!(entry(&lists("asn", &["AS16509"]), ip("1.2.3.4")).is_some());
        assert!(entry(&lists("isp", &["telecom"]), ip("1.2.3.4")).is_some());
        assert!(
            entry(
                &lists("user_agent", &["Evil/"]),
                text(Field::UserAgent, "Mozilla evil/1")
            )
            .is_some()
        );
        assert!(entry(&lists("device_id", &["ABC"]), text(Field::Gaid, "abc")).is_some());
        assert!(
            entry(
                &lists("bundle_id", &["com.a"]),
                text(Field::BundleId, "com.ab")
            )
            .is_none()
        );
        let referrer = lists("referrer", &["spam.example", "/crack"]);
        assert!(
            entry(
                &referrer,
                text(Field::Referer, "https://www.SPAM.example/x")
            )
            .is_some()
        );
        assert!(entry(&referrer, text(Field::Referer, "https://notspam.example/")).is_none());
        assert!(entry(&referrer, text(Field::Referer, "https://ok.example/crack")).is_some());
    }

    #[test]
    fn scope_and_expiry_are_kept_to() {
        let mut list: List = serde_json::from_value(serde_json::json!({
            "name": "own", "field": "publisher", "entries": [{"value": "p1"}],
            "scope": {"advertisers": {"include": ["a1"]}},
        }))
        .unwrap();
        let of = |list: &List, advertiser: &'static str| {
            let own = OwnLists::compile(vec![(1, 1, list.clone())]).unwrap();
            entry(&own, |hit| {
                hit.set(Field::Publisher, Some("p1"));
                hit.set(Field::Advertiser, Some(advertiser));
            })
            .is_some()
        };
        assert!(of(&list, "a1"));
        assert!(!of(&list, "a2"));
        list.entries[0].expires = Some(NOW);
        assert!(!of(&list, "a1"));
        list.entries[0].expires = Some(Timestamp(NOW.0 + 1));
        assert!(of(&list, "a1"));
    }
}
