use std::sync::Arc;

use proptest::prelude::*;
use smallvec::smallvec;

use super::*;
use crate::click::{ClickDevice, ClickMatch, ClickSearch, MatchedBy};
use crate::facts::{
    Basis, Country, IpFacts, IpMark, MarkKind, NetworkClass, UaFacts, UaKind, UaMark,
};
use crate::hit::Field;
use crate::reason::{Class, Reason, Risk};
use crate::recall::{Degraded, Passed, Reading};
use crate::reputation::{KeyKind, Learned, Reputed, Use};
use crate::sources::Standing;
use crate::testing::{NOW, facts_of};
use crate::verdict::{Action, Check, Effect, Finding, Missing, RuleRef, Value};

fn sample() -> EventRecord<'static> {
    let mut facts = facts_of(|hit| {
        hit.ip = "3.5.140.2".parse().ok();
        hit.set(Field::UserAgent, Some("curl/8.1"));
        hit.set(Field::Publisher, Some("p1"));
        hit.set(Field::Url, Some("https://shop.example/ü"));
        hit.extras.push(("utm", "x"));
        hit.unreplaced.push(("s3", "S3MACRO"));
    });
    let mut ip = IpFacts::unknown("3.5.140.2".parse().unwrap());
    ip.country = Country::parse("KR");
    ip.asn = Some(16509);
    ip.operator = Some("Amazon.com, Inc.");
    ip.class = NetworkClass::Hosting;
    ip.marks.push(IpMark {
        kind: MarkKind::Hosting,
        basis: Basis::Range,
        weak: false,
        label: "amazon",
        list: "builtin@1",
    });
    facts.ip = Some(ip);
    let mut ua = UaFacts::bare(UaKind::Library);
    ua.mark = Some(UaMark {
        rule: "library".into(),
        token: "curl/".into(),
        name: "curl".into(),
    });
    facts.ua = Some(Arc::new(ua));
    let mut flooding = Finding::new(Reason::ClickFlooding)
        .with("count", 501u32)
        .over(500u32)
        .within(3600);
    flooding.effect = Effect::Flag;
    let verdict = Verdict {
        risk: Risk::High,
        points: 92,
        class: Class::Givt,
        reason: Reason::NonBrowserUa,
        findings: vec![
            Finding::new(Reason::NonBrowserUa).with("token", "curl/"),
            flooding,
        ],
        action: Action::Rejected,
        rule: RuleRef { id: 3, version: 9 },
        weighing: crate::verdict::Weighing::default(),
        degraded: Some(Degraded::Warming),
        checks: smallvec![
            Check::Clean,
            Check::Flagged,
            Check::Skipped(Missing::DeviceId)
        ],
    };
    let reading = Reading {
        count: 501,
        span_s: 3601,
        gap_ms: Some(0),
    };
    EventRecord {
        event_id: crate::EventId::new(NOW, 1, 0, 1),
        facts,
        recall: Recall {
            readings: smallvec![Some(reading), None],
            degraded: Some(Degraded::Warming),
            ..Recall::default()
        },
        verdict,
        destination: Some("https://shop.example/"),
        detect_revision: 1,
        decision_us: 7,
    }
}

fn sample_with_click() -> EventRecord<'static> {
    let mut record = sample();
    record.facts.hit.event = crate::EventKind::Conversion;
    let mut click = ClickMatch::unknown(MatchedBy::OwnId, 30 * 86_400);
    click.event_id = Some(crate::EventId::new(NOW, 1, 0, 0));
    click.time = Some(NOW.plus_ms(-61_000));
    click.ip = "2606:4700::1".parse().ok();
    click.country = Country::parse("DE");
    click.city = "Köln".into();
    click.displaced = true;
    click.devices.push(ClickDevice {
        field: Field::Gaid,
        id: "aebe52e7-03ee-455a-b3c4-e57283966239".into(),
    });
    click.browser = "Chrome".into();
    click.os = "Android".into();
    click.action = Some(Action::Monitored);
    click.risk = Risk::Medium;
    click.reason = Reason::Vpn;
    record.recall.search = ClickSearch::Found;
    record.recall.click = Some(Box::new(click));
    record.recall.again = Some(crate::EventId::new(NOW, 1, 0, 7));
    record.recall.uncounted = true;
    record
}

fn sample_with_source() -> EventRecord<'static> {
    let mut record = sample_with_click();
    let standing = Standing {
        reason: Reason::CtitTooShort,
        observed: vec![
            (0, Value::Float(31.5)),
            (1, Value::Int(-1)),
            (2, Value::Text("p1/sub".into())),
        ],
        threshold: Value::Int(20),
        window_s: 86_400,
        n: 1_204,
        since: NOW.plus_ms(-120_000),
        as_of: NOW.plus_ms(-61_000),
    };
    record.recall.snapshot = 300;
    record.recall.standings = vec![(2, Arc::new(standing))];
    let learned = |log_odds| Learned {
        log_odds,
        variance: 0.25,
        n: 18.5,
    };
    record.recall.reputation = Some(Box::new(Reputed {
        as_of: NOW,
        base: -2.5,
        settings: Use {
            margin: 0.7,
            blocks: true,
        },
        keys: smallvec![
            (KeyKind::Publisher, learned(1.5)),
            (KeyKind::Network, learned(-0.5))
        ],
    }));
    record
}

fn sample_with_path() -> EventRecord<'static> {
    let mut record = sample_with_source();
    let mut capped = Finding::new(Reason::CapClick)
        .with("count", 11u32)
        .with("period", "day")
        .over(10u32);
    capped.effect = Effect::Offer;
    capped.list = "offer o2@7".into();
    record.verdict.findings.push(capped.clone());
    record.recall.limits = vec![capped];
    let passed = |offer: &str, reason| Passed {
        offer: offer.into(),
        reason,
        rule: RuleRef {
            id: 3,
            version: 300,
        },
    };
    record.recall.passed = vec![
        passed("o1", Reason::GeoTarget),
        passed("", Reason::NonBrowserUa),
    ];
    record
}

#[test]
fn a_record_reads_back_as_written() {
    let record = sample_with_path();
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    assert_eq!(EventRecord::decode(&bytes).unwrap(), record);
    assert_eq!(peek_event_id(&bytes).unwrap(), record.event_id);
}

#[test]
fn version_1_stays_readable() {
    // Bytes of a record as version 1 writes them; a change here breaks stored events.
    let golden = include_bytes!("golden_v1.bin");
    assert_eq!(EventRecord::decode(golden).unwrap(), sample());
}

#[test]
fn version_2_stays_readable() {
    let golden = include_bytes!("golden_v2.bin");
    assert_eq!(EventRecord::decode(golden).unwrap(), sample_with_click());
}

#[test]
fn version_3_stays_readable() {
    let golden = include_bytes!("golden_v3.bin");
    assert_eq!(EventRecord::decode(golden).unwrap(), sample_with_source());
}

#[test]
fn version_4_stays_readable() {
    let golden = include_bytes!("golden_v4.bin");
    let mut bytes = Vec::new();
    sample_with_path().encode(&mut bytes);
    assert_eq!(bytes, golden, "the bytes changed without a new version");
    assert_eq!(EventRecord::decode(golden).unwrap(), sample_with_path());
}

#[test]
fn an_account_without_a_snapshot_pays_one_byte() {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    sample().encode(&mut without);
    let mut record = sample();
    record.recall.snapshot = 1;
    record.encode(&mut with);
    assert_eq!(with.len(), without.len() + 1);
}

#[test]
fn a_click_of_which_little_is_known_reads_back() {
    let mut record = sample();
    for by in [MatchedBy::Given, MatchedBy::Sealed] {
        record.recall.click = Some(Box::new(ClickMatch::unknown(by, 86_400)));
        record.recall.search = ClickSearch::NotMade;
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        assert_eq!(EventRecord::decode(&bytes).unwrap(), record);
    }
}

#[test]
fn a_cut_record_is_an_error_at_every_length() {
    let mut bytes = Vec::new();
    sample_with_path().encode(&mut bytes);
    for len in 0..bytes.len() {
        assert!(
            EventRecord::decode(&bytes[..len]).is_err(),
            "{len} bytes of {}",
            bytes.len()
        );
    }
}

#[test]
fn a_newer_version_says_so() {
    let mut bytes = Vec::new();
    sample().encode(&mut bytes);
    bytes[0] = VERSION + 1;
    assert_eq!(
        EventRecord::decode(&bytes),
        Err(CodecError::Version(VERSION + 1))
    );
}

proptest! {
    #[test]
    fn damaged_bytes_never_panic(at in 0usize..600, byte: u8, noise in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = Vec::new();
        sample_with_path().encode(&mut bytes);
        let place = at % bytes.len();
        bytes[place] = byte;
        let _ = EventRecord::decode(&bytes);
        let _ = EventRecord::decode(&noise);
    }
}

#[test]
fn the_start_says_what_the_whole_does() {
    let mut bytes = Vec::new();
    let mut record = sample();
    let external = Field::ExternalTransactionId;
    record.facts.hit.set(external, Some("tx-1"));
    record.encode(&mut bytes);
    let hit = &record.facts.hit;
    let expected = Frame {
        event_id: record.event_id,
        account: hit.account,
        integration: hit.integration,
        event: hit.event,
        received: hit.received,
        time: hit.time,
    };
    assert_eq!(peek_frame(&bytes), Ok(expected));
    assert_eq!(peek_external_id(&bytes), Ok((expected, "tx-1")));
    record.facts.hit.set(external, None);
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    assert_eq!(peek_external_id(&bytes), Ok((expected, "")));
    assert!(peek_frame(&bytes[..14]).is_err());
}
