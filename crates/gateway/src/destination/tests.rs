//! Where clicks go, and that no visitor chooses it.

use std::net::IpAddr;

use assay_model::document::NamedUrl;
use assay_model::hit::Hit;
use assay_model::testing::{NOW, facts_of};
use proptest::prelude::*;

use super::*;

fn clicks(change: impl FnOnce(&mut Clicks)) -> ClickPolicy {
    let mut clicks = Clicks {
        allowed_hosts: vec!["Shop.example".into(), "other.example:8443".into()],
        ..Clicks::default()
    };
    change(&mut clicks);
    ClickPolicy::new(&clicks, IntegrationKind::Custom)
}

fn place_of<'a>(
    policy: &ClickPolicy,
    action: Action,
    link: PerLink<'_>,
    change: impl FnOnce(&mut Hit<'a>),
) -> Place {
    let facts = facts_of(change);
    let values = Filling {
        facts: &facts,
        event_id: Some(EventId::new(NOW, 0, 0, 7)),
        transaction_id: "tid",
        renames: &policy.renames,
    };
    policy.place(action, (link, Offered::default()), &values)
}

fn url_of<'a>(policy: &ClickPolicy, change: impl FnOnce(&mut Hit<'a>)) -> String {
    let place = place_of(policy, Action::Approved, PerLink::default(), change);
    place.url().unwrap().to_owned()
}

#[test]
fn macros_name_fields_mapped_names_and_what_is_known() {
    let policy = clicks(|clicks| {
        clicks.approved_url = Some(
            "https://shop.example/{offer}?c={campaign}&t={transaction_id}&s={sub_id2}&ip={click_ip}\
             &at={click_time}&u={unix_time}&d={date_time}&i={integration_id}&x={colour}&v={fs_product_id}{http_remote_address}&r={reason}{status}{risk}"
                .into(),
        );
        clicks.params = [("offer".to_owned(), "campaign".to_owned())].into();
    });
    let url = url_of(&policy, |hit| {
        hit.time = assay_model::Timestamp(1_767_323_045_999);
        hit.ip = Some(IpAddr::from([203, 0, 113, 9]));
        hit.set(Field::Offer, Some("o/1"));
        hit.set(Field::SubId2, Some("s 2"));
        hit.extras.push(("colour", "blue"));
    });
    let integration = facts_of(|_| {}).hit.integration;
    assert_eq!(
        url,
        format!(
            "https://shop.example/o%2F1?c=o%2F1&t=tid&s=s%202&ip=203.0.113.9\
             &at=2026-01-02%2003%3A04%3A05&u=1767323045&d=2026-01-02%2003%3A04%3A05&i={integration}&x=blue&v=o%2F1203.0.113.9&r="
        )
    );
}

#[test]
fn a_random_number_differs_and_one_that_was_sent_is_kept() {
    let policy = clicks(|clicks| clicks.approved_url = Some("https://x.example/{random}".into()));
    let facts = facts_of(|_| {});
    let of = |sequence| {
        let values = Filling {
            facts: &facts,
            event_id: Some(EventId::new(NOW, 0, 0, sequence)),
            transaction_id: "",
            renames: &policy.renames,
        };
        policy.place(Action::Approved, Default::default(), &values)
    };
    assert_ne!(of(1), of(2));
    let sent = |value| url_of(&policy, |hit| hit.extras.push(("random", value)));
    assert_eq!(sent("17"), "https://x.example/17");
    assert_ne!(sent("{random}"), "https://x.example/%7Brandom%7D");
}

#[test]
fn chosen_parameters_and_extras_are_added_where_they_have_a_value() {
    let policy = clicks(|clicks| {
        clicks.approved_url = Some("https://shop.example/?a=1#f".into());
        clicks.fallback_url = Some("https://fall.example/".into());
        clicks.append = vec!["offer".into(), "publisher".into(), "transaction_id".into()];
        clicks.pass_extra = true;
    });
    let fill = |hit: &mut Hit<'_>| {
        hit.set(Field::Offer, Some("1&2"));
        hit.extras.push(("utm_source", "a b"));
    };
    assert_eq!(
        url_of(&policy, fill),
        "https://shop.example/?a=1&offer=1%262&transaction_id=tid&utm_source=a%20b#f"
    );
    let rejected = place_of(&policy, Action::Rejected, PerLink::default(), fill);
    assert_eq!(rejected.url(), Some("https://fall.example/"));
    let long = "x".repeat(EXTRA_BYTES);
    let url = url_of(&policy, |hit| {
        hit.extras.push(("a", "1"));
        hit.extras.push(("b", long.as_str()));
    });
    assert_eq!(url, "https://shop.example/?a=1&transaction_id=tid&a=1#f");
}

#[test]
fn a_rejected_click_goes_as_the_integration_says() {
    let link = PerLink {
        fallback_url: Some("https://shop.example/no?{offer}"),
        ..PerLink::default()
    };
    let of = |on_reject, fallback: Option<&str>, link| {
        let policy = clicks(|clicks| {
            clicks.approved_url = Some("https://yes.example/".into());
            clicks.fallback_url = fallback.map(str::to_owned);
            clicks.on_reject = on_reject;
        });
        place_of(&policy, Action::Rejected, link, |_| {})
    };
    let url = |text: &str| Place::Url(text.to_owned());
    let none = PerLink::default();
    for on_reject in [OnReject::Fallback, OnReject::Waterfall, OnReject::Monetize] {
        let own = of(on_reject, Some("https://fall.example"), link);
        assert_eq!(own, url("https://fall.example/"), "the console's counts");
        assert_eq!(of(on_reject, None, link), url("https://shop.example/no?"));
        assert_eq!(of(on_reject, None, none), url("http://localhost/"));
    }
    let fallback = Some("https://fall.example");
    assert_eq!(of(OnReject::Blank, fallback, link), Place::Blank);
    assert_eq!(of(OnReject::Block, fallback, link), Place::Block);
    assert_eq!(
        of(OnReject::Localhost, fallback, link),
        url("http://localhost/")
    );
}

#[test]
fn monitored_clicks_go_on_as_approved() {
    let policy = clicks(|clicks| clicks.approved_url = Some("https://yes.example/".into()));
    let place = place_of(&policy, Action::Monitored, PerLink::default(), |_| {});
    assert_eq!(place.url(), Some("https://yes.example/"));
}

#[test]
fn links_choose_among_stored_urls_and_allowed_hosts_only() {
    let stored = clicks(|clicks| {
        clicks.approved_url = Some("https://yes.example/".into());
        clicks.urls = vec![NamedUrl {
            id: "7".into(),
            url: "https://seven.example/{offer}".into(),
        }];
    });
    let open = clicks(|_| {});
    let of = |policy: &ClickPolicy, url_id, redirect_url| {
        let link = PerLink {
            url_id,
            redirect_url,
            ..PerLink::default()
        };
        let place = place_of(policy, Action::Approved, link, |hit| {
            hit.set(Field::Offer, Some("o"));
        });
        (place.url().map(str::to_owned), policy.check(link).is_ok())
    };
    let some = |url: &str, ok| (Some(url.to_owned()), ok);
    let good = "https://shop.example/a?b={offer}";
    assert_eq!(
        of(&stored, Some("7"), None),
        some("https://seven.example/o", true)
    );
    assert_eq!(
        of(&stored, Some("8"), None),
        some("https://yes.example/", false)
    );
    assert_eq!(
        of(&stored, None, Some(good)),
        some("https://yes.example/", true)
    );
    assert_eq!(
        of(&open, None, Some(good)),
        some("https://shop.example/a?b=o", true)
    );
    for allowed in ["https://SHOP.example:443/", "http://other.example:8443/"] {
        assert!(of(&open, None, Some(allowed)).0.is_some(), "{allowed}");
    }
    for wrong in [
        "https://evil.example/",
        "https://shop.example.evil.example/",
        "https://sub.shop.example/",
        "https://shop.example:8443/",
        "https://other.example/",
        "https://shop.example@evil.example/",
        "https://evil.example#@shop.example/",
        "https://evil.example\\.shop.example/",
        "//shop.example/",
        "javascript:alert(1)//shop.example/",
        "ftp://shop.example/",
        "https://{offer}.example/",
        "https://shop.example/\r\nSet-Cookie: a=b",
        "shop.example",
        "",
    ] {
        assert_eq!(of(&open, None, Some(wrong)), (None, false), "{wrong}");
    }
}

proptest! {
    #[test]
    fn no_link_and_no_value_leads_elsewhere(
        redirect in "(https?:)?[/\\\\]{0,3}(shop|evil|other)?[.@:#/\\\\%a-z0-9{}]{0,30}(example)?(:8443)?[/?#]?\\PC{0,20}",
        values in proptest::collection::vec("\\PC{0,20}", 3),
        rejected in any::<bool>(),
    ) {
        let policy = clicks(|clicks| clicks.pass_extra = true);
        let link = PerLink { redirect_url: Some(&redirect), fallback_url: Some(&redirect), url_id: Some(&values[2]) };
        let action = if rejected { Action::Rejected } else { Action::Approved };
        let place = place_of(&policy, action, link, |hit| {
            hit.set(Field::Offer, Some(&values[0]));
            hit.extras.push((&values[1], &values[2]));
        });
        if let Some(text) = place.url().filter(|url| *url != LOCALHOST) {
            let url = url::Url::parse(text).unwrap();
            let place = (url.host_str(), url.port());
            prop_assert!(
                place == (Some("shop.example"), None) || place == (Some("other.example"), Some(8443)),
                "{redirect} → {text}"
            );
            prop_assert!(text.bytes().all(|c| c.is_ascii_graphic()));
        }
    }
}
