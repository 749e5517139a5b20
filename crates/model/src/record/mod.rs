//! The record of an event: everything its verdict used, and the verdict.
//!
//! Facts after enrichment, counters as read, findings with their thresholds, and the
//! versions of rule, intelligence and detection. `explain` and `replay` need nothing else.
//! The bytes are versioned; a golden file keeps old ones readable.

mod click;
mod facts;
mod sources;
mod verdict;
mod wire;

use crate::facts::Facts;
use crate::recall::Recall;
use crate::verdict::{Effect, Verdict};
use crate::{AccountId, EventId, EventKind, IntegrationId, Timestamp};

pub(crate) use facts::ua_bytes;
pub use wire::CodecError;
use wire::{Numbers, Reader, Writer};

/// Version of the bytes that this build writes; it reads this and all earlier ones.
pub const VERSION: u8 = 4;

/// One event as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRecord<'a> {
    /// The event's id.
    pub event_id: EventId,
    /// Everything known of it.
    pub facts: Facts<'a>,
    /// Everything remembered about it.
    pub recall: Recall,
    /// What it came to.
    pub verdict: Verdict<'a>,
    /// Where a click was sent; `None` when it was answered with a verdict only.
    pub destination: Option<&'a str>,
    /// Revision of the detection code.
    pub detect_revision: u32,
    /// Time the decision took.
    pub decision_us: u32,
}

impl<'a> EventRecord<'a> {
    /// Appends the record's bytes to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode_parts(
            &RecordParts {
                event_id: self.event_id,
                destination: self.destination,
                detect_revision: self.detect_revision,
                decision_us: self.decision_us,
            },
            &self.facts,
            &self.recall,
            &self.verdict,
            out,
        );
    }

    /// Reads a record; texts borrow from `bytes`.
    ///
    /// # Errors
    /// [`CodecError`] when the bytes are cut, damaged or of a newer version.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(bytes);
        let version = bytes.first().copied().unwrap_or(0);
        let RecordParts {
            event_id,
            destination,
            detect_revision,
            decision_us,
        } = read_head(&mut reader)?;
        let facts = facts::read(&mut reader)?;
        let mut recall = verdict::read_recall(&mut reader, version)?;
        let verdict = verdict::read(&mut reader)?;
        // They stand among the verdict's findings, and are written once.
        let limits = verdict
            .findings
            .iter()
            .filter(|f| f.effect == Effect::Offer);
        recall.limits = limits.map(|found| found.clone().into_owned()).collect();
        Ok(Self {
            event_id,
            facts,
            recall,
            verdict,
            destination,
            detect_revision,
            decision_us,
        })
    }
}

/// The frame of a record, for encoding without moving facts and verdict into it.
#[derive(Clone, Copy, Debug)]
pub struct RecordParts<'a> {
    /// See [`EventRecord::event_id`].
    pub event_id: EventId,
    /// See [`EventRecord::destination`].
    pub destination: Option<&'a str>,
    /// See [`EventRecord::detect_revision`].
    pub detect_revision: u32,
    /// See [`EventRecord::decision_us`].
    pub decision_us: u32,
}

/// Appends the bytes of a record given in parts.
fn encode_parts(
    parts: &RecordParts<'_>,
    facts: &Facts<'_>,
    recall: &Recall,
    verdict: &Verdict<'_>,
    out: &mut Vec<u8>,
) {
    let mut writer = Writer::new(out);
    write_frame(&mut writer, parts);
    facts::write(&mut writer, facts);
    verdict::write_recall(&mut writer, recall);
    verdict::write(&mut writer, verdict);
}

/// Appends the part of a record that is known before counters are read: it is made while
/// they are on their way.
pub fn encode_facts(facts: &Facts<'_>, out: &mut Vec<u8>) {
    facts::write(&mut Writer::new(out), facts);
}

/// Appends the bytes of a record around the facts that [`encode_facts`] wrote; the hot
/// path's form of [`EventRecord::encode`].
pub fn encode_around(
    parts: &RecordParts<'_>,
    facts: &[u8],
    recall: &Recall,
    verdict: &Verdict<'_>,
    out: &mut Vec<u8>,
) {
    let mut writer = Writer::new(out);
    write_frame(&mut writer, parts);
    writer.bytes(facts);
    verdict::write_recall(&mut writer, recall);
    verdict::write(&mut writer, verdict);
}

fn write_frame(writer: &mut Writer<'_>, parts: &RecordParts<'_>) {
    let mut frame = Numbers::<24>::new();
    frame.u8(VERSION);
    frame.bytes(parts.event_id.0);
    frame.u32(parts.decision_us);
    frame.u32(parts.detect_revision);
    frame.u8(u8::from(parts.destination.is_some()));
    writer.numbers(&frame);
    if let Some(url) = parts.destination {
        writer.text(url);
    }
}

fn read_head<'a>(reader: &mut Reader<'a>) -> Result<RecordParts<'a>, CodecError> {
    let version = reader.u8()?;
    if version == 0 || version > VERSION {
        return Err(CodecError::Version(version));
    }
    let event_id = EventId(reader.array()?);
    let decision_us = reader.u32()?;
    let detect_revision = reader.u32()?;
    let destination = match reader.u8()? {
        0 => None,
        _ => Some(reader.text()?),
    };
    Ok(RecordParts {
        event_id,
        destination,
        detect_revision,
        decision_us,
    })
}

/// The start of a record: what it is sorted and found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The event's id.
    pub event_id: EventId,
    /// Whose.
    pub account: AccountId,
    /// Of which integration.
    pub integration: IntegrationId,
    /// What happened.
    pub event: EventKind,
    /// When it came in.
    pub received: Timestamp,
    /// The event's own time.
    pub time: Timestamp,
}

/// The start of a record, without reading the rest: twenty times faster than all of it.
///
/// # Errors
/// [`CodecError`] when the start is cut, damaged or of a newer version.
pub fn peek_frame(bytes: &[u8]) -> Result<Frame, CodecError> {
    read_frame(&mut Reader::new(bytes))
}

/// The start of a record and the caller's own id of the event, which is empty when not given.
///
/// # Errors
/// As [`peek_frame`].
pub fn peek_external_id(bytes: &[u8]) -> Result<(Frame, &str), CodecError> {
    let mut reader = Reader::new(bytes);
    let frame = read_frame(&mut reader)?;
    Ok((frame, facts::read_external_id(&mut reader)?))
}

fn read_frame(reader: &mut Reader<'_>) -> Result<Frame, CodecError> {
    let head = read_head(reader)?;
    let (account, integration, event, received, time) = facts::read_hit_frame(reader)?;
    Ok(Frame {
        event_id: head.event_id,
        account,
        integration,
        event,
        received,
        time,
    })
}

/// The event id of a record, without reading the rest.
///
/// # Errors
/// [`CodecError`] when the bytes are too short or of a newer version.
pub fn peek_event_id(bytes: &[u8]) -> Result<EventId, CodecError> {
    let mut reader = Reader::new(bytes);
    match reader.u8()? {
        version @ 1..=VERSION => {
            let _ = version;
            Ok(EventId(reader.array()?))
        }
        version => Err(CodecError::Version(version)),
    }
}

#[cfg(test)]
mod tests;
