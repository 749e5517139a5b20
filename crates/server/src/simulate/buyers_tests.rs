use std::collections::BTreeMap;

use assay_model::hit::EventKind;
use assay_model::{Reason, Timestamp};

use super::*;

const START: Timestamp = Timestamp(1_795_370_400_000);

fn events(seed: u64, share: f64) -> Vec<Labelled> {
    let options = Options {
        events: Some(10_000),
        ..Options::new(seed, START, 50.0)
    };
    WithConversions::new(Simulator::new(options), Buyers::new(seed, share)).collect()
}

fn is_sale(event: &Labelled) -> bool {
    event.event.event.is_conversion()
}

#[test]
fn conversions_come_in_order_beside_the_same_traffic() {
    let lines = |seed| -> Vec<String> {
        let lines = events(seed, 0.1).into_iter();
        lines
            .map(|e| e.event.native_json(None).to_string())
            .collect()
    };
    assert_eq!(lines(3), lines(3));
    assert_ne!(lines(3), lines(4));
    let all = events(3, 0.1);
    assert!(all.is_sorted_by_key(|event| event.at));
    let sales = all.iter().filter(|event| is_sale(event)).count();
    assert_eq!(all.len() - sales, 10_000);
    assert!((400..900).contains(&sales), "{sales}");
    assert!(
        !events(3, 0.0).iter().any(is_sale),
        "none when none is asked"
    );
}

#[test]
fn each_conversion_follows_its_click_and_frauds_are_labelled() {
    let all = events(5, 0.1);
    let clicks: BTreeMap<_, _> = all
        .iter()
        .filter(|event| event.event.event == EventKind::Click)
        .map(|click| (click.event.external_transaction_id.clone(), click.at))
        .collect();
    let mut unknown = 0;
    for sale in all.iter().filter(|event| is_sale(event)) {
        let bought = sale.event.bought.as_ref().unwrap();
        match clicks.get(&sale.event.external_transaction_id) {
            Some(click) => assert_eq!(*click, bought.click_time),
            None => unknown += 1,
        }
        let ctit_s = sale.at.ms_since(bought.click_time) / 1000;
        let expects = |reason| sale.expected.contains(&reason);
        assert_eq!(ctit_s < 10, expects(Reason::CtitTooShort), "{sale:?}");
        let early = bought
            .begin_install_time
            .is_some_and(|at| at < bought.click_time);
        assert_eq!(early, expects(Reason::ClickInjection), "{sale:?}");
        let named = bought.event_name.is_some();
        assert_eq!(named, sale.event.event == EventKind::PostEvent);
    }
    assert!(unknown > 0, "some name a click nobody knows");
}

#[test]
fn a_deck_holds_every_fate() {
    let options = Options::new(1, START, 50.0);
    let mut buyers = Buyers::new(1, 1.0);
    let mut fates = Vec::new();
    let app_clicks = Simulator::new(options).filter(|e| e.event.bundle_id.is_some());
    for mut click in app_clicks.take(200) {
        fates.extend(buyers.after(&mut click).map(|sequel| sequel.fate));
    }
    fates.retain(|fate| *fate != Fate::Claimed);
    for fate in [
        Fate::ToldTwice,
        Fate::TwoOrders,
        Fate::Returned,
        Fate::Reinstated,
    ] {
        assert!(fates[..14].contains(&fate), "{fate:?} of {fates:?}");
    }
    for fate in [
        Fate::NoClick,
        Fate::ClickLater,
        Fate::Instant,
        Fate::Injected,
    ] {
        assert!(fates[..14].contains(&fate), "{fate:?} of {fates:?}");
    }
}

#[test]
fn links_and_postbacks_carry_what_their_doors_read() {
    let all = events(7, 0.1);
    let sale = all.iter().find(|event| is_sale(event)).unwrap();
    let told = sale.event.postback_query(3, None, sale.at);
    assert!(
        told.starts_with("/postback/3?external_transaction_id="),
        "{told}"
    );
    assert!(
        told.contains("&payout=") || told.contains("&event="),
        "{told}"
    );
    let own = sale.event.postback_query(3, Some("abc"), sale.at);
    assert!(own.starts_with("/postback/3?transaction_id=abc&"), "{own}");
    let click = &all[0].event;
    let link = click.link(3);
    assert!(
        !link.contains("click_ip") && link.contains("&campaign="),
        "{link}"
    );
    let back = click.rejection_query(3, Some("a b"));
    assert!(back.ends_with("&new_rejected_reason=a%20b"), "{back}");
}
