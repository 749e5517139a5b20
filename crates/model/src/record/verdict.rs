//! Recall and verdict as bytes.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::wire::{CodecError, Numbers, Reader, Writer};
use crate::reason::{Class, Reason, Risk};
use crate::recall::{Degraded, Reading, Recall};
use crate::verdict::{
    Action, Check, Effect, Finding, Mode, OnDegraded, RuleRef, Strictness, Value, Verdict, Weighing,
};

/// Readings gathered before they are copied.
const TOGETHER: usize = 8;

pub fn write_recall(w: &mut Writer<'_>, recall: &Recall) {
    w.u8(recall.degraded.map_or(0, |cause| cause as u8));
    w.len(recall.readings.len());
    for readings in recall.readings.chunks(TOGETHER) {
        // A count and a span are at most five bytes each, a gap too.
        let mut n = Numbers::<{ 16 * TOGETHER }>::new();
        for reading in readings {
            n.u8(u8::from(reading.is_some()));
            if let Some(reading) = reading {
                n.u32(reading.count);
                n.u32(reading.span_s);
                n.u64(reading.gap_ms.map_or(0, |gap| u64::from(gap) + 1));
            }
        }
        w.numbers(&n);
    }
    super::click::write(w, recall);
    super::sources::write(w, recall);
}

pub fn read_recall(r: &mut Reader<'_>, version: u8) -> Result<Recall, CodecError> {
    let degraded = degraded_of(r.u8()?)?;
    let mut readings = SmallVec::new();
    for _ in 0..r.len()? {
        readings.push(match r.u8()? {
            0 => None,
            _ => Some(Reading {
                count: r.u32()?,
                span_s: r.u32()?,
                gap_ms: r
                    .u64()?
                    .checked_sub(1)
                    .and_then(|gap| u32::try_from(gap).ok()),
            }),
        });
    }
    let mut recall = Recall {
        readings,
        degraded,
        ..Recall::default()
    };
    if version >= 2 {
        super::click::read(r, &mut recall)?;
    }
    if version >= 3 {
        super::sources::read(r, &mut recall)?;
    }
    Ok(recall)
}

fn degraded_of(code: u8) -> Result<Option<Degraded>, CodecError> {
    match code {
        0 => Ok(None),
        code => Degraded::from_code(code)
            .map(Some)
            .ok_or(CodecError::Unknown("degraded cause")),
    }
}

pub fn write(w: &mut Writer<'_>, verdict: &Verdict<'_>) {
    let mut n = Numbers::<32>::new();
    n.bytes([
        verdict.risk as u8,
        verdict.points,
        verdict.class as u8,
        verdict.reason as u8,
        verdict.action as u8,
    ]);
    n.u64(verdict.rule.id);
    n.u32(verdict.rule.version);
    n.bytes([
        verdict.weighing.strictness as u8,
        verdict.weighing.mode as u8,
        verdict.weighing.on_degraded as u8,
        verdict.degraded.map_or(0, |cause| cause as u8),
    ]);
    n.u64(verdict.checks.len() as u64);
    w.numbers(&n);
    for checks in verdict.checks.chunks(32) {
        let mut codes = [0; 32];
        for (code, check) in codes.iter_mut().zip(checks) {
            *code = check.code();
        }
        w.bytes(&codes[..checks.len()]);
    }
    w.len(verdict.findings.len());
    for finding in &verdict.findings {
        write_finding(w, finding);
    }
}

pub fn read<'a>(r: &mut Reader<'a>) -> Result<Verdict<'a>, CodecError> {
    let risk = Risk::from_code(r.u8()?).ok_or(CodecError::Unknown("risk"))?;
    let points = r.u8()?;
    let class = *Class::ALL
        .get(usize::from(r.u8()?))
        .ok_or(CodecError::Unknown("class"))?;
    let reason = Reason::from_number(r.u8()?).ok_or(CodecError::Unknown("reason"))?;
    let action = *Action::ALL
        .get(usize::from(r.u8()?))
        .ok_or(CodecError::Unknown("action"))?;
    let rule = RuleRef {
        id: r.u64()?,
        version: r.u32()?,
    };
    let weighing = read_weighing(r)?;
    let degraded = degraded_of(r.u8()?)?;
    let mut checks = SmallVec::new();
    for _ in 0..r.len()? {
        checks.push(Check::from_code(r.u8()?).ok_or(CodecError::Unknown("check"))?);
    }
    let mut findings = Vec::new();
    for _ in 0..r.len()? {
        findings.push(read_finding(r)?);
    }
    Ok(Verdict {
        weighing,
        risk,
        points,
        class,
        reason,
        findings,
        action,
        rule,
        degraded,
        checks,
    })
}

fn write_finding(w: &mut Writer<'_>, finding: &Finding<'_>) {
    w.bytes(&[
        finding.reason as u8,
        finding.risk as u8,
        finding.effect as u8,
    ]);
    w.u32(finding.window_s);
    w.u32(finding.n);
    w.text(&finding.list);
    match &finding.threshold {
        None => w.u8(0),
        Some(value) => write_value(w, value),
    }
    w.len(finding.observed.len());
    for (place, value) in &finding.observed {
        w.u8(*place);
        write_value(w, value);
    }
}

fn read_finding<'a>(r: &mut Reader<'a>) -> Result<Finding<'a>, CodecError> {
    let reason = Reason::from_number(r.u8()?).ok_or(CodecError::Unknown("reason"))?;
    let mut finding = Finding::new(reason);
    finding.risk = Risk::from_code(r.u8()?).ok_or(CodecError::Unknown("risk"))?;
    finding.effect = match r.u8()? {
        0 => Effect::Block,
        1 => Effect::Flag,
        2 => Effect::Allowed,
        3 => Effect::Offer,
        _ => return Err(CodecError::Unknown("effect")),
    };
    finding.window_s = r.u32()?;
    finding.n = r.u32()?;
    finding.list = Cow::Borrowed(r.text()?);
    finding.threshold = read_value(r)?;
    for _ in 0..r.len()? {
        let place = r.u8()?;
        finding
            .observed
            .push((place, read_value(r)?.ok_or(CodecError::Unknown("value"))?));
    }
    Ok(finding)
}

pub fn write_value(w: &mut Writer<'_>, value: &Value<'_>) {
    match value {
        Value::Int(n) => {
            w.u8(1);
            w.i64(*n);
        }
        Value::Float(n) => {
            w.u8(2);
            w.bytes(&n.to_le_bytes());
        }
        Value::Text(text) => {
            w.u8(3);
            w.text(text);
        }
    }
}

pub fn read_value<'a>(r: &mut Reader<'a>) -> Result<Option<Value<'a>>, CodecError> {
    Ok(Some(match r.u8()? {
        0 => return Ok(None),
        1 => Value::Int(r.i64()?),
        2 => Value::Float(f64::from_le_bytes(r.array()?)),
        3 => Value::Text(Cow::Borrowed(r.text()?)),
        _ => return Err(CodecError::Unknown("value")),
    }))
}

fn read_weighing(r: &mut Reader<'_>) -> Result<Weighing, CodecError> {
    let strictness = [
        Strictness::Conservative,
        Strictness::Moderate,
        Strictness::Strict,
    ];
    let modes = [Mode::Enforce, Mode::Monitor, Mode::Hold];
    let degraded = [OnDegraded::Allow, OnDegraded::Review, OnDegraded::Block];
    let unknown = CodecError::Unknown("weighing");
    Ok(Weighing {
        strictness: *strictness.get(usize::from(r.u8()?)).ok_or(unknown)?,
        mode: *modes.get(usize::from(r.u8()?)).ok_or(unknown)?,
        on_degraded: *degraded.get(usize::from(r.u8()?)).ok_or(unknown)?,
    })
}
