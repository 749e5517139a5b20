//! The definitions that messages are sent by, as they are now.
//!
//! A message is sent by today's definition, not by the one of the day it was owed: a user who
//! corrects a URL wants what waits to go there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use assay_model::document::Status;
use assay_model::ports::{ControlStore, DocKind, NewDoc, PolicyPublisher, StoreError};
use assay_model::postback::Postback;
use assay_model::{AccountId, Timestamp};

use super::receiver::Receiver;

/// Who pauses a postback whose receiver answers 410.
const ACTOR: &str = "postback:410";

/// What a message's definition is by now.
#[derive(Clone, Debug)]
pub enum Known {
    /// Removed.
    Gone,
    /// Not in use: what waits goes on waiting.
    Paused,
    /// Does not compile.
    Broken(String),
    /// In use, in this version.
    Ready(Arc<Receiver>, u32),
}

/// Reads and keeps definitions.
pub struct Directory {
    control: Arc<dyn ControlStore>,
    publisher: Arc<dyn PolicyPublisher>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    revision: u64,
    known: HashMap<(AccountId, u64), Known>,
}

impl Directory {
    /// A directory over control data; `publisher` puts a pause in force.
    pub fn new(control: Arc<dyn ControlStore>, publisher: Arc<dyn PolicyPublisher>) -> Self {
        Self {
            control,
            publisher,
            kept: Mutex::default(),
        }
    }

    /// Forgets everything when any document has changed since the last call.
    ///
    /// # Errors
    /// When control data cannot be read.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let revision = self.control.revision().await?;
        let mut kept = self.lock();
        if kept.revision != revision {
            kept.revision = revision;
            kept.known.clear();
        }
        Ok(())
    }

    /// What a definition is by now.
    ///
    /// # Errors
    /// When control data cannot be read.
    pub async fn find(&self, account: AccountId, postback: u64) -> Result<Known, StoreError> {
        let key = (account, postback);
        let revision = {
            let kept = self.lock();
            if let Some(known) = kept.known.get(&key) {
                return Ok(known.clone());
            }
            kept.revision
        };
        let known = match self.read(account, postback).await? {
            None => Known::Gone,
            Some((document, _)) if document.status == Status::Paused => Known::Paused,
            Some((document, version)) => match Receiver::compile(&document) {
                Ok(receiver) => Known::Ready(Arc::new(receiver), version),
                Err(why) => Known::Broken(why),
            },
        };
        let mut kept = self.lock();
        // What was read before a change must not be kept beyond it.
        if kept.revision == revision {
            kept.known.insert(key, known.clone());
        }
        Ok(known)
    }

    /// Pauses a definition whose receiver wants nothing more; only in the version that it
    /// answered, since a changed one is the user's newer word.
    ///
    /// # Errors
    /// When control data cannot be written.
    pub async fn pause(
        &self,
        account: AccountId,
        postback: u64,
        version: u32,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some((mut document, current)) = self.read(account, postback).await? else {
            return Ok(());
        };
        if current != version || document.status == Status::Paused {
            return Ok(());
        }
        document.status = Status::Paused;
        let doc = NewDoc {
            kind: DocKind::Postback,
            unique: None,
            body: serde_json::to_value(&document)
                .map_err(|e| StoreError::Backend(e.to_string()))?,
        };
        let saved = self
            .control
            .update(account, postback, Some(version), doc, ACTOR, now);
        match saved.await {
            Err(StoreError::Conflict { .. } | StoreError::NotFound) => return Ok(()),
            other => other.map(drop)?,
        }
        self.lock().known.remove(&(account, postback));
        tracing::warn!(
            account = account.0,
            postback,
            "receiver answered 410: the postback is paused"
        );
        if let Err(error) = self.publisher.publish(account).await {
            tracing::error!(%error, "a paused postback is still in force");
        }
        Ok(())
    }

    async fn read(
        &self,
        account: AccountId,
        postback: u64,
    ) -> Result<Option<(Postback, u32)>, StoreError> {
        let found = self
            .control
            .get(account, DocKind::Postback, postback)
            .await?;
        let Some(doc) = found else { return Ok(None) };
        serde_json::from_value(doc.body)
            .map(|document| Some((document, doc.version)))
            .map_err(|why| StoreError::Backend(format!("postback {postback} does not read: {why}")))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
