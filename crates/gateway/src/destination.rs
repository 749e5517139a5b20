//! Where a click goes: only ever to what an account user configured, or to a host that they
//! allowed links to name. Values of a visitor fill in macros, encoded once, behind the host.
//!
//! Source: SPEC §7.

use std::borrow::Cow;

use assay_model::EventId;
use assay_model::document::{Clicks, IntegrationKind, OnReject};
use assay_model::facts::Facts;
use assay_model::hit::{Field, name_of_v1};
use assay_model::template::{PublicHost, UrlTemplate, Values, append_params};
use assay_model::verdict::Action;

use crate::mapping::{FieldError, is_unreplaced};
use crate::renames::Renames;

/// Where rejected clicks end that nobody takes.
const LOCALHOST: &str = "http://localhost/";

/// Longest text that parameters passed through may add to a destination, in bytes.
const EXTRA_BYTES: usize = 8 * 1024;

/// An integration's destinations, compiled.
#[derive(Debug, Default)]
pub struct ClickPolicy {
    /// Names of the user's links.
    pub renames: Renames,
    approved: Option<UrlTemplate>,
    named: Vec<(String, UrlTemplate)>,
    fallback: Option<UrlTemplate>,
    allowed: Vec<PublicHost>,
    append: Vec<String>,
    pass_extra: bool,
    on_reject: OnReject,
}

/// What a link itself says about destinations.
#[derive(Clone, Copy, Debug, Default)]
pub struct PerLink<'p> {
    /// `url_id`
    pub url_id: Option<&'p str>,
    /// `redirect_url`
    pub redirect_url: Option<&'p str>,
    /// `fallback_url`
    pub fallback_url: Option<&'p str>,
}

/// Where the click's offer leads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offered<'p> {
    /// The offer's URL.
    pub url: Option<&'p UrlTemplate>,
    /// Whether it comes before the integration's own: a tracking link is the offer's, and so
    /// is a click that it took over.
    pub first: bool,
}

/// Where a click goes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Place {
    /// To this URL.
    Url(String),
    /// To an empty page.
    Blank,
    /// Nowhere: it is refused.
    Block,
    /// Nowhere: there is no destination.
    #[default]
    Nowhere,
}

impl Place {
    /// The URL, if it is one.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Url(url) => Some(url),
            Self::Blank | Self::Block | Self::Nowhere => None,
        }
    }
}

impl ClickPolicy {
    /// Compiles settings that were checked when they were saved; what does not read is as if
    /// it was not there.
    #[must_use]
    pub fn new(clicks: &Clicks, kind: IntegrationKind) -> Self {
        let template = |text: &String| UrlTemplate::parse(text).ok();
        Self {
            renames: Renames::of_links(&clicks.params, kind),
            approved: clicks.approved_url.as_ref().and_then(template),
            named: clicks
                .urls
                .iter()
                .filter_map(|named| Some((named.id.clone(), template(&named.url)?)))
                .collect(),
            fallback: clicks.fallback_url.as_ref().and_then(template),
            allowed: clicks
                .allowed_hosts
                .iter()
                .filter_map(|host| PublicHost::parse(host).ok())
                .collect(),
            append: clicks.append.clone(),
            pass_extra: clicks.pass_extra,
            on_reject: clicks.on_reject,
        }
    }

    /// Whether a rejected click looks for another offer.
    #[must_use]
    pub fn is_waterfall(&self) -> bool {
        self.on_reject == OnReject::Waterfall
    }

    /// What is wrong with a link's own wishes, for the error log. They are never obeyed then.
    ///
    /// # Errors
    /// The first parameter that cannot be obeyed.
    pub fn check(&self, link: PerLink<'_>) -> Result<(), FieldError> {
        if let Some(id) = link.url_id
            && !self.named.iter().any(|(own, _)| own == id)
        {
            let detail = "is none of the integration's URLs";
            return Err(FieldError::malformed("url_id", detail));
        }
        for (name, wish, own) in [
            ("redirect_url", link.redirect_url, &self.approved),
            ("fallback_url", link.fallback_url, &self.fallback),
        ] {
            // One that the console overrules does no harm, whatever it says.
            if let (Some(text), None) = (wish, own) {
                self.per_link(text)
                    .map_err(|detail| FieldError::malformed(name, detail))?;
            }
        }
        Ok(())
    }

    /// Where a click goes, now that it is judged.
    #[must_use]
    pub fn place(
        &self,
        action: Action,
        (link, offered): (PerLink<'_>, Offered<'_>),
        values: &Filling<'_>,
    ) -> Place {
        if action != Action::Rejected {
            return self.approved(link, offered, values);
        }
        match self.on_reject {
            OnReject::Blank => Place::Blank,
            OnReject::Block => Place::Block,
            OnReject::Localhost => Place::Url(LOCALHOST.to_owned()),
            // What finds no taker goes to the fallback URL, as all does until there are takers.
            OnReject::Fallback | OnReject::Waterfall | OnReject::Monetize => {
                let own = self.fallback.as_ref().map(Cow::Borrowed);
                let url = own.or_else(|| self.wished(link.fallback_url));
                Place::Url(url.map_or_else(|| LOCALHOST.to_owned(), |url| url.expand(values)))
            }
        }
    }

    fn approved(&self, link: PerLink<'_>, offered: Offered<'_>, values: &Filling<'_>) -> Place {
        let named = link
            .url_id
            .and_then(|id| self.named.iter().find(|(own, _)| own == id))
            .map(|(_, url)| url);
        let own = named.or(self.approved.as_ref()).map(Cow::Borrowed);
        let offer = || offered.url.map(Cow::Borrowed);
        let first = offer().filter(|_| offered.first);
        let configured = first.or(own).or_else(|| self.wished(link.redirect_url));
        let Some(template) = configured.or_else(offer) else {
            return Place::Nowhere;
        };
        let mut url = template.expand(values);
        self.add_params(&mut url, values);
        Place::Url(url)
    }

    /// Adds the chosen parameters that have a value, then those that are none of ours.
    fn add_params(&self, url: &mut String, values: &Filling<'_>) {
        if !self.append.is_empty() {
            let chosen: Vec<(&str, Cow<'_, str>)> = self
                .append
                .iter()
                .filter_map(|name| Some((name.as_str(), values.value(name)?)))
                .collect();
            append_params(url, chosen.iter().map(|(name, value)| (*name, &**value)));
        }
        if self.pass_extra {
            let mut bytes = 0;
            let extras = values.facts.hit.extras.iter().copied();
            append_params(
                url,
                extras.take_while(|(name, value)| {
                    bytes += name.len() + value.len();
                    bytes <= EXTRA_BYTES
                }),
            );
        }
    }

    fn wished(&self, wish: Option<&str>) -> Option<Cow<'_, UrlTemplate>> {
        wish.and_then(|text| self.per_link(text).ok())
            .map(Cow::Owned)
    }

    /// A link's own URL, if its host is one that links may name.
    fn per_link(&self, text: &str) -> Result<UrlTemplate, String> {
        let url = UrlTemplate::parse(text)?;
        if self.allowed.contains(url.host()) {
            return Ok(url);
        }
        Err("names a host that is not in allowed_hosts".to_owned())
    }
}

/// What macros of a destination stand for: the event's fields, what is known of its address
/// and device, and its ids. Nothing of the verdict, which no visitor's URL may tell.
#[derive(Clone, Copy, Debug)]
pub struct Filling<'f> {
    /// The event.
    pub facts: &'f Facts<'f>,
    /// Its id; `None` = it is not counted, so it has none.
    pub event_id: Option<EventId>,
    /// Its sealed id; empty = it is not counted.
    pub transaction_id: &'f str,
    /// The user's own names.
    pub renames: &'f Renames,
}

impl Filling<'_> {
    /// A value of the event itself, or what is known of its address and device.
    fn of_event(&self, name: &str) -> Option<Cow<'_, str>> {
        let hit = &self.facts.hit;
        let field = Field::parse(name);
        if let Some(text) = field.and_then(|field| hit.get(field)) {
            return Some(Cow::Borrowed(text));
        }
        let ip = self.facts.ip.as_ref();
        let ua = self.facts.ua.as_deref();
        let known = |text: &'_ str| (!text.is_empty()).then(|| Cow::Owned(text.to_owned()));
        match field {
            Some(Field::GeoCountry) => ip?.country.map(|c| Cow::Owned(c.as_str().to_owned())),
            Some(Field::GeoCity) => ip?.city.map(Cow::Borrowed),
            Some(Field::Os) => known(&ua?.os),
            Some(Field::OsVersion) => known(&ua?.os_version),
            Some(Field::Browser) => known(&ua?.browser),
            Some(Field::BrowserVersion) => known(&ua?.browser_version),
            Some(_) => None,
            None => {
                let mut extras = hit.extras.iter();
                let (_, value) = extras.find(|(own, _)| *own == name)?;
                Some(Cow::Borrowed(value))
            }
        }
    }
}

impl Values for Filling<'_> {
    fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        let name = self.renames.ours(name).unwrap_or(name);
        let name = name_of_v1(name).unwrap_or(name);
        let hit = &self.facts.hit;
        let ip = self.facts.ip.as_ref();
        let made = match name {
            "transaction_id" => return Some(Cow::Borrowed(self.transaction_id)),
            "event_id" => self.event_id?.to_string(),
            "integration_id" => hit.integration.to_string(),
            "click_ip" | "impression_ip" | "ip" => hit.ip?.to_string(),
            "click_time" | "impression_time" => hit.time.plain(),
            "country" => ip?.country?.as_str().to_owned(),
            "city" => ip?.city?.to_owned(),
            "isp" => ip?.operator?.to_owned(),
            "asn" => ip?.asn?.to_string(),
            // Sent by the link itself or made here.
            "date_time" | "unix_time" | "random" => match self.of_event(name) {
                Some(sent) if !is_unreplaced(&sent) => return Some(sent),
                _ => self.made(name),
            },
            _ => return self.of_event(name),
        };
        Some(Cow::Owned(made))
    }
}

impl Filling<'_> {
    fn made(&self, name: &str) -> String {
        let time = self.facts.hit.time;
        match name {
            "date_time" => time.plain(),
            "unix_time" => time.0.div_euclid(1000).to_string(),
            // Different for every event, which is all that a cache needs.
            _ => self.event_id.map_or_else(String::new, |id| {
                let print = id.0.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                    (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
                });
                (print % 1_000_000_000).to_string()
            }),
        }
    }
}

#[cfg(test)]
mod tests;
