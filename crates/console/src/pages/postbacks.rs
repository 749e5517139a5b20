//! The postback log: who was told what, and what they answered.

use std::collections::HashMap;

use askama::Template;
use assay_model::document::TokenScope;
use assay_model::ports::{Delivery, DeliveryQuery, DeliveryState, DocKind};
use assay_model::postback::{FireOn, Outcome, Postback, PostbackType};
use axum::extract::Path;
use axum::response::Response;

use super::connected::status;
use super::frame::Frame;
use super::words::{self, Chip};
use super::{Page, Posted, Shown, Visit, redirect};
use crate::documents::stored;
use crate::error::ApiError;
use crate::postbacks::deliveries::{refusal, take_query};

/// Deliveries of a page.
const SHOWN: u32 = 50;
/// Definitions of the table, and whose names the log knows.
const DEFINITIONS_SHOWN: u32 = 200;

#[derive(Template)]
#[template(path = "postbacks.html")]
pub struct PostbacksPage {
    frame: Frame,
    states: Vec<StateLink>,
    lines: Vec<DeliveryLine>,
    older: Option<String>,
    definitions: Vec<DefinitionLine>,
    may_resend: bool,
}

/// A choice of the filter bar.
struct StateLink {
    word: &'static str,
    href: String,
    here: bool,
}

/// A delivery in the table.
struct DeliveryLine {
    id: u64,
    due: String,
    postback_id: u64,
    postback: String,
    event: &'static str,
    subject: String,
    told: Chip,
    reason: String,
    state: Chip,
    next: String,
    attempts: u32,
    answer: String,
    error: String,
    request: String,
    response: String,
    resendable: bool,
}

/// A definition in the table.
struct DefinitionLine {
    id: u64,
    name: String,
    kind: &'static str,
    fires: &'static str,
    url: String,
    status: Chip,
}

/// `GET /postbacks?state=&before=`.
pub async fn page(mut visit: Visit) -> Shown<PostbacksPage> {
    let query = take_query(&mut visit.query)?;
    let account = visit.session.account;
    let state = &visit.app.state;
    let wanted = DeliveryQuery {
        // One more than is shown tells whether there are older ones.
        limit: SHOWN + 1,
        ..query
    };
    let mut rows = state.postbacks.deliveries(account, wanted).await?;
    let more = rows.len() > SHOWN as usize;
    rows.truncate(SHOWN as usize);
    let older = rows.last().filter(|_| more).map(|row| {
        let state = query.state.map_or("", DeliveryState::as_str);
        format!("/postbacks?state={state}&before={}", row.id)
    });
    let (definitions, names) = definitions(&visit).await?;
    let lines = rows.into_iter().map(|row| line(row, &visit, &names));
    Ok(Page(PostbacksPage {
        frame: visit.frame("Postback log", "postbacks"),
        states: states(query.state),
        lines: lines.collect(),
        older,
        definitions,
        may_resend: visit.caller.may(TokenScope::Write),
    }))
}

async fn definitions(
    visit: &Visit,
) -> Result<(Vec<DefinitionLine>, HashMap<u64, String>), ApiError> {
    let control = &visit.app.state.control;
    let account = visit.session.account;
    let docs = control.list(account, DocKind::Postback, 0, DEFINITIONS_SHOWN);
    let (mut lines, mut names) = (Vec::new(), HashMap::new());
    for doc in docs.await? {
        let body: Postback = stored(doc.body)?;
        names.insert(doc.id, body.name.clone());
        lines.push(DefinitionLine {
            id: doc.id,
            kind: match body.kind {
                PostbackType::Click => "Clicks",
                PostbackType::Conversion => "Conversions",
                PostbackType::Event => "Events",
            },
            fires: match (body.fire_on, body.reasons.is_empty()) {
                (FireOn::Approved, _) => "approved",
                (FireOn::Any, _) => "any decision",
                (FireOn::Rejected, true) => "rejected",
                (FireOn::Rejected, false) => "rejected, chosen reasons",
            },
            url: format!("{} {}", body.method.as_str(), body.url),
            status: status(body.status),
            name: body.name,
        });
    }
    Ok((lines, names))
}

fn states(chosen: Option<DeliveryState>) -> Vec<StateLink> {
    let all = StateLink {
        word: "All",
        href: "/postbacks".to_owned(),
        here: chosen.is_none(),
    };
    let one = |state: DeliveryState| StateLink {
        word: word(state).word,
        href: format!("/postbacks?state={}", state.as_str()),
        here: chosen == Some(state),
    };
    std::iter::once(all)
        .chain(DeliveryState::ALL.map(one))
        .collect()
}

const fn word(state: DeliveryState) -> Chip {
    let (css, icon, word) = match state {
        DeliveryState::Pending => ("st-info", "i-hold", "Waiting"),
        DeliveryState::Sent => ("st-ok", "i-g0", "Sent"),
        DeliveryState::Failed => ("st-mid", "i-eye", "Failed, tried again"),
        DeliveryState::Dead => ("st-bad", "i-x", "Given up"),
    };
    Chip { css, icon, word }
}

const fn told(outcome: Outcome) -> Chip {
    match outcome {
        Outcome::Approved => words::action(assay_model::Action::Approved),
        Outcome::Rejected => words::action(assay_model::Action::Rejected),
    }
}

fn line(row: Delivery, visit: &Visit, names: &HashMap<u64, String>) -> DeliveryLine {
    let last = row.last;
    let answer = last.as_ref().map_or_else(String::new, |last| {
        let status = last.status.map_or("none".to_owned(), |s| s.to_string());
        format!("{status} · {} ms", last.latency_ms)
    });
    let (error, request, response) = last.map_or_else(Default::default, |last| {
        (last.error.unwrap_or_default(), last.request, last.response)
    });
    DeliveryLine {
        id: row.id,
        due: words::moment(row.due, &visit.zone),
        postback_id: row.postback_id,
        // One that was removed has only its number left.
        postback: names.get(&row.postback_id).cloned().unwrap_or_default(),
        event: row.event.as_str(),
        subject: row.subject_id.to_string(),
        told: told(row.status),
        reason: row.reason,
        state: word(row.state),
        next: row
            .next
            .map_or_else(String::new, |next| words::moment(next, &visit.zone)),
        attempts: row.attempts,
        answer,
        error,
        request,
        response,
        resendable: row.state != DeliveryState::Pending,
    }
}

/// `POST /postbacks/deliveries/{id}/resend`.
pub async fn resend(Path(id): Path<u64>, posted: Posted) -> Result<Response, ApiError> {
    posted.may_write("send postbacks again")?;
    let visit = &posted.visit;
    let queue = &visit.app.state.postbacks;
    let again = queue.resend(visit.session.account, id, visit.now);
    again.await.map_err(refusal)?;
    Ok(redirect("/postbacks"))
}

#[cfg(test)]
mod tests {
    use assay_model::document::Status;

    use super::*;

    #[test]
    fn the_sample_renders_escaped_and_teaches_when_empty() {
        let line = DeliveryLine {
            id: 9,
            due: "now".into(),
            postback_id: 3,
            postback: "<b>".into(),
            event: "conversion",
            subject: "aaaa".into(),
            told: told(Outcome::Rejected),
            reason: "VPN".into(),
            state: word(DeliveryState::Dead),
            next: String::new(),
            attempts: 14,
            answer: "500 · 12 ms".into(),
            error: "<i>".into(),
            request: "GET https://a.example/?x=<u>".into(),
            response: "<script>".into(),
            resendable: true,
        };
        let mut page = PostbacksPage {
            frame: Frame::sample("postbacks"),
            states: states(Some(DeliveryState::Dead)),
            lines: vec![line],
            older: Some("/postbacks?state=&before=9".into()),
            definitions: vec![DefinitionLine {
                id: 3,
                name: "<b>".into(),
                kind: "Clicks",
                fires: "approved",
                url: "GET https://a.example/".into(),
                status: status(Status::Paused),
            }],
            may_resend: true,
        };
        let text = page.render().unwrap();
        for raw in ["<b>", "<i>", "<u>", "<script>"] {
            assert!(!text.contains(raw), "{raw}");
        }
        assert!(text.contains("/postbacks/deliveries/9/resend"));
        assert!(text.contains("before=9"));
        page.may_resend = false;
        assert!(!page.render().unwrap().contains("/resend"));
        page.lines.clear();
        page.definitions.clear();
        let text = page.render().unwrap();
        assert!(text.contains("Nothing was owed") && text.contains("No postbacks yet"));
    }
}
