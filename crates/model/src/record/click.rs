//! The click of a conversion as bytes, since version 2.

use super::facts::read_address;
use super::wire::{CodecError, Reader, Writer};
use crate::click::{ClickDevice, ClickMatch, ClickSearch, MatchedBy};
use crate::facts::Country;
use crate::hit::{EventKind, Field};
use crate::reason::{Reason, Risk};
use crate::recall::Recall;
use crate::verdict::Action;
use crate::{EventId, Timestamp};
use std::net::IpAddr;

const SEARCH: u8 = 0b0011;
const CLICK: u8 = 0b0100;
const AGAIN: u8 = 0b1000;
const UNCOUNTED: u8 = 0b1_0000;

/// One byte for an event that has no click, which is nearly all.
pub fn write(w: &mut Writer<'_>, recall: &Recall) {
    let mut flags = recall.search as u8;
    if recall.click.is_some() {
        flags |= CLICK;
    }
    if recall.again.is_some() {
        flags |= AGAIN;
    }
    if recall.uncounted {
        flags |= UNCOUNTED;
    }
    w.u8(flags);
    if let Some(click) = &recall.click {
        write_click(w, click);
    }
    if let Some(first) = recall.again {
        w.bytes(&first.0);
    }
}

pub fn read(r: &mut Reader<'_>, recall: &mut Recall) -> Result<(), CodecError> {
    let flags = r.u8()?;
    if flags & !(SEARCH | CLICK | AGAIN | UNCOUNTED) != 0 {
        return Err(CodecError::Unknown("click flag"));
    }
    recall.search =
        ClickSearch::from_code(flags & SEARCH).ok_or(CodecError::Unknown("click search"))?;
    if flags & CLICK != 0 {
        recall.click = Some(Box::new(read_click(r)?));
    }
    if flags & AGAIN != 0 {
        recall.again = Some(EventId(r.array()?));
    }
    recall.uncounted = flags & UNCOUNTED != 0;
    Ok(())
}

fn write_click(w: &mut Writer<'_>, click: &ClickMatch) {
    w.u8(click.by as u8);
    w.u8(click.kind as u8);
    match click.event_id {
        None => w.u8(0),
        Some(id) => {
            w.u8(1);
            w.bytes(&id.0);
        }
    }
    match click.time {
        None => w.u8(0),
        Some(time) => {
            w.u8(1);
            w.i64(time.0);
        }
    }
    w.u32(click.lookback_s);
    match click.ip {
        None => w.u8(0),
        Some(IpAddr::V4(v4)) => {
            w.u8(4);
            w.bytes(&v4.octets());
        }
        Some(IpAddr::V6(v6)) => {
            w.u8(6);
            w.bytes(&v6.octets());
        }
    }
    w.bytes(&click.country.map_or([0; 2], Country::bytes));
    w.text(&click.city);
    w.u8(u8::from(click.displaced));
    w.len(click.devices.len());
    for device in &click.devices {
        w.u8(device.field as u8);
        w.text(&device.id);
    }
    w.text(&click.browser);
    w.text(&click.os);
    w.u8(click.action.map_or(0, |action| action as u8 + 1));
    w.u8(click.risk as u8);
    w.u8(click.reason as u8);
}

fn read_click(r: &mut Reader<'_>) -> Result<ClickMatch, CodecError> {
    let by = MatchedBy::from_code(r.u8()?).ok_or(CodecError::Unknown("way of matching"))?;
    let mut click = ClickMatch::unknown(by, 0);
    click.kind = *EventKind::ALL
        .get(usize::from(r.u8()?))
        .ok_or(CodecError::Unknown("event kind"))?;
    if r.u8()? != 0 {
        click.event_id = Some(EventId(r.array()?));
    }
    if r.u8()? != 0 {
        click.time = Some(Timestamp(r.i64()?));
    }
    click.lookback_s = r.u32()?;
    click.ip = read_address(r)?;
    let country: [u8; 2] = r.array()?;
    click.country = std::str::from_utf8(&country).ok().and_then(Country::parse);
    click.city = r.text()?.into();
    click.displaced = r.u8()? != 0;
    for _ in 0..r.len()? {
        let field = *Field::ALL
            .get(usize::from(r.u8()?))
            .ok_or(CodecError::Unknown("field"))?;
        let id = r.text()?.into();
        click.devices.push(ClickDevice { field, id });
    }
    click.browser = r.text()?.into();
    click.os = r.text()?.into();
    click.action = match r.u8()? {
        0 => None,
        code => Some(
            *Action::ALL
                .get(usize::from(code - 1))
                .ok_or(CodecError::Unknown("action"))?,
        ),
    };
    click.risk = Risk::from_code(r.u8()?).ok_or(CodecError::Unknown("risk"))?;
    click.reason = Reason::from_number(r.u8()?).ok_or(CodecError::Unknown("reason"))?;
    Ok(click)
}
