//! The catalogue as a page for people: `docs/REASONS.md`.
//!
//! The page is generated so that it cannot drift: a test compares the two, and
//! `ASSAY_BLESS=1 cargo test -p assay-model reasons` writes it anew.

use std::fmt::Write;

use super::{CATALOGUE, Class, ReasonInfo, Test};

const HEADER: &str = "\
<!-- Generated from crates/model/src/reason/catalogue.rs; do not edit.
     Anew: ASSAY_BLESS=1 cargo test -p assay-model reasons -->

# Reasons

Every reason that a verdict can give. Codes and evidence fields are append-only: one that
was once written into a record is never renamed and never reused.

- **Risk** is the reason's own; a setting or a circumstance (a weak mark, a name alone) can
  lower it, never raise it. Points add up within the worst one's band: clean 0–19,
  low 20–49, medium 50–79, high 80–100.
- **False positives**: how often the reason hits somebody it should not; `n/a` where there is
  no such thing (a rule of the buyer's, a person's decision).
- **On**: the events it can fire on: `I` impression, `C` click, page and app view,
  `V` conversion, `E` post-event.
- **Evidence**: the observed values that come with it. One with `>` or `<` is held against
  the stated threshold: above it, or below it, the reason fires; the threshold itself is allowed.
- **ClearTrust**, **AdSecurity**, **Everflow**: what the reason is called in those dialects.
";

/// The whole page.
///
/// Shape: a header, then one section with one table per class that has reasons, in the
/// order of [`Class::ALL`]; rows in catalogue order; ends with a line feed.
#[must_use]
pub fn reasons_markdown() -> String {
    let mut page = HEADER.to_owned();
    for class in Class::ALL {
        let rows: Vec<_> = CATALOGUE.iter().filter(|row| row.class == class).collect();
        if !rows.is_empty() {
            section(&mut page, class, &rows);
        }
    }
    page
}

fn section(page: &mut String, class: Class, rows: &[&ReasonInfo]) {
    let lines = [
        format!("\n## {class}\n", class = class.as_str()),
        format!("{}\n", about(class)),
        "| Code | Risk | False positives | On | Evidence | ClearTrust | AdSecurity | Everflow | Meaning |"
            .to_owned(),
        "|---|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    for line in lines
        .into_iter()
        .chain(rows.iter().map(|row| table_row(row)))
    {
        // Writing into a string cannot fail.
        let _ = writeln!(page, "{line}");
    }
}

fn table_row(row: &ReasonInfo) -> String {
    format!(
        "| `{}` | {} | {} | {} | {} | {} | `{}` | {} | {} |",
        row.code,
        row.risk.as_str(),
        row.fp_risk.as_str(),
        row.applies,
        evidence(row),
        row.cleartrust,
        row.adsecurity,
        row.everflow,
        row.meaning.replace('|', "\\|"),
    )
}

fn evidence(row: &ReasonInfo) -> String {
    let compared = |field: &str| match row.test {
        Test::Above(name) if name == field => " >",
        Test::Below(name) if name == field => " <",
        _ => "",
    };
    let fields: Vec<_> = row
        .fields
        .iter()
        .map(|field| format!("`{field}`{}", compared(field)))
        .collect();
    if fields.is_empty() {
        "–".to_owned()
    } else {
        fields.join(", ")
    }
}

const fn about(class: Class) -> &'static str {
    match class {
        Class::Valid => "Traffic that was judged and found valid.",
        Class::Givt => {
            "General invalid traffic: found by lists, names and simple counts that anybody can check again."
        }
        Class::Sivt => {
            "Sophisticated invalid traffic: found by putting several facts about a visitor or a source together."
        }
        Class::Agent => "Agents that prove they act for a person.",
        Class::Policy => {
            "Valid traffic that the buyer does not want. It rejects by itself and is never counted as invalid."
        }
        Class::Integrity => "The message is wrong, not the person.",
        Class::External => {
            "Said by somebody else: another system, the advertiser, a person. It rejects by itself, approvals apart."
        }
        Class::System => "What the product says about itself; never a risk.",
        Class::Undecided => "Decided without all inputs.",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_reasons_page_is_what_the_catalogue_makes() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/REASONS.md");
        let page = reasons_markdown();
        if std::env::var_os("ASSAY_BLESS").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == page,
            "docs/REASONS.md is not what the catalogue makes; ASSAY_BLESS=1 writes it anew"
        );
    }

    #[test]
    fn the_reasons_page_has_every_code_once_and_whole_rows() {
        let page = reasons_markdown();
        for row in CATALOGUE {
            let start = format!("\n| `{}` |", row.code);
            assert_eq!(page.matches(&start).count(), 1, "{}", row.code);
        }
        for line in page.lines().filter(|line| line.starts_with('|')) {
            assert_eq!(line.replace("\\|", "").matches('|').count(), 10, "{line}");
        }
    }
}
