//! The report for people: what changes first, then whether the records hold.

use std::io::Write;

use serde_json::Value;

/// Sources that are printed.
pub const SOURCES: usize = 20;

/// One line of progress.
pub fn progress(progress: &Value) -> String {
    let phase = progress["phase"].as_str().unwrap_or("");
    let of = progress["of"].as_u64().map(|of| format!(" of about {of}"));
    let eta = progress["eta_s"].as_u64().map(|s| format!(", {s} s to go"));
    format!(
        "{phase}: {}{}, {} a second{}",
        progress["done"],
        of.unwrap_or_default(),
        progress["per_s"].as_u64().unwrap_or(0),
        eta.unwrap_or_default(),
    )
}

/// The report.
pub fn print(out: &mut impl Write, report: &Value, seconds: f64) -> std::io::Result<()> {
    let totals = &report["totals"];
    let events = totals["events"].as_u64().unwrap_or(0);
    writeln!(
        out,
        "{events} events in {seconds:.1} s, {:.0} a second",
        events as f64 / seconds.max(0.001)
    )?;
    let head = ["recorded", "now"];
    writeln!(out, "\n{:<12}{:>12}{:>12}", "", head[0], head[1])?;
    for name in ["approved", "rejected"] {
        let now = &totals[format!("{name}_now")];
        writeln!(out, "{name:<12}{:>12}{:>12}", num(&totals[name]), num(now))?;
    }
    for name in ["approved_to_rejected", "rejected_to_approved"] {
        print_change(out, name, &totals[name])?;
    }
    writeln!(
        out,
        "rejected for another main reason: {}",
        totals["other_reason"]
    )?;
    print_sources(out, report)?;
    print_truth(out, report)
}

fn num(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn print_change(out: &mut impl Write, name: &str, change: &Value) -> std::io::Result<()> {
    let name = name.replace("_to_", " -> ");
    writeln!(out, "\n{name}: {}", change["events"])?;
    for reason in change["reasons"].as_array().into_iter().flatten() {
        let code = reason["reason"].as_str().unwrap_or("");
        writeln!(out, "  {code:<28}{:>10}", num(&reason["events"]))?;
    }
    if num(&change["conversions"]) > 0 {
        writeln!(
            out,
            "  conversions {}, paid {} (of {} events)",
            change["conversions"], change["paid_conversions"], change["paid_events"]
        )?;
    }
    for money in change["amounts"].as_array().into_iter().flatten() {
        let text = |name: &str| money[name].as_str().unwrap_or("0").to_owned();
        writeln!(
            out,
            "  {} payout {} (paid {}), revenue {} (paid {})",
            text("currency"),
            text("payout"),
            text("paid_payout"),
            text("revenue"),
            text("paid_revenue")
        )?;
    }
    let samples = change["samples"].as_array().into_iter().flatten();
    let samples: Vec<&str> = samples.filter_map(Value::as_str).collect();
    if !samples.is_empty() {
        writeln!(out, "  such as {}", samples.join(" "))?;
    }
    Ok(())
}

fn print_sources(out: &mut impl Write, report: &Value) -> std::io::Result<()> {
    let changed = |row: &&Value| {
        num(&row["approved_to_rejected"]["events"]) + num(&row["rejected_to_approved"]["events"])
            > 0
    };
    let sources = report["sources"].as_array().into_iter().flatten();
    let sources: Vec<&Value> = sources.filter(changed).collect();
    if sources.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{:<24}{:<24}{:>10}{:>12}{:>12}{:>8}",
        "publisher", "sub id", "events", "to rejected", "to approved", "paid"
    )?;
    for row in sources {
        let text = |name: &str| row[name].as_str().unwrap_or("").to_owned();
        let (lost, won) = (&row["approved_to_rejected"], &row["rejected_to_approved"]);
        writeln!(
            out,
            "{:<24}{:<24}{:>10}{:>12}{:>12}{:>8}",
            text("publisher"),
            text("sub_id"),
            num(&row["events"]),
            num(&lost["events"]),
            num(&won["events"]),
            num(&lost["paid_events"])
        )?;
    }
    let more = num(&report["source_count"]).saturating_sub(SOURCES as u64);
    if more > 0 {
        writeln!(out, "and {more} sources more (--json has all)")?;
    }
    if let Some(others) = report["other_sources"].as_object() {
        let events = others.get("events").map_or(0, num);
        writeln!(
            out,
            "sources beyond the first {} are one: {events} events",
            report["limits"]["sources"]
        )?;
    }
    Ok(())
}

/// What the report rests on.
fn print_truth(out: &mut impl Write, report: &Value) -> std::io::Result<()> {
    let agreement = &report["agreement"];
    writeln!(
        out,
        "\nrecords: {} came out the same bit for bit, {} differently, {} differently by another \
         revision of detection, {} name a rule version that is not stored",
        agreement["same"],
        agreement["different"],
        agreement["different_by_revision"],
        agreement["rule_not_stored"]
    )?;
    for id in agreement["events"].as_array().into_iter().flatten() {
        writeln!(out, "  differs: {}", id.as_str().unwrap_or(""))?;
    }
    let rebuilt = &report["rebuilt"];
    if rebuilt.is_object() {
        writeln!(
            out,
            "rebuilt: counters of {} verdicts were made anew from the events, after {} s of warm-up",
            rebuilt["verdicts"], rebuilt["warm_up_s"]
        )?;
    }
    let unasked = num(&report["without_source_statistics"]);
    if unasked > 0 {
        writeln!(
            out,
            "{unasked} verdicts lack statistics of their source that were not recorded"
        )?;
    }
    if report["conversions"]["complete"] == false {
        let joined = &report["conversions"]["joined"];
        writeln!(out, "money is of the newest {joined} conversions only")?;
    }
    let left_out = report["not_replayed"].as_object().into_iter().flatten();
    for (cause, events) in left_out.filter(|(_, events)| num(events) > 0) {
        writeln!(out, "not replayed, {}: {events}", cause.replace('_', " "))?;
    }
    Ok(())
}
