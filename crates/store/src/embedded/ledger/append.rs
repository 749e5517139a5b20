//! A new conversion: its row, keys, first entry, and what is owed for it.

use assay_model::AccountId;
use assay_model::ledger::{Amount, Conversion, IdempotencyKey, Keys, NewConversion};
use assay_model::ports::{Appended, LedgerError};
use assay_model::postback::Owed;
use rusqlite::{Connection, named_params};

use super::row::{broken, reasons_text, run};
use super::{find, history, owed};

/// Adds it, unless it is there.
pub fn append(
    db: &Connection,
    account: AccountId,
    new: NewConversion,
    owes: &[Owed],
) -> Result<Appended, LedgerError> {
    if let Some(there) = find::by_keys(db, account, &new.keys)? {
        return Ok(Appended::Duplicate(Box::new(there)));
    }
    let entry = new.entry();
    let keys = new.keys.clone();
    let conversion = new.into_conversion(account);
    let row = insert(db, &conversion)?;
    add_keys(db, account, row, &keys)?;
    history::add(db, row, &entry)?;
    owed::queue(db, account, owes)?;
    Ok(Appended::New(Box::new(conversion)))
}

fn add_keys(db: &Connection, account: AccountId, row: i64, keys: &Keys) -> Result<(), LedgerError> {
    let sql = "INSERT INTO conversion_keys (account, key, row) VALUES (?1, ?2, ?3)";
    run(db, sql, (account.0, keys.decides.0, row))?;
    for key in &keys.also {
        add_key(db, account, row, *key)?;
    }
    Ok(())
}

/// Notes a key unless another conversion had it first.
pub fn add_key(
    db: &Connection,
    account: AccountId,
    row: i64,
    key: IdempotencyKey,
) -> Result<(), LedgerError> {
    let sql = "INSERT INTO conversion_keys (account, key, row) VALUES (?1, ?2, ?3) \
               ON CONFLICT DO NOTHING";
    run(db, sql, (account.0, key.0, row)).map(|_| ())
}

const INSERT: &str = "INSERT INTO conversions (account, conversion, integration, kind, event, \
    order_id, time, received, transaction_id, external_transaction_id, click, advertiser, offer, \
    publisher, sub_id, sub_id_2, sub_id_3, sub_id_4, sub_id_5, sub_id_6, source_id, country, \
    payout, payout_micros, revenue, revenue_micros, currency, action, fields, status, reason, \
    reasons, note, waiting, version, changed) \
    VALUES (:account, :conversion, :integration, :kind, :event, \
    :order_id, :time, :received, :transaction_id, :external_transaction_id, :click, :advertiser, \
    :offer, :publisher, :sub_id, :sub_id_2, :sub_id_3, :sub_id_4, :sub_id_5, :sub_id_6, \
    :source_id, :country, :payout, :payout_micros, :revenue, :revenue_micros, :currency, :action, \
    :fields, :status, :reason, :reasons, :note, :waiting, :version, :changed)";

fn insert(db: &Connection, new: &Conversion) -> Result<i64, LedgerError> {
    let from = &new.attributes;
    let [sub_id, sub_id_2, sub_id_3, sub_id_4, sub_id_5, sub_id_6] = &from.sub_ids;
    let state = &new.state;
    let params = named_params! {
        ":account": new.account.0,
        ":conversion": new.conversion_id.0,
        ":integration": new.integration.0,
        ":kind": new.kind.as_str(),
        ":event": new.event,
        ":order_id": new.order_id,
        ":time": new.time.0,
        ":received": new.received.0,
        ":transaction_id": new.transaction_id,
        ":external_transaction_id": new.external_transaction_id,
        ":click": new.click.map(|click| click.0),
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
        ":payout": new.payout.as_ref().map(Amount::text),
        ":payout_micros": new.payout.as_ref().map(Amount::micros),
        ":revenue": new.revenue.as_ref().map(Amount::text),
        ":revenue_micros": new.revenue.as_ref().map(Amount::micros),
        ":currency": new.currency,
        ":action": new.action.map_or("", assay_model::Action::as_str),
        ":fields": fields_text(&new.fields),
        ":status": state.status.as_str(),
        ":reason": state.reason.code(),
        ":reasons": reasons_text(&state.reasons),
        ":note": state.note,
        ":waiting": state.waiting.map(assay_model::ledger::Waiting::as_str),
        ":version": state.version,
        ":changed": state.changed.0,
    };
    db.prepare_cached(INSERT)
        .and_then(|mut statement| statement.insert(params))
        .map_err(broken)
}

/// Macro values as the JSON object that is stored.
pub fn fields_text(fields: &std::collections::BTreeMap<String, String>) -> String {
    serde_json::json!(fields).to_string()
}
