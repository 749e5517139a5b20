//! What every page of a signed-in person has: the session, the frame around it, forms.

use std::sync::Arc;

use askama::Template;
use assay_model::Timestamp;
use assay_model::document::{Account, TokenScope};
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;

use super::{ASSETS, Assets};
use crate::api::{Caller, Query};
use crate::app::App;
use crate::auth::{Session, check_form, session_of};
use crate::error::ApiError;
use crate::reports::period;

/// Largest form, in bytes.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// The frame around a page.
pub struct Frame {
    /// Title of the window.
    pub title: String,
    /// `light`, `dark`, or empty for the system's.
    pub theme: &'static str,
    /// Name of the account.
    pub account: String,
    /// Its id.
    pub account_id: u32,
    /// Name of the person.
    pub person: String,
    /// Time zone that times are shown in.
    pub zone: String,
    /// Token that forms carry.
    pub csrf: String,
    /// Entry of the navigation that the page belongs to.
    pub here: &'static str,
    /// Paths of style sheet and scripts.
    pub assets: &'static Assets,
}

impl Frame {
    /// A frame to render in tests.
    #[cfg(test)]
    pub fn sample(here: &'static str) -> Self {
        Self {
            title: "Sample".into(),
            theme: "dark",
            account: "Northlane <Media>".into(),
            account_id: 1,
            person: "Mara".into(),
            zone: "Europe/Berlin".into(),
            csrf: "token".into(),
            here,
            assets: &ASSETS,
        }
    }
}

/// A signed-in person asking for a page.
pub struct Visit {
    /// The console.
    pub app: Arc<App>,
    /// The person's session.
    pub session: Session,
    /// What services see.
    pub caller: Caller,
    /// The account.
    pub account: Account,
    /// Its time zone.
    pub zone: TimeZone,
    /// Now.
    pub now: Timestamp,
    /// The query.
    pub query: Query,
    theme: &'static str,
}

/// Whoever is not signed in is sent to sign in.
impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let now = app.now();
        let Some(session) = session_of(app, &parts.headers, now) else {
            return Err(redirect("/login"));
        };
        Self::of(Arc::clone(app), parts, session, now)
            .await
            .map_err(IntoResponse::into_response)
    }
}

impl Visit {
    /// The visit of a session.
    ///
    /// # Errors
    /// 403 when the role sees no pages, 503.
    pub async fn of(
        app: Arc<App>,
        parts: &Parts,
        session: Session,
        now: Timestamp,
    ) -> Result<Self, ApiError> {
        let caller = session.caller();
        if !caller.may(TokenScope::Read) {
            return Err(ApiError::forbidden("your role cannot see these pages"));
        }
        let account = app.account(session.account).await?;
        let zone = period::zone_of(&account)?;
        Ok(Self {
            app,
            session,
            caller,
            account,
            zone,
            now,
            query: Query::parse(parts.uri.query()),
            theme: theme_of(&parts.headers),
        })
    }

    /// The frame of a page.
    #[must_use]
    pub fn frame(&self, title: impl Into<String>, here: &'static str) -> Frame {
        Frame {
            title: title.into(),
            theme: self.theme,
            account: self.account.name.clone(),
            account_id: self.session.account.0,
            person: self.session.name.clone(),
            zone: self.account.time_zone.clone(),
            csrf: self.session.csrf.clone(),
            here,
            assets: &ASSETS,
        }
    }
}

/// A form that a signed-in person sent from one of these pages.
pub struct Posted {
    /// The person.
    pub visit: Visit,
    /// What they sent.
    pub form: Form,
}

impl FromRequest<Arc<App>> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, app).await?;
        let read = async {
            let form = Form::read(body).await?;
            check_form(&parts.headers, &visit.session, &form)?;
            Ok::<_, ApiError>(form)
        };
        match read.await {
            Ok(form) => Ok(Self { visit, form }),
            Err(error) => Err(error.into_response()),
        }
    }
}

impl Posted {
    /// Refuses whoever may only look; `what` is what they cannot do.
    ///
    /// # Errors
    /// 403.
    pub fn may_write(&self, what: &str) -> Result<(), ApiError> {
        if self.visit.caller.may(TokenScope::Write) {
            return Ok(());
        }
        Err(ApiError::forbidden(format!("your role cannot {what}")))
    }
}

/// The colour theme that a browser asked us to remember.
#[must_use]
pub fn theme_of(headers: &HeaderMap) -> &'static str {
    let cookies = headers.get_all(header::COOKIE);
    let mut pairs = cookies
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';').map(str::trim));
    match pairs.find_map(|pair| pair.strip_prefix("theme=")) {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "",
    }
}

/// A form as a browser sends it.
#[derive(Debug, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a form's body.
    ///
    /// # Errors
    /// 413.
    pub async fn read(body: Body) -> Result<Self, ApiError> {
        let bytes = to_bytes(body, FORM_BYTES_MAX)
            .await
            .map_err(|_| ApiError::too_large(FORM_BYTES_MAX))?;
        let pairs = form_urlencoded::parse(&bytes);
        Ok(Self(pairs.into_owned().collect()))
    }

    /// A field; empty when it was not sent.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    /// Every value of a field that was sent more than once.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let pairs = self.0.iter().filter(move |(key, _)| key == name);
        pairs.map(|(_, value)| value.as_str())
    }
}

/// A page, or what went wrong with it.
pub type Shown<T> = Result<Page<T>, ApiError>;

/// A page that answers 200.
pub struct Page<T>(pub T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        html(StatusCode::OK, &self.0)
    }
}

/// A page as an answer.
pub fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => {
            let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            (status, headers, text).into_response()
        }
        Err(cause) => {
            tracing::error!(%cause, "page not rendered");
            ApiError::unavailable("page", "this page could not be built").into_response()
        }
    }
}

/// 303 to another page.
#[must_use]
pub fn redirect(to: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}
