//! Splits a line into fields.

/// What separates the fields of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    Char(char),
    /// The first run of blanks: an entry, then its name.
    Blank,
}

impl Separator {
    /// Decides from the first line that has content.
    pub(super) fn of(line: &str) -> Self {
        [',', '\t', ';', '|']
            .into_iter()
            .find(|&c| line.contains(c))
            .filter(|&c| c != ',' || !line.contains('\t'))
            .or_else(|| line.contains('\t').then_some('\t'))
            .map_or(Self::Blank, Self::Char)
    }

    /// Fields of a line, trimmed and unquoted.
    pub(super) fn split<'a>(self, line: &'a str, out: &mut Vec<&'a str>) {
        out.clear();
        match self {
            Self::Char(c) => split_quoted(line, c, out),
            Self::Blank => {
                let line = comment_cut(line);
                match line.split_once(char::is_whitespace) {
                    Some((first, rest)) if !rest.trim_start().starts_with('-') => {
                        out.extend([first, rest.trim()]);
                    }
                    _ => out.push(line),
                }
            }
        }
    }
}

/// Cuts a trailing comment.
fn comment_cut(line: &str) -> &str {
    let cut = line
        .match_indices(['#', ';'])
        .find(|&(at, _)| line[..at].ends_with([' ', '\t']));
    cut.map_or(line, |(at, _)| &line[..at]).trim()
}

/// Quotes may hold separators; a doubled quote inside stays as it is.
fn split_quoted<'a>(line: &'a str, separator: char, out: &mut Vec<&'a str>) {
    let (mut start, mut quoted) = (0, false);
    for (at, c) in line.char_indices() {
        if c == '"' {
            quoted = !quoted;
        } else if c == separator && !quoted {
            out.push(unquote(&line[start..at]));
            start = at + c.len_utf8();
        }
    }
    out.push(unquote(&line[start..]));
}

fn unquote(field: &str) -> &str {
    let field = field.trim();
    field
        .strip_prefix('"')
        .and_then(|f| f.strip_suffix('"'))
        .unwrap_or(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Vec<&str> {
        let mut out = Vec::new();
        Separator::of(line).split(line, &mut out);
        out
    }

    #[test]
    fn separators_are_found_and_quotes_hold() {
        assert_eq!(
            split("1.0.0.0,1.0.0.255,13335,\"Cloud, Inc.\""),
            ["1.0.0.0", "1.0.0.255", "13335", "Cloud, Inc."]
        );
        assert_eq!(
            split("1.0.0.0\t1.0.0.255\t5\tUS\tOne, Two"),
            ["1.0.0.0", "1.0.0.255", "5", "US", "One, Two"]
        );
        assert_eq!(split("AS5 Some Name"), ["AS5", "Some Name"]);
        assert_eq!(split("AS5 # Some Name"), ["AS5"]);
        assert_eq!(split("10.0.0.1 - 10.0.0.2"), ["10.0.0.1 - 10.0.0.2"]);
    }
}
