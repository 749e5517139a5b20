//! Judging without a server: the engine behind `assay score` and `assay intel`.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use anyhow::Context as _;
use assay_detect::AccountRules;
use assay_gateway::{AccountPolicy, Engine, EngineStats, Limits, Policies};
use assay_intel::ip::{IpTables, Kind};
use assay_intel::store::{IntelHandle, IntelStore};
use assay_intel::ua::UaCache;
use assay_model::document::{Integration, IntegrationKind, List, Problem, Rule, plain};
use assay_model::ports::{DoorError, ErrorLog, ErrorQuery, ErrorRow, StoreError};
use assay_model::verdict::RuleRef;
use assay_model::{AccountId, IntegrationId, SystemClock};
use assay_store::embedded::counters::{CounterOptions, CounterTable};

/// The default rule alone, as it judges scored files.
pub fn default_rules() -> &'static AccountRules {
    static RULES: LazyLock<AccountRules> = LazyLock::new(|| {
        #[expect(
            clippy::expect_used,
            reason = "the built-in default rule is compiled by a test"
        )]
        AccountRules::compile(&[], IntegrationKind::S2s).expect("the default rule compiles")
    });
    &RULES
}

/// The intelligence of a data folder; the built-in tables alone where there is none.
///
/// # Errors
/// When the folder's manifest cannot be read. Sources that cannot be used are named on
/// standard error and left out.
pub fn intelligence(data: &Path, now: i64) -> anyhow::Result<IntelHandle> {
    if !data.join("intel").is_dir() {
        return Ok(IntelHandle::of_tables(IpTables::builtin()));
    }
    let (handle, problems) = IntelHandle::open(IntelStore::open(data)?, now)?;
    for problem in problems {
        eprintln!("assay: intelligence: {problem}");
    }
    Ok(handle)
}

/// The built-in tables with lists given as (kind, name, text).
///
/// # Errors
/// The first list that does not read, with its cause.
pub fn with_lists(lists: Vec<(&'static str, &'static str, String)>) -> anyhow::Result<IntelHandle> {
    let mut builder = assay_intel::ip::builtin::builder();
    for (kind, name, text) in lists {
        let kind = Kind::parse(kind).with_context(|| format!("there is no kind {kind}"))?;
        let (source, _) = assay_intel::ip::load::parse(kind, name, name, text.as_bytes())?;
        builder.add(&source);
    }
    Ok(IntelHandle::of_tables(builder.build()))
}

/// What a file of rules holds: one rule, or a list under `rules`; TOML or JSON.
///
/// # Errors
/// When it cannot be read, or is neither.
pub fn rule_items(path: &Path) -> anyhow::Result<Vec<serde_json::Value>> {
    Ok(match document_of(path)? {
        serde_json::Value::Array(items) => items,
        serde_json::Value::Object(mut object) if object.contains_key("rules") => {
            match object.remove("rules") {
                Some(serde_json::Value::Array(items)) => items,
                _ => anyhow::bail!("{}: rules must be a list", path.display()),
            }
        }
        one => vec![one],
    })
}

/// A file of TOML or JSON.
///
/// # Errors
/// When it cannot be read, or is neither.
pub fn document_of(path: &Path) -> anyhow::Result<serde_json::Value> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = text.trim_start_matches('\u{feff}');
    if is_json(text) {
        return serde_json::from_str(text)
            .with_context(|| format!("{} is not JSON", path.display()));
    }
    let table: toml::Table = text
        .parse()
        .with_context(|| format!("{} is not TOML", path.display()))?;
    Ok(serde_json::to_value(table)?)
}

/// Rules of a file, as [`rule_items`] has them.
///
/// # Errors
/// Every problem of every rule, with the path of its field.
pub fn rules_of(path: &Path) -> anyhow::Result<Vec<(RuleRef, Rule)>> {
    let items = rule_items(path)?;
    let mut rules = Vec::new();
    let mut problems = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        let mut found = Vec::new();
        if let Some((id, rule)) = read_rule(item, at, &mut found) {
            found.extend(assay_detect::check_rule(&rule));
            rules.push((id, rule));
        }
        let named = |p: Problem| match p.field.as_str() {
            "." => format!("rules[{at}]: {}", p.detail),
            field => format!("rules[{at}].{field}: {}", p.detail),
        };
        problems.extend(found.into_iter().map(named));
    }
    anyhow::ensure!(
        problems.is_empty(),
        "{}:\n  {}",
        path.display(),
        problems.join("\n  ")
    );
    Ok(rules)
}

/// TOML may begin with `[` too, but then a name follows.
fn is_json(text: &str) -> bool {
    let text = text.trim_start();
    let in_list = text.strip_prefix('[').map(str::trim_start);
    text.starts_with('{') || in_list.is_some_and(|text| text.starts_with(['{', ']']))
}

/// A rule as the API shows it carries id and version, which a stored one does not. A wrong
/// field is named and left out, so that all others are read and checked too.
fn read_rule(
    mut item: serde_json::Value,
    at: usize,
    problems: &mut Vec<Problem>,
) -> Option<(RuleRef, Rule)> {
    let mut take = |name: &str| {
        item.as_object_mut()
            .and_then(|o| o.remove(name))
            .and_then(|v| v.as_u64())
    };
    let (id, version) = (take("id"), take("version"));
    let rule = RuleRef {
        id: id.unwrap_or(at as u64 + 1),
        version: version.and_then(|v| u32::try_from(v).ok()).unwrap_or(1),
    };
    let mut document: Rule = loop {
        let error = match serde_path_to_error::deserialize(&item) {
            Ok(document) => break document,
            Err(error) => error,
        };
        let path = error.path().to_string();
        let message = error.inner().to_string();
        let missing = message
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split('`').next());
        match missing {
            Some(name) if problems.iter().any(|p| p.field == name) => return None,
            Some(name) => problems.push(Problem::new(name, "is missing")),
            None => problems.push(Problem::new(&path, plain(&message))),
        }
        let key = path.split(['.', '[']).next().unwrap_or_default();
        item.as_object_mut()?.remove(key)?;
    };
    if document.priority == 0 {
        document.priority = u32::try_from(at).unwrap_or(u32::MAX) + 1;
    }
    Some((rule, document))
}

/// The one account and integration of a scored file.
pub const ACCOUNT: AccountId = AccountId(1);
/// See [`ACCOUNT`].
pub const INTEGRATION: IntegrationId = IntegrationId(1);

/// An engine for one account that keeps nothing.
///
/// # Errors
/// When a rule does not compile.
pub fn engine(
    intel: IntelHandle,
    rules: &[(RuleRef, Rule)],
    lists: Vec<List>,
    slots: usize,
) -> anyhow::Result<Engine<CounterTable>> {
    let integration: Integration =
        serde_json::from_value(serde_json::json!({"name": "file", "kind": "s2s"}))?;
    let lists = (1..).zip(lists).map(|(id, list)| (id, 1, list)).collect();
    let policy = AccountPolicy::compile(
        ACCOUNT,
        vec![(INTEGRATION, integration)],
        rules,
        lists,
        Vec::new(),
    )?;
    let policies = Policies::default();
    policies.put(policy);
    Ok(Engine {
        policies,
        intel: Arc::new(intel),
        user_agents: UaCache::default(),
        counters: CounterTable::new(CounterOptions {
            slots,
            ..CounterOptions::default()
        }),
        errors: Arc::new(NoErrorLog),
        clock: Arc::new(SystemClock::default()),
        // A file has no visitor who waits.
        limits: Limits {
            budget_us: u64::MAX,
            ..Limits::default()
        },
        sources: assay_gateway::SourceSnapshots::default(),
        stats: EngineStats::default(),
    })
}

/// Files have no integration whose error log could be looked at: errors stand in the output.
struct NoErrorLog;

#[async_trait::async_trait]
impl ErrorLog for NoErrorLog {
    fn note(&self, _: DoorError) {}

    async fn list(&self, _: AccountId, _: ErrorQuery) -> Result<Vec<ErrorRow>, StoreError> {
        Ok(Vec::new())
    }
}

/// The value of a future that never waits, as those over counters in memory do not.
pub fn now<F: std::future::Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

/// The value of a future that may wait for threads of its own; for commands and tasks that
/// have no runtime.
///
/// # Errors
/// When the system gives no runtime.
pub fn wait<F: std::future::Future>(future: F) -> anyhow::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(future))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules_in(name: &str, text: &str) -> anyhow::Result<Vec<(RuleRef, Rule)>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        rules_of(&path)
    }

    #[test]
    fn every_problem_of_every_rule_is_named_with_its_field() {
        let text = r#"[{"name": "a", "status": "activ", "protection": "both", "colour": 1,
            "sub_id_mapping": "sub_id", "filters": {"vpnn": {}}}, {"name": "b"}, 5]"#;
        let error = rules_in("r.json", text).unwrap_err().to_string();
        for part in [
            "rules[0].status: unknown variant `activ`",
            "rules[0].colour: unknown field",
            "rules[1].status: is missing",
            "rules[2]: invalid type: integer `5`",
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(!error.contains("rules[0].status: is missing"), "{error}");
        let filters = text.replace("activ\"", "active\"");
        let error = rules_in("r.json", &filters).unwrap_err().to_string();
        assert!(error.contains("rules[0].filters.vpnn"), "{error}");
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_rule() {
        let json = r#"{"name": "a", "status": "active", "protection": "both", "sub_id_mapping": "sub_id"}"#;
        let toml =
            "name = 'a'\nstatus = 'active'\nprotection = 'both'\nsub_id_mapping = 'sub_id'\n";
        for (name, text) in [("r.json", json), ("r.toml", toml)] {
            let marked = rules_in(name, &format!("\u{feff}{text}"));
            assert_eq!(marked.unwrap().len(), 1, "{name}");
        }
    }
}
