//! Server-side request forgery: however an inside address is written, named, redirected to or
//! rebound, a listener inside sees no connection.

use std::collections::BTreeSet;

use assay_model::template::{UrlTemplate, Values};

use super::corpus::{HOSTS, URLS};
use super::*;

struct NoValues;

impl Values for NoValues {
    fn value(&self, _: &str) -> Option<std::borrow::Cow<'_, str>> {
        Some("127.0.0.1".into())
    }
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

/// Names that lead inside, in whole or in part.
fn names() -> Arc<Names> {
    let inside: &[&[&str]] = &[&["127.0.0.1", "::1"]];
    Names::of(&[
        ("localhost", inside),
        ("localhost.", inside),
        ("localhost.localdomain", inside),
        ("ip6-localhost", &[&["::1"]]),
        ("ip6-loopback", &[&["::1"]]),
        ("foo.localhost", inside),
        ("loopback.example", inside),
        ("private.example", &[&["10.0.0.1"]]),
        ("metadata.google.internal", &[&["169.254.169.254"]]),
        ("metadata", &[&["169.254.169.254"]]),
        ("instance-data", &[&["169.254.169.254"]]),
        ("kubernetes.default.svc", &[&["10.96.0.1"]]),
        ("mixed.example", &[&[OUTSIDE, "127.0.0.1"]]),
        ("mixed-v6.example", &[&[OUTSIDE, "::1"]]),
        ("mapped.example", &[&["::ffff:127.0.0.1"]]),
        ("nat64.example", &[&["64:ff9b::7f00:1"]]),
        ("metadata.example", &[&["fd00:ec2::254"]]),
        ("zero.example", &[&["0.0.0.0"]]),
        ("127.0.0.1.nip.example", inside),
        (
            "many.example",
            &[&[OUTSIDE, OUTSIDE, OUTSIDE, OUTSIDE, "127.0.0.1"]],
        ),
        ("partner.example", &[&[OUTSIDE]]),
        ("rebinding.example", &[&[OUTSIDE], &["127.0.0.1"]]),
    ])
}

/// A listener inside, on both loopbacks where there are two, and one outside, at one port.
struct Place {
    canaries: Vec<Listener>,
    outside: Listener,
}

impl Place {
    async fn with(answer: &'static [u8]) -> Self {
        let canary = Listener::at("127.0.0.1", 0, OK).await;
        let port = canary.port;
        let mut canaries = vec![canary];
        if let Ok(second) = TcpListener::bind(("::1", port)).await {
            canaries.push(Listener::on(second, OK));
        }
        Self {
            canaries,
            outside: Listener::at(OUTSIDE, port, answer).await,
        }
    }

    fn port(&self) -> u16 {
        self.outside.port
    }

    fn reached_inside(&self) -> u32 {
        self.canaries.iter().map(Listener::connections).sum()
    }
}

/// A URL as a saved definition would be called; `Err` = refused when it is saved.
async fn call(caller: &Caller, url: &str) -> Result<Result<Reply, String>, String> {
    let template = UrlTemplate::parse(url)?;
    Ok(get(caller, &template.expand(&NoValues)).await)
}

#[tokio::test]
async fn nothing_inside_is_reached() {
    let place = Place::with(OK).await;
    let port = place.port().to_string();
    let mut urls: BTreeSet<String> = URLS.iter().map(|url| url.replace("PORT", &port)).collect();
    for host in HOSTS {
        urls.insert(format!("http://{host}:{port}/pb?x=1"));
        urls.insert(format!("https://{host}:{port}/"));
    }
    assert!(urls.len() >= 200, "{}", urls.len());
    let caller = caller(names(), &[place.port()], LIMITS);
    let (mut refused, mut stopped) = (0, 0);
    for url in &urls {
        match call(&caller, url).await {
            Err(_) => refused += 1,
            Ok(Err(why)) => {
                let known = [
                    "is inside",
                    "not resolved",
                    "not among the ports",
                    "invalid",
                ];
                assert!(known.iter().any(|k| why.contains(k)), "{url}: {why}");
                stopped += 1;
            }
            Ok(Ok(reply)) => panic!("{url} was called: {reply:?}"),
        }
        assert_eq!(place.reached_inside(), 0, "{url}");
    }
    assert!(
        refused > 40 && stopped > 150,
        "{refused} refused, {stopped} stopped"
    );
    assert_eq!(place.outside.connections(), 0);
    // The canary does hear, and the caller does call: else all of this says nothing.
    let reply = call(&caller, &format!("http://partner.example:{port}/")).await;
    assert_eq!(reply.unwrap().unwrap().status, 200);
    TcpStream::connect(("127.0.0.1", place.port()))
        .await
        .unwrap();
    while place.reached_inside() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_name_that_changes_its_address_reaches_nothing_inside() {
    let place = Place::with(OK).await;
    let caller = caller(names(), &[place.port()], LIMITS);
    let url = format!("http://rebinding.example:{}/", place.port());
    let mut answered = 0;
    for _ in 0..1000 {
        answered += u32::from(get(&caller, &url).await.is_ok());
    }
    assert_eq!((answered, place.outside.connections()), (500, 500));
    assert_eq!(place.reached_inside(), 0);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        for target in [
            "http://127.0.0.1:1/",
            "http://localhost/",
            "//169.254.169.254/",
            "/next",
        ] {
            let answer = format!(
                "HTTP/1.1 {status} Moved\r\nlocation: {target}\r\nrefresh: 0; url={target}\r\n\
                 content-length: 0\r\nconnection: close\r\n\r\n"
            );
            let place = Place::with(answer.leak().as_bytes()).await;
            let caller = caller(names(), &[place.port()], LIMITS);
            let url = format!("http://partner.example:{}/", place.port());
            assert_eq!(get(&caller, &url).await.unwrap().status, status);
            assert_eq!(place.outside.connections(), 1);
            assert_eq!(place.reached_inside(), 0);
        }
    }
}
