//! The policy snapshot: everything configured that the data plane needs, compiled.
//!
//! Immutable; built when something is saved, swapped atomically, read without a lock.
//! A hit finds its integration by number, never by a search.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use assay_detect::{AccountRules, CompiledRule};
use assay_intel::lists::OwnLists;
use assay_model::document::{
    Integration, IntegrationKind, List, Reputations, Rule, Status, TokenScope, list_cidr,
};
use assay_model::facts::canonical_ip;
use assay_model::postback::{Definitions, Postback};
use assay_model::transaction::KeyRing;
use assay_model::verdict::RuleRef;
use assay_model::{AccountId, IntegrationId, Timestamp};

use crate::network::Network;
use crate::renames::Renames;

use crate::destination::ClickPolicy;

/// One account, compiled.
#[derive(Debug)]
pub struct AccountPolicy {
    /// Whose it is.
    pub account: AccountId,
    /// Its own lists.
    pub lists: OwnLists,
    /// Its rules, compiled per kind of integration.
    rules: [(IntegrationKind, AccountRules); 3],
    /// Its integrations.
    pub integrations: Vec<Arc<IntegrationPolicy>>,
    /// Its tokens by SHA-256.
    pub tokens: Vec<([u8; 32], TokenPolicy)>,
    /// Its postbacks out, paused ones too.
    pub postbacks: Definitions,
    /// Currency of amounts that name none.
    pub currency: String,
    /// Its offers, publishers and advertisers.
    pub network: Network,
    /// What is done with what outcomes teach.
    pub reputation: Reputations,
}

/// One integration, compiled.
#[derive(Debug)]
pub struct IntegrationPolicy {
    /// Whose it is.
    pub account: AccountId,
    /// Its id.
    pub id: IntegrationId,
    /// Its settings.
    pub settings: Integration,
    /// Names and destinations of its links.
    pub clicks: ClickPolicy,
    /// Names in its postbacks and rejections.
    pub(crate) conversion_names: Renames,
    /// Addresses that may call; empty = all.
    sources: Vec<(IpAddr, u8)>,
}

/// A token, as the data plane knows it.
#[derive(Clone, Debug)]
pub struct TokenPolicy {
    /// Whose it is.
    pub account: AccountId,
    /// What it may do.
    pub scopes: Vec<TokenScope>,
    /// When it stops working.
    pub expires: Option<Timestamp>,
}

/// An account's documents cannot be put in force.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A rule does not compile.
    #[error("rule {id}: {detail}")]
    Rule {
        /// Which.
        id: u64,
        /// Every problem, field and cause.
        detail: String,
    },
    /// An offer's limits do not compile.
    #[error("offer {id}: {detail}")]
    Offer {
        /// Which.
        id: u64,
        /// Every problem, field and cause.
        detail: String,
    },
    /// A list does not compile.
    #[error("list {id}: {detail}")]
    List {
        /// Which.
        id: u64,
        /// What is wrong.
        detail: String,
    },
}

impl AccountPolicy {
    /// Compiles an account's documents.
    ///
    /// # Errors
    /// [`PolicyError`] names the document at fault; the policy in force stays.
    pub fn compile(
        account: AccountId,
        integrations: Vec<(IntegrationId, Integration)>,
        rules: &[(RuleRef, Rule)],
        lists: Vec<(u64, u32, List)>,
        tokens: Vec<([u8; 32], TokenPolicy)>,
    ) -> Result<Self, PolicyError> {
        let of_kind = |kind| {
            AccountRules::compile(rules, kind)
                .map(|rules| (kind, rules))
                .map_err(|(id, problems)| {
                    let detail: Vec<String> = problems
                        .into_iter()
                        .map(|p| format!("{} {}", p.field, p.detail))
                        .collect();
                    PolicyError::Rule {
                        id,
                        detail: detail.join("; "),
                    }
                })
        };
        let rules = [
            of_kind(IntegrationKind::S2s)?,
            of_kind(IntegrationKind::Custom)?,
            of_kind(IntegrationKind::Network)?,
        ];
        let lists =
            OwnLists::compile(lists).map_err(|(id, detail)| PolicyError::List { id, detail })?;
        let integrations = integrations
            .into_iter()
            .map(|(id, settings)| {
                let sources = settings
                    .allowed_sources
                    .iter()
                    .filter_map(|s| list_cidr(s))
                    .collect();
                Arc::new(IntegrationPolicy {
                    account,
                    id,
                    clicks: ClickPolicy::new(&settings.clicks, settings.kind),
                    conversion_names: Renames::of_postbacks(&settings),
                    settings,
                    sources,
                })
            })
            .collect();
        Ok(Self {
            account,
            lists,
            rules,
            integrations,
            tokens,
            postbacks: Definitions::from([]),
            currency: "USD".to_owned(),
            network: Network::default(),
            reputation: Reputations::default(),
        })
    }

    /// The same with these postbacks out; they were checked when they were saved.
    #[must_use]
    pub fn with_postbacks(mut self, postbacks: Vec<(u64, Postback)>) -> Self {
        self.postbacks = postbacks.into();
        self
    }

    /// The same with this network side.
    #[must_use]
    pub fn with_network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// The integration that takes the account's tracking links: the first of its kind, one
    /// that is in use before one that is paused.
    #[must_use]
    pub fn network_integration(&self) -> Option<&Arc<IntegrationPolicy>> {
        let of_kind = |own: &&Arc<IntegrationPolicy>| own.is_network();
        let all = self.integrations.iter().filter(of_kind);
        all.min_by_key(|own| (!own.is_active(), own.id))
    }

    /// The same with this currency.
    #[must_use]
    pub fn with_currency(mut self, currency: String) -> Self {
        self.currency = currency;
        self
    }

    /// The same with these settings of reputation.
    #[must_use]
    pub const fn with_reputation(mut self, reputation: Reputations) -> Self {
        self.reputation = reputation;
        self
    }

    /// The rules of all kinds of integrations, each as often as there are kinds.
    pub fn every_rule(&self) -> impl Iterator<Item = &CompiledRule> {
        self.rules.iter().flat_map(|(_, rules)| rules.iter())
    }

    /// The account's rules by kind of integration.
    pub fn rules_by_kind(&self) -> impl Iterator<Item = &AccountRules> {
        self.rules.iter().map(|(_, rules)| rules)
    }

    /// The account's rules for a kind of integration.
    #[must_use]
    pub fn rules(&self, kind: IntegrationKind) -> &AccountRules {
        let [(_, first), rest @ ..] = &self.rules;
        rest.iter()
            .find(|(own, _)| *own == kind)
            .map_or(first, |(_, rules)| rules)
    }
}

impl IntegrationPolicy {
    /// Whether it gives verdicts.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.settings.status == Status::Active
    }

    /// Whether offers and publishers are kept here.
    #[must_use]
    pub fn is_network(&self) -> bool {
        self.settings.kind == IntegrationKind::Network
    }

    /// Seconds back in which a conversion's click counts.
    #[must_use]
    pub const fn lookback_s(&self) -> u32 {
        self.settings.conversions.lookback_d.saturating_mul(86_400)
    }

    /// Whether a call from this address is taken.
    #[must_use]
    pub fn admits(&self, peer: IpAddr) -> bool {
        let peer = canonical_ip(peer);
        self.sources.is_empty()
            || self
                .sources
                .iter()
                .any(|(base, bits)| in_range(peer, *base, *bits))
    }

    /// Whether the key is the integration's, compared in constant time; none set = any.
    #[must_use]
    pub fn key_fits(&self, key: Option<&str>) -> bool {
        let Some(own) = self.settings.access_key.as_deref() else {
            return true;
        };
        let key = key.unwrap_or("");
        let differing = own
            .bytes()
            .zip(key.bytes())
            .fold(0u8, |acc, (a, b)| acc | (a ^ b));
        own.len() == key.len() && differing == 0
    }
}

/// Whether `ip` lies in `base/bits`; IPv4 and IPv6 never meet.
pub fn in_range(ip: IpAddr, base: IpAddr, bits: u8) -> bool {
    match (ip, base) {
        (IpAddr::V4(ip), IpAddr::V4(base)) => {
            (u64::from(ip.to_bits() ^ base.to_bits()) >> (32 - u32::from(bits.min(32)))) == 0
        }
        (IpAddr::V6(ip), IpAddr::V6(base)) => {
            bits == 0 || ((ip.to_bits() ^ base.to_bits()) >> (128 - u32::from(bits.min(128)))) == 0
        }
        _ => false,
    }
}

/// Every account, by the numbers that traffic names.
#[derive(Debug, Default)]
pub struct Snapshot {
    accounts: HashMap<u32, Arc<AccountPolicy>>,
    integrations: HashMap<u32, (Arc<AccountPolicy>, Arc<IntegrationPolicy>)>,
    tokens: HashMap<[u8; 32], TokenPolicy>,
    /// Grows with every swap.
    pub version: u64,
}

impl Snapshot {
    /// The integration with this id, and its account.
    #[must_use]
    pub fn integration(
        &self,
        id: IntegrationId,
    ) -> Option<&(Arc<AccountPolicy>, Arc<IntegrationPolicy>)> {
        self.integrations.get(&id.0)
    }

    /// The account with this id.
    #[must_use]
    pub fn account(&self, id: AccountId) -> Option<&Arc<AccountPolicy>> {
        self.accounts.get(&id.0)
    }

    /// Every account.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<AccountPolicy>> {
        self.accounts.values()
    }

    /// Whether any account tells anybody of clicks.
    #[must_use]
    pub fn tells_clicks(&self) -> bool {
        self.accounts.values().any(|account| account.tells_clicks())
    }

    /// The token with this SHA-256, unless it has expired.
    #[must_use]
    pub fn token(&self, hash: &[u8; 32], now: Timestamp) -> Option<&TokenPolicy> {
        self.tokens
            .get(hash)
            .filter(|token| token.expires.is_none_or(|at| at > now))
    }

    fn build(accounts: HashMap<u32, Arc<AccountPolicy>>, version: u64) -> Self {
        let mut integrations = HashMap::new();
        let mut tokens = HashMap::new();
        for account in accounts.values() {
            for integration in &account.integrations {
                integrations.insert(
                    integration.id.0,
                    (Arc::clone(account), Arc::clone(integration)),
                );
            }
            tokens.extend(account.tokens.iter().cloned());
        }
        Self {
            accounts,
            integrations,
            tokens,
            version,
        }
    }
}

/// The snapshot in force.
#[derive(Debug, Default)]
pub struct Policies {
    current: ArcSwap<Snapshot>,
    keys: ArcSwapOption<KeyRing>,
}

impl Policies {
    /// The snapshot in force, for one decision.
    pub fn load(&self) -> Guard<Arc<Snapshot>> {
        self.current.load()
    }

    /// The keys of transaction ids; `None` = none were put in force.
    pub fn keys(&self) -> Guard<Option<Arc<KeyRing>>> {
        self.keys.load()
    }

    /// Puts the keys of transaction ids in force.
    pub fn put_keys(&self, ring: KeyRing) {
        self.keys.store(Some(Arc::new(ring)));
    }

    /// Puts an account's policy in force beside the others'; returns the new version.
    pub fn put(&self, policy: AccountPolicy) -> u64 {
        let policy = Arc::new(policy);
        let mut version = 0;
        self.current.rcu(|old| {
            let mut accounts = old.accounts.clone();
            accounts.insert(policy.account.0, Arc::clone(&policy));
            version = old.version + 1;
            Snapshot::build(accounts, version)
        });
        version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_at_their_edges() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        for (address, base, bits, inside) in [
            ("10.1.2.3", "10.0.0.0", 8, true),
            ("11.0.0.0", "10.0.0.0", 8, false),
            ("10.1.2.3", "10.1.2.3", 32, true),
            ("8.8.8.8", "0.0.0.0", 0, true),
            ("2001:db8::1", "2001:db8::", 32, true),
            ("2001:db9::1", "2001:db8::", 32, false),
            ("::1", "::", 0, true),
            ("10.0.0.1", "::", 0, false),
        ] {
            assert_eq!(
                in_range(ip(address), ip(base), bits),
                inside,
                "{address} in {base}/{bits}"
            );
        }
    }
}
