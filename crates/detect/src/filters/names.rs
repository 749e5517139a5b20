//! Sets of names that are compared in any case without a copy being made.

/// Texts in ASCII lower case, sorted.
#[derive(Debug, Default)]
pub(super) struct Names(Box<[Box<str>]>);

impl Names {
    pub fn new<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        let mut names: Vec<Box<str>> = texts
            .into_iter()
            .map(|text| text.as_ref().trim().to_ascii_lowercase().into())
            .collect();
        names.sort();
        names.dedup();
        Self(names.into())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn has(&self, text: &str) -> bool {
        let folded = || text.trim().bytes().map(|c| c.to_ascii_lowercase());
        self.0
            .binary_search_by(|own| own.bytes().cmp(folded()))
            .is_ok()
    }
}

/// The names of a list as evidence shows them; a long list is cut.
pub(super) fn shown<T: AsRef<str>>(texts: &[T]) -> String {
    const SHOWN: usize = 10;
    let mut out = String::new();
    for text in texts.iter().take(SHOWN) {
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push_str(text.as_ref());
    }
    if texts.len() > SHOWN {
        out.push_str(", …");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_whole() {
        let names = Names::new(["iOS", " Android ", "Windows", "München"]);
        for name in [
            "ios",
            "IOS",
            "android",
            " windows",
            "mÜnchen".replace('Ü', "ü").as_str(),
        ] {
            assert!(names.has(name), "{name}");
        }
        assert!(!names.has("io") && !names.has("iosx") && !names.has(""));
        assert!(Names::new([""; 0]).is_empty());
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(shown(&["a", "b"]), "a, b");
        assert!(shown(&["x"; 11]).ends_with("x, …"));
    }
}
