//! The network side of an account, compiled: its offers, publishers and advertisers, and the
//! limits that are theirs and no rule's.
//!
//! Traffic names them by the account's own ids, and by ours where they have none.

use std::collections::{HashMap, HashSet};

use assay_detect::OfferLimits;
use assay_model::document::{Advertiser, Offer, Publisher, Status};
use assay_model::facts::Facts;
use assay_model::hit::Field;
use assay_model::ledger::Amount;
use assay_model::reason::Reason;
use assay_model::recall::{Bump, Family, Reading};
use assay_model::template::UrlTemplate;
use assay_model::verdict::{Effect, Finding};

use crate::policy::PolicyError;

/// An account's documents of the network side, each with its id.
#[derive(Debug, Default)]
pub struct NetworkDocs {
    /// Offers, with their versions.
    pub offers: Vec<(u64, u32, Offer)>,
    /// Publishers.
    pub publishers: Vec<(u64, Publisher)>,
    /// Advertisers.
    pub advertisers: Vec<(u64, Advertiser)>,
}

/// The network side, ready to be looked up.
#[derive(Debug, Default)]
pub struct Network {
    /// In the order of their priority.
    offers: Vec<OfferPolicy>,
    offers_named: Names,
    publishers: Vec<PublisherPolicy>,
    publishers_named: Names,
    paused_advertisers: HashSet<Box<str>>,
}

/// One offer, compiled.
#[derive(Debug)]
pub struct OfferPolicy {
    /// The name that events have.
    pub name: Box<str>,
    /// Who pays.
    pub advertiser: Option<Box<str>>,
    /// Where its clicks go.
    pub url: Option<UrlTemplate>,
    /// What the publisher gets for a conversion.
    pub payout: Option<Amount>,
    /// What the advertiser pays for it.
    pub revenue: Option<Amount>,
    limits: Option<OfferLimits>,
    status: Status,
}

/// One publisher, compiled.
#[derive(Debug)]
pub struct PublisherPolicy {
    /// The name that events have.
    pub name: Box<str>,
    status: Status,
}

/// Where something stands, by the account's own id and by ours.
#[derive(Debug, Default)]
struct Names {
    own: HashMap<Box<str>, usize>,
    by_id: HashMap<u64, usize>,
}

impl Names {
    fn add(&mut self, id: u64, name: &str, at: usize) {
        self.own.insert(name.into(), at);
        self.by_id.insert(id, at);
    }

    /// By the account's own id, else by ours.
    fn find(&self, text: &str) -> Option<usize> {
        let own = self.own.get(text).copied();
        own.or_else(|| self.by_id.get(&text.parse().ok()?).copied())
    }
}

/// The name of what may have none of its own.
fn name_of(id: u64, external_id: Option<&str>) -> Box<str> {
    external_id.map_or_else(|| id.to_string().into(), Into::into)
}

impl Network {
    /// Compiles documents that were checked when they were saved.
    ///
    /// # Errors
    /// [`PolicyError`] names the offer whose limits do not compile.
    pub fn compile(mut docs: NetworkDocs) -> Result<Self, PolicyError> {
        let mut network = Self::default();
        let mut advertisers = HashMap::new();
        for (id, advertiser) in &docs.advertisers {
            let name = name_of(*id, advertiser.external_id.as_deref());
            if advertiser.status == Status::Paused {
                network.paused_advertisers.insert(name.clone());
            }
            advertisers.insert(id.to_string().into_boxed_str(), name.clone());
            advertisers.insert(name.clone(), name);
        }
        // Documents without an id of their own come first: an id that the account has chosen
        // is not lost to one that it was given.
        docs.publishers
            .sort_by_key(|(id, own)| (own.external_id.is_some(), *id));
        for (id, publisher) in docs.publishers {
            let name = name_of(id, publisher.external_id.as_deref());
            network
                .publishers_named
                .add(id, &name, network.publishers.len());
            let status = publisher.status;
            network.publishers.push(PublisherPolicy { name, status });
        }
        docs.offers
            .sort_by_key(|(id, _, offer)| (offer.priority, *id));
        for (id, version, offer) in docs.offers {
            let policy = OfferPolicy::compile(id, version, &offer, &advertisers)?;
            let at = network.offers.len();
            network.offers_named.by_id.insert(id, at);
            let taken = network.offers_named.own.contains_key(&policy.name);
            if offer.external_id.is_some() || !taken {
                network.offers_named.own.insert(policy.name.clone(), at);
            }
            network.offers.push(policy);
        }
        Ok(network)
    }

    /// The offer that a link names.
    #[must_use]
    pub fn offer(&self, text: &str) -> Option<&OfferPolicy> {
        self.offers.get(self.offers_named.find(text)?)
    }

    /// The publisher that a link names.
    #[must_use]
    pub fn publisher(&self, text: &str) -> Option<&PublisherPolicy> {
        self.publishers.get(self.publishers_named.find(text)?)
    }

    /// The other offers that clicks may go to, in order of priority: those after the one with
    /// this name, then those before it.
    pub fn others<'n>(&'n self, name: Option<&str>) -> impl Iterator<Item = &'n OfferPolicy> {
        let own = name.and_then(|name| self.offers_named.find(name));
        let after = self.offers.iter().skip(own.map_or(0, |at| at + 1));
        let before = self.offers.iter().take(own.unwrap_or(0));
        let open = |offer: &&OfferPolicy| offer.status == Status::Active && offer.url.is_some();
        after.chain(before).filter(open)
    }

    /// What limits an event beside its rule.
    #[must_use]
    pub fn limits_of(&self, facts: &Facts<'_>) -> OwnLimits<'_> {
        let hit = &facts.hit;
        let mut own = OwnLimits::default();
        if !self.offers.is_empty() {
            own.offer = hit.get(Field::Offer).and_then(|name| self.offer(name));
        }
        // Who is paused sends and takes no clicks; a conversion may still follow one.
        if Family::of(hit.event) != Family::Clicks {
            return own;
        }
        if !self.publishers.is_empty() {
            let publisher = hit.get(Field::Publisher);
            own.publisher = publisher
                .and_then(|name| self.publisher(name))
                .filter(|publisher| publisher.status == Status::Paused);
        }
        if !self.paused_advertisers.is_empty() {
            let of_offer = || own.offer.and_then(|offer| offer.advertiser.as_deref());
            let name = hit.get(Field::Advertiser).or_else(of_offer);
            own.advertiser = name
                .and_then(|name| self.paused_advertisers.get(name))
                .map(|n| &**n);
        }
        own.ended = own
            .offer
            .is_some_and(|offer| offer.status == Status::Paused);
        own
    }
}

impl OfferPolicy {
    fn compile(
        id: u64,
        version: u32,
        offer: &Offer,
        advertisers: &HashMap<Box<str>, Box<str>>,
    ) -> Result<Self, PolicyError> {
        let name = name_of(id, offer.external_id.as_deref());
        let limits = OfferLimits::compile(offer, &format!("offer {name}@{version}"));
        let limits = limits.map_err(|problems| {
            let all = problems
                .into_iter()
                .map(|p| format!("{} {}", p.field, p.detail));
            let detail = all.collect::<Vec<_>>().join("; ");
            PolicyError::Offer { id, detail }
        })?;
        let amount = |text: &Option<String>| Amount::parse(text.as_deref()?).ok();
        let advertiser = offer.advertiser.as_deref();
        Ok(Self {
            name,
            advertiser: advertiser.map(|own| match advertisers.get(own) {
                Some(name) => name.clone(),
                None => own.into(),
            }),
            url: offer
                .url
                .as_deref()
                .and_then(|text| UrlTemplate::parse(text).ok()),
            payout: amount(&offer.payout),
            revenue: amount(&offer.revenue),
            limits,
            status: offer.status,
        })
    }
}

/// What limits one event beside its rule.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnLimits<'n> {
    offer: Option<&'n OfferPolicy>,
    /// The offer is paused.
    ended: bool,
    /// The advertiser, if they are paused.
    advertiser: Option<&'n str>,
    /// The publisher, if they are paused.
    publisher: Option<&'n PublisherPolicy>,
}

impl OwnLimits<'_> {
    /// Counters that are read for it, beside the rule's.
    #[must_use]
    pub fn needs(&self) -> usize {
        self.limits().map_or(0, OfferLimits::needs)
    }

    fn limits(&self) -> Option<&OfferLimits> {
        self.offer?.limits.as_ref()
    }

    /// Adds its bumps to those of the rule, whose counters end before `first`.
    pub fn bumps(&self, facts: &Facts<'_>, first: usize, out: &mut Vec<(u16, Bump)>) {
        if let Some(limits) = self.limits() {
            limits.bumps(facts, first, out);
        }
    }

    /// What it finds.
    #[must_use]
    pub fn find(&self, facts: &Facts<'_>, readings: &[Option<Reading>]) -> Vec<Finding<'static>> {
        let mut found = Vec::new();
        let paused = |what: &str, name: &str| format!("{what} {name} is paused");
        let offer = self.offer.filter(|_| self.ended);
        let ended = offer.map(|offer| paused("offer", &offer.name));
        let ended = ended.or_else(|| self.advertiser.map(|name| paused("advertiser", name)));
        if let Some(text) = ended {
            found.push(own(Finding::new(Reason::OfferExpired).with("ended", text)));
        }
        if let Some(publisher) = self.publisher {
            let name = publisher.name.to_string();
            let finding = Finding::new(Reason::SourceBlocked).with("entry", name);
            found.push(own(finding.with("note", "the publisher is paused")));
        }
        if let Some(limits) = self.limits() {
            limits.check(facts, readings, &mut found);
        }
        found
    }
}

fn own(finding: Finding<'static>) -> Finding<'static> {
    Finding {
        effect: Effect::Offer,
        ..finding
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::hit::EventKind;
    use assay_model::testing::facts_of;
    use serde_json::{Value, json};

    fn network(offers: &[Value]) -> Network {
        let offers = offers.iter().zip(1..);
        Network::compile(NetworkDocs {
            offers: offers
                .map(|(offer, id)| (id, 1, serde_json::from_value(offer.clone()).unwrap()))
                .collect(),
            publishers: [json!({"name": "P", "external_id": "p1", "status": "paused"})]
                .map(|publisher| (1, serde_json::from_value(publisher).unwrap()))
                .into(),
            advertisers: [json!({"name": "A", "external_id": "a1", "status": "paused"})]
                .map(|advertiser| (4, serde_json::from_value(advertiser).unwrap()))
                .into(),
        })
        .unwrap()
    }

    fn offer(external_id: Option<&str>, priority: u32) -> Value {
        json!({"name": "x", "external_id": external_id, "priority": priority,
               "url": "https://x.example/"})
    }

    #[test]
    fn what_the_account_calls_it_comes_before_our_id() {
        let network = network(&[offer(Some("2"), 1), offer(None, 2), offer(Some("o3"), 3)]);
        let named = |text| network.offer(text).map(|offer| &*offer.name);
        assert_eq!(named("o3"), Some("o3"));
        assert_eq!(named("3"), Some("o3"));
        assert_eq!(
            network.offer("2").unwrap().url,
            network.offer("1").unwrap().url
        );
        assert_eq!(named("1"), Some("2"), "its own name counts in events");
        assert!(named("4").is_none() && named("").is_none());
    }

    #[test]
    fn others_come_by_priority_each_once_and_none_that_takes_no_clicks() {
        let mut all = vec![
            offer(Some("c"), 3),
            offer(Some("a"), 1),
            offer(Some("d"), 4),
            offer(Some("b"), 2),
        ];
        all.push(json!({"name": "nowhere", "external_id": "n", "priority": 1}));
        let mut paused = offer(Some("p"), 1);
        paused["status"] = "paused".into();
        all.push(paused);
        let network = network(&all);
        let after = |name| {
            let others = network.others(name).map(|offer| &*offer.name);
            others.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(after(Some("b")), "c d a");
        assert_eq!(after(Some("a")), "b c d");
        assert_eq!(after(Some("d")), "a b c");
        assert_eq!(after(None), "a b c d");
        assert_eq!(after(Some("unknown")), "a b c d");
    }

    #[test]
    fn who_is_paused_takes_no_clicks_but_conversions() {
        let mut of_paused = offer(Some("o2"), 1);
        of_paused["advertiser"] = 4.into();
        let mut ended = offer(Some("o1"), 1);
        ended["status"] = "paused".into();
        let network = network(&[ended, of_paused]);
        let found = |offer: &'static str, publisher: &'static str, event| {
            let facts = facts_of(|hit| {
                hit.event = event;
                hit.set(Field::Offer, Some(offer));
                hit.set(Field::Publisher, Some(publisher));
            });
            let found = network.limits_of(&facts).find(&facts, &[]);
            found.iter().map(|f| f.reason.code()).collect::<Vec<_>>()
        };
        for (offer, publisher, reasons) in [
            ("o1", "px", vec!["OFFER_EXPIRED"]),
            ("o2", "px", vec!["OFFER_EXPIRED"]),
            ("ox", "p1", vec!["SOURCE_BLOCKED"]),
            ("o1", "p1", vec!["OFFER_EXPIRED", "SOURCE_BLOCKED"]),
            ("ox", "px", vec![]),
        ] {
            assert_eq!(
                found(offer, publisher, EventKind::Click),
                reasons,
                "{offer} {publisher}"
            );
            assert!(found(offer, publisher, EventKind::Conversion).is_empty());
        }
    }
}
