//! A network's own links: `/o/{offer}/{publisher}` for clicks, `/conv` for conversions.
//!
//! A click link names no account. The host or `nid=` does, and without either the offer: if
//! exactly one account on this server has it. A name that two accounts have is refused, so
//! that nobody takes another's clicks by calling an offer the same.
//!
//! Source: SPEC §2.8, facts.md 1.B.4.

use std::borrow::Cow;
use std::sync::Arc;

use assay_model::hit::{EventKind, Field, Hit};
use assay_model::ports::CounterStore;
use assay_model::transaction::KeyRing;
use assay_model::{AccountId, IntegrationId};

use super::{Answer, DoorRequest, Doors, click, door_error, postback, route, s2s};
use crate::engine::Engine;
use crate::ingress::ParamBuffer;
use crate::mapping::{FieldError, cut};
use crate::network::{OfferPolicy, PublisherPolicy};
use crate::outbox::{Outbox, Scratch};
use crate::policy::{AccountPolicy, IntegrationPolicy, Snapshot};

/// A tracking link's offer and publisher.
#[derive(Clone, Copy, Debug)]
pub struct Link<'s> {
    pub offer: &'s OfferPolicy,
    pub publisher: &'s PublisherPolicy,
}

impl<'s> Link<'s> {
    /// Makes a click one of the link's. A visitor can write anything into a link, so what an
    /// offer is worth is never taken from there.
    pub fn fill(&self, hit: &mut Hit<'s>) {
        hit.set(Field::Offer, Some(&self.offer.name));
        hit.set(Field::Publisher, Some(&self.publisher.name));
        if let Some(advertiser) = &self.offer.advertiser {
            hit.set(Field::Advertiser, Some(advertiser));
        }
        for field in [Field::Payout, Field::Revenue, Field::Currency] {
            hit.set(field, None);
        }
    }
}

type Owner<'s> = (&'s Arc<AccountPolicy>, &'s Arc<IntegrationPolicy>);

/// What a link names and there is not; with the account, where it is known.
struct Unknown {
    account: Option<AccountId>,
    status: u16,
    error: FieldError,
}

impl Unknown {
    fn new(account: Option<AccountId>, field: &str, detail: impl Into<String>) -> Self {
        let error = FieldError {
            code: "unknown",
            field: field.to_owned(),
            detail: detail.into(),
        };
        Self {
            account,
            status: 404,
            error,
        }
    }
}

/// Whether a path is one of a network's.
pub fn is_for(path: &str) -> bool {
    path == "/conv" || path.starts_with("/o/")
}

impl Doors {
    /// Answers a network's links.
    pub(super) async fn at_network<C: CounterStore>(
        &self,
        engine: &Engine<C>,
        outbox: &impl Outbox,
        (scratch, params): (&mut Scratch, &mut ParamBuffer),
        request: &DoorRequest<'_>,
    ) -> Answer {
        let snapshot = Arc::clone(&engine.policies.load());
        // What does not read is refused by the door behind.
        let _ = s2s::read_params(params, request, engine.limits.params);
        let by_host = route::integration_of(request.host, &self.public_hosts);
        let asked = Asked {
            snapshot: &snapshot,
            by_host: by_host
                .and_then(|id| snapshot.integration(id))
                .map(|(a, i)| (a, i)),
            nid: first(params, "nid"),
        };
        if let Some(path) = request.path.strip_prefix("/o/") {
            return match asked.link(path) {
                Ok(((account, integration), link)) => {
                    let owner = click::Owner {
                        account,
                        integration,
                        link: Some(link),
                    };
                    let kind = EventKind::Click;
                    click::answer(
                        (engine, self),
                        outbox,
                        scratch,
                        params,
                        request,
                        owner,
                        kind,
                    )
                    .await
                }
                Err(unknown) => refused(engine, ("link", &snapshot), params, request, &unknown),
            };
        }
        let Some(conversions) = self.conversions.as_deref() else {
            return Answer::problem(503, "unavailable", "", "this process takes no conversions");
        };
        let keys = engine.policies.keys().clone();
        match asked.conversion(first(params, "transaction_id"), keys.as_deref()) {
            Ok((account, integration)) => {
                let whose = postback::Whose::of(&snapshot, account, integration);
                postback::answer(
                    conversions,
                    engine,
                    outbox,
                    scratch,
                    params,
                    &whose,
                    request,
                )
                .await
            }
            Err(unknown) => refused(engine, ("conv", &snapshot), params, request, &unknown),
        }
    }
}

/// Whose link it is, as far as host and `nid=` say.
struct Asked<'s, 'r> {
    snapshot: &'s Snapshot,
    by_host: Option<Owner<'s>>,
    nid: Option<&'r str>,
}

impl<'s> Asked<'s, '_> {
    /// The account that the host or `nid=` names.
    fn account(&self) -> Result<Option<&'s Arc<AccountPolicy>>, Unknown> {
        if let Some((account, _)) = self.by_host {
            return Ok(Some(account));
        }
        let Some(nid) = self.nid else {
            return Ok(None);
        };
        let id = nid.trim().parse().ok().map(AccountId);
        match id.and_then(|id| self.snapshot.account(id)) {
            Some(account) => Ok(Some(account)),
            None => Err(Unknown::new(
                None,
                "nid",
                format!("{:?} is no account here", cut(nid)),
            )),
        }
    }

    fn link(&self, path: &str) -> Result<(Owner<'s>, Link<'s>), Unknown> {
        let names = path
            .split_once('/')
            .map(|(o, p)| (decoded(o), decoded(p.trim_end_matches('/'))));
        let Some((offer, publisher)) = names.filter(|(o, p)| !o.is_empty() && !p.is_empty()) else {
            let detail = "a link names offer and publisher: /o/{offer}/{publisher}";
            return Err(Unknown::new(None, "", detail));
        };
        let account = match self.account()? {
            Some(account) => account,
            None => self.account_with(&offer)?,
        };
        let of = Some(account.account);
        let Some(found) = account.network.offer(&offer) else {
            let detail = format!("there is no offer {:?}", cut(&offer));
            return Err(Unknown::new(of, "offer", detail));
        };
        let Some(publisher) = account.network.publisher(&publisher) else {
            let detail = format!("there is no publisher {:?}", cut(&publisher));
            return Err(Unknown::new(of, "publisher", detail));
        };
        let owner = (account, self.integration(account)?);
        let offer = found;
        Ok((owner, Link { offer, publisher }))
    }

    /// The one account that has this offer.
    fn account_with(&self, offer: &str) -> Result<&'s Arc<AccountPolicy>, Unknown> {
        let has = |account: &&Arc<AccountPolicy>| account.network.offer(offer).is_some();
        let mut all = self.snapshot.accounts().filter(has);
        match (all.next(), all.next()) {
            (Some(account), None) => Ok(account),
            (None, _) => {
                let detail = format!("there is no offer {:?}", cut(offer));
                Err(Unknown::new(None, "offer", detail))
            }
            (Some(_), Some(_)) => {
                let detail = "more than one account has this offer; name the account by nid=";
                Err(Unknown::new(None, "nid", detail))
            }
        }
    }

    /// The network integration of the host, else of the account.
    fn integration(
        &self,
        account: &'s Arc<AccountPolicy>,
    ) -> Result<&'s Arc<IntegrationPolicy>, Unknown> {
        let by_host = self.by_host.map(|(_, integration)| integration);
        let own = by_host.filter(|integration| integration.is_network());
        own.or_else(|| account.network_integration())
            .ok_or_else(|| {
                let detail = "the account has no integration of kind network";
                Unknown::new(Some(account.account), "", detail)
            })
    }

    /// The integration of the click that a conversion names, else the account's own.
    fn conversion(&self, id: Option<&str>, keys: Option<&KeyRing>) -> Result<Owner<'s>, Unknown> {
        let Some(account) = self.account()? else {
            let mut missing = Unknown::new(None, "nid", "is missing: it names the account");
            missing.status = 422;
            missing.error.code = "missing";
            return Err(missing);
        };
        let click = id.and_then(|id| keys?.open(id.trim()).ok());
        let of_click = click.and_then(|click| self.of_account(account, click.integration));
        match of_click {
            Some(integration) => Ok((account, integration)),
            None => Ok((account, self.integration(account)?)),
        }
    }

    fn of_account(
        &self,
        account: &AccountPolicy,
        id: IntegrationId,
    ) -> Option<&'s Arc<IntegrationPolicy>> {
        let (owner, integration) = self.snapshot.integration(id)?;
        (owner.account == account.account).then_some(integration)
    }
}

/// A repeated parameter: the first counts.
fn first<'p>(params: &'p ParamBuffer, wanted: &str) -> Option<&'p str> {
    let mut pairs = params.pairs();
    let found = pairs.find(|(name, value)| *name == wanted && !value.is_empty());
    found.map(|(_, value)| value)
}

/// A part of a path; escapes that are none stand for themselves.
fn decoded(part: &str) -> Cow<'_, str> {
    if !part.contains('%') {
        return Cow::Borrowed(part);
    }
    let hex = |c: u8| char::from(c).to_digit(16);
    let (bytes, mut out, mut at) = (part.as_bytes(), Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        let escape =
            (*byte == b'%').then(|| Some((hex(*bytes.get(at + 1)?)?, hex(*bytes.get(at + 2)?)?)));
        match escape.flatten() {
            Some((high, low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// Nothing there, with its cause in the error log of the account's network integration.
fn refused<C: CounterStore>(
    engine: &Engine<C>,
    (door, snapshot): (&'static str, &Snapshot),
    params: &ParamBuffer,
    request: &DoorRequest<'_>,
    unknown: &Unknown,
) -> Answer {
    let Unknown {
        account,
        status,
        error,
    } = unknown;
    let account = match account {
        Some(id) => snapshot.account(*id),
        None => sole_network(snapshot),
    };
    let integration = account.and_then(|account| account.network_integration());
    let of = (
        account.map(|account| account.account),
        integration.map(|integration| integration.id),
    );
    // The path holds what was asked for, which is no value of a visitor's.
    let sample = postback::sample(request.path, params);
    engine.refuse(door_error(engine, door, of, error, sample));
    let detail = match error.field.as_str() {
        "" => error.detail.clone(),
        _ => error.to_string(),
    };
    Answer::problem(*status, error.code, &error.field, &detail)
}

/// Whose a link is that names nobody: theirs who alone have a network here.
fn sole_network(snapshot: &Snapshot) -> Option<&Arc<AccountPolicy>> {
    let has = |account: &&Arc<AccountPolicy>| account.network_integration().is_some();
    let mut all = snapshot.accounts().filter(has);
    let first = all.next();
    first.filter(|_| all.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_path_are_decoded_once() {
        for (part, name) in [
            ("o1", "o1"),
            ("a%20b", "a b"),
            ("a%2Fb", "a/b"),
            ("100%", "100%"),
            ("%zz", "%zz"),
            ("%C3%BC", "ü"),
            ("%2541", "%41"),
        ] {
            assert_eq!(decoded(part), name);
        }
    }

    #[test]
    fn paths_of_a_network() {
        for (path, own) in [
            ("/conv", true),
            ("/o/1/2", true),
            ("/o/", true),
            ("/o", false),
            ("/conversions", false),
            ("/offers/1", false),
        ] {
            assert_eq!(is_for(path), own, "{path}");
        }
    }
}
