//! Rules and lists of an account as a file: read, and written so that it reads back the same.

use std::path::Path;

use anyhow::Context as _;
use assay_model::AccountId;
use assay_model::document::{List, Rule};
use assay_model::ports::{ControlStore, Doc, DocKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::offline;

/// Documents of one page when all are read.
const PAGE: u32 = 500;

/// A document of the file, or of the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The stored document that it is; `None` = a new one.
    pub id: Option<u64>,
    /// The version that it was made from; `None` = any.
    pub version: Option<u32>,
    /// The whole document, defaults included; a rule's without its place.
    pub body: Map<String, Value>,
    /// A rule's place: as said in the file, or its key in the store.
    pub priority: u32,
}

impl Item {
    /// Its name, for people.
    pub fn name(&self) -> &str {
        let name = self.body.get("name").and_then(Value::as_str);
        name.unwrap_or_default()
    }

    /// Whether it is the account's last rule.
    pub fn is_default(&self) -> bool {
        self.body.get("is_default") == Some(&Value::Bool(true))
    }

    fn of_doc<T: Serialize + DeserializeOwned>(doc: Doc) -> anyhow::Result<Self> {
        let place = || format!("stored {} {}", doc.kind.as_str(), doc.id);
        let body: T = serde_json::from_value(doc.body.clone()).with_context(place)?;
        Self::new(Some(doc.id), Some(doc.version), &body)
    }

    fn new<T: Serialize>(id: Option<u64>, version: Option<u32>, body: &T) -> anyhow::Result<Self> {
        let Value::Object(mut body) = serde_json::to_value(body)? else {
            anyhow::bail!("a document is an object");
        };
        let priority = body.remove("priority").and_then(|key| key.as_u64());
        Ok(Self {
            id,
            version,
            body,
            priority: priority
                .and_then(|key| u32::try_from(key).ok())
                .unwrap_or(0),
        })
    }
}

/// Everything that a file has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Documents {
    /// From first to last; the default rule is the last.
    pub rules: Vec<Item>,
    /// By id, new ones last.
    pub lists: Vec<Item>,
}

impl Documents {
    /// What is in the store.
    pub async fn stored(control: &dyn ControlStore, account: AccountId) -> anyhow::Result<Self> {
        let mut rules = Vec::new();
        for doc in all(control, account, DocKind::Rule).await? {
            rules.push(Item::of_doc::<Rule>(doc)?);
        }
        rules.sort_by_key(|item| (item.is_default(), item.priority, item.id));
        let mut lists = Vec::new();
        for doc in all(control, account, DocKind::List).await? {
            lists.push(Item::of_doc::<List>(doc)?);
        }
        Ok(Self { rules, lists })
    }

    /// What a file says, TOML or JSON; every problem is named.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let Value::Object(mut file) = offline::document_of(path)? else {
            anyhow::bail!("{}: must have rules, lists or both", path.display());
        };
        let mut problems = Vec::new();
        let mut take = |name: &str| match file.remove(name) {
            None => Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                problems.push(format!("{name} must be a list"));
                Vec::new()
            }
        };
        let (rules, lists) = (take("rules"), take("lists"));
        problems.extend(file.keys().map(|name| format!("{name} is not known here")));
        let mut documents = Self {
            rules: items::<Rule>("rules", rules, assay_detect::check_rule, &mut problems),
            lists: items::<List>("lists", lists, List::check, &mut problems),
        };
        documents.order(&mut problems);
        let told = || format!("{}:\n  {}", path.display(), problems.join("\n  "));
        anyhow::ensure!(problems.is_empty(), told());
        Ok(documents)
    }

    /// Rules stand in the order of the file, unless all say their place.
    fn order(&mut self, problems: &mut Vec<String>) {
        self.rules.sort_by_key(Item::is_default);
        let placed = self.rules.iter().filter(|rule| !rule.is_default());
        let with = placed.clone().filter(|rule| rule.priority > 0).count();
        if with == placed.count() {
            self.rules
                .sort_by_key(|rule| (rule.is_default(), rule.priority));
        } else if with > 0 {
            problems.push(
                "rules: either all have a priority or none, then the order of the file is theirs"
                    .to_owned(),
            );
        }
        if self.rules.iter().filter(|rule| rule.is_default()).count() > 1 {
            problems.push("rules: only one can be the default rule".to_owned());
        }
    }

    /// The file that reads back as this.
    pub fn to_toml(&self, account: AccountId) -> anyhow::Result<String> {
        let mut out = format!(
            "# Rules and lists of account {}. `assay config diff FILE` shows what a changed file\n\
             # would change, `assay config apply FILE` does it, all or nothing.\n\
             # Rules are tried from first to last. `id` and `version` say what an entry was made\n\
             # from: one that has changed since is refused. A new entry has neither.\n",
            account.0
        );
        let rule = serde_json::to_value(Rule {
            is_default: false,
            ..Rule::default_rule()
        })?;
        for item in &self.rules {
            write_item(&mut out, "rules", item, &rule)?;
        }
        let list = json!({"mode": "deny", "scope": rule["scope"], "entries": []});
        for item in &self.lists {
            write_item(&mut out, "lists", item, &list)?;
        }
        Ok(out)
    }
}

/// Fields that are always written: what a rule must have.
const ALWAYS: [&str; 5] = ["name", "status", "protection", "sub_id_mapping", "field"];

/// One entry: what differs from the defaults, and the defaults as a comment.
fn write_item(out: &mut String, table: &str, item: &Item, defaults: &Value) -> anyhow::Result<()> {
    let mut entry = Map::new();
    entry.insert("id".to_owned(), json!(item.id));
    entry.insert("version".to_owned(), json!(item.version));
    let mut left_out = Vec::new();
    for (name, value) in &item.body {
        if !ALWAYS.contains(&name.as_str()) && defaults.get(name) == Some(value) {
            left_out.push(match value {
                Value::String(text) => format!("{name} = {text:?}"),
                _ => name.clone(),
            });
        } else {
            let mut value = without_empty(value);
            if let Some(selections) = value.as_object_mut().filter(|_| name == "scope") {
                // An empty selection is all; an empty filter is one that is on.
                selections.retain(|_, inner| inner.as_object().is_none_or(|map| !map.is_empty()));
            }
            entry.insert(name.clone(), value);
        }
    }
    entry.retain(|_, value| !value.is_null());
    let text = toml::to_string(&json!({ table: [entry] }))?;
    out.push('\n');
    out.push_str(&text);
    if !left_out.is_empty() {
        let comment = format!("# default: {}\n", left_out.join(", "));
        let place = out.len() - text.len();
        let first_line = text.find('\n').map_or(text.len(), |end| end + 1);
        out.insert_str(place + first_line, &comment);
    }
    Ok(())
}

/// A value without what is null or empty inside.
fn without_empty(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, inner)| (name.clone(), without_empty(inner)))
            .filter(|(_, inner)| !is_empty(inner))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(without_empty).collect(),
        other => other.clone(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn items<T: Serialize + DeserializeOwned>(
    table: &str,
    values: Vec<Value>,
    check: fn(&T) -> Vec<assay_model::document::Problem>,
    problems: &mut Vec<String>,
) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for (at, value) in values.into_iter().enumerate() {
        match item(value, check) {
            Ok(item) if item.id.is_some() && items.iter().any(|own| own.id == item.id) => {
                problems.push(format!("{table}[{at}].id: stands here twice"));
            }
            Ok(item) => items.push(item),
            Err(found) => {
                problems.extend(
                    found
                        .into_iter()
                        .map(|what| format!("{table}[{at}].{what}")),
                );
            }
        }
    }
    items
}

fn item<T: Serialize + DeserializeOwned>(
    mut value: Value,
    check: fn(&T) -> Vec<assay_model::document::Problem>,
) -> Result<Item, Vec<String>> {
    let one = |what: String| vec![what];
    let mut take = |name: &str| match value.as_object_mut().and_then(|map| map.remove(name)) {
        None => Ok(None),
        Some(found) => match found.as_u64().filter(|number| *number > 0) {
            None => Err(one(format!("{name}: {found} is no positive number"))),
            number => Ok(number),
        },
    };
    let (id, version) = (take("id")?, take("version")?);
    let version = version
        .map(|number| u32::try_from(number).map_err(|e| one(format!("version: {e}"))))
        .transpose()?;
    let body: T = serde_path_to_error::deserialize(value)
        .map_err(|error| one(format!("{}: {}", error.path(), error.inner())))?;
    let found = check(&body);
    if !found.is_empty() {
        let lines = found
            .into_iter()
            .map(|p| format!("{}: {}", p.field, p.detail));
        return Err(lines.collect());
    }
    Item::new(id, version, &body).map_err(|error| one(error.to_string()))
}

async fn all(
    control: &dyn ControlStore,
    account: AccountId,
    kind: DocKind,
) -> anyhow::Result<Vec<Doc>> {
    let (mut docs, mut after) = (Vec::new(), 0);
    loop {
        let page = control.list(account, kind, after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(docs);
        };
        after = last.id;
        docs.extend(page);
    }
}
