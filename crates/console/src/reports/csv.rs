//! Reports as CSV that a spreadsheet opens without running anything.
//!
//! Source: RFC 4180, and OWASP "CSV Injection": a cell that begins with one of `= + - @`,
//! a tab or a carriage return gets an apostrophe in front.

use assay_model::ports::{ClickMeasures, Dimension, ReportRow};

const MEASURES: [&str; 7] = [
    "clicks",
    "approved",
    "rejected",
    "monitored",
    "givt",
    "sivt",
    "policy",
];

const fn measures(m: &ClickMeasures) -> [u64; 7] {
    [
        m.clicks,
        m.approved,
        m.rejected,
        m.monitored,
        m.givt,
        m.sivt,
        m.policy,
    ]
}

/// The report with a header line; lines end in CR LF.
pub fn text(group_by: &[Dimension], rows: &[ReportRow]) -> String {
    let names = group_by.iter().map(|dimension| dimension.as_str());
    let mut out = names.chain(MEASURES).collect::<Vec<_>>().join(",");
    out.push_str("\r\n");
    for row in rows {
        for value in &row.key {
            push_cell(&mut out, value);
            out.push(',');
        }
        let numbers = measures(&row.measures).map(|number| number.to_string());
        out.push_str(&numbers.join(","));
        out.push_str("\r\n");
    }
    out
}

fn push_cell(out: &mut String, value: &str) {
    let formula = value.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quoted = formula || value.contains(['"', ',', '\n', '\r']);
    if !quoted {
        out.push_str(value);
        return;
    }
    out.push('"');
    if formula {
        out.push('\'');
    }
    out.push_str(&value.replace('"', "\"\""));
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_disarmed() {
        for (value, cell) in [
            ("p1", "p1"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("=1+1", "\"'=1+1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("-2", "\"'-2\""),
            ("+49", "\"'+49\""),
            ("\tx", "\"'\tx\""),
        ] {
            let mut out = String::new();
            push_cell(&mut out, value);
            assert_eq!(out, cell);
        }
    }
}
