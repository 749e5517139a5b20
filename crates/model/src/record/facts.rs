//! Facts as bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::wire::{CodecError, Numbers, Reader, Writer};
use crate::facts::{
    AddressScope, Basis, Benign, Country, DeviceFacts, DeviceIdForm, DeviceIdState, DeviceType,
    Facts, IpFacts, IpMark, ListMatch, MarkKind, NetworkClass, SignalFacts, UaFacts, UaKind,
    UaMark,
};
use crate::hit::{EventKind, Field, Hit};
use crate::{AccountId, IntegrationId, Timestamp};

pub fn write(w: &mut Writer<'_>, facts: &Facts<'_>) {
    write_hit(w, &facts.hit);
    write_ip(w, facts.ip.as_ref());
    write_ua(w, facts.ua.as_deref());
    write_device(w, &facts.device);
    w.len(facts.lists.len());
    for m in &facts.lists {
        w.u64(m.list_id);
        w.u8(u8::from(m.deny));
        for text in [m.field, m.value, m.entry, m.list, m.note] {
            w.text(text);
        }
    }
    w.u32(facts.intel_version);
}

pub fn read<'a>(r: &mut Reader<'a>) -> Result<Facts<'a>, CodecError> {
    let hit = read_hit(r)?;
    let ip = read_ip(r)?;
    let ua = read_ua(r)?.map(Arc::new);
    let device = read_device(r)?;
    let mut lists = Vec::new();
    for _ in 0..r.len()? {
        lists.push(ListMatch {
            list_id: r.u64()?,
            deny: r.u8()? != 0,
            field: r.text()?,
            value: r.text()?,
            entry: r.text()?,
            list: r.text()?,
            note: r.text()?,
        });
    }
    Ok(Facts {
        signals: SignalFacts::of(&hit),
        hit,
        ip,
        ua,
        device,
        lists,
        intel_version: r.u32()?,
    })
}

fn write_hit(w: &mut Writer<'_>, hit: &Hit<'_>) {
    let mut n = Numbers::<64>::new();
    n.u32(hit.account.0);
    n.u32(hit.integration.0);
    n.u8(hit.event as u8);
    n.i64(hit.received.0);
    n.i64(hit.time.0);
    add_address(&mut n, hit.ip);
    n.u64(hit.given_mask());
    w.numbers(&n);
    for (_, text) in hit.given() {
        w.text(text);
    }
    for pairs in [&hit.extras, &hit.unreplaced] {
        w.len(pairs.len());
        for (name, value) in pairs {
            w.text(name);
            w.text(value);
        }
    }
}

/// Whose and of which integration, what happened, when it came in, and its own time.
type HitFrame = (AccountId, IntegrationId, EventKind, Timestamp, Timestamp);

pub fn read_hit_frame(r: &mut Reader<'_>) -> Result<HitFrame, CodecError> {
    let (account, integration) = (AccountId(r.u32()?), IntegrationId(r.u32()?));
    let event = *EventKind::ALL
        .get(usize::from(r.u8()?))
        .ok_or(CodecError::Unknown("event kind"))?;
    let received = Timestamp(r.i64()?);
    Ok((account, integration, event, received, Timestamp(r.i64()?)))
}

/// The caller's own id, from behind what [`read_hit_frame`] reads; empty = not given.
pub fn read_external_id<'a>(r: &mut Reader<'a>) -> Result<&'a str, CodecError> {
    read_address(r)?;
    let mask = r.u64()?;
    for &field in Field::ALL {
        if mask & (1 << field as u8) == 0 {
            continue;
        }
        if field == Field::ExternalTransactionId {
            return r.text();
        }
        let len = r.len()?;
        r.bytes(len)?;
    }
    Ok("")
}

fn read_hit<'a>(r: &mut Reader<'a>) -> Result<Hit<'a>, CodecError> {
    let (account, integration, event, received, time) = read_hit_frame(r)?;
    let mut hit = Hit::new(account, integration, event, received);
    hit.time = time;
    hit.ip = read_address(r)?;
    let mask = r.u64()?;
    for &field in Field::ALL {
        if mask & (1 << field as u8) != 0 {
            hit.set(field, Some(r.text()?));
        }
    }
    for _ in 0..r.len()? {
        hit.extras.push((r.text()?, r.text()?));
    }
    for _ in 0..r.len()? {
        hit.unreplaced.push((r.text()?, r.text()?));
    }
    Ok(hit)
}

#[inline(always)]
fn add_address<const N: usize>(n: &mut Numbers<N>, ip: Option<IpAddr>) {
    match ip {
        None => n.u8(0),
        Some(IpAddr::V4(v4)) => {
            n.u8(4);
            n.bytes(v4.octets());
        }
        Some(IpAddr::V6(v6)) => {
            n.u8(6);
            n.bytes(v6.octets());
        }
    }
}

pub(super) fn read_address(r: &mut Reader<'_>) -> Result<Option<IpAddr>, CodecError> {
    match r.u8()? {
        0 => Ok(None),
        4 => Ok(Some(Ipv4Addr::from(r.array::<4>()?).into())),
        6 => Ok(Some(Ipv6Addr::from(r.array::<16>()?).into())),
        _ => Err(CodecError::Unknown("address family")),
    }
}

fn write_ip(w: &mut Writer<'_>, ip: Option<&IpFacts<'_>>) {
    let Some(ip) = ip else { return w.u8(0) };
    let mut n = Numbers::<32>::new();
    n.u8(1);
    add_address(&mut n, Some(ip.ip));
    n.u8(ip.scope as u8);
    n.bytes(ip.country.map_or([0; 2], Country::bytes));
    n.u8(ip.class as u8);
    n.u8(ip.benign.map_or(0, |b| b as u8));
    n.u32(ip.asn.unwrap_or(0));
    w.numbers(&n);
    for text in [ip.city, ip.operator, ip.crawler, ip.cloud] {
        w.text(text.unwrap_or(""));
    }
    w.len(ip.marks.len());
    for mark in &ip.marks {
        w.bytes(&[mark.kind as u8, mark.basis as u8, u8::from(mark.weak)]);
        w.text(mark.label);
        w.text(mark.list);
    }
}

fn read_ip<'a>(r: &mut Reader<'a>) -> Result<Option<IpFacts<'a>>, CodecError> {
    if r.u8()? == 0 {
        return Ok(None);
    }
    let ip = read_address(r)?.ok_or(CodecError::Unknown("address family"))?;
    let mut facts = IpFacts::unknown(ip);
    facts.scope = scope_of(r.u8()?)?;
    let country: [u8; 2] = r.array()?;
    facts.country = std::str::from_utf8(&country).ok().and_then(Country::parse);
    facts.class = *NetworkClass::ALL
        .get(usize::from(r.u8()?))
        .ok_or(CodecError::Unknown("network class"))?;
    facts.benign = benign_of(r.u8()?)?;
    facts.asn = Some(r.u32()?).filter(|asn| *asn != 0);
    facts.city = some(r.text()?);
    facts.operator = some(r.text()?);
    facts.crawler = some(r.text()?);
    facts.cloud = some(r.text()?);
    for _ in 0..r.len()? {
        facts.marks.push(IpMark {
            kind: mark_of(r.u8()?)?,
            basis: basis_of(r.u8()?)?,
            weak: r.u8()? != 0,
            label: r.text()?,
            list: r.text()?,
        });
    }
    Ok(Some(facts))
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn scope_of(code: u8) -> Result<AddressScope, CodecError> {
    use AddressScope as S;
    [
        S::Global,
        S::Private,
        S::Loopback,
        S::LinkLocal,
        S::CarrierNat,
        S::Documentation,
        S::Multicast,
        S::Reserved,
    ]
    .into_iter()
    .find(|scope| *scope as u8 == code)
    .ok_or(CodecError::Unknown("address scope"))
}

fn benign_of(code: u8) -> Result<Option<Benign>, CodecError> {
    use Benign as B;
    if code == 0 {
        return Ok(None);
    }
    [
        B::Relay,
        B::Satellite,
        B::CarrierGateway,
        B::VerifiedCrawler,
        B::MailScanner,
    ]
    .into_iter()
    .find(|benign| *benign as u8 == code)
    .map(Some)
    .ok_or(CodecError::Unknown("benign network"))
}

fn mark_of(code: u8) -> Result<MarkKind, CodecError> {
    use MarkKind as M;
    [
        M::Tor,
        M::Vpn,
        M::PublicProxy,
        M::ResidentialProxy,
        M::Hosting,
    ]
    .into_iter()
    .find(|kind| *kind as u8 == code)
    .ok_or(CodecError::Unknown("mark"))
}

fn basis_of(code: u8) -> Result<Basis, CodecError> {
    use Basis as B;
    [B::Address, B::Range, B::Asn, B::AsName]
        .into_iter()
        .find(|basis| *basis as u8 == code)
        .ok_or(CodecError::Unknown("basis"))
}

fn write_ua(w: &mut Writer<'_>, ua: Option<&UaFacts>) {
    let Some(ua) = ua else { return w.u8(0) };
    w.u8(1);
    match ua.stored() {
        Some(stored) => w.bytes(stored),
        None => write_known_ua(w, ua),
    }
}

/// A user agent's part of a record, for [`UaFacts::ready`].
pub fn ua_bytes(ua: &UaFacts) -> Vec<u8> {
    let mut out = Vec::new();
    write_known_ua(&mut Writer::new(&mut out), ua);
    out
}

fn write_known_ua(w: &mut Writer<'_>, ua: &UaFacts) {
    w.u8(ua.kind as u8);
    w.u8(ua.device_type as u8);
    match &ua.mark {
        None => w.u8(0),
        Some(mark) => {
            w.u8(1);
            for text in [&mark.rule, &mark.token, &mark.name] {
                w.text(text);
            }
        }
    }
    for text in ua_texts(ua) {
        w.text(text);
    }
}

fn ua_texts(ua: &UaFacts) -> [&str; 8] {
    [
        &ua.browser,
        &ua.browser_version,
        &ua.os,
        &ua.os_version,
        &ua.device_model,
        &ua.host_app,
        &ua.impossible,
        &ua.retired,
    ]
}

fn read_ua(r: &mut Reader<'_>) -> Result<Option<UaFacts>, CodecError> {
    if r.u8()? == 0 {
        return Ok(None);
    }
    let kind = *UaKind::ALL
        .get(usize::from(r.u8()?))
        .ok_or(CodecError::Unknown("user agent kind"))?;
    let device_type = *DeviceType::ALL
        .get(usize::from(r.u8()?))
        .ok_or(CodecError::Unknown("device type"))?;
    let mut ua = UaFacts::bare(kind);
    ua.device_type = device_type;
    if r.u8()? != 0 {
        ua.mark = Some(UaMark {
            rule: r.text()?.into(),
            token: r.text()?.into(),
            name: r.text()?.into(),
        });
    }
    for slot in [
        &mut ua.browser,
        &mut ua.browser_version,
        &mut ua.os,
        &mut ua.os_version,
        &mut ua.device_model,
        &mut ua.host_app,
        &mut ua.impossible,
        &mut ua.retired,
    ] {
        *slot = r.text()?.into();
    }
    Ok(Some(ua))
}

/// Rules a device id can break, as `assay-intel` names them; the place is what records
/// store. Append-only: a name that is missing here reads back as `format`, and then a
/// replay differs.
const BROKEN: [&str; 7] = [
    "",
    "format",
    "hash_of_zeros",
    "hash_of_empty",
    "sequential",
    "repeated",
    "hash_of_null",
];

fn write_device(w: &mut Writer<'_>, device: &DeviceFacts) {
    let known = BROKEN
        .iter()
        .position(|rule| *rule == device.broken)
        .unwrap_or(1);
    w.bytes(&[
        device.device_id as u8,
        device.gaid as u8,
        device.idfa as u8,
        device.form.map_or(0, |form| form as u8),
        known as u8,
    ]);
}

fn read_device(r: &mut Reader<'_>) -> Result<DeviceFacts, CodecError> {
    Ok(DeviceFacts {
        device_id: state_of(r.u8()?)?,
        gaid: state_of(r.u8()?)?,
        idfa: state_of(r.u8()?)?,
        form: form_of(r.u8()?)?,
        broken: BROKEN
            .get(usize::from(r.u8()?))
            .ok_or(CodecError::Unknown("device id rule"))?,
    })
}

fn state_of(code: u8) -> Result<DeviceIdState, CodecError> {
    use DeviceIdState as S;
    [S::Absent, S::Valid, S::Malformed, S::Emulator]
        .into_iter()
        .find(|state| *state as u8 == code)
        .ok_or(CodecError::Unknown("device id state"))
}

fn form_of(code: u8) -> Result<Option<DeviceIdForm>, CodecError> {
    use DeviceIdForm as F;
    if code == 0 {
        return Ok(None);
    }
    [
        F::Uuid,
        F::AndroidId,
        F::Md5,
        F::Sha1,
        F::Sha256,
        F::Imei,
        F::Other,
    ]
    .into_iter()
    .find(|form| *form as u8 == code)
    .map(Some)
    .ok_or(CodecError::Unknown("device id form"))
}
