//! What is owed to receivers goes into the queue with the entry that owes it.

use assay_model::AccountId;
use assay_model::ports::LedgerError;
use assay_model::postback::Owed;
use rusqlite::Connection;

use super::row::run;

/// Queues messages; one that is there already is left as it is.
pub fn queue(db: &Connection, account: AccountId, owed: &[Owed]) -> Result<(), LedgerError> {
    let sql = "INSERT INTO postbacks_owed \
        (account, postback, subject, event, seq, due, outcome, reason) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING";
    for message in owed {
        let postback = i64::try_from(message.postback).map_err(|_| LedgerError::Invalid {
            field: "postback",
            detail: "is no id of ours".to_owned(),
        })?;
        let params = (
            account.0,
            postback,
            message.subject.0,
            message.event.as_str(),
            message.seq,
            message.due.0,
            message.outcome.as_str(),
            &message.reason,
        );
        run(db, sql, params)?;
    }
    Ok(())
}
