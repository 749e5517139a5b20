//! Buyers: what follows a click, from the sale to its return.
//!
//! In: clicks in order. Out: for some of them, what happens later and when. Fates are drawn
//! as cards of a deck, so that each kind is seen within few sales and no kind is seen often.

use assay_model::Reason;
use assay_model::hit::EventKind;

use super::event::Bought;
use super::market::{self, QUICK};
use super::rng::Rng;
use super::{Labelled, Needs, SimEvent, Truth};

/// What becomes of a click that converts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A sale.
    Sale,
    /// A sale, and what the buyer does later.
    SaleAndLater,
    /// A sale that the shop tells twice.
    ToldTwice,
    /// Two orders of one buyer.
    TwoOrders,
    /// A sale that the advertiser takes back.
    Returned,
    /// A sale that the advertiser takes back by mistake.
    Reinstated,
    /// A sale that names a click nobody knows.
    NoClick,
    /// A sale that is told before its click is.
    ClickLater,
    /// Fraud: a script converts, faster than a person.
    Instant,
    /// Fraud: an app sends the click when the install is already under way.
    Injected,
    /// Fraud: a sale claimed for a click of a campaign.
    Claimed,
}

/// Cards of a deck.
const DECK: [Fate; 14] = [
    Fate::Sale,
    Fate::Sale,
    Fate::Sale,
    Fate::Sale,
    Fate::SaleAndLater,
    Fate::SaleAndLater,
    Fate::ToldTwice,
    Fate::TwoOrders,
    Fate::Returned,
    Fate::Reinstated,
    Fate::NoClick,
    Fate::ClickLater,
    Fate::Instant,
    Fate::Injected,
];

/// Share of a campaign's clicks for which a sale is claimed, beside that of people's.
const CLAIMED: f64 = 0.2;

/// Why advertisers take sales back, in their own words.
const RETURNS: [&str; 4] = ["order returned", "stolen card", "test order", "charge back"];

impl Fate {
    /// The campaign behind it; `None` = people.
    const fn campaign(self) -> Option<(&'static str, &'static [Reason])> {
        match self {
            Self::Instant => Some(("instant_conversions", &[Reason::CtitTooShort])),
            Self::Injected => Some(("click_injection", &[Reason::ClickInjection])),
            _ => None,
        }
    }

    fn fits(self, click: &SimEvent) -> bool {
        self != Self::Injected || click.bundle_id.is_some()
    }
}

/// What follows a click.
#[derive(Clone, Debug)]
pub struct Sequel {
    pub fate: Fate,
    /// Whether the shop names the click by our id, or by the publisher's own.
    pub by_own_id: bool,
    /// In order of time.
    pub steps: Vec<Step>,
}

/// One thing that follows a click.
#[derive(Clone, Debug)]
pub struct Step {
    /// Since the click.
    pub after_ms: i64,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    /// A conversion, or a later event.
    Conversion(Box<Labelled>),
    /// The advertiser takes the sale back, for this reason.
    Rejection(&'static str),
    /// And gives it again.
    Approval,
}

/// Makes sequels; the same seed and clicks make the same.
pub struct Buyers {
    rng: Rng,
    share: f64,
    deck: Vec<Fate>,
}

impl Buyers {
    /// `share` of people's clicks convert, 0 to 1.
    #[must_use]
    pub const fn new(seed: u64, share: f64) -> Self {
        Self {
            // Not the stream that the traffic itself is drawn from.
            rng: Rng::new(seed ^ 0x6275_7965_7273),
            share,
            deck: Vec::new(),
        }
    }

    /// What follows this event; a click that fraud is behind becomes fraud's.
    pub fn after(&mut self, click: &mut Labelled) -> Option<Sequel> {
        if click.event.event != EventKind::Click {
            return None;
        }
        let fraud = click.truth == Truth::Fraud;
        let share = if fraud {
            self.share * CLAIMED
        } else {
            self.share
        };
        if !self.rng.chance(share) {
            return None;
        }
        let fate = if fraud {
            Fate::Claimed
        } else {
            self.draw(&click.event)
        };
        if let Some((name, _)) = fate.campaign() {
            self.enlist(click, name);
        }
        Some(self.sequel(fate, click))
    }

    /// The last card that fits the click.
    fn draw(&mut self, click: &SimEvent) -> Fate {
        if !self.deck.iter().any(|fate| fate.fits(click)) {
            self.shuffle();
        }
        let place = self.deck.iter().rposition(|fate| fate.fits(click));
        place.map_or(Fate::Sale, |place| self.deck.remove(place))
    }

    /// A new deck goes under what is left of the old one.
    fn shuffle(&mut self) {
        let mut fresh = DECK.to_vec();
        for place in (1..fresh.len()).rev() {
            fresh.swap(place, self.rng.below(place as u64 + 1) as usize);
        }
        fresh.append(&mut self.deck);
        self.deck = fresh;
    }

    fn enlist(&mut self, click: &mut Labelled, campaign: &'static str) {
        click.truth = Truth::Fraud;
        click.campaign = campaign;
        click.event.truth = Truth::Fraud;
        click.event.campaign = campaign;
        click.event.publisher = Some(QUICK.to_owned());
        let sub_ids = ["lead-a", "lead-b"];
        click.event.sub_id = Some((*self.rng.pick(&sub_ids)).to_owned());
    }

    fn sequel(&mut self, fate: Fate, click: &Labelled) -> Sequel {
        let ctit_ms = self.ctit_ms(fate);
        let sale = self.sale(fate, click, ctit_ms);
        let mut steps = vec![conversion(ctit_ms, sale.clone())];
        let rest_ms = 60_000 + self.rng.below(600_000) as i64;
        let later_ms = ctit_ms + rest_ms;
        match fate {
            Fate::SaleAndLater => steps.push(conversion(later_ms, self.later(sale, later_ms))),
            Fate::ToldTwice => steps.push(conversion(ctit_ms, sale)),
            Fate::TwoOrders => {
                let mut second = sale;
                if let Some(bought) = &mut second.event.bought {
                    bought.order_id = order_id(&mut self.rng);
                }
                steps.push(conversion(later_ms, at(second, click, later_ms)));
            }
            Fate::Returned | Fate::Reinstated => {
                let what = What::Rejection(self.rng.pick::<&str>(&RETURNS));
                steps.push(Step {
                    after_ms: later_ms,
                    what,
                });
                if fate == Fate::Reinstated {
                    steps.push(Step {
                        after_ms: later_ms + rest_ms,
                        what: What::Approval,
                    });
                }
            }
            _ => {}
        }
        Sequel {
            fate,
            by_own_id: fate != Fate::ClickLater && self.rng.chance(0.6),
            steps,
        }
    }

    /// Half of people buy within some minutes, the rest take up to hours.
    fn ctit_ms(&mut self, fate: Fate) -> i64 {
        if fate == Fate::Instant {
            return self.rng.between(900, 4_000) as i64;
        }
        let spread = self.rng.unit() + self.rng.unit() - 1.0;
        ((240_000.0 * (spread * 4.0).exp()) as i64).clamp(25_000, 4 * 3_600_000)
    }

    fn sale(&mut self, fate: Fate, click: &Labelled, ctit_ms: i64) -> Labelled {
        let deal = market::deal_of(click.event.offer.as_deref());
        let mut sale = at(click.clone(), click, ctit_ms);
        sale.event.event = EventKind::Conversion;
        sale.expected = fate.campaign().map_or(&[][..], |(_, reasons)| reasons);
        // The S2S door has no conversions.
        sale.needs = Needs {
            native: true,
            ..Needs::default()
        };
        let injected = fate == Fate::Injected;
        sale.event.bought = Some(Bought {
            click_time: click.at,
            event_name: None,
            order_id: order_id(&mut self.rng),
            payout: Some(deal.payout),
            revenue: Some(deal.revenue),
            begin_install_time: injected
                .then(|| click.at.plus_ms(-(self.rng.between(8_000, 40_000) as i64))),
        });
        if fate == Fate::NoClick {
            sale.event.external_transaction_id = format!("x-{}", self.rng.hex(16));
        }
        sale
    }

    /// What the buyer of a sale does later: nothing for the publisher.
    fn later(&mut self, mut sale: Labelled, later_ms: i64) -> Labelled {
        let (name, revenue) = market::deal_of(sale.event.offer.as_deref()).later;
        sale.event.event = EventKind::PostEvent;
        if let Some(bought) = &mut sale.event.bought {
            sale.at = bought.click_time.plus_ms(later_ms);
            sale.event.at = sale.at;
            bought.event_name = Some(name);
            bought.order_id = order_id(&mut self.rng);
            bought.payout = None;
            bought.revenue = Some(revenue);
        }
        sale
    }
}

fn at(mut event: Labelled, click: &Labelled, after_ms: i64) -> Labelled {
    event.at = click.at.plus_ms(after_ms);
    event.event.at = event.at;
    event
}

fn conversion(after_ms: i64, labelled: Labelled) -> Step {
    Step {
        after_ms,
        what: What::Conversion(Box::new(labelled)),
    }
}

fn order_id(rng: &mut Rng) -> String {
    format!("{}", rng.between(100_000, 999_999_999))
}
