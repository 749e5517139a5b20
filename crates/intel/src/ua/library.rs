//! HTTP libraries and command-line clients.
//!
//! Left at their default they name themselves first. Stacks that live inside telephone apps
//! (okhttp, Dalvik, CFNetwork) are not here: they are [`super::native`].

use super::needle::{Edge, Needle};
use assay_model::facts::UaKind;

const fn word(text: &'static str) -> Needle {
    Needle::new(text, Edge::Left, UaKind::Library, "http_library")
}

const fn part(text: &'static str) -> Needle {
    Needle::new(text, Edge::Any, UaKind::Library, "http_library")
}

const fn head(text: &'static str) -> Needle {
    Needle::new(text, Edge::Head, UaKind::Library, "http_library")
}

/// Names of libraries, languages and command-line clients.
pub(super) const NAMES: &[Needle] = &[
    // Command line.
    word("curl/"), head("curl"), word("libcurl"), word("pycurl"), word("wget"), head("aria2"), head("httpie"), head("lwp"),
    word("libwww"), head("fetch "), head("axel"), head("lftp"), head("powershell"), word("windowspowershell"), head("xh/"),
    head("curlie"), head("hurl/"), head("bruno"), head("insomnia"), word("postmanruntime"), head("postman"), head("paw/"),
    head("apachebench"), head("siege"), word("siege/"), head("wrk"), word("jmeter"), word("gatling"), head("k6/"),
    word("loadrunner"), head("vegeta"), word("locust"), word("artillery"), head("httperf"), head("hey/"), head("bombardier"),
    // Python.
    word("python"), word("aiohttp"), head("httpx"), word("urllib"), word("requests/"), word("httplib"), word("scrapy"),
    word("mechanize"), word("tornado"), word("treq"), word("twisted"), head("httpcore"), word("niquests"), word("curl_cffi"),
    // Java and its kin.
    head("java"), word("java/"), word("apache-httpclient"), word("httpclient"), word("http-client"), word("http client"),
    word("http_client"), part("httpclient"), word("httpurlconnection"), word("jersey/"), word("jakarta"), word("resteasy"),
    word("apache-cxf"), word("spray-can"), word("akka"), word("pekko"), word("vert.x"), word("reactornetty"), word("netty"),
    word("asynchttp"), part("asynchttpclient"), word("ahc/"), word("jsoup"), word("unirest"), word("retrofit"), word("feign"),
    word("dispatch/"), word("scalaj"), word("gradle"), word("maven"), word("kotlin"), word("ktor"), word("groovy"),
    word("clj-http"), word("jetty"), word("mulesoft"), word("anypoint"), word("jdk"), word("grpc"), head("xmlrpc"), word("xml-rpc"),
    // Go, Rust, C, C++, Delphi.
    word("go-http"), head("go "), head("go/"), word("golang"), word("gocolly"), word("colly"), word("fasthttp"), word("go-resty"),
    word("resty"), head("req/"), head("gentleman"), word("reqwest"), head("hyper/"), head("ureq"), head("surf/"), head("isahc"),
    head("attohttpc"), word("winhttp"), word("wininet"), word("libsoup"), word("serf/"), word("neon/"), word("nghttp2"),
    word("mozilla/4.0 (compatible; win32"), word("indy library"), word("synapse"), word("clever internet"), word("cpp-httplib"),
    word("cpprestsdk"), word("poco"), word("cpr/"), word("boost.beast"), word("wxwidgets"), word("libfetch"),
    // JavaScript.
    word("node-"), word("node.js"), word("nodejs"), head("node"), word("axios"), head("got "), word("got/"), word("sindresorhus"),
    word("superagent"), word("undici"), word("needle/"), head("request"), word("request-promise"), word("request.js"), word("bun/"),
    word("deno/"), word("phin"), head("node-fetch"), word("npm/"), word("yarn/"), word("pnpm"), word("cross-fetch"), word("ky/"),
    // PHP, Ruby, Perl, .NET and the rest.
    head("php"), word("php/"), word("php-"), word("guzzle"), word("pear"), word("zend"), word("symfony"), word("laravel"),
    word("snoopy"), word("requests for php"), word("wp_http"), word("buzz/"), head("rest"), word("restsharp"),
    word("ruby"), word("faraday"), word("typhoeus"), word("httparty"), word("mechanize"), word("rest-client"), word("excon"),
    word("curb"), word("em-http"), word("http.rb"), word("down/"), word("perl"), word("www-mechanize"), word("mojolicious"),
    word("poe-component"), word("anyevent"), word("furl"), word("http::"), word("http-tiny"), word("httptiny"), word("lwp"),
    word("dart"), word("dio/"), head("flutter"), word("hackney"), word("erlang"), word("elixir"), word("httpoison"), word("tesla/"),
    word("finch/"), word("mint/"), word("haskell"), word("http-conduit"), word("ocaml"), word("lua-"), word("ngx_lua"), word("resty"),
    word("luasocket"), word("r-curl"), word("rcurl"), word("httr"), word("julia"), word("matlab"), word("tcl "), word("rexx"),
    word("coldfusion"), word("cfhttp"), word("vb project"), word("microsoft url control"), word("internet explorer/xmlhttp"),
    word("xmlhttp"), word("winhttprequest"), word("msxml"), word("ms web services"), word("microsoft bits"), word("microsoft-webdav"),
    word("webdav"), word("davclnt"), word("microsoft data access"), word("microsoft-cryptoapi"), word("system.net"), word(".net framework"),
    word("flurl"), word("embarcadero"), word("delphi"), word("labview"), word("google-api"), word("aws-sdk"), word("botocore"), word("boto3"),
    word("google-http-java"), word("okhttputils"), word("dolphin http client"), word("esp8266"), word("esp32"), word("arduino"),
    word("micropython"), word("nsplayer"), head("git/"), word("git-lfs"), word("docker"), word("containerd"), word("kube-"), head("pip/"),
    word("apt-http"), word("debian apt"), word("yum"), word("libdnf"), word("pacman"), word("homebrew"), word("cargo"), word("composer/"),
    word("bundler"), word("rubygems"), word("nuget"), word("conda"), word("ansible"), word("puppet"), word("chef client"), word("terraform"),
    word("vagrant"), word("svn"), word("mercurial"), word("jgit"), word("rclone"), word("cyberduck"), word("restic"), word("apache ant"),
];
