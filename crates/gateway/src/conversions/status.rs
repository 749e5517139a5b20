//! Where a conversion stands after a judgement. Pure.

use assay_model::click::ClickSearch;
use assay_model::ledger::{Status, Waiting};
use assay_model::reason::Reason;
use assay_model::verdict::{Action, Verdict};

use crate::policy::IntegrationPolicy;

/// Status, main reason, all reasons, and what it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Status.
    pub status: Status,
    /// Main reason.
    pub reason: Reason,
    /// All reasons, main reason first.
    pub reasons: Vec<Reason>,
    /// What it waits for.
    pub waiting: Option<Waiting>,
}

impl Standing {
    /// The same on the network side, where what the engine filters is no rejection of
    /// somebody's: it never was a conversion.
    #[must_use]
    pub fn of(self, integration: &IntegrationPolicy) -> Self {
        let status = match self.status {
            Status::Rejected if integration.is_network() => Status::Invalid,
            other => other,
        };
        Self { status, ..self }
    }
}

/// What a verdict makes of a conversion.
///
/// What rejects or holds does so at once, click or no click. What is let through waits for
/// its click where it names one that has not come, and for a second look where something
/// could not be looked at in time: `last` says that there is none.
#[must_use]
pub fn standing(verdict: &Verdict<'_>, search: ClickSearch, last: bool) -> Standing {
    let found = || verdict.findings.iter().map(|finding| finding.reason);
    let undecided = |status, reason, waiting| Standing {
        status,
        reason,
        reasons: reasons(reason, found()),
        waiting: Some(waiting),
    };
    let decided = |status| Standing {
        status,
        reason: verdict.reason,
        reasons: reasons(verdict.reason, found()),
        waiting: None,
    };
    match verdict.action {
        Action::Rejected => decided(Status::Rejected),
        Action::OnHold => undecided(Status::Pending, verdict.reason, Waiting::Person),
        Action::Approved | Action::Monitored => {
            let unseen = search == ClickSearch::NotMade || verdict.degraded.is_some();
            if unseen && !last {
                undecided(Status::Processing, Reason::Processing, Waiting::Lookup)
            } else if matches!(search, ClickSearch::NotFound | ClickSearch::NotMade) {
                undecided(Status::Pending, Reason::NoClick, Waiting::Click)
            } else {
                decided(Status::Approved)
            }
        }
    }
}

/// Where a conversion of a paused integration stands: nobody has judged it.
#[must_use]
pub fn unscreened() -> Standing {
    Standing {
        status: Status::Pending,
        reason: Reason::Clean,
        reasons: vec![Reason::Clean],
        waiting: Some(Waiting::Person),
    }
}

fn reasons(main: Reason, found: impl Iterator<Item = Reason>) -> Vec<Reason> {
    let mut all = vec![main];
    for reason in found {
        if !all.contains(&reason) {
            all.push(reason);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::recall::Degraded;
    use assay_model::testing::clean_verdict;
    use assay_model::verdict::Finding;

    fn of(action: Action, search: ClickSearch, last: bool) -> (Status, Reason, Option<Waiting>) {
        let mut verdict = clean_verdict();
        verdict.action = action;
        if action != Action::Approved {
            verdict.reason = Reason::Vpn;
            verdict.findings.push(Finding::new(Reason::Vpn));
        }
        let seen = standing(&verdict, search, last);
        assert_eq!(seen.reasons[0], seen.reason);
        (seen.status, seen.reason, seen.waiting)
    }

    #[test]
    fn a_verdict_and_a_click_make_a_status() {
        use Action as A;
        use ClickSearch as C;
        use Status as S;
        use Waiting as W;
        let approved = (S::Approved, Reason::Clean, None);
        let no_click = (S::Pending, Reason::NoClick, Some(W::Click));
        let processing = (S::Processing, Reason::Processing, Some(W::Lookup));
        let cases = [
            (A::Approved, C::Found, false, approved),
            (A::Approved, C::None, false, approved),
            (A::Approved, C::NotFound, false, no_click),
            (A::Approved, C::NotMade, false, processing),
            (A::Approved, C::NotMade, true, no_click),
            (
                A::Monitored,
                C::Found,
                false,
                (S::Approved, Reason::Vpn, None),
            ),
            (A::Monitored, C::NotFound, false, no_click),
            (
                A::Rejected,
                C::NotFound,
                false,
                (S::Rejected, Reason::Vpn, None),
            ),
            (
                A::Rejected,
                C::NotMade,
                false,
                (S::Rejected, Reason::Vpn, None),
            ),
            (
                A::OnHold,
                C::NotMade,
                false,
                (S::Pending, Reason::Vpn, Some(W::Person)),
            ),
        ];
        for (action, search, last, expected) in cases {
            assert_eq!(
                of(action, search, last),
                expected,
                "{action:?} {search:?} {last}"
            );
        }
    }

    #[test]
    fn what_lacked_inputs_is_looked_at_once_more() {
        let mut verdict = clean_verdict();
        verdict.degraded = Some(Degraded::BudgetSpent);
        let first = standing(&verdict, ClickSearch::Found, false);
        assert_eq!(first.status, Status::Processing);
        let last = standing(&verdict, ClickSearch::Found, true);
        assert_eq!(last.status, Status::Approved, "on_degraded has decided");
    }
}
