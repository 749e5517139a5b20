//! The native event: one JSON object under our own names.
//!
//! Shared by `POST /v1/score`, its batch and `assay score`. Unknown fields are kept as
//! extras; a wrong one is refused by name.

use std::borrow::Cow;
use std::net::IpAddr;

use assay_model::hit::{EventKind, Field, Hit};
use assay_model::ports::CounterStore;
use assay_model::reputation::Outcome;
use assay_model::{AccountId, IntegrationId, Timestamp};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::conversions::told_by;
use crate::decide::{Course, Decision, Memory, Screening, decide, decide_as};
use crate::engine::{Engine, Limits};
use crate::mapping::{self, FieldError, cut};
use crate::outbox::{Outbox, Scratch};
use crate::policy::{AccountPolicy, IntegrationPolicy};

/// An event as sent; texts borrow from the JSON unless they hold escapes.
#[derive(Debug, Default)]
pub struct NativeEvent<'j> {
    /// What happened.
    pub event: EventKind,
    /// Which integration it is for.
    pub integration_id: Option<u32>,
    ip: Option<IpAddr>,
    id: Option<Cow<'j, str>>,
    outcome: Option<Outcome>,
    time: Option<Timestamp>,
    fields: Vec<(Field, &'j str, Cow<'j, str>)>,
    extras: Vec<(Cow<'j, str>, Cow<'j, str>)>,
}

/// Whether given times must be near now.
#[derive(Clone, Copy, Debug)]
pub enum Times<'l> {
    /// Live traffic: refused when too far ahead or back.
    Bounded {
        /// The present.
        now: Timestamp,
        /// How far.
        limits: &'l Limits,
    },
    /// A file of old events: any time.
    Free,
}

/// The object's pairs in order, values unread.
struct Pairs<'j>(Vec<(Cow<'j, str>, &'j RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::with_capacity(24);
                while let Some((Key(name), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    pairs.push((name, value));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// A key or text that borrows when it can (serde's own `Cow` never does).
#[derive(serde::Deserialize)]
struct Key<'j>(#[serde(borrow)] Cow<'j, str>);

/// A value as text: strings unescaped, numbers and booleans as written; null = absent.
fn text_of<'j>(name: &str, raw: &'j RawValue) -> Result<Option<Cow<'j, str>>, FieldError> {
    let json = raw.get();
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str::<Key<'j>>(json)
            .map(|Key(text)| Some(text))
            .map_err(|e| FieldError::malformed(name, e.to_string())),
        Some(b'n') => Ok(None),
        Some(b'{') => Err(FieldError::malformed(
            name,
            "must be a text or a number, not an object",
        )),
        Some(b'[') => Err(FieldError::malformed(
            name,
            "must be a text or a number, not a list",
        )),
        _ => Ok(Some(Cow::Borrowed(json))),
    }
}

/// The pairs of a JSON object as a form would say them, in their order: texts unescaped,
/// numbers as written, lists of these joined by commas, anything deeper as JSON.
///
/// # Errors
/// When it is no JSON object.
pub(crate) fn object_texts(json: &[u8]) -> serde_json::Result<Vec<(Cow<'_, str>, Cow<'_, str>)>> {
    let Pairs(pairs) = serde_json::from_slice(json)?;
    let texts = pairs.into_iter().filter_map(|(name, raw)| {
        let text = list_of(&name, raw).unwrap_or(Some(Cow::Borrowed(raw.get())));
        Some((name, text?))
    });
    Ok(texts.collect())
}

/// The integration that an event names which is wrong elsewhere.
pub(crate) fn named_integration(json: &[u8]) -> Option<u32> {
    let Pairs(pairs) = serde_json::from_slice(json).ok()?;
    let (name, raw) = pairs.iter().find(|(name, _)| name == "integration_id")?;
    text_of(name, raw).ok()??.parse().ok()
}

/// A list of texts joined by commas, or a text.
fn list_of<'j>(name: &str, raw: &'j RawValue) -> Result<Option<Cow<'j, str>>, FieldError> {
    if !raw.get().starts_with('[') {
        return text_of(name, raw);
    }
    let items: Vec<String> = serde_json::from_str(raw.get())
        .map_err(|_| FieldError::malformed(name, "must be a text or a list of texts"))?;
    Ok((!items.is_empty()).then(|| Cow::Owned(items.join(","))))
}

impl<'j> NativeEvent<'j> {
    /// Reads an event.
    ///
    /// # Errors
    /// [`FieldError`] with code `json` when it is no JSON object, else the field at fault.
    pub fn parse(json: &'j [u8]) -> Result<Self, FieldError> {
        let Pairs(pairs) = serde_json::from_slice(json).map_err(|error| FieldError {
            code: "json",
            field: String::new(),
            detail: format!("not a JSON object: {error}"),
        })?;
        let mut event = Self::default();
        for (name, raw) in pairs {
            event.take(name, raw)?;
        }
        Ok(event)
    }

    fn take(&mut self, name: Cow<'j, str>, raw: &'j RawValue) -> Result<(), FieldError> {
        match &*name {
            "event" => {
                let Some(text) = text_of("event", raw)? else {
                    return Ok(());
                };
                self.event = EventKind::parse(&text).ok_or_else(|| {
                    FieldError::malformed("event", format!("{:?} is none of click, impression, page_view, app_view, conversion, post_event", cut(&text)))
                })?;
            }
            "integration_id" => {
                let Some(text) = text_of("integration_id", raw)? else {
                    return Ok(());
                };
                let id = text.parse().map_err(|_| {
                    FieldError::malformed("integration_id", "must be a positive whole number")
                })?;
                self.integration_id = Some(id);
            }
            "id" => self.id = text_of("id", raw)?,
            "outcome" => {
                if let Some(text) = text_of("outcome", raw)?.filter(|text| !text.is_empty()) {
                    let outcome = Outcome::parse(&text).ok_or_else(|| {
                        let words = Outcome::ALL.map(Outcome::as_str).join(", ");
                        FieldError::malformed(
                            "outcome",
                            format!("{:?} is none of {words}", cut(&text)),
                        )
                    })?;
                    self.outcome = Some(outcome);
                    self.extras.push((name, Cow::Borrowed(raw.get())));
                }
            }
            "ip" => {
                if let Some(text) = text_of("ip", raw)?.filter(|text| !text.is_empty()) {
                    self.ip = Some(mapping::address("ip", &text)?);
                }
            }
            "time" => {
                if let Some(text) = text_of("time", raw)? {
                    let at = Timestamp::parse(&text).map_err(|e| {
                        FieldError::malformed("time", format!("{:?} {e}", cut(&text)))
                    })?;
                    self.time = Some(at);
                }
            }
            "client_hints" => self.take_hints(raw)?,
            "signals" => self
                .fields
                .push((Field::Signals, "signals", Cow::Borrowed(raw.get()))),
            "languages" | "xff" => {
                if let (Some(text), Some(field)) = (list_of(&name, raw)?, Field::parse(&name)) {
                    self.fields.push((field, field.as_str(), text));
                }
            }
            _ => self.take_field(name, raw)?,
        }
        Ok(())
    }

    fn take_field(&mut self, name: Cow<'j, str>, raw: &'j RawValue) -> Result<(), FieldError> {
        match Field::parse(&name) {
            Some(field) => {
                if let Some(text) = text_of(&name, raw)? {
                    self.fields.push((field, field.as_str(), text));
                }
            }
            // Kept as it came: nobody but the user knows what it means.
            None => self.extras.push((name, Cow::Borrowed(raw.get()))),
        }
        Ok(())
    }

    /// `client_hints` by header name (`Sec-CH-UA-Platform`) or short name (`platform`).
    fn take_hints(&mut self, raw: &'j RawValue) -> Result<(), FieldError> {
        if raw.get() == "null" {
            return Ok(());
        }
        let Pairs(pairs) = serde_json::from_str(raw.get())
            .map_err(|_| FieldError::malformed("client_hints", "must be an object"))?;
        for (name, raw) in pairs {
            let folded = name.to_ascii_lowercase().replace('-', "_");
            let field = match folded
                .strip_prefix("sec_ch_ua")
                .map_or(&*folded, |rest| rest.trim_start_matches('_'))
            {
                "" | "ua" | "brands" => Field::ChUa,
                "platform" => Field::ChPlatform,
                "mobile" => Field::ChMobile,
                "model" => Field::ChModel,
                "platform_version" => Field::ChPlatformVersion,
                "full_version_list" => Field::ChFullVersionList,
                "sec_purpose" | "purpose" | "x_purpose" | "x_moz" => Field::SecPurpose,
                "sec_fetch_dest" => Field::FetchDest,
                "sec_fetch_mode" => Field::FetchMode,
                "sec_fetch_user" => Field::FetchUser,
                _ => continue,
            };
            if let Some(text) = text_of(&format!("client_hints.{name}"), raw)? {
                let text = match &*text {
                    "true" => Cow::Borrowed("?1"),
                    "false" => Cow::Borrowed("?0"),
                    _ => text,
                };
                self.fields.push((field, field.as_str(), text));
            }
        }
        Ok(())
    }

    /// Checks the values that have a form of their own.
    ///
    /// # Errors
    /// [`FieldError`] of the first that is wrong.
    pub fn check(&self, times: Times<'_>) -> Result<(), FieldError> {
        let time = |name: &str, text: &str| {
            match times {
                Times::Bounded { now, limits } => mapping::time(name, text, now, limits),
                Times::Free => Timestamp::parse(text)
                    .map_err(|e| FieldError::malformed(name, format!("{:?} {e}", cut(text)))),
            }
            .map(drop)
        };
        if let Some(at) = self.time {
            time("time", &at.to_string())?;
        }
        let given = |text: &str| !text.is_empty() && !mapping::is_unreplaced(text);
        for (field, name, text) in self.fields.iter().filter(|(.., text)| given(text)) {
            match field {
                Field::Payout | Field::Revenue if !is_decimal(text) => {
                    return Err(FieldError::malformed(
                        name,
                        format!("{:?} is not a decimal number", cut(text)),
                    ));
                }
                Field::ClickIp => drop(mapping::address(name, text)?),
                Field::ClickTime
                | Field::BeginInstallTime
                | Field::FinishInstallTime
                | Field::LandingPageTime => time(name, text)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether it says where the event came from.
    #[must_use]
    pub const fn has_ip(&self) -> bool {
        self.ip.is_some()
    }

    /// What became of it, when that was given.
    #[must_use]
    pub const fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// The event's own time, when it was given.
    #[must_use]
    pub const fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// The event under our own names; `advertiser` counts when it names none.
    #[must_use]
    pub fn hit<'h>(
        &'h self,
        account: AccountId,
        integration: IntegrationId,
        received: Timestamp,
        advertiser: Option<&'h str>,
    ) -> Hit<'h> {
        let mut hit = Hit::new(account, integration, self.event, received);
        hit.time = self.time.unwrap_or(received);
        hit.ip = self.ip;
        for (field, name, text) in &self.fields {
            // Only the user agent says something by being blank.
            if *field == Field::UserAgent || !text.is_empty() {
                mapping::set(&mut hit, *field, name, text);
            }
        }
        for (name, value) in &self.extras {
            mapping::extra(&mut hit, name, value);
        }
        if hit.get(Field::Advertiser).is_none() {
            hit.set(Field::Advertiser, advertiser);
        }
        hit
    }

    /// The caller's own id, given back in the answer: `id`, or the external transaction id.
    #[must_use]
    pub fn caller_id(&self) -> Option<&str> {
        self.id.as_deref().or_else(|| {
            self.fields
                .iter()
                .find(|(f, ..)| *f == Field::ExternalTransactionId)
                .map(|(.., text)| &**text)
        })
    }
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |part: &str| {
        !part.is_empty() && part.len() <= 18 && part.bytes().all(|c| c.is_ascii_digit())
    };
    all(whole) && all(fraction)
}

/// [`decide`] for a native event: a conversion is judged beside the click that it tells of.
pub async fn decide_native<C: CounterStore, R>(
    engine: &Engine<C>,
    outbox: &impl Outbox,
    scratch: &mut Scratch,
    whose: (&AccountPolicy, &IntegrationPolicy),
    hit: Hit<'_>,
    respond: impl FnOnce(&Decision<'_, '_>) -> R,
) -> R {
    if !hit.event.is_conversion() {
        return decide(engine, outbox, scratch, whose, hit, respond).await;
    }
    let tables = engine.intel.tables();
    let click = told_by(&hit, &tables, whose.1.lookback_s());
    let course = Course {
        screening: Screening::ByScope,
        memory: Memory {
            click: click.map(Box::new),
            ..Memory::default()
        },
        place: |_: &Decision<'_, '_>| None,
    };
    decide_as(engine, outbox, scratch, whose, hit, course, respond).await
}

/// The answer of the native doors and of `assay score` (SPEC §2.2).
#[must_use]
pub fn answer_json(decision: &Decision<'_, '_>, id: Option<&str>) -> serde_json::Value {
    let mut answer = assay_model::render::verdict_json(decision.verdict);
    answer["event_id"] = decision.event_id.to_string().into();
    answer["id"] = id.into();
    answer["decision_us"] = decision.decision_us.into();
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::testing::NOW;

    fn hit_of(json: &str, check: impl FnOnce(&Hit<'_>)) {
        let event = NativeEvent::parse(json.as_bytes()).unwrap();
        check(&event.hit(AccountId(1), IntegrationId(2), NOW, Some("adv")));
    }

    #[test]
    fn fields_come_under_our_names() {
        hit_of(
            r#"{"event":"page_view","ip":"8.8.8.8","user_agent":"a\"b","sub_id2":5,"payout":1.5,"colour":{"x":1},
               "client_hints":{"Sec-CH-UA-Platform":"\"Windows\"","mobile":true},"languages":["en","es"],"publisher":"{pub}","offer":null}"#,
            |hit| {
                assert_eq!(hit.event, EventKind::PageView);
                assert_eq!(hit.ip.unwrap().to_string(), "8.8.8.8");
                assert_eq!(hit.get(Field::UserAgent), Some("a\"b"));
                assert_eq!(hit.get(Field::SubId2), Some("5"));
                assert_eq!(hit.get(Field::Payout), Some("1.5"));
                assert_eq!(hit.get(Field::ChPlatform), Some("\"Windows\""));
                assert_eq!(hit.get(Field::ChMobile), Some("?1"));
                assert_eq!(hit.get(Field::Languages), Some("en,es"));
                assert_eq!(hit.get(Field::Publisher), None);
                assert_eq!(hit.unreplaced, [("publisher", "{pub}")]);
                assert_eq!(hit.extras, [("colour", r#"{"x":1}"#)]);
                assert_eq!(hit.get(Field::Advertiser), Some("adv"));
            },
        );
    }

    #[test]
    fn an_object_says_what_a_form_would() {
        let json = r#"{"a":"x\"y","b":12345678901234567890123,"a":"again","c":1.10,"d":true,
            "e":null,"f":["en","es"],"g":{"k":[1]},"h":[1,[2]],"":""}"#;
        let pairs = object_texts(json.as_bytes()).unwrap();
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| (&**n, &**v)).collect();
        assert_eq!(
            pairs,
            [
                ("a", "x\"y"),
                ("b", "12345678901234567890123"),
                ("a", "again"),
                ("c", "1.10"),
                ("d", "true"),
                ("f", "en,es"),
                ("g", r#"{"k":[1]}"#),
                ("h", "[1,[2]]"),
                ("", ""),
            ]
        );
        for wrong in ["", "[1]", "{bad", "3", "{\"a\":1}x"] {
            assert!(object_texts(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn wrong_values_are_refused_by_name() {
        for (json, field) in [
            (r#"{"ip":"8.8.8"}"#, "ip"),
            (r#"{"ip":{"v4":1}}"#, "ip"),
            (r#"{"event":"clicks"}"#, "event"),
            (r#"{"integration_id":"x"}"#, "integration_id"),
            (r#"{"time":"soon"}"#, "time"),
            (r#"{"user_agent":["a"]}"#, "user_agent"),
            (r#"{"client_hints":3}"#, "client_hints"),
            ("[1]", ""),
            ("{", ""),
        ] {
            assert_eq!(
                NativeEvent::parse(json.as_bytes()).unwrap_err().field,
                field,
                "{json}"
            );
        }
        let checked = |json: &'static str| {
            NativeEvent::parse(json.as_bytes())
                .unwrap()
                .check(Times::Free)
        };
        assert_eq!(checked(r#"{"payout":"1,5"}"#).unwrap_err().field, "payout");
        assert_eq!(
            checked(r#"{"click_time":"x"}"#).unwrap_err().field,
            "click_time"
        );
        assert!(checked(r#"{"payout":"-1.50","revenue":2}"#).is_ok());
        assert!(checked(r#"{"payout":"{payout}","revenue":"","click_time":""}"#).is_ok());
        assert!(checked(r#"{"click_time":"2001-01-01"}"#).is_ok());
        let (now, limits) = (NOW, &Limits::default());
        for name in ["time", "click_time", "begin_install_time"] {
            let json = format!(r#"{{"{name}":"2001-01-01"}}"#);
            let event = NativeEvent::parse(json.as_bytes()).unwrap();
            let refused = event.check(Times::Bounded { now, limits }).unwrap_err();
            assert_eq!(refused.field, name);
        }
    }

    #[test]
    fn a_blank_user_agent_is_blank_and_not_absent() {
        hit_of(r#"{"user_agent":"","publisher":""}"#, |hit| {
            assert_eq!(hit.get(Field::UserAgent), Some(""));
            assert_eq!(hit.get(Field::Publisher), None);
        });
    }
}
