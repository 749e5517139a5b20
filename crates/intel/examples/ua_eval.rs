//! Counts how the user agent rules do on labelled strings.
//!
//! Reads the folder named by `ASSAY_DATA` (`ua/ua_bots_train.txt`, `ua/ua_humans_train.txt`,
//! `ua/device_profiles_train.jsonl.gz`). Lines whose SHA-256 begins with a byte divisible by ten are
//! the holdout: they are counted only with `--holdout`, so that rules are not tuned on them.
//!
//! Options: `--list` prints misses and false alarms, `--holdout` counts the holdout, `--time` times,
//! `--rules` says how many each rule finds, how many only it finds and how many people it takes,
//! `--people FILE` and `--robots FILE` count any other file of strings (and need no `ASSAY_DATA`).

use assay_intel::ua::{classify, reasons};
use assay_model::facts::{UaFacts, UaKind};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::time::Instant;

/// A labelled string and how much of the traffic it is.
struct Sample {
    text: String,
    weight: f64,
}

/// What became of one set.
#[derive(Default)]
struct Count {
    total: usize,
    caught: usize,
    native: usize,
    weight: f64,
    caught_weight: f64,
}

fn main() {
    let options: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| options.iter().any(|o| o == name);
    if has("--people") || has("--robots") {
        return other_files(&options, has("--list"));
    }
    let Ok(folder) = std::env::var("ASSAY_DATA") else {
        println!("SKIPPED: ASSAY_DATA is not set, nothing was measured");
        return;
    };
    let folder = Path::new(&folder).join("ua");
    let bots = lines(&folder.join("ua_bots_train.txt"));
    let humans = lines(&folder.join("ua_humans_train.txt"));
    let profiles = profiles(&folder.join("device_profiles_train.jsonl.gz"));
    for (name, set, bad) in [
        ("bots", &bots, true),
        ("humans", &humans, false),
        ("profiles", &profiles, false),
    ] {
        let part: Vec<&Sample> = set
            .iter()
            .filter(|s| is_holdout(&s.text) == has("--holdout"))
            .collect();
        let label = if has("--holdout") { " holdout" } else { "" };
        report(&format!("{name}{label}"), &part, bad, has("--list"));
    }
    if has("--rules") {
        rules(&bots, humans.iter().chain(&profiles));
    }
    if has("--time") {
        time(&bots, "bots");
        time(&humans, "humans");
    }
}

fn lines(path: &Path) -> Vec<Sample> {
    let Ok(bytes) = std::fs::read(path) else {
        println!("SKIPPED: {} cannot be read", path.display());
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&bytes);
    text.lines()
        .filter(|l| !l.is_empty())
        .map(|l| Sample {
            text: l.to_owned(),
            weight: 1.0,
        })
        .collect()
}

fn profiles(path: &Path) -> Vec<Sample> {
    let Ok(file) = std::fs::File::open(path) else {
        println!("SKIPPED: {} cannot be read", path.display());
        return Vec::new();
    };
    let mut text = String::new();
    if flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .is_err()
    {
        println!("SKIPPED: {} is damaged", path.display());
    }
    text.lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|v| {
            Some(Sample {
                text: v.get("userAgent")?.as_str()?.to_owned(),
                weight: v.get("weight")?.as_f64()?,
            })
        })
        .collect()
}

fn is_holdout(line: &str) -> bool {
    Sha256::digest(line.as_bytes())
        .first()
        .is_some_and(|b| b % 10 == 0)
}

fn is_caught(facts: &UaFacts) -> bool {
    use UaKind as K;
    let kind = matches!(
        facts.kind,
        K::Blank
            | K::Crawler
            | K::Automation
            | K::Library
            | K::Scanner
            | K::NonBrowser
            | K::Emulator
    );
    kind || !facts.impossible.is_empty()
}

/// Counts the files named by `--people` and `--robots`; lines that begin with `# ` are remarks.
fn other_files(options: &[String], list: bool) {
    for pair in options.windows(2) {
        let [option, path] = pair else { continue };
        if option != "--people" && option != "--robots" {
            continue;
        }
        let set = lines(Path::new(path));
        let part: Vec<&Sample> = set.iter().filter(|s| !s.text.starts_with("# ")).collect();
        report(path, &part, option == "--robots", list);
    }
}

/// What one rule does.
#[derive(Default)]
struct Support {
    bots: usize,
    alone: usize,
    people: usize,
}

/// Per rule: bots it finds, bots no other rule finds, people it speaks of. The holdout is left out.
///
/// Names on the list do not count as another rule: a robot that nobody listed has to be found too.
fn rules<'a>(bots: &[Sample], people: impl Iterator<Item = &'a Sample>) {
    let mut table: BTreeMap<String, Support> = BTreeMap::new();
    for bot in bots.iter().filter(|s| !is_holdout(&s.text)) {
        let found: BTreeSet<String> = reasons(&bot.text).into_iter().collect();
        let general = found.iter().filter(|r| !r.starts_with("crawler_list"));
        let only = (general.clone().count() == 1).then(|| general.clone().next());
        for rule in &found {
            let support = table.entry(rule.clone()).or_default();
            support.bots += 1;
            support.alone += usize::from(only.flatten() == Some(rule));
        }
    }
    for sample in people.filter(|s| !is_holdout(&s.text)) {
        let note = classify(&sample.text).mark.map(|m| m.rule.into_string());
        let found: BTreeSet<String> = reasons(&sample.text).into_iter().chain(note).collect();
        for rule in found {
            table.entry(rule).or_default().people += 1;
        }
    }
    println!("rule\tbots\talone\tpeople");
    for (rule, s) in table {
        println!("{rule}\t{}\t{}\t{}", s.bots, s.alone, s.people);
    }
}

fn report(name: &str, set: &[&Sample], bad: bool, list: bool) {
    let mut count = Count::default();
    for sample in set {
        let facts = classify(&sample.text);
        let caught = is_caught(&facts);
        count.total += 1;
        count.weight += sample.weight;
        count.native += usize::from(facts.kind == UaKind::NativeApp);
        if caught {
            count.caught += 1;
            count.caught_weight += sample.weight;
        }
        if list && caught != bad {
            println!(
                "  {name}\t{}\t{}\t{}",
                facts.kind.as_str(),
                why(&facts),
                sample.text
            );
        }
    }
    let share = |part: f64, all: f64| if all > 0.0 { 100.0 * part / all } else { 0.0 };
    println!(
        "{name}: total {} caught {} ({:.2} %) native {} weighted {:.4} %",
        count.total,
        count.caught,
        share(count.caught as f64, count.total as f64),
        count.native,
        share(count.caught_weight, count.weight),
    );
}

fn why(facts: &UaFacts) -> String {
    let mark = facts
        .mark
        .as_ref()
        .map_or(String::new(), |m| format!("{}:{}", m.rule, m.token));
    format!("{mark} {}", facts.impossible)
}

fn time(set: &[Sample], name: &str) {
    let rounds = 20_usize;
    let start = Instant::now();
    let mut kinds = 0_usize;
    for sample in set.iter().cycle().take(set.len() * rounds) {
        kinds += usize::from(classify(&sample.text).kind == UaKind::Browser);
    }
    let each = start.elapsed().as_secs_f64() * 1e6 / (set.len() * rounds).max(1) as f64;
    println!("{name}: {each:.2} µs each ({kinds} browsers)");
}
