//! When what happens: people as they come, campaigns in runs, all in one order of time.
//!
//! People arrive independently of each other at a rate that follows the day, and campaigns
//! keep their share of it. Every campaign starts within the first seconds, so that a short run shows all.

use assay_model::Timestamp;

use super::agenda::Agenda;
use super::campaigns::{Acts, CAMPAIGNS, Campaign, Runs};
use super::event::SimEvent;
use super::people::People;
use super::rng::Rng;
use super::{Labelled, Needs, Options, PEOPLE, Truth};

const SECOND_US: f64 = 1e6;

/// Campaigns start one by one within this time.
const ALL_STARTED_US: i64 = 4_000_000;

/// Traffic, event by event; see the module.
pub struct Simulator {
    options: Options,
    rng: Rng,
    people: People,
    /// People's events a second, on a day's average.
    people_rate: f64,
    /// Fraud's events a second for each weight of a campaign.
    weight_rate: f64,
    /// By microseconds since the start.
    agenda: Agenda<i64, Task>,
    done: u64,
}

enum Task {
    Person,
    Start(&'static Campaign),
    Act(Box<Run>),
}

/// An actor in the middle of its run.
struct Run {
    campaign: &'static Campaign,
    runs: Runs,
    event: SimEvent,
    done: u64,
    left: u64,
    gap_us: (u64, u64),
}

impl Simulator {
    /// Plans the traffic. A rate that is no positive number counts as one event in 1000 s,
    /// a share is cut to 0 … 1.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let rate = if options.per_second.is_finite() {
            options.per_second.max(0.001)
        } else {
            0.001
        };
        let share = if options.fraud_share.is_nan() {
            0.0
        } else {
            options.fraud_share.clamp(0.0, 1.0)
        };
        let weights: u32 = CAMPAIGNS.iter().map(|campaign| campaign.weight).sum();
        let people_rate = rate * (1.0 - share);
        let mut simulator = Self {
            options,
            rng: Rng::new(options.seed),
            people: People::new(people_rate * 3600.0),
            people_rate,
            weight_rate: rate * share / f64::from(weights),
            agenda: Agenda::new(),
            done: 0,
        };
        if people_rate > 0.0 {
            simulator.plan_person(0);
        }
        if share > 0.0 {
            for campaign in CAMPAIGNS {
                let at_us = simulator.rng.below(ALL_STARTED_US as u64) as i64;
                simulator.agenda.plan(at_us, Task::Start(campaign));
            }
        }
        simulator
    }

    fn plan_person(&mut self, now_us: i64) {
        let day = self.day(now_us);
        let wait = self.rng.wait(SECOND_US / (self.people_rate * day));
        self.agenda
            .plan(now_us + wait.min(1e15) as i64, Task::Person);
    }

    /// How busy the hour is; 1 on a day's average. Most buyers' evenings are at 16 to 24 UTC.
    fn day(&self, now_us: i64) -> f64 {
        let hour = self.time(now_us).0.rem_euclid(86_400_000) as f64 / 3.6e6;
        1.0 + 0.35 * ((hour - 19.0) * std::f64::consts::TAU / 24.0).cos()
    }

    /// The next start of a campaign: after as long as its run's events last at its rate.
    fn plan_start(&mut self, campaign: &'static Campaign, now_us: i64, events: u64) {
        let mean = SECOND_US * events as f64 / self.rate_of(campaign, now_us);
        let wait = match campaign.acts {
            Acts::Alone(_) => self.rng.wait(mean),
            Acts::Runs(_) => mean * (0.8 + 0.4 * self.rng.unit()),
        };
        self.agenda
            .plan(now_us + wait.min(1e15) as i64, Task::Start(campaign));
    }

    /// Events a second. Fraud hides in the crowd: it keeps its share at every hour.
    fn rate_of(&self, campaign: &Campaign, now_us: i64) -> f64 {
        self.weight_rate * f64::from(campaign.weight) * self.day(now_us)
    }

    fn start(&mut self, campaign: &'static Campaign, now_us: i64) -> Labelled {
        match campaign.acts {
            Acts::Alone(act) => {
                self.plan_start(campaign, now_us, 1);
                let event = act(&mut self.rng);
                self.fraud(campaign, event, now_us, true)
            }
            Acts::Runs(runs) => {
                let left = self.rng.between(runs.events.0, runs.events.1);
                self.plan_start(campaign, now_us, left);
                let event = (runs.first)(&mut self.rng);
                let run = Run {
                    campaign,
                    runs,
                    event,
                    done: 0,
                    left,
                    gap_us: self.gap_us(campaign, runs, now_us),
                };
                self.act(Box::new(run), now_us)
            }
        }
    }

    /// A run takes the campaign's own pace where it may: then one run follows the other.
    fn gap_us(&self, campaign: &Campaign, runs: Runs, now_us: i64) -> (u64, u64) {
        let (low, high) = (runs.gap_ms.0 * 1000, runs.gap_ms.1 * 1000);
        if !runs.paced {
            return (low, high);
        }
        let mean = (SECOND_US / self.rate_of(campaign, now_us)).min(1e15) as u64;
        let mean = mean.clamp(low, high);
        (mean / 2, (mean + mean / 2).min(high))
    }

    fn act(&mut self, mut run: Box<Run>, now_us: i64) -> Labelled {
        if run.done > 0 {
            (run.runs.vary)(&mut run.event, &mut self.rng);
        }
        run.done += 1;
        run.left -= 1;
        let seen = run.done > run.runs.unseen;
        let labelled = self.fraud(run.campaign, run.event.clone(), now_us, seen);
        run.event.sub_id.clone_from(&labelled.event.sub_id);
        if run.left > 0 {
            let gap = self.rng.between(run.gap_us.0, run.gap_us.1) as i64;
            self.agenda.plan(now_us + gap, Task::Act(run));
        }
        labelled
    }

    fn fraud(
        &mut self,
        campaign: &'static Campaign,
        mut event: SimEvent,
        now_us: i64,
        seen: bool,
    ) -> Labelled {
        event.truth = Truth::Fraud;
        event.campaign = campaign.name;
        event.publisher = Some(campaign.publisher.to_owned());
        if event.sub_id.is_none() {
            event.sub_id = Some((*self.rng.pick(campaign.sub_ids)).to_owned());
        }
        event.external_transaction_id = format!("t-{}", self.rng.hex(16));
        let mut needs = campaign.needs;
        // What `/ic3.php` cannot carry gives nobody away there.
        let spoofed = campaign.reasons == [assay_model::Reason::UaSpoofed];
        needs.native |= spoofed && event.client_hints.is_some();
        let reasons = if seen { campaign.reasons } else { &[] };
        self.labelled(event, now_us, reasons, needs)
    }

    fn labelled(
        &self,
        mut event: SimEvent,
        now_us: i64,
        expected: &'static [assay_model::Reason],
        needs: Needs,
    ) -> Labelled {
        event.at = self.time(now_us);
        Labelled {
            at: event.at,
            truth: event.truth,
            campaign: event.campaign,
            expected,
            needs,
            event,
        }
    }

    fn time(&self, now_us: i64) -> Timestamp {
        self.options.start.plus_ms(now_us / 1000)
    }
}

impl Iterator for Simulator {
    type Item = Labelled;

    fn next(&mut self) -> Option<Labelled> {
        if self.options.events.is_some_and(|most| self.done >= most) {
            return None;
        }
        self.done += 1;
        let (at_us, task) = self.agenda.next()?;
        Some(match task {
            Task::Person => {
                self.plan_person(at_us);
                let at = self.time(at_us);
                let event = self.people.event(&mut self.rng, at);
                debug_assert_eq!(event.campaign, PEOPLE);
                self.labelled(event, at_us, &[], Needs::default())
            }
            Task::Start(campaign) => self.start(campaign, at_us),
            Task::Act(run) => self.act(run, at_us),
        })
    }
}
