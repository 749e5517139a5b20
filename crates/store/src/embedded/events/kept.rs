//! Open files that were read lately, by the number of their events file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::EventsError;

/// Most that are kept; each has a file open and takes some kilobytes.
const MOST: usize = 256;

/// What is kept.
#[derive(Debug)]
pub(crate) struct Kept<T>(Mutex<Cache<T>>);

#[derive(Debug)]
struct Cache<T> {
    items: HashMap<u64, (Arc<T>, u64)>,
    uses: u64,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(Cache {
            items: HashMap::new(),
            uses: 0,
        }))
    }
}

impl<T> Kept<T> {
    /// That of file `id`, opened if it is not.
    pub fn of(
        &self,
        id: u64,
        open: impl FnOnce() -> Result<T, EventsError>,
    ) -> Result<Arc<T>, EventsError> {
        if let Some(item) = self.cache().find(id) {
            return Ok(item);
        }
        let item = Arc::new(open()?);
        self.cache().keep(id, &item);
        Ok(item)
    }

    /// Closes that of a file that is gone.
    pub fn forget(&self, id: u64) {
        self.cache().items.remove(&id);
    }

    fn cache(&self) -> MutexGuard<'_, Cache<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Cache<T> {
    fn find(&mut self, id: u64) -> Option<Arc<T>> {
        self.uses += 1;
        let (item, used) = self.items.get_mut(&id)?;
        *used = self.uses;
        Some(Arc::clone(item))
    }

    fn keep(&mut self, id: u64, item: &Arc<T>) {
        if self.items.len() >= MOST {
            let oldest = self.items.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                self.items.remove(&oldest);
            }
        }
        self.items.insert(id, (Arc::clone(item), self.uses));
    }
}
