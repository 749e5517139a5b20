//! Writing so that a crash at any moment leaves the old or the new state.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::{Manifest, StoreError};

const LOCK: &str = ".lock";

/// Keeps two importing processes apart; released when dropped.
pub(super) fn lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join(LOCK);
    let file = File::create(&path).map_err(|e| StoreError::io("create", &path, e))?;
    file.lock().map_err(|e| StoreError::io("lock", &path, e))?;
    Ok(file)
}

/// Writes `dir/name` through a temporary name, synced before it is renamed.
pub(super) fn write(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let (path, temporary) = (dir.join(name), dir.join(format!(".{name}.new")));
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|e| StoreError::io("write", &temporary, e))?;
    std::fs::rename(&temporary, &path).map_err(|e| StoreError::io("rename", &path, e))?;
    let folder = File::open(dir).and_then(|folder| folder.sync_all());
    folder.map_err(|e| StoreError::io("sync", dir, e))
}

/// Removes files that no source needs any more; one that stays does no harm.
pub(super) fn remove_unlisted(dir: &Path, manifest: &Manifest) {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let ours = name == LOCK || name == super::manifest::FILE;
        if !ours && !manifest.names(name) && entry.path().is_file() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
