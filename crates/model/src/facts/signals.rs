//! What the browser collector saw, read from the event's `signals`.
//!
//! The text comes from the visitor's own browser, so it may say anything: a value of
//! another type, or too long, is taken as not given. It can accuse, never acquit.

use serde::Deserialize;

use crate::hit::{Field, Hit};

/// Longest `signals` text that is read, in bytes.
pub const SIGNALS_BYTES_MAX: usize = 8 * 1024;

/// Signals of a browser; absent = unknown.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SignalFacts {
    /// `navigator.webdriver`.
    pub webdriver: Option<bool>,
    /// Marks that driving tools leave, by name.
    pub marks: Vec<String>,
    /// `navigator.userAgent`, as scripts see it.
    pub user_agent: Option<String>,
    /// `navigator.platform`.
    pub platform: Option<String>,
    /// Platform as the client hints name it.
    pub hint_platform: Option<String>,
    /// `navigator.languages`.
    pub languages: Vec<String>,
    /// Name of the time zone.
    pub time_zone: Option<String>,
    /// Minutes ahead of UTC, now.
    pub offset_min: Option<i32>,
    /// Name of the graphics renderer.
    pub renderer: Option<String>,
    /// Points of touch at once.
    pub touch_points: Option<u32>,
    /// Id that the browser keeps for itself.
    pub uuid: Option<String>,
    /// Print of what stays the same between visits.
    pub fingerprint: Option<String>,
}

/// Longest text and list that is kept of one signal.
const TEXT_MAX: usize = 512;
const LIST_MAX: usize = 32;

impl SignalFacts {
    /// The signals of an event; most have none.
    #[must_use]
    pub fn of(hit: &Hit<'_>) -> Option<Box<Self>> {
        Self::read(hit.get(Field::Signals)?).map(Box::new)
    }

    /// Reads the text of an event's `signals`; `None` when it is no JSON object.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.len() > SIGNALS_BYTES_MAX {
            return None;
        }
        let mut map: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(text).ok()?;
        Some(Self {
            webdriver: take(&mut map, "webdriver"),
            marks: texts(&mut map, "marks"),
            user_agent: text_of(&mut map, "user_agent"),
            platform: text_of(&mut map, "platform"),
            hint_platform: text_of(&mut map, "hint_platform"),
            languages: texts(&mut map, "languages"),
            time_zone: text_of(&mut map, "time_zone"),
            offset_min: take(&mut map, "offset_min"),
            renderer: text_of(&mut map, "renderer"),
            touch_points: take(&mut map, "touch_points"),
            uuid: text_of(&mut map, "uuid"),
            fingerprint: text_of(&mut map, "fingerprint"),
        })
    }
}

type Map = serde_json::Map<String, serde_json::Value>;

fn take<T: for<'de> Deserialize<'de>>(map: &mut Map, name: &str) -> Option<T> {
    serde_json::from_value(map.remove(name)?).ok()
}

fn text_of(map: &mut Map, name: &str) -> Option<String> {
    take::<String>(map, name).filter(|text| !text.is_empty() && text.len() <= TEXT_MAX)
}

fn texts(map: &mut Map, name: &str) -> Vec<String> {
    let mut all: Vec<String> = take(map, name).unwrap_or_default();
    all.retain(|text| text.len() <= TEXT_MAX);
    all.truncate(LIST_MAX);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_another_type_is_not_given() {
        let read = SignalFacts::read(
            r#"{"webdriver":"yes","marks":["cdc",7],"offset_min":-300,"touch_points":-1,"new":{}}"#,
        )
        .unwrap();
        let expected = SignalFacts {
            offset_min: Some(-300),
            ..SignalFacts::default()
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn texts_and_lists_are_bounded() {
        let long = "x".repeat(TEXT_MAX + 1);
        let many = vec!["a"; 100];
        let text = serde_json::json!({"platform": long, "marks": many}).to_string();
        let read = SignalFacts::read(&text).unwrap();
        assert_eq!((read.platform, read.marks.len()), (None, LIST_MAX));
        let over = format!("{{\"platform\":\"{}\"}}", "x".repeat(SIGNALS_BYTES_MAX));
        assert_eq!(SignalFacts::read(&over), None);
        assert_eq!(SignalFacts::read("[1]"), None);
    }
}
