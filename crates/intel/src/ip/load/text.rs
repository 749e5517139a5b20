//! Lines of text: lists and tables with or without a header.

use super::LoadError;
use super::address::{self, asn, number_ip};
use super::line::Separator;
use super::meaning::{Fields, value};
use crate::ip::{Kind, Place, Source};

/// Reads every line into `source`.
pub(super) fn read(file: &str, text: &str, source: &mut Source) -> Result<(), LoadError> {
    let lines = text
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.trim_end_matches('\r')));
    let mut lines = lines.filter(|(_, line)| has_content(line)).peekable();
    let Some(&(number, first)) = lines.peek() else {
        return Ok(());
    };
    let separator = Separator::of(first);
    let mut fields = Vec::new();
    separator.split(first, &mut fields);
    let header = match Header::of(&fields, source.kind) {
        Some(header) => {
            lines.next();
            Some(header.map_err(|cause| line_error(file, number, first, cause))?)
        }
        None => None,
    };
    let list = source.list.clone();
    for (number, line) in lines {
        separator.split(line, &mut fields);
        let row = match &header {
            Some(header) => header.row(&fields),
            None => guess(&fields, source.kind),
        };
        let row = row.and_then(|(place, f)| Ok((place, value(source.kind, &f, &list)?)));
        match row {
            Ok((place, Some(value))) => source.push(place, value),
            Ok((_, None)) => {}
            Err(cause) => return Err(line_error(file, number, line, cause)),
        }
    }
    Ok(())
}

fn has_content(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with(['#', ';']) && !line.starts_with("//")
}

fn line_error(file: &str, line: usize, text: &str, cause: String) -> LoadError {
    LoadError::Line {
        file: file.into(),
        line,
        text: text.chars().take(120).collect(),
        cause,
    }
}

type Row<'a> = Result<(Place, Fields<'a>), String>;

/// Reads a row of a file without a header.
fn guess<'a>(fields: &[&'a str], kind: Kind) -> Row<'a> {
    let (place, rest) = leading_place(fields)?;
    let rest = &fields[rest..];
    let get = |i: usize| rest.get(i).copied();
    let two = |i: usize| get(i).is_some_and(is_code);
    let mut out = Fields::default();
    match kind {
        Kind::Asn => {
            // number, name — or, as iptoasn has it: number, country, name.
            let name = if rest.len() > 2 && two(1) { 2 } else { 1 };
            (out.asn, out.label) = (get(0), get(name));
        }
        Kind::Country => {
            let numbered = get(0).is_some_and(|t| asn(t).is_some()) && rest.len() > 1;
            out.country = get(usize::from(numbered) + usize::from(two(0) && two(1)));
        }
        Kind::City => {
            let code = usize::from(two(0) && two(1));
            out.country = get(code);
            let city = if rest.len() - code.min(rest.len()) > 3 && code == 0 {
                3
            } else {
                code + 2
            };
            out.city = get(if rest.len() <= 2 { 1 } else { city });
        }
        // A relay's egress file names the country its people are in, not the relay.
        Kind::Relay => out.country = get(0),
        _ => out.label = get(0),
    }
    Ok((place, out))
}

/// The entry a row starts with, and how many fields it takes.
fn leading_place(fields: &[&str]) -> Result<(Place, usize), String> {
    let first = fields.first().copied().unwrap_or("");
    let second = fields.get(1).copied().unwrap_or("");
    if let (Some(a), Some(b)) = (address::ip(first), address::ip(second)) {
        return Ok((Place::Span(address::range(a, b)?), 2));
    }
    let whole = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if whole(first)
        && whole(second)
        && let (Some(a), Some(b)) = (number_ip(first), number_ip(second))
    {
        return Ok((Place::Span(address::range(a, b)?), 2));
    }
    Ok((address::place(first)?, 1))
}

fn is_code(text: &str) -> bool {
    text.eq_ignore_ascii_case("none")
        || (text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()))
}

/// Where a header says each column is.
#[derive(Debug, Default)]
struct Header {
    place: Option<usize>,
    first: Option<usize>,
    last: Option<usize>,
    asn: Option<usize>,
    label: Option<usize>,
    country: Option<usize>,
    city: Option<usize>,
    class: Option<usize>,
}

const PLACE: &[&str] = &[
    "cidr",
    "network",
    "prefix",
    "range",
    "ip_prefix",
    "subnet",
    "ip",
    "address",
    "ip_address",
    "host",
    "ip_range",
    "net",
];
const FIRST: &[&str] = &[
    "start",
    "start_ip",
    "range_start",
    "ip_start",
    "first",
    "from",
    "ip_from",
    "ip_range_start",
    "begin",
    "network_start_ip",
];
const LAST: &[&str] = &[
    "end",
    "end_ip",
    "range_end",
    "ip_end",
    "last",
    "to",
    "ip_to",
    "ip_range_end",
    "network_last_ip",
];
const ASN: &[&str] = &[
    "asn",
    "as_number",
    "autonomous_system_number",
    "as",
    "number",
    "asnum",
];
const LABEL: &[&str] = &[
    "name",
    "org",
    "organization",
    "as_description",
    "as_name",
    "as_organization",
    "entity",
    "autonomous_system_organization",
    "provider",
    "crawler",
    "label",
    "operator",
    "description",
    "organisation",
    "company",
    "isp",
    "service",
    "aso",
];
const COUNTRY: &[&str] = &[
    "country",
    "country_code",
    "iso_code",
    "country_iso_code",
    "cc",
];
const CITY: &[&str] = &["city", "city_name", "city1"];
const CLASS: &[&str] = &[
    "class",
    "type",
    "category",
    "kind",
    "connection_type",
    "user_type",
    "info_type",
];

impl Header {
    /// `None` when the first line is data; an error when it is a header without an entry column.
    fn of(fields: &[&str], kind: Kind) -> Option<Result<Self, String>> {
        if leading_place(fields).is_ok() {
            return None;
        }
        let names: Vec<String> = fields
            .iter()
            .map(|f| f.trim().to_ascii_lowercase().replace([' ', '-'], "_"))
            .collect();
        let find = |known: &[&str]| known.iter().find_map(|k| names.iter().position(|n| n == k));
        let header = Self {
            place: find(PLACE),
            first: find(FIRST),
            last: find(LAST),
            asn: find(ASN),
            label: find(LABEL),
            country: find(COUNTRY),
            city: find(CITY),
            class: find(CLASS),
        };
        let known = [
            header.place,
            header.first,
            header.asn,
            header.label,
            header.country,
        ];
        if known.iter().all(Option::is_none) {
            // Not a header either: the row reader names what is wrong with it.
            return None;
        }
        let ranged = header.first.is_some() && header.last.is_some();
        let listed = header.asn.is_some() && kind != Kind::Asn;
        Some(if header.place.is_some() || ranged || listed {
            Ok(header)
        } else {
            Err("header names no column of addresses, ranges or AS numbers".into())
        })
    }

    fn row<'a>(&self, fields: &[&'a str]) -> Row<'a> {
        let get = |at: Option<usize>| at.and_then(|i| fields.get(i).copied());
        let out = Fields {
            asn: get(self.asn),
            label: get(self.label),
            country: get(self.country),
            city: get(self.city),
            class: get(self.class),
        };
        let place = if let Some(text) = get(self.place) {
            address::place(text)?
        } else if let (Some(a), Some(b)) = (get(self.first), get(self.last)) {
            leading_place(&[a, b])?.0
        } else {
            address::place(get(self.asn).unwrap_or(""))?
        };
        Ok((place, out))
    }
}
