//! The vectors of standards.md §4.1, and what holds for any value.

use std::borrow::Cow;

use ::url::Url;
use proptest::prelude::*;

use super::*;

struct Pairs<'p>(&'p [(&'p str, &'p str)]);

impl Values for Pairs<'_> {
    fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        let (_, value) = self.0.iter().find(|(own, _)| *own == name)?;
        Some(Cow::Borrowed(value))
    }
}

fn expanded(url: &str, values: &[(&str, &str)]) -> String {
    UrlTemplate::parse(url).unwrap().expand(&Pairs(values))
}

#[test]
fn values_are_encoded_exactly_once() {
    for (value, encoded) in [
        ("%2F", "%252F"),
        ("%252F", "%25252F"),
        ("a b+c", "a%20b%2Bc"),
        ("\0", "%00"),
        ("100%", "100%25"),
        ("x\r\nSet-Cookie: a=b", "x%0D%0ASet-Cookie%3A%20a%3Db"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        (
            "https://evil.example/?a=b&c=d#e",
            "https%3A%2F%2Fevil.example%2F%3Fa%3Db%26c%3Dd%23e",
        ),
        (
            "https%3A%2F%2Fx%26a%3Db",
            "https%253A%252F%252Fx%2526a%253Db",
        ),
        ("@evil.example", "%40evil.example"),
        ("\\\\evil.example", "%5C%5Cevil.example"),
        ("bücher", "b%C3%BCcher"),
        ("\u{fffd}", "%EF%BF%BD"),
        ("{publisher}", "%7Bpublisher%7D"),
        ("", ""),
    ] {
        let url = expanded(
            "https://shop.example/{x}?cid={x}&k=1#{x}",
            &[("x", value), ("publisher", "never")],
        );
        let expected = format!("https://shop.example/{encoded}?cid={encoded}&k=1#{encoded}");
        assert_eq!(url, expected, "{value:?}");
    }
    let long = "a".repeat(2000);
    assert_eq!(
        expanded("https://x.example/?c={c}", &[("c", &long)]).len(),
        21 + 2000
    );
}

#[test]
fn no_value_steps_up_the_path() {
    let values = [("x", ".."), ("y", "."), ("z", "%2e%2e"), ("w", "v1.2")];
    for (text, out) in [
        ("https://a.example/p/{x}", "https://a.example/p/"),
        ("https://a.example/p/{x}/q", "https://a.example/p//q"),
        ("https://a.example/p/{y}{y}/q", "https://a.example/p//q"),
        ("https://a.example/p/.{y}/q", "https://a.example/p/./q"),
        (
            "https://a.example/p/{z}/q",
            "https://a.example/p/%252e%252e/q",
        ),
        (
            "https://a.example/p/{w}/..?a={x}#{y}",
            "https://a.example/p/v1.2/..?a=..#.",
        ),
    ] {
        assert_eq!(expanded(text, &values), out);
        assert!(
            Url::parse(&expanded("https://a.example/p/{x}/q", &values))
                .unwrap()
                .path()
                .starts_with("/p/")
        );
    }
}

#[test]
fn an_unknown_name_is_empty() {
    assert_eq!(
        expanded("https://x.example/?a={a}&b={nothing}", &[("a", "1")]),
        "https://x.example/?a=1&b="
    );
}

#[test]
fn literals_go_out_as_browsers_would_send_them() {
    for (text, out) in [
        ("https://Shop.Example", "https://shop.example/"),
        ("HTTPS://shop.example?a=1", "https://shop.example/?a=1"),
        ("https://shop.example#top", "https://shop.example/#top"),
        ("http://shop.example:80/a", "http://shop.example/a"),
        (
            "http://shop.example:8080/%2F%zz",
            "http://shop.example:8080/%2F%25zz",
        ),
        (
            "https://bücher.example/käse?\"<>",
            "https://xn--bcher-kva.example/k%C3%A4se?%22%3C%3E",
        ),
        ("http://[::1]:9/", "http://[::1]:9/"),
        ("http://127.1/", "http://127.0.0.1/"),
        ("https://x.example./", "https://x.example/"),
    ] {
        assert_eq!(expanded(text, &[]), out, "{text}");
    }
}

#[test]
fn what_would_let_a_value_choose_the_place_is_refused() {
    for (text, part) in [
        ("javascript:alert(1)", "must begin"),
        ("data:text/html,x", "must begin"),
        ("//shop.example/", "must begin"),
        ("{url}", "must begin"),
        ("{scheme}://shop.example/", "must begin"),
        ("https://{host}/", "host written out"),
        ("https://{host}.example/", "host written out"),
        ("https://shop.example{x}", "host written out"),
        ("https://shop.example:{port}/", "host written out"),
        ("https://user:pw@shop.example/", "user name"),
        ("https://shop.example@evil.example/", "user name"),
        ("https://", "is not a host"),
        ("https:///path", "is not a host"),
        ("https://a%40b/", "is not a host"),
        ("https://xn--/", "is not a host"),
        ("https://a..b:99999/", "is not a host"),
        ("https://shop.example\\@evil.example/", "may not hold"),
        ("https://shop.example/\r\nX: y", "may not hold"),
        ("https://shop.example/a b", "may not hold"),
        (" https://shop.example/", "may not hold"),
        ("https://shop.example/{offer id}", "may not hold"),
        ("https://shop.example/{offer", "is no macro"),
        ("https://shop.example/}", "is no macro"),
        ("https://shop.example/{}", "is no macro"),
    ] {
        let error = UrlTemplate::parse(text).unwrap_err();
        assert!(error.contains(part), "{text}: {error}");
    }
    let long = format!("https://shop.example/{}", "a".repeat(5000));
    assert!(UrlTemplate::parse(&long).unwrap_err().contains("longer"));
}

#[test]
fn hosts_are_compared_as_browsers_know_them() {
    let host = |text: &str| PublicHost::parse(text).map(|host| (host.name, host.port));
    assert_eq!(
        host("BÜCHER.example").unwrap(),
        ("xn--bcher-kva.example".into(), None)
    );
    assert_eq!(
        host("shop.example:443").unwrap(),
        ("shop.example".into(), None)
    );
    assert_eq!(
        host("shop.example:8443").unwrap(),
        ("shop.example".into(), Some(8443))
    );
    for wrong in ["", "https://shop.example", "a b", "shop.example/", "a@b"] {
        assert!(host(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn parameters_are_added_before_the_fragment() {
    for (url, out) in [
        ("https://x.example/", "https://x.example/?a=1%262&b%3D="),
        (
            "https://x.example/?q=1#f?",
            "https://x.example/?q=1&a=1%262&b%3D=#f?",
        ),
        ("https://x.example/?", "https://x.example/?a=1%262&b%3D="),
        ("https://x.example/#f", "https://x.example/?a=1%262&b%3D=#f"),
    ] {
        let mut added = url.to_owned();
        append_params(&mut added, [("a", "1&2"), ("b=", "")].into_iter());
        assert_eq!(added, out);
        let mut same = url.to_owned();
        append_params(&mut same, [].into_iter());
        assert_eq!(same, url);
    }
}

#[test]
fn a_text_keeps_braces_that_open_no_macro() {
    let template = Template::parse(r#"{"status":"{status}","n":{n},"x":{ } {{id}}"#);
    assert_eq!(template.names().collect::<Vec<_>>(), ["status", "n", "id"]);
    let mut out = String::new();
    let values = [("status", "a\"\n"), ("n", "5"), ("id", "7")];
    template.expand(Encoding::Json, &Pairs(&values), &mut out);
    assert_eq!(out, r#"{"status":"a\"\n","n":5,"x":{ } {7}"#);
    let mut line = String::new();
    Template::parse("Bearer {t}").expand(
        Encoding::Line,
        &Pairs(&[("t", "a\r\nb: c\0")]),
        &mut line,
    );
    assert_eq!(line, "Bearer ab: c");
}

#[test]
fn xml_is_escaped_and_holds_nothing_xml_cannot() {
    let mut out = String::new();
    Template::parse(r#"<a b="{v}">{v}</a>"#).expand(
        Encoding::Xml,
        &Pairs(&[("v", "<x>&\"'\0é")]),
        &mut out,
    );
    let value = "&lt;x&gt;&amp;&quot;&apos;é";
    assert_eq!(out, format!("<a b=\"{value}\">{value}</a>"));
}

#[test]
fn outside_quotes_of_json_a_value_stays_one_value() {
    for (value, written) in [
        ("5", "5"),
        ("12.50", "12.50"),
        ("-1e3", "-1e3"),
        ("true", "true"),
        ("", "null"),
        ("007", r#""007""#),
        (r#"5,"admin":true"#, r#""5,\"admin\":true""#),
        ("}", r#""}""#),
    ] {
        let mut out = String::new();
        Template::parse(r#"{"q\"":"{v}","n":{v},"u":{unknown}}"#).expand(
            Encoding::Json,
            &Pairs(&[("v", value)]),
            &mut out,
        );
        let read: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(read["q\""], value, "{out}");
        assert!(
            out.contains(&format!(r#""n":{written},"u":null}}"#)),
            "{out}"
        );
    }
}

proptest! {
    #[test]
    fn no_value_chooses_the_place(
        values in proptest::collection::vec("\\PC{0,30}|[/\\\\@:?#%.\\r\\n]{0,8}", 3),
        template in prop::sample::select(vec![
            "https://shop.example/{a}", "https://shop.example/{a}{b}/{c}?x={a}#{b}",
            "https://shop.example?{a}={b}", "https://shop.example#{c}",
        ]),
    ) {
        let names = ["a", "b", "c"];
        let pairs: Vec<(&str, &str)> = names.into_iter().zip(values.iter().map(String::as_str)).collect();
        let out = expanded(template, &pairs);
        prop_assert!(out.bytes().all(|c| c.is_ascii_graphic()), "{out}");
        let url = Url::parse(&out).unwrap();
        prop_assert_eq!(url.host_str(), Some("shop.example"));
        prop_assert_eq!((url.scheme(), url.port(), url.username()), ("https", None, ""));
    }

    #[test]
    fn decoding_once_gives_the_value_back(value in "\\PC{0,60}") {
        let mut out = expanded("https://shop.example/?a={a}", &[("a", &value)]);
        append_params(&mut out, [(&*value, &*value)].into_iter());
        let url = Url::parse(&out).unwrap();
        let pairs: Vec<_> = url.query_pairs().collect();
        prop_assert_eq!(&*pairs[0].1, &*value);
        prop_assert_eq!((&*pairs[1].0, &*pairs[1].1), (&*value, &*value));
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "(https://x)?\\PC{0,60}") {
        let _ = UrlTemplate::parse(&text);
        let _ = Template::parse(&text);
    }
}
