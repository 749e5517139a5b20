//! Overview: is anything wrong now? Live counts, the latest events, what is connected.

use std::sync::Arc;

use askama::Template;
use assay_model::document::{Integration, IntegrationKind, Status, TokenScope};
use assay_model::ports::{DocKind, ErrorQuery, EventQuery};
use assay_model::{Action, Class, IntegrationId, Reason, Risk};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::chart::{self, Bar};
use super::frame::Frame;
use super::numbers::Numbers;
use super::rows::EventRow;
use super::words::{self, Chip};
use super::{Visit, html};
use crate::app::App;
use crate::auth::session_of;
use crate::documents::stored;
use crate::error::ApiError;
use crate::integrations::urls;

/// Events in the latest table.
const EVENTS_SHOWN: u32 = 25;

/// Integrations in the table; their error logs are read for the page.
const INTEGRATIONS_SHOWN: u32 = 20;

/// Rows of an error log that are counted.
const ERRORS_COUNTED: u32 = 200;

const DAY_MS: i64 = 86_400_000;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    part: Part,
    integrations: Vec<IntegrationRow>,
    may_write: bool,
    lists: Vec<ListRow>,
    lists_stale: usize,
}

#[derive(Template)]
#[template(path = "live.html")]
struct LivePart {
    part: Part,
}

/// What is fetched again every two seconds.
struct Part {
    counts: Option<Counts>,
    rows: Vec<EventRow>,
}

struct Counts {
    tiles: Vec<Tile>,
    svg: String,
    ticks: Vec<(String, String)>,
    labels: Vec<(String, String)>,
    bars: Vec<Bar>,
    risks: Vec<(Chip, String, String, String)>,
    reasons: Vec<ReasonRow>,
    actions: Vec<(Chip, String, String, String)>,
    total: String,
}

struct Tile {
    label: &'static str,
    value: String,
    detail: String,
    link: String,
}

struct ReasonRow {
    code: &'static str,
    class: &'static str,
    css: &'static str,
    fill: &'static str,
    width: String,
    count: String,
}

struct IntegrationRow {
    id: u64,
    name: String,
    kind: &'static str,
    status: Chip,
    urls: Vec<String>,
    errors: String,
}

struct ListRow {
    name: String,
    rows: String,
    version: String,
    age: String,
    stale: bool,
}

/// `GET /`.
pub async fn page(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let visit = match Visit::read(app, &parts).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    match show(&visit).await {
        Ok(page) => html(StatusCode::OK, &page),
        Err(error) => error.into_response(),
    }
}

/// `GET /live`: the live part alone; 401 once the session is over.
pub async fn live(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    let (parts, _) = request.into_parts();
    let now = app.now();
    let session = session_of(&app, &parts.headers, now)
        .ok_or_else(|| ApiError::unauthorized("sign in again"))?;
    let visit = Visit::of(app, &parts, session, now).await?;
    let part = part(&visit).await?;
    Ok(html(StatusCode::OK, &LivePart { part }))
}

async fn show(visit: &Visit) -> Result<OverviewPage, ApiError> {
    let lists = lists(visit).await;
    Ok(OverviewPage {
        frame: visit.frame("Overview", "overview"),
        part: part(visit).await?,
        integrations: integrations(visit).await?,
        may_write: visit.caller.may(TokenScope::Write),
        lists_stale: lists.iter().filter(|list| list.stale).count(),
        lists,
    })
}

async fn part(visit: &Visit) -> Result<Part, ApiError> {
    let query = EventQuery {
        limit: EVENTS_SHOWN,
        ..EventQuery::default()
    };
    let events = &visit.app.state.events;
    let page = events.list(visit.session.account, &query).await?;
    let counts = match visit.app.numbers.get(visit).await {
        Ok(numbers) => Some(counts(&numbers, visit)),
        Err(cause) => {
            // The page stays useful without its numbers, and says that they are missing.
            tracing::error!(%cause, "overview numbers");
            None
        }
    };
    Ok(Part {
        counts,
        rows: EventRow::all(&page, &visit.zone)?,
    })
}

fn counts(numbers: &Numbers, visit: &Visit) -> Counts {
    let label = |at| {
        let clock = words::clock(at, &visit.zone);
        clock[..clock.len().min(5)].to_owned()
    };
    let last = numbers.minutes.len().saturating_sub(1);
    let bars: Vec<Bar> = numbers
        .minutes
        .iter()
        .enumerate()
        .map(|(at, (time, counts))| Bar {
            label: label(*time),
            counts: *counts,
            open: at == last,
        })
        .collect();
    let (svg, ticks) = chart::svg(&bars);
    Counts {
        tiles: tiles(numbers),
        svg,
        ticks: ticks
            .into_iter()
            .map(|(value, y)| (words::count(value), format!("{:.0}", y + 4.0)))
            .collect(),
        labels: (0..4)
            .filter_map(|quarter| {
                let at = quarter * 15;
                let x = format!("{:.2}%", (at as f64 + 0.5) / 60.0 * 100.0);
                Some((bars.get(at)?.label.clone(), x))
            })
            .collect(),
        bars,
        risks: risks(numbers),
        reasons: reasons(numbers),
        actions: actions(numbers),
        total: words::count(numbers.hour.clicks),
    }
}

fn tiles(numbers: &Numbers) -> Vec<Tile> {
    let (hour, today) = (&numbers.hour, &numbers.today);
    let invalid = |m: &assay_model::ports::ClickMeasures| m.givt + m.sivt;
    let tile = |label, value, detail, link: &str| Tile {
        label,
        value,
        detail,
        link: format!("/events{link}"),
    };
    vec![
        tile(
            "Clicks and views",
            words::count(hour.clicks),
            format!("{} today", words::count(today.clicks)),
            "",
        ),
        tile(
            "Invalid traffic",
            words::share(invalid(hour), hour.clicks),
            format!(
                "{} today, GIVT and SIVT",
                words::share(invalid(today), today.clicks)
            ),
            "?filter[class]=GIVT,SIVT",
        ),
        tile(
            "Refused by policy",
            words::share(hour.policy, hour.clicks),
            format!("{} today", words::share(today.policy, today.clicks)),
            "?filter[class]=POLICY",
        ),
        tile(
            "Rejected",
            words::count(hour.rejected),
            format!("{} today", words::count(today.rejected)),
            "?filter[action]=rejected",
        ),
        tile(
            "Would be rejected",
            words::count(hour.monitored),
            format!(
                "{} today, by rules that only monitor",
                words::count(today.monitored)
            ),
            "?filter[action]=monitored",
        ),
    ]
}

fn risks(numbers: &Numbers) -> Vec<(Chip, String, String, String)> {
    let found = numbers.by(0);
    [Risk::High, Risk::Medium, Risk::Low, Risk::Clean]
        .into_iter()
        .map(|risk| {
            let name = risk.as_str();
            let count = found
                .iter()
                .find(|(r, _)| *r == name)
                .map_or(0, |(_, n)| *n);
            bar_row(
                words::risk(risk),
                count,
                numbers,
                format!("/events?filter[risk]={name}"),
            )
        })
        .collect()
}

fn actions(numbers: &Numbers) -> Vec<(Chip, String, String, String)> {
    let found = numbers.by(3);
    Action::ALL
        .into_iter()
        .map(|action| {
            let name = action.as_str();
            let count = found
                .iter()
                .find(|(a, _)| *a == name)
                .map_or(0, |(_, n)| *n);
            bar_row(
                words::action(action),
                count,
                numbers,
                format!("/events?filter[action]={name}"),
            )
        })
        .collect()
}

fn bar_row(
    chip: Chip,
    count: u64,
    numbers: &Numbers,
    link: String,
) -> (Chip, String, String, String) {
    let share = words::share(count, numbers.hour.clicks);
    (chip, words::count(count), share, link)
}

fn reasons(numbers: &Numbers) -> Vec<ReasonRow> {
    let found: Vec<(Reason, u64)> = numbers
        .by(1)
        .into_iter()
        .filter_map(|(code, count)| Some((Reason::from_code(code)?, count)))
        .filter(|(reason, _)| *reason != Reason::Clean)
        .take(8)
        .collect();
    let most = found.first().map_or(0, |(_, count)| *count);
    found
        .into_iter()
        .map(|(reason, count)| {
            let info = reason.info();
            ReasonRow {
                code: info.code,
                class: info.class.as_str(),
                css: words::class_css(info.class),
                fill: match info.class {
                    Class::Givt => "s-givt",
                    Class::Policy => "s-policy",
                    Class::Sivt => "s-sivt",
                    _ => "s-cap",
                },
                width: words::width(count, most),
                count: words::count(count),
            }
        })
        .collect()
}

async fn integrations(visit: &Visit) -> Result<Vec<IntegrationRow>, ApiError> {
    let account = visit.session.account;
    let state = &visit.app.state;
    let docs = state
        .control
        .list(account, DocKind::Integration, 0, INTEGRATIONS_SHOWN)
        .await?;
    let mut out = Vec::with_capacity(docs.len());
    for doc in docs {
        let body: Integration = stored(doc.body)?;
        out.push(IntegrationRow {
            id: doc.id,
            kind: kind(body.kind),
            status: status(body.status),
            urls: urls::s2s_all(&state.settings, account, doc.id, &body),
            errors: errors(visit, doc.id).await,
            name: body.name,
        });
    }
    Ok(out)
}

/// What an integration's kind is called.
pub(super) const fn kind(kind: IntegrationKind) -> &'static str {
    match kind {
        IntegrationKind::S2s => "s2s",
        IntegrationKind::Custom => "custom",
        IntegrationKind::Network => "network",
    }
}

/// The chip of an integration's status.
pub(super) const fn status(status: Status) -> Chip {
    match status {
        Status::Active => Chip {
            css: "st-ok",
            icon: "i-g0",
            word: "Active",
        },
        Status::Paused => Chip {
            css: "st-off",
            icon: "i-hold",
            word: "Paused",
        },
    }
}

/// Errors of the last 24 hours; "–" when the log cannot be read.
async fn errors(visit: &Visit, id: u64) -> String {
    let Ok(integration) = u32::try_from(id) else {
        return "–".to_owned();
    };
    let query = ErrorQuery {
        before: None,
        limit: ERRORS_COUNTED,
    };
    let log = &visit.app.state.errors;
    let account = visit.session.account;
    match log.list(account, IntegrationId(integration), query).await {
        Err(_) => "–".to_owned(),
        Ok(rows) => {
            let since = visit.now.plus_ms(-DAY_MS);
            let recent: Vec<u64> = rows
                .iter()
                .filter(|row| row.time >= since)
                .map(|row| row.count)
                .collect();
            let more = if recent.len() == ERRORS_COUNTED as usize {
                "+"
            } else {
                ""
            };
            format!("{}{more}", words::count(recent.iter().sum()))
        }
    }
}

/// Loaded intelligence, whatever shape its status has: the first list of named things counts.
async fn lists(visit: &Visit) -> Vec<ListRow> {
    let Ok(status) = visit.app.state.intel.status().await else {
        return Vec::new();
    };
    let all = status.as_array().or_else(|| {
        let mut values = status.as_object()?.values();
        values.find_map(Value::as_array)
    });
    all.into_iter().flatten().filter_map(list_row).collect()
}

fn list_row(list: &Value) -> Option<ListRow> {
    let text = |name: &str| list[name].as_str().unwrap_or("");
    let name = match (text("kind"), text("name")) {
        ("", "") => return None,
        (kind, "") => kind.to_owned(),
        ("", name) => name.to_owned(),
        (kind, name) => format!("{kind}: {name}"),
    };
    Some(ListRow {
        name,
        rows: list["rows"].as_u64().map_or_else(String::new, words::count),
        version: text("version").to_owned(),
        age: list["age_s"].as_u64().map_or_else(String::new, words::age),
        stale: list["stale"] == true,
    })
}

#[cfg(test)]
impl OverviewPage {
    /// A page to render in tests.
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("overview"),
            part: Part {
                counts: None,
                rows: vec![EventRow::sample()],
            },
            integrations: vec![IntegrationRow {
                id: 7,
                name: "Search <S2S>".into(),
                kind: "s2s",
                status: status(Status::Paused),
                urls: vec!["https://eu.example/ic3.php?m=AF&src=s2s".into()],
                errors: "812".into(),
            }],
            may_write: true,
            lists: list_row(&serde_json::json!({"kind": "tor", "name": "x", "stale": true}))
                .into_iter()
                .collect(),
            lists_stale: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_renders_escaped() {
        let text = OverviewPage::sample().render().unwrap();
        assert!(text.contains("Search &#60;S2S&#62;"), "{text}");
        assert!(text.contains("812"));
        assert!(!text.contains("<script>alert"));
    }
}
