//! Who buys and who sells in the simulated market. All of it is made up.

use super::event::SimEvent;
use super::rng::Rng;

/// Something that is promoted.
pub(super) struct Offer {
    pub id: &'static str,
    pub advertiser: &'static str,
    weight: u32,
    pub deal: Deal,
}

/// What an offer pays.
#[derive(Clone, Copy)]
pub(super) struct Deal {
    /// To the publisher, for a conversion.
    pub payout: &'static str,
    /// By the advertiser, for a conversion.
    pub revenue: &'static str,
    /// What buyers do later, and what the advertiser pays for it.
    pub later: (&'static str, &'static str),
}

const fn offer(id: &'static str, advertiser: &'static str, weight: u32, deal: Deal) -> Offer {
    Offer {
        id,
        advertiser,
        weight,
        deal,
    }
}

const fn deal(
    payout: &'static str,
    revenue: &'static str,
    later: (&'static str, &'static str),
) -> Deal {
    Deal {
        payout,
        revenue,
        later,
    }
}

const SHOES: Deal = deal("6.20", "8.50", ("second_order", "5.10"));
const CLUB: Deal = deal("3.00", "4.20", ("renewal", "4.20"));
const TRAVEL: Deal = deal("14.00", "19.00", ("upgrade", "7.50"));
const QUOTE: Deal = deal("9.50", "12.00", ("contract_signed", "40.00"));
const PUZZLE: Deal = deal("1.10", "1.60", ("level_10", "0.90"));
const FARM: Deal = deal("0.85", "1.25", ("first_purchase", "2.40"));
const MEALS: Deal = deal("11.00", "15.00", ("second_box", "6.00"));

/// What an offer pays; what the first one does for an unknown one.
pub(super) fn deal_of(offer: Option<&str>) -> Deal {
    let known = OFFERS.iter().find(|known| Some(known.id) == offer);
    known.map_or(SHOES, |known| known.deal)
}

pub(super) const OFFERS: &[Offer] = &[
    offer("o-spring-shoes", "a-northwear", 22, SHOES),
    offer("o-running-club", "a-northwear", 12, CLUB),
    offer("o-travel-insurance", "a-safeway-mutual", 16, TRAVEL),
    offer("o-car-quote", "a-safeway-mutual", 9, QUOTE),
    offer("o-puzzle-install", "a-brightgames", 18, PUZZLE),
    offer("o-farm-install", "a-brightgames", 11, FARM),
    offer("o-meal-box", "a-kitchenly", 12, MEALS),
];

/// A seller of honest traffic.
pub(super) struct Publisher {
    pub id: &'static str,
    /// Its sub ids; one of them, or none.
    pub sub_ids: &'static [&'static str],
    /// Pages its web traffic comes from.
    pub pages: &'static [&'static str],
    /// Apps its app traffic comes from.
    pub apps: &'static [App],
    pub weight: u32,
}

/// An app on both stores.
pub(super) struct App {
    pub android: &'static str,
    pub ios: &'static str,
    pub versions: &'static [&'static str],
}

const NO_APPS: &[App] = &[];

/// Publishers whose traffic comes through the native door, with all that a browser tells.
const NATIVE: [&str; 3] = ["p-social-feed", "p-made-up", "p-app-mix"];

/// Publishers whose visitors come through links of a custom integration.
const LINKED: [&str; 5] = [
    "p-recipe-garden",
    "p-playtime-apps",
    "p-click-club",
    "p-cash-clicks",
    QUICK,
];

/// The publisher whose conversions no buyer made.
pub(super) const QUICK: &str = "p-quick-leads";

/// Whether a publisher is connected by the native door rather than by S2S calls.
pub fn is_native(publisher: Option<&str>) -> bool {
    publisher.is_some_and(|id| NATIVE.contains(&id))
}

/// Whether a publisher is connected by links and postbacks.
pub fn is_linked(publisher: Option<&str>) -> bool {
    publisher.is_some_and(|id| LINKED.contains(&id))
}

pub(super) const PUBLISHERS: &[Publisher] = &[
    Publisher {
        id: "p-morning-news",
        sub_ids: &["home", "sport", "money", "newsletter"],
        pages: &[
            "https://www.morning-news.example/",
            "https://www.morning-news.example/sport/match-report",
            "https://www.morning-news.example/money/mortgages?utm_source=front",
        ],
        apps: NO_APPS,
        weight: 28,
    },
    Publisher {
        id: "p-recipe-garden",
        sub_ids: &["sidebar", "footer"],
        pages: &[
            "https://recipe-garden.example/soups/lentil",
            "https://recipe-garden.example/search?q=bread",
        ],
        apps: NO_APPS,
        weight: 18,
    },
    Publisher {
        id: "p-social-feed",
        sub_ids: &["feed-a", "feed-b", "stories"],
        pages: &[
            "https://l.social-feed.example/",
            "https://www.social-feed.example/groups/4711",
        ],
        apps: NO_APPS,
        weight: 22,
    },
    Publisher {
        id: "p-playtime-apps",
        sub_ids: &["rewarded", "interstitial", "banner"],
        pages: &["https://www.playtime.example/forum"],
        apps: &[
            App {
                android: "com.example.playtime.sudoku",
                ios: "1450012345",
                versions: &["4.18.2", "4.18.3", "4.20.0"],
            },
            App {
                android: "com.example.playtime.solitaire",
                ios: "1450098765",
                versions: &["9.1", "9.2.1"],
            },
        ],
        weight: 20,
    },
    Publisher {
        id: "p-weather-now",
        sub_ids: &["widget", "radar"],
        pages: &["https://weather-now.example/today"],
        apps: &[App {
            android: "com.example.weathernow",
            ios: "1388801234",
            versions: &["12.4.0", "12.5.1"],
        }],
        weight: 12,
    },
];

/// Puts an offer and its advertiser into the event.
pub(super) fn promote(event: &mut SimEvent, rng: &mut Rng) {
    let offer = rng.weighted(OFFERS, |offer| offer.weight);
    sell(event, offer);
}

/// Puts this offer into the event.
pub(super) fn sell(event: &mut SimEvent, offer: &Offer) {
    event.offer = Some(offer.id.to_owned());
    event.advertiser = Some(offer.advertiser.to_owned());
}

/// A page some honest publisher has: what fraud says it comes from.
pub(super) fn any_page(rng: &mut Rng) -> &'static str {
    let publisher = rng.weighted(PUBLISHERS, |publisher| publisher.weight);
    let page: &&'static str = rng.pick(publisher.pages);
    page
}

/// An app some honest publisher has.
pub(super) fn any_app(rng: &mut Rng) -> &'static App {
    let apps: &[&'static App] = &[
        &PUBLISHERS[3].apps[0],
        &PUBLISHERS[3].apps[1],
        &PUBLISHERS[4].apps[0],
    ];
    let app: &&'static App = rng.pick(apps);
    app
}
