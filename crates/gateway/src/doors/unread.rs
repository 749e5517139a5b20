//! Calls refused before a door has read them: too large, never whole, or by a method that no
//! door has. They stand in the error log of the integration that path, host or query name.

use assay_model::ports::CounterStore;
use assay_model::{AccountId, IntegrationId};

use super::route::Door;
use super::{Doors, door_error, route, s2s};
use crate::engine::Engine;
use crate::ingress::ParamBuffer;
use crate::mapping::FieldError;
use crate::policy::Snapshot;

/// Most parameters looked at for an integration's number.
const PARAMS: usize = 64;

impl Doors {
    /// Lists a call of which nothing but target and host is known, if it is for an integration.
    pub fn note_unread<C: CounterStore>(
        &self,
        engine: &Engine<C>,
        (target, host): (&str, &str),
        code: &'static str,
        detail: &str,
    ) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let snapshot = engine.policies.load();
        let Some((door, of)) = self.owner_of(&snapshot, path, query, host) else {
            return;
        };
        let error = FieldError {
            code,
            field: String::new(),
            detail: detail.to_owned(),
        };
        let sample = path.chars().filter(|c| !c.is_control()).take(64).collect();
        engine.refuse(door_error(engine, door, of, &error, sample));
    }

    fn owner_of(
        &self,
        snapshot: &Snapshot,
        path: &str,
        query: &str,
        host: &str,
    ) -> Option<(&'static str, Owner)> {
        if path == "/ic3.php" {
            let mut params = ParamBuffer::default();
            params.decode(query.as_bytes(), PARAMS);
            let named = |name: &str| {
                let mut pairs = params.pairs();
                pairs.find(|(own, _)| *own == name).map(|(_, value)| value)
            };
            return Some(("s2s", s2s::owner(snapshot, named("b"), named("s"))));
        }
        let route = route::find(path, host, &self.public_hosts)?;
        let (account, integration) = snapshot.integration(route.integration)?;
        let door = match route.door {
            Door::Click | Door::Jsp => "click",
            Door::Impression => "impression",
            Door::Postback => "postback",
            Door::Rejection => "rejection",
        };
        Some((door, (Some(account.account), Some(integration.id))))
    }
}

type Owner = (Option<AccountId>, Option<IntegrationId>);

/// Path and query of the request line that a buffer begins with, as far as it came.
pub fn target_of(buffer: &[u8]) -> String {
    let line = buffer.split(|c| matches!(c, b'\r' | b'\n')).next();
    let mut words = line.unwrap_or_default().split(|c| *c == b' ');
    let target = words.nth(1).unwrap_or_default();
    String::from_utf8_lossy(target).into_owned()
}

/// The `Host` of a head, as far as it came.
pub fn host_of(buffer: &[u8]) -> String {
    let mut lines = buffer.split(|c| *c == b'\n').skip(1);
    let host = lines.find_map(|line| {
        let (name, value) = line.split_at_checked(5)?;
        name.eq_ignore_ascii_case(b"host:").then_some(value)
    });
    String::from_utf8_lossy(host.unwrap_or_default().trim_ascii()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_and_host_are_found_in_what_came() {
        let head = b"GET /click/7?a=b HTTP/1.1\r\nA: b\r\nHOST: 7.imp.x:80\r\nCookie: aaaa";
        assert_eq!(target_of(head), "/click/7?a=b");
        assert_eq!(host_of(head), "7.imp.x:80");
        assert_eq!(
            target_of(b"GET /ic3.php?s=1&z=\xff\xff"),
            "/ic3.php?s=1&z=\u{fffd}\u{fffd}"
        );
        for bare in [&b""[..], b"GET", b"\x16\x03\x01", b"GET / HTTP/1.1\r\nHos"] {
            assert_eq!(host_of(bare), "");
        }
    }
}
