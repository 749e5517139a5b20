//! Reports as CSV that a spreadsheet opens without running anything.
//!
//! Source: RFC 4180, and OWASP "CSV Injection": a cell that begins with one of `= + - @`,
//! a tab or a carriage return gets an apostrophe in front.

use assay_model::ports::{ClickMeasures, ConversionMeasures};

/// Columns of the click report's counts.
pub const CLICKS: [&str; 7] = [
    "clicks",
    "approved",
    "rejected",
    "monitored",
    "givt",
    "sivt",
    "policy",
];

/// Cells of [`CLICKS`].
pub fn clicks(m: &ClickMeasures) -> Vec<String> {
    let counts = [
        m.clicks,
        m.approved,
        m.rejected,
        m.monitored,
        m.givt,
        m.sivt,
        m.policy,
    ];
    counts.map(|count| count.to_string()).to_vec()
}

/// Columns of the conversion report's counts and sums.
pub const CONVERSIONS: [&str; 10] = [
    "conversions",
    "approved",
    "rejected",
    "pending",
    "invalid",
    "payout",
    "revenue",
    "rejected_payout",
    "rejected_revenue",
    "amounts_currency",
];

/// Cells of [`CONVERSIONS`]; sums over several currencies are left empty, and the currencies
/// are named.
pub fn conversions(m: &ConversionMeasures) -> Vec<String> {
    let counts = [m.conversions, m.approved, m.rejected, m.pending, m.invalid];
    let mut cells = counts.map(|count| count.to_string()).to_vec();
    match m.sums() {
        Some((currency, sums)) => {
            let sums = [
                sums.payout,
                sums.revenue,
                sums.rejected_payout,
                sums.rejected_revenue,
            ];
            cells.extend(sums.map(|sum| sum.to_string()));
            cells.push(currency.to_owned());
        }
        None => {
            cells.extend([const { String::new() }; 4]);
            let names: Vec<&str> = m.amounts.iter().map(|a| a.currency.as_str()).collect();
            cells.push(names.join(" "));
        }
    }
    cells
}

/// The report with a header line; lines end in CR LF. Cells of measures are ours, and a sum may
/// be negative, which is no formula.
pub fn text<'a>(
    header: impl Iterator<Item = &'static str>,
    rows: impl Iterator<Item = (&'a [String], Vec<String>)>,
) -> String {
    let mut out = header.collect::<Vec<_>>().join(",");
    out.push_str("\r\n");
    for (key, measures) in rows {
        for value in key {
            push_cell(&mut out, value);
            out.push(',');
        }
        out.push_str(&measures.join(","));
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
