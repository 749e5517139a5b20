//! What was held against an event's sources, and what was known of its keys, as bytes, since
//! version 3; and which offers turned a click down, since version 4.

use std::borrow::Cow;
use std::sync::Arc;

use super::verdict::{read_value, write_value};
use super::wire::{CodecError, Numbers, Reader, Writer};
use crate::Timestamp;
use crate::reason::Reason;
use crate::recall::{Passed, Recall};
use crate::reputation::{KeyKind, Learned, Reputed, Use};
use crate::sources::Standing;
use crate::verdict::{RuleRef, Value};

const SNAPSHOT: u8 = 0b0001;
const STANDINGS: u8 = 0b0010;
const REPUTATION: u8 = 0b0100;
/// Since version 4.
const PASSED: u8 = 0b1000;

/// One byte for an event of an account that has no snapshot.
pub fn write(w: &mut Writer<'_>, recall: &Recall) {
    let mut flags = 0;
    if recall.snapshot != 0 {
        flags |= SNAPSHOT;
    }
    if !recall.standings.is_empty() {
        flags |= STANDINGS;
    }
    if recall.reputation.is_some() {
        flags |= REPUTATION;
    }
    if !recall.passed.is_empty() {
        flags |= PASSED;
    }
    w.u8(flags);
    if recall.snapshot != 0 {
        w.u64(recall.snapshot);
    }
    if !recall.standings.is_empty() {
        w.len(recall.standings.len());
        for (place, standing) in &recall.standings {
            w.u32(u32::from(*place));
            write_standing(w, standing);
        }
    }
    if let Some(reputed) = &recall.reputation {
        write_reputed(w, reputed);
    }
    if !recall.passed.is_empty() {
        w.len(recall.passed.len());
        for passed in &recall.passed {
            write_passed(w, passed);
        }
    }
}

pub fn read(r: &mut Reader<'_>, recall: &mut Recall) -> Result<(), CodecError> {
    let flags = r.u8()?;
    if flags & !(SNAPSHOT | STANDINGS | REPUTATION | PASSED) != 0 {
        return Err(CodecError::Unknown("source flag"));
    }
    if flags & SNAPSHOT != 0 {
        recall.snapshot = r.u64()?;
    }
    if flags & STANDINGS != 0 {
        for _ in 0..r.len()? {
            let place = u16::try_from(r.u32()?).map_err(|_| CodecError::Unknown("place"))?;
            recall.standings.push((place, Arc::new(read_standing(r)?)));
        }
    }
    if flags & REPUTATION != 0 {
        recall.reputation = Some(Box::new(read_reputed(r)?));
    }
    if flags & PASSED != 0 {
        for _ in 0..r.len()? {
            recall.passed.push(read_passed(r)?);
        }
    }
    Ok(())
}

fn write_passed(w: &mut Writer<'_>, passed: &Passed) {
    w.text(&passed.offer);
    w.u8(passed.reason as u8);
    w.u64(passed.rule.id);
    w.u32(passed.rule.version);
}

fn read_passed(r: &mut Reader<'_>) -> Result<Passed, CodecError> {
    Ok(Passed {
        offer: r.text()?.into(),
        reason: Reason::from_number(r.u8()?).ok_or(CodecError::Unknown("reason"))?,
        rule: RuleRef {
            id: r.u64()?,
            version: r.u32()?,
        },
    })
}

fn write_standing(w: &mut Writer<'_>, standing: &Standing) {
    w.u8(standing.reason as u8);
    w.u32(standing.window_s);
    w.u32(standing.n);
    w.i64(standing.since.0);
    w.i64(standing.as_of.0);
    write_value(w, &standing.threshold);
    w.len(standing.observed.len());
    for (place, value) in &standing.observed {
        w.u8(*place);
        write_value(w, value);
    }
}

fn read_standing(r: &mut Reader<'_>) -> Result<Standing, CodecError> {
    let reason = Reason::from_number(r.u8()?).ok_or(CodecError::Unknown("reason"))?;
    let window_s = r.u32()?;
    let n = r.u32()?;
    let since = Timestamp(r.i64()?);
    let as_of = Timestamp(r.i64()?);
    let threshold = owned(r)?;
    let mut observed = Vec::new();
    for _ in 0..r.len()? {
        observed.push((r.u8()?, owned(r)?));
    }
    Ok(Standing {
        reason,
        observed,
        threshold,
        window_s,
        n,
        since,
        as_of,
    })
}

/// A value that outlives the bytes.
fn owned(r: &mut Reader<'_>) -> Result<Value<'static>, CodecError> {
    Ok(match read_value(r)? {
        None => return Err(CodecError::Unknown("value")),
        Some(Value::Int(n)) => Value::Int(n),
        Some(Value::Float(n)) => Value::Float(n),
        Some(Value::Text(text)) => Value::Text(Cow::Owned(text.into_owned())),
    })
}

fn write_reputed(w: &mut Writer<'_>, reputed: &Reputed) {
    w.i64(reputed.as_of.0);
    w.bytes(&reputed.base.to_le_bytes());
    w.bytes(&reputed.settings.margin.to_le_bytes());
    w.u8(u8::from(reputed.settings.blocks));
    w.len(reputed.keys.len());
    for (kind, learned) in &reputed.keys {
        let mut n = Numbers::<13>::new();
        n.u8(*kind as u8);
        n.bytes(learned.log_odds.to_le_bytes());
        n.bytes(learned.variance.to_le_bytes());
        n.bytes(learned.n.to_le_bytes());
        w.numbers(&n);
    }
}

fn read_reputed(r: &mut Reader<'_>) -> Result<Reputed, CodecError> {
    let mut reputed = Reputed {
        as_of: Timestamp(r.i64()?),
        base: number(r)?,
        settings: Use {
            margin: number(r)?,
            blocks: r.u8()? != 0,
        },
        keys: smallvec::SmallVec::new(),
    };
    for _ in 0..r.len()? {
        let kind = KeyKind::from_code(r.u8()?).ok_or(CodecError::Unknown("kind of key"))?;
        let learned = Learned {
            log_odds: number(r)?,
            variance: number(r)?,
            n: number(r)?,
        };
        reputed.keys.push((kind, learned));
    }
    Ok(reputed)
}

fn number(r: &mut Reader<'_>) -> Result<f32, CodecError> {
    Ok(f32::from_le_bytes(r.array()?))
}
