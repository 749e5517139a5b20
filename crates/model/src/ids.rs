//! Ids: accounts, integrations, and the 80-bit event id.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base32;
use crate::time::Timestamp;

/// A tenant; ClearTrust's parent business id `b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub u32);

/// One connected traffic source; ClearTrust's business id `s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IntegrationId(pub u32);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for IntegrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An event's id: 48 bits of milliseconds, 8 of node, 6 of lane, 18 of sequence.
///
/// Ordered by time; written as sixteen characters of lower-case base32.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(pub [u8; 10]);

impl EventId {
    /// Puts an id together; each part is cut to its width.
    #[must_use]
    pub fn new(at: Timestamp, node: u8, lane: u8, sequence: u32) -> Self {
        let ms = u128::from(at.0.max(0) as u64 & 0xffff_ffff_ffff);
        let bits = (ms << 32)
            | (u128::from(node) << 24)
            | (u128::from(lane & 0x3f) << 18)
            | u128::from(sequence & 0x3_ffff);
        let mut id = [0; 10];
        id.copy_from_slice(&bits.to_be_bytes()[6..]);
        Self(id)
    }

    /// When the event was taken in.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        let mut ms = [0; 8];
        ms[2..].copy_from_slice(&self.0[..6]);
        Timestamp(i64::from_be_bytes(ms))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(16);
        base32::encode_into(&self.0, &mut text);
        f.write_str(&text)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
}

impl FromStr for EventId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        base32::decode(text)
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or("an event id is sixteen characters of a-z and 2-7")
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Hands out the event ids of one lane.
///
/// Never below the last one it was told of, so a clock step cannot repeat an id.
#[derive(Debug)]
pub struct EventIds {
    node: u8,
    lane: u8,
    last_ms: i64,
    sequence: u32,
}

impl EventIds {
    /// Starts a lane's sequence after `last`, the newest id found in its spool.
    #[must_use]
    pub fn after(node: u8, lane: u8, last: Option<EventId>) -> Self {
        Self {
            node,
            lane,
            last_ms: last.map_or(0, |id| id.at().0 + 1),
            sequence: 0,
        }
    }

    /// The next id, at `now` or just after the last one handed out.
    pub fn next(&mut self, now: Timestamp) -> EventId {
        if now.0 > self.last_ms {
            self.last_ms = now.0;
            self.sequence = 0;
        } else if self.sequence == 0x3_ffff {
            self.last_ms += 1;
            self.sequence = 0;
        } else {
            self.sequence += 1;
        }
        EventId::new(Timestamp(self.last_ms), self.node, self.lane, self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_sixteen_characters_and_reads_back() {
        let id = EventId::new(Timestamp(1_763_826_000_123), 3, 5, 77);
        let text = id.to_string();
        assert_eq!(text.len(), 16);
        assert_eq!(text.to_uppercase().parse::<EventId>().unwrap(), id);
        assert_eq!(id.at(), Timestamp(1_763_826_000_123));
    }

    #[test]
    fn a_clock_that_steps_back_never_repeats_an_id() {
        let mut ids = EventIds::after(1, 0, None);
        let mut last = ids.next(Timestamp(5_000));
        for now in [5_000, 4_000, 5_000, 5_001, 3] {
            let id = ids.next(Timestamp(now));
            assert!(id > last);
            last = id;
        }
        let mut restarted = EventIds::after(1, 0, Some(last));
        assert!(restarted.next(Timestamp(10)) > last);
    }
}
