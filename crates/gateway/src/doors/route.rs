//! Which door a request is for, and of which integration: by path on any host, or by a host
//! of the form `{iid}.clicks.HOST`.

use assay_model::IntegrationId;

/// A door of an integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// A click link.
    Click,
    /// A click link that collects browser signals first.
    Jsp,
    /// An ad was shown.
    Impression,
    /// A conversion is told.
    Postback,
    /// A conversion is rejected by somebody else.
    Rejection,
}

/// Per door: its path, and the label of its host.
///
/// Source: SPEC §2, facts.md 1.A.2.
const DOORS: [(Door, &str, Option<&str>); 5] = [
    (Door::Click, "click", Some("clicks")),
    (Door::Jsp, "jsp", None),
    (Door::Impression, "imp", Some("imp")),
    (Door::Postback, "postback", Some("postbacks")),
    (Door::Rejection, "rejection", Some("rejections")),
];

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The door.
    pub door: Door,
    /// Whose; it may not exist.
    pub integration: IntegrationId,
}

impl Route {
    /// The path of the same integration's click door, given the path of this one.
    pub fn click_path(self, path: &str) -> String {
        // A host that names the integration already needs no number in the path.
        let by_host = !path.trim_matches('/').contains('/');
        match by_host {
            true => "/".to_owned(),
            false => format!("/click/{}", self.integration.0),
        }
    }
}

/// Finds the door of a path and host; `public_hosts` are lower case, without a port.
#[must_use]
pub fn find(path: &str, host: &str, public_hosts: &[String]) -> Option<Route> {
    let rest = path.strip_prefix('/')?;
    let (name, id) = rest.split_once('/').unwrap_or((rest, ""));
    let of_path = DOORS.iter().find(|(_, own, _)| *own == name);
    if let (Some((door, ..)), Some(integration)) = (of_path, id_of(id.trim_end_matches('/'))) {
        return Some(Route {
            door: *door,
            integration,
        });
    }
    if !id.is_empty() {
        return None;
    }
    let (own_door, integration) = host_route(host, public_hosts)?;
    let door = match of_path {
        Some((door, ..)) => *door,
        None if name.is_empty() => own_door,
        None => return None,
    };
    Some(Route { door, integration })
}

/// The integration that a host names.
#[must_use]
pub fn integration_of(host: &str, public_hosts: &[String]) -> Option<IntegrationId> {
    host_route(host, public_hosts).map(|(_, integration)| integration)
}

/// `{iid}.clicks.HOST`, with or without port.
fn host_route(host: &str, public_hosts: &[String]) -> Option<(Door, IntegrationId)> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let (id, rest) = name.trim_end_matches('.').split_once('.')?;
    let (label, public) = rest.split_once('.')?;
    let (door, ..) = DOORS
        .iter()
        .find(|(.., own)| own.is_some_and(|own| own.eq_ignore_ascii_case(label)))?;
    let known = public_hosts
        .iter()
        .any(|own| own.eq_ignore_ascii_case(public));
    Some((*door, id_of(id).filter(|_| known)?))
}

fn id_of(text: &str) -> Option<IntegrationId> {
    let plain = text.bytes().all(|c| c.is_ascii_digit());
    text.parse().ok().filter(|_| plain).map(IntegrationId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_is_found_by_path_on_any_host_and_by_host() {
        let hosts = ["traffic.example".to_owned(), "localhost".to_owned()];
        let cases = [
            ("/click/7", "any.example", Some((Door::Click, 7))),
            ("/click/7/", "any.example", Some((Door::Click, 7))),
            ("/jsp/7", "", Some((Door::Jsp, 7))),
            ("/postback/12", "x", Some((Door::Postback, 12))),
            ("/imp/1", "x", Some((Door::Impression, 1))),
            ("/rejection/1", "x", Some((Door::Rejection, 1))),
            (
                "/click/8",
                "7.clicks.traffic.example",
                Some((Door::Click, 8)),
            ),
            ("/", "7.clicks.traffic.example", Some((Door::Click, 7))),
            ("/jsp", "7.clicks.traffic.example", Some((Door::Jsp, 7))),
            (
                "/",
                "7.CLICKS.Traffic.Example.:8080",
                Some((Door::Click, 7)),
            ),
            ("/", "7.postbacks.localhost:80", Some((Door::Postback, 7))),
            ("/", "7.imp.localhost", Some((Door::Impression, 7))),
            ("/", "7.rejections.localhost", Some((Door::Rejection, 7))),
            ("/postback", "7.clicks.localhost", Some((Door::Postback, 7))),
            ("/", "7.clicks.other.example", None),
            ("/", "x.clicks.localhost", None),
            ("/", "7.jsp.localhost", None),
            ("/", "localhost", None),
            ("/", "", None),
            ("/click", "localhost", None),
            ("/click/", "localhost", None),
            ("/click/+7", "localhost", None),
            ("/click/99999999999", "localhost", None),
            ("/click/7/8", "localhost", None),
            ("/clicks/7", "localhost", None),
            ("", "7.clicks.localhost", None),
        ];
        for (path, host, expected) in cases {
            let found = find(path, host, &hosts).map(|r| (r.door, r.integration.0));
            assert_eq!(found, expected, "{path} at {host}");
        }
    }
}
