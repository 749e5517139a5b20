//! What is known about an address, as JSON for `assay intel lookup --json`.

use assay_model::facts::{IpFacts, IpMark, MarkKind, NetworkClass};
use serde_json::{Value, json};

/// The facts as an object; a weak mark's flag is false, the mark itself is listed.
#[must_use]
pub fn lookup_json(facts: &IpFacts<'_>) -> Value {
    let is = |kind| facts.mark(kind).is_some_and(|m| !m.weak);
    json!({
        "ip": facts.ip,
        "scope": facts.scope.as_str(),
        "country": facts.country.map(|c| c.to_string()),
        "city": facts.city,
        "asn": facts.asn,
        "operator": facts.operator,
        "class": facts.class.as_str(),
        "benign": facts.benign.map(|b| b.as_str()),
        "crawler": facts.crawler,
        "cloud": facts.cloud,
        "relay": facts.class == NetworkClass::Relay,
        "tor": is(MarkKind::Tor),
        "vpn": is(MarkKind::Vpn),
        "public_proxy": is(MarkKind::PublicProxy),
        "residential_proxy": is(MarkKind::ResidentialProxy),
        "hosting": is(MarkKind::Hosting),
        "marks": facts.marks.iter().map(mark_json).collect::<Vec<_>>(),
    })
}

fn mark_json(mark: &IpMark<'_>) -> Value {
    json!({
        "kind": mark.kind.as_str(),
        "basis": mark.basis.as_str(),
        "weak": mark.weak,
        "label": mark.label,
        "list": mark.list,
    })
}

#[cfg(test)]
mod tests {
    use assay_model::facts::Basis;

    use super::*;

    #[test]
    fn a_weak_mark_is_listed_but_its_flag_is_false() {
        let mut facts = IpFacts::unknown("198.18.0.1".parse().unwrap());
        facts.marks.push(IpMark {
            kind: MarkKind::Vpn,
            basis: Basis::Asn,
            weak: true,
            label: "",
            list: "vpn@1",
        });
        let json = lookup_json(&facts);
        assert_eq!(json["vpn"], false);
        assert_eq!(json["marks"][0]["basis"], "asn");
        assert_eq!(json["scope"], "documentation");
    }
}
