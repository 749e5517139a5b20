//! The values of a conversion's macros, for those who are told of it.

use std::collections::BTreeMap;

use assay_model::facts::IpFacts;
use assay_model::hit::{Field, Hit};
use assay_model::record::EventRecord;

/// The values of all macros: the click's, over them the conversion's, over them what was
/// looked up.
#[must_use]
pub fn fields(
    hit: &Hit<'_>,
    ip: Option<&IpFacts<'_>>,
    click: Option<&EventRecord<'_>>,
) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let mut put = |name: &str, value: String| {
        if !value.is_empty() {
            out.insert(name.to_owned(), value);
        }
    };
    if let Some(click) = click {
        for (name, value) in named(&click.facts.hit) {
            put(name, value.to_owned());
        }
        if let Some(ip) = &click.facts.ip {
            put("click_ip", ip.ip.to_string());
            put("ip", ip.ip.to_string());
            put_place(ip, &mut put);
        }
        if let Some(ua) = &click.facts.ua {
            put("browser", ua.browser.to_string());
            put("os", ua.os.to_string());
            put("device_type", ua.device_type.as_str().to_owned());
        }
        let time = click.facts.hit.time;
        put("click_time", time.plain());
        put("session_time", (hit.time.ms_since(time) / 1000).to_string());
    }
    for (name, value) in named(hit) {
        put(name, value.to_owned());
    }
    if let Some(ip) = ip {
        put("conversion_ip", ip.ip.to_string());
        if click.is_none() {
            put("ip", ip.ip.to_string());
            put_place(ip, &mut put);
        }
    }
    put("event", hit.get(Field::EventName).unwrap_or("").to_owned());
    put("goal", hit.get(Field::EventName).unwrap_or("").to_owned());
    put("conversion_time", hit.time.plain());
    put("integration_id", hit.integration.to_string());
    out
}

fn put_place(ip: &IpFacts<'_>, put: &mut impl FnMut(&str, String)) {
    if let Some(country) = ip.country {
        put("country", country.to_string());
    }
    put("city", ip.city.unwrap_or("").to_owned());
    put("isp", ip.operator.unwrap_or("").to_owned());
}

/// An event's own texts by name, but for what no receiver is to get.
fn named<'h>(hit: &'h Hit<'_>) -> impl Iterator<Item = (&'h str, &'h str)> {
    let private = |name: &str| {
        name == Field::Signals.as_str()
            || [
                assay_model::signing::KEY,
                assay_model::signing::TIME,
                assay_model::signing::SIGNATURE,
            ]
            .contains(&name)
    };
    let given = hit.given().map(|(field, text)| (field.as_str(), text));
    given
        .chain(hit.extras.iter().map(|(name, value)| (*name, *value)))
        .filter(move |(name, _)| !private(name))
}
