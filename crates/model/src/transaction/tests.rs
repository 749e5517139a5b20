//! Golden ids, and that any change of one is told.

use proptest::prelude::*;

use super::*;
use crate::facts::Country;
use crate::reason::Risk;
use crate::verdict::Action;
use crate::{EventId, IntegrationId, Timestamp};

const DAY: i64 = 86_400_000;
const NOW: Timestamp = Timestamp(1_767_225_600_000);

fn key(id: u8, made: Timestamp) -> Key {
    let mut secret = [id; 32];
    for (at, byte) in secret.iter_mut().enumerate() {
        *byte = byte.wrapping_add(at as u8);
    }
    Key { id, made, secret }
}

fn ring(keys: Vec<Key>) -> KeyRing {
    KeyRing::new(keys).unwrap()
}

fn click() -> Content {
    Content {
        event_id: EventId::new(Timestamp(1_763_826_000_123), 3, 5, 77),
        integration: IntegrationId(10_042),
        impression: false,
        action: Action::Rejected,
        risk: Risk::Medium,
        country: Country::parse("DE"),
        address: Some(print_of_address("203.0.113.9".parse().unwrap())),
        device: Some(DevicePrint::Id(print_of(
            b"AEBE52E7-03EE-455A-B3C4-E57283966239",
        ))),
    }
}

/// Ids that were given away must open for as long as their look-back lasts, so these texts
/// never change.
#[test]
fn ids_of_earlier_builds_still_open() {
    let ring = ring(vec![key(0, NOW), key(7, NOW)]);
    let mut bare = click();
    bare.country = None;
    bare.address = None;
    bare.device = None;
    bare.impression = true;
    let mut agent = click();
    agent.device = Some(DevicePrint::UserAgent(print_of(b"Mozilla/5.0")));
    agent.action = Action::Approved;
    agent.risk = Risk::Clean;
    for (content, golden) in [
        (
            click(),
            "aai43tvl23ca23sob7yjyijfmz53ydwbxvno7cimz6qrukgayzu22r5pbdq3a",
        ),
        (
            bare,
            "acms7f77g43vsxkckg6iqzju4xdgxkouq4brbo5byqnrptlt6hpjjwc3ia42e",
        ),
        (
            agent,
            "acyvghczknrp5qftfytqmcadd2yzxzrzxlztr7hf332myuex7f4hycoblaeya",
        ),
    ] {
        assert_eq!(ring.seal(&content, NOW).unwrap(), golden);
        assert_eq!(ring.open(golden), Ok(content));
        assert_eq!(ring.open(&golden.to_uppercase()), Ok(content));
    }
    assert_eq!(print_of(b"").get(), 0xf011);
}

#[test]
fn what_never_was_an_id_is_forged() {
    let ring = ring(vec![key(7, NOW)]);
    let id = ring.seal(&click(), NOW).unwrap();
    let other = self::ring(vec![key(8, NOW)]);
    for text in [
        "",
        "01HVMM5SAS879C0AQZ295VEVN9",
        &id[1..],
        &format!("{id}a"),
        &id.replacen(&id[5..6], "1", 1),
        &format!("{}ä", &id[..59]),
        &other.seal(&click(), NOW).unwrap(),
    ] {
        assert_eq!(ring.open(text), Err(Refusal::Forged), "{text}");
    }
}

#[test]
fn an_id_of_another_key_under_our_key_id_is_altered() {
    let stolen_id = ring(vec![Key {
        secret: [9; 32],
        ..key(7, NOW)
    }]);
    let id = stolen_id.seal(&click(), NOW).unwrap();
    assert_eq!(
        ring(vec![key(7, NOW)]).open(&id),
        Err(Refusal::Altered),
        "{id}"
    );
}

#[test]
fn a_new_key_travels_a_day_before_it_seals() {
    let first = ring(vec![key(254, NOW)]);
    assert_eq!(first.current(NOW).id, 254, "the only key seals at once");
    let both = first.rotated(NOW.plus_ms(10 * DAY), [1; 32]).unwrap();
    let both = both.rotated(NOW.plus_ms(20 * DAY), [2; 32]).unwrap();
    let ids: Vec<u8> = both.keys().iter().map(|key| key.id).collect();
    assert_eq!(ids, [254, 255, 0]);
    let at = |days: i64, ms: i64| both.current(NOW.plus_ms(days * DAY + ms)).id;
    assert_eq!((at(11, -1), at(11, 0)), (254, 255));
    assert_eq!((at(21, -1), at(21, 0)), (255, 0));
    let old = first.seal(&click(), NOW).unwrap();
    assert_eq!(both.open(&old), Ok(click()), "old ids still open");
}

#[test]
fn a_key_goes_when_no_id_of_it_can_live() {
    let ring = ring(vec![
        key(1, NOW),
        key(2, NOW.plus_ms(10 * DAY)),
        key(3, NOW.plus_ms(20 * DAY)),
    ]);
    let ids = |days: i64| -> Vec<u8> {
        let left = ring.without_expired(NOW.plus_ms(days * DAY), 90 * DAY);
        left.keys().iter().map(|key| key.id).collect()
    };
    assert_eq!(ids(101), [1, 2, 3]);
    assert_eq!(ids(102), [2, 3]);
    assert_eq!(ids(1000), [3]);
}

#[test]
fn a_ring_needs_a_key_and_tells_keys_apart() {
    assert!(KeyRing::new(vec![]).is_none());
    assert!(KeyRing::new(vec![key(1, NOW), key(1, NOW.plus_ms(1))]).is_none());
}

#[test]
fn a_key_is_stored_as_text_and_never_shown() {
    let json = serde_json::to_string(&key(7, NOW)).unwrap();
    assert_eq!(serde_json::from_str::<Key>(&json).unwrap(), key(7, NOW));
    assert!(!format!("{:?}", key(7, NOW)).contains("secret"));
    for wrong in ["", "zz", &"ä".repeat(32), &"g".repeat(64)] {
        let json = serde_json::json!({"id": 1, "made": NOW, "secret": wrong});
        assert!(serde_json::from_value::<Key>(json).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn any_content_comes_back(
        event in any::<[u8; 10]>(), integration in any::<u32>(), impression in any::<bool>(),
        action in 0..4usize, risk in 0..4u8, country in "([A-Z]{2})?",
        address in any::<u16>(), device in any::<u16>(), by_agent in any::<bool>(),
    ) {
        let device = std::num::NonZeroU16::new(device);
        let content = Content {
            event_id: EventId(event),
            integration: IntegrationId(integration),
            impression,
            action: Action::ALL[action],
            risk: Risk::from_code(risk).unwrap(),
            country: Country::parse(&country),
            address: std::num::NonZeroU16::new(address),
            device: device.map(|print| if by_agent { DevicePrint::UserAgent(print) } else { DevicePrint::Id(print) }),
        };
        let ring = ring(vec![key(7, NOW)]);
        let id = ring.seal(&content, NOW).unwrap();
        prop_assert_eq!(id.len(), LENGTH);
        prop_assert!(id.bytes().all(|c| c.is_ascii_lowercase() || (b'2'..=b'7').contains(&c)));
        prop_assert_eq!(ring.open(&id), Ok(content));
    }

    #[test]
    fn any_altered_character_is_told(at in 0..LENGTH, symbol in "[a-z2-7]") {
        let ring = ring(vec![key(7, NOW), key(8, NOW)]);
        let id = ring.seal(&click(), NOW).unwrap();
        let mut altered = id.clone();
        altered.replace_range(at..=at, &symbol);
        if altered != id {
            prop_assert!(ring.open(&altered).is_err());
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC{0,70}") {
        prop_assert!(ring(vec![key(7, NOW)]).open(&text).is_err());
    }
}
