//! The folder lock: one writing process per data folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process writes here.
    #[error("{folder} is in use by {holder}: stop it, or choose another data folder", folder = folder.display())]
    Held {
        /// The data folder.
        folder: PathBuf,
        /// Who holds it, as it wrote of itself.
        holder: String,
    },
    /// The lock file could not be opened or written.
    #[error("cannot lock {folder}: {cause}", folder = folder.display())]
    Io {
        /// The data folder.
        folder: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

/// Proof that this process alone writes to a data folder; released on drop.
///
/// The kernel drops the lock with the process, so a crash leaves nothing to clean up.
#[derive(Debug)]
pub struct FolderLock {
    folder: PathBuf,
    _file: File,
}

impl FolderLock {
    /// Takes the lock of `folder`, which is created when it does not exist.
    ///
    /// # Errors
    /// [`LockError::Held`] names the process that has it.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let failed = |cause| LockError::Io {
            folder: folder.to_owned(),
            cause,
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(folder.join("lock"))
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held {
                    folder: folder.to_owned(),
                    holder: holder_of(&mut file),
                });
            }
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        write_holder(&mut file).map_err(failed)?;
        Ok(Self {
            folder: folder.to_owned(),
            _file: file,
        })
    }

    /// The locked folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn write_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(format!("process {}\n", std::process::id()).as_bytes())
}

fn holder_of(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(200).read_to_string(&mut text);
    match (read, text.trim()) {
        (Ok(_), name) if !name.is_empty() => name.to_owned(),
        _ => "another process".to_owned(),
    }
}
