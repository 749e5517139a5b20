//! The traffic of the benchmarks: people on real kinds of browsers and networks, and some
//! that are not people. The same seed gives the same events.
//!
//! Nine visitors of ten are people. A visitor keeps address, user agent and device; the
//! events of the mix are spread over all visitors, so counters have as many keys as in life.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One event under the S2S dialect's names; an empty text is not given.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// `cid`
    pub id: String,
    /// `ip`
    pub ip: Option<IpAddr>,
    /// `s1`
    pub publisher: String,
    /// `s2`
    pub sub_id: String,
    /// `s3`, of web events
    pub referer: String,
    /// `s4`, of app events
    pub bundle_id: String,
    /// `s5`, of app events
    pub app_version: String,
    /// `s6`
    pub user_agent: String,
    /// `s8`
    pub xff: String,
    /// `s10`
    pub gaid: String,
    /// `s11`
    pub idfa: String,
}

/// Who sends events.
#[derive(Clone, Debug)]
struct Visitor {
    ip: IpAddr,
    user_agent: String,
    app: Option<Platform>,
    device: u128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Platform {
    Android,
    Ios,
    Desktop,
}

/// A small generator of random numbers: the benchmarks need no better one.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A sequence that is fixed by its seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `end`.
    pub const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }
}

/// Ranges of access networks: first address and prefix length.
const ACCESS: [([u8; 4], u32); 10] = [
    ([73, 0, 0, 0], 8),
    ([86, 128, 0, 0], 11),
    ([91, 0, 0, 0], 11),
    ([126, 0, 0, 0], 8),
    ([187, 64, 0, 0], 12),
    ([49, 36, 0, 0], 14),
    ([92, 184, 0, 0], 15),
    ([100, 128, 0, 0], 9),
    ([82, 0, 0, 0], 11),
    ([189, 128, 0, 0], 11),
];

/// Ranges of hosting networks.
const HOSTING: [([u8; 4], u32); 6] = [
    ([52, 0, 0, 0], 11),
    ([34, 64, 0, 0], 10),
    ([159, 65, 0, 0], 16),
    ([95, 216, 0, 0], 15),
    ([51, 68, 0, 0], 16),
    ([20, 40, 0, 0], 13),
];

const PAGES: [&str; 6] = [
    "https://news.example/world/2026/politics-and-economy",
    "https://shop.example/deals?id=",
    "https://video.example/watch/",
    "https://www.search.example/",
    "https://forum.example/t/how-to-choose-a-phone/",
    "https://games.example/play/",
];

const BUNDLES: [&str; 5] = [
    "com.example.weather",
    "com.example.games.blocks",
    "org.example.reader",
    "com.example.messenger",
    "net.example.music",
];

const PHONES: [&str; 12] = [
    "SM-S918B",
    "SM-A546E",
    "SM-G991U",
    "Pixel 8",
    "Pixel 7a",
    "CPH2581",
    "22101316G",
    "M2101K6G",
    "V2250",
    "moto g84 5G",
    "RMX3771",
    "SM-A155F",
];

const PROGRAMS: [&str; 8] = [
    "curl/8.5.0",
    "python-requests/2.31.0",
    "Go-http-client/1.1",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36",
    "Scrapy/2.11.1 (+https://scrapy.org)",
    "Java/17.0.9",
];

/// Makes `count` events of about half as many visitors.
pub fn events(count: usize, seed: u64) -> Vec<Event> {
    let mut random = Random::new(seed);
    let visitors: Vec<Visitor> = (0..(count / 2).max(1))
        .map(|_| visitor(&mut random))
        .collect();
    (0..count)
        .map(|number| {
            let visitor = &visitors[random.below(visitors.len() as u64) as usize];
            event(visitor, number, &mut random)
        })
        .collect()
}

fn visitor(random: &mut Random) -> Visitor {
    let person = random.below(10) != 0;
    let platform = random.of(&[Platform::Android, Platform::Ios, Platform::Desktop]);
    let program = !person && random.below(2) == 0;
    Visitor {
        ip: address(random, if person { &ACCESS } else { &HOSTING }),
        user_agent: if program {
            random.of(&PROGRAMS).to_owned()
        } else {
            browser(platform, random)
        },
        app: (platform != Platform::Desktop && random.below(2) == 0).then_some(platform),
        device: u128::from(random.next()) << 64 | u128::from(random.next()),
    }
}

fn address(random: &mut Random, ranges: &[([u8; 4], u32)]) -> IpAddr {
    if random.below(8) == 0 {
        let low = random.next();
        let block = random.below(1 << 24) as u32;
        return Ipv6Addr::from_bits(
            0x2a02_8100_u128 << 96 | u128::from(block) << 64 | u128::from(low),
        )
        .into();
    }
    let (base, bits) = random.of(ranges);
    let host = random.next() as u32 & (u32::MAX >> bits);
    Ipv4Addr::from_bits(u32::from_be_bytes(base) | host).into()
}

fn browser(platform: Platform, random: &mut Random) -> String {
    let chrome = 118 + random.below(26);
    let build = random.below(4) * 37 + 6000;
    match (platform, random.below(4)) {
        (Platform::Android, 0) => format!(
            "Mozilla/5.0 (Linux; Android {}; {} Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/{chrome}.0.{build}.113 Mobile Safari/537.36",
            11 + random.below(5),
            random.of(&PHONES),
        ),
        (Platform::Android, _) => format!(
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome}.0.0.0 Mobile Safari/537.36"
        ),
        (Platform::Ios, minor) => format!(
            "Mozilla/5.0 (iPhone; CPU iPhone OS {major}_{minor} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{major}.{minor} Mobile/15E148 Safari/604.1",
            major = 15 + random.below(4),
        ),
        (Platform::Desktop, 0) => {
            let version = 115 + random.below(25);
            format!(
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
            )
        }
        (Platform::Desktop, 1) => format!(
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{} Safari/605.1.15",
            random.below(7)
        ),
        (Platform::Desktop, _) => format!(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome}.0.0.0 Safari/537.36"
        ),
    }
}

fn event(visitor: &Visitor, number: usize, random: &mut Random) -> Event {
    // Few publishers send most of the traffic.
    let publisher = random.below(300) * random.below(300) / 300;
    let mut event = Event {
        id: format!("c{number:07}-{:012x}", random.below(1 << 48)),
        publisher: format!("{}", 10_000 + publisher),
        sub_id: format!("{publisher}-{}", random.below(20)),
        user_agent: visitor.user_agent.clone(),
        ip: Some(visitor.ip),
        ..Event::default()
    };
    if random.below(3) == 0 {
        event.xff = visitor.ip.to_string();
    }
    match visitor.app {
        None => event.referer = format!("{}{}", random.of(&PAGES), random.below(5000)),
        Some(platform) => {
            random.of(&BUNDLES).clone_into(&mut event.bundle_id);
            event.app_version = format!("{}.{}.0", 1 + random.below(9), random.below(20));
            match platform {
                Platform::Ios => event.idfa = uuid(visitor.device).to_uppercase(),
                Platform::Android | Platform::Desktop => event.gaid = uuid(visitor.device),
            }
        }
    }
    event
}

fn uuid(bits: u128) -> String {
    // Version 4, variant 1.
    let bits = bits & !(0xf << 76) | 4 << 76;
    let bits = bits & !(3 << 62) | 2 << 62;
    let hex = format!("{bits:032x}");
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}
