//! Overview: is anything wrong now? Live counts, the latest events, what is connected.

use std::sync::Arc;

use askama::Template;
use assay_model::document::TokenScope;
use assay_model::ports::EventQuery;
use assay_model::{Action, Class, Reason, Risk};
use axum::extract::{Request, State};

use super::chart::{self, Bar};
use super::connected::{IntegrationRow, ListRow, integrations, lists};
use super::frame::Frame;
use super::numbers::Numbers;
use super::rows::EventRow;
use super::words::{self, Chip};
use super::{Page, Shown, Visit};
use crate::app::App;
use crate::auth::session_peeked;
use crate::error::ApiError;

/// Events in the latest table.
const EVENTS_SHOWN: u32 = 25;

#[derive(Template)]
#[template(path = "overview.html")]
pub struct OverviewPage {
    frame: Frame,
    part: Part,
    integrations: Vec<IntegrationRow>,
    may_write: bool,
    lists: Vec<ListRow>,
    lists_stale: usize,
}

#[derive(Template)]
#[template(path = "live.html")]
pub struct LivePart {
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

/// `GET /`.
pub async fn page(visit: Visit) -> Shown<OverviewPage> {
    let lists = lists(&visit).await;
    Ok(Page(OverviewPage {
        frame: visit.frame("Overview", "overview"),
        part: part(&visit).await?,
        integrations: integrations(&visit).await?,
        may_write: visit.caller.may(TokenScope::Write),
        lists_stale: lists.iter().filter(|list| list.stale).count(),
        lists,
    }))
}

/// `GET /live`: the live part alone; 401 once the session is over.
pub async fn live(State(app): State<Arc<App>>, request: Request) -> Shown<LivePart> {
    let (parts, _) = request.into_parts();
    let now = app.now();
    let session = session_peeked(&app, &parts.headers, now)
        .ok_or_else(|| ApiError::unauthorized("sign in again"))?;
    let visit = Visit::of(app, &parts, session, now).await?;
    let part = part(&visit).await?;
    Ok(Page(LivePart { part }))
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
                status: super::connected::status(assay_model::document::Status::Paused),
                urls: vec!["https://eu.example/ic3.php?m=AF&src=s2s".into()],
                errors: "812".into(),
            }],
            may_write: true,
            lists: super::connected::list_row(
                &serde_json::json!({"kind": "tor", "name": "x", "stale": true}),
            )
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
