//! Reports on one machine: one parallel fold over files and unsealed rows.

mod fold;
mod groups;
mod page;
mod plan;
mod work;
mod zone;

use std::path::Path;

use assay_model::AccountId;
use assay_model::ports::{ReportError, ReportQuery, ReportReader, ReportResult};
use async_trait::async_trait;

use crate::embedded::events::SnapshotSource;

pub(crate) use page::page_of;
pub(crate) use zone::{Cutter, TimeFilter};

/// Makes reports; cheap to clone. The work runs on threads of its own.
#[derive(Clone)]
pub struct EmbeddedReports {
    source: SnapshotSource,
}

impl EmbeddedReports {
    pub(crate) fn new(source: SnapshotSource) -> Self {
        Self { source }
    }

    /// Reads a data folder that another process may be writing to.
    #[must_use]
    pub fn open_read_only(data_folder: &Path) -> Self {
        Self::new(SnapshotSource::folder(data_folder))
    }
}

#[async_trait]
impl ReportReader for EmbeddedReports {
    async fn clicks(
        &self,
        account: AccountId,
        query: &ReportQuery,
    ) -> Result<ReportResult, ReportError> {
        let plan = plan::Plan::new(account, query)?;
        let (offset, limit) = (query.offset, query.limit);
        let source = self.source.clone();
        let work = move || {
            let groups = work::run(&source, &plan)?;
            Ok(page::cut(&plan, &groups, offset, limit))
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|e| ReportError::Backend(e.to_string()))?
    }
}
