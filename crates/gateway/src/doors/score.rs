//! The native door: `POST /v1/score`, one JSON event in, the verdict in full out.
//!
//! Source: SPEC §2.2.

use std::sync::Arc;

use assay_model::document::{TokenScope, token_hash_input};
use assay_model::ports::CounterStore;
use assay_model::{AccountId, IntegrationId};
use sha2::{Digest, Sha256};

use super::{Answer, DoorRequest, Method, door_error};
use crate::engine::Engine;
use crate::mapping::FieldError;
use crate::native::{NativeEvent, Times, answer_json, decide_native, named_integration};
use crate::outbox::{Outbox, Scratch};
use crate::policy::{AccountPolicy, IntegrationPolicy, Snapshot};

/// Who calls: a token's account, or whoever knows an integration's key.
#[derive(Clone, Debug)]
pub enum Caller {
    /// A token with scope `score` of this account.
    Account(AccountId),
    /// An access key, compared with the integration that each event names.
    Key(String),
}

/// Reads the credential of a call.
///
/// # Errors
/// The answer to give: 401 without a valid credential, 403 without the scope.
pub fn authorize<C: CounterStore>(
    engine: &Engine<C>,
    request: &DoorRequest<'_>,
) -> Result<Caller, Answer> {
    if let Some(token) = request.authorization.and_then(bearer) {
        let hash: [u8; 32] = Sha256::digest(token_hash_input(token)).into();
        let snapshot = engine.policies.load();
        return match snapshot.token(&hash, engine.clock.now()) {
            None => Err(Answer::problem(
                401,
                "unauthorized",
                "",
                "the token is unknown, revoked or expired",
            )),
            Some(token) if token.scopes.contains(&TokenScope::Score) => {
                Ok(Caller::Account(token.account))
            }
            Some(_) => Err(Answer::problem(
                403,
                "forbidden",
                "",
                "the token lacks the scope score",
            )),
        };
    }
    let mut params = crate::ingress::ParamBuffer::default();
    params.decode(request.query, engine.limits.params);
    let in_query = params
        .pairs()
        .find(|(name, _)| *name == "key")
        .map(|(_, value)| value.to_owned());
    match request.key.map(str::to_owned).or(in_query) {
        Some(key) => Ok(Caller::Key(key)),
        None => Err(Answer::problem(
            401,
            "unauthorized",
            "",
            "send Authorization: Bearer with a token of scope score, or the integration's key",
        )),
    }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

impl Caller {
    /// In whose error log a refused event stands: the named integration's, unless it is
    /// another account's; else that of the account that sent it.
    fn owner(
        &self,
        snapshot: &Snapshot,
        named: Option<u32>,
    ) -> (Option<AccountId>, Option<IntegrationId>) {
        let own = match self {
            Self::Account(id) => Some(*id),
            Self::Key(_) => None,
        };
        let named = named.and_then(|id| snapshot.integration(IntegrationId(id)));
        match named.filter(|(account, _)| own.is_none_or(|id| id == account.account)) {
            Some((account, integration)) => (Some(account.account), Some(integration.id)),
            None => (own, None),
        }
    }

    /// The integration that an event names, if the caller may score for it.
    ///
    /// # Errors
    /// [`FieldError`]: unknown, foreign or paused name `integration_id`. Who has only a key is
    /// told the same of a wrong key and of an integration that is not there.
    pub fn integration<'s>(
        &self,
        snapshot: &'s Snapshot,
        id: Option<u32>,
        peer: std::net::IpAddr,
    ) -> Result<(&'s Arc<AccountPolicy>, &'s Arc<IntegrationPolicy>), FieldError> {
        let id = id.ok_or_else(|| FieldError::missing("integration_id"))?;
        let refusal = |code, detail: String| FieldError {
            code,
            field: "integration_id".into(),
            detail,
        };
        let unknown = || match self {
            Self::Account(_) => refusal(
                "unknown_integration",
                format!("{id} is no integration that this credential may use"),
            ),
            Self::Key(_) => FieldError {
                code: "bad_key",
                field: "key".into(),
                detail: format!("is not that of integration {id}"),
            },
        };
        let (account, integration) = snapshot
            .integration(IntegrationId(id))
            .ok_or_else(unknown)?;
        let allowed = match self {
            Self::Account(own) => *own == account.account,
            // Without a key of its own an integration cannot be used by key.
            Self::Key(key) => {
                integration.settings.access_key.is_some() && integration.key_fits(Some(key))
            }
        };
        if !allowed {
            return Err(unknown());
        }
        if !integration.admits(peer) {
            return Err(refusal(
                "source",
                "the caller's address is not on the integration's allowed_sources".into(),
            ));
        }
        if !integration.is_active() {
            return Err(refusal("paused", format!("{id} is paused")));
        }
        Ok((account, integration))
    }
}

pub async fn answer<C: CounterStore>(
    engine: &Engine<C>,
    outbox: &impl Outbox,
    scratch: &mut Scratch,
    request: &DoorRequest<'_>,
) -> Answer {
    if request.method != Method::Post {
        return Answer::problem(405, "method", "", "POST one JSON event to this path");
    }
    let caller = match authorize(engine, request) {
        Ok(caller) => caller,
        Err(answer) => return answer,
    };
    match score_event(engine, outbox, scratch, &caller, request.peer, request.body).await {
        Ok(body) => Answer::json(body),
        Err(error) => {
            let status = match error.code {
                "json" => 400,
                "bad_key" => 401,
                "source" => 403,
                _ => 422,
            };
            Answer::problem(status, error.code, &error.field, &error.to_string())
        }
    }
}

/// Scores one JSON event for a caller; the answer's JSON, or what is wrong with the event.
///
/// # Errors
/// [`FieldError`]; the refusal stands in the integration's error log.
pub async fn score_event<C: CounterStore>(
    engine: &Engine<C>,
    outbox: &impl Outbox,
    scratch: &mut Scratch,
    caller: &Caller,
    peer: std::net::IpAddr,
    json: &[u8],
) -> Result<Vec<u8>, FieldError> {
    let snapshot = engine.policies.load();
    let now = engine.clock.now();
    let prepared = (|| {
        let event = NativeEvent::parse(json)?;
        let found = caller.integration(&snapshot, event.integration_id, peer)?;
        event.check(Times::Bounded {
            now,
            limits: &engine.limits,
        })?;
        if !event.has_ip() {
            return Err(FieldError::missing("ip"));
        }
        Ok((event, found))
    })();
    let (event, (account, integration)) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            let of = caller.owner(&snapshot, named_integration(json));
            engine.refuse(door_error(engine, "score", of, &error, "/v1/score".into()));
            return Err(error);
        }
    };
    let hit = event.hit(
        account.account,
        integration.id,
        now,
        integration.settings.advertiser.as_deref(),
    );
    let body = decide_native(
        engine,
        outbox,
        scratch,
        (account, integration),
        hit,
        |decision| {
            answer_json(decision, event.caller_id())
                .to_string()
                .into_bytes()
        },
    )
    .await;
    Ok(body)
}
