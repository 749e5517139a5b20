//! The configuration with every key, what it means and its default, as TOML.
//!
//! Made from the sections' types and their doc comments: nothing to keep in step by hand.

use std::fmt::Write as _;

use serde::Serialize;

use super::Config;
use super::described::Described;

const HEAD: &str =
    "# The configuration of Assay: every key with its default. Leave out what you do not change.
# ASSAY__SECTION__KEY in the environment overrides a key.
";

/// The default configuration, commented.
///
/// # Errors
/// When a default cannot be written as TOML.
pub fn template() -> anyhow::Result<String> {
    let Config {
        listen,
        gateway,
        storage,
        intelligence,
        agents,
        console,
        postbacks,
        sources,
        secrets,
    } = Config::default();
    let mut out = HEAD.to_owned();
    section(&mut out, "listen", &listen)?;
    section(&mut out, "gateway", &gateway)?;
    section(&mut out, "storage", &storage)?;
    section(&mut out, "intelligence", &intelligence)?;
    section(&mut out, "agents", &agents)?;
    section(&mut out, "console", &console)?;
    section(&mut out, "postbacks", &postbacks)?;
    section(&mut out, "sources", &sources)?;
    section(&mut out, "secrets", &secrets)?;
    Ok(out)
}

fn section<T: Serialize + Described>(
    out: &mut String,
    name: &str,
    values: &T,
) -> anyhow::Result<()> {
    out.push('\n');
    let meaning = Config::FIELDS.iter().find(|(own, _)| *own == name);
    comment(out, meaning.map_or(&[], |(_, lines)| lines));
    let _ = writeln!(out, "[{name}]");
    let table = toml::Table::try_from(values)?;
    for (key, lines) in T::FIELDS {
        comment(out, lines);
        match table.get(*key) {
            Some(value) => write_value(out, key, value),
            None => {
                let _ = writeln!(out, "# {key} is not set");
            }
        }
    }
    Ok(())
}

fn comment(out: &mut String, lines: &[&str]) {
    for line in lines {
        let _ = writeln!(out, "# {}", line.trim());
    }
}

/// `key = value`; a list of tables has one a line.
fn write_value(out: &mut String, key: &str, value: &toml::Value) {
    match value
        .as_array()
        .filter(|list| list.iter().any(toml::Value::is_table))
    {
        None => {
            let _ = writeln!(out, "{key} = {value}");
        }
        Some(list) => {
            let _ = writeln!(out, "{key} = [");
            for entry in list {
                let _ = writeln!(out, "  {entry},");
            }
            out.push_str("]\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_default_configuration_with_every_key_explained() {
        let text = template().unwrap();
        let mut table: toml::Table = text.parse().unwrap();
        let read = Config::read(&mut table, std::iter::empty()).unwrap();
        let as_toml = |config: &Config| toml::Table::try_from(config).unwrap();
        assert_eq!(as_toml(&read), as_toml(&Config::default()));
        let mut before = "";
        let mut keys = 0;
        for line in text.lines() {
            if line.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') {
                assert!(before.starts_with("# "), "{line} has no comment");
                keys += usize::from(!line.starts_with('['));
            }
            before = line;
        }
        let expected: usize = as_toml(&Config::default())
            .values()
            .map(|section| section.as_table().unwrap().len())
            .sum();
        assert_eq!(keys, expected, "{text}");
    }
}
