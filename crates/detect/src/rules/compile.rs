//! From a rule document to a compiled rule.

use std::collections::HashMap;

use assay_model::document::{IntegrationKind, Problem, Rule, Scope};
use assay_model::recall::CounterSpec;
use assay_model::sources::StandingSpec;
use assay_model::verdict::{OnDegraded, RuleRef, Weighing};
use serde_json::{Map, Value};

use super::presets::{self, Chosen};
use super::{CompiledRule, RuleFilter};
use crate::filters::{BlockMode, BuildContext, FilterKind, Start, TABLE};

impl CompiledRule {
    /// Compiles a rule for one kind of integration.
    ///
    /// # Errors
    /// Every problem, each with the path of its field.
    pub fn compile(rule: &Rule, id: RuleRef, kind: IntegrationKind) -> Result<Self, Vec<Problem>> {
        let mut problems = rule.check();
        let sub_id = rule.sub_id_field().unwrap_or(assay_model::Field::SubId);
        let context = BuildContext { sub_id, kind };
        let mut filters = Vec::new();
        let mut needs = Needs::default();
        let mut standings = Vec::new();
        for (place, row) in (0u8..).zip(TABLE) {
            match build_filter(rule, row, context) {
                Ok(None) => {}
                Ok(Some((filter, block_mode))) => {
                    let places = filter
                        .needs()
                        .into_iter()
                        .map(|spec| needs.place(spec))
                        .collect();
                    let asks = filter.source().map(|test| {
                        standings.push(StandingSpec {
                            filter: place,
                            level: test.level(),
                            sub_id,
                        });
                        (standings.len() - 1) as u16
                    });
                    filters.push(RuleFilter {
                        filter,
                        block_mode,
                        places,
                        asks,
                        key: place,
                    });
                }
                Err(more) => problems.extend(more),
            }
        }
        problems.extend(not_built(rule));
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            rule: id,
            integration: rule.integration_id,
            protection: Some(rule.protection),
            scope: rule.scope.clone(),
            weighing: Weighing {
                strictness: rule.strictness,
                mode: rule.mode,
                on_degraded: OnDegraded::Allow,
            },
            holdout_percent: rule.holdout_percent,
            sub_id,
            filters,
            needs: needs.specs,
            standings,
        })
    }

    /// The rule that screens nothing; rule 0 is nobody's.
    pub(super) fn unscreened() -> Self {
        Self {
            rule: RuleRef { id: 0, version: 0 },
            integration: None,
            protection: None,
            scope: Scope::default(),
            weighing: Weighing::default(),
            holdout_percent: 0,
            sub_id: assay_model::Field::SubId,
            filters: Vec::new(),
            needs: Vec::new(),
            standings: Vec::new(),
        }
    }
}

/// Filters of the specification that this build does not have are refused by name:
/// accepting them would promise a protection that is not there.
fn not_built(rule: &Rule) -> Vec<Problem> {
    rule.filters
        .keys()
        .filter(|key| assay_model::document::FILTER_KEYS.contains(&key.as_str()))
        .filter(|key| !TABLE.iter().any(|row| row.key == key.as_str()))
        .map(|key| {
            Problem::new(
                format!("filters.{key}"),
                "this version does not have this filter",
            )
        })
        .collect()
}

/// How one filter stands in a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterState {
    /// Its key.
    pub key: &'static str,
    /// Whether it runs.
    pub enabled: bool,
    /// Whether what it finds counts.
    pub block_mode: BlockMode,
    /// Whether the rule itself names it.
    pub named: bool,
}

/// How every filter stands in a rule, in the order of [`crate::filter_keys`]; what does not
/// read takes its default.
#[must_use]
pub fn filter_states(rule: &Rule, kind: IntegrationKind) -> Vec<FilterState> {
    let sub_id = rule.sub_id_field().unwrap_or(assay_model::Field::SubId);
    let context = BuildContext { sub_id, kind };
    let state = |row: &FilterKind| {
        let (on, mode) = unless_said(rule, row, context);
        let mut settings = settings_of(rule, row, row.key).unwrap_or_default();
        FilterState {
            key: row.key,
            enabled: take(&mut settings, "enabled", on, "").unwrap_or(on),
            block_mode: take(&mut settings, "block_mode", mode, "").unwrap_or(mode),
            named: rule.filters.contains_key(row.key),
        }
    };
    TABLE.iter().map(state).collect()
}

/// The preset's settings of a filter with the rule's own over them.
fn settings_of(
    rule: &Rule,
    row: &FilterKind,
    path: &str,
) -> Result<Map<String, Value>, Vec<Problem>> {
    let mut settings = presets::chosen(rule.preset, row.key)
        .map(Chosen::settings)
        .unwrap_or_default();
    match rule.filters.get(row.key) {
        None => {}
        Some(Value::Object(own)) => settings.extend(own.clone()),
        Some(_) => return Err(vec![Problem::new(path, "must be an object of settings")]),
    }
    Ok(settings)
}

type Built = Option<(Box<dyn crate::Filter>, BlockMode)>;

fn build_filter(
    rule: &Rule,
    row: &FilterKind,
    context: BuildContext,
) -> Result<Built, Vec<Problem>> {
    let path = format!("filters.{}", row.key);
    let mut settings = settings_of(rule, row, &path)?;
    let (on, mode) = unless_said(rule, row, context);
    let enabled = take(&mut settings, "enabled", on, &path)?;
    let block_mode = take(&mut settings, "block_mode", mode, &path)?;
    // Settings of a filter that is off are checked too: it may be switched on later.
    let filter = (row.build)(Value::Object(settings), context).map_err(|problems| {
        problems
            .into_iter()
            .map(|p| {
                let field = if p.field.is_empty() {
                    path.clone()
                } else {
                    format!("{path}.{}", p.field)
                };
                Problem::new(field, p.detail)
            })
            .collect::<Vec<_>>()
    })?;
    Ok(enabled.then_some((filter, block_mode)))
}

/// Whether a filter runs, and what its findings do, where the rule does not say. One that
/// the rule names is wanted, and wanted to work; but a preset's word on that stands.
fn unless_said(rule: &Rule, row: &FilterKind, context: BuildContext) -> (bool, BlockMode) {
    let start = match presets::chosen(rule.preset, row.key) {
        Some(chosen) => chosen.start,
        None if rule.filters.contains_key(row.key) => Start::On,
        None if presets::is_whole(rule.preset) => Start::Off,
        None => (row.start)(context.kind),
    };
    match start {
        Start::On => (true, BlockMode::Block),
        Start::Flag => (true, BlockMode::Flag),
        Start::Off => (false, BlockMode::Block),
    }
}

/// Takes one common setting out of a filter's map.
pub(super) fn take<T: serde::de::DeserializeOwned>(
    settings: &mut Map<String, Value>,
    name: &str,
    default: T,
    path: &str,
) -> Result<T, Vec<Problem>> {
    match settings.remove(name) {
        None => Ok(default),
        Some(value) => serde_json::from_value(value)
            .map_err(|error| vec![Problem::new(format!("{path}.{name}"), error.to_string())]),
    }
}

/// The union of what filters need: a counter that two filters share is read once.
#[derive(Default)]
struct Needs {
    specs: Vec<CounterSpec>,
    places: HashMap<CounterSpec, u16>,
}

impl Needs {
    fn place(&mut self, spec: CounterSpec) -> u16 {
        *self.places.entry(spec).or_insert_with(|| {
            self.specs.push(spec);
            (self.specs.len() - 1) as u16
        })
    }
}
