//! The keys that seal what control data holds.

use std::path::{Path, PathBuf};

use assay_model::document::Problem;
use assay_store::embedded::control::{ControlOptions, KEY_FILE};
use assay_store::secrets::KeyFile;
use serde::{Deserialize, Serialize};

use super::described::described;

described! {
    /// `[secrets]`
    #[derive(Clone, Debug, Default, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct Secrets {
        /// The file of master keys, which seal the control data; made by `assay secrets add-key`. Not
        /// set: `secrets.key` in the data folder, made at the first start. Keep it on another disk, and
        /// a copy of it apart from backups of the data: who has both has everything.
        pub key_file: Option<PathBuf>,
    }
}

impl Secrets {
    pub fn check(&self, problems: &mut Vec<Problem>) {
        if self
            .key_file
            .as_ref()
            .is_some_and(|path| path.as_os_str().is_empty())
        {
            problems.push(Problem::new("secrets.key_file", "is empty; leave it out"));
        }
    }

    /// Says so where others can read the keys.
    pub fn warn(&self, dir: &Path) {
        let file = self.file(dir);
        if file.is_open_to_others() {
            tracing::warn!(file = %file.path().display(), "others than its owner can read the master keys");
        }
    }

    /// How control data is opened.
    pub fn control(&self) -> ControlOptions {
        ControlOptions {
            key_file: self.key_file.clone(),
            ..ControlOptions::default()
        }
    }

    /// The file of a data folder.
    pub fn file(&self, dir: &Path) -> KeyFile {
        match &self.key_file {
            Some(path) => KeyFile::given(path.clone()),
            None => KeyFile::own(dir.join(KEY_FILE)),
        }
    }
}
