//! A visitor, and a publisher's own mix of them.

use super::market::{
    ANDROID, ANDROID_VERSIONS, COUNTRIES, HOURS, IOS, IOS_VERSIONS, LANGUAGES, MODELS, Offer,
    WINDOWS, models_of,
};
use super::rng::Rng;

#[derive(Clone, Copy)]
pub enum Device {
    None,
    Limited,
    Id(u64),
}

#[derive(Clone, Copy)]
pub struct Who {
    pub country: u8,
    pub zone_min: i64,
    pub os: u8,
    pub os_version: u8,
    pub model: u16,
    pub browser_version: u16,
    pub language: &'static str,
    /// What intelligence says of the line: a carrier's, which many share.
    pub mobile: bool,
    pub subnet: u32,
    pub host: u8,
    pub vpn: bool,
    pub device: Device,
}

/// A publisher's people: drawn once, and different from every other's.
pub struct Crowd {
    countries: Vec<(usize, f64)>,
    models: Vec<Vec<f64>>,
    android_versions: Vec<f64>,
    ios_versions: Vec<f64>,
    hours: Vec<f64>,
    apple: f64,
    desktop: f64,
    on_mobile: f64,
    vpn: f64,
    english: f64,
    limited: [f64; 2],
    returning: f64,
    hotspot: Option<(u32, f64)>,
    app: bool,
    pool: Vec<(u8, Device)>,
}

/// Devices that a publisher's people may come back with.
const POOL: usize = 3000;

impl Crowd {
    pub fn draw(rng: &mut Rng, offer: &Offer) -> Self {
        let mut countries: Vec<(usize, f64)> = offer
            .countries
            .iter()
            .map(|country| (*country, rng.log_normal(1.0, 1.2)))
            .collect();
        if rng.chance(0.3) {
            countries.truncate(1);
        }
        let models = COUNTRIES.iter().enumerate().map(|(country, _)| {
            let base = models_of(country).into_iter();
            base.map(|weight| weight * rng.log_normal(1.0, 0.5))
                .collect()
        });
        let models = models.collect();
        let mut versions = |table: &[(u8, f64)]| -> Vec<f64> {
            let own = |(_, share): &(u8, f64)| share * rng.log_normal(1.0, 0.3);
            table.iter().map(own).collect()
        };
        let (android_versions, ios_versions) =
            (versions(&ANDROID_VERSIONS), versions(&IOS_VERSIONS));
        let shift = rng.between(-1.5, 1.5);
        let hours = (0..24)
            .map(|hour| {
                let from = (f64::from(hour) + shift).rem_euclid(24.0);
                let (low, part) = (from as usize, from.fract());
                let base = HOURS[low] * (1.0 - part) + HOURS[(low + 1) % 24] * part;
                base * rng.log_normal(1.0, 0.15)
            })
            .collect();
        Self {
            countries,
            models,
            android_versions,
            ios_versions,
            hours,
            // Some publishers are of one platform only.
            apple: match rng.below(5) {
                0 => 0.0,
                1 => 20.0,
                _ => rng.log_normal(1.0, 0.4),
            },
            desktop: if offer.app {
                0.0
            } else {
                rng.between(0.0, 0.6)
            },
            on_mobile: rng.between(0.2, 0.85),
            vpn: rng.log_normal(0.02, 0.7).min(0.2),
            english: rng.between(0.02, 0.2),
            limited: [
                rng.between(0.02, 0.1),
                (0.65 + 0.06 * rng.normal()).clamp(0.4, 0.85),
            ],
            returning: (0.45 + 0.07 * rng.normal()).clamp(0.15, 0.8),
            hotspot: rng
                .chance(0.3)
                .then(|| (rng.next() as u32 >> 8, rng.between(0.01, 0.06))),
            app: offer.app,
            pool: Vec::new(),
        }
    }

    pub fn who(&mut self, rng: &mut Rng) -> Who {
        let weights: Vec<f64> = self.countries.iter().map(|(_, weight)| *weight).collect();
        let country = self.countries[rng.weighted(&weights)].0;
        let land = &COUNTRIES[country];
        let zones: Vec<f64> = land.zones.iter().map(|(_, part)| *part).collect();
        let apple = land.apple * self.apple;
        let os = if rng.chance(self.desktop) {
            WINDOWS
        } else if rng.chance(apple / (apple + 1.0 - land.apple)) {
            IOS
        } else {
            ANDROID
        };
        let os_version = match os {
            ANDROID => ANDROID_VERSIONS[rng.weighted(&self.android_versions)].0,
            IOS => IOS_VERSIONS[rng.weighted(&self.ios_versions)].0,
            _ => 10,
        };
        let model = if os == ANDROID {
            rng.weighted(&self.models[country])
        } else {
            MODELS
        };
        let on_mobile = os != WINDOWS && rng.chance(self.on_mobile);
        let (subnet, mobile) = self.line(rng, country, on_mobile);
        let english = rng.chance(self.english);
        let odd = rng.chance(0.03);
        Who {
            country: country as u8,
            zone_min: land.zones[rng.weighted(&zones)].0,
            os,
            os_version,
            model: model as u16,
            browser_version: if rng.chance(0.03) {
                85 + rng.below(50) as u16
            } else {
                136 + rng.below(5) as u16
            },
            language: match (english, odd) {
                (true, _) => "en",
                (_, true) => LANGUAGES[rng.below(LANGUAGES.len())],
                _ => land.language,
            },
            mobile,
            subnet,
            host: rng.below(256) as u8,
            vpn: rng.chance(self.vpn),
            device: if self.app {
                self.device(rng, os)
            } else {
                Device::None
            },
        }
    }

    /// The visitor's line: at home, in the publisher's own town, or behind one of a carrier's
    /// few gateways; of every ten carriers intelligence takes one for a home line.
    fn line(&self, rng: &mut Rng, country: usize, on_mobile: bool) -> (u32, bool) {
        if let Some((subnet, share)) = self.hotspot
            && rng.chance(share)
        {
            return (subnet, false);
        }
        let base = (country as u32 + 1) << 18;
        if on_mobile {
            let carrier = rng.weighted(&[0.5, 0.3, 0.2]) as u32;
            let known = (country * 3 + carrier as usize) % 10 != 7;
            return (base + 100_000 + carrier * 100 + rng.below(24) as u32, known);
        }
        (base + (rng.unit().powf(1.5) * 4000.0) as u32, false)
    }

    fn device(&mut self, rng: &mut Rng, os: u8) -> Device {
        if rng.chance(self.limited[usize::from(os == IOS)]) {
            return Device::Limited;
        }
        if rng.chance(self.returning) && !self.pool.is_empty() {
            let known = self.pool[rng.below(self.pool.len())];
            if known.0 == os {
                return known.1;
            }
        }
        let device = Device::Id(rng.next());
        if self.pool.len() < POOL {
            self.pool.push((os, device));
        } else {
            let at = rng.below(POOL);
            self.pool[at] = (os, device);
        }
        device
    }

    /// A moment of a day (its midnight in UTC) by the visitor's own clock.
    pub fn moment(&self, rng: &mut Rng, day_ms: i64, zone_min: i64) -> i64 {
        let hour = rng.weighted(&self.hours) as i64;
        let local = hour * 3_600_000 + rng.below(3_600_000) as i64;
        day_ms + (local - zone_min * 60_000).rem_euclid(86_400_000)
    }
}
