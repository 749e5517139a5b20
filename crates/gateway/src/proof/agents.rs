//! Agents that prove who they are: Web Bot Auth, HTTP message signatures (RFC 9421) with
//! Ed25519 keys that the agent publishes.
//!
//! Only agents whose directory is configured are known; nothing is fetched on the way. A
//! signature covers the host, its nonce keeps it from being used twice.

use std::collections::HashMap;

use assay_model::AccountId;
use assay_model::ports::CounterStore;
use web_bot_auth::components::{
    CoveredComponent, DerivedComponent, HTTPField, HTTPFieldParametersSet,
};
use web_bot_auth::keyring::{JSONWebKeySet, KeyRing};
use web_bot_auth::message_signatures::SignedMessage;
use web_bot_auth::{SignatureAgentLink, WebBotAuthVerifier};

use super::{print_of, seen_before};
use crate::doors::{DoorRequest, Method};
use crate::engine::Engine;

/// Longest time for which a signature may hold.
const VALID_S_MAX: i64 = 24 * 3600;
/// How far an agent's clock may be ahead.
const AHEAD_S_MAX: i64 = 300;

/// The public keys of known agents.
#[derive(Debug, Default)]
pub struct AgentKeys {
    ring: KeyRing,
    /// Key id → origin of the agent.
    agents: HashMap<String, String>,
}

/// A directory of keys that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AgentKeysError {
    /// It is no JSON Web Key Set.
    #[error("is no JSON Web Key Set: {0}")]
    Form(#[from] serde_json::Error),
    /// It has no key of a kind that is supported.
    #[error("has no Ed25519 key")]
    Empty,
}

impl AgentKeys {
    /// Adds the keys of an agent's directory; returns how many.
    ///
    /// # Errors
    /// [`AgentKeysError`] when there is nothing in it that can be used.
    pub fn add(&mut self, agent: &str, directory: &[u8]) -> Result<usize, AgentKeysError> {
        let set: JSONWebKeySet = serde_json::from_slice(directory)?;
        let mut added = 0;
        for key in &set.keys {
            if self.ring.try_import_jwk(key).is_ok() {
                self.agents.insert(key.b64_thumbprint(), agent.to_owned());
                added += 1;
            }
        }
        if added == 0 {
            return Err(AgentKeysError::Empty);
        }
        Ok(added)
    }

    /// How many keys are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.agents.len()
    }

    /// Whether no key is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.agents.is_empty()
    }
}

/// What is seen of an agent's signature: `{state} {key id} {agent}`; `None` = the request
/// does not say that it is one's.
pub(crate) async fn state<C: CounterStore>(
    engine: &Engine<C>,
    keys: &AgentKeys,
    account: AccountId,
    request: &DoorRequest<'_>,
) -> Option<String> {
    // Nearly every request ends here.
    request
        .headers
        .get("signature-input")
        .filter(|input| input.contains("web-bot-auth"))?;
    let seen = match look(keys, request, engine.clock.now().0.div_euclid(1000)) {
        Ok(seen) => seen,
        Err((state, key_id)) => return Some(format!("{state} {key_id} -")),
    };
    let key_id = &seen.key_id;
    if let Some(nonce) = &seen.nonce {
        let print = print_of(b'a', format!("{key_id}\n{nonce}").as_bytes());
        if seen_before(engine, account, print, seen.valid_s).await {
            return Some(format!("replay {key_id} {}", seen.agent));
        }
    }
    Some(format!("verified {key_id} {}", seen.agent))
}

/// A signature that fits.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    key_id: String,
    agent: String,
    nonce: Option<String>,
    valid_s: u32,
}

/// Checks everything but whether it was seen before; an error is a state and a key id.
fn look(
    keys: &AgentKeys,
    request: &DoorRequest<'_>,
    now_s: i64,
) -> Result<Seen, (&'static str, String)> {
    let none = || "-".to_owned();
    let parsed = WebBotAuthVerifier::parse(&Message(request)).map_err(|_| ("malformed", none()))?;
    let details = parsed.get_parsed_label().base.parameters.details.clone();
    let key_id = details.keyid.filter(|id| is_word(id));
    let key_id = key_id.ok_or(("malformed", none()))?;
    let Some(agent) = keys.agents.get(&key_id) else {
        return Err(("unknown", key_id));
    };
    let (Some(created), Some(expires)) = (details.created, details.expires) else {
        return Err(("malformed", key_id));
    };
    if expires <= now_s || created > now_s + AHEAD_S_MAX || expires - created > VALID_S_MAX {
        return Err(("expired", key_id));
    }
    // Who names a directory must name the one that the key is from.
    let names_another = parsed.get_signature_agents().iter().any(|link| match link {
        SignatureAgentLink::External(url) => !is_within(url, agent),
        SignatureAgentLink::Inline(_) => true,
    });
    if names_another || parsed.verify(&keys.ring, None).is_err() {
        return Err(("forged", key_id));
    }
    Ok(Seen {
        agent: agent.clone(),
        key_id,
        nonce: details.nonce,
        valid_s: u32::try_from(expires - now_s).unwrap_or(u32::MAX),
    })
}

/// Whether a URL is the origin, or lies below it.
fn is_within(url: &str, origin: &str) -> bool {
    url.strip_prefix(origin)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A key id may stand in a state only as one word.
fn is_word(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_graphic())
}

/// A request as the signature sees it.
struct Message<'m, 'r>(&'m DoorRequest<'r>);

impl SignedMessage for Message<'_, '_> {
    fn lookup_component(&self, name: &CoveredComponent) -> Vec<String> {
        let request = self.0;
        let text = match name {
            CoveredComponent::HTTP(HTTPField { name, parameters }) => {
                // Parameters change a value in ways that nothing here needs, but the key of
                // a dictionary, which the library takes apart itself.
                if !is_plain(parameters) && name != "signature-agent" {
                    return Vec::new();
                }
                let mut all = Vec::new();
                request.headers.each(|own, value| {
                    if own.eq_ignore_ascii_case(name)
                        && let Ok(text) = std::str::from_utf8(value)
                    {
                        all.push(text.to_owned());
                    }
                });
                return all;
            }
            CoveredComponent::Derived(DerivedComponent::Authority { .. }) => {
                request.host.to_ascii_lowercase()
            }
            CoveredComponent::Derived(DerivedComponent::Method { .. }) => match request.method {
                Method::Get => "GET".to_owned(),
                Method::Head => "HEAD".to_owned(),
                Method::Post => "POST".to_owned(),
                Method::Other => return Vec::new(),
            },
            CoveredComponent::Derived(DerivedComponent::Path { .. }) => request.path.to_owned(),
            CoveredComponent::Derived(DerivedComponent::Query { .. }) => {
                format!("?{}", String::from_utf8_lossy(request.query))
            }
            CoveredComponent::Derived(_) => return Vec::new(),
        };
        vec![text]
    }
}

fn is_plain(parameters: &HTTPFieldParametersSet) -> bool {
    parameters.0.is_empty()
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::headers::Headers;

    // Key and signature of the Web Bot Auth draft's own example (RFC 9421, B.1.4).
    const DIRECTORY: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"test-key-ed25519",
        "x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}]}"#;
    const INPUT: &str = r#"sig1=("@authority");created=1735689600;keyid="poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U";alg="ed25519";expires=1735693200;nonce="gubxywVx7hzbYKatLgzuKDllDAIXAkz41PydU7aOY7vT+Mb3GJNxW0qD4zJ+IOQ1NVtg+BNbTCRUMt1Ojr5BgA==";tag="web-bot-auth""#;
    const SIGNATURE: &str = "sig1=:uz2SAv+VIemw+Oo890bhYh6Xf5qZdLUgv6/PbiQfCFXcX/vt1A8Pf7OcgL2yUDUYXFtffNpkEr5W6dldqFrkDg==:";
    const KEY_ID: &str = "poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U";
    const DURING_S: i64 = 1_735_690_000;

    fn keys() -> AgentKeys {
        let mut keys = AgentKeys::default();
        keys.add("https://agent.example", DIRECTORY.as_bytes())
            .unwrap();
        keys
    }

    fn seen(keys: &AgentKeys, host: &str, more: &str, now_s: i64) -> Result<Seen, &'static str> {
        let input = INPUT;
        let head = format!(
            "GET /click/7?offer=o1 HTTP/1.1\r\nHost: {host}\r\nSignature-Input: {input}\r\nSignature: {SIGNATURE}\r\n{more}\r\n"
        );
        let request = DoorRequest {
            method: Method::Get,
            path: "/click/7",
            query: b"offer=o1",
            body: &[],
            content_type: "",
            authorization: None,
            key: None,
            host,
            headers: Headers::Head(head.as_bytes()),
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        look(keys, &request, now_s).map_err(|(state, _)| state)
    }

    #[test]
    fn the_drafts_own_example_is_verified_and_anything_else_is_told_apart() {
        let known = keys();
        let good = seen(&known, "example.com", "", DURING_S).unwrap();
        assert_eq!(
            (good.key_id.as_str(), good.agent.as_str()),
            (KEY_ID, "https://agent.example")
        );
        assert_eq!(good.valid_s, 3200);
        assert!(good.nonce.is_some());
        let other_host = seen(&known, "example.org", "", DURING_S);
        assert_eq!(other_host, Err("forged"));
        assert_eq!(
            seen(&known, "example.com", "", 1_735_693_200),
            Err("expired")
        );
        assert_eq!(
            seen(&known, "example.com", "", 1_735_689_000),
            Err("expired")
        );
        let nobody = AgentKeys::default();
        assert_eq!(seen(&nobody, "example.com", "", DURING_S), Err("unknown"));
    }

    #[test]
    fn a_directory_without_a_key_is_refused_with_its_cause() {
        let mut keys = AgentKeys::default();
        assert!(matches!(
            keys.add("x", b"<html>"),
            Err(AgentKeysError::Form(_))
        ));
        let rsa = br#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#;
        assert!(matches!(keys.add("x", rsa), Err(AgentKeysError::Empty)));
        assert!(keys.is_empty());
    }
}
