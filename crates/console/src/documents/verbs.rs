//! The five verbs, the same for every kind of document.
//!
//! Nothing is saved before everything is checked; the answer is given after the change
//! is in force.

use assay_model::AccountId;
use assay_model::ports::{Doc, NewDoc};
use axum::response::Response;
use serde_json::{Map, Value};

use super::{Input, Resource, drop_echoes, merge, parse_body, seen, shown, stored, unknown_nulls};
use crate::api::{Call, Caller, created, no_content, ok, page};
use crate::app::App;
use crate::error::ApiError;

/// `GET /things?after=&limit=`.
///
/// # Errors
/// 422, 503.
pub async fn list<R: Resource>(mut call: Call) -> Result<Response, ApiError> {
    let (after, limit) = call.take_page()?;
    let account = call.caller.account;
    let control = &call.app.state.control;
    let mut docs = control.list(account, R::KIND, after, limit + 1).await?;
    let more = docs.len() > limit as usize;
    docs.truncate(limit as usize);
    let next = more.then(|| docs.last().map_or(Value::Null, |doc| doc.id.into()));
    let context = R::context(&call.app, account).await?;
    let items = docs
        .iter()
        .map(|doc| seen::<R>(&call, doc, &context))
        .collect::<Result<_, _>>()?;
    Ok(page(items, next))
}

/// `GET /things/{id}`.
///
/// # Errors
/// 404, 503.
pub async fn read<R: Resource>(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let doc = load::<R>(&call).await?;
    show::<R>(&call, &doc).await.map(|body| ok(&body))
}

/// `POST /things`.
///
/// # Errors
/// 400, 422, 409, 503.
pub async fn create<R: Resource>(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let fields = call.object()?;
    let doc = make::<R>(&call.app, &call.caller, fields).await?;
    let shown = show::<R>(&call, &doc).await?;
    Ok(created(R::PATH, doc.id, &shown))
}

/// Checks, saves and puts a new document in force; what pages and API share.
///
/// # Errors
/// 422, 409, 503.
pub async fn make<R: Resource>(
    app: &App,
    caller: &Caller,
    fields: Map<String, Value>,
) -> Result<Doc, ApiError> {
    let _one_at_a_time = app.changes.lock().await;
    insert::<R>(app, caller, fields).await
}

/// [`make`] for a caller that holds `app.changes`, so that nobody changes what it looked at.
///
/// # Errors
/// 422, 409, 503.
pub async fn insert<R: Resource>(
    app: &App,
    caller: &Caller,
    fields: Map<String, Value>,
) -> Result<Doc, ApiError> {
    let Input {
        fields,
        mut problems,
        ..
    } = Input::new(fields, R::READ_ONLY, None);
    let body: Option<R::Body> = parse_body(fields, &R::placeholder(), &mut problems);
    let Some(mut body) = body else {
        return Err(ApiError::invalid(problems));
    };
    let already = problems.len();
    R::settle(app, caller, &mut body, None, &mut problems).await?;
    drop_echoes(&mut problems, already);
    if !problems.is_empty() {
        return Err(ApiError::invalid(problems));
    }
    let new = new_doc::<R>(caller.account, &body)?;
    let control = &app.state.control;
    let doc = control
        .insert(caller.account, new, &caller.actor, app.now())
        .await?;
    app.publish(caller.account).await?;
    Ok(doc)
}

/// `PUT /things/{id}`: what is left out takes its default.
///
/// # Errors
/// 400, 404, 409, 422, 503.
pub async fn replace<R: Resource>(call: Call) -> Result<Response, ApiError> {
    update::<R>(call, |_, sent| sent).await
}

/// `PATCH /things/{id}`: what is left out stays; nested objects too.
///
/// # Errors
/// 400, 404, 409, 422, 503.
pub async fn patch<R: Resource>(call: Call) -> Result<Response, ApiError> {
    update::<R>(call, merged).await
}

/// What becomes of a document as it is and what was sent.
pub type Combine = fn(Value, Map<String, Value>) -> Map<String, Value>;

/// What is left out stays; nested objects too.
#[must_use]
pub fn merged(mut now: Value, sent: Map<String, Value>) -> Map<String, Value> {
    merge(&mut now, Value::Object(sent));
    match now {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

async fn update<R: Resource>(mut call: Call, combine: Combine) -> Result<Response, ApiError> {
    call.no_query()?;
    let sent = call.object()?;
    let _one_at_a_time = call.app.changes.lock().await;
    let doc = load::<R>(&call).await?;
    let saved = alter::<R>(&call, doc, sent, combine).await?;
    show::<R>(&call, &saved).await.map(|body| ok(&body))
}

/// Checks, saves and puts in force what a document becomes, for a caller that holds
/// `app.changes`.
///
/// # Errors
/// 422, 409, 503.
pub async fn alter<R: Resource>(
    call: &Call,
    doc: Doc,
    sent: Map<String, Value>,
    combine: Combine,
) -> Result<Doc, ApiError> {
    let old: R::Body = stored(doc.body.clone())?;
    let context = R::context(&call.app, call.caller.account).await?;
    let current = shown::<R>(&call.app, &doc, &context)?;
    let Input {
        fields,
        version,
        mut problems,
    } = Input::new(sent, R::READ_ONLY, Some(&current));
    if let Some(sent) = version.filter(|sent| *sent != doc.version) {
        let current = doc.version;
        return Err(assay_model::ports::StoreError::Conflict { sent, current }.into());
    }
    let now = R::editable(&doc, &old, &context);
    problems.extend(unknown_nulls::<R::Body>(&now, &fields));
    let fields = combine(now, fields);
    let body: Option<R::Body> = parse_body(fields, &R::placeholder(), &mut problems);
    let Some(mut body) = body else {
        return Err(ApiError::invalid(problems));
    };
    let caller = &call.caller;
    let already = problems.len();
    let before = Some((&doc, &old));
    R::settle(&call.app, caller, &mut body, before, &mut problems).await?;
    drop_echoes(&mut problems, already);
    if !problems.is_empty() {
        return Err(ApiError::invalid(problems));
    }
    let new = new_doc::<R>(caller.account, &body)?;
    let control = &call.app.state.control;
    let saved = control
        .update(
            caller.account,
            doc.id,
            Some(doc.version),
            new,
            &caller.actor,
            call.now,
        )
        .await?;
    call.app.publish(caller.account).await?;
    Ok(saved)
}

/// `DELETE /things/{id}`.
///
/// # Errors
/// 404, 409, 503.
pub async fn delete<R: Resource>(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let _one_at_a_time = call.app.changes.lock().await;
    let doc = load::<R>(&call).await?;
    let caller = &call.caller;
    let body: R::Body = stored(doc.body.clone())?;
    R::check_delete(&call.app, caller.account, &doc, &body).await?;
    let control = &call.app.state.control;
    let gone = control
        .delete(caller.account, R::KIND, doc.id, &caller.actor, call.now)
        .await?;
    if !gone {
        return Err(missing::<R>(doc.id));
    }
    call.app.publish(caller.account).await?;
    Ok(no_content())
}

async fn load<R: Resource>(call: &Call) -> Result<Doc, ApiError> {
    let id = call.id("id")?;
    let control = &call.app.state.control;
    let found = control.get(call.caller.account, R::KIND, id).await?;
    found.ok_or_else(|| missing::<R>(id))
}

async fn show<R: Resource>(call: &Call, doc: &Doc) -> Result<Value, ApiError> {
    let context = R::context(&call.app, call.caller.account).await?;
    seen::<R>(call, doc, &context)
}

fn missing<R: Resource>(id: u64) -> ApiError {
    ApiError::not_found(format!("there is no {} {id} in this account", R::NOUN))
}

/// A document as it is stored.
///
/// # Errors
/// 503 when it cannot be written.
pub fn new_doc<R: Resource>(account: AccountId, body: &R::Body) -> Result<NewDoc, ApiError> {
    let unique = R::unique(account, body);
    let body = serde_json::to_value(body)
        .map_err(|_| ApiError::unavailable("storage", "the document cannot be written"))?;
    Ok(NewDoc {
        kind: R::KIND,
        unique,
        body,
    })
}
