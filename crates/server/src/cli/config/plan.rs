//! What makes the store as a file says: which documents are made, changed, moved and removed.

use std::collections::HashMap;
use std::fmt;

use assay_model::ports::DocKind;
use serde_json::{Map, Value};

use super::file::{Documents, Item};

/// One field that changes: where, from, to.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    path: String,
    from: Value,
    to: Value,
}

/// What happens to a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// It is made.
    Make,
    /// Fields of it change, or its place among the rules.
    Change { fields: Vec<Field>, moved: bool },
    /// It is removed.
    Remove,
}

/// A document and what happens to it.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What it is.
    pub kind: DocKind,
    /// The document as it will be; as it is, when it is removed.
    pub item: Item,
    /// The version that is stored.
    pub stored: Option<u32>,
    /// What happens.
    pub step: Step,
}

/// Everything that happens, and why it may not.
#[derive(Debug, Default)]
pub struct Plan {
    /// In the order of the file, removals last.
    pub steps: Vec<Planned>,
    /// What forbids it.
    pub refused: Vec<String>,
}

impl Plan {
    /// What makes `stored` into `wanted`.
    pub fn new(stored: &Documents, wanted: &Documents) -> Self {
        let mut plan = Self::default();
        let keys = place(stored, wanted);
        for (item, key) in wanted.rules.iter().zip(keys) {
            let item = Item {
                priority: key,
                ..item.clone()
            };
            plan.add(DocKind::Rule, item, &stored.rules);
        }
        for item in &wanted.lists {
            plan.add(DocKind::List, item.clone(), &stored.lists);
        }
        // The default rule always is; a file need not name it.
        let gone = |item: &&Item| !item.is_default();
        plan.remove(
            DocKind::Rule,
            stored.rules.iter().filter(gone),
            &wanted.rules,
        );
        plan.remove(DocKind::List, stored.lists.iter(), &wanted.lists);
        plan
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// How many documents are removed.
    pub fn removals(&self) -> usize {
        let removed = self.steps.iter().filter(|own| own.step == Step::Remove);
        removed.count()
    }

    fn add(&mut self, kind: DocKind, item: Item, stored: &[Item]) {
        let Some(id) = item.id else {
            return self.make(kind, item);
        };
        let what = kind.as_str();
        let Some(old) = stored.iter().find(|own| own.id == Some(id)) else {
            return self.refused.push(format!(
                "{what} {id} is not in the store; leave its id and version out to make it anew"
            ));
        };
        if let (Some(sent), Some(current)) = (item.version, old.version)
            && sent != current
        {
            return self.refused.push(format!(
                "{what} {id} {:?}: the file was made from version {sent}, the store has {current}",
                old.name()
            ));
        }
        if item.is_default() != old.is_default() {
            return self
                .refused
                .push(format!("{what} {id}: which rule is the default one stays"));
        }
        let mut fields = Vec::new();
        changes("", &old.body, &item.body, &mut fields);
        let moved = item.priority != old.priority;
        if !fields.is_empty() || moved {
            self.steps.push(Planned {
                kind,
                stored: old.version,
                item,
                step: Step::Change { fields, moved },
            });
        }
    }

    fn make(&mut self, kind: DocKind, item: Item) {
        if item.is_default() {
            let why = "the default rule is there; name it by its id";
            return self.refused.push(why.to_owned());
        }
        self.steps.push(Planned {
            kind,
            item,
            stored: None,
            step: Step::Make,
        });
    }

    fn remove<'i>(
        &mut self,
        kind: DocKind,
        stored: impl Iterator<Item = &'i Item>,
        wanted: &[Item],
    ) {
        let gone = stored.filter(|old| !wanted.iter().any(|own| own.id == old.id));
        self.steps.extend(gone.map(|item| Planned {
            kind,
            item: item.clone(),
            stored: item.version,
            step: Step::Remove,
        }));
    }
}

/// Keys for the rules of a file, ascending. As many as can keep the one that they have, so
/// that moving one rule changes one document.
fn place(stored: &Documents, wanted: &Documents) -> Vec<u32> {
    let keys: HashMap<u64, u32> = stored
        .rules
        .iter()
        .filter_map(|rule| Some((rule.id?, rule.priority)))
        .collect();
    let rules = wanted.rules.iter().filter(|rule| !rule.is_default());
    let own: Vec<Option<u32>> = rules.map(|rule| keys.get(&rule.id?).copied()).collect();
    let mut placed = fill(&longest_rising(&own)).unwrap_or_else(|| spread(own.len()));
    placed.extend(
        wanted
            .rules
            .last()
            .filter(|rule| rule.is_default())
            .map(|_| u32::MAX),
    );
    placed
}

/// The keys of the longest rising row of them; `None` = the rule gets another.
fn longest_rising(keys: &[Option<u32>]) -> Vec<Option<u32>> {
    // Length of the longest row that ends here, and the one before in it.
    let mut best: Vec<(usize, Option<usize>)> = Vec::with_capacity(keys.len());
    for (at, key) in keys.iter().enumerate() {
        let before =
            (0..at).filter(|other| key.is_some() && keys[*other].is_some_and(|k| Some(k) < *key));
        let longest = before.max_by_key(|other| best[*other].0);
        let length = longest.map_or(0, |other| best[other].0) + usize::from(key.is_some());
        best.push((length, longest));
    }
    let mut kept = vec![None; keys.len()];
    let mut at = (0..keys.len()).rev().max_by_key(|at| best[*at].0);
    while let Some(place) = at {
        kept[place] = keys[place];
        at = best[place].1;
    }
    kept
}

/// Puts keys where there are none, evenly between their neighbours; `None` = there is no room.
fn fill(keys: &[Option<u32>]) -> Option<Vec<u32>> {
    let mut out: Vec<u32> = Vec::with_capacity(keys.len());
    let mut at = 0;
    while at < keys.len() {
        if let Some(key) = keys[at] {
            out.push(key);
            at += 1;
            continue;
        }
        let missing = keys[at..].iter().take_while(|key| key.is_none()).count();
        let low = out.last().copied().unwrap_or(0);
        let high = keys[at + missing..].first().copied().flatten();
        let high = high.unwrap_or(u32::MAX);
        let step = (high - low) / u32::try_from(missing + 1).ok()?;
        if step == 0 {
            return None;
        }
        out.extend((1..).take(missing).map(|nth| low + step * nth));
        at += missing;
    }
    Some(out)
}

fn spread(rules: usize) -> Vec<u32> {
    let step = u32::MAX / u32::try_from(rules + 1).unwrap_or(u32::MAX);
    (1..).take(rules).map(|nth| step * nth).collect()
}

/// Every field that differs, objects field by field.
fn changes(path: &str, from: &Map<String, Value>, to: &Map<String, Value>, out: &mut Vec<Field>) {
    let names = from
        .keys()
        .chain(to.keys().filter(|name| !from.contains_key(*name)));
    for name in names {
        let path = match path {
            "" => name.clone(),
            path => format!("{path}.{name}"),
        };
        let (old, new) = (from.get(name), to.get(name));
        match (old, new) {
            (Some(Value::Object(old)), Some(Value::Object(new))) => changes(&path, old, new, out),
            _ if old != new => out.push(Field {
                path,
                from: old.cloned().unwrap_or_default(),
                to: new.cloned().unwrap_or_default(),
            }),
            _ => {}
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for planned in &self.steps {
            let (what, name) = (planned.kind.as_str(), planned.item.name());
            let id = planned
                .item
                .id
                .map_or_else(String::new, |id| format!(" {id}"));
            match &planned.step {
                Step::Make => writeln!(f, "+ {what} {name:?}")?,
                Step::Remove => writeln!(f, "- {what}{id} {name:?}")?,
                Step::Change { fields, moved } => {
                    let version = planned.stored.unwrap_or(0);
                    let place = if *moved { ", moved" } else { "" };
                    writeln!(f, "~ {what}{id} {name:?}, version {version}{place}")?;
                    for field in fields {
                        writeln!(
                            f,
                            "    {}: {} -> {}",
                            field.path,
                            short(&field.from),
                            short(&field.to)
                        )?;
                    }
                }
            }
        }
        for why in &self.refused {
            writeln!(f, "! {why}")?;
        }
        Ok(())
    }
}

/// A value in a line; lists may have a hundred thousand entries.
fn short(value: &Value) -> String {
    const MOST: usize = 120;
    let text = value.to_string();
    if text.chars().count() <= MOST {
        return text;
    }
    let start: String = text.chars().take(MOST).collect();
    match value {
        Value::Array(items) => format!("{start}… ({} items)", items.len()),
        _ => format!("{start}…"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(keys: &[Option<u32>]) -> Vec<u32> {
        fill(&longest_rising(keys)).unwrap_or_else(|| spread(keys.len()))
    }

    #[test]
    fn moving_one_rule_moves_one_rule() {
        let keys = [Some(10), Some(20), Some(30), Some(40)];
        assert_eq!(order(&keys), [10, 20, 30, 40]);
        let moved = order(&[Some(40), Some(10), Some(20), Some(30)]);
        assert_eq!(moved[1..], [10, 20, 30]);
        assert!(moved[0] < 10);
        let back = order(&[Some(20), Some(30), Some(10), Some(40)]);
        assert_eq!((back[0], back[1], back[3]), (20, 30, 40));
        assert!((31..40).contains(&back[2]));
    }

    #[test]
    fn new_rules_find_room_or_make_it() {
        let between = order(&[Some(10), None, None, Some(40)]);
        assert!(between.is_sorted() && between[0] == 10 && between[3] == 40);
        let full = order(&[Some(10), None, Some(11)]);
        assert!(full.windows(2).all(|pair| pair[0] < pair[1]), "{full:?}");
        assert_eq!(order(&[None, None]).len(), 2);
        assert!(order(&[]).is_empty());
    }
}
