//! Clicks and impressions, AdSecurity dialect: a link that sends visitors on, or a call that
//! asks for a verdict.
//!
//! In a link the visitor's own connection is believed and nothing that the link says about
//! it; `no_redirect=true` is a server's call, which says whose click it is.
//!
//! Source: SPEC §2.3, §2.4 and §7, facts.md 1.A.2, 1.A.3.

mod call;
mod json;
mod seen;

use std::cell::RefCell;

use assay_model::hit::{EventKind, Field, Hit};
use assay_model::ports::CounterStore;
use assay_model::transaction::{Content, KeyRing};
use assay_model::verdict::Verdict;
use assay_model::{EventId, Facts, Timestamp};

use self::call::Call;
use self::json::Told;
use self::seen::Seen;
use super::{Answer, DoorRequest, Doors, Method, door_error, postback, s2s};
use crate::decide::{Course, Memory, Screening, decide_as, foresee};
use crate::destination::{Filling, Place};
use crate::engine::Engine;
use crate::ingress::ParamBuffer;
use crate::mapping::{self, FieldError};
use crate::outbox::{Outbox, Scratch};
use crate::policy::{AccountPolicy, IntegrationPolicy};
use crate::proof::{self, Proof};

/// A transparent image of one pixel.
const PIXEL: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// How a call is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// With a redirect.
    Redirect,
    /// With an image.
    Pixel,
    /// With nothing: visitors go to the destination by themselves.
    Silent,
    /// With a verdict.
    Json,
}

/// Whose door it is.
#[derive(Clone, Copy)]
pub struct Owner<'o> {
    /// The account.
    pub account: &'o AccountPolicy,
    /// The integration.
    pub integration: &'o IntegrationPolicy,
}

/// A call that passed every check.
struct Ready<'r> {
    call: &'r Call<'r>,
    form: Form,
    screening: Screening,
    keys: &'r KeyRing,
    owner: Owner<'r>,
}

pub async fn answer<C: CounterStore>(
    (engine, doors): (&Engine<C>, &Doors),
    outbox: &impl Outbox,
    scratch: &mut Scratch,
    params: &mut ParamBuffer,
    request: &DoorRequest<'_>,
    owner: Owner<'_>,
    kind: EventKind,
) -> Answer {
    if request.method == Method::Other {
        return Answer::problem(405, "method", "", "use GET or POST");
    }
    let taken = s2s::read_params(params, request, engine.limits.params);
    let params: &ParamBuffer = params;
    let integration = owner.integration;
    let call = Call::read(params, &integration.clicks.renames, kind);
    let seen = Seen::read(request.headers);
    // What a page's script sends comes from the visitor themselves.
    let from_server = call.no_redirect && !seen.is_script;
    let form = match kind {
        _ if call.no_redirect || seen.wants_json() => Form::Json,
        EventKind::Impression => Form::Pixel,
        _ if integration.settings.clicks.measure_only => Form::Silent,
        _ => Form::Redirect,
    };
    let described = |error: &FieldError| {
        let of = (Some(owner.account.account), Some(integration.id));
        let sample = postback::sample(request.path, params);
        door_error(engine, kind.as_str(), of, error, sample)
    };
    let refuse = |error: &FieldError| engine.refuse(described(error));
    let list = |error: &FieldError| engine.errors.note(described(error));
    let checked = taken.and_then(|()| check(owner, &call, request, from_server));
    let keys = engine.policies.keys();
    let Some(keys) = keys.as_ref() else {
        return Answer::problem(503, "not_ready", "", "the server has no keys yet");
    };
    let mut hit = Hit::new(
        owner.account.account,
        integration.id,
        kind,
        engine.clock.now(),
    );
    let screening = match checked.and_then(|screening| {
        place_hit(engine, &mut hit, &call, request, from_server).map(|()| screening)
    }) {
        Ok(screening) => screening,
        Err(error) => {
            refuse(&error);
            return refused(&error);
        }
    };
    if !from_server && seen.is_prefetch {
        return Answer::empty(204);
    }
    let proof = prove(engine, doors, owner, request, params, list).await;
    call.fill(&mut hit, from_server);
    if !from_server {
        seen.fill(&mut hit, doors.trusted_proxies.is_empty());
    }
    proof.tell(&mut hit);
    if hit.get(Field::Advertiser).is_none() {
        let own = integration.settings.advertiser.as_deref();
        hit.set(Field::Advertiser, own);
    }
    if let Err(error) = integration.clicks.check(call.link) {
        refuse(&error);
    }
    let ready = Ready {
        call: &call,
        form,
        screening,
        keys,
        owner,
    };
    let (answer, place) = if request.method == Method::Head {
        ready.foretell(engine, hit)
    } else {
        ready.decide(engine, outbox, scratch, hit).await
    };
    if place == Place::Nowhere && form == Form::Redirect {
        let detail = "is not set, and the link names none that is allowed";
        refuse(&FieldError {
            code: "no_destination",
            field: "clicks.approved_url".to_owned(),
            detail: detail.to_owned(),
        });
    }
    match seen.is_script {
        true => answer.with("access-control-allow-origin", "*"),
        false => answer,
    }
}

/// What the call proves about who made it; a signature that does not stand is listed here,
/// and what follows from it is the verdict's.
async fn prove<C: CounterStore>(
    engine: &Engine<C>,
    doors: &Doors,
    owner: Owner<'_>,
    request: &DoorRequest<'_>,
    params: &ParamBuffer,
    list: impl Fn(&FieldError),
) -> Proof {
    let whose = (owner.account.account, owner.integration.id);
    let signing = &owner.integration.settings.signing;
    let (signature, fault) = proof::check_signature(engine, whose, signing, params.pairs()).await;
    if let Some(fault) = fault {
        list(&fault.cause);
    }
    let keys = doors.agents.load();
    Proof {
        signature,
        agent: proof::agents::state(engine, &keys, whose.0, request).await,
    }
}

/// Whether the caller may, and which rule judges.
fn check(
    owner: Owner<'_>,
    call: &Call<'_>,
    request: &DoorRequest<'_>,
    from_server: bool,
) -> Result<Screening, FieldError> {
    let integration = owner.integration;
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
    // Visitors come from anywhere; the list is of servers.
    if from_server && !integration.admits(request.peer) {
        return refusal(
            "source",
            "",
            "the caller's address is not on the integration's allowed_sources",
        );
    }
    if !integration.is_active() {
        return Ok(Screening::Off);
    }
    let Some(group) = call.filter_group.filter(|_| from_server) else {
        return Ok(Screening::ByScope);
    };
    let rules = owner.account.rules(integration.settings.kind);
    let known = |id: &u64| rules.by_id(*id, integration.id.0).is_some();
    match group.parse().ok().filter(known) {
        Some(id) => Ok(Screening::ByRule(id)),
        None => refusal(
            "malformed",
            "filter_group",
            "is no rule in use of this integration",
        ),
    }
}

/// Whose event it is and when it happened: told by a server, seen of a visitor.
fn place_hit<C: CounterStore>(
    engine: &Engine<C>,
    hit: &mut Hit<'_>,
    call: &Call<'_>,
    request: &DoorRequest<'_>,
    from_server: bool,
) -> Result<(), FieldError> {
    if !from_server {
        hit.ip = Some(request.peer);
        return Ok(());
    }
    let name = |click, impression| match hit.event {
        EventKind::Impression => impression,
        _ => click,
    };
    let (ip_name, time_name) = (
        name("click_ip", "impression_ip"),
        name("click_time", "impression_time"),
    );
    if let Some(text) = call.ip {
        hit.ip = Some(mapping::address(ip_name, text)?);
    }
    if let Some(text) = call.time {
        hit.time = mapping::time(time_name, text, hit.received, &engine.limits)?;
    }
    Ok(())
}

impl Ready<'_> {
    async fn decide<C: CounterStore>(
        &self,
        engine: &Engine<C>,
        outbox: &impl Outbox,
        scratch: &mut Scratch,
        hit: Hit<'_>,
    ) -> (Answer, Place) {
        let now = hit.received;
        let made = RefCell::new((String::new(), Place::default()));
        let course = Course {
            screening: self.screening,
            memory: Memory::default(),
            place: |decision: &crate::decide::Decision<'_, '_>| {
                let id = self.sealed(decision.event_id, decision.facts, decision.verdict, now);
                let place = self.place(
                    (decision.facts, decision.verdict),
                    Some(decision.event_id),
                    &id,
                );
                let sent = place.url().filter(|_| self.form == Form::Redirect);
                let sent = sent.map(str::to_owned);
                *made.borrow_mut() = (id, place);
                sent
            },
        };
        let owner = self.owner;
        let whose = (owner.account, owner.integration);
        decide_as(engine, outbox, scratch, whose, hit, course, |decision| {
            let (transaction_id, place) = made.take();
            let answer = self.respond(Told {
                facts: decision.facts,
                verdict: decision.verdict,
                transaction_id: &transaction_id,
                place: &place,
            });
            (answer, place)
        })
        .await
    }

    /// HEAD: the headers of GET, and nothing counted.
    fn foretell<C: CounterStore>(&self, engine: &Engine<C>, hit: Hit<'_>) -> (Answer, Place) {
        let whose = (self.owner.account, self.owner.integration);
        foresee(engine, whose, hit, self.screening, |facts, verdict| {
            let place = self.place((facts, verdict), None, "");
            let answer = self.respond(Told {
                facts,
                verdict,
                transaction_id: "",
                place: &place,
            });
            (answer, place)
        })
    }

    fn sealed(
        &self,
        event_id: EventId,
        facts: &Facts<'_>,
        verdict: &Verdict<'_>,
        now: Timestamp,
    ) -> String {
        let content = Content::of(event_id, facts, verdict);
        self.keys.seal(&content, now).unwrap_or_default()
    }

    /// Where it goes, unless nobody will know.
    fn place(
        &self,
        (facts, verdict): (&Facts<'_>, &Verdict<'_>),
        event_id: Option<EventId>,
        transaction_id: &str,
    ) -> Place {
        if self.form != Form::Redirect && !json::asks_place(self.call) {
            return Place::Nowhere;
        }
        let clicks = &self.owner.integration.clicks;
        let values = Filling {
            facts,
            event_id,
            transaction_id,
            renames: &clicks.renames,
        };
        clicks.place(verdict.action, self.call.link, &values)
    }

    fn respond(&self, told: Told<'_>) -> Answer {
        match self.form {
            Form::Json => Answer::json(json::answer(told, self.call)),
            Form::Pixel => Answer::new(200, "image/gif", PIXEL.to_vec()),
            Form::Silent => Answer::empty(204),
            Form::Redirect => self.send_on(told.place),
        }
    }

    fn send_on(&self, place: &Place) -> Answer {
        let answer = match place {
            Place::Url(url) => Answer::empty(302).with("location", url.clone()),
            Place::Blank => Answer::new(200, "text/html; charset=utf-8", Vec::new()),
            Place::Block => Answer::empty(403),
            Place::Nowhere => return super::nothing_at("this link"),
        };
        let answer = answer.with("x-robots-tag", "noindex");
        match self.owner.integration.settings.clicks.referrer_policy {
            Some(policy) => answer.with("referrer-policy", policy.as_str()),
            None => answer,
        }
    }
}

fn refused(error: &FieldError) -> Answer {
    let status = match error.code {
        "bad_key" => 401,
        "source" => 403,
        _ => 422,
    };
    let detail = match error.field.as_str() {
        "" => error.detail.clone(),
        _ => error.to_string(),
    };
    Answer::problem(status, error.code, &error.field, &detail)
}
