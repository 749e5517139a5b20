//! How a value is written where its macro stood.

/// Where a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Into a URL or a form: all but `A-Z a-z 0-9 - . _ ~` as `%XX`.
    Url,
    /// Into JSON: between quotes as part of that text, elsewhere as a value of its own.
    Json,
    /// Into the text or an attribute of an XML document; what XML cannot hold is left out.
    Xml,
    /// Into one line of plain text, such as a header: control characters are left out.
    Line,
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

impl Encoding {
    /// Appends a value, encoded once.
    pub fn push(self, value: &str, out: &mut String) {
        match self {
            Self::Url => push_url(value, out),
            Self::Json => push_json(value, out),
            Self::Xml => push_xml(value, out),
            Self::Line => out.extend(value.chars().filter(|c| !c.is_control())),
        }
    }
}

fn push_url(value: &str, out: &mut String) {
    let mut rest = value;
    // Runs that need no encoding are copied whole: most values are nothing else.
    while let Some(at) = rest.bytes().position(|c| !is_unreserved(c)) {
        out.push_str(&rest[..at]);
        let length = rest[at..].chars().next().map_or(1, char::len_utf8);
        for byte in rest[at..at + length].bytes() {
            push_escaped(byte, out);
        }
        rest = &rest[at + length..];
    }
    out.push_str(rest);
}

/// RFC 3986's unreserved characters.
const fn is_unreserved(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_' | b'~')
}

/// Appends `%XX`.
pub(super) fn push_escaped(byte: u8, out: &mut String) {
    out.push('%');
    out.push(char::from(HEX[usize::from(byte >> 4)]));
    out.push(char::from(HEX[usize::from(byte & 15)]));
}

fn push_xml(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
}

fn push_json(value: &str, out: &mut String) {
    // serde writes the quotes, which the template has itself.
    if let Ok(quoted) = serde_json::to_string(value) {
        out.push_str(&quoted[1..quoted.len() - 1]);
    }
}
