//! Measures the address rules on labelled data outside the repository.
//!
//! `ASSAY_DATA` names a folder with `ip/asn.mmdb`, `ip/country.mmdb` and the `*_dev`
//! lists. Every list is split by the hash of its lines: a tenth is the holdout, which
//! nothing was tuned on. Prints counts, changes nothing.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Instant;

use assay_intel::ip::{IpTables, Kind, Place, Source, Span, builtin, load};
use assay_model::facts::{IpFacts, MarkKind, NetworkClass};
use sha2::{Digest, Sha256};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let Ok(data) = std::env::var("ASSAY_DATA") else {
        eprintln!("ASSAY_DATA IS NOT SET: nothing measured. Set it to the folder of the dev data.");
        std::process::exit(2);
    };
    let data = PathBuf::from(data).join("ip");
    let began = Instant::now();
    let builtin = IpTables::builtin();
    println!(
        "built-in tables: {:?} in {:?}",
        builtin.sizes(),
        began.elapsed()
    );
    let prefixes = prefixes(&data)?;
    speed(&builtin);
    for part in ["train", "holdout"] {
        println!("\n== built-in only, {part}");
        measure(&builtin, &data, part, &prefixes)?;
    }
    let mut tables = builtin::builder();
    for (kind, file) in [(Kind::Asn, "asn.mmdb"), (Kind::Country, "country.mmdb")] {
        tables.add(&read(&data, kind, file)?);
    }
    for (kind, file) in LISTS {
        tables.add(&read(&data, kind, file)?);
    }
    let began = Instant::now();
    let tables = tables.build();
    println!(
        "\nwith all lists: {:?} built in {:?}",
        tables.sizes(),
        began.elapsed()
    );
    speed(&tables);
    println!("== all dev lists loaded, all rows");
    measure(&tables, &data, "all", &prefixes)
}

const LISTS: [(Kind, &str); 8] = [
    (Kind::Cloud, "cloud_ranges_dev.tsv"),
    (Kind::Hosting, "hosting_asns_dev.tsv"),
    (Kind::Isp, "access_asns_dev.tsv"),
    (Kind::Vpn, "vpn_exits_dev.txt"),
    (Kind::Tor, "tor_exits_dev.txt"),
    (Kind::Proxy, "open_proxies_dev.txt"),
    (Kind::Relay, "relay_ranges_dev.txt"),
    (Kind::Crawler, "crawler_ranges_dev.tsv"),
];

fn read(data: &Path, kind: Kind, file: &str) -> Result<Source, Failure> {
    let bytes = std::fs::read(data.join(file))?;
    let stem = file.split('.').next().unwrap_or(file);
    Ok(load::parse(kind, &format!("{stem}@dev"), file, &bytes)?.0)
}

/// Runs of every network, for samples.
fn prefixes(data: &Path) -> Result<BTreeMap<u32, Vec<Span>>, Failure> {
    let asn = read(data, Kind::Asn, "asn.mmdb")?;
    let mut found: BTreeMap<u32, Vec<Span>> = BTreeMap::new();
    for entry in &asn.entries {
        if let (Place::Span(span), Some(number)) =
            (entry.place, asn.value_of(entry).and_then(|v| v.asn))
        {
            found.entry(number).or_default().push(span);
        }
    }
    Ok(found)
}

/// Rows of a file that belong to a part.
fn rows(data: &Path, file: &str, part: &str) -> Result<Vec<String>, Failure> {
    let text = std::fs::read_to_string(data.join(file))?;
    let holdout = |line: &str| Sha256::digest(line.as_bytes())[0].is_multiple_of(10);
    let keep = |line: &&str| part == "all" || holdout(line) == (part == "holdout");
    Ok(text.lines().filter(keep).map(Into::into).collect())
}

fn first_ip(span: Span) -> IpAddr {
    match span {
        Span::V4(first, _) => Ipv4Addr::from(first).into(),
        Span::V6(first, _) => std::net::Ipv6Addr::from(u128::from(first) << 64).into(),
    }
}

/// Middle of a run: not the network address.
fn sample(span: Span) -> IpAddr {
    match span {
        Span::V4(first, last) => first_ip(Span::V4(first + (last - first) / 2, last)),
        Span::V6(first, last) => first_ip(Span::V6(first + (last - first) / 2, last)),
    }
}

fn bad(facts: &IpFacts<'_>) -> bool {
    facts.marks.iter().any(|m| !m.weak)
}

fn is(facts: &IpFacts<'_>, kind: MarkKind) -> bool {
    facts.mark(kind).is_some_and(|m| !m.weak)
}

struct Count {
    hit: usize,
    all: usize,
}

impl Count {
    fn of<T>(items: impl IntoIterator<Item = T>, mut hit: impl FnMut(T) -> bool) -> Self {
        let mut count = Self { hit: 0, all: 0 };
        for item in items {
            count.all += 1;
            count.hit += usize::from(hit(item));
        }
        count
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let share = self.hit as f64 * 100.0 / self.all.max(1) as f64;
        write!(f, "{}/{} = {share:.2} %", self.hit, self.all)
    }
}

fn measure(
    tables: &IpTables,
    data: &Path,
    part: &str,
    prefixes: &BTreeMap<u32, Vec<Span>>,
) -> Result<(), Failure> {
    networks(tables, data, part, prefixes)?;
    lists(tables, data, part)?;
    consumers(tables, data, part)?;
    relay(tables, data, part)
}

fn networks(
    tables: &IpTables,
    data: &Path,
    part: &str,
    prefixes: &BTreeMap<u32, Vec<Span>>,
) -> Result<(), Failure> {
    for (file, what) in [
        ("hosting_asns_dev.tsv", "hosting networks caught"),
        ("access_asns_dev.tsv", "access networks called hosting"),
    ] {
        let rows = rows(data, file, part)?;
        let numbers = rows
            .iter()
            .filter_map(|r| r.split('\t').next()?.parse::<u32>().ok());
        let with_runs: Vec<&Vec<Span>> = numbers.filter_map(|n| prefixes.get(&n)).collect();
        let hosting = |span: &Span| is(&tables.lookup(sample(*span)), MarkKind::Hosting);
        let by_network = Count::of(&with_runs, |runs| hosting(&runs[0]));
        if part == "all" {
            let missed = with_runs.iter().map(|runs| tables.lookup(sample(runs[0])));
            let missed =
                missed.filter(|f| what.starts_with("hosting") && !is(f, MarkKind::Hosting));
            missed.for_each(|f| println!("    missed: {:?} {:?}", f.operator, f.class));
        }
        let by_prefix = Count::of(with_runs.iter().flat_map(|r| r.iter().take(5)), |span| {
            hosting(span)
        });
        println!("{what}: by network {by_network}, by prefix (5 each) {by_prefix}");
        let size = |s: &&Span| match **s {
            Span::V4(a, b) => u64::from(b - a) + 1,
            Span::V6(..) => 0,
        };
        let all: u64 = with_runs
            .iter()
            .flat_map(|r| r.iter())
            .map(|s| size(&s))
            .sum();
        let hit: u64 = with_runs
            .iter()
            .flat_map(|r| r.iter())
            .filter(|s| hosting(s))
            .map(|s| size(&s))
            .sum();
        println!(
            "    by IPv4 address {:.2} %",
            hit as f64 * 100.0 / all.max(1) as f64
        );
    }
    Ok(())
}

fn lists(tables: &IpTables, data: &Path, part: &str) -> Result<(), Failure> {
    let kinds = [
        ("vpn_exits_dev.txt", Some(MarkKind::Vpn)),
        ("tor_exits_dev.txt", Some(MarkKind::Tor)),
        ("open_proxies_dev.txt", Some(MarkKind::PublicProxy)),
        ("cloud_ranges_dev.tsv", Some(MarkKind::Hosting)),
        ("crawler_ranges_dev.tsv", None),
    ];
    for (file, kind) in kinds {
        let rows = rows(data, file, part)?;
        let text = rows.join("\n");
        let source = load::parse(Kind::Hosting, "eval@1", file, text.as_bytes())?.0;
        let spans = source.entries.iter().filter_map(|e| match e.place {
            Place::Span(span) => Some(span),
            Place::Asn(_) => None,
        });
        let spans: Vec<Span> = spans.collect();
        let own = Count::of(&spans, |s| {
            let facts = tables.lookup(sample(*s));
            kind.map_or(facts.crawler.is_some(), |k| is(&facts, k))
        });
        let any = Count::of(&spans, |s| bad(&tables.lookup(sample(*s))));
        println!("{file}: as such {own}, any strong mark {any}");
    }
    Ok(())
}

fn consumers(tables: &IpTables, data: &Path, part: &str) -> Result<(), Failure> {
    let mut wrong: BTreeMap<String, usize> = BTreeMap::new();
    let mut classes: BTreeMap<(String, &str), usize> = BTreeMap::new();
    let count = Count::of(rows(data, "isp_ips_dev.tsv", part)?, |row| {
        let Some((Ok(ip), class)) = row.split_once('\t').map(|(ip, c)| (ip.parse(), c)) else {
            return false;
        };
        let facts = tables.lookup(ip);
        *classes
            .entry((class.into(), facts.class.as_str()))
            .or_default() += 1;
        if bad(&facts) {
            *wrong
                .entry(facts.operator.unwrap_or("?").into())
                .or_default() += 1;
        }
        bad(&facts)
    });
    println!("consumers called bad: {count} {wrong:?}");
    println!("    classes {classes:?}");
    Ok(())
}

fn relay(tables: &IpTables, data: &Path, part: &str) -> Result<(), Failure> {
    let text = rows(data, "relay_ranges_dev.txt", part)?.join("\n");
    let source = load::parse(Kind::Relay, "eval@1", "relay", text.as_bytes())?.0;
    let spans: Vec<Span> = source
        .entries
        .iter()
        .filter_map(|e| match e.place {
            Place::Span(span) => Some(span),
            Place::Asn(_) => None,
        })
        .collect();
    let blocked = Count::of(&spans, |s| bad(&tables.lookup(sample(*s))));
    let known = Count::of(&spans, |s| {
        tables.lookup(sample(*s)).class == NetworkClass::Relay
    });
    let neighbour = |span: &Span| match *span {
        Span::V4(first, _) => first_ip(Span::V4(first ^ 0x0100, 0)),
        Span::V6(first, _) => first_ip(Span::V6(first ^ 0x0010_0000, 0)),
    };
    let beside = Count::of(&spans, |s| bad(&tables.lookup(neighbour(s))));
    println!("relay: known {known}, called bad {blocked}, neighbours called bad {beside}");
    Ok(())
}

fn speed(tables: &IpTables) {
    let mut seed = 0x9e37_79b9u32;
    let ips: Vec<IpAddr> = (0..1 << 20)
        .map(|_| {
            seed ^= seed << 13;
            seed ^= seed >> 17;
            seed ^= seed << 5;
            IpAddr::V4(Ipv4Addr::from(seed))
        })
        .collect();
    let began = Instant::now();
    let found = ips
        .iter()
        .filter(|ip| tables.lookup(**ip).asn.is_some())
        .count();
    let took = began.elapsed();
    println!(
        "{} ns a look-up of a random IPv4 address ({found} known)",
        took.as_nanos() >> 20
    );
}
