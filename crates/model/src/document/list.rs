//! An account's own allow and deny lists.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Problem, Scope, check_name};
use crate::Timestamp;

/// Most entries one list may hold.
pub const MAX_LIST_ENTRIES: usize = 100_000;

/// Whether entries are let in or kept out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum ListMode {
    /// Entries are rejected.
    #[default]
    Deny,
    /// Entries are let through whatever intelligence says; wins over deny lists of intelligence,
    /// loses against the account's own deny lists.
    Allow,
}

/// What entries are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListField {
    /// Address or range.
    Ip,
    /// Network number.
    Asn,
    /// Part of the user agent, any case.
    UserAgent,
    /// Device id, GAID or IDFA, any case.
    DeviceId,
    /// App bundle, exactly.
    BundleId,
    /// Host of the referring page (and its subdomains), or part of its address.
    Referrer,
    /// Publisher, exactly.
    Publisher,
    /// Sub id, exactly.
    SubId,
    /// Part of the keyword, any case.
    Keyword,
    /// Part of the operator's name, any case.
    Isp,
}

impl ListField {
    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Asn => "asn",
            Self::UserAgent => "user_agent",
            Self::DeviceId => "device_id",
            Self::BundleId => "bundle_id",
            Self::Referrer => "referrer",
            Self::Publisher => "publisher",
            Self::SubId => "sub_id",
            Self::Keyword => "keyword",
            Self::Isp => "isp",
        }
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListEntry {
    /// The value.
    pub value: String,
    /// Why it is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it stops counting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// An allow or deny list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Name, shown in evidence.
    pub name: String,
    /// Allow or deny.
    #[serde(default)]
    pub mode: ListMode,
    /// What entries are compared with.
    pub field: ListField,
    /// Which traffic it is for.
    #[serde(default)]
    pub scope: Scope,
    /// The entries.
    #[serde(default)]
    pub entries: Vec<ListEntry>,
}

impl List {
    /// Everything wrong with the document.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        let mut out = Vec::new();
        check_name("name", &self.name, 100, &mut out);
        if self.entries.len() > MAX_LIST_ENTRIES {
            out.push(Problem::new(
                "entries",
                format!(
                    "holds {} entries, at most {MAX_LIST_ENTRIES} are taken",
                    self.entries.len()
                ),
            ));
        }
        for (at, entry) in self.entries.iter().enumerate() {
            if let Err(detail) = check_entry(self.field, &entry.value) {
                out.push(Problem::new(format!("entries[{at}].value"), detail));
            }
        }
        out
    }
}

fn check_entry(field: ListField, value: &str) -> Result<(), String> {
    let trimmed = value.trim();
    match field {
        _ if trimmed.is_empty() => Err("is empty".to_owned()),
        _ if trimmed.len() > 1024 => Err("is longer than 1024 bytes".to_owned()),
        ListField::Ip if parse_cidr(trimmed).is_none() => Err(format!(
            "{value:?} is not an address or a range: the prefix must be 0 to 32 (IPv4) or 0 to 128 (IPv6)"
        )),
        ListField::Asn if parse_asn(trimmed).is_none() => Err(format!(
            "{value:?} is not an AS number like 16509 or AS16509"
        )),
        _ => Ok(()),
    }
}

/// Reads an address or a range as (first address, prefix length).
#[must_use]
pub fn parse_cidr(text: &str) -> Option<(IpAddr, u8)> {
    let (ip, prefix) = match text.trim().split_once('/') {
        Some((ip, prefix)) => (ip.parse::<IpAddr>().ok()?, Some(prefix.parse::<u8>().ok()?)),
        None => (text.trim().parse::<IpAddr>().ok()?, None),
    };
    let width = if ip.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.unwrap_or(width);
    (prefix <= width).then_some((ip, prefix))
}

/// Reads `16509` or `AS16509`.
#[must_use]
pub fn parse_asn(text: &str) -> Option<u32> {
    let digits = text
        .strip_prefix("AS")
        .or_else(|| text.strip_prefix("as"))
        .unwrap_or(text);
    digits.parse().ok().filter(|asn| *asn != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_checked_against_their_field() {
        for (field, value, ok) in [
            (ListField::Ip, "203.0.113.0/24", true),
            (ListField::Ip, "2001:db8::/32", true),
            (ListField::Ip, "203.0.113.0/44", false),
            (ListField::Ip, "host.example", false),
            (ListField::Asn, "AS16509", true),
            (ListField::Asn, "0", false),
            (ListField::UserAgent, " ", false),
            (ListField::UserAgent, "curl/", true),
        ] {
            assert_eq!(check_entry(field, value).is_ok(), ok, "{field:?} {value}");
        }
    }
}
