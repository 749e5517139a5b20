//! Changes of where a conversion stands: row, entry and what is owed, together.

use assay_model::ledger::{Change, Conversion, Entry, Guard, Match, Waiting};
use assay_model::ports::{Changed, LedgerError, Owes, Settled, Settlement};
use assay_model::{AccountId, Action, EventId};
use rusqlite::{Connection, named_params};

use super::append::{add_key, fields_text};
use super::row::{Stored, broken, reasons_text, run};
use super::{find, history, owed};

/// Changes status or reason.
pub fn change(
    db: &Connection,
    (account, id): (AccountId, EventId),
    wish: &Change,
    owes: Owes,
) -> Result<Changed, LedgerError> {
    let mut stored = find::stored(db, account, id)?.ok_or(LedgerError::NotFound)?;
    let entry = make(db, &mut stored, wish, owes)?;
    Ok(Changed {
        conversion: stored.conversion,
        entry,
    })
}

/// Decides what waited; a click that came is kept even when somebody had decided before.
pub fn settle(
    db: &Connection,
    (account, id): (AccountId, EventId),
    settlement: Settlement,
    owes: Owes,
) -> Result<Settled, LedgerError> {
    let mut stored = find::stored(db, account, id)?.ok_or(LedgerError::NotFound)?;
    if let Some(found) = settlement.found
        && stored.conversion.click.is_none()
    {
        match find::holder(db, account, found.key)? {
            Some(other) if other.row != stored.row => {
                return Ok(Settled::Duplicate(other.conversion.conversion_id));
            }
            _ => attach(db, &mut stored, found)?,
        }
    }
    if let Some(action) = settlement.action
        && !stored.conversion.state.status.is_decided()
    {
        set_action(db, &mut stored, action)?;
    }
    let wish = Change {
        guard: Guard::Undecided,
        ..settlement.change
    };
    let entry = make(db, &mut stored, &wish, owes)?;
    Ok(Settled::Done(Box::new(Changed {
        conversion: stored.conversion,
        entry,
    })))
}

fn make(
    db: &Connection,
    stored: &mut Stored,
    wish: &Change,
    owes: Owes,
) -> Result<Option<Entry>, LedgerError> {
    let Some(entry) = stored.conversion.state.change(wish)? else {
        return Ok(None);
    };
    let before = history::last_decided(db, stored.row)?;
    let owed = owes(&stored.conversion, &entry, before.as_ref());
    update(db, stored.row, &stored.conversion)?;
    history::add(db, stored.row, &entry)?;
    owed::queue(db, stored.conversion.account, &owed)?;
    Ok(Some(entry))
}

fn update(db: &Connection, row: i64, conversion: &Conversion) -> Result<(), LedgerError> {
    let state = &conversion.state;
    let sql = "UPDATE conversions SET status = ?2, reason = ?3, reasons = ?4, note = ?5, \
               waiting = ?6, version = ?7, changed = ?8 WHERE row = ?1";
    let params = (
        row,
        state.status.as_str(),
        state.reason.code(),
        reasons_text(&state.reasons),
        &state.note,
        state.waiting.map(Waiting::as_str),
        state.version,
        state.changed.0,
    );
    run(db, sql, params).map(|_| ())
}

fn set_action(db: &Connection, stored: &mut Stored, action: Action) -> Result<(), LedgerError> {
    stored.conversion.action = Some(action);
    let sql = "UPDATE conversions SET action = ?2 WHERE row = ?1";
    run(db, sql, (stored.row, action.as_str())).map(|_| ())
}

const ATTACH: &str = "UPDATE conversions SET click = :click, transaction_id = :transaction_id, \
    external_transaction_id = :external_transaction_id, advertiser = :advertiser, offer = :offer, \
    publisher = :publisher, sub_id = :sub_id, sub_id_2 = :sub_id_2, sub_id_3 = :sub_id_3, \
    sub_id_4 = :sub_id_4, sub_id_5 = :sub_id_5, sub_id_6 = :sub_id_6, source_id = :source_id, \
    country = :country, fields = :fields WHERE row = :row";

fn attach(db: &Connection, stored: &mut Stored, found: Match) -> Result<(), LedgerError> {
    add_key(db, stored.conversion.account, stored.row, found.key)?;
    let from = &found.attributes;
    let [sub_id, sub_id_2, sub_id_3, sub_id_4, sub_id_5, sub_id_6] = &from.sub_ids;
    let params = named_params! {
        ":row": stored.row,
        ":click": found.click.0,
        ":transaction_id": found.transaction_id,
        ":external_transaction_id": found.external_transaction_id,
        ":advertiser": from.advertiser,
        ":offer": from.offer,
        ":publisher": from.publisher,
        ":sub_id": sub_id,
        ":sub_id_2": sub_id_2,
        ":sub_id_3": sub_id_3,
        ":sub_id_4": sub_id_4,
        ":sub_id_5": sub_id_5,
        ":sub_id_6": sub_id_6,
        ":source_id": from.source_id,
        ":country": from.country,
        ":fields": fields_text(&found.fields),
    };
    db.prepare_cached(ATTACH)
        .and_then(|mut statement| statement.execute(params))
        .map_err(broken)?;
    let conversion = &mut stored.conversion;
    conversion.click = Some(found.click);
    conversion.transaction_id = found.transaction_id;
    conversion.external_transaction_id = found.external_transaction_id;
    conversion.attributes = found.attributes;
    conversion.fields = found.fields;
    Ok(())
}
