//! What a click comes to: judged, sealed, placed, answered.

use std::cell::RefCell;

use assay_model::hit::{Field, Hit};
use assay_model::ports::CounterStore;
use assay_model::transaction::{Content, KeyRing};
use assay_model::verdict::Verdict;
use assay_model::{EventId, Facts, Timestamp};

use super::json::{self, Told};
use super::{Asked, Form};
use crate::decide::{Course, Decision, Memory, Screening, decide_as, foresee};
use crate::destination::{Filling, Offered, Place};
use crate::doors::{Answer, nothing_at};
use crate::engine::Engine;
use crate::outbox::{Outbox, Scratch};

/// A transparent image of one pixel.
const PIXEL: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// A call that passed every check.
pub struct Ready<'r> {
    pub asked: &'r Asked<'r>,
    pub screening: Screening,
    pub keys: &'r KeyRing,
}

impl Ready<'_> {
    pub async fn decide<C: CounterStore>(
        &self,
        engine: &Engine<C>,
        outbox: &impl Outbox,
        scratch: &mut Scratch,
        hit: Hit<'_>,
    ) -> (Answer, Place) {
        let now = hit.received;
        let named = hit.get(Field::Offer);
        let made = RefCell::new((String::new(), Place::default()));
        let course = Course {
            screening: self.screening,
            memory: Memory::default(),
            place: |decision: &Decision<'_, '_>| {
                let id = self.sealed(decision.event_id, decision.facts, decision.verdict, now);
                let place = self.place(
                    (decision.facts, decision.verdict),
                    named,
                    Some(decision.event_id),
                    &id,
                );
                let sent = place.url().filter(|_| self.asked.form == Form::Redirect);
                let sent = sent.map(str::to_owned);
                *made.borrow_mut() = (id, place);
                sent
            },
        };
        let owner = self.asked.owner;
        let whose = (owner.account, owner.integration);
        decide_as(engine, outbox, scratch, whose, hit, course, |decision| {
            let (transaction_id, place) = made.take();
            let answer = self.respond(Told {
                facts: decision.facts,
                verdict: decision.verdict,
                transaction_id: &transaction_id,
                place: &place,
            });
            (answer, place)
        })
        .await
    }

    /// HEAD: the headers of GET, and nothing counted.
    pub fn foretell<C: CounterStore>(&self, engine: &Engine<C>, hit: Hit<'_>) -> (Answer, Place) {
        let whose = (self.asked.owner.account, self.asked.owner.integration);
        let named = hit.get(Field::Offer);
        foresee(engine, whose, hit, self.screening, |facts, verdict| {
            let place = self.place((facts, verdict), named, None, "");
            let answer = self.respond(Told {
                facts,
                verdict,
                transaction_id: "",
                place: &place,
            });
            (answer, place)
        })
    }

    fn sealed(
        &self,
        event_id: EventId,
        facts: &Facts<'_>,
        verdict: &Verdict<'_>,
        now: Timestamp,
    ) -> String {
        let content = Content::of(event_id, facts, verdict);
        self.keys.seal(&content, now).unwrap_or_default()
    }

    /// Where it goes, unless nobody will know. A click that was `named` for one offer is
    /// another's once that has taken it.
    fn place(
        &self,
        (facts, verdict): (&Facts<'_>, &Verdict<'_>),
        named: Option<&str>,
        event_id: Option<EventId>,
        transaction_id: &str,
    ) -> Place {
        if self.asked.form != Form::Redirect && !json::asks_place(self.asked.call) {
            return Place::Nowhere;
        }
        let clicks = &self.asked.owner.integration.clicks;
        let values = Filling {
            facts,
            event_id,
            transaction_id,
            renames: &clicks.renames,
        };
        let owner = self.asked.owner;
        let offer = facts.hit.get(Field::Offer);
        let offered = Offered {
            url: offer
                .and_then(|name| owner.account.network.offer(name))
                .and_then(|offer| offer.url.as_ref()),
            first: owner.link.is_some() || offer != named,
        };
        clicks.place(verdict.action, (self.asked.call.link, offered), &values)
    }

    fn respond(&self, told: Told<'_>) -> Answer {
        match self.asked.form {
            Form::Json => Answer::json(json::answer(told, self.asked.call)),
            Form::Pixel => Answer::new(200, "image/gif", PIXEL.to_vec()),
            Form::Silent => Answer::empty(204),
            Form::Redirect => self.send_on(told.place),
        }
    }

    fn send_on(&self, place: &Place) -> Answer {
        let answer = match place {
            Place::Url(url) => Answer::empty(302).with("location", url.clone()),
            Place::Blank => Answer::new(200, "text/html; charset=utf-8", Vec::new()),
            Place::Block => Answer::empty(403),
            Place::Nowhere => return nothing_at("this link"),
        };
        let answer = answer.with("x-robots-tag", "noindex");
        match self.asked.owner.integration.settings.clicks.referrer_policy {
            Some(policy) => answer.with("referrer-policy", policy.as_str()),
            None => answer,
        }
    }
}
