//! Every rule that speaks against a string, not only the first.
//!
//! [`classify`](super::classify) stops at the first; whoever tunes the rules has to know which of
//! them find what no other does: a rule that finds nothing alone only costs people.

use super::native::{self, App};
use super::parse::Parsed;
use super::{contact, engine, impossible, masks::Masks, needle, structure};

/// Names of all rules that speak against `ua`, words as `rule:word`.
///
/// Blank and encoded strings are not looked at: what is written in them is.
#[must_use]
pub fn reasons(ua: &str) -> Vec<String> {
    let parsed = Parsed::new(ua.trim());
    let app = native::recognise(&parsed);
    let people = app.is_some() || engine::is_browser(&parsed);
    let masks = Masks::new(&parsed);
    let mut out: Vec<String> = needle::all(parsed.raw, &masks, !people)
        .map(|(rule, word)| format!("{rule}:{word}"))
        .collect();
    out.extend(contact::find(&parsed, people).map(|(rule, _)| rule.to_owned()));
    out.extend(structure::all(&parsed).map(|(rule, _)| rule.to_owned()));
    match app {
        Some(App::Desktop(_)) => out.push("desktop_program".to_owned()),
        None if !people => out.push("no_engine".to_owned()),
        None => out.extend(impossible::all(&parsed).map(str::to_owned)),
        Some(_) => {}
    }
    out
}
