//! Imported intelligence on disk: a folder of raw files and a manifest.
//!
//! A file is parsed and checked before it counts, written under a temporary name,
//! synced and renamed; the manifest is renamed last, so a crash leaves the old
//! state whole. The version before stays for [`IntelStore::rollback`].
//!
//! Source: SPEC §3 (verifies, swaps atomically, keeps the previous version).

mod error;
mod files;
mod handle;
mod manifest;
mod sanity;
mod status;

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

pub use self::error::StoreError;
pub use self::handle::{IntelHandle, Reloaded};
pub use self::manifest::{Fingerprint, Manifest, Stored, StoredVersion};
pub use self::status::{SourceStatus, max_age_s};
use crate::ip::builtin;
use crate::ip::load::parse;
use crate::ip::{IpTables, Kind, Source};

/// Longest name of a source, in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// The folder `intel/` of a data directory.
#[derive(Clone, Debug)]
pub struct IntelStore {
    dir: PathBuf,
}

/// One file to import.
#[derive(Clone, Debug)]
pub struct Import<'a> {
    /// What its entries mean.
    pub kind: Kind,
    /// Name of the source; the same name replaces.
    pub name: &'a str,
    /// The file's name, for errors.
    pub file: &'a str,
    /// Its content as it came.
    pub bytes: &'a [u8],
    /// Date of the content, where known; else the start of its SHA-256.
    pub version: Option<&'a str>,
    /// Licence and attribution, where known.
    pub licence: Option<&'a str>,
    /// Unix milliseconds after which its entries no longer count.
    pub expires_at: Option<i64>,
    /// Imports in spite of a shrink or an odd content.
    pub force: bool,
    /// Unix milliseconds now.
    pub now: i64,
}

/// Tables built from the folder.
#[derive(Debug)]
pub struct Loaded {
    /// Built-in and imported, resolved.
    pub tables: IpTables,
    /// Sources that could not be used, each with its cause; empty when all is well.
    pub problems: Vec<String>,
    /// The manifest's counter, raised by every change.
    pub generation: u64,
}

/// Name a file gives its source: stem in lower case, other characters as `-`.
#[must_use]
pub fn name_of_file(path: &Path) -> String {
    let name = path
        .file_name()
        .map(|n| n.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let clean = stem.chars().map(|c| if is_name_char(c) { c } else { '-' });
    let name: String = clean.take(NAME_BYTES_MAX).collect();
    if name.is_empty() { "list".into() } else { name }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-')
}

impl IntelStore {
    /// Opens `data_dir/intel`, making it when it is not there.
    ///
    /// Errors: [`StoreError::Io`].
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let dir = data_dir.join("intel");
        std::fs::create_dir_all(&dir).map_err(|e| StoreError::io("create", &dir, e))?;
        Ok(Self { dir })
    }

    /// Parses, checks and stores a file; it counts from the next [`IntelStore::load`].
    ///
    /// Errors: [`StoreError::Refused`] names file, line and cause; [`StoreError::Suspect`]
    ///         can be overruled by `force`; [`StoreError::Io`]. The old state stays whole.
    pub fn import(&self, import: &Import<'_>) -> Result<Stored, StoreError> {
        check_name(import.name)?;
        let sha256 = sha256_hex(import.bytes);
        let version = import.version.unwrap_or(&sha256[..8]).to_owned();
        let list = format!("{}@{version}", import.name);
        let (source, format) = parse(import.kind, &list, import.file, import.bytes)?;

        let _lock = files::lock(&self.dir)?;
        let mut manifest = Manifest::read(&self.dir)?;
        let before = manifest
            .find(import.kind, import.name)
            .map(|s| s.current.clone());
        if !import.force {
            sanity::check(&source, import.file)?;
            sanity::check_shrink(&source, before.as_ref(), import.file)?;
        }
        let current = StoredVersion {
            file: file_name(import, &sha256),
            version,
            format,
            rows: source.entries.len() as u64,
            sha256,
            imported_at: import.now,
        };
        files::write(&self.dir, &current.file, import.bytes)?;
        let stored = Stored {
            kind: import.kind,
            name: import.name.into(),
            licence: import.licence.map(Into::into),
            expires_at: import.expires_at,
            previous: before.filter(|b| b.sha256 != current.sha256),
            current,
        };
        self.put(&mut manifest, stored.clone())?;
        Ok(stored)
    }

    fn put(&self, manifest: &mut Manifest, stored: Stored) -> Result<(), StoreError> {
        manifest.replace(stored);
        manifest.write(&self.dir)?;
        files::remove_unlisted(&self.dir, manifest);
        Ok(())
    }

    /// Returns a source to the version before its current one; twice undoes it.
    ///
    /// Errors: [`StoreError::NoSource`], [`StoreError::NoPrevious`], [`StoreError::Io`].
    pub fn rollback(&self, kind: Kind, name: &str) -> Result<Stored, StoreError> {
        let _lock = files::lock(&self.dir)?;
        let mut manifest = Manifest::read(&self.dir)?;
        let missing = || StoreError::NoSource {
            kind,
            name: name.into(),
        };
        let mut stored = manifest.find(kind, name).ok_or_else(missing)?.clone();
        let Some(previous) = stored.previous.take() else {
            return Err(StoreError::NoPrevious {
                kind,
                name: name.into(),
            });
        };
        stored.previous = Some(std::mem::replace(&mut stored.current, previous));
        self.put(&mut manifest, stored.clone())?;
        Ok(stored)
    }

    /// Forgets a source and its files.
    ///
    /// Errors: [`StoreError::NoSource`], [`StoreError::Io`].
    pub fn remove(&self, kind: Kind, name: &str) -> Result<(), StoreError> {
        let _lock = files::lock(&self.dir)?;
        let mut manifest = Manifest::read(&self.dir)?;
        if !manifest.remove(kind, name) {
            return Err(StoreError::NoSource {
                kind,
                name: name.into(),
            });
        }
        manifest.write(&self.dir)?;
        files::remove_unlisted(&self.dir, &manifest);
        Ok(())
    }

    /// Builds the tables: built-in ones and everything imported that has not expired.
    ///
    /// A damaged file is replaced by its previous version and named in `problems`.
    /// Errors: [`StoreError`] when the manifest itself cannot be read.
    pub fn load(&self, now: i64) -> Result<Loaded, StoreError> {
        let manifest = Manifest::read(&self.dir)?;
        let mut builder = builtin::builder();
        let mut problems = Vec::new();
        for stored in &manifest.sources {
            if stored.expires_at.is_some_and(|at| at <= now) {
                problems.push(format!(
                    "{} {}: expired, not used",
                    stored.kind, stored.name
                ));
                continue;
            }
            if let Some(source) = self.read_source(stored, &mut problems) {
                builder.add(&source);
            }
        }
        Ok(Loaded {
            tables: builder.build(),
            problems,
            generation: manifest.generation,
        })
    }

    fn read_source(&self, stored: &Stored, problems: &mut Vec<String>) -> Option<Source> {
        for version in [Some(&stored.current), stored.previous.as_ref()]
            .into_iter()
            .flatten()
        {
            match self.read_version(stored, version) {
                Ok(source) => return Some(source),
                Err(e) => problems.push(format!("{} {}: {e}", stored.kind, stored.name)),
            }
        }
        None
    }

    fn read_version(&self, stored: &Stored, version: &StoredVersion) -> Result<Source, StoreError> {
        let bytes = self.read_bytes(version)?;
        let list = format!("{}@{}", stored.name, version.version);
        Ok(parse(stored.kind, &list, &version.file, &bytes)?.0)
    }

    fn read_bytes(&self, version: &StoredVersion) -> Result<Vec<u8>, StoreError> {
        let path = self.dir.join(&version.file);
        let bytes = std::fs::read(&path).map_err(|e| StoreError::io("read", &path, e))?;
        if sha256_hex(&bytes) == version.sha256 {
            return Ok(bytes);
        }
        Err(StoreError::Damaged {
            file: version.file.clone(),
        })
    }

    /// What is loaded, how old it is and under which licence.
    ///
    /// Errors: [`StoreError`] when the manifest cannot be read.
    pub fn status(&self, now: i64) -> Result<Vec<SourceStatus>, StoreError> {
        Ok(status::of(&Manifest::read(&self.dir)?, now))
    }

    /// Reads every file that counts, and says of which sources it is not what was imported.
    ///
    /// Errors: [`StoreError`] when the manifest cannot be read.
    pub fn damaged(&self) -> Result<Vec<(Kind, String, StoreError)>, StoreError> {
        let manifest = Manifest::read(&self.dir)?;
        let broken = |stored: &Stored| {
            let cause = self.read_bytes(&stored.current).err()?;
            Some((stored.kind, stored.name.clone(), cause))
        };
        Ok(manifest.sources.iter().filter_map(broken).collect())
    }

    /// A cheap mark that changes whenever another process has changed the folder.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.dir)
    }
}

fn check_name(name: &str) -> Result<(), StoreError> {
    let fits = (1..=NAME_BYTES_MAX).contains(&name.len()) && name.chars().all(is_name_char);
    if fits {
        Ok(())
    } else {
        Err(StoreError::Name { name: name.into() })
    }
}

fn file_name(import: &Import<'_>, sha256: &str) -> String {
    format!("{}.{}.{}", import.kind, import.name, &sha256[..16])
}

fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

#[cfg(test)]
mod tests;
