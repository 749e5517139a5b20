//! Countries, devices and offers: what everybody's traffic is made of.

use super::rng::Rng;

pub struct Country {
    pub code: &'static str,
    pub language: &'static str,
    /// Minutes ahead of UTC, with the part of the people who live there.
    pub zones: &'static [(i64, f64)],
    /// Part of the people on Apple's telephones.
    pub apple: f64,
}

const fn country(
    code: &'static str,
    language: &'static str,
    zones: &'static [(i64, f64)],
    apple: f64,
) -> Country {
    Country {
        code,
        language,
        zones,
        apple,
    }
}

pub const COUNTRIES: &[Country] = &[
    country(
        "US",
        "en",
        &[(-300, 0.48), (-360, 0.29), (-420, 0.06), (-480, 0.17)],
        0.55,
    ),
    country("DE", "de", &[(60, 1.0)], 0.36),
    country("FR", "fr", &[(60, 1.0)], 0.35),
    country("GB", "en", &[(0, 1.0)], 0.5),
    country("BR", "pt", &[(-180, 0.92), (-240, 0.08)], 0.18),
    country("IN", "en", &[(330, 1.0)], 0.05),
    country("ID", "id", &[(420, 0.8), (480, 0.2)], 0.12),
    country("MX", "es", &[(-360, 0.9), (-420, 0.1)], 0.24),
    country("ES", "es", &[(60, 1.0)], 0.25),
    country("IT", "it", &[(60, 1.0)], 0.3),
    country("PL", "pl", &[(60, 1.0)], 0.15),
    country("TR", "tr", &[(180, 1.0)], 0.2),
    country("JP", "ja", &[(540, 1.0)], 0.6),
    country("VN", "vi", &[(420, 1.0)], 0.3),
    country("NG", "en", &[(60, 1.0)], 0.08),
    country("CA", "en", &[(-300, 0.6), (-360, 0.15), (-480, 0.25)], 0.55),
];

pub const LANGUAGES: &[&str] = &[
    "en", "de", "fr", "pt", "id", "es", "it", "pl", "tr", "ja", "vi", "ru", "ar", "hi",
];

/// Android models, the most common first; Apple's user agents name none.
pub const MODELS: usize = 160;

pub const ANDROID: u8 = 0;
pub const IOS: u8 = 1;
pub const WINDOWS: u8 = 2;

/// Android versions 7 to 15 and iOS versions 14 to 18, by share.
pub const ANDROID_VERSIONS: [(u8, f64); 9] = [
    (7, 0.01),
    (8, 0.02),
    (9, 0.04),
    (10, 0.08),
    (11, 0.13),
    (12, 0.13),
    (13, 0.2),
    (14, 0.27),
    (15, 0.12),
];
pub const IOS_VERSIONS: [(u8, f64); 5] =
    [(14, 0.01), (15, 0.04), (16, 0.11), (17, 0.3), (18, 0.54)];

/// Part of a day's people by local hour.
pub const HOURS: [f64; 24] = [
    2.2, 1.3, 0.8, 0.6, 0.6, 0.9, 1.8, 3.2, 4.2, 4.6, 4.8, 5.0, 5.4, 5.2, 5.0, 5.1, 5.3, 5.6, 6.1,
    6.8, 7.3, 7.2, 6.0, 4.2,
];

/// How common each model is in a country.
pub fn models_of(country: usize) -> Vec<f64> {
    let mut rng = Rng::new(0x0de1 + country as u64);
    (0..MODELS)
        .map(|rank| rng.log_normal(1.0, 0.8) / (rank as f64 + 3.0))
        .collect()
}

pub struct Offer {
    pub name: String,
    /// Apps carry advertising ids, pages do not.
    pub app: bool,
    /// Median time from click to conversion, and its spread on the logarithm.
    pub ctit_s: f64,
    pub ctit_sigma: f64,
    /// Part of the conversions that come a day or more later.
    pub late: f64,
    pub cr: f64,
    pub countries: Vec<usize>,
    /// Part of the conversions that the advertiser rejects.
    pub rejected: f64,
}

impl Offer {
    pub fn draw(rng: &mut Rng, number: usize) -> Self {
        let app = rng.chance(0.6);
        let countries = (0..3 + rng.below(4))
            .map(|_| rng.below(COUNTRIES.len()))
            .collect();
        Self {
            name: format!("offer-{number}"),
            app,
            ctit_s: rng
                .log_normal(if app { 240.0 } else { 420.0 }, 0.8)
                .clamp(60.0, 14_400.0),
            ctit_sigma: rng.between(0.9, 1.4),
            late: rng.between(0.05, 0.2),
            cr: rng.log_normal(0.03, 0.35).clamp(0.012, 0.08),
            countries,
            rejected: rng.between(0.02, 0.15),
        }
    }
}
