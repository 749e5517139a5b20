//! Reads operators' files as they come: MMDB, CSV/TSV, plain lists, JSON, gzipped or not.
//!
//! The format is found from the content. A line that cannot be read refuses the
//! whole file by name, number, text and cause: a list with a hole is a list that
//! lets fraud through unseen. Harmless and documented: blank lines, comments
//! (`#`, `;`), `host:port` and `scheme://host:port` (the host counts), networks
//! with number 0 and countries `None`, `ZZ`, `-` (nothing is known).
//!
//! Limits: [`UNPACKED_BYTES_MAX`] after unpacking.

mod address;
mod json;
mod line;
mod meaning;
mod mmdb;
mod text;

use std::io::Read;

use serde::{Deserialize, Serialize};

use super::{Kind, Source};

/// Largest file after unpacking: 2 GiB, a city table has about 0.5.
pub const UNPACKED_BYTES_MAX: u64 = 2 << 30;

const MMDB_MARK: &[u8] = b"\xab\xcd\xefMaxMind.com";
const GZIP_MARK: &[u8] = b"\x1f\x8b";

/// How a file was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// MaxMind DB.
    Mmdb,
    /// Columns with separators, or one entry a line.
    Text,
    /// Published ranges or a list of objects.
    Json,
}

/// Why a file was refused.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A line says nothing this kind of table can use.
    #[error("{file}:{line}: {cause}: {text:?}")]
    Line {
        /// The file's name.
        file: String,
        /// Line number from 1.
        line: usize,
        /// The line, cut to 120 characters.
        text: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A JSON document has an entry that cannot be read.
    #[error("{file}: {at}: {cause}")]
    Element {
        /// The file's name.
        file: String,
        /// Path of the element.
        at: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The file as a whole cannot be read.
    #[error("{file}: {cause}")]
    File {
        /// The file's name.
        file: String,
        /// What is wrong with it.
        cause: String,
    },
}

impl LoadError {
    fn file(file: &str, cause: impl ToString) -> Self {
        Self::File {
            file: file.into(),
            cause: cause.to_string(),
        }
    }
}

/// Parses `bytes` as a source of `kind`.
///
/// Shape:  `list` is the provenance `name@version` every mark of it will carry; its name
///         also labels crawler and cloud entries that have none of their own.
/// Errors: [`LoadError`]; nothing of a refused file is used. A file without a single
///         entry is refused too.
pub fn parse(
    kind: Kind,
    list: &str,
    file: &str,
    bytes: &[u8],
) -> Result<(Source, Format), LoadError> {
    let unpacked;
    let bytes = if bytes.starts_with(GZIP_MARK) {
        unpacked = unpack(file, bytes)?;
        &unpacked[..]
    } else {
        bytes
    };
    let mut source = Source::new(kind, list);
    let format = if is_mmdb(bytes) {
        mmdb::read(file, bytes, &mut source)?;
        Format::Mmdb
    } else {
        read_text(file, bytes, &mut source)?
    };
    if source.entries.is_empty() {
        return Err(LoadError::file(
            file,
            format!("no entry of kind {kind} in it"),
        ));
    }
    Ok((source, format))
}

fn read_text(file: &str, bytes: &[u8], source: &mut Source) -> Result<Format, LoadError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => std::borrow::Cow::Borrowed(text),
        // Older operator names come in Latin-1; addresses are ASCII either way.
        Err(_) if !bytes.contains(&0) => bytes.iter().map(|&b| char::from(b)).collect(),
        Err(_) => return Err(LoadError::file(file, "neither text nor a MaxMind database")),
    };
    match text.trim_start().as_bytes().first() {
        Some(b'{' | b'[') => json::read(file, &text, source).map(|()| Format::Json),
        Some(b'<') => Err(LoadError::file(file, "a web page, not a list")),
        _ => text::read(file, &text, source).map(|()| Format::Text),
    }
}

/// The metadata mark lies in the last 128 KiB of a MaxMind database.
fn is_mmdb(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(128 << 10)..];
    tail.windows(MMDB_MARK.len()).any(|w| w == MMDB_MARK)
}

fn unpack(file: &str, bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
    let mut out = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes)
        .take(UNPACKED_BYTES_MAX + 1)
        .read_to_end(&mut out)
        .map_err(|e| LoadError::file(file, format!("damaged gzip: {e}")))?;
    if out.len() as u64 > UNPACKED_BYTES_MAX {
        return Err(LoadError::file(file, "larger than 2 GiB when unpacked"));
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
