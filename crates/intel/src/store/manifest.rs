//! The list of imported sources, one JSON file.
//!
//! Shape: `{"v":1,"generation":7,"sources":[…]}`; the generation rises with every change.

use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{StoreError, files};
use crate::ip::Kind;
use crate::ip::load::Format;

/// The manifest's file name.
pub(super) const FILE: &str = "manifest.json";

const VERSION: u32 = 1;

/// Everything imported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    v: u32,
    /// Raised by every change.
    pub generation: u64,
    /// Sources in the order they were first imported.
    pub sources: Vec<Stored>,
}

/// One source: its version in use and the one before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// What its entries mean.
    pub kind: Kind,
    /// Its name, unique within the kind.
    pub name: String,
    /// Licence and attribution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Unix milliseconds after which it no longer counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// In use.
    pub current: StoredVersion,
    /// For rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<StoredVersion>,
}

/// One imported file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredVersion {
    /// Its name in the folder.
    pub file: String,
    /// Content date or start of the SHA-256.
    pub version: String,
    /// How it is written.
    pub format: Format,
    /// Entries in it.
    pub rows: u64,
    /// Of the file as it came, hexadecimal.
    pub sha256: String,
    /// Unix milliseconds.
    pub imported_at: i64,
}

/// When and how large the manifest is: changes when another process writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(Option<(SystemTime, u64)>);

impl Fingerprint {
    pub(super) fn of(dir: &Path) -> Self {
        let data = std::fs::metadata(dir.join(FILE)).ok();
        Self(data.and_then(|d| Some((d.modified().ok()?, d.len()))))
    }
}

impl Manifest {
    /// Reads the manifest; a folder without one has nothing imported.
    pub(super) fn read(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self {
                    v: VERSION,
                    generation: 0,
                    sources: Vec::new(),
                });
            }
            Err(e) => return Err(StoreError::io("read", &path, e)),
        };
        let refuse = |cause: String| StoreError::Manifest {
            file: path.display().to_string(),
            cause: format!(
                "{cause}; put it back from a backup, or move {} away and import the lists again",
                dir.display()
            ),
        };
        let manifest: Self = serde_json::from_slice(&bytes).map_err(|e| refuse(e.to_string()))?;
        if manifest.v != VERSION {
            return Err(refuse(format!("version {} is not known", manifest.v)));
        }
        Ok(manifest)
    }

    /// Writes it with a raised generation.
    pub(super) fn write(&mut self, dir: &Path) -> Result<(), StoreError> {
        self.generation += 1;
        let text = serde_json::to_vec_pretty(self).map_err(|e| StoreError::Manifest {
            file: FILE.into(),
            cause: e.to_string(),
        })?;
        files::write(dir, FILE, &text)
    }

    /// The source of a kind and name.
    #[must_use]
    pub fn find(&self, kind: Kind, name: &str) -> Option<&Stored> {
        self.sources
            .iter()
            .find(|s| s.kind == kind && s.name == name)
    }

    pub(super) fn replace(&mut self, stored: Stored) {
        match self
            .sources
            .iter_mut()
            .find(|s| s.kind == stored.kind && s.name == stored.name)
        {
            Some(place) => *place = stored,
            None => self.sources.push(stored),
        }
    }

    pub(super) fn remove(&mut self, kind: Kind, name: &str) -> bool {
        let before = self.sources.len();
        self.sources.retain(|s| s.kind != kind || s.name != name);
        self.sources.len() < before
    }

    /// Whether some source needs the file.
    pub(super) fn names(&self, file: &str) -> bool {
        let mut versions = self
            .sources
            .iter()
            .flat_map(|s| [Some(&s.current), s.previous.as_ref()]);
        versions.any(|v| v.is_some_and(|v| v.file == file))
    }
}
