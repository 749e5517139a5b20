//! Flags referring pages whose address the user does not want.
//!
//! Words of one's own, and groups of up to 10,000 entries: a group that names a category is
//! reported as that category. No list of pages comes with the product: whoever has one loads
//! it as a group.
//!
//! Reads: `referer`. Emits: `REFERRER_KEYWORD`, `REFERRER_CATEGORY`, `REFERRER_MISSING`.
//! Source: facts.md 1.A.6 (limits, names of the categories).

use assay_model::document::Problem;
use assay_model::facts::Facts;
use assay_model::hit::{EventKind, Field};
use assay_model::reason::Reason;
use assay_model::verdict::{Check, Finding, Missing};
use serde::Deserialize;

use super::Settings;
use super::words::{self, Words};
use crate::filter::{Filter, Readings};

const KEYWORDS_MAX: usize = 100;
const GROUPS_MAX: usize = 10;
const GROUP_ENTRIES_MAX: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Category {
    Fraud,
    Drugs,
    P2pStreaming,
    HateSpeech,
    Adult,
}

impl Category {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Fraud => "fraud",
            Self::Drugs => "drugs",
            Self::P2pStreaming => "p2p_streaming",
            Self::HateSpeech => "hate_speech",
            Self::Adult => "adult",
        }
    }
}

/// Words or pages that belong together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: Box<str>,
    #[serde(default)]
    category: Option<Category>,
    #[serde(default)]
    entries: Vec<Box<str>>,
}

/// Settings of `compliance`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ComplianceSettings {
    /// Words that are looked for in the page's address.
    keywords: Vec<Box<str>>,
    keyword_groups: Vec<Group>,
    /// Whether a click without a referring page is caught.
    block_empty: bool,
}

impl Settings for ComplianceSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        words::check("keywords", &self.keywords, KEYWORDS_MAX, out);
        if self.keyword_groups.len() > GROUPS_MAX {
            let count = self.keyword_groups.len();
            let detail = format!("holds {count} groups, at most {GROUPS_MAX} are taken");
            out.push(Problem::new("keyword_groups", detail));
        }
        for (at, group) in self.keyword_groups.iter().enumerate() {
            let field = format!("keyword_groups[{at}]");
            if !(1..=100).contains(&group.name.trim().len()) {
                let detail = "needs 1 to 100 characters";
                out.push(Problem::new(format!("{field}.name"), detail));
            }
            let entries = format!("{field}.entries");
            words::check(&entries, &group.entries, GROUP_ENTRIES_MAX, out);
        }
    }
}

/// A group ready to be looked for.
struct Compiled {
    name: Box<str>,
    category: Option<Category>,
    words: Words,
}

pub struct Compliance {
    keywords: Words,
    groups: Vec<Compiled>,
    block_empty: bool,
}

impl Compliance {
    pub fn new(settings: ComplianceSettings) -> Self {
        let groups = settings.keyword_groups.into_iter().map(|group| Compiled {
            name: group.name,
            category: group.category,
            words: Words::new(group.entries),
        });
        Self {
            keywords: Words::new(settings.keywords),
            groups: groups.filter(|group| !group.words.is_empty()).collect(),
            block_empty: settings.block_empty,
        }
    }

    fn look<'a>(&'a self, referer: &'a str, found: &mut Vec<Finding<'a>>) {
        if let Some(place) = self.keywords.find(referer) {
            found.push(
                Finding::new(Reason::ReferrerKeyword)
                    .with("referer", referer)
                    .with("match", self.keywords.get(place)),
            );
        }
        for group in &self.groups {
            let Some(place) = group.words.find(referer) else {
                continue;
            };
            let finding = match group.category {
                None => Finding::new(Reason::ReferrerKeyword),
                Some(category) => {
                    Finding::new(Reason::ReferrerCategory).with("category", category.as_str())
                }
            };
            found.push(
                finding
                    .with("referer", referer)
                    .with("match", group.words.get(place))
                    .from_list(&*group.name),
            );
        }
    }
}

impl Filter for Compliance {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        if facts.hit.event == EventKind::PostEvent {
            return Check::Skipped(Missing::EventKind);
        }
        let referer = facts.hit.get(Field::Referer).map(str::trim);
        let before = found.len();
        match referer.filter(|referer| !referer.is_empty()) {
            Some(referer) => self.look(referer, found),
            None if self.block_empty && !facts.hit.is_app() && !facts.hit.event.is_conversion() => {
                found.push(Finding::new(Reason::ReferrerMissing).with("referer", ""));
            }
            None => return Check::Skipped(Missing::Values),
        }
        if found.len() > before {
            Check::Flagged
        } else {
            Check::Clean
        }
    }
}
