//! Presets: ready-made choices of filters for one kind of traffic.
//!
//! A preset is whole: what it does not name is off. What it names, and how, can be changed
//! filter by filter in the rule; what the rule does not say stays as the preset has it.
//! Filters that judge a source report only, but where the preset is about them.
//! Source: facts.md 1.A.4 (names, and what Mobile CPI holds).

use assay_model::document::Preset;
use serde_json::{Map, Value, json};

use crate::filters::Start;

/// A filter of a preset.
pub struct Chosen {
    pub key: &'static str,
    pub start: Start,
    settings: fn() -> Value,
}

impl Chosen {
    /// What the preset sets; the rule's own settings go over it.
    pub fn settings(&self) -> Map<String, Value> {
        match (self.settings)() {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}

/// The filter as a preset has it; `None` = the preset leaves it off, or is none.
pub fn chosen(preset: Preset, key: &str) -> Option<&'static Chosen> {
    let own = of(preset)?;
    BASE.iter().chain(own).find(|chosen| chosen.key == key)
}

/// Whether the preset says of every filter whether it runs.
pub const fn is_whole(preset: Preset) -> bool {
    !matches!(preset, Preset::None)
}

const fn of(preset: Preset) -> Option<&'static [Chosen]> {
    Some(match preset {
        Preset::None | Preset::DisableAll => return None,
        Preset::Cpc => CPC,
        Preset::MobileCpi => MOBILE_CPI,
        Preset::Leadgen => LEADGEN,
        Preset::Popunder => POPUNDER,
        Preset::Search => SEARCH,
        Preset::Email => EMAIL,
    })
}

const fn on(key: &'static str) -> Chosen {
    with(key, || json!({}))
}

const fn with(key: &'static str, settings: fn() -> Value) -> Chosen {
    Chosen {
        key,
        start: Start::On,
        settings,
    }
}

const fn report(key: &'static str) -> Chosen {
    Chosen {
        key,
        start: Start::Flag,
        settings: || json!({}),
    }
}

/// In every preset: machines, addresses where nobody browses from, and the user's own lists.
const BASE: &[Chosen] = &[
    on("unroutable"),
    on("lists"),
    on("known_crawler"),
    on("non_browser_ua"),
    on("blank_ua"),
    on("automation"),
    on("emulator"),
    on("ua_spoofing"),
    on("tor"),
    on("public_proxy"),
    on("datacenter"),
    on("xff"),
    on("declared_agent"),
    on("prefetch"),
    on("third_party_rejection"),
];

/// Paid clicks: the same visitor again, too many, too fast, loaded without a person.
const CPC: &[Chosen] = &[
    on("vpn"),
    on("residential_proxy"),
    on("duplicate_user"),
    on("click_flooding"),
    on("hyper_engagement"),
    on("fast_clicker"),
    on("ip_hopping"),
    on("image_click"),
    on("link_scanner"),
    on("geo_mismatch"),
    on("locale_mismatch"),
    report("rejection_threshold"),
    report("conversion_rate"),
    report("device_anomaly"),
    report("night_pattern"),
];

/// App installs: emulators and bots, VPN and proxies, old devices, the same visitor again,
/// device ids, a source whose conversions are rejected; and the clock of an install.
const MOBILE_CPI: &[Chosen] = &[
    on("vpn"),
    on("residential_proxy"),
    on("device_anomaly"),
    on("duplicate_user"),
    on("device_id"),
    on("rejection_threshold"),
    on("click_flooding"),
    on("hyper_engagement"),
    on("ip_hopping"),
    on("image_click"),
    on("session_time"),
    on("install_time"),
    on("click_injection"),
    report("click_spam"),
    report("ctit_variance"),
    report("ctit_distribution"),
    report("low_session_time"),
    report("new_device"),
    report("attribute_distribution"),
];

/// Leads: a person fills in a form once, from where they live, and takes some time for it.
const LEADGEN: &[Chosen] = &[
    on("vpn"),
    on("residential_proxy"),
    with("duplicate_user", || json!({"lookback_time": "7d"})),
    on("click_flooding"),
    on("fast_clicker"),
    on("image_click"),
    on("geo_mismatch"),
    on("locale_mismatch"),
    on("ip_hopping"),
    on("session_time"),
    report("conversion_rate"),
    report("rejection_threshold"),
    report("click_spam"),
    report("attribute_distribution"),
];

/// Pop-unders open by themselves, several a visit: neither speed nor the same visitor again
/// says much.
const POPUNDER: &[Chosen] = &[
    with("duplicate_user", || json!({"allowed_duplicates": 5})),
    with("click_flooding", || json!({"click_threshold": 1000})),
    on("ip_hopping"),
    on("locale_mismatch"),
    report("vpn"),
    report("residential_proxy"),
    report("device_anomaly"),
    report("night_pattern"),
    report("attribute_distribution"),
];

/// Search: people click one result after the other, by hand.
const SEARCH: &[Chosen] = &[
    on("vpn"),
    on("residential_proxy"),
    on("duplicate_user"),
    on("click_flooding"),
    on("hyper_engagement"),
    on("fast_clicker"),
    on("link_scanner"),
    on("image_click"),
    on("geo_mismatch"),
    on("locale_mismatch"),
    on("keyword"),
    report("conversion_rate"),
    report("rejection_threshold"),
];

/// Mail: scanners open every link before people do; people read mail through a firm's VPN,
/// and open the same message again.
const EMAIL: &[Chosen] = &[
    on("link_scanner"),
    on("image_click"),
    with("duplicate_user", || json!({"allowed_duplicates": 3})),
    on("click_flooding"),
    on("locale_mismatch"),
    report("vpn"),
    report("fast_clicker"),
    report("rejection_threshold"),
    report("conversion_rate"),
];

#[cfg(test)]
mod tests {
    use assay_model::document::{FILTER_KEYS, IntegrationKind, Rule};
    use assay_model::verdict::RuleRef;

    use super::*;
    use crate::CompiledRule;

    const ALL: [Preset; 6] = [
        Preset::Cpc,
        Preset::MobileCpi,
        Preset::Leadgen,
        Preset::Popunder,
        Preset::Search,
        Preset::Email,
    ];

    fn keys(preset: Preset) -> Vec<&'static str> {
        let own = of(preset).unwrap_or_default();
        BASE.iter().chain(own).map(|chosen| chosen.key).collect()
    }

    fn running(rule: &Rule) -> Vec<&'static str> {
        let id = RuleRef { id: 1, version: 1 };
        let rule = CompiledRule::compile(rule, id, IntegrationKind::Custom).unwrap();
        rule.filter_keys().collect()
    }

    #[test]
    fn a_preset_names_each_filter_once_and_runs_no_other() {
        for preset in ALL {
            let mut named = keys(preset);
            assert!(
                named.iter().all(|key| FILTER_KEYS.contains(key)),
                "{preset:?}"
            );
            let rule = Rule {
                preset,
                ..Rule::default_rule()
            };
            let mut running = running(&rule);
            named.retain(|key| crate::filter_keys().contains(key));
            named.sort_unstable();
            running.sort_unstable();
            assert_eq!(running, named, "{preset:?}");
            named.dedup();
            assert_eq!(running, named, "{preset:?}: twice");
        }
    }

    #[test]
    fn a_rule_changes_what_it_names_and_leaves_the_rest_of_a_preset() {
        let mut rule = Rule {
            preset: Preset::Leadgen,
            ..Rule::default_rule()
        };
        let own = |rule: &mut Rule, key: &str, settings: Value| {
            rule.filters.insert(key.to_owned(), settings);
        };
        own(&mut rule, "vpn", json!({"enabled": false}));
        own(&mut rule, "link_scanner", json!({}));
        own(
            &mut rule,
            "duplicate_user",
            json!({"detection_level": "publisher"}),
        );
        let running = running(&rule);
        assert!(!running.contains(&"vpn") && running.contains(&"link_scanner"));
        let id = RuleRef { id: 1, version: 1 };
        let rule = CompiledRule::compile(&rule, id, IntegrationKind::Custom).unwrap();
        let week = rule.needs().iter().any(|spec| {
            spec.window_s == 7 * 86_400 && spec.level == assay_model::recall::Level::Publisher
        });
        assert!(week, "the preset's window stays: {:?}", rule.needs());
    }

    /// How a filter stands, and what a preset sets of it.
    fn cell(preset: Preset, row: &crate::filters::FilterKind) -> String {
        let (start, settings) = match chosen(preset, row.key) {
            Some(chosen) => (chosen.start, chosen.settings()),
            None if is_whole(preset) => (Start::Off, Map::new()),
            None => ((row.start)(IntegrationKind::Custom), Map::new()),
        };
        let set = settings
            .iter()
            .map(|(name, value)| format!("`{name}` {value}"));
        let set: Vec<String> = set.collect();
        match start {
            Start::Off => String::new(),
            Start::Flag => "reports".to_owned(),
            Start::On if set.is_empty() => "on".to_owned(),
            Start::On => format!("on, {}", set.join(", ")),
        }
    }

    #[test]
    fn docs_show_every_preset() {
        let mut table = String::from("| filter | none |");
        for preset in ALL {
            let name = json!(preset);
            table.push_str(&format!(" {} |", name.as_str().unwrap()));
        }
        table.push_str(&format!("\n{}|\n", "|---".repeat(2 + ALL.len())));
        let mut rows: Vec<_> = crate::filters::TABLE.iter().collect();
        rows.sort_by_key(|row| row.key);
        for row in rows {
            table.push_str(&format!("| `{}` | {} |", row.key, cell(Preset::None, row)));
            for preset in ALL {
                table.push_str(&format!(" {} |", cell(preset, row)));
            }
            table.push('\n');
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/RULES.md");
        let page = std::fs::read_to_string(path).unwrap();
        let (head, rest) = page.split_once("ASSAY_BLESS=1 -->\n").unwrap();
        let (seen, tail) = rest.split_once("<!-- /presets -->").unwrap();
        if seen == table {
            return;
        }
        assert!(
            std::env::var_os("ASSAY_BLESS").is_some(),
            "docs/RULES.md is old: run the tests once with ASSAY_BLESS=1"
        );
        let page = format!("{head}ASSAY_BLESS=1 -->\n{table}<!-- /presets -->{tail}");
        std::fs::write(path, page).unwrap();
    }
}
