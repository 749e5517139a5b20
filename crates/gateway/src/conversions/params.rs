//! What a postback or a rejection says, under our own names.
//!
//! Names: ours, the documented aliases, V1's; and those that the integration has chosen,
//! which count first.
//!
//! Source: SPEC §2.5, facts.md 1.A.2 (conversion parameters) and 1.A.9 (V1).

use std::net::IpAddr;

use assay_model::hit::{EventKind, Field, Hit, name_of_v1};
use assay_model::ledger::Amount;
use assay_model::{AccountId, IntegrationId, Timestamp};

use crate::engine::Limits;
use crate::ingress::ParamBuffer;
use crate::mapping::{self, FieldError, cut, is_unreplaced};
use crate::renames::Renames;

/// A parameter that is no field of an event, or is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Field(Field),
    /// When it happened.
    Time,
    /// The buyer's address.
    Ip,
    /// The static token of the integration.
    Secure,
    /// The access key of the integration.
    Key,
    /// What a rejection asks for.
    Status,
}

/// Our names and aliases that are no names of fields.
const NAMES: [(&str, Name); 10] = [
    ("event", Name::Field(Field::EventName)),
    ("goal", Name::Field(Field::EventName)),
    ("conversion_time", Name::Time),
    ("time", Name::Time),
    ("conversion_ip", Name::Ip),
    ("ip", Name::Ip),
    ("secure", Name::Secure),
    ("key", Name::Key),
    ("status", Name::Status),
    (
        "new_rejected_reason",
        Name::Field(Field::ThirdPartyRejectedReason),
    ),
];

impl Name {
    fn parse(text: &str) -> Option<Self> {
        let text = name_of_v1(text).unwrap_or(text);
        match NAMES.iter().find(|(own, _)| *own == text) {
            Some((_, name)) => Some(*name),
            None => Field::parse(text).map(Self::Field),
        }
    }
}

/// A value and the name under which it was sent, for messages.
type Sent<'p> = (&'p str, &'p str);

/// Everything that a call says; an unreplaced macro and an empty text are "not given".
#[derive(Debug, Default)]
pub struct Told<'p> {
    fields: Vec<(Field, Sent<'p>)>,
    extras: Vec<Sent<'p>>,
    unreplaced: Vec<Sent<'p>>,
    time: Option<Sent<'p>>,
    ip: Option<Sent<'p>>,
    status: Option<Sent<'p>>,
    /// The static token.
    pub secure: Option<&'p str>,
    /// The access key.
    pub key: Option<&'p str>,
}

/// The values that have a form of their own, read.
#[derive(Clone, Debug, Default)]
pub struct Values {
    /// When it happened; `None` = when it came in.
    pub time: Option<Timestamp>,
    /// The buyer's address; the sender's is never taken for it.
    pub ip: Option<IpAddr>,
    /// When its click happened, by the sender.
    pub click_time: Option<Timestamp>,
    /// Where its click came from, by the sender.
    pub click_ip: Option<IpAddr>,
    /// What the publisher gets.
    pub payout: Option<Amount>,
    /// What the advertiser pays.
    pub revenue: Option<Amount>,
    /// Currency of both, in capitals.
    pub currency: Option<String>,
}

impl<'p> Told<'p> {
    /// Reads the parameters of a call.
    #[must_use]
    pub fn read(params: &'p ParamBuffer, renames: &'p Renames) -> Self {
        let mut told = Self::default();
        renames.each(params.pairs(), |ours, name, value| {
            match Name::parse(ours) {
                Some(known) => told.take(known, (name, value)),
                None => told.extras.push((name, value)),
            }
        });
        told
    }

    fn take(&mut self, name: Name, sent: Sent<'p>) {
        let (_, value) = sent;
        // Also of a user agent: who tells of a buyer leaves out what it does not know.
        if value.trim().is_empty() {
            return;
        }
        if is_unreplaced(value) {
            self.unreplaced.push(sent);
            return;
        }
        match name {
            Name::Field(field) => {
                // A repeated parameter: the first counts.
                if self.sent(field).is_none() {
                    self.fields.push((field, sent));
                }
            }
            Name::Time => self.time = self.time.or(Some(sent)),
            Name::Ip => self.ip = self.ip.or(Some(sent)),
            Name::Status => self.status = self.status.or(Some(sent)),
            Name::Secure => self.secure = self.secure.or(Some(value)),
            Name::Key => self.key = self.key.or(Some(value)),
        }
    }

    fn sent(&self, field: Field) -> Option<Sent<'p>> {
        let found = self.fields.iter().find(|(own, _)| *own == field);
        found.map(|(_, sent)| *sent)
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<&'p str> {
        self.sent(field).map(|(_, value)| value)
    }

    /// The first macros that were left in place, for messages; empty = none.
    #[must_use]
    pub fn left_in_place(&self) -> String {
        let mut out = String::new();
        for (name, value) in self.unreplaced.iter().take(3) {
            out.push_str(if out.is_empty() {
                "; left in place: "
            } else {
                ", "
            });
            out.extend([cut(name), "=", cut(value)]);
        }
        out
    }

    /// What a rejection asks for.
    #[must_use]
    pub fn status(&self) -> Option<&'p str> {
        self.status.map(|(_, value)| value.trim())
    }

    /// Name of the event; empty = the base conversion.
    #[must_use]
    pub fn event(&self) -> &'p str {
        match self.get(Field::EventName).unwrap_or("").trim() {
            "conversion" => "",
            name => name,
        }
    }

    /// Reads the values that have a form of their own.
    ///
    /// # Errors
    /// [`FieldError`] names the parameter as it was sent.
    pub fn values(&self, now: Timestamp, limits: &Limits) -> Result<Values, FieldError> {
        let amount = |field| {
            let Some((name, text)) = self.sent(field) else {
                return Ok(None);
            };
            let read = Amount::parse(text);
            read.map(Some)
                .map_err(|e| FieldError::malformed(name, format!("{:?} {e}", cut(text))))
        };
        let address = |sent: Option<Sent<'_>>| {
            sent.map(|(name, text)| mapping::address(name, text))
                .transpose()
        };
        let time = |sent: Option<Sent<'_>>| {
            sent.map(|(name, text)| mapping::time(name, text, now, limits))
                .transpose()
        };
        for field in [
            Field::BeginInstallTime,
            Field::FinishInstallTime,
            Field::LandingPageTime,
        ] {
            time(self.sent(field))?;
        }
        if let Some((name, text)) = self.sent(Field::SessionTime)
            && text.trim().parse::<u32>().is_err()
        {
            let detail = format!("{:?} is no number of seconds", cut(text));
            return Err(FieldError::malformed(name, detail));
        }
        Ok(Values {
            time: time(self.time)?,
            ip: address(self.ip)?,
            click_time: time(self.sent(Field::ClickTime))?,
            click_ip: address(self.sent(Field::ClickIp))?,
            payout: amount(Field::Payout)?,
            revenue: amount(Field::Revenue)?,
            currency: self.currency()?,
        })
    }

    fn currency(&self) -> Result<Option<String>, FieldError> {
        let Some((name, text)) = self.sent(Field::Currency) else {
            return Ok(None);
        };
        let text = text.trim();
        if text.len() != 3 || !text.bytes().all(|c| c.is_ascii_alphabetic()) {
            let detail = format!("{:?} is no currency: three letters, like EUR", cut(text));
            return Err(FieldError::malformed(name, detail));
        }
        Ok(Some(text.to_ascii_uppercase()))
    }

    /// The event as it was told.
    #[must_use]
    pub fn hit<'h>(
        &'h self,
        (account, integration): (AccountId, IntegrationId),
        values: &Values,
        now: Timestamp,
    ) -> Hit<'h> {
        let kind = if self.event().is_empty() {
            EventKind::Conversion
        } else {
            EventKind::PostEvent
        };
        let mut hit = Hit::new(account, integration, kind, now);
        hit.time = values.time.unwrap_or(now);
        hit.ip = values.ip;
        for (field, (_, value)) in &self.fields {
            hit.set(*field, Some(value));
        }
        for (name, value) in &self.extras {
            mapping::extra(&mut hit, name, value);
        }
        for (name, value) in &self.unreplaced {
            mapping::note_unreplaced(&mut hit, name, value);
        }
        hit
    }

    /// Every value by our name, or by its own where it is none of ours; for macros.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self
            .fields
            .iter()
            .map(|(field, (_, value))| (field.as_str(), *value));
        fields.chain(self.extras.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::testing::NOW;

    fn told(query: &str, params: &[(&str, &str)], check: impl FnOnce(&Told<'_>)) {
        let mut buffer = ParamBuffer::default();
        assert!(buffer.decode(query.as_bytes(), 100));
        let params = params
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect();
        check(&Told::read(&buffer, &Renames::new(&params)));
    }

    #[test]
    fn a_chosen_name_counts_before_ours_and_both_are_understood() {
        let chosen = [("external_transaction_id", "tid"), ("payout", "money")];
        told(
            "external_transaction_id=a&tid=b&payout=1",
            &chosen,
            |told| {
                assert_eq!(told.get(Field::ExternalTransactionId), Some("b"));
                assert_eq!(told.get(Field::Payout), Some("1"));
            },
        );
        told("tid={tid}&external_transaction_id=a", &chosen, |told| {
            assert_eq!(told.get(Field::ExternalTransactionId), Some("a"));
        });
        let swapped = [("offer", "publisher")];
        told("publisher=o1", &swapped, |told| {
            assert_eq!(told.get(Field::Offer), Some("o1"));
            assert_eq!(told.get(Field::Publisher), None, "the name is taken");
        });
    }

    #[test]
    fn every_name_that_can_be_chosen_is_understood() {
        for name in assay_model::document::CONVERSION_PARAMS {
            assert!(Name::parse(name).is_some(), "{name}");
        }
        let chosen = [("event", "type"), ("conversion_ip", "addr")];
        told("type=signup&addr=8.8.8.8", &chosen, |told| {
            assert_eq!(told.event(), "signup");
            let values = told.values(NOW, &Limits::default()).unwrap();
            assert_eq!(values.ip, "8.8.8.8".parse().ok());
        });
    }

    #[test]
    fn the_names_of_the_first_version_are_understood() {
        let query = "fs_aff_source=p&fs_p_id=a&fs_product_id=o&fs_sub_id=s\
            &http_remote_address=8.8.8.8&fs_server_ip=9.9.9.9&click_time=2025-12-31+23:00:00\
            &request_time=2025-12-31+23:30:00&http_user_agent=UA&http_click_referer=R\
            &fs_device_id=d&fs_transaction_id=t&fs_affiliate_name=Ann";
        told(query, &[], |told| {
            let values = told.values(NOW, &Limits::default()).unwrap();
            let ids = (AccountId(1), IntegrationId(2));
            let hit = told.hit(ids, &values, NOW);
            let given = [
                (Field::Publisher, "p"),
                (Field::Advertiser, "a"),
                (Field::Offer, "o"),
                (Field::SubId, "s"),
                (Field::UserAgent, "UA"),
                (Field::Referer, "R"),
                (Field::DeviceId, "d"),
                (Field::ExternalTransactionId, "t"),
            ];
            for (field, value) in given {
                assert_eq!(hit.get(field), Some(value));
            }
            assert_eq!(hit.ip, "9.9.9.9".parse().ok());
            assert_eq!(values.click_ip, "8.8.8.8".parse().ok());
            assert_eq!(hit.time.ms_since(values.click_time.unwrap()), 1_800_000);
            assert_eq!(hit.extras, [("fs_affiliate_name", "Ann")]);
        });
    }

    #[test]
    fn a_malformed_value_is_refused_under_the_name_it_was_sent_by() {
        for (query, field) in [
            ("payout=1,50", "payout"),
            ("revenue=USD5", "revenue"),
            ("money=x", "money"),
            ("conversion_ip=8.8.8", "conversion_ip"),
            ("click_ip=example.com", "click_ip"),
            ("conversion_time=soon", "conversion_time"),
            ("click_time=2020-01-01", "click_time"),
            ("begin_install_time=x", "begin_install_time"),
            ("finish_install_time=2001-01-01", "finish_install_time"),
            ("session_time=soon", "session_time"),
            ("session_time=-1", "session_time"),
            ("currency=EURO", "currency"),
        ] {
            told(query, &[("payout", "money")], |told| {
                let refused = told.values(NOW, &Limits::default()).unwrap_err();
                assert_eq!(refused.field, field);
            });
        }
        told(
            "payout=-1.5&revenue=%7Bamount%7D&currency=eur",
            &[],
            |told| {
                let values = told.values(NOW, &Limits::default()).unwrap();
                assert_eq!(values.payout.unwrap().micros(), -1_500_000);
                assert!(
                    values.revenue.is_none(),
                    "a macro left in place is not given"
                );
                assert_eq!(values.currency.as_deref(), Some("EUR"));
            },
        );
    }

    #[test]
    fn macros_left_in_place_are_named_for_messages() {
        let query = "transaction_id=%7Btid%7D&payout=1&offer=%5Bo%5D";
        told(query, &[], |told| {
            let text = "; left in place: transaction_id={tid}, offer=[o]";
            assert_eq!(told.left_in_place(), text);
        });
        told("payout=1", &[], |told| assert_eq!(told.left_in_place(), ""));
    }

    #[test]
    fn an_event_is_named_by_either_word() {
        for (query, name) in [
            ("", ""),
            ("event=", ""),
            ("event=conversion", ""),
            ("goal=signup", "signup"),
            ("event=deposit&goal=signup", "deposit"),
        ] {
            told(query, &[], |told| assert_eq!(told.event(), name));
        }
    }
}
