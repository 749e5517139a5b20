//! Clicks and impressions, AdSecurity dialect: a link that sends visitors on, or a call that
//! asks for a verdict.
//!
//! In a link the visitor's own connection is believed and nothing that the link says about
//! it; `no_redirect=true` is a server's call, which says whose click it is.
//!
//! Source: SPEC §2.3, §2.4 and §7, facts.md 1.A.2, 1.A.3.

mod admit;
mod call;
mod json;
mod outcome;
mod seen;

use assay_model::hit::{EventKind, Field, Hit};
use assay_model::ports::{ClickKey, CounterStore, DoorError};

use self::admit::{check, place_hit};
use self::call::Call;
use self::outcome::Ready;
use self::seen::Seen;
use super::network::Link;
use super::{Answer, DoorRequest, Doors, Method, door_error, postback, s2s};
use crate::decide::Screening;
use crate::destination::Place;
use crate::engine::{Engine, Limits};
use crate::ingress::ParamBuffer;
use crate::mapping::FieldError;
use crate::outbox::{Outbox, Scratch};
use crate::policy::{AccountPolicy, IntegrationPolicy};
use crate::proof::{self, Proof};

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
    /// The offer and publisher of a tracking link.
    pub link: Option<Link<'o>>,
}

/// A call as its parameters and headers show it.
struct Asked<'r> {
    request: &'r DoorRequest<'r>,
    owner: Owner<'r>,
    kind: EventKind,
    params: &'r ParamBuffer,
    call: &'r Call<'r>,
    seen: &'r Seen<'r>,
    /// Whether a server asks, which says whose event it is.
    from_server: bool,
    form: Form,
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
    let taken = s2s::read_params(params, request, engine.limits.params);
    let params: &ParamBuffer = params;
    let call = Call::read(params, &owner.integration.clicks.renames, kind);
    let seen = Seen::read(request.headers);
    let asked = Asked {
        request,
        owner,
        kind,
        params,
        call: &call,
        seen: &seen,
        // What a page's script sends comes from the visitor themselves.
        from_server: call.no_redirect && !seen.is_script,
        form: form_of(&call, &seen, owner, kind),
    };
    let keys = engine.policies.keys();
    let Some(keys) = keys.as_ref() else {
        return Answer::problem(503, "not_ready", "", "the server has no keys yet");
    };
    let now = engine.clock.now();
    let mut hit = Hit::new(owner.account.account, owner.integration.id, kind, now);
    let screening = match taken.and_then(|()| asked.admit(engine, &mut hit)) {
        Ok(screening) => screening,
        Err(error) => {
            engine.refuse(asked.described(engine, &error));
            return refused(&error);
        }
    };
    if !asked.from_server && seen.is_prefetch {
        return Answer::empty(204);
    }
    let proof = asked.prove(engine, doors).await;
    asked.fill(&mut hit, &proof, doors);
    let ready = Ready {
        asked: &asked,
        screening,
        keys,
    };
    let (answer, place) = match request.method {
        Method::Head => ready.foretell(engine, hit),
        _ => ready.decide(engine, outbox, scratch, hit).await,
    };
    asked.list_lost(engine, &place);
    match seen.is_script {
        true => answer.with("access-control-allow-origin", "*"),
        false => answer,
    }
}

/// By which id the click will be named that a page of this query goes on to; `None` = by none.
pub fn announced(
    params: &mut ParamBuffer,
    query: &[u8],
    integration: &IntegrationPolicy,
    limits: &Limits,
) -> Option<ClickKey> {
    params.clear();
    // What does not fit is refused at the click itself.
    params.decode(query, limits.params);
    let call = Call::read(params, &integration.clicks.renames, EventKind::Click);
    Some(ClickKey {
        account: integration.account,
        integration: integration.id,
        external_id: call.external_id()?.to_owned(),
    })
}

fn form_of(call: &Call<'_>, seen: &Seen<'_>, owner: Owner<'_>, kind: EventKind) -> Form {
    if call.no_redirect || seen.wants_json() {
        Form::Json
    } else if kind == EventKind::Impression {
        Form::Pixel
    } else if owner.integration.settings.clicks.measure_only {
        Form::Silent
    } else {
        Form::Redirect
    }
}

impl Asked<'_> {
    /// Checks who calls and what they say: whose event it is, and which rule judges.
    fn admit<C: CounterStore>(
        &self,
        engine: &Engine<C>,
        hit: &mut Hit<'_>,
    ) -> Result<Screening, FieldError> {
        let screening = check(self.owner, self.call, self.request, self.from_server)?;
        place_hit(engine, hit, self.call, self.request, self.from_server)?;
        // Only who is sent somewhere can be sent on.
        let onward = self.form == Form::Redirect && self.kind == EventKind::Click;
        Ok(match screening {
            Screening::ByScope if onward && self.owner.integration.clicks.is_waterfall() => {
                Screening::Onward
            }
            other => other,
        })
    }

    /// What the call proves about who made it; a signature that does not stand is listed here,
    /// and what follows from it is the verdict's. HEAD is not counted, so it proves nothing.
    async fn prove<C: CounterStore>(&self, engine: &Engine<C>, doors: &Doors) -> Proof {
        if self.request.method == Method::Head {
            return Proof::default();
        }
        let whose = (self.owner.account.account, self.owner.integration.id);
        let signing = &self.owner.integration.settings.signing;
        let (signature, fault) =
            proof::check_signature(engine, whose, signing, self.params.pairs()).await;
        if let Some(fault) = fault {
            engine.errors.note(self.described(engine, &fault.cause));
        }
        let keys = doors.agents.load();
        Proof {
            signature,
            agent: proof::agents::state(engine, &keys, whose.0, self.request).await,
        }
    }

    /// Puts what was sent, seen and proved into the event.
    fn fill<'h>(&'h self, hit: &mut Hit<'h>, proof: &'h Proof, doors: &Doors) {
        self.call.fill(hit, self.from_server);
        if !self.from_server {
            self.seen.fill(hit, doors.trusted_proxies.is_empty());
        }
        if let Some(link) = &self.owner.link {
            link.fill(hit);
        }
        proof.tell(hit);
        if hit.get(Field::Advertiser).is_none() {
            let own = self.owner.integration.settings.advertiser.as_deref();
            hit.set(Field::Advertiser, own);
        }
    }

    /// Lists wishes of the link that cannot be obeyed, and a visitor whom nobody told where
    /// to go. The click was judged all the same.
    fn list_lost<C: CounterStore>(&self, engine: &Engine<C>, place: &Place) {
        let list = |error: &FieldError| engine.errors.note(self.described(engine, error));
        if let Err(error) = self.owner.integration.clicks.check(self.call.link) {
            list(&error);
        }
        if *place == Place::Nowhere && self.form == Form::Redirect {
            list(&FieldError {
                code: "no_destination",
                field: "clicks.approved_url".to_owned(),
                detail: "is not set, and the link names none that is allowed".to_owned(),
            });
        }
    }

    fn described<C: CounterStore>(&self, engine: &Engine<C>, error: &FieldError) -> DoorError {
        let of = (
            Some(self.owner.account.account),
            Some(self.owner.integration.id),
        );
        let sample = postback::sample(self.request.path, self.params);
        door_error(engine, self.kind.as_str(), of, error, sample)
    }
}

fn refused(error: &FieldError) -> Answer {
    let status = match error.code {
        "bad_key" => 401,
        "source" => 403,
        _ => 422,
    };
    Answer::problem(status, error.code, &error.field, &error.to_string())
}
