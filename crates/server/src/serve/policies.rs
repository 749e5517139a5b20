//! From stored documents to the policy in force.
//!
//! A save answers once its account's policy is swapped in; a poller once a second takes over
//! what another process of the same folder has saved.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use assay_gateway::{AccountPolicy, Engine, Network, NetworkDocs, TokenPolicy};
use assay_model::document::{Account, Integration, List, Offer, Rule, Token};
use assay_model::ports::{ControlStore, Doc, DocKind, PolicyPublisher, PublishError};
use assay_model::postback::Postback;
use assay_model::verdict::RuleRef;
use assay_model::{AccountId, IntegrationId};
use assay_store::embedded::CounterTable;

use super::keys::KeyKeeper;

/// Compiles accounts and puts them in force.
pub struct PolicyLoader {
    control: Arc<dyn ControlStore>,
    engine: Arc<Engine<CounterTable>>,
    keys: Arc<KeyKeeper>,
    /// Revision of control data that is in force.
    seen: AtomicU64,
    /// One at a time: an older read must never be put over a newer one.
    turn: tokio::sync::Mutex<()>,
}

impl PolicyLoader {
    /// A loader that has put nothing in force yet.
    #[must_use]
    pub fn new(
        control: Arc<dyn ControlStore>,
        engine: Arc<Engine<CounterTable>>,
        keys: Arc<KeyKeeper>,
    ) -> Self {
        Self {
            control,
            engine,
            keys,
            seen: AtomicU64::new(0),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    /// Puts every account in force that changed since the last call.
    ///
    /// # Errors
    /// When control data cannot be read. An account that does not compile keeps its old
    /// policy, and is reported.
    pub async fn refresh(&self) -> anyhow::Result<()> {
        let revision = self.control.revision().await?;
        let seen = self.seen.load(Ordering::Acquire);
        if revision == seen {
            return Ok(());
        }
        self.keys.refresh().await?;
        for account in self.control.changed_since(seen).await? {
            if let Err(error) = self.put(account).await {
                tracing::error!(account = account.0, %error, "the policy in force stays");
            }
        }
        self.seen.store(revision, Ordering::Release);
        Ok(())
    }

    async fn put(&self, account: AccountId) -> anyhow::Result<u64> {
        let _turn = self.turn.lock().await;
        let integrations = self
            .documents::<Integration>(account, DocKind::Integration)
            .await?;
        let rules = self.documents::<Rule>(account, DocKind::Rule).await?;
        let lists = self.documents::<List>(account, DocKind::List).await?;
        let postbacks = self
            .documents::<Postback>(account, DocKind::Postback)
            .await?;
        let network = self.network(account).await?;
        let policy = AccountPolicy::compile(
            account,
            integrations
                .into_iter()
                .filter_map(|(doc, body)| Some((IntegrationId(u32::try_from(doc.id).ok()?), body)))
                .collect(),
            &rules
                .into_iter()
                .map(|(doc, body)| {
                    (
                        RuleRef {
                            id: doc.id,
                            version: doc.version,
                        },
                        body,
                    )
                })
                .collect::<Vec<_>>(),
            lists
                .into_iter()
                .map(|(doc, body)| (doc.id, doc.version, body))
                .collect(),
            self.tokens(account).await?,
        )?
        .with_postbacks(with_ids(postbacks))
        .with_network(network);
        let policy = match self.settings(account).await? {
            Some(own) => policy
                .with_reputation(own.reputation)
                .with_currency(own.currency),
            None => policy,
        };
        Ok(self.engine.policies.put(policy))
    }

    /// The account's own settings.
    async fn settings(&self, account: AccountId) -> anyhow::Result<Option<Account>> {
        let own = self.documents::<Account>(account, DocKind::Account).await?;
        Ok(own.into_iter().next().map(|(_, body)| body))
    }

    /// Offers, publishers and advertisers.
    async fn network(&self, account: AccountId) -> anyhow::Result<Network> {
        let offers = self.documents::<Offer>(account, DocKind::Offer).await?;
        let publishers = self.documents(account, DocKind::Publisher).await?;
        let advertisers = self.documents(account, DocKind::Advertiser).await?;
        let offers = offers.into_iter();
        Ok(Network::compile(NetworkDocs {
            offers: offers
                .map(|(doc, body)| (doc.id, doc.version, body))
                .collect(),
            publishers: with_ids(publishers),
            advertisers: with_ids(advertisers),
        })?)
    }

    async fn tokens(&self, account: AccountId) -> anyhow::Result<Vec<([u8; 32], TokenPolicy)>> {
        let hashes = self.control.unique_values(account, DocKind::Token).await?;
        let tokens = self.documents::<Token>(account, DocKind::Token).await?;
        Ok(tokens
            .into_iter()
            .filter_map(|(doc, token)| {
                let (_, hash) = hashes.iter().find(|(id, _)| *id == doc.id)?;
                let policy = TokenPolicy {
                    account,
                    scopes: token.scopes,
                    expires: token.expires,
                };
                Some((hash_bytes(hash)?, policy))
            })
            .collect())
    }

    async fn documents<T: serde::de::DeserializeOwned>(
        &self,
        account: AccountId,
        kind: DocKind,
    ) -> anyhow::Result<Vec<(Doc, T)>> {
        const PAGE: u32 = 500;
        let mut out = Vec::new();
        let mut after = 0;
        loop {
            let page = self.control.list(account, kind, after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(out);
            };
            after = last.id;
            for doc in page {
                let body = serde_json::from_value(doc.body.clone())
                    .with_context(|| format!("{} {} does not read", kind.as_str(), doc.id))?;
                out.push((doc, body));
            }
        }
    }
}

fn with_ids<T>(documents: Vec<(Doc, T)>) -> Vec<(u64, T)> {
    let pairs = documents.into_iter();
    pairs.map(|(doc, body)| (doc.id, body)).collect()
}

/// 64 hex digits as bytes.
fn hash_bytes(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if hex.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[async_trait::async_trait]
impl PolicyPublisher for PolicyLoader {
    async fn publish(&self, account: AccountId) -> Result<u64, PublishError> {
        self.put(account)
            .await
            .map_err(|error| PublishError(format!("{error:#}")))
    }
}
