//! JSON documents: ranges as clouds and crawlers publish them, lists of objects.
//!
//! Source: ip-ranges.json (AWS), cloud.json and googlebot.json (Google), ServiceTags
//! (Azure), public_ip_ranges.json (Oracle), proxies.json (monosans).

use serde_json::Value as Json;

use super::LoadError;
use super::address;
use super::meaning::{Fields, value};
use crate::ip::Source;

/// Keys that hold one entry.
const PLACE: [&str; 11] = [
    "ip_prefix",
    "ipv6_prefix",
    "ipv4Prefix",
    "ipv6Prefix",
    "cidr",
    "prefix",
    "network",
    "ip",
    "host",
    "address",
    "ip_address",
];
/// Keys that name an entry's region, service or owner.
const LABEL: [&str; 7] = [
    "region", "scope", "provider", "name", "org", "label", "crawler",
];
/// Keys that name an entry's country.
const COUNTRY: [&str; 3] = ["country", "country_code", "iso_code"];

/// Reads a whole document.
pub(super) fn read(file: &str, text: &str, source: &mut Source) -> Result<(), LoadError> {
    let json: Json =
        serde_json::from_str(text).map_err(|e| LoadError::file(file, format!("not JSON: {e}")))?;
    let mut walk = Walk {
        file,
        provider: provider(&json),
        source,
    };
    walk.node(&json, "$", "")
}

/// Whose document it is, from the marks each publisher leaves.
fn provider(json: &Json) -> &'static str {
    let service = json.pointer("/prefixes/0/service").and_then(Json::as_str);
    if json.get("syncToken").is_some() && json.pointer("/prefixes/0/ip_prefix").is_some() {
        "amazon"
    } else if service.is_some_and(|s| s.starts_with("Google")) {
        "google"
    } else if json.get("regions").is_some() {
        "oracle"
    } else if json
        .pointer("/values/0/properties/addressPrefixes")
        .is_some()
    {
        "microsoft"
    } else {
        ""
    }
}

struct Walk<'a> {
    file: &'a str,
    provider: &'static str,
    source: &'a mut Source,
}

impl Walk<'_> {
    /// Walks arrays and objects; `label` is the nearest name above.
    fn node(&mut self, json: &Json, at: &str, label: &str) -> Result<(), LoadError> {
        match json {
            Json::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    self.item(item, &format!("{at}[{i}]"), label)?;
                }
                Ok(())
            }
            Json::Object(object) => {
                let label = object_label(object).unwrap_or(label);
                for (key, child) in object {
                    if child.is_array() || child.is_object() {
                        self.node(child, &format!("{at}.{key}"), label)?;
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn item(&mut self, item: &Json, at: &str, label: &str) -> Result<(), LoadError> {
        match item {
            Json::String(text) => {
                // Arrays of tags and services stand beside the prefixes; only what
                // starts like an address is an entry.
                let entry = text.contains(['.', ':', '/']) || text.starts_with("AS");
                if entry
                    && text.starts_with(|c: char| c.is_ascii_hexdigit() || c == 'A' || c == ':')
                {
                    self.push(
                        text,
                        at,
                        &Fields {
                            label: Some(label),
                            ..Fields::default()
                        },
                    )?;
                }
                Ok(())
            }
            Json::Object(object) => {
                let places: Vec<_> = PLACE
                    .iter()
                    .filter_map(|k| object.get(*k).and_then(Json::as_str))
                    .collect();
                if places.is_empty() {
                    return self.node(item, at, label);
                }
                let country = COUNTRY
                    .iter()
                    .find_map(|k| object.get(*k).and_then(Json::as_str));
                let label = object_label(object).unwrap_or(label);
                let asn = object.get("asn").map(|a| a.to_string().replace('"', ""));
                let fields = Fields {
                    label: Some(label),
                    country,
                    asn: asn.as_deref(),
                    ..Fields::default()
                };
                // `ip` and `host` of one object are the same entry.
                self.push(places[0], at, &fields)
            }
            Json::Number(n) => self.push(&n.to_string(), at, &Fields::default()),
            other => self.node(other, at, label),
        }
    }

    fn push(&mut self, text: &str, at: &str, fields: &Fields<'_>) -> Result<(), LoadError> {
        let label = match (self.provider, fields.label.unwrap_or("")) {
            ("", label) => label.to_owned(),
            (provider, "") => provider.to_owned(),
            (provider, label) => format!("{provider}/{label}"),
        };
        let fields = Fields {
            label: Some(&label),
            ..*fields
        };
        let list = self.source.list.clone();
        let read = address::place(text)
            .and_then(|place| Ok((place, value(self.source.kind, &fields, &list)?)));
        match read {
            Ok((place, Some(value))) => self.source.push(place, value),
            Ok((_, None)) => {}
            Err(cause) => {
                let (file, at) = (self.file.to_owned(), at.to_owned());
                return Err(LoadError::Element {
                    file,
                    at,
                    cause: format!("{cause}: {text:?}"),
                });
            }
        }
        Ok(())
    }
}

fn object_label(object: &serde_json::Map<String, Json>) -> Option<&str> {
    LABEL
        .iter()
        .find_map(|k| object.get(*k).and_then(Json::as_str))
        .filter(|l| !l.is_empty())
}
