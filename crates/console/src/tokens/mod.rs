//! API tokens: shown once, stored hashed, scoped.

#[cfg(test)]
mod tests;

use assay_model::AccountId;
use assay_model::document::{Problem, Token, TokenScope};
use assay_model::ports::{Doc, DocKind, NewDoc};
use axum::response::Response;
use serde_json::{Value, json};

use crate::api::{Call, Caller, created};
use crate::app::App;
use crate::auth::bearer::token_hash;
use crate::documents::{Input, Resource, drop_echoes, parse_body, shown, stored};
use crate::error::ApiError;
use crate::state::random_text;

/// Characters of a token that are kept to recognise it by.
const HINT_CHARS: usize = 4;

/// Tokens of the management API.
pub struct Tokens;

impl Resource for Tokens {
    type Body = Token;
    type Context = ();

    const KIND: DocKind = DocKind::Token;
    const PATH: &'static str = "/tokens";
    const NOUN: &'static str = "token";
    const READ_ONLY: &'static [&'static str] = &["hint"];

    fn placeholder() -> Value {
        json!({"name": "placeholder", "scopes": ["read"]})
    }

    async fn settle(
        app: &App,
        caller: &Caller,
        body: &mut Token,
        old: Option<(&Doc, &Token)>,
        out: &mut Vec<Problem>,
    ) -> Result<(), ApiError> {
        if let Some((_, old)) = old {
            body.hint.clone_from(&old.hint);
        }
        body.scopes.sort_unstable();
        body.scopes.dedup();
        out.extend(body.check());
        if let Some((doc, old)) = old
            && administers(old)
            && !administers(body)
            && is_last(app, caller.account, doc.id).await?
        {
            let field = if body.expires.is_some() {
                "expires"
            } else {
                "scopes"
            };
            out.push(Problem::new(field, LAST));
        }
        let held = |scope| old.is_some_and(|(_, old)| old.scopes.contains(scope));
        for scope in &body.scopes {
            if !caller.may(*scope) && !held(scope) {
                out.push(Problem::new(
                    "scopes",
                    "can only hold scopes that your own token has",
                ));
                break;
            }
        }
        Ok(())
    }

    async fn context(_app: &App, _account: AccountId) -> Result<(), ApiError> {
        Ok(())
    }

    fn show(_app: &App, _doc: &Doc, body: &Token, (): &()) -> Value {
        serde_json::to_value(body).unwrap_or(Value::Null)
    }

    fn editable(_doc: &Doc, body: &Token, (): &()) -> Value {
        let mut out = serde_json::to_value(body).unwrap_or(Value::Null);
        if let Some(map) = out.as_object_mut() {
            map.remove("hint");
        }
        out
    }

    async fn check_delete(
        app: &App,
        account: AccountId,
        doc: &Doc,
        body: &Token,
    ) -> Result<(), ApiError> {
        if administers(body) && is_last(app, account, doc.id).await? {
            return Err(ApiError::conflict(LAST));
        }
        Ok(())
    }
}

/// Why the last one stays: only such a token makes tokens, so nobody would ever get in again.
const LAST: &str = "this is the account's last token of scope admin that does not expire; \
                    make another one first";

/// Whether a token can make tokens for good.
fn administers(token: &Token) -> bool {
    token.expires.is_none() && token.scopes.contains(&TokenScope::Admin)
}

/// Whether no other token than this one administers the account.
async fn is_last(app: &App, account: AccountId, id: u64) -> Result<bool, ApiError> {
    let mut after = 0;
    loop {
        let page = app.state.control.list(account, DocKind::Token, after, PAGE);
        let page = page.await?;
        let Some(last) = page.last() else {
            return Ok(true);
        };
        after = last.id;
        for doc in page.iter().filter(|doc| doc.id != id) {
            if administers(&stored(doc.body.clone())?) {
                return Ok(false);
            }
        }
    }
}

/// Tokens read at once.
const PAGE: u32 = 500;

/// `POST /tokens`: the only answer that holds the token itself.
///
/// # Errors
/// 400, 422, 503.
pub async fn create(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let Input {
        fields,
        mut problems,
        ..
    } = Input::new(call.object()?, Tokens::READ_ONLY, None);
    let _one_at_a_time = call.app.changes.lock().await;
    let body: Option<Token> = parse_body(fields, &Tokens::placeholder(), &mut problems);
    let Some(mut body) = body else {
        return Err(ApiError::invalid(problems));
    };
    let already = problems.len();
    Tokens::settle(&call.app, &call.caller, &mut body, None, &mut problems).await?;
    drop_echoes(&mut problems, already);
    if body.expires.is_some_and(|expires| expires <= call.now) {
        problems.push(Problem::new("expires", "is in the past"));
    }
    if !problems.is_empty() {
        return Err(ApiError::invalid(problems));
    }
    let secret = new_secret(&call.app)?;
    let doc = save(&call.app, &call.caller, body, &secret).await?;
    call.app.publish(call.caller.account).await?;
    let mut body = shown::<Tokens>(&call.app, &doc, &())?;
    body["token"] = secret.into();
    Ok(created(Tokens::PATH, doc.id, &body))
}

/// A new token's text: `assay_` and 256 random bits.
///
/// # Errors
/// 503 when the system gives no randomness.
pub fn new_secret(app: &App) -> Result<String, ApiError> {
    Ok(format!("assay_{}", random_text::<32>(&*app.state.random)?))
}

/// Stores a token under its hash.
///
/// # Errors
/// 409 when it exists already, 503.
pub async fn save(app: &App, caller: &Caller, body: Token, secret: &str) -> Result<Doc, ApiError> {
    let control = &app.state.control;
    let new = new_token(body, secret);
    let doc = control
        .insert(caller.account, new, &caller.actor, app.now())
        .await?;
    Ok(doc)
}

/// A token as it is stored.
#[must_use]
pub fn new_token(mut body: Token, secret: &str) -> NewDoc {
    let skip = secret.chars().count().saturating_sub(HINT_CHARS);
    body.hint = secret.chars().skip(skip).collect();
    NewDoc {
        kind: DocKind::Token,
        unique: Some(token_hash(secret)),
        body: serde_json::to_value(body).unwrap_or(Value::Null),
    }
}
