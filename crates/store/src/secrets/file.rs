//! The file of master keys: one a line, its number and 64 random bytes in base64.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use assay_model::ports::StoreError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{KEY, MasterKey, MasterKeys};

const HEAD: &str = "# Master keys of Assay: a number and 64 random bytes in base64, one a line.
# The highest number seals, all of them open. Keep a copy away from the data: without this
# file nobody can read the control data.
";

/// Where the master keys stand.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
    made: bool,
}

impl KeyFile {
    /// A file that the operator provides.
    #[must_use]
    pub const fn given(path: PathBuf) -> Self {
        Self { path, made: false }
    }

    /// A file of our own, made when there is nothing yet that could need an older one.
    #[must_use]
    pub const fn own(path: PathBuf) -> Self {
        Self { path, made: true }
    }

    /// Reads the keys; `first`: nothing is sealed yet.
    ///
    /// # Errors
    /// [`StoreError::Backend`] naming the file and what is wrong with it.
    pub fn load(&self, first: bool) -> Result<MasterKeys, StoreError> {
        match self.read()? {
            Some(keys) => Ok(keys),
            None if self.made && first => {
                self.add()?;
                self.read()?.ok_or_else(|| self.failed("is gone"))
            }
            None if first => Err(self.failed(
                "is not there; `assay secrets add-key` makes it, or leave secrets.key_file out",
            )),
            None => Err(self
                .failed("is not there, and the control data is sealed with its keys; restore it")),
        }
    }

    /// Adds a new key, which seals from the next start on; its number.
    ///
    /// # Errors
    /// [`StoreError::Backend`]; then the file is as it was.
    pub fn add(&self) -> Result<u32, StoreError> {
        let before = self.read()?;
        let id = before.as_ref().map_or(0, MasterKeys::newest);
        let id = id
            .checked_add(1)
            .ok_or_else(|| self.failed("has no numbers left"))?;
        let mut secret = [0; KEY];
        getrandom::fill(&mut secret)
            .map_err(|error| self.failed(&format!("no random bytes: {error}")))?;
        let mut keys = before.map_or_else(Vec::new, |keys| keys.keys);
        keys.push(MasterKey { id, secret });
        self.write(&keys)
            .map_err(|error| self.failed(&error.to_string()))?;
        Ok(id)
    }

    /// Whether others than its owner can read it.
    #[must_use]
    pub fn is_open_to_others(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self) -> Result<Option<MasterKeys>, StoreError> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(&error.to_string())),
        };
        let mut keys = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let key = key(line).ok_or_else(|| {
                let wrong = format!("line {number} is no number and 64 bytes in base64");
                self.failed(&wrong)
            })?;
            keys.push(key);
        }
        keys.sort_by_key(|key| key.id);
        if keys.windows(2).any(|two| two[0].id == two[1].id) {
            return Err(self.failed("two keys have one number"));
        }
        if keys.is_empty() {
            return Err(self.failed("holds no key"));
        }
        Ok(Some(MasterKeys {
            keys,
            from: self.path.clone(),
        }))
    }

    /// Whole or not at all: what is sealed with a key must never outlive it.
    fn write(&self, keys: &[MasterKey]) -> std::io::Result<()> {
        let folder = self
            .path
            .parent()
            .filter(|path| !path.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        let new = PathBuf::from(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        options.mode(0o600);
        let mut file = options.open(&new)?;
        file.write_all(HEAD.as_bytes())?;
        for key in keys {
            writeln!(file, "{} {}", key.id, STANDARD.encode(key.secret))?;
        }
        file.sync_all()?;
        std::fs::rename(&new, &self.path)?;
        File::open(folder)?.sync_all()
    }

    fn failed(&self, why: &str) -> StoreError {
        StoreError::Backend(format!("master keys: {}: {why}", self.path.display()))
    }
}

fn key(line: &str) -> Option<MasterKey> {
    let (id, secret) = line.trim().split_once(' ')?;
    Some(MasterKey {
        id: id.parse().ok().filter(|id| *id > 0)?,
        secret: STANDARD.decode(secret.trim()).ok()?.try_into().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_our_own_is_made_once_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let file = KeyFile::own(dir.path().join("secrets.key"));
        assert!(
            file.load(false)
                .unwrap_err()
                .to_string()
                .contains("restore it")
        );
        let keys = file.load(true).unwrap();
        assert_eq!(keys.newest(), 1);
        assert!(file.load(true).unwrap().keys == keys.keys, "made once");
        let mode = std::fs::metadata(&file.path).unwrap().permissions().mode();
        assert_eq!((mode & 0o777, file.is_open_to_others()), (0o600, false));
        let shared = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(&file.path, shared).unwrap();
        assert!(file.is_open_to_others());
        assert_eq!(file.add().unwrap(), 2);
        let more = file.load(false).unwrap();
        assert!(more.newest() == 2 && more.keys[..1] == keys.keys[..]);
        let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_file_that_should_be_there_or_does_not_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("k");
        let file = KeyFile::given(path.clone());
        let why = |text: Option<&str>| {
            if let Some(text) = text {
                std::fs::write(&path, text).unwrap();
            }
            file.load(true).unwrap_err().to_string()
        };
        assert!(why(None).contains("add-key"));
        let good = format!("1 {}", STANDARD.encode([1; KEY]));
        for (text, expected) in [
            ("# nothing\n\n", "holds no key"),
            ("1 AAAA\n", "line 1"),
            ("0 AAAA\n", "line 1"),
            (&*format!("{good}\nx"), "line 2"),
            (&*format!("{good}\n{good}\n"), "one number"),
        ] {
            let said = why(Some(text));
            assert!(said.contains(expected) && said.contains("/k:"), "{said}");
        }
    }
}
