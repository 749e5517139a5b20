//! The parameters of a click or impression.
//!
//! Source: facts.md 1.A.2, the older names 1.A.9.

use assay_model::Hit;
use assay_model::hit::{EventKind, Field, name_of_v1};

use crate::destination::PerLink;
use crate::doors::collector::Collected;
use crate::ingress::ParamBuffer;
use crate::mapping::{self, is_unreplaced};
use crate::renames::Renames;

/// What a parameter is.
enum Param {
    Ours(Field),
    Ip,
    Time,
    Signals,
    Control(Control),
    Extra,
}

/// A parameter that says how the call is answered.
#[derive(Clone, Copy)]
enum Control {
    NoRedirect,
    Json,
    Fields,
    FilterGroup,
    UrlId,
    RedirectUrl,
    FallbackUrl,
    Key,
    /// Read elsewhere, and never passed on.
    Elsewhere,
}

impl Param {
    fn of(name: &str, kind: EventKind) -> Self {
        let name = name_of_v1(name).unwrap_or(name);
        let control = match name {
            "click_ip" | "ip" => return Self::Ip,
            "impression_ip" if kind == EventKind::Impression => return Self::Ip,
            "click_time" if kind == EventKind::Click => return Self::Time,
            "impression_time" if kind == EventKind::Impression => return Self::Time,
            "js_check_data" => return Self::Signals,
            "no_redirect" => Control::NoRedirect,
            "json" => Control::Json,
            "fields" => Control::Fields,
            "filter_group" => Control::FilterGroup,
            "url_id" => Control::UrlId,
            "redirect_url" => Control::RedirectUrl,
            "fallback_url" => Control::FallbackUrl,
            "key" => Control::Key,
            "secure" | "sig_key" | "sig_time" | "signature" => Control::Elsewhere,
            "site_url" => return Self::Ours(Field::Url),
            _ => return Field::parse(name).map_or(Self::Extra, Self::Ours),
        };
        Self::Control(control)
    }
}

/// A call as it was sent; nothing of it is believed yet.
#[derive(Debug, Default)]
pub struct Call<'p> {
    /// The visitor's address, as told.
    pub ip: Option<&'p str>,
    /// When it happened, as told.
    pub time: Option<&'p str>,
    /// What the browser collector found.
    pub collected: Option<Collected<'p>>,
    /// Whether the caller wants a verdict and no redirect.
    pub no_redirect: bool,
    /// Whether the answer holds every field.
    pub all_fields: bool,
    /// The fields that the answer holds beside its own.
    pub fields: &'p str,
    /// The rule that judges.
    pub filter_group: Option<&'p str>,
    /// Destinations in the link.
    pub link: PerLink<'p>,
    /// The integration's key.
    pub key: Option<&'p str>,
    /// Our fields, with the names they came under.
    fields_sent: Vec<(Field, &'p str, &'p str)>,
    extras: Vec<(&'p str, &'p str)>,
    unreplaced: Vec<(&'p str, &'p str)>,
}

impl<'p> Call<'p> {
    /// Reads the parameters under the integration's names and ours.
    pub fn read(params: &'p ParamBuffer, renames: &'p Renames, kind: EventKind) -> Self {
        let mut call = Self::default();
        renames.each(params.pairs(), |ours, name, value| {
            call.take(Param::of(ours, kind), name, value);
        });
        call
    }

    fn take(&mut self, param: Param, name: &'p str, value: &'p str) {
        match param {
            Param::Ours(field) => self.fields_sent.push((field, name, value)),
            Param::Extra => self.extras.push((name, value)),
            Param::Control(Control::Elsewhere) => {}
            // A macro left in place means "not given", and is noted.
            _ if is_unreplaced(value) => self.unreplaced.push((name, value)),
            _ if value.is_empty() => {}
            Param::Ip => first(&mut self.ip, value),
            Param::Time => first(&mut self.time, value),
            Param::Signals => {
                // The collector fails open: what does not read was not collected.
                self.collected = self.collected.take().or_else(|| Collected::read(value));
            }
            Param::Control(control) => self.take_control(control, value),
        }
    }

    fn take_control(&mut self, control: Control, value: &'p str) {
        match control {
            Control::NoRedirect => self.no_redirect |= is_true(value),
            Control::Json => self.all_fields |= is_true(value),
            Control::Fields if self.fields.is_empty() => self.fields = value,
            Control::Fields | Control::Elsewhere => {}
            Control::FilterGroup => first(&mut self.filter_group, value),
            Control::UrlId => first(&mut self.link.url_id, value),
            Control::RedirectUrl => first(&mut self.link.redirect_url, value),
            Control::FallbackUrl => first(&mut self.link.fallback_url, value),
            Control::Key => first(&mut self.key, value),
        }
    }

    /// The caller's own id of the click.
    pub fn external_id(&self) -> Option<&'p str> {
        let mut sent = self.fields_sent.iter();
        let given = |value: &str| !value.is_empty() && !is_unreplaced(value);
        sent.find(|(field, _, value)| *field == Field::ExternalTransactionId && given(value))
            .map(|(.., value)| *value)
    }

    /// Puts what was sent into the event. A link of a visitor's own browser cannot say which
    /// user agent or forwarding chain it has.
    pub fn fill<'h>(&'h self, hit: &mut Hit<'h>, from_server: bool) {
        for &(field, name, value) in &self.fields_sent {
            let seen = matches!(field, Field::UserAgent | Field::Xff) || is_hint(field);
            let empty = value.is_empty() && field != Field::UserAgent;
            if !empty && (from_server || !seen) {
                mapping::set(hit, field, name, value);
            }
        }
        for (name, value) in &self.extras {
            mapping::extra(hit, name, value);
        }
        for (name, value) in &self.unreplaced {
            mapping::note_unreplaced(hit, name, value);
        }
        if let Some(collected) = &self.collected {
            hit.set(Field::Signals, Some(&collected.json));
            for (field, own) in [
                (Field::Uuid, &collected.uuid),
                (Field::Fingerprint, &collected.fingerprint),
            ] {
                if hit.get(field).is_none() {
                    hit.set(field, own.as_deref());
                }
            }
        }
    }
}

/// A repeated parameter: the first counts.
fn first<'p>(slot: &mut Option<&'p str>, value: &'p str) {
    if slot.is_none() {
        *slot = Some(value);
    }
}

fn is_true(value: &str) -> bool {
    value == "1" || value.eq_ignore_ascii_case("true")
}

const fn is_hint(field: Field) -> bool {
    matches!(
        field,
        Field::ChUa
            | Field::ChPlatform
            | Field::ChMobile
            | Field::ChModel
            | Field::ChPlatformVersion
            | Field::ChFullVersionList
            | Field::SecPurpose
            | Field::FetchDest
            | Field::FetchMode
            | Field::FetchUser
    )
}
