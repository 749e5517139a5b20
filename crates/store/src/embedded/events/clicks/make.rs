//! Click indexes made from their files: for those of a build that made none, and for broken ones.

use std::collections::HashSet;
use std::sync::Arc;

use assay_model::record::peek_external_id;

use super::super::EventsError;
use super::super::columns::RECORD;
use super::super::get::record_at;
use super::super::manifest::Change;
use super::super::snapshot::StoredFile;
use super::super::store::EventStore;
use super::SidecarWriter;

/// Rows read at a time.
const ROWS: usize = 4096;

impl EventStore {
    /// Makes the index of one file that has none that can be read; until then look-ups in it say that they could
    /// not. Files that fail are noted in `failed` and not tried again.
    pub(super) fn index_a_file(&self, failed: &mut HashSet<u64>) -> Result<(), EventsError> {
        // While files are merged, this waits for a later turn: unsealed clicks do not.
        let Some(_alone) = self.0.try_maintaining() else {
            return Ok(());
        };
        let files = self.0.files();
        let broken = self.0.clicks.broken().clone();
        let without = |file: &&Arc<StoredFile>| {
            let id = &file.row.id;
            (file.row.clicks.is_none() || broken.contains(id)) && !failed.contains(id)
        };
        let Some(file) = files.iter().find(without) else {
            return Ok(());
        };
        failed.insert(file.row.id);
        let clicks = self.index(file)?;
        let change = Change {
            indexed: &[(file.row.id, clicks)],
            ..Change::default()
        };
        self.0.apply(&mut self.0.manifest(), &change)?;
        self.0.clicks.sidecars.forget(file.row.id);
        self.0.clicks.broken().remove(&file.row.id);
        failed.remove(&file.row.id);
        Ok(())
    }

    fn index(&self, file: &StoredFile) -> Result<u64, EventsError> {
        let footer = self.footers().of(file)?;
        let mut sidecar = SidecarWriter::default();
        let mut row = 0;
        for group in 0..footer.row_groups() {
            for batch in footer.read(group, [RECORD], ROWS)? {
                let batch = batch?;
                for at in 0..batch.num_rows() {
                    if let Ok((frame, external_id)) = peek_external_id(record_at(&batch, at)?) {
                        sidecar.add(row, &frame, external_id);
                    }
                    row += 1;
                }
            }
        }
        let clicks = sidecar.clicks();
        let (path, temporary) = (super::path_of(&file.path), file.path.with_extension("tmp"));
        if clicks > 0 {
            sidecar.write(&temporary)?;
            std::fs::rename(&temporary, &path)?;
        }
        Ok(clicks)
    }
}
