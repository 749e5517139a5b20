//! The demo's clicks through links, and what follows them, squeezed into seconds.
//!
//! Where a tracker tells of the visitor, the click says that it happened long ago, so that
//! its conversion, seconds later, follows it after a believable time. A visitor's own
//! redirect happens now: its conversions take their time.

use std::sync::mpsc::Sender;

use anyhow::Context as _;
use assay_model::Timestamp;
use assay_model::hit::EventKind;

use super::http::{Answer, Caller};
use super::shop::Call;
use crate::simulate::{Buyers, Fate, Labelled, Sequel, What};

/// Share of people's clicks that convert: far more than in life, to be seen soon.
const CONVERTING: f64 = 0.3;
/// One click in so many is a visitor's own redirect.
const REDIRECTS: u64 = 4;
/// From a click to its first conversion, and between what follows, in the demo's time.
const FIRST_MS: i64 = 2_000;
const NEXT_MS: i64 = 2_000;
/// The same where a visitor's redirect happens now: slower than the fastest person.
const LIVE_FIRST_MS: i64 = 14_000;
const LIVE_NEXT_MS: i64 = 5_000;
/// Conversions that follow sooner really do.
const FAST_MS: i64 = 10_000;

/// The custom integration's traffic.
pub struct Links {
    integration: u32,
    caller: Caller,
    buyers: Buyers,
    shop: Sender<Call>,
    clicks: u64,
}

/// When the demo does what a sequel says, and which times it tells.
#[derive(Debug, PartialEq, Eq)]
struct Schedule {
    /// `None` = now.
    click_time: Option<Timestamp>,
    /// Of each step: when it is sent, and the time it tells.
    steps: Vec<(Timestamp, Timestamp)>,
}

impl Links {
    pub const fn new(integration: u32, caller: Caller, seed: u64, shop: Sender<Call>) -> Self {
        Self {
            integration,
            caller,
            buyers: Buyers::new(seed, CONVERTING),
            shop,
            clicks: 0,
        }
    }

    /// Whether this event comes by a link.
    pub fn carries(labelled: &Labelled) -> bool {
        let event = &labelled.event;
        matches!(event.event, EventKind::Click | EventKind::Impression)
            && crate::simulate::is_linked(event.publisher.as_deref())
    }

    /// Sends an event, and hands what follows to the shop.
    pub fn send(&mut self, labelled: &mut Labelled, now: Timestamp) -> anyhow::Result<()> {
        let sequel = self.buyers.after(labelled);
        let event = &labelled.event;
        self.clicks += u64::from(event.event == EventKind::Click);
        let late = sequel
            .as_ref()
            .is_some_and(|sequel| sequel.fate == Fate::ClickLater);
        let live =
            event.event == EventKind::Click && self.clicks.is_multiple_of(REDIRECTS) && !late;
        let schedule = sequel.as_ref().map(|sequel| schedule(sequel, now, live));
        if live {
            let link = event.link(self.integration);
            let answer = self.caller.get(&link, &event.headers())?;
            anyhow::ensure!(answer.status == 302, "{} for {link}", answer.status);
            let own = answer.location.as_deref().and_then(own_id_of_location);
            return self.follow(sequel.zip(schedule), own.as_deref(), own.is_some());
        }
        let click_time = schedule.as_ref().and_then(|schedule| schedule.click_time);
        let target = event.told_query(self.integration, click_time);
        if late {
            // The shop is faster than the tracker, which tells a click that is then known.
            self.follow(sequel.zip(schedule), None, true)?;
            let due = now.plus_ms(FIRST_MS + NEXT_MS);
            return self.owe(Call { due, target });
        }
        let answer = self.caller.get(&target, &[])?;
        anyhow::ensure!(
            answer.status == 200,
            "{} for {target}: {}",
            answer.status,
            answer.body
        );
        let (own, approved) = told(&answer)?;
        self.follow(sequel.zip(schedule), own.as_deref(), approved)
    }

    /// Hands what follows a click to the shop. Who was not let in buys nothing; only fraud
    /// claims what it did not bring.
    fn follow(
        &self,
        sequel: Option<(Sequel, Schedule)>,
        own: Option<&str>,
        approved: bool,
    ) -> anyhow::Result<()> {
        let Some((sequel, schedule)) = sequel else {
            return Ok(());
        };
        if approved == (sequel.fate == Fate::Claimed) {
            return Ok(());
        }
        let own = own.filter(|_| sequel.by_own_id && sequel.fate != Fate::NoClick);
        let mut sold = None;
        for (step, (due, told)) in sequel.steps.iter().zip(schedule.steps) {
            let target = match (&step.what, sold) {
                (What::Conversion(sale), _) => {
                    sold = Some(&sale.event);
                    sale.event.postback_query(self.integration, own, told)
                }
                (What::Rejection(reason), Some(sold)) => {
                    sold.rejection_query(self.integration, Some(reason))
                }
                (What::Approval, Some(sold)) => sold.rejection_query(self.integration, None),
                (What::Rejection(_) | What::Approval, None) => continue,
            };
            self.owe(Call { due, target })?;
        }
        Ok(())
    }

    fn owe(&self, call: Call) -> anyhow::Result<()> {
        self.shop.send(call).context("the shop is closed")
    }
}

fn schedule(sequel: &Sequel, now: Timestamp, live: bool) -> Schedule {
    let first_ms = sequel.steps.first().map_or(0, |step| step.after_ms);
    let (first, next) = if live {
        (LIVE_FIRST_MS, LIVE_NEXT_MS)
    } else {
        (FIRST_MS, NEXT_MS)
    };
    let fast = first_ms < FAST_MS;
    let first = if fast { first_ms } else { first };
    let due = |nth: usize| now.plus_ms(first + next * nth as i64);
    if fast || live {
        let steps = (0..sequel.steps.len()).map(|nth| (due(nth), due(nth)));
        return Schedule {
            click_time: None,
            steps: steps.collect(),
        };
    }
    // So long ago that no step tells a time which has not come when it is sent.
    let steps = sequel.steps.iter().enumerate();
    let tells = steps.filter(|(_, step)| matches!(step.what, What::Conversion(_)));
    let click_time = tells
        .map(|(nth, step)| due(nth).plus_ms(-step.after_ms))
        .min()
        .unwrap_or(now);
    let steps = sequel.steps.iter().enumerate();
    Schedule {
        click_time: Some(click_time),
        steps: steps
            .map(|(nth, step)| (due(nth), click_time.plus_ms(step.after_ms)))
            .collect(),
    }
}

/// Our id of a click and whether it was let in, by the answer of the click door.
fn told(answer: &Answer) -> anyhow::Result<(Option<String>, bool)> {
    let json: serde_json::Value = serde_json::from_str(&answer.body)
        .with_context(|| format!("{:?} is no JSON", answer.body))?;
    let own = json["transaction_id"].as_str().map(str::to_owned);
    Ok((own, json["status"] == "approved"))
}

/// Our id as the shop's page reads it from its address; fallback pages get none.
fn own_id_of_location(location: &str) -> Option<String> {
    let (_, query) = location.split_once('?')?;
    let cid = query.split('&').find_map(|pair| pair.strip_prefix("cid="));
    cid.filter(|id| !id.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{Options, Simulator};

    const NOW: Timestamp = Timestamp(1_795_370_400_000);

    #[test]
    fn times_that_are_told_have_passed_and_follow_their_click() {
        let mut buyers = Buyers::new(1, 1.0);
        let mut seen = 0;
        for mut click in Simulator::new(Options::new(1, NOW, 50.0)).take(2_000) {
            let Some(sequel) = buyers.after(&mut click) else {
                continue;
            };
            for live in [false, true] {
                let plan = schedule(&sequel, NOW, live);
                assert!(plan.click_time.is_none_or(|at| !live && at < NOW));
                let click_time = plan.click_time.unwrap_or(NOW);
                for (step, (due, told)) in sequel.steps.iter().zip(&plan.steps) {
                    let tells = matches!(step.what, What::Conversion(_));
                    assert!(!tells || told <= due, "{sequel:?} {plan:?}");
                    assert!(told > &click_time && due.ms_since(NOW) <= 24_000);
                }
                let fast = plan.steps[0].1.ms_since(click_time) < FAST_MS;
                assert_eq!(fast, sequel.fate == Fate::Instant, "{sequel:?}");
                seen += 1;
            }
        }
        assert!(seen > 1_000);
    }

    #[test]
    fn a_shop_reads_its_id_and_a_fallback_page_gets_none() {
        let at_shop = "https://shop.example/landing?cid=abc2&offer=o";
        assert_eq!(own_id_of_location(at_shop).as_deref(), Some("abc2"));
        assert_eq!(own_id_of_location("https://news.example/"), None);
    }
}
