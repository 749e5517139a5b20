//! User agents typed from general knowledge, none of which is in the data the rules were fitted to.
//!
//! `agents/people_*.txt` are people's, the other files robots'. The byte a string's SHA-256 begins
//! with halves every file: rules were mended with the even half in sight, the odd half was counted
//! once, afterwards; only then was it looked at too (`bench/DETECTION.md` has the counts of each
//! step). Both are kept here so that no later rule gives up what was reached. Strings and rules have
//! one author, so this shows less than strings from elsewhere would.

use assay_intel::ua::classify;
use assay_model::facts::UaKind;
use sha2::{Digest, Sha256};

/// Share of a half, per thousand.
struct Reached {
    mended: usize,
    set_aside: usize,
}

fn is_caught(ua: &str) -> bool {
    use UaKind as K;
    let facts = classify(ua);
    let person = matches!(facts.kind, K::Browser | K::InApp | K::NativeApp);
    !person || !facts.impossible.is_empty()
}

/// The strings of both halves on which `wrong` holds, and how many there are: mended, set aside.
fn halves<'a>(files: &[&'a str], wrong: impl Fn(&str) -> bool) -> [(Vec<&'a str>, usize); 2] {
    let mut out = [(Vec::new(), 0), (Vec::new(), 0)];
    let lines = files.iter().flat_map(|text| text.lines());
    for ua in lines.filter(|l| !l.is_empty() && !l.starts_with("# ")) {
        let half = usize::from(Sha256::digest(ua.as_bytes())[0] % 2);
        out[half].1 += 1;
        if wrong(ua) {
            out[half].0.push(ua);
        }
    }
    out
}

/// At most so many of a thousand are wrong.
fn assert_reached(files: &[&str], wrong: impl Fn(&str) -> bool, most: &Reached) {
    let [mended, aside] = halves(files, wrong);
    for ((bad, total), most) in [(mended, most.mended), (aside, most.set_aside)] {
        assert!(
            bad.len() * 1000 <= total * most,
            "{} of {total}: {bad:#?}",
            bad.len()
        );
    }
}

#[test]
fn people_are_not_called_robots() {
    let files = [
        include_str!("agents/people_desks.txt"),
        include_str!("agents/people_phones.txt"),
    ];
    let most = Reached {
        mended: 4,
        set_aside: 0,
    };
    assert_reached(&files, is_caught, &most);
}

#[test]
fn robots_that_name_themselves_are_caught() {
    let files = [include_str!("agents/robots_told.txt")];
    let most = Reached {
        mended: 0,
        set_aside: 0,
    };
    assert_reached(&files, |ua| !is_caught(ua), &most);
}

#[test]
fn robots_without_a_telling_word_are_mostly_caught() {
    let files = [include_str!("agents/robots_quiet.txt")];
    let most = Reached {
        mended: 70,
        set_aside: 180,
    };
    assert_reached(&files, |ua| !is_caught(ua), &most);
}

#[test]
fn attacks_are_caught() {
    let files = [include_str!("agents/attacks.txt")];
    let most = Reached {
        mended: 0,
        set_aside: 0,
    };
    assert_reached(&files, |ua| !is_caught(ua), &most);
}
