//! The status is the fold of the entries, and sums are exact.

use proptest::prelude::*;

use super::*;
use crate::reason::Reason;
use crate::testing::NOW;

fn first(status: Status, waiting: Option<Waiting>) -> Entry {
    Entry {
        seq: 1,
        at: NOW,
        actor: "engine".to_owned(),
        from: None,
        to: status,
        reason: Reason::Clean,
        reasons: vec![Reason::Clean],
        note: String::new(),
        waiting,
    }
}

fn wish(to: Status, reason: Reason) -> Change {
    Change {
        actor: "user:3".to_owned(),
        at: NOW.plus_ms(1000),
        to,
        reason,
        reasons: Vec::new(),
        note: String::new(),
        waiting: None,
        guard: Guard::Any,
    }
}

fn wishes() -> impl Strategy<Value = Vec<super::Change>> {
    let reasons = vec![
        Reason::Clean,
        Reason::Vpn,
        Reason::ManualRejected,
        Reason::ManualApproved,
        Reason::ThirdPartyRejected,
    ];
    let guards = vec![Guard::Any, Guard::OtherStatus, Guard::Undecided];
    let one = (
        proptest::sample::select(&Status::ALL[..]),
        proptest::sample::select(reasons),
        proptest::sample::select(vec!["", "late", "low quality"]),
        proptest::option::of(proptest::sample::select(&Waiting::ALL[..])),
        proptest::sample::select(guards),
    )
        .prop_map(|(to, reason, note, waiting, guard)| Change {
            note: note.to_owned(),
            waiting,
            guard,
            ..wish(to, reason)
        });
    proptest::collection::vec(one, 0..40)
}

proptest! {
    #[test]
    fn any_sequence_of_changes_folds_to_the_state_it_made(
        start in proptest::sample::select(&Status::ALL[..]),
        wishes in wishes(),
    ) {
        let mut entries = vec![first(start, None)];
        let mut state = State::first(&entries[0]);
        for wish in &wishes {
            let before = state.clone();
            match state.change(wish) {
                Ok(Some(entry)) => {
                    prop_assert_eq!(entry.from, Some(before.status));
                    prop_assert_eq!(entry.seq, before.version + 1);
                    prop_assert!(entry.to.is_decided() || !before.status.is_decided());
                    entries.push(entry);
                }
                // What was refused or asks for nothing new leaves no trace.
                Ok(None) | Err(_) => prop_assert_eq!(&state, &before),
            }
        }
        prop_assert_eq!(State::fold(&entries), Some(state));
        prop_assert_eq!(entries.len(), State::fold(&entries).map_or(0, |s| s.version as usize));
    }

    #[test]
    fn amounts_add_up_to_the_last_digit(parts in proptest::collection::vec(
        (any::<bool>(), 0_i64..1_000_000_000_000, 0_i64..1_000_000), 1..200,
    )) {
        let mut sum = Money::default();
        let mut naive = 0_i128;
        for (negative, whole, micros) in parts {
            let sign = if negative { "-" } else { "" };
            let text = format!("{sign}{whole}.{micros:06}");
            let amount = Amount::parse(&text).map_err(|e| TestCaseError::fail(e.to_string()))?;
            prop_assert_eq!(amount.text(), text.as_str());
            sum += Money(amount.micros().into());
            let value = i128::from(whole) * 1_000_000 + i128::from(micros);
            naive += if negative { -value } else { value };
        }
        prop_assert_eq!(sum, Money(naive));
        // The printed sum, with its digits put back, is the number again.
        let printed = sum.to_string();
        let (whole, fraction) = printed.split_once('.').unwrap_or((&printed, ""));
        let again: i128 = format!("{whole}{fraction:0<6}").parse().unwrap();
        prop_assert_eq!(again, naive);
    }

    #[test]
    fn no_text_breaks_the_reading_of_an_amount(text in "[-+0-9.,e $]{0,40}") {
        let _ = Amount::parse(&text);
    }
}

#[test]
fn an_amount_is_a_decimal_number_and_nothing_else() {
    for (text, micros) in [
        ("0", 0),
        ("12.50", 12_500_000),
        (" 3 ", 3_000_000),
        (".5", 500_000),
        ("5.", 5_000_000),
        ("-0.25", -250_000),
        ("+1", 1_000_000),
        ("007.1", 7_100_000),
        // What a tracker that adds floating point numbers sends.
        ("0.30000000000000004", 300_000),
        ("0.29999999999999999", 300_000),
        ("0.0000005", 1),
        ("0.00000049", 0),
        ("999999999999.999999", 999_999_999_999_999_999),
    ] {
        let amount = Amount::parse(text).unwrap();
        assert_eq!(amount.micros(), micros, "{text}");
        assert_eq!(amount.text(), text.trim());
    }
    for text in [
        "", " ", ".", "-", "1,50", "1.2.3", "1e3", "$1", "1 USD", "NaN", "inf", "0x1", "١", "--1",
        "1_000",
    ] {
        assert_eq!(Amount::parse(text), Err(AmountError::Malformed), "{text}");
    }
    let long = format!("0.{}", "1".repeat(80));
    assert_eq!(Amount::parse(&long), Err(AmountError::Malformed));
    assert_eq!(Amount::parse("1000000000000"), Err(AmountError::TooLarge));
}

#[test]
fn money_prints_without_trailing_zeros() {
    for (micros, text) in [
        (0, "0"),
        (1, "0.000001"),
        (-1_500_000, "-1.5"),
        (-1, "-0.000001"),
        (12_000_000, "12"),
    ] {
        assert_eq!(Money(micros).to_string(), text);
    }
}

#[test]
fn a_decided_conversion_does_not_wait_again() {
    let mut state = State::first(&first(Status::Approved, None));
    let refused = state.change(&wish(Status::Pending, Reason::NoClick));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "a conversion that is approved cannot become pending again"
    );
}

#[test]
fn what_the_engine_found_stays_beside_what_a_person_says() {
    let mut state = State::first(&Entry {
        reason: Reason::Vpn,
        reasons: vec![Reason::Vpn, Reason::GeoMismatch],
        ..first(Status::Rejected, None)
    });
    let approve = wish(Status::Approved, Reason::ManualApproved);
    state.change(&approve).unwrap();
    assert_eq!(
        state.reasons,
        [Reason::ManualApproved, Reason::Vpn, Reason::GeoMismatch]
    );
    // Said again it is no change; another person's word replaces it and does not pile up.
    assert_eq!(state.change(&approve), Ok(None));
    let reject = wish(Status::Rejected, Reason::ManualRejected);
    state.change(&reject).unwrap();
    assert_eq!(
        state.reasons,
        [Reason::ManualRejected, Reason::Vpn, Reason::GeoMismatch]
    );
}

#[test]
fn guards_keep_what_should_stay() {
    let mut state = State::first(&first(Status::Pending, Some(Waiting::Click)));
    let reject = wish(Status::Rejected, Reason::ManualRejected);
    assert!(state.change(&reject).unwrap().is_some());
    let settle = Change {
        guard: Guard::Undecided,
        ..wish(Status::Approved, Reason::Clean)
    };
    assert_eq!(state.change(&settle), Ok(None), "a person has decided");
    let again = Change {
        guard: Guard::OtherStatus,
        note: "once more".to_owned(),
        ..reject.clone()
    };
    assert_eq!(state.change(&again), Ok(None), "the same status again");
    let reworded = Change {
        guard: Guard::Any,
        ..again
    };
    assert!(state.change(&reworded).unwrap().is_some());
    assert_eq!((state.note.as_str(), state.waiting), ("once more", None));
}

#[test]
fn keys_tell_parts_apart() {
    let key = |parts: &[&str]| IdempotencyKey::of(parts.iter().map(|part| part.as_bytes()));
    assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
    assert_ne!(key(&["a", ""]), key(&["a"]));
    assert_eq!(key(&["a", "b"]), key(&["a", "b"]));
}
