//! Events: an honest publisher's days, and what a campaign makes of them.

use super::market::Offer;
use super::person::{Crowd, Device, Who};
use super::rng::Rng;

pub const DAY_MS: i64 = 86_400_000;

#[derive(Clone, Copy)]
pub struct Event {
    pub at_ms: i64,
    pub publisher: u32,
    pub offer: u8,
    pub sub_id: u8,
    pub who: Who,
    /// Of a conversion: time since its click, and whether the advertiser rejected it.
    pub conversion: Option<(i64, bool)>,
}

/// A publisher on one offer.
pub struct Placement {
    pub publisher: u32,
    pub offer: u8,
    pub sub_ids: u8,
    pub crowd: Crowd,
    pub cr: f64,
    pub ctit_factor: f64,
    pub ctit_sigma: f64,
    pub late: f64,
    pub rejected: f64,
}

impl Placement {
    /// People of this publisher on this offer: alike to others', and never the same.
    pub fn draw(rng: &mut Rng, publisher: u32, offer: u8, of: &Offer) -> Self {
        Self {
            publisher,
            offer,
            sub_ids: 1 + rng.below(4) as u8,
            crowd: Crowd::draw(rng, of),
            cr: of.cr * rng.log_normal(1.0, 0.3),
            ctit_factor: rng.log_normal(1.0, 0.3),
            ctit_sigma: of.ctit_sigma * rng.between(0.85, 1.2),
            late: of.late * rng.between(0.7, 1.5),
            rejected: (of.rejected * rng.log_normal(1.0, 0.5)).min(0.4),
        }
    }

    pub fn ctit_ms(&self, rng: &mut Rng, offer: &Offer) -> i64 {
        let seconds = if rng.chance(self.late) {
            rng.log_normal(86_400.0, 1.0)
        } else {
            rng.log_normal(offer.ctit_s * self.ctit_factor, self.ctit_sigma)
        };
        (seconds.clamp(5.0, 20.0 * 86_400.0) * 1000.0) as i64
    }

    pub fn click(&mut self, rng: &mut Rng, day_ms: i64) -> Event {
        let who = self.crowd.who(rng);
        Event {
            at_ms: self.crowd.moment(rng, day_ms, who.zone_min),
            publisher: self.publisher,
            offer: self.offer,
            sub_id: rng.below(usize::from(self.sub_ids)) as u8,
            who,
            conversion: None,
        }
    }

    /// One click, with its conversion if it leads to one.
    pub fn visit(&mut self, rng: &mut Rng, offer: &Offer, day_ms: i64, out: &mut Vec<Event>) {
        let click = self.click(rng, day_ms);
        out.push(click);
        if rng.chance(self.cr) {
            out.push(self.converted(rng, offer, click));
        }
    }

    pub fn converted(&self, rng: &mut Rng, offer: &Offer, click: Event) -> Event {
        let ctit_ms = self.ctit_ms(rng, offer);
        Event {
            at_ms: click.at_ms + ctit_ms,
            conversion: Some((ctit_ms, rng.chance(self.rejected))),
            ..click
        }
    }
}

/// The kinds of fraud that show in a source and not in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    ClickSpam,
    SdkSpoofing,
    ShortTimes,
    FewModels,
    OldDevices,
    NewDevices,
    Night,
    Vpn,
    HighCr,
    LowCr,
    RejectedLeads,
    FewAddresses,
}

impl Kind {
    pub const ALL: [Self; 12] = [
        Self::ClickSpam,
        Self::SdkSpoofing,
        Self::ShortTimes,
        Self::FewModels,
        Self::OldDevices,
        Self::NewDevices,
        Self::Night,
        Self::Vpn,
        Self::HighCr,
        Self::LowCr,
        Self::RejectedLeads,
        Self::FewAddresses,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::ClickSpam => "click spam, late flat times",
            Self::SdkSpoofing => "spoofed SDK, times alike",
            Self::ShortTimes => "farm, short times",
            Self::FewModels => "farm, few models",
            Self::OldDevices => "farm, old devices",
            Self::NewDevices => "farm, ids reset or hidden",
            Self::Night => "bot at night",
            Self::Vpn => "VPN-heavy",
            Self::HighCr => "incentivised, high rate",
            Self::LowCr => "junk, low rate",
            Self::RejectedLeads => "leads that are rejected",
            Self::FewAddresses => "few addresses",
        }
    }

    /// Whether its volume is given in clicks; else in conversions.
    pub const fn by_clicks(self) -> bool {
        matches!(
            self,
            Self::OldDevices | Self::Night | Self::Vpn | Self::HighCr | Self::LowCr
        )
    }
}

/// How one campaign of a kind goes about it; drawn, and not from any limit of ours.
pub struct Fraud {
    pub kind: Kind,
    /// A time, a share or a rate, as the kind needs.
    a: f64,
    b: f64,
    few: Vec<u32>,
}

impl Fraud {
    pub fn draw(rng: &mut Rng, kind: Kind) -> Self {
        let (a, b) = match kind {
            // Longest time until somebody sprayed converts anyway.
            Kind::ClickSpam => (rng.log_between(1.5, 20.0) * 86_400.0, 0.0),
            // When the program reports, and how much it varies.
            Kind::SdkSpoofing => (rng.log_between(20.0, 14_400.0), rng.between(0.02, 0.25)),
            Kind::ShortTimes => (rng.log_between(8.0, 45.0), rng.between(0.25, 0.6)),
            // Newest version of the rack.
            Kind::OldDevices => (rng.between(5.0, 8.0), rng.between(0.0, 0.15)),
            // Part that hides its id; the others reset it.
            Kind::NewDevices => (rng.unit(), 0.0),
            // Start by the visitor's clock, and length in hours.
            Kind::Night => (rng.between(-2.5, 2.5), rng.between(2.5, 7.0)),
            Kind::Vpn => (rng.between(0.8, 1.0), 0.0),
            Kind::HighCr => (rng.log_between(0.25, 0.9), 0.0),
            Kind::LowCr => (rng.log_between(0.000_05, 0.001_5), 0.0),
            Kind::RejectedLeads => (rng.between(0.7, 1.0), 0.0),
            Kind::FewModels | Kind::FewAddresses => (0.0, 0.0),
        };
        let few = match kind {
            Kind::FewModels => rng.log_between(1.0, 9.0) as usize,
            Kind::FewAddresses => rng.log_between(1.0, 25.0) as usize,
            _ => 0,
        };
        let few = (0..few).map(|_| rng.next() as u32 >> 8).collect();
        Self { kind, a, b, few }
    }

    pub fn cr(&self, honest: f64) -> f64 {
        match self.kind {
            Kind::HighCr | Kind::LowCr => self.a,
            _ => honest,
        }
    }

    /// Makes an honest click, or conversion, one of the campaign.
    pub fn taint(&self, rng: &mut Rng, event: &mut Event) {
        let who = &mut event.who;
        match self.kind {
            Kind::ClickSpam => set_ctit(event, rng.unit() * self.a),
            Kind::SdkSpoofing => set_ctit(event, rng.log_normal(self.a, self.b)),
            Kind::ShortTimes => set_ctit(event, rng.log_normal(self.a, self.b).max(2.0)),
            Kind::FewModels => {
                who.os = super::market::ANDROID;
                who.model = (self.few[rng.below(self.few.len())] % 160) as u16;
            }
            Kind::OldDevices => {
                if !rng.chance(self.b) {
                    who.os = super::market::ANDROID;
                    who.os_version = rng.between(4.0, self.a) as u8;
                    who.browser_version = 35 + rng.below(45) as u16;
                }
            }
            Kind::NewDevices => {
                let hidden = rng.chance(self.a);
                who.device = if hidden {
                    Device::Limited
                } else {
                    Device::Id(rng.next())
                };
            }
            Kind::Night => {
                let local = ((self.a + rng.unit() * self.b) * 3_600_000.0) as i64;
                let day = event.at_ms.div_euclid(DAY_MS) * DAY_MS;
                event.at_ms = day + (local - who.zone_min * 60_000).rem_euclid(DAY_MS);
            }
            Kind::Vpn => who.vpn = rng.chance(self.a),
            Kind::FewAddresses => {
                who.subnet = (30 << 18) + self.few[rng.below(self.few.len())] % (1 << 18);
                who.mobile = false;
            }
            Kind::RejectedLeads => {
                if let Some((_, rejected)) = &mut event.conversion {
                    *rejected = rng.chance(self.a);
                }
            }
            Kind::HighCr | Kind::LowCr => {}
        }
    }
}

/// The conversion stays where it is: a campaign's clicks began before the week looked at.
fn set_ctit(event: &mut Event, seconds: f64) {
    if let Some((ctit_ms, _)) = &mut event.conversion {
        *ctit_ms = (seconds * 1000.0) as i64;
    }
}
