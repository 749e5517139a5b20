//! A rejected click goes on to the next offer whose own rule takes it.
//!
//! Each next offer is judged as if the click had been for it: by its own rule, caps and
//! targeting. The click is one event all the same: a counter that two rules ask for is moved
//! once, what a cap has counted is given back by who turns it down, and one record is kept, of
//! the offer that took it or else of the first, with those that turned it down in order.

use assay_model::Action;
use assay_model::facts::Facts;
use assay_model::hit::Field;
use assay_model::ports::CounterStore;
use assay_model::recall::Passed;
use assay_model::verdict::Verdict;

use crate::decide::{Memory, Screening};
use crate::look::{Look, Looker};
use crate::network::OfferPolicy;
use crate::outbox::Scratch;
use crate::policy::AccountPolicy;

/// Most offers that one click is shown to beside its own.
const OFFERS_MAX: usize = 16;

/// The offer that a click named, to be put back if no other takes it.
#[derive(Clone, Copy)]
struct Named<'a> {
    offer: Option<&'a str>,
    advertiser: Option<&'a str>,
}

/// Who turned a click down.
pub fn passed(facts: &Facts<'_>, verdict: &Verdict<'_>) -> Passed {
    Passed {
        offer: facts.hit.get(Field::Offer).unwrap_or("").into(),
        reason: verdict.reason,
        rule: verdict.rule,
    }
}

/// What became of a click that `first` turned down: what the offer that takes it looked up,
/// else `first` with all that turned it down. `facts` are those of the answer.
pub async fn go_on<'p: 'a, 'a, C: CounterStore>(
    looker: &Looker<'p, C>,
    scratch: &mut Scratch,
    facts: &mut Facts<'a>,
    mut first: Look<'p>,
    turned_down: Passed,
) -> Look<'p> {
    let named = Named {
        offer: facts.hit.get(Field::Offer),
        advertiser: facts.hit.get(Field::Advertiser),
    };
    let mut passed = vec![turned_down];
    for offer in next(looker.account, named) {
        if looker.is_late() {
            break;
        }
        put(looker.account, facts, Named::of(offer));
        let mut look = looker
            .look(scratch, facts, Screening::Onward, Memory::default())
            .await;
        let verdict = look.judge(facts, looker.on_degraded());
        let (action, turned_down) = (verdict.action, self::passed(facts, &verdict));
        drop(verdict);
        if action != Action::Rejected {
            look.recall.passed = passed;
            return look;
        }
        looker.give_back(scratch, facts, &look, action).await;
        passed.push(turned_down);
    }
    put(looker.account, facts, named);
    looker.encode(scratch, facts);
    if passed.len() > 1 {
        first.recall.passed = passed;
    }
    first
}

/// The same by what is known at once, for a click that is not counted.
pub fn foretell<'p: 'a, 'a, C: CounterStore>(
    looker: &Looker<'p, C>,
    facts: &mut Facts<'a>,
    first: Look<'p>,
) -> Look<'p> {
    let named = Named {
        offer: facts.hit.get(Field::Offer),
        advertiser: facts.hit.get(Field::Advertiser),
    };
    for offer in next(looker.account, named) {
        put(looker.account, facts, Named::of(offer));
        let look = looker.glance(facts, Screening::Onward);
        if look.judge(facts, looker.on_degraded()).action != Action::Rejected {
            return look;
        }
    }
    put(looker.account, facts, named);
    first
}

/// The offers that a click is shown to.
fn next<'p>(account: &'p AccountPolicy, named: Named<'_>) -> impl Iterator<Item = &'p OfferPolicy> {
    account.network.others(named.offer).take(OFFERS_MAX)
}

impl<'a> Named<'a> {
    fn of(offer: &'a OfferPolicy) -> Self {
        Self {
            offer: Some(&offer.name),
            advertiser: offer.advertiser.as_deref(),
        }
    }
}

/// Makes the click one for this offer; own lists may be for some offers only.
fn put<'p: 'a, 'a>(account: &'p AccountPolicy, facts: &mut Facts<'a>, named: Named<'a>) {
    facts.hit.set(Field::Offer, named.offer);
    facts.hit.set(Field::Advertiser, named.advertiser);
    if !account.lists.is_empty() {
        facts.lists.clear();
        let ip = facts.ip.as_ref();
        account.lists.matches(&facts.hit, ip, &mut facts.lists);
    }
}
