//! By which ids a call names a click, and by what a conversion is recognised.

use assay_model::hit::Field;
use assay_model::ledger::{IdempotencyKey, Keys};
use assay_model::reason::Reason;
use assay_model::transaction::{Content, KeyRing, Refusal};
use assay_model::{AccountId, EventId, IntegrationId};

use super::params::Told;
use crate::policy::Snapshot;

/// The ids of a call.
#[derive(Clone, Copy, Debug)]
pub struct Ids<'p> {
    /// Our id of the click, opened.
    pub own: Option<Content>,
    /// The same as it was sent.
    pub own_text: Option<&'p str>,
    /// The caller's id.
    pub external: Option<&'p str>,
}

/// A transaction id that cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadId {
    /// Its own reason.
    pub reason: Reason,
    /// What is wrong, for people.
    pub detail: &'static str,
}

impl From<Refusal> for BadId {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Forged => Self {
                reason: Reason::TokenForged,
                detail: "is no transaction id of ours",
            },
            Refusal::Altered => Self {
                reason: Reason::TokenAltered,
                detail: "was altered: it is no longer what we gave out",
            },
        }
    }
}

impl<'p> Ids<'p> {
    /// Opens the ids of a call. Forged, altered and foreign ones are told apart without a
    /// look-up.
    ///
    /// # Errors
    /// [`BadId`] with a reason of its own.
    pub fn read(
        told: &Told<'p>,
        keys: &KeyRing,
        snapshot: &Snapshot,
        account: AccountId,
    ) -> Result<Self, BadId> {
        let own_text = told.get(Field::TransactionId).map(str::trim);
        let own = own_text.map(|text| keys.open(text)).transpose()?;
        if let Some(content) = &own
            && !is_own(content, snapshot, account)
        {
            return Err(BadId {
                reason: Reason::TokenForeign,
                detail: "is of another account's click",
            });
        }
        Ok(Self {
            own,
            own_text,
            external: told.get(Field::ExternalTransactionId),
        })
    }

    /// Whether any click is named.
    #[must_use]
    pub const fn name_a_click(&self) -> bool {
        self.own.is_some() || self.external.is_some()
    }

    /// By what this conversion is recognised when it is sent again: the click where it is
    /// known (an opened id of ours is as good as found), else the id as it was sent.
    ///
    /// `None` = it names neither click nor order: nothing tells it from another.
    #[must_use]
    pub fn keys(
        &self,
        integration: IntegrationId,
        event: &str,
        order_id: &str,
        click: Option<EventId>,
    ) -> Option<Keys> {
        let key = |kind: &[u8], id: &[u8]| {
            IdempotencyKey::of([
                &integration.0.to_be_bytes()[..],
                event.as_bytes(),
                order_id.as_bytes(),
                kind,
                id,
            ])
        };
        let external = self.external.map(|id| key(b"external", id.as_bytes()));
        let click = click.or(self.own.map(|content| content.event_id));
        if let Some(click) = click {
            return Some(Keys {
                decides: click_key(integration, event, order_id, click),
                also: external.into_iter().collect(),
            });
        }
        let alone = external.or_else(|| (!order_id.is_empty()).then(|| key(b"order", b"")));
        alone.map(|decides| Keys {
            decides,
            also: Vec::new(),
        })
    }
}

/// The key of a conversion whose click is known.
#[must_use]
pub fn click_key(
    integration: IntegrationId,
    event: &str,
    order_id: &str,
    click: EventId,
) -> IdempotencyKey {
    IdempotencyKey::of([
        &integration.0.to_be_bytes()[..],
        event.as_bytes(),
        order_id.as_bytes(),
        b"click",
        &click.0,
    ])
}

/// Whether an id's integration is the account's.
fn is_own(content: &Content, snapshot: &Snapshot, account: AccountId) -> bool {
    snapshot
        .integration(content.integration)
        .is_some_and(|(owner, _)| owner.account == account)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::testing::NOW;

    const CLICK: EventId = EventId([7; 10]);

    fn ids(external: Option<&str>) -> Ids<'_> {
        Ids {
            own: None,
            own_text: None,
            external,
        }
    }

    #[test]
    fn the_click_decides_and_the_id_as_sent_is_kept_beside_it() {
        let of = |event, order, click| {
            let ids = ids(Some("t1"));
            ids.keys(IntegrationId(7), event, order, click).unwrap()
        };
        let found = of("", "", Some(CLICK));
        let unknown = of("", "", None);
        assert_eq!(found.also, [unknown.decides]);
        assert_ne!(found.decides, unknown.decides);
        assert_ne!(of("signup", "", Some(CLICK)).decides, found.decides);
        assert_ne!(of("", "o1", Some(CLICK)).decides, found.decides);
        assert_eq!(click_key(IntegrationId(7), "", "", CLICK), found.decides);
        let other = ids(Some("t1"))
            .keys(IntegrationId(8), "", "", None)
            .unwrap();
        assert_ne!(other.decides, unknown.decides);
    }

    #[test]
    fn an_id_of_ours_is_as_good_as_its_click() {
        let content = Content {
            event_id: EventId::new(NOW, 0, 0, 1),
            integration: IntegrationId(7),
            impression: false,
            action: assay_model::Action::Approved,
            risk: assay_model::Risk::Clean,
            country: None,
            address: None,
            device: None,
        };
        let mut named = ids(None);
        named.own = Some(content);
        let before = named.keys(IntegrationId(7), "", "", None).unwrap();
        let after = named.keys(IntegrationId(7), "", "", Some(content.event_id));
        assert_eq!(Some(before), after);
    }

    #[test]
    fn without_any_id_an_order_is_one() {
        assert!(ids(None).keys(IntegrationId(7), "", "", None).is_none());
        assert!(ids(None).keys(IntegrationId(7), "", "o1", None).is_some());
    }
}
