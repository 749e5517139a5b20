//! Events to test with: every kind, several accounts, late ones, test ones, few and many values.

use std::sync::Arc;

use assay_model::facts::{Country, IpFacts, NetworkClass, UaFacts, UaKind};
use assay_model::hit::{EventKind, Field, Hit};
use assay_model::reason::{Class, Reason, Risk};
use assay_model::testing::NOW;
use assay_model::verdict::{RuleRef, Verdict, Weighing};
use assay_model::{
    AccountId, Action, EventId, EventIds, EventRecord, Facts, Finding, IntegrationId, Recall,
    Timestamp,
};
use smallvec::SmallVec;

/// Accounts that sample events are of.
pub const ACCOUNTS: [AccountId; 3] = [AccountId(1), AccountId(2), AccountId(900_000)];

/// Makes sample events of one lane: the same seed, the same events.
#[derive(Debug)]
pub struct Sample {
    state: u64,
    ids: EventIds,
    now: Timestamp,
    step_ms: u64,
    late: bool,
}

impl Sample {
    /// Events of `lane` from [`NOW`] on, up to `step_ms` apart.
    #[must_use]
    pub fn new(lane: u8, seed: u64, step_ms: u64) -> Self {
        Self {
            state: seed,
            ids: EventIds::after(1, lane, None),
            now: NOW,
            step_ms,
            late: true,
        }
    }

    /// Only events that come in when they happen.
    #[must_use]
    pub fn on_time(mut self) -> Self {
        self.late = false;
        self
    }

    /// When the last event came in.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The next event's record.
    pub fn record(&mut self) -> Vec<u8> {
        self.now = self.now.plus_ms(self.below(self.step_ms + 1) as i64);
        let id = self.ids.next(self.now);
        let texts = Texts::of(self);
        let mut bytes = Vec::with_capacity(512);
        self.event(id, &texts).encode(&mut bytes);
        bytes
    }

    /// The next events' records.
    pub fn records(&mut self, count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|_| self.record()).collect()
    }

    /// A number below `n`; small ones are as likely as large ones.
    fn below(&mut self, n: u64) -> u64 {
        // SplitMix64, Steele et al. 2014.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n.max(1)
    }

    /// A number below `n`; small ones are more likely, as publishers and networks are.
    fn skewed(&mut self, n: u64) -> u64 {
        let narrow = self.below(n) + 1;
        self.below(narrow)
    }

    fn event<'a>(&mut self, id: EventId, texts: &'a Texts) -> EventRecord<'a> {
        let mut facts = Facts::bare(self.hit(texts));
        facts.ip = facts.hit.ip.map(|ip| self.ip(ip, texts));
        facts.ua = self.ua();
        let verdict = self.verdict();
        let destination = (verdict.action == Action::Approved).then_some(texts.url.as_str());
        EventRecord {
            event_id: id,
            facts,
            recall: Recall::default(),
            verdict,
            destination,
            detect_revision: 1,
            decision_us: self.below(40) as u32,
        }
    }

    fn hit<'a>(&mut self, texts: &'a Texts) -> Hit<'a> {
        let account = ACCOUNTS[self.skewed(3) as usize];
        let kinds = [0, 0, 0, 0, 0, 1, 2, 3, 4, 5];
        let kind = EventKind::ALL[kinds[self.below(10) as usize]];
        let integration = IntegrationId(account.0 * 10 + self.skewed(3) as u32);
        let mut hit = Hit::new(account, integration, kind, self.now);
        if self.late && self.below(20) == 0 {
            let hours = [1, 5, 26, 80][self.below(4) as usize];
            hit.time = self.now.plus_ms(-hours * 3_600_000);
        }
        hit.ip = texts.ip.parse().ok();
        for (field, text) in &texts.fields {
            hit.set(*field, Some(text));
        }
        hit
    }

    fn ip<'a>(&mut self, ip: std::net::IpAddr, texts: &'a Texts) -> IpFacts<'a> {
        let mut facts = IpFacts::unknown(ip);
        let countries = ["DE", "US", "FR", "BR", "IN", "JP"];
        facts.country = Country::parse(countries[self.skewed(6) as usize]);
        facts.asn = Some(1000 + self.skewed(300) as u32);
        facts.operator = Some(&texts.operator);
        facts.class = NetworkClass::ALL[self.skewed(NetworkClass::ALL.len() as u64) as usize];
        facts
    }

    fn ua(&mut self) -> Option<Arc<UaFacts>> {
        if self.below(10) == 0 {
            return None;
        }
        let mut ua = UaFacts::bare(UaKind::ALL[self.skewed(UaKind::ALL.len() as u64) as usize]);
        ua.browser = ["Chrome", "Safari", "Firefox"][self.skewed(3) as usize].into();
        ua.os = ["Android", "iOS", "Windows"][self.skewed(3) as usize].into();
        Some(Arc::new(ua))
    }

    fn verdict<'a>(&mut self) -> Verdict<'a> {
        let (action, class, reason, risk) = match self.below(10) {
            0 => (
                Action::Rejected,
                Class::Givt,
                Reason::DatacenterIp,
                Risk::High,
            ),
            1 => (
                Action::Rejected,
                Class::Sivt,
                Reason::ClickFlooding,
                Risk::Medium,
            ),
            2 => (Action::Monitored, Class::Policy, Reason::Vpn, Risk::Medium),
            3 => (
                Action::OnHold,
                Class::Sivt,
                Reason::ClickFlooding,
                Risk::Medium,
            ),
            _ => (Action::Approved, Class::Valid, Reason::Clean, Risk::Clean),
        };
        let mut findings = Vec::new();
        if reason != Reason::Clean {
            findings.push(Finding::new(reason));
        }
        if self.below(50) == 0 {
            findings.push(Finding::new(Reason::TestTraffic).with("flag", "1"));
        }
        Verdict {
            risk,
            points: self.below(100) as u8,
            class,
            reason,
            findings,
            action,
            rule: RuleRef {
                id: 1 + self.skewed(3),
                version: 1,
            },
            weighing: Weighing::default(),
            degraded: None,
            checks: SmallVec::new(),
        }
    }
}

/// Texts that an event borrows.
struct Texts {
    ip: String,
    operator: String,
    url: String,
    fields: Vec<(Field, String)>,
}

impl Texts {
    fn of(sample: &mut Sample) -> Self {
        let mut fields = vec![(
            Field::UserAgent,
            format!(
                "Mozilla/5.0 (Linux; Android {}) Chrome/120",
                sample.skewed(14)
            ),
        )];
        let few = [
            (Field::Advertiser, "adv", 5),
            (Field::Offer, "offer", 20),
            (Field::Publisher, "pub", 200),
            (Field::SubId, "s", 3000),
            (Field::Referer, "https://Site", 50),
        ];
        for (field, name, count) in few {
            if sample.below(8) > 0 {
                fields.push((field, format!("{name}{}", sample.skewed(count))));
            }
        }
        if sample.below(2) == 0 {
            let unique = sample.below(u64::MAX);
            fields.push((Field::ExternalTransactionId, format!("tx-{unique:016x}")));
        }
        let (a, b) = (sample.skewed(200), sample.skewed(250));
        Self {
            ip: format!("81.2.{a}.{b}"),
            operator: format!("Operator {}", sample.skewed(100)),
            url: format!("https://shop.example/?cid={}", sample.below(u64::MAX)),
            fields,
        }
    }
}
