//! Reads the packed table of networks and countries.
//!
//! In: `data/networks.bin.gz`, written by `scripts/build_networks.py`: sections of
//! columns (gaps, lengths, value planes), because columns pack four times better
//! than rows.

use std::io::Read;

use assay_model::facts::Country;
use flate2::read::GzDecoder;

use super::VERSION;
use crate::ip::{Entry, Kind, Place, Source, Span, Value};

const PACKED: &[u8] = include_bytes!("../../../data/networks.bin.gz");
const MAGIC: &[u8] = b"ASSAYNET1\n";

/// The tables of networks and of countries; none if the packed file is damaged.
pub(super) fn sources() -> Vec<Source> {
    let mut raw = Vec::new();
    if GzDecoder::new(PACKED).read_to_end(&mut raw).is_err() {
        return Vec::new();
    }
    read(&raw).unwrap_or_default()
}

fn read(raw: &[u8]) -> Option<Vec<Source>> {
    let mut at = Columns(raw.strip_prefix(MAGIC)?);
    let _package_versions = at.section()?;
    let mut asn = Source::new(Kind::Asn, VERSION);
    let (mut numbers, names) = (
        Columns(at.section()?),
        std::str::from_utf8(at.section()?).ok()?,
    );
    let mut number = 0;
    for name in names.split('\n') {
        number += numbers.varint()? as u32;
        asn.value(Value {
            asn: Some(number),
            label: name.into(),
            ..Value::default()
        });
    }
    let mut country = Source::new(Kind::Country, VERSION);
    for code in at.section()?.chunks(2) {
        let country_code = Country::parse(std::str::from_utf8(code).ok()?);
        country.value(Value {
            country: country_code,
            ..Value::default()
        });
    }
    for source in [&mut asn, &mut country] {
        at.ranges(|first, last| Span::V4(first as u32, last as u32), source)?;
        at.ranges(Span::V6, source)?;
    }
    Some(vec![asn, country])
}

/// What is left to read.
struct Columns<'a>(&'a [u8]);

impl<'a> Columns<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(bytes)?;
        self.0 = tail;
        Some(head)
    }

    fn section(&mut self) -> Option<&'a [u8]> {
        let size = u32::from_le_bytes(self.take(4)?.try_into().ok()?);
        self.take(size as usize)
    }

    fn varint(&mut self) -> Option<u64> {
        let (mut value, mut shift) = (0u64, 0);
        loop {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
            shift += 7;
        }
    }

    /// 0 for none, 1 + bit for a power of two, 255 and a varint for the rest.
    fn gap(&mut self) -> Option<u64> {
        match self.take(1)?[0] {
            0 => Some(0),
            255 => self.varint(),
            bit => 1u64.checked_shl(u32::from(bit) - 1),
        }
    }

    fn ranges(&mut self, span: impl Fn(u64, u64) -> Span, out: &mut Source) -> Option<()> {
        let count = u32::from_le_bytes(self.section()?.try_into().ok()?) as usize;
        let (mut gaps, mut sizes) = (Columns(self.section()?), Columns(self.section()?));
        let planes = self.section()?;
        let (low, rest) = planes.split_at_checked(count)?;
        let (mid, high) = rest.split_at_checked(count)?;
        out.entries.reserve(count);
        let mut at = 0u64;
        for ((&low, &mid), &high) in low.iter().zip(mid).zip(high) {
            let first = at.checked_add(gaps.gap()?)?;
            let last = first.checked_add(sizes.gap()? - 1)?;
            let value = u32::from_le_bytes([low, mid, high, 0]);
            out.entries.push(Entry {
                place: Place::Span(span(first, last)),
                value,
            });
            at = last.wrapping_add(1);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packed_file_is_whole() {
        let sources = sources();
        let rows: Vec<_> = sources
            .iter()
            .map(|s| (s.kind, s.entries.len() > 400_000))
            .collect();
        assert_eq!(rows, [(Kind::Asn, true), (Kind::Country, true)]);
    }
}
