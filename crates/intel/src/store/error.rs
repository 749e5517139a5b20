//! Why the folder refused or failed, by what the caller can do.

use std::path::Path;

use crate::ip::Kind;
use crate::ip::load::LoadError;

/// Failure of an import, a load or a rollback.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file has something in it that cannot be read: mend it.
    #[error(transparent)]
    Refused(#[from] LoadError),
    /// The file can be read but looks wrong: check it, then force.
    #[error("{file}: {cause} (use --force to import it all the same)")]
    Suspect {
        /// The file's name.
        file: String,
        /// What looks wrong.
        cause: String,
    },
    /// The name cannot be used: give another.
    #[error("name {name:?}: use 1 to 64 of a-z, 0-9, '.', '_' and '-'")]
    Name {
        /// The name given.
        name: String,
    },
    /// No such source.
    #[error("no source {name:?} of kind {kind}")]
    NoSource {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// The source has no version before this one.
    #[error("source {name:?} of kind {kind} has no previous version")]
    NoPrevious {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// A stored file is not what was imported: import it again.
    #[error("{file}: changed on disk since it was imported")]
    Damaged {
        /// The stored file's name.
        file: String,
    },
    /// The manifest cannot be read.
    #[error("{file}: {cause}")]
    Manifest {
        /// The manifest's path.
        file: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The disk failed.
    #[error("cannot {what} {file}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        file: String,
        /// Why it failed.
        source: std::io::Error,
    },
}

impl StoreError {
    pub(super) fn io(what: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            what,
            file: path.display().to_string(),
            source,
        }
    }
}
