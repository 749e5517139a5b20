//! Macros in JSON outside quotes: whatever the value, it stays one value.
//!
//! `{"amount":{payout}}` is how people write numbers. Put in as it came, a value that a
//! visitor chose could add members of its own.

use serde_json::Number;

/// Whether a template stands between quotes, as its literals go by. Values between quotes are
/// escaped, so they never end them.
#[derive(Default)]
pub(super) struct JsonPlace {
    quoted: bool,
    escaped: bool,
}

impl JsonPlace {
    /// Goes past a literal.
    pub fn pass(&mut self, text: &str) {
        for c in text.bytes() {
            match c {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.quoted => self.escaped = true,
                b'"' => self.quoted = !self.quoted,
                _ => {}
            }
        }
    }

    /// Whether a macro that comes now is part of a text.
    pub const fn in_quotes(&self) -> bool {
        self.quoted
    }
}

/// Appends one JSON value: a number, true or false as they are, any other as a text; what
/// is not known or empty as null.
pub(super) fn push_value(value: Option<&str>, out: &mut String) {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return out.push_str("null");
    };
    let bare = matches!(value, "true" | "false") || serde_json::from_str::<Number>(value).is_ok();
    if bare {
        out.push_str(value.trim());
    } else if let Ok(quoted) = serde_json::to_string(value) {
        out.push_str(&quoted);
    }
}
