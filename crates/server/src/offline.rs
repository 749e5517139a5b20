//! Judging without a server: the engine behind `assay score` and `assay intel`.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use anyhow::Context as _;
use assay_detect::AccountRules;
use assay_gateway::{AccountPolicy, Engine, EngineStats, Limits, Policies};
use assay_intel::ip::{IpTables, Kind};
use assay_intel::store::{IntelHandle, IntelStore};
use assay_intel::ua::UaCache;
use assay_model::document::{Integration, IntegrationKind, List, Rule};
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
    if is_json(&text) {
        return serde_json::from_str(&text)
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
        match read_rule(item, at) {
            Ok((id, rule)) => {
                let found = assay_detect::check_rule(&rule);
                problems.extend(
                    found
                        .into_iter()
                        .map(|p| format!("rules[{at}].{}: {}", p.field, p.detail)),
                );
                rules.push((id, rule));
            }
            Err(error) => problems.push(format!("rules[{at}]: {error}")),
        }
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

/// A rule as the API shows it carries id and version, which a stored one does not.
fn read_rule(mut item: serde_json::Value, at: usize) -> anyhow::Result<(RuleRef, Rule)> {
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
    let mut document: Rule = serde_json::from_value(item)?;
    if document.priority == 0 {
        document.priority = u32::try_from(at).unwrap_or(u32::MAX) + 1;
    }
    Ok((rule, document))
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
