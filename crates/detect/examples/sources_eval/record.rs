//! From a simulated event to a record, counted on the same path as the product's.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use assay_detect::CompiledRule;
use assay_detect::sources::{Origin, Outcome, Profiles};
use assay_model::click::{ClickDevice, ClickMatch, MatchedBy};
use assay_model::facts::{
    Basis, Country, DeviceIdState, DeviceType, Facts, IpMark, MarkKind, NetworkClass, UaFacts,
    UaKind,
};
use assay_model::hit::{EventKind, Field, Hit};
use assay_model::recall::Recall;
use assay_model::record::EventRecord;
use assay_model::testing::clean_verdict;
use assay_model::{AccountId, EventId, IntegrationId, Timestamp};

use super::market::{ANDROID, COUNTRIES, IOS, MODELS};
use super::person::{Device, Who};
use super::traffic::Event;

const ZEROS: &str = "00000000-0000-0000-0000-000000000000";

/// Names and user agents, made once.
#[derive(Default)]
pub struct Names {
    agents: HashMap<(u8, u8, u16, u16), Arc<UaFacts>>,
}

impl Names {
    fn agent(&mut self, who: &Who) -> Arc<UaFacts> {
        let key = (who.os, who.os_version, who.model, who.browser_version);
        let make = || {
            let mut ua = UaFacts::bare(UaKind::Browser);
            let (os, browser) = match who.os {
                ANDROID => ("Android", "Chrome"),
                IOS => ("iOS", "Mobile Safari"),
                _ => ("Windows", "Chrome"),
            };
            ua.os = os.into();
            ua.os_version = who.os_version.to_string().into();
            ua.browser = browser.into();
            ua.browser_version = format!("{}.0", who.browser_version).into();
            if usize::from(who.model) < MODELS {
                ua.device_model = format!("SM-{:03}", who.model).into();
            }
            ua.device_type = DeviceType::Phone;
            Arc::new(ua)
        };
        Arc::clone(self.agents.entry(key).or_insert_with(make))
    }

    /// Counts an event, and what became of it.
    pub fn count(
        &mut self,
        profiles: &mut Profiles,
        rule: &CompiledRule,
        offer: &str,
        event: &Event,
    ) {
        let publisher = format!("publisher-{}", event.publisher);
        let sub_id = format!("sub-{}", event.sub_id);
        let device = match event.who.device {
            Device::Id(id) => format!("{id:016x}-0000-4000-8000"),
            Device::Limited => ZEROS.to_owned(),
            Device::None => String::new(),
        };
        let kind = match event.conversion {
            Some(_) => EventKind::Conversion,
            None => EventKind::Click,
        };
        let at = Timestamp(event.at_ms);
        let mut hit = Hit::new(AccountId(1), IntegrationId(7), kind, at);
        let [a, b, c, _] = (event.who.subnet << 8).to_be_bytes();
        hit.ip = Some(IpAddr::V4(Ipv4Addr::new(a | 1, b, c, event.who.host)));
        hit.set(Field::Publisher, Some(&publisher));
        hit.set(Field::SubId, Some(&sub_id));
        hit.set(Field::Offer, Some(offer));
        hit.set(Field::Languages, Some(event.who.language));
        let id_field = if event.who.os == IOS {
            Field::Idfa
        } else {
            Field::Gaid
        };
        if !device.is_empty() {
            hit.set(id_field, Some(&device));
        }
        let facts = self.facts(hit, &event.who, id_field);
        let record = EventRecord {
            event_id: EventId([0; 10]),
            recall: recall(event, id_field, &device),
            facts,
            verdict: clean_verdict(),
            destination: None,
            detect_revision: assay_detect::REVISION,
            decision_us: 1,
        };
        profiles.add(rule, &record);
        if let Some((_, true)) = event.conversion {
            let origin = Origin {
                publisher: &publisher,
                sub_id: &sub_id,
                offer,
            };
            profiles.outcome(rule, origin, at, Outcome::Rejected);
        }
    }

    fn facts<'a>(&mut self, hit: Hit<'a>, who: &Who, id_field: Field) -> Facts<'a> {
        let mut facts = Facts::bare(hit);
        if let Some(ip) = &mut facts.ip {
            ip.country = Country::parse(COUNTRIES[usize::from(who.country)].code);
            ip.class = if who.mobile {
                NetworkClass::Mobile
            } else {
                NetworkClass::Isp
            };
            if who.vpn {
                ip.marks.push(IpMark {
                    kind: MarkKind::Vpn,
                    basis: Basis::Address,
                    weak: false,
                    label: "",
                    list: "vpn@1",
                });
            }
        }
        facts.ua = Some(self.agent(who));
        let state = match who.device {
            Device::Id(_) => DeviceIdState::Valid,
            Device::Limited | Device::None => DeviceIdState::Absent,
        };
        if id_field == Field::Idfa {
            facts.device.idfa = state;
        } else {
            facts.device.gaid = state;
        }
        facts
    }
}

fn recall(event: &Event, id_field: Field, device: &str) -> Recall {
    let Some((ctit_ms, _)) = event.conversion else {
        return Recall::default();
    };
    let mut click = ClickMatch::unknown(MatchedBy::OwnId, 30 * 86_400);
    click.time = Some(Timestamp(event.at_ms - ctit_ms));
    if let Device::Id(_) = event.who.device {
        click.devices.push(ClickDevice {
            field: id_field,
            id: device.into(),
        });
    }
    Recall {
        click: Some(Box::new(click)),
        ..Recall::default()
    }
}
