//! Cuts a user agent string into products, comments and bracket blocks.
//!
//! Every rule of this module tree works on these pieces instead of on substrings: the same word
//! means a crawler as a product and nothing at all as the name of a telephone.
//!
//! Limits: only the first [`READ_BYTES_MAX`] bytes are cut; nesting is counted, not recursed into.

use smallvec::SmallVec;

/// Bytes of a user agent that are looked at; in-app browsers stay below 1 KiB.
pub(super) const READ_BYTES_MAX: usize = 4096;

/// A word outside every comment, with the version after its slash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Product<'a> {
    /// Text before the first slash; the whole word when there is none.
    pub name: &'a str,
    /// Text after the first slash; empty when there is none.
    pub version: &'a str,
    /// Offset of the word in the string.
    pub start: usize,
}

impl Product<'_> {
    /// Whether the word had a slash.
    pub fn has_version(&self) -> bool {
        !self.version.is_empty()
    }
}

/// A parenthesised part, without its parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Comment<'a> {
    /// Text between the parentheses.
    pub text: &'a str,
    /// Offset of the text in the string.
    pub start: usize,
    /// How many products stand before it.
    pub after: usize,
}

impl<'a> Comment<'a> {
    /// Parts between semicolons, trimmed, with their offsets.
    pub fn segments(&self) -> impl Iterator<Item = (&'a str, usize)> + use<'a> {
        let (text, start) = (self.text, self.start);
        text.split(';').map(move |part| {
            let trimmed = part.trim();
            let lead = part.len() - part.trim_start().len();
            let at = part.as_ptr() as usize - text.as_ptr() as usize;
            (trimmed, start + at + lead)
        })
    }
}

/// A user agent string in pieces.
#[derive(Clone, Debug)]
pub(super) struct Parsed<'a> {
    /// The string itself, cut to [`READ_BYTES_MAX`].
    pub raw: &'a str,
    /// Words outside comments, in order.
    pub products: SmallVec<[Product<'a>; 16]>,
    /// Parenthesised parts, in order; an unclosed one runs to the end.
    pub comments: SmallVec<[Comment<'a>; 4]>,
    /// A `[…]` block as in-app browsers append it; empty when there is none.
    pub bracket: &'a str,
    /// The last comment was never closed.
    pub unclosed: bool,
}

impl<'a> Parsed<'a> {
    /// Cuts `ua` into pieces.
    pub fn new(ua: &'a str) -> Self {
        let raw = cut(ua);
        let mut out = Self {
            raw,
            products: SmallVec::new(),
            comments: SmallVec::new(),
            bracket: "",
            unclosed: false,
        };
        let bytes = raw.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at = match byte {
                b'(' => out.take_comment(at),
                b'[' => out.take_bracket(at),
                b if is_gap(b) => at + 1,
                _ => out.take_product(at),
            };
        }
        out
    }

    fn take_comment(&mut self, open: usize) -> usize {
        let mut depth = 0_usize;
        let (mut end, mut next) = (self.raw.len(), self.raw.len());
        self.unclosed = true;
        for (offset, byte) in self.raw.bytes().enumerate().skip(open) {
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                (end, next) = (offset, offset + 1);
                self.unclosed = false;
                break;
            }
        }
        self.comments.push(Comment {
            text: self.raw.get(open + 1..end).unwrap_or(""),
            start: open + 1,
            after: self.products.len(),
        });
        next
    }

    fn take_bracket(&mut self, open: usize) -> usize {
        let rest = self.raw.get(open + 1..).unwrap_or("");
        let len = rest.find(']').unwrap_or(rest.len());
        if self.bracket.is_empty() {
            self.bracket = rest.get(..len).unwrap_or("");
        }
        open + 1 + len + 1
    }

    fn take_product(&mut self, start: usize) -> usize {
        let rest = self.raw.get(start..).unwrap_or("");
        let len = rest
            .bytes()
            .position(|b| is_gap(b) || b == b'(' || b == b'[')
            .unwrap_or(rest.len());
        let word = rest.get(..len).unwrap_or("");
        let (name, version) = word.split_once('/').unwrap_or((word, ""));
        self.products.push(Product {
            name,
            version,
            start,
        });
        start + len
    }

    /// Version of the first product called `name`, whatever its case.
    pub fn version_of(&self, name: &str) -> Option<&'a str> {
        self.product(name).map(|p| p.version)
    }

    /// First product called `name`, whatever its case.
    pub fn product(&self, name: &str) -> Option<&Product<'a>> {
        self.products
            .iter()
            .find(|p| p.name.eq_ignore_ascii_case(name))
    }

    /// The comment right after `Mozilla/5.0` or the first word: the platform.
    pub fn platform(&self) -> &'a str {
        self.comments
            .first()
            .filter(|c| c.after <= 2)
            .map_or("", |c| c.text)
    }

    /// Whether it is, or says it is, a browser of 2018 or later.
    ///
    /// Their strings are rigid and few makers add to them; what came before was free for all.
    pub fn is_modern(&self) -> bool {
        let version = |name| self.version_of(name).and_then(major);
        let numbered = version("Chrome").or_else(|| version("Firefox"));
        let apple = || {
            ["Macintosh", "iPhone", "iPad"]
                .iter()
                .any(|w| self.platform().contains(w))
        };
        match numbered {
            Some(number) => number >= 64,
            None => apple() && version("Version").is_some_and(|v| v >= 11),
        }
    }

    /// Whether the first word is `Mozilla/…`.
    pub fn is_mozilla(&self) -> bool {
        self.products
            .first()
            .is_some_and(|p| p.name == "Mozilla" && p.has_version())
    }
}

/// Whitespace and the commas some carriers join words with.
fn is_gap(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == b','
}

fn cut(ua: &str) -> &str {
    let mut end = ua.len().min(READ_BYTES_MAX);
    while !ua.is_char_boundary(end) {
        end -= 1;
    }
    ua.get(..end).unwrap_or(ua)
}

/// The number a version begins with.
pub(super) fn major(version: &str) -> Option<u32> {
    let len = version
        .bytes()
        .position(|b| !b.is_ascii_digit())
        .unwrap_or(version.len());
    version.get(..len)?.parse().ok()
}

/// Finds `needle` in `hay`, ignoring ASCII case.
pub(super) fn find_ci(hay: &str, needle: &str) -> Option<usize> {
    let (hay, needle) = (hay.as_bytes(), needle.as_bytes());
    let first = needle.first()?;
    memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), hay).find(|at| {
        hay.get(*at..at + needle.len())
            .is_some_and(|part| part.eq_ignore_ascii_case(needle))
    })
}

/// Whether `hay` holds `needle`, ignoring ASCII case.
pub(super) fn has_ci(hay: &str, needle: &str) -> bool {
    find_ci(hay, needle).is_some()
}

/// Whether `text` begins with `prefix`, ignoring ASCII case.
pub(super) fn starts_ci(text: &str, prefix: &str) -> bool {
    text.as_bytes()
        .get(..prefix.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_falls_into_products_and_comments() {
        let p = Parsed::new(
            "Mozilla/5.0 (Linux; Android 9; X (2) Build/A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1.2.3.4 Mobile Safari/5 [FBAN/x;FBAV/1]",
        );
        let names: Vec<_> = p.products.iter().map(|p| p.name).collect();
        assert_eq!(
            names,
            ["Mozilla", "AppleWebKit", "Chrome", "Mobile", "Safari"]
        );
        assert_eq!(p.comments[0].text, "Linux; Android 9; X (2) Build/A");
        assert_eq!(p.comments[1].text, "KHTML, like Gecko");
        assert_eq!(p.bracket, "FBAN/x;FBAV/1");
        assert!(!p.unclosed);
    }

    #[test]
    fn segments_know_where_they_stand() {
        let raw = "a (b;  c )";
        let p = Parsed::new(raw);
        for (text, at) in p.comments[0].segments() {
            assert_eq!(&raw[at..at + text.len()], text);
        }
    }

    #[test]
    fn odd_strings_are_cut_without_a_panic() {
        for raw in [
            "",
            "(",
            ")",
            "[",
            "]",
            "a(b",
            "é(é)[é]é/é",
            "/",
            "//",
            "((()",
        ] {
            let p = Parsed::new(raw);
            assert!(p.products.len() <= raw.len());
        }
        assert!(Parsed::new("a (b").unclosed);
        let long = "é".repeat(READ_BYTES_MAX);
        assert!(Parsed::new(&long).raw.len() <= READ_BYTES_MAX);
    }
}
