//! From an entry of the ledger to what it owes.

use std::sync::Arc;

use super::{About, Change, Outcome, Owed, Postback, Standing, owed};
use crate::document::ScopeSubject;
use crate::facts::Country;
use crate::ledger::{Conversion, Entry, Status};
use crate::ports::Owes;

/// An account's postbacks by id, as one change sees them.
pub type Definitions = Arc<[(u64, Postback)]>;

/// What [`crate::ports::Ledger`] asks inside its transaction, for these definitions.
#[must_use]
pub fn owes(definitions: Definitions) -> Owes {
    Box::new(move |conversion, entry, decided| {
        owed_by_entry(&definitions, conversion, entry, decided)
    })
}

/// The messages that an entry of a conversion's history owes; `decided` is the last entry
/// before it that had decided.
#[must_use]
pub fn owed_by_entry(
    definitions: &[(u64, Postback)],
    conversion: &Conversion,
    entry: &Entry,
    decided: Option<&Entry>,
) -> Vec<Owed> {
    let from = &conversion.attributes;
    let about = About {
        subject: conversion.conversion_id,
        event: conversion.kind,
        integration: conversion.integration,
        scope: ScopeSubject {
            offer: given(&from.offer),
            advertiser: given(&from.advertiser),
            publisher: given(&from.publisher),
            country: Country::parse(&from.country),
        },
    };
    let change = Change {
        seq: entry.seq,
        at: entry.at,
        before: decided.and_then(standing),
        after: standing(entry),
    };
    let definitions = definitions.iter().map(|(id, postback)| (*id, postback));
    owed(definitions, &about, &change)
}

/// Where a conversion stands after an entry; `None` while it waits.
fn standing(entry: &Entry) -> Option<Standing<'_>> {
    match entry.to {
        Status::Approved => Some(Standing {
            outcome: Outcome::Approved,
            reason: "",
        }),
        Status::Rejected | Status::Invalid => Some(Standing {
            outcome: Outcome::Rejected,
            reason: entry.reason.code(),
        }),
        Status::Processing | Status::Pending => None,
    }
}

fn given(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
