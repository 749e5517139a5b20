//! Texts with macros `{name}`: destinations of clicks, postbacks.
//!
//! Parsed when they are saved. A value is encoded exactly once, whatever it holds; an unknown
//! name is empty. Of a URL scheme, host and port are literal, so no value can choose them.

mod encode;
mod json;
mod url;

pub use encode::Encoding;
pub use url::{PublicHost, UrlTemplate, append_params};

use std::borrow::Cow;

use json::JsonPlace;

/// What a template is filled with.
pub trait Values {
    /// The value of a name; `None` = unknown, which expands to nothing.
    fn value(&self, name: &str) -> Option<Cow<'_, str>>;
}

/// One piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    Macro(Box<str>),
}

/// A parsed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

/// Longest name of a macro.
const NAME_MAX: usize = 64;

impl Template {
    /// Reads a text. A brace that opens no `{name}` stands for itself, as in JSON.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut parts = Vec::new();
        let (mut rest, mut literal) = (text, 0);
        while let Some(at) = rest[literal..].find('{') {
            let open = literal + at;
            let Some((name, after)) = macro_at(&rest[open..]) else {
                literal = open + 1;
                continue;
            };
            push_literal(&mut parts, &rest[..open]);
            parts.push(Part::Macro(name.into()));
            (rest, literal) = (after, 0);
        }
        push_literal(&mut parts, rest);
        Self { parts }
    }

    /// The names of its macros, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Macro(name) => Some(&**name),
            Part::Literal(_) => None,
        })
    }

    /// Appends the text with every macro replaced, its value encoded once.
    pub fn expand(&self, encoding: Encoding, values: &dyn Values, out: &mut String) {
        let mut json = JsonPlace::default();
        for part in &self.parts {
            match part {
                Part::Literal(text) => {
                    json.pass(text);
                    out.push_str(text);
                }
                Part::Macro(name) if encoding == Encoding::Json && !json.in_quotes() => {
                    json::push_value(values.value(name).as_deref(), out);
                }
                Part::Macro(name) => {
                    if let Some(value) = values.value(name) {
                        encoding.push(&value, out);
                    }
                }
            }
        }
    }
}

fn push_literal(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Literal(text.into()));
    }
}

/// The name of the macro that a text begins with, and what follows it.
fn macro_at(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.strip_prefix('{')?.split_once('}')?;
    let of_name = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.');
    ((1..=NAME_MAX).contains(&name.len()) && name.bytes().all(of_name)).then_some((name, after))
}

#[cfg(test)]
mod tests;
