//! Detection: pure filters, compiled rules, and the verdict they come to.
//!
//! Same facts, same recall, same rule version: same verdict (golden rule 1). Nothing in
//! here reads a clock, a store or a socket; counters are declared and handed in.

pub mod filter;
pub mod filters;
pub mod holdout;
pub mod replay;
pub mod reputation;
pub mod rules;
pub mod sources;
pub mod verdict;

pub use filter::{Filter, Readings};
pub use rules::{
    AccountRules, CompiledRule, FilterState, OfferLimits, check_offer, check_rule, filter_states,
};
pub use verdict::{recompute, weigh};

/// Revision of the detection code. Grows when the same facts may come to another verdict,
/// so that replay can say whether a difference is the rule's or ours.
pub const REVISION: u32 = 3;

/// Filter keys in the order in which [`assay_model::Verdict::checks`] lists them.
#[must_use]
pub fn filter_keys() -> &'static [&'static str] {
    filters::KEYS
}
