//! The click of a conversion, as far as a verdict uses it.
//!
//! Stored with the conversion as part of [`crate::recall::Recall`], so a verdict can be
//! recomputed when the click itself is long gone.

use std::net::IpAddr;

use crate::facts::{Country, DeviceIdState, Facts};
use crate::hit::{EventKind, Field};
use crate::reason::{Reason, Risk};
use crate::record::EventRecord;
use crate::verdict::{Action, Verdict};
use crate::{EventId, Timestamp};

/// What the search for a conversion's click came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum ClickSearch {
    /// Nothing was searched: no conversion, or one that names no click and needs none.
    #[default]
    None = 0,
    /// Its click is known.
    Found = 1,
    /// Everything was looked at, and there is none.
    NotFound = 2,
    /// The search could not be made: that there is none is not known.
    NotMade = 3,
}

impl ClickSearch {
    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Found => "found",
            Self::NotFound => "not_found",
            Self::NotMade => "not_made",
        }
    }

    /// The outcome with this stored number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::None, Self::Found, Self::NotFound, Self::NotMade]
            .into_iter()
            .find(|search| *search as u8 == code)
    }
}

/// How a conversion's click is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MatchedBy {
    /// Found by our own id.
    OwnId = 1,
    /// Found by the caller's id.
    ExternalId = 2,
    /// From the postback's own `click_time` and `click_ip`.
    Given = 3,
    /// From the sealed transaction id alone: genuine, but the click was not looked up.
    Sealed = 4,
}

impl MatchedBy {
    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OwnId => "transaction_id",
            Self::ExternalId => "external_transaction_id",
            Self::Given => "given",
            Self::Sealed => "sealed",
        }
    }

    /// The way with this stored number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::OwnId, Self::ExternalId, Self::Given, Self::Sealed]
            .into_iter()
            .find(|by| *by as u8 == code)
    }
}

/// A device id of a click; only well-formed ones are kept, since no other names a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClickDevice {
    /// [`Field::DeviceId`], [`Field::Gaid`] or [`Field::Idfa`].
    pub field: Field,
    /// The id as given.
    pub id: Box<str>,
}

/// What a verdict needs of a conversion's click; unknown is `None` or empty.
#[derive(Clone, Debug, PartialEq)]
pub struct ClickMatch {
    /// How it is known.
    pub by: MatchedBy,
    /// [`EventKind::Click`], or [`EventKind::Impression`] for view-through.
    pub kind: EventKind,
    /// Its event id; `None` = it is only known from the postback.
    pub event_id: Option<EventId>,
    /// When it happened.
    pub time: Option<Timestamp>,
    /// Seconds back in which a click counts.
    pub lookback_s: u32,
    /// Where it came from.
    pub ip: Option<IpAddr>,
    /// Country of that address.
    pub country: Option<Country>,
    /// City of that address.
    pub city: Box<str>,
    /// Whether that address was shared or moves people on purpose (relay, satellite).
    pub displaced: bool,
    /// Its device ids.
    pub devices: Vec<ClickDevice>,
    /// Family of its browser.
    pub browser: Box<str>,
    /// Its operating system.
    pub os: Box<str>,
    /// What was done with it.
    pub action: Option<Action>,
    /// How risky it was.
    pub risk: Risk,
    /// Why.
    pub reason: Reason,
}

impl ClickMatch {
    /// A click of which only the way it is known is known.
    #[must_use]
    pub fn unknown(by: MatchedBy, lookback_s: u32) -> Self {
        Self {
            by,
            kind: EventKind::Click,
            event_id: None,
            time: None,
            lookback_s,
            ip: None,
            country: None,
            city: Box::default(),
            displaced: false,
            devices: Vec::new(),
            browser: Box::default(),
            os: Box::default(),
            action: None,
            risk: Risk::Clean,
            reason: Reason::Clean,
        }
    }

    /// A click as it was stored.
    #[must_use]
    pub fn of_record(record: &EventRecord<'_>, by: MatchedBy, lookback_s: u32) -> Self {
        let judged = (record.event_id, &record.verdict);
        Self::of(judged, &record.facts, by, lookback_s)
    }

    /// A click as it was judged.
    #[must_use]
    pub fn of(
        (event_id, verdict): (EventId, &Verdict<'_>),
        facts: &Facts<'_>,
        by: MatchedBy,
        lookback_s: u32,
    ) -> Self {
        let mut click = Self::unknown(by, lookback_s);
        click.kind = facts.hit.event;
        click.event_id = Some(event_id);
        click.time = Some(facts.hit.time);
        if let Some(ip) = &facts.ip {
            click.ip = Some(ip.ip);
            click.country = ip.country;
            click.city = ip.city.unwrap_or("").into();
            click.displaced = ip.displaces_people();
        }
        click.devices = devices_of(facts);
        if let Some(ua) = &facts.ua {
            click.browser.clone_from(&ua.browser);
            click.os.clone_from(&ua.os);
        }
        click.action = Some(verdict.action);
        click.risk = verdict.risk;
        click.reason = verdict.reason;
        click
    }

    /// Whether the click was caught: rejected, or would have been without monitor mode.
    #[must_use]
    pub fn was_caught(&self) -> bool {
        matches!(self.action, Some(Action::Rejected | Action::Monitored))
    }

    /// Seconds from the click to `at`; negative when the click came after.
    #[must_use]
    pub fn age_s(&self, at: Timestamp) -> Option<i64> {
        self.time.map(|time| at.ms_since(time).div_euclid(1000))
    }

    /// The click's id of this kind.
    #[must_use]
    pub fn device(&self, field: Field) -> Option<&str> {
        self.devices
            .iter()
            .find(|device| device.field == field)
            .map(|device| &*device.id)
    }
}

fn devices_of(facts: &Facts<'_>) -> Vec<ClickDevice> {
    let states = [
        (Field::DeviceId, facts.device.device_id),
        (Field::Gaid, facts.device.gaid),
        (Field::Idfa, facts.device.idfa),
    ];
    states
        .into_iter()
        .filter(|(_, state)| *state == DeviceIdState::Valid)
        .filter_map(|(field, _)| {
            let id = facts.hit.get(field)?.into();
            Some(ClickDevice { field, id })
        })
        .collect()
}
