//! Campaigns that contradict themselves: user agent, place, chain or device id.

use super::super::agents as clients;
use super::super::event::SimEvent;
use super::super::networks::{self, Access};
use super::super::rng::Rng;
use super::{inconspicuous, inconspicuous_app};

/// A user agent that its hints, its app, its advertising id or its own text deny.
pub fn spoofed_ua(rng: &mut Rng) -> SimEvent {
    match rng.below(6) {
        0 => wrong_hints(rng),
        1 | 2 => {
            // An App Store id, and an Android telephone.
            let mut event = inconspicuous_app(rng);
            event.bundle_id = Some("1450012345".to_owned());
            event
        }
        3 => {
            let mut event = inconspicuous_app(rng);
            event.idfa = event.gaid.take().map(|id| id.to_ascii_uppercase());
            event
        }
        4 => {
            let mut event = inconspicuous_app(rng);
            event.user_agent = Some(clients::app_ios(rng).user_agent);
            event
        }
        _ => impossible(rng),
    }
}

/// Only the hints say it: the native door carries them, `/ic3.php` does not.
fn wrong_hints(rng: &mut Rng) -> SimEvent {
    let mut event = inconspicuous(rng);
    let v = rng.between(150, 157) as u32;
    let (client, hints) = match rng.below(3) {
        0 => (
            clients::chrome_android(rng),
            clients::hints("Google Chrome", v, "Linux", false),
        ),
        1 => (
            clients::chrome_desktop(rng),
            clients::hints("Google Chrome", v, "Android", true),
        ),
        _ => {
            let ua = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36";
            let client = clients::Client {
                user_agent: ua.to_owned(),
                ..clients::chrome_desktop(rng)
            };
            (client, clients::hints("Google Chrome", v, "Windows", false))
        }
    };
    event.user_agent = Some(client.user_agent);
    event.client_hints = Some(hints);
    event
}

fn impossible(rng: &mut Rng) -> SimEvent {
    let mut event = inconspicuous(rng);
    event.client_hints = None;
    let big = rng.between(500, 4000);
    event.user_agent = Some(match rng.below(4) {
        0 => format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{big}.0.0.0 Safari/537.36"),
        1 => format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/155.0.0.{big} Safari/537.36"),
        2 => "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:121.0) Gecko/20100101 Firefox/157.0".to_owned(),
        _ => "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/605.1.15 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36".to_owned(),
    });
    event
}

/// A chain that does not lead to the address.
pub fn forged_chain(rng: &mut Rng) -> SimEvent {
    let mut event = inconspicuous(rng);
    let stranger = |rng: &mut Rng| {
        let network = networks::of_access(rng, Access::Line);
        networks::inside(rng, network.block).to_string()
    };
    event.xff = Some(match rng.below(4) {
        0 => "127.0.0.1.1, unknown-host".to_owned(),
        1 => (0..rng.between(9, 14))
            .map(|_| stranger(rng))
            .collect::<Vec<_>>()
            .join(", "),
        _ => format!("{}, {}", stranger(rng), stranger(rng)),
    });
    event
}

/// Declared for a country that pays better than the one it comes from.
pub fn elsewhere(rng: &mut Rng) -> SimEvent {
    let mut event = inconspicuous(rng);
    let network = loop {
        let network = networks::of_access(rng, Access::Line);
        if !matches!(network.country, "US" | "GB" | "DE") {
            break network;
        }
    };
    event.ip = Some(networks::inside(rng, network.block));
    let (country, city) = *rng.pick(&[("US", "Dallas"), ("GB", "Leeds"), ("DE", "Hamburg")]);
    event.geo_country = Some(country.to_owned());
    event.geo_city = Some(city.to_owned());
    event
}

/// Ids that no device has.
pub fn bad_device_id(rng: &mut Rng) -> SimEvent {
    let mut event = inconspicuous_app(rng);
    let digit = *rng.pick(&["1", "7", "a", "f"]);
    event.gaid = Some(match rng.below(6) {
        0 => format!("device-{}", rng.hex(6)),
        1 => [8, 4, 4, 4, 12].map(|len| digit.repeat(len)).join("-"),
        2 => "12345678-1234-1234-1234-123456789012".to_owned(),
        3 => rng.hex(27),
        4 => "d41d8cd98f00b204e9800998ecf8427e".to_owned(),
        _ => format!("{}-zzzz", rng.uuid()),
    });
    event
}
