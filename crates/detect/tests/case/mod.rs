//! One JSON case: how it is read, judged and held against what it expects.
//!
//! The rule is compiled as the product compiles it, with nothing on but the case's filter,
//! so settings, counter places and the verdict's fold are tested along the way.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use assay_detect::CompiledRule;
use assay_model::click::{ClickDevice, ClickMatch, MatchedBy};
use assay_model::document::{IntegrationKind, Preset, Rule};
use assay_model::facts::{
    Basis, Benign, Country, DeviceFacts, DeviceIdForm, DeviceIdState, DeviceType, Facts, IpFacts,
    IpMark, ListMatch, MarkKind, NetworkClass, SignalFacts, UaFacts, UaKind, UaMark,
};
use assay_model::recall::{Reading, Recall};
use assay_model::render::evidence_json;
use assay_model::sources::Standing;
use assay_model::testing::{NOW, click};
use assay_model::verdict::{Check, OnDegraded, RuleRef, Value as Observed};
use assay_model::{EventKind, Field, Hit, Reason, Verdict};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// One case as it stands in its file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Why the case is there.
    about: String,
    /// The filter's settings; left out = defaults.
    #[serde(default)]
    settings: Map<String, Value>,
    /// Kind of the integration; left out = `custom`.
    kind: Option<IntegrationKind>,
    /// The rule's sub-id mapping; left out = `sub_id`.
    sub_id_mapping: Option<String>,
    /// `event` and the event's fields under their own names.
    event: BTreeMap<String, String>,
    ip: Option<CaseIp>,
    ua: Option<CaseUa>,
    #[serde(default)]
    device: CaseDevice,
    #[serde(default)]
    lists: Vec<CaseList>,
    /// What the filter's counters say, in the order in which it declares them.
    #[serde(default)]
    readings: Vec<Option<CaseReading>>,
    /// The conversion's click; left out = nothing is known of it.
    click: Option<CaseClick>,
    /// Number of the snapshot in which sources were looked up; left out = there is none.
    #[serde(default)]
    snapshot: u64,
    /// What is held there against the event's source; left out = nothing.
    standing: Option<CaseStanding>,
    expect: Expect,
}

/// A click `before_s` seconds before the event.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseClick {
    before_s: Option<i64>,
    #[serde(default)]
    impression: bool,
    ip: Option<IpAddr>,
    country: Option<Country>,
    #[serde(default)]
    city: Box<str>,
    #[serde(default)]
    displaced: bool,
    /// Main reason of the click's own verdict; left out = clean.
    reason: Option<String>,
    #[serde(default)]
    devices: BTreeMap<String, Box<str>>,
}

impl CaseClick {
    fn click(&self) -> ClickMatch {
        let mut click = ClickMatch::unknown(MatchedBy::OwnId, 30 * 86_400);
        if self.impression {
            click.kind = EventKind::Impression;
        }
        click.time = self.before_s.map(|s| NOW.plus_ms(-1000 * s));
        click.ip = self.ip;
        click.country = self.country;
        click.city.clone_from(&self.city);
        click.displaced = self.displaced;
        let reason = assay_model::CATALOGUE
            .iter()
            .find(|row| Some(row.code) == self.reason.as_deref());
        click.reason = reason.map_or(Reason::Clean, |row| row.reason);
        for (name, id) in &self.devices {
            let field = Field::parse(name);
            click.devices.extend(field.map(|field| ClickDevice {
                field,
                id: id.clone(),
            }));
        }
        click
    }
}

/// What is held against a source.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseStanding {
    reason: String,
    /// By the names of the reason's row.
    observed: BTreeMap<String, Value>,
    threshold: f64,
    window_s: u32,
    n: u32,
}

impl CaseStanding {
    fn standing(&self) -> Result<Standing, String> {
        let row = assay_model::CATALOGUE.iter();
        let mut row = row.filter(|row| row.code == self.reason);
        let row = row.next().ok_or(format!("no reason {:?}", self.reason))?;
        let mut observed = Vec::new();
        for (name, value) in &self.observed {
            let place = row.fields.iter().position(|own| own == name);
            let place = place.ok_or(format!("{} has no {name}", self.reason))?;
            let value = match value.as_f64() {
                Some(number) => Observed::Float(number),
                None => Observed::from(value.as_str().unwrap_or_default().to_owned()),
            };
            observed.push((place as u8, value));
        }
        Ok(Standing {
            reason: row.reason,
            observed,
            threshold: Observed::Float(self.threshold),
            window_s: self.window_s,
            n: self.n,
            since: NOW,
            as_of: NOW,
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseIp {
    ip: IpAddr,
    country: Option<Country>,
    city: Option<String>,
    asn: Option<u32>,
    operator: Option<String>,
    #[serde(default)]
    class: NetworkClass,
    benign: Option<Benign>,
    crawler: Option<String>,
    #[serde(default)]
    marks: Vec<CaseMark>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseMark {
    kind: MarkKind,
    basis: Basis,
    #[serde(default)]
    weak: bool,
    #[serde(default)]
    label: String,
    #[serde(default)]
    list: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseUa {
    kind: UaKind,
    #[serde(default)]
    browser: Box<str>,
    #[serde(default)]
    browser_version: Box<str>,
    #[serde(default)]
    os: Box<str>,
    #[serde(default)]
    device_type: DeviceType,
    #[serde(default)]
    impossible: Box<str>,
    mark: Option<CaseUaMark>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseUaMark {
    #[serde(default)]
    rule: Box<str>,
    #[serde(default)]
    token: Box<str>,
    #[serde(default)]
    name: Box<str>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct CaseDevice {
    device_id: DeviceIdState,
    form: Option<DeviceIdForm>,
    gaid: DeviceIdState,
    idfa: DeviceIdState,
    broken: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseList {
    deny: bool,
    #[serde(default)]
    field: String,
    #[serde(default)]
    value: String,
    #[serde(default)]
    entry: String,
    #[serde(default)]
    list: String,
    #[serde(default)]
    note: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseReading {
    count: u32,
    #[serde(default)]
    span_s: u32,
    gap_ms: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    /// `clean`, `flagged` or `skipped`.
    check: String,
    /// Why it was skipped, in the words of the API.
    missing: Option<String>,
    /// The evidence, main reason first, without what the catalogue fixes per reason.
    #[serde(default)]
    findings: Vec<Value>,
}

impl Case {
    /// Reads a case; an error says what is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// Judges the case by `filter` alone, and says how the outcome differs.
    pub fn run(&self, filter: &str, folder_expects: &str) -> Result<(), String> {
        if self.about.is_empty() {
            return Err("about is empty".into());
        }
        if self.expect.check != folder_expects {
            return Err(format!("expects {} in this folder", self.expect.check));
        }
        self.judged(filter, |verdict, event| {
            if !assay_detect::verdict::agrees(verdict, event) {
                return Err("the verdict does not follow from its evidence".into());
            }
            differs(
                "check",
                &self.expected_check(),
                &check_json(verdict, filter)?,
            )?;
            differs(
                "findings",
                &json!(self.expect.findings),
                &findings_json(verdict),
            )
        })?
    }

    /// Judges the case by `filter` alone and shows the verdict.
    pub fn judged<R>(
        &self,
        filter: &str,
        look: impl FnOnce(&Verdict<'_>, EventKind) -> R,
    ) -> Result<R, String> {
        let rule = self.rule(filter)?;
        let facts = self.facts()?;
        if !self.readings.is_empty() && self.readings.len() != rule.needs().len() {
            return Err(format!("the filter needs {:?}", rule.needs()));
        }
        let standing = self.standing.as_ref().map(CaseStanding::standing);
        if standing.is_some() && rule.standings().is_empty() {
            return Err("the filter asks nothing about sources".into());
        }
        let recall = Recall {
            snapshot: self.snapshot,
            standings: standing
                .transpose()?
                .map(|own| (0, Arc::new(own)))
                .into_iter()
                .collect(),
            readings: self.readings.iter().map(reading_of).collect(),
            click: self.click.as_ref().map(CaseClick::click).map(Box::new),
            ..Recall::default()
        };
        let verdict = rule.judge(&facts, &recall, OnDegraded::Allow);
        Ok(look(&verdict, facts.hit.event))
    }

    fn rule(&self, filter: &str) -> Result<CompiledRule, String> {
        let rule = Rule {
            preset: Preset::DisableAll,
            sub_id_mapping: self.sub_id_mapping.clone().unwrap_or("sub_id".into()),
            filters: BTreeMap::from([(filter.to_owned(), self.settings.clone().into())]),
            ..Rule::default_rule()
        };
        let kind = self.kind.unwrap_or(IntegrationKind::Custom);
        CompiledRule::compile(&rule, RuleRef { id: 1, version: 1 }, kind)
            .map_err(|problems| format!("{problems:?}"))
    }

    fn facts(&self) -> Result<Facts<'_>, String> {
        let hit = self.hit()?;
        Ok(Facts {
            signals: SignalFacts::of(&hit),
            hit,
            ip: self.ip.as_ref().map(ip_facts),
            ua: self.ua.as_ref().map(ua_facts).map(Arc::new),
            device: self.device.facts()?,
            lists: (1..).zip(&self.lists).map(list_match).collect(),
            intel_version: 0,
        })
    }

    fn hit(&self) -> Result<Hit<'_>, String> {
        let mut hit = click();
        hit.ip = self.ip.as_ref().map(|ip| ip.ip);
        for (name, text) in &self.event {
            if name == "event" {
                hit.event = EventKind::parse(text).ok_or(format!("no event {text:?}"))?;
                continue;
            }
            // Aliases are a door's business: a case uses the stored name.
            let field = Field::ALL
                .iter()
                .copied()
                .find(|field| field.as_str() == name);
            hit.set(field.ok_or(format!("no field {name:?}"))?, Some(text));
        }
        Ok(hit)
    }

    fn expected_check(&self) -> Value {
        match &self.expect.missing {
            Some(missing) => json!({"check": self.expect.check, "missing": missing}),
            None => json!({"check": self.expect.check}),
        }
    }
}

impl CaseDevice {
    fn facts(&self) -> Result<DeviceFacts, String> {
        // What `assay-intel` names; a record can hold no other.
        let known = [
            "",
            "format",
            "hash_of_empty",
            "hash_of_null",
            "sequential",
            "repeated",
        ];
        let broken = known.into_iter().find(|rule| *rule == self.broken);
        Ok(DeviceFacts {
            device_id: self.device_id,
            form: self.form,
            gaid: self.gaid,
            idfa: self.idfa,
            broken: broken.ok_or(format!("no device id rule {:?}", self.broken))?,
        })
    }
}

fn ip_facts(case: &CaseIp) -> IpFacts<'_> {
    let mut facts = IpFacts::unknown(case.ip);
    facts.country = case.country;
    facts.city = case.city.as_deref();
    facts.asn = case.asn;
    facts.operator = case.operator.as_deref();
    facts.class = case.class;
    facts.benign = case.benign;
    facts.crawler = case.crawler.as_deref();
    facts.marks = case.marks.iter().map(ip_mark).collect();
    facts
}

fn ip_mark(case: &CaseMark) -> IpMark<'_> {
    IpMark {
        kind: case.kind,
        basis: case.basis,
        weak: case.weak,
        label: &case.label,
        list: &case.list,
    }
}

fn ua_facts(case: &CaseUa) -> UaFacts {
    let mut ua = UaFacts::bare(case.kind);
    ua.mark = case.mark.as_ref().map(|mark| UaMark {
        rule: mark.rule.clone(),
        token: mark.token.clone(),
        name: mark.name.clone(),
    });
    ua.browser = case.browser.clone();
    ua.browser_version = case.browser_version.clone();
    ua.os = case.os.clone();
    ua.device_type = case.device_type;
    ua.impossible = case.impossible.clone();
    ua
}

fn list_match((list_id, case): (u64, &CaseList)) -> ListMatch<'_> {
    ListMatch {
        list_id,
        deny: case.deny,
        field: &case.field,
        value: &case.value,
        entry: &case.entry,
        list: &case.list,
        note: &case.note,
    }
}

fn reading_of(case: &Option<CaseReading>) -> Option<Reading> {
    case.as_ref().map(|case| Reading {
        count: case.count,
        span_s: case.span_s,
        gap_ms: case.gap_ms,
    })
}

fn check_json(verdict: &Verdict<'_>, filter: &str) -> Result<Value, String> {
    let keys = assay_detect::filter_keys();
    let mut own = None;
    for (key, check) in keys.iter().zip(&verdict.checks) {
        if *key == filter {
            own = Some(*check);
        } else if *check != Check::Off {
            return Err(format!("{key} ran too: {check:?}"));
        }
    }
    Ok(match own.ok_or("the filter did not run")? {
        Check::Clean => json!({"check": "clean"}),
        Check::Flagged => json!({"check": "flagged"}),
        Check::Off => json!({"check": "off"}),
        Check::Skipped(missing) => json!({"check": "skipped", "missing": missing.as_str()}),
    })
}

/// The findings' evidence without class and false-positive rating, which the catalogue
/// fixes per reason, and without the notes that every rule takes.
fn findings_json(verdict: &Verdict<'_>) -> Value {
    let noted = [Reason::RelayBenign, Reason::MacroUnreplaced];
    let own = verdict
        .findings
        .iter()
        .filter(|finding| !noted.contains(&finding.reason));
    own.map(|finding| {
        let mut evidence = evidence_json(finding);
        if let Some(fields) = evidence.as_object_mut() {
            fields.remove("class");
            fields.remove("fp_risk");
        }
        evidence
    })
    .collect()
}

fn differs(what: &str, expected: &Value, seen: &Value) -> Result<(), String> {
    if expected == seen {
        return Ok(());
    }
    Err(format!("{what}\n  expected {expected}\n  seen     {seen}"))
}
