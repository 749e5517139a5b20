//! The click of a conversion: looked for, or taken from what is known without it.

use std::time::Duration;

use assay_intel::ip::IpTables;
use assay_model::click::{ClickMatch, ClickSearch, MatchedBy};
use assay_model::facts::IpFacts;
use assay_model::hit::{EventKind, Field, Hit};
use assay_model::ledger::Attributes;
use assay_model::ports::{ClickIndex, ClickKey, ClickRow, Lookup, StoreError};
use assay_model::record::EventRecord;
use assay_model::transaction::Content;
use assay_model::{AccountId, IntegrationId, Timestamp};

use super::Conversions;
use super::ids::Ids;
use super::pages;
use super::params::Values;
use crate::policy::IntegrationPolicy;

/// Longest wait for the index to pass what was answered before the conversion came.
pub const CATCH_UP: Duration = Duration::from_millis(200);

/// Longest search in all; an answer leaves within a second.
const SEARCH: Duration = Duration::from_millis(600);

/// What a search came to.
#[derive(Clone, Debug)]
pub struct Found {
    /// Found, not found, or not made.
    pub search: ClickSearch,
    /// By which id it was found.
    pub by: MatchedBy,
    /// The click.
    pub row: Option<ClickRow>,
}

impl Found {
    /// Nothing was searched.
    pub const NONE: Self = Self::without(ClickSearch::None);

    const fn without(search: ClickSearch) -> Self {
        Self {
            search,
            by: MatchedBy::OwnId,
            row: None,
        }
    }
}

/// Whose click it is, and since when one counts.
#[derive(Clone, Copy)]
struct Scope {
    account: AccountId,
    integration: IntegrationId,
    since: Timestamp,
}

impl Scope {
    fn key(self, external: &str) -> ClickKey {
        ClickKey {
            account: self.account,
            integration: self.integration,
            external_id: external.to_owned(),
        }
    }
}

/// The times of a conversion whose click is sought.
#[derive(Clone, Copy, Debug)]
pub struct Sought {
    /// When it happened.
    pub time: Timestamp,
    /// When it came in.
    pub received: Timestamp,
    /// When it is looked for.
    pub now: Timestamp,
}

impl Conversions {
    /// Looks for the click that these ids name, back from the time of the conversion. One
    /// whose click has not come is told when it does, see `settle`; with `clickless` on, a
    /// click that is not known is not needed. While the click's browser signals are out, that
    /// there is none is not known.
    pub async fn find_click(
        &self,
        ids: &Ids<'_>,
        integration: &IntegrationPolicy,
        of: Sought,
        catch_up: Duration,
    ) -> Found {
        if !ids.name_a_click() {
            return Found::NONE;
        }
        let scope = Scope {
            account: integration.account,
            integration: integration.id,
            since: of.time.plus_ms(-1000 * i64::from(integration.lookback_s())),
        };
        let found = self.find_in(ids, scope, catch_up).await;
        let clickless = integration.settings.conversions.clickless;
        match found.search {
            ClickSearch::NotFound if self.is_out(ids, scope, of) => {
                Found::without(ClickSearch::NotMade)
            }
            ClickSearch::NotFound if clickless => Found::NONE,
            _ => found,
        }
    }

    /// Whether the click's browser signals may still come. A conversion waits for them once,
    /// however often the page is served meanwhile.
    fn is_out(&self, ids: &Ids<'_>, scope: Scope, of: Sought) -> bool {
        let Some(external) = ids.external else {
            return false;
        };
        let key = scope.key(external);
        of.now.ms_since(of.received) < pages::WAIT_MS && self.pages.is_out(&key, of.now)
    }

    async fn find_in(&self, ids: &Ids<'_>, scope: Scope, catch_up: Duration) -> Found {
        match tokio::time::timeout(SEARCH, self.search(ids, scope, catch_up)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                tracing::warn!(%error, "a click could not be looked up");
                Found::without(ClickSearch::NotMade)
            }
            Err(_) => Found::without(ClickSearch::NotMade),
        }
    }

    async fn search(
        &self,
        ids: &Ids<'_>,
        scope: Scope,
        catch_up: Duration,
    ) -> Result<Found, StoreError> {
        let clicks = &*self.clicks;
        // Our own id names one click: if it is there, nothing newer can be meant.
        if let Some(found) = by_own_id(clicks, ids, scope).await? {
            return Ok(found);
        }
        if !clicks.caught_up(catch_up).await {
            return Ok(Found::without(ClickSearch::NotMade));
        }
        if let Some(found) = by_own_id(clicks, ids, scope).await? {
            return Ok(found);
        }
        let Some(external) = ids.external else {
            return Ok(Found::without(ClickSearch::NotFound));
        };
        if let Some(found) = by_external_id(clicks, external, scope).await? {
            return Ok(found);
        }
        let key = scope.key(external);
        // Watched first and looked for once more: it may have come in between.
        let watched = clicks.watch(key.clone());
        match by_external_id(clicks, external, scope).await? {
            Some(found) => {
                if watched {
                    clicks.unwatch(&key);
                }
                Ok(found)
            }
            None => Ok(Found::without(ClickSearch::NotFound)),
        }
    }
}

async fn by_own_id(
    clicks: &dyn ClickIndex,
    ids: &Ids<'_>,
    scope: Scope,
) -> Result<Option<Found>, StoreError> {
    let Some(own) = ids.own else {
        return Ok(None);
    };
    let looked = clicks.find_by_event_id(scope.account, own.event_id).await?;
    Ok(found(looked, MatchedBy::OwnId))
}

async fn by_external_id(
    clicks: &dyn ClickIndex,
    external: &str,
    scope: Scope,
) -> Result<Option<Found>, StoreError> {
    let looked = clicks
        .find_by_external_id(scope.account, scope.integration, external, scope.since)
        .await?;
    Ok(found(looked, MatchedBy::ExternalId))
}

fn found(looked: Lookup, by: MatchedBy) -> Option<Found> {
    looked.found().map(|row| Found {
        search: ClickSearch::Found,
        by,
        row: Some(row),
    })
}

/// What the sealed id says of its click, for as long as the click itself is not known.
#[must_use]
pub fn sealed(content: &Content, lookback_s: u32) -> ClickMatch {
    let mut click = ClickMatch::unknown(MatchedBy::Sealed, lookback_s);
    if content.impression {
        click.kind = EventKind::Impression;
    }
    click.event_id = Some(content.event_id);
    click.time = Some(content.event_id.at());
    click.country = content.country;
    click.action = Some(content.action);
    click.risk = content.risk;
    click
}

/// What the sender says of the click; `None` = nothing.
#[must_use]
pub fn given(values: &Values, tables: &IpTables, lookback_s: u32) -> Option<ClickMatch> {
    if values.click_time.is_none() && values.click_ip.is_none() {
        return None;
    }
    let mut click = ClickMatch::unknown(MatchedBy::Given, lookback_s);
    click.time = values.click_time;
    if let Some(address) = values.click_ip {
        let ip: IpFacts<'_> = tables.lookup(address);
        click.ip = Some(ip.ip);
        click.country = ip.country;
        click.city = ip.city.unwrap_or("").into();
        click.displaced = ip.displaces_people();
    }
    Some(click)
}

/// The same of an event whose fields are all there is: it is judged by what it says.
#[must_use]
pub fn told_by(hit: &Hit<'_>, tables: &IpTables, lookback_s: u32) -> Option<ClickMatch> {
    let values = Values {
        click_time: hit
            .get(Field::ClickTime)
            .and_then(|text| Timestamp::parse(text).ok()),
        click_ip: hit
            .get(Field::ClickIp)
            .and_then(|text| text.trim().parse().ok()),
        ..Values::default()
    };
    given(&values, tables, lookback_s)
}

/// What a conversion takes over from its click: who sent it counts, not who tells of it.
pub const INHERITED: [Field; 10] = [
    Field::Offer,
    Field::Advertiser,
    Field::Publisher,
    Field::SubId,
    Field::SubId2,
    Field::SubId3,
    Field::SubId4,
    Field::SubId5,
    Field::SubId6,
    Field::SourceId,
];

/// What counts as it was sent, and as the click says where nothing was.
pub const FALLBACKS: [Field; 4] = [
    Field::ExternalTransactionId,
    Field::Payout,
    Field::Revenue,
    Field::Currency,
];

/// Puts the click's own values into the conversion's; what the click does not say stays.
pub fn inherit<'a>(hit: &mut Hit<'a>, click: &Hit<'a>) {
    for field in INHERITED {
        if let Some(text) = click.get(field) {
            hit.set(field, Some(text));
        }
    }
    for field in FALLBACKS {
        if hit.get(field).is_none() {
            hit.set(field, click.get(field));
        }
    }
}

/// Where a conversion comes from, once it has inherited.
#[must_use]
pub fn attributes(hit: &Hit<'_>, country: Option<assay_model::facts::Country>) -> Attributes {
    let of = |field| hit.get(field).unwrap_or("").to_owned();
    Attributes {
        advertiser: of(Field::Advertiser),
        offer: of(Field::Offer),
        publisher: of(Field::Publisher),
        sub_ids: [
            of(Field::SubId),
            of(Field::SubId2),
            of(Field::SubId3),
            of(Field::SubId4),
            of(Field::SubId5),
            of(Field::SubId6),
        ],
        source_id: of(Field::SourceId),
        country: country.map_or_else(String::new, |country| country.to_string()),
    }
}

/// The click, when its row reads.
#[must_use]
pub fn record(row: &ClickRow) -> Option<EventRecord<'_>> {
    row.decode()
        .inspect_err(|error| tracing::error!(%error, "a click's record does not read"))
        .ok()
}
