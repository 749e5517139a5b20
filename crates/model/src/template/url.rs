//! URLs with macros behind their host.

use url::{Host, Url};

use super::encode::push_escaped;
use super::{Encoding, Part, Template, Values, macro_at};

/// Longest text of a URL with macros, in bytes.
const TEXT_MAX: usize = 4096;

/// A host as browsers know it: lower case, punycode, with its port unless it is the scheme's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicHost {
    /// Name or address; an IPv6 address in brackets.
    pub name: String,
    /// The port; `None` = the scheme's own.
    pub port: Option<u16>,
}

impl PublicHost {
    /// Reads `host` or `host:port`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.contains(['/', '?', '#', '\\']) {
            return Err("must be a host without scheme or path".to_owned());
        }
        authority("https", text).map(|(_, host)| host)
    }
}

/// A URL whose scheme, host and port are fixed, with macros behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlTemplate {
    template: Template,
    host: PublicHost,
}

impl UrlTemplate {
    /// Reads a URL with macros.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > TEXT_MAX {
            return Err(format!("is longer than {TEXT_MAX} characters"));
        }
        if let Some(wrong) = text
            .chars()
            .find(|c| c.is_control() || c.is_whitespace() || *c == '\\')
        {
            return Err(format!("may not hold {wrong:?}"));
        }
        let (scheme, rest) = scheme_of(text)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (base, host) = authority(scheme, &rest[..end])?;
        let mut parts = vec![Part::Literal(base.into())];
        read_tail(&rest[end..], &mut parts)?;
        Ok(Self {
            template: Template { parts },
            host,
        })
    }

    /// Where it leads, whatever the values.
    #[must_use]
    pub const fn host(&self) -> &PublicHost {
        &self.host
    }

    /// The names of its macros, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.template.names()
    }

    /// The URL with every macro replaced; printable ASCII, whatever the values.
    ///
    /// A value of the path that is nothing but dots is left out: browsers take `..` for a
    /// step up, however it is encoded, and would go where nobody has configured.
    #[must_use]
    pub fn expand(&self, values: &dyn Values) -> String {
        let mut out = String::with_capacity(256);
        let mut in_path = true;
        for part in &self.template.parts {
            match part {
                Part::Literal(text) => {
                    in_path &= !text.contains(['?', '#']);
                    out.push_str(text);
                }
                Part::Macro(name) => {
                    let value = values.value(name).unwrap_or_default();
                    if !in_path || value.bytes().any(|c| c != b'.') {
                        Encoding::Url.push(&value, &mut out);
                    }
                }
            }
        }
        out
    }
}

/// The scheme, and what follows `://`.
fn scheme_of(text: &str) -> Result<(&'static str, &str), String> {
    for scheme in ["https", "http"] {
        let (head, rest) = text.split_at_checked(scheme.len()).unwrap_or((text, ""));
        if let Some(rest) = rest.strip_prefix("://")
            && head.eq_ignore_ascii_case(scheme)
        {
            return Ok((scheme, rest));
        }
    }
    Err("must begin with https:// or http://".to_owned())
}

/// `scheme://host[:port]` in the form that goes out, and the host.
fn authority(scheme: &str, text: &str) -> Result<(String, PublicHost), String> {
    if text.contains(['{', '}']) {
        return Err("must have its host written out: no macro may choose it".to_owned());
    }
    if text.contains('@') {
        return Err("may not hold a user name or password".to_owned());
    }
    let no_host = || format!("{text:?} is not a host name");
    if text.is_empty() || text.contains('%') {
        return Err(no_host());
    }
    let url = Url::parse(&format!("{scheme}://{text}/")).map_err(|_| no_host())?;
    let host = PublicHost {
        name: match url.host() {
            Some(Host::Domain(name)) => name.trim_end_matches('.').to_owned(),
            Some(Host::Ipv4(ip)) => ip.to_string(),
            Some(Host::Ipv6(ip)) => format!("[{ip}]"),
            None => return Err(no_host()),
        },
        port: url.port(),
    };
    if host.name.is_empty() {
        return Err(no_host());
    }
    let base = match host.port {
        Some(port) => format!("{scheme}://{}:{port}", host.name),
        None => format!("{scheme}://{}", host.name),
    };
    Ok((base, host))
}

/// Path, query and fragment: macros, and literals in the form that goes out.
fn read_tail(tail: &str, parts: &mut Vec<Part>) -> Result<(), String> {
    let mut literal = String::new();
    if !tail.starts_with('/') {
        literal.push('/');
    }
    let mut rest = tail;
    while let Some(c) = rest.chars().next() {
        if let Some((name, after)) = macro_at(rest) {
            parts.push(Part::Literal(std::mem::take(&mut literal).into()));
            parts.push(Part::Macro(name.into()));
            rest = after;
            continue;
        }
        let (own, after) = rest.split_at(c.len_utf8());
        match c {
            '{' | '}' => {
                let shown: String = rest.chars().take(24).collect();
                return Err(format!(
                    "{shown:?} is no macro: write {{name}} with letters, digits and _"
                ));
            }
            '"' | '<' | '>' | '^' | '`' | '|' => push_escaped(c as u8, &mut literal),
            '%' if !is_escape(rest) => push_escaped(b'%', &mut literal),
            c if c.is_ascii() => literal.push(c),
            _ => own.bytes().for_each(|b| push_escaped(b, &mut literal)),
        }
        rest = after;
    }
    parts.push(Part::Literal(literal.into()));
    parts.retain(|part| !matches!(part, Part::Literal(text) if text.is_empty()));
    Ok(())
}

fn is_escape(text: &str) -> bool {
    let hex = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
    hex(1) && hex(2)
}

/// Adds parameters to a finished URL, names and values encoded once, before its fragment.
pub fn append_params<'p>(url: &mut String, params: impl Iterator<Item = (&'p str, &'p str)>) {
    let fragment = url.find('#').map(|at| url.split_off(at));
    let mut joiner = match url.find('?') {
        None => "?",
        Some(_) if url.ends_with(['?', '&']) => "",
        Some(_) => "&",
    };
    for (name, value) in params {
        url.push_str(joiner);
        joiner = "&";
        Encoding::Url.push(name, url);
        url.push('=');
        Encoding::Url.push(value, url);
    }
    if let Some(fragment) = fragment {
        url.push_str(&fragment);
    }
}
