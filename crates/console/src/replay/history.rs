//! What was in force when events were recorded: every rule version is kept for ever.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assay_detect::CompiledRule;
use assay_detect::replay::Recorded;
use assay_model::document::{Integration, IntegrationKind, Rule};
use assay_model::ports::{ControlStore, Doc, DocKind, StoreError};
use assay_model::verdict::RuleRef;
use assay_model::{AccountId, IntegrationId};
use tokio::runtime::Handle;

use super::ReplayError;

/// Rules and integrations as they are asked for; read once each, from threads of their own.
pub struct History {
    control: Arc<dyn ControlStore>,
    account: AccountId,
    handle: Handle,
    rules: Mutex<HashMap<u64, Arc<Vec<Doc>>>>,
    failed: Mutex<Option<StoreError>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is one step, so a panic elsewhere leaves them whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl History {
    /// Nothing is read yet.
    pub fn new(control: Arc<dyn ControlStore>, account: AccountId, handle: Handle) -> Self {
        Self {
            control,
            account,
            handle,
            rules: Mutex::default(),
            failed: Mutex::default(),
        }
    }

    /// Whether something could not be read: then a missing rule proves nothing.
    pub fn check(self) -> Result<(), ReplayError> {
        let failed = self.failed.into_inner();
        match failed.unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(error) => Err(error.into()),
        }
    }

    fn versions(&self, kind: DocKind, id: u64) -> Vec<Doc> {
        let versions = self.control.versions(self.account, kind, id);
        self.handle.block_on(versions).unwrap_or_else(|error| {
            *lock(&self.failed) = Some(error);
            Vec::new()
        })
    }

    fn rule_versions(&self, id: u64) -> Arc<Vec<Doc>> {
        let mut rules = lock(&self.rules);
        let read = || Arc::new(self.versions(DocKind::Rule, id));
        Arc::clone(rules.entry(id).or_insert_with(read))
    }

    fn stored_rule(&self, rule: RuleRef) -> Option<Rule> {
        let versions = self.rule_versions(rule.id);
        let doc = versions.iter().find(|doc| doc.version == rule.version)?;
        serde_json::from_value(doc.body.clone()).ok()
    }
}

impl Recorded for History {
    fn rule(&self, rule: RuleRef, kind: IntegrationKind) -> Option<Arc<CompiledRule>> {
        let document = match rule {
            // The built-in default of an account that has none of its own.
            RuleRef { id: 0, version } => {
                (version == assay_detect::REVISION).then(Rule::default_rule)
            }
            _ => self.stored_rule(rule),
        };
        CompiledRule::compile(&document?, rule, kind)
            .ok()
            .map(Arc::new)
    }

    fn kind(&self, integration: IntegrationId) -> Option<IntegrationKind> {
        let versions = self.versions(DocKind::Integration, u64::from(integration.0));
        let newest = versions.into_iter().next()?;
        let body: Integration = serde_json::from_value(newest.body).ok()?;
        Some(body.kind)
    }
}
