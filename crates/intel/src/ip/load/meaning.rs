//! What the fields beside an entry mean for its kind.

use assay_model::facts::{Country, NetworkClass};

use super::address::asn;
use crate::ip::{Kind, Value};

/// Names lists use for "nothing known".
const UNKNOWN: [&str; 8] = ["", "-", "--", "none", "null", "unknown", "zz", "xx"];

/// Raw columns of a row, by role.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fields<'a> {
    pub(super) asn: Option<&'a str>,
    pub(super) label: Option<&'a str>,
    pub(super) country: Option<&'a str>,
    pub(super) city: Option<&'a str>,
    pub(super) class: Option<&'a str>,
}

/// Turns columns into a value; `Ok(None)` when the row says that nothing is known.
pub(super) fn value(kind: Kind, fields: &Fields<'_>, list: &str) -> Result<Option<Value>, String> {
    let mut value = Value {
        label: label(fields.label).into(),
        ..Value::default()
    };
    match kind {
        Kind::Asn => {
            let text = fields.asn.ok_or("no AS number on the line")?;
            if known(text).is_none() {
                return Ok(None);
            }
            value.asn = Some(asn(text).ok_or_else(|| format!("{text:?} is not an AS number"))?);
            return Ok((value.asn != Some(0)).then_some(value));
        }
        Kind::Country | Kind::City => {
            value.country = fields.country.and_then(known).map(country).transpose()?;
            let city = fields.city.filter(|_| kind == Kind::City);
            value.label = label(city).into();
            let nothing = value.country.is_none() && value.label.is_empty();
            return Ok((!nothing).then_some(value));
        }
        Kind::Isp => {
            value.class = fields.class.or(fields.label).and_then(class);
            value.label = "".into();
        }
        Kind::Crawler | Kind::Cloud if value.label.is_empty() => {
            value.label = list.split('@').next().unwrap_or(list).into();
        }
        _ => {}
    }
    Ok(Some(value))
}

/// The text, unless it stands for "nothing known".
pub(super) fn known(text: &str) -> Option<&str> {
    let text = text.trim();
    (!UNKNOWN.iter().any(|u| text.eq_ignore_ascii_case(u))).then_some(text)
}

fn label(text: Option<&str>) -> &str {
    let text = text.and_then(known).unwrap_or("");
    let cut = text.char_indices().nth(96).map_or(text.len(), |(at, _)| at);
    &text[..cut]
}

fn country(text: &str) -> Result<Country, String> {
    Country::parse(text).ok_or_else(|| format!("{text:?} is not a two-letter country code"))
}

/// Reads what lists call an access network.
pub(super) fn class(text: &str) -> Option<NetworkClass> {
    Some(match text.trim().to_ascii_lowercase().as_str() {
        "isp" | "residential" | "cable/dsl" | "dsl" | "cable" | "fixed" | "consumer" | "dialup" => {
            NetworkClass::Isp
        }
        "mobile" | "cellular" | "wireless" => NetworkClass::Mobile,
        "business" | "corporate" | "enterprise" | "government" | "non_profit" | "non-profit" => {
            NetworkClass::Business
        }
        "education"
        | "educational"
        | "research"
        | "library"
        | "school"
        | "university"
        | "education_research"
        | "educational/research" => NetworkClass::Education,
        "satellite" => NetworkClass::Satellite,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_is_not_a_value() {
        let none = Fields {
            country: Some("None"),
            ..Fields::default()
        };
        assert_eq!(value(Kind::Country, &none, "x"), Ok(None));
        let zero = Fields {
            asn: Some("0"),
            ..Fields::default()
        };
        assert_eq!(value(Kind::Asn, &zero, "x"), Ok(None));
        let bad = Fields {
            country: Some("Germany"),
            ..Fields::default()
        };
        assert!(value(Kind::Country, &bad, "x").is_err());
    }

    #[test]
    fn a_crawler_without_a_name_takes_the_lists() {
        let value = value(Kind::Crawler, &Fields::default(), "googlebot@2026")
            .unwrap()
            .unwrap();
        assert_eq!(&*value.label, "googlebot");
    }
}
