//! ClearTrust's S2S door: `/ic3.php` → `{"tqs":{"score":N,"reason":"XX"}}`.
//!
//! Always HTTP 200; an error is score −1, its cause stands in `X-Assay-Error` and in the
//! integration's error log. Names are case sensitive.
//!
//! Source: SPEC §2.1, facts.md 1.C.

use std::sync::Arc;

use assay_model::document::Integration;
use assay_model::hit::{EventKind, Field, Hit};
use assay_model::ports::CounterStore;
use assay_model::reason::{Class, Reason, Risk};
use assay_model::verdict::{Action, Verdict};
use assay_model::{AccountId, IntegrationId};

use super::{Answer, DoorRequest, Method, door_error, header_text};
use crate::decide::{Decision, decide};
use crate::engine::Engine;
use crate::ingress::ParamBuffer;
use crate::mapping::{self, FieldError, is_unreplaced};
use crate::native;
use crate::outbox::{Outbox, Scratch};
use crate::policy::{AccountPolicy, IntegrationPolicy, Snapshot};

/// The dialect's names and ours; the order is the guide's.
const NAMES: [(&str, Field); 12] = [
    ("cid", Field::ExternalTransactionId),
    ("s1", Field::Publisher),
    ("s2", Field::SubId),
    ("s3", Field::Referer),
    ("s4", Field::BundleId),
    ("s5", Field::AppVersion),
    ("s6", Field::UserAgent),
    ("s7", Field::GeoCity),
    ("s8", Field::Xff),
    ("s9", Field::DeviceId),
    ("s10", Field::Gaid),
    ("s11", Field::Idfa),
];

/// The parameters that are not the event's.
#[derive(Default)]
struct Call<'p> {
    m: Option<&'p str>,
    src: Option<&'p str>,
    b: Option<&'p str>,
    s: Option<&'p str>,
    ip: Option<&'p str>,
    key: Option<&'p str>,
    et: Option<&'p str>,
    verbose: bool,
}

pub async fn answer<C: CounterStore>(
    engine: &Engine<C>,
    outbox: &impl Outbox,
    scratch: &mut Scratch,
    params: &mut ParamBuffer,
    request: &DoorRequest<'_>,
) -> Answer {
    if request.method == Method::Head {
        return Answer::json(Vec::new());
    }
    let taken = read_params(params, request, engine.limits.params);
    let params: &ParamBuffer = params;
    let mut call = Call::default();
    let mut event = Hit::new(
        AccountId(0),
        IntegrationId(0),
        EventKind::Click,
        engine.clock.now(),
    );
    read_call(params, &mut call, &mut event);
    let snapshot = engine.policies.load();
    let named = named(&snapshot, call.s);
    let own = account_of(call.b);
    // An integration of another account than `b` is none at all.
    let found = named.filter(|(account, _)| own == Some(account.account));
    let checked = taken.and_then(|()| check(&call, &mut event, found.map(|(_, i)| &**i), request));
    let (Some((account, integration)), Ok(())) = (found, &checked) else {
        let cause = checked
            .err()
            .unwrap_or_else(|| FieldError::malformed("s", "names no integration"));
        let of = owner(&snapshot, call.b, call.s);
        engine.refuse(door_error(engine, "s2s", of, &cause, sample(params)));
        return refused(&cause);
    };
    event.account = account.account;
    event.integration = integration.id;
    add_defaults(&mut event, &integration.settings);
    let verbose = call.verbose;
    decide(
        engine,
        outbox,
        scratch,
        (account, integration),
        event,
        |decision| Answer::json(render(decision, verbose)),
    )
    .await
}

type Named = (Arc<AccountPolicy>, Arc<IntegrationPolicy>);

fn named<'s>(snapshot: &'s Snapshot, s: Option<&str>) -> Option<&'s Named> {
    snapshot.integration(IntegrationId(s?.parse().ok()?))
}

fn account_of(b: Option<&str>) -> Option<AccountId> {
    b?.parse().ok().map(AccountId)
}

/// In whose error log a refused call stands: that of the integration which `s` names, unless
/// `b` is another account of ours: a mistyped or missing `b` must be seen by somebody, and
/// nobody else's log be filled.
pub(super) fn owner(
    snapshot: &Snapshot,
    b: Option<&str>,
    s: Option<&str>,
) -> (Option<AccountId>, Option<IntegrationId>) {
    let own = account_of(b).filter(|id| snapshot.account(*id).is_some());
    match named(snapshot, s).filter(|(a, _)| own.is_none_or(|id| id == a.account)) {
        Some((a, i)) => (Some(a.account), Some(i.id)),
        None => (own, None),
    }
}

/// Query first, then a form or a JSON object: all three mean the same.
pub(super) fn read_params(
    params: &mut ParamBuffer,
    request: &DoorRequest<'_>,
    max: usize,
) -> Result<(), FieldError> {
    params.clear();
    let mut fits = params.decode(request.query, max);
    if request.method == Method::Post && !request.body.is_empty() {
        if is_json(request.content_type) {
            let pairs = native::object_texts(request.body)
                .map_err(|e| FieldError::malformed("body", format!("is not a JSON object: {e}")))?;
            for (name, text) in &pairs {
                fits &= params.push(name, text, max);
            }
        } else {
            fits &= params.decode(request.body, max);
        }
    }
    if fits {
        Ok(())
    } else {
        Err(FieldError {
            code: "too_many",
            field: "parameters".into(),
            detail: format!("are more than {max}"),
        })
    }
}

/// Media types are written in any case, and may have parameters.
fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or("");
    media_type.trim().eq_ignore_ascii_case("application/json")
}

fn read_call<'p>(params: &'p ParamBuffer, call: &mut Call<'p>, event: &mut Hit<'p>) {
    for (name, value) in params.pairs() {
        let slot = match name {
            "m" => &mut call.m,
            "src" => &mut call.src,
            "b" => &mut call.b,
            "s" => &mut call.s,
            "ip" => &mut call.ip,
            "key" => &mut call.key,
            "et" => &mut call.et,
            "verbose" => {
                call.verbose = value == "1";
                continue;
            }
            _ => {
                match field_of(name).or_else(|| field_beyond(name)) {
                    Some(field) => mapping::set(event, field, name, value),
                    None => mapping::extra(event, name, value),
                }
                continue;
            }
        };
        // A repeated parameter: the first counts.
        if slot.is_none() {
            *slot = Some(value);
        }
    }
    drop_empty(event);
}

/// The field of one of [`NAMES`], found by its place: names are asked for in every call.
fn field_of(name: &str) -> Option<Field> {
    let place = match name.as_bytes() {
        b"cid" => 0,
        [b's', digit @ b'1'..=b'9'] => usize::from(digit - b'0'),
        [b's', b'1', digit @ b'0'..=b'1'] => 10 + usize::from(digit - b'0'),
        _ => return None,
    };
    NAMES.get(place).map(|(_, field)| *field)
}

/// Ours beyond the dialect's: what its callers may add.
fn field_beyond(name: &str) -> Option<Field> {
    Some(match name {
        "advertiser" => Field::Advertiser,
        "offer" => Field::Offer,
        "keyword" => Field::Keyword,
        "sec_purpose" => Field::SecPurpose,
        "sec_fetch_dest" => Field::FetchDest,
        "sec_fetch_mode" => Field::FetchMode,
        "sec_fetch_user" => Field::FetchUser,
        _ => return None,
    })
}

/// An empty value is not given; only the user agent may be blank, and then says so.
fn drop_empty(event: &mut Hit<'_>) {
    for (_, field) in NAMES {
        if event.get(field).is_some_and(is_blank) {
            event.set(field, None);
        }
    }
    for field in [Field::Advertiser, Field::Offer] {
        if event.get(field) == Some("") {
            event.set(field, None);
        }
    }
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

/// Everything that makes the call an error, in the order in which a user would mend it.
fn check(
    call: &Call<'_>,
    event: &mut Hit<'_>,
    integration: Option<&IntegrationPolicy>,
    request: &DoorRequest<'_>,
) -> Result<(), FieldError> {
    let given = |name: &str, value: Option<&str>| match value {
        None | Some("") => Err(FieldError::missing(name)),
        Some(text) if is_unreplaced(text) => Err(FieldError {
            code: "missing",
            field: name.to_owned(),
            detail: format!("is missing: its macro {text} was left in place"),
        }),
        Some(_) => Ok(()),
    };
    given("m", call.m)?;
    given("src", call.src)?;
    given("b", call.b)?;
    given("s", call.s)?;
    if call.m != Some("AF") {
        return Err(FieldError::malformed("m", "must be AF"));
    }
    if call.src != Some("s2s") {
        return Err(FieldError::malformed("src", "must be s2s"));
    }
    let Some(integration) = integration else {
        return Err(FieldError {
            code: "unknown_integration",
            field: "s".into(),
            detail: "is no integration of account b".into(),
        });
    };
    let refusal = |code, field: &str, detail: &str| {
        Err(FieldError {
            code,
            field: field.to_owned(),
            detail: detail.to_owned(),
        })
    };
    if !integration.key_fits(call.key.or(request.key)) {
        return refusal("bad_key", "key", "is missing or not this integration's");
    }
    if !integration.admits(request.peer) {
        return refusal(
            "source",
            "",
            "the caller's address is not on the integration's allowed_sources",
        );
    }
    if !integration.is_active() {
        return refusal("paused", "s", "the integration is paused");
    }
    given("ip", call.ip)?;
    event.ip = Some(mapping::address("ip", call.ip.unwrap_or(""))?);
    let of_event = |event: &Hit<'_>, name: &str, field| {
        let unreplaced = event
            .unreplaced
            .iter()
            .find(|(own, _)| *own == name)
            .map(|(_, literal)| *literal);
        given(name, event.get(field).or(unreplaced))
    };
    of_event(event, "cid", Field::ExternalTransactionId)?;
    of_event(event, "s6", Field::UserAgent)?;
    if event.get(Field::Referer).is_none()
        && (event.get(Field::BundleId).is_none() || event.get(Field::AppVersion).is_none())
    {
        let field = match (event.get(Field::BundleId), event.get(Field::AppVersion)) {
            (Some(_), None) => "s5",
            (None, Some(_)) => "s4",
            _ => "s3",
        };
        return refusal(
            "missing",
            field,
            "is missing: a web call needs s3, an app call needs s4 and s5",
        );
    }
    event.event = match call.et {
        None | Some("") => EventKind::Click,
        Some(text) => match EventKind::parse(text) {
            Some(kind) if !kind.is_conversion() => kind,
            _ => {
                return Err(FieldError::malformed(
                    "et",
                    "must be click, page_view, app_view or impression",
                ));
            }
        },
    };
    Ok(())
}

/// Without an advertiser of its own the integration's counts, so advertiser rules work.
fn add_defaults<'p>(event: &mut Hit<'p>, settings: &'p Integration) {
    if event.get(Field::Advertiser).is_none() {
        event.set(Field::Advertiser, settings.advertiser.as_deref());
    }
}

fn refused(cause: &FieldError) -> Answer {
    Answer {
        error: Some(header_text(&cause.to_string())),
        ..Answer::json(br#"{"tqs":{"score":-1,"reason":"ERR"}}"#.to_vec())
    }
}

/// Path and parameter names; no values, which may be personal.
fn sample(params: &ParamBuffer) -> String {
    let mut out = String::from("/ic3.php?");
    for (name, _) in params.pairs().take(40) {
        if out.len() > 200 {
            out.push('…');
            break;
        }
        out.extend(name.chars().filter(|c| !c.is_control()).take(24));
        out.push('&');
    }
    out.truncate(out.trim_end_matches(['&', '?']).len());
    out
}

/// What the caller acts on: score and letters.
///
/// Only findings that count are told: in monitor mode, for flags, for what is let through on
/// purpose and for what an allow list
/// lets through it is `0 CL`; a rejection for policy alone answers 2, never 0 or 3.
pub fn score_of(verdict: &Verdict<'_>) -> (i8, &'static str) {
    if verdict.action == Action::Monitored || verdict.is_held_out() {
        return (Risk::Clean.score(), Reason::Clean.info().cleartrust);
    }
    let counting = || {
        verdict
            .findings
            .iter()
            .filter(|f| f.effect.counts() && f.reason != Reason::RelayBenign)
    };
    let risk = counting().map(|f| f.risk).max().unwrap_or(Risk::Clean);
    let rejected = verdict.action == Action::Rejected;
    if rejected
        && (matches!(verdict.class, Class::Policy | Class::External) && risk <= Risk::Low
            || risk == Risk::Clean)
    {
        return (Risk::Medium.score(), verdict.reason.info().cleartrust);
    }
    let main = counting()
        .find(|f| f.risk > Risk::Clean)
        .map_or(Reason::Clean, |f| f.reason);
    let main = if main == Reason::Clean && verdict.degraded.is_some() {
        Reason::FailOpenTimeout
    } else {
        main
    };
    (risk.score(), main.info().cleartrust)
}

fn render(decision: &Decision<'_, '_>, verbose: bool) -> Vec<u8> {
    let (score, letters) = score_of(decision.verdict);
    let mut out = Vec::with_capacity(64);
    out.extend_from_slice(b"{\"tqs\":{\"score\":");
    if score < 0 {
        out.push(b'-');
    }
    // One digit: 0 to 3.
    out.push(b'0' + score.unsigned_abs() % 10);
    out.extend_from_slice(b",\"reason\":\"");
    out.extend_from_slice(letters.as_bytes());
    out.extend_from_slice(b"\"}");
    if verbose {
        let verdict = assay_model::render::verdict_json(decision.verdict);
        let id = decision.event_id.to_string();
        let detail = serde_json::json!({
            "request_id": id, "event_id": id, "risk": verdict["risk"], "reasons": verdict["reasons"],
            "evidence": verdict["evidence"], "action": verdict["action"], "rule": verdict["rule"],
            "decision_us": decision.decision_us,
        });
        out.extend_from_slice(b",\"detail\":");
        out.extend_from_slice(detail.to_string().as_bytes());
    }
    out.push(b'}');
    out
}
