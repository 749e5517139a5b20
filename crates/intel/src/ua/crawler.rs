//! Words and shapes of declared robots: crawlers, monitors, link previews, feed readers, validators.
//!
//! The words are general (what the thing does), so that a robot nobody listed is still found.
//! Words that also name telephones or apps are judged outside the device name only.

use super::needle::{Edge, Needle};
use assay_model::facts::UaKind;

const fn part(text: &'static str) -> Needle {
    Needle::new(text, Edge::Any, UaKind::Crawler, "crawler_word")
}

const fn word(text: &'static str) -> Needle {
    Needle::new(text, Edge::Left, UaKind::Crawler, "crawler_word")
}

const fn whole(text: &'static str) -> Needle {
    Needle::new(text, Edge::Word, UaKind::Crawler, "crawler_word")
}

const fn end(text: &'static str) -> Needle {
    Needle::new(text, Edge::Right, UaKind::Crawler, "crawler_word")
}

const fn head(text: &'static str) -> Needle {
    Needle::new(text, Edge::Head, UaKind::Crawler, "crawler_word")
}

/// What robots call themselves and what they say they do.
pub(super) const WORDS: &[Needle] = &[
    // The robot itself; `bot` has its own test of the letters around it.
    part("bot"), part("b0t"), part("crawl"), part("spider"), part("spyder"), part("scrap"), part("slurp"),
    part("harvest"), part("extract"), part("download"), part("retriev"), part("grabb"), whole("grab"), end("ripper"),
    word("siphon"), end("collector"), end("robo"), end("crawlr"), word("wanderer"),
    // Fetchers, previews, feeds, archives.
    part("fetch"), part("preview"), part("thumbnail"), part("thumbshot"), part("screenshot"), part("snapshot"),
    part("webcapture"), word("capture"), part("unfurl"), part("expander"), part("linkexpand"), part("resolver"),
    part("unshort"), part("longurl"), part("opengraph"), part("oembed"), part("embedly"), part("favicon"),
    part("feed"), whole("rss"), part("rssowl"), part("rssreader"), part("podcast"), part("syndication"), word("atom/"),
    part("aggregat"), part("archiv"), part("wayback"), part("webcopier"), part("sitesucker"), part("offline"),
    part("httrack"), part("mirror"), part("teleport"), part("imageproxy"), part("imgproxy"), part("cache-"),
    part("prefetch"), part("googleweblight"), part("transcoder"),
    // Checks, monitors, audits, tests.
    part("check"), part("monitor"), part("uptime"), part("validat"), part("verif"), part("inspect"), part("analyz"),
    part("analys"), part("analytics"), part("audit"), part("diagnos"), part("measure"), part("observatory"), part("detect"),
    part("scanner"), end("scan"), part("scanning"), word("scan"), part("probe"), part("tester"), part("testing"),
    part("sniff"), part("survey"), part("census"), part("researc"), part("discovery"), part("explorer/"), part("statistic"),
    part("ranking"), part("keyword"), part("optimiz"), part("classif"), part("compliance"), part("safe browsing"),
    part("phish"), part("malware"), part("antivirus"), part("virus"), part("security"), part("threat"), part("abuse"),
    part("watch"), part("pingdom"), word("ping"), end("pinger"), part("heartbeat"), part("healthcheck"), part("health-check"),
    part("statuscake"), part("site24x7"), part("24x7"), part("webmon"), part("datanyze"), part("builtwith"), part("wappalyzer"),
    part("netcraft"), part("siteimprove"), part("silktide"), part("attracta"), part("hotjar"), part("iplabel"),
    // Search, indexing, commerce, advertising.
    part("search"), part("indexer"), part("indexing"), whole("index"), end("seo"), word("seo"), part("sitemap"), part("backlink"),
    part("linkcheck"), part("deadlink"), part("link sleuth"), part("linktiger"), part("linkwalker"), part("linkdex"),
    part("productfinder"), part("shopping"), part("price"), part("adsense"), part("mediapartners"), part("adwords"),
    part("publisher-plugin"), part("adbeat"), part("outbrain"), part("stumbleupon"), part("verifier"), part("catalog"),
    // Language models and agents.
    part("chatgpt"), part("gptbot"), part("openai"), part("anthropic"), part("claude"), part("perplexity"), part("mistral"),
    part("cohere-"), part("llm"), part("langchain"), part("ai-agent"), part("knowledge ai"), part("deep-research"), part("-user/"),
    // Messages, mail and social networks looking at a link.
    part("whatsapp"), part("facebookexternal"), part("externalhit"), part("externalagent"), part("externalads"),
    part("meta-"), part("facebookcatalog"), part("skypeuri"), part("slack-"), part("twitterbot"), part("telegrambot"),
    part("googlemessages"), part("googleother"), part("google-"), part("feedburner"), part("googleimage"), part("apis-google"),
    part("google favicon"), part("google web"), part("google publisher"), part("appengine"), part("cloudflare"),
    part("microsoft office"), part("ms-office"), part("microsoft outlook"), part("emailproxy"), part("mailproxy"), part("proxy/"),
    end("proxy"), part("proxybrowser"),
    // Roles and plumbing.
    end("agent"), part("useragent"), part("user-agent"), part("webhook"), part("callback"), part("notifier"), part("notification"),
    part("scheduler"), part("cron"), part("connector"), part("importer"), part("exporter"), part("parser"), part("converter"),
    part("generator"), part("translat"), part("renderer/"), end("client"), part("server"), part("service"), part("worker"),
    part("daemon"), part("gateway"), part("webmaster"), part("nutch"), part("heritrix"), part("larbin"), part("webinator"),
    part("lucene"), part("elastic"), part("hadoop"), part("bubing"), part("grub-client"), part("ia_archiver"), part("teoma"),
    part("ichiro"), part("yeti/"), part("daum"), part("coccoc/"), part("sogou web"), part("yandex.com/"), part("naver.me"),
    part("torrent"), part("firephp"), part("powermarks"), part("offbyone"), part("chromeframe"), part("supercleaner"),
    part("websnapr"), part("w3c_"), part("w3c-"), part("jigsaw"), part("wordpress"), part("drupal"), part("joomla"), part("typo3"),
    part("plugin/"), part("compatible; robot"), part("library"), part("toolkit"), part("tools"), part("zotero"), part("citoid"),
    part("mastodon"), part("pleroma"), part("misskey"), part("activitypub"), part("fediverse"), part("lemmy/"),
    part("headmaster"), part("advisor"), part("criticalcss"), part("printfriendly"), part("readability"), part("instapaper"),
    part("contact:"), part("contact "), part(" at dot "), part("webmoney"), head("rank"), word("lyx"), word("ddline"),
    // Placeholders left in place by whoever wrote the sender.
    part("user_agent"), part("{version}"), part("[webkit_version]"), part("@package_version@"), part("w.x.y.z"),
];
