//! Click indexes for files of a build that made none.

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
    /// Makes the index of one file that has none; until then look-ups in it say that they could
    /// not. Files that fail are noted in `failed` and not tried again.
    pub(super) fn index_an_old_file(&self, failed: &mut HashSet<u64>) -> Result<(), EventsError> {
        // While files are merged, this waits for a later turn: unsealed clicks do not.
        let Some(_alone) = self.0.try_maintaining() else {
            return Ok(());
        };
        let files = self.0.files();
        let without =
            |file: &&Arc<StoredFile>| file.row.clicks.is_none() && !failed.contains(&file.row.id);
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
        // A crash on the way leaves a whole file that is written again, or a part of one.
        sidecar.write(&super::path_of(&file.path))?;
        Ok(clicks)
    }
}
