//! Keys of a dictionary as Parquet writes them: runs of one key, and keys packed by their bits.
//!
//! The `RLE_DICTIONARY` encoding of the format: one byte of bit width, then runs. A run begins with
//! a varint: `count << 1` and one key, or `(groups << 1) | 1` and groups of eight packed keys.

/// Equal keys in a row that are worth a run of their own.
const RUN: usize = 32;

/// Bits that keys below `values` take.
fn width(values: usize) -> u32 {
    usize::BITS - values.saturating_sub(1).leading_zeros()
}

/// Encodes `rows` times the same key.
pub fn same(key: i32, rows: usize, values: usize) -> Vec<u8> {
    let mut out = vec![width(values) as u8];
    run(key, rows, width(values), &mut out);
    out
}

/// Encodes keys below `values`.
pub fn keys(keys: &[i32], values: usize) -> Vec<u8> {
    let width = width(values);
    let mut out = Vec::with_capacity(keys.len() * width as usize / 8 + 16);
    out.push(width as u8);
    let (mut from, mut at) = (0, 0);
    while at < keys.len() {
        // Packed keys come in eights, so a run can only begin at an eighth one.
        let alike = keys[at..].iter().take_while(|key| **key == keys[at]);
        let alike = alike.count();
        if alike >= RUN {
            packed(&keys[from..at], width, &mut out);
            run(keys[at], alike, width, &mut out);
            at += alike;
            from = at;
        } else {
            at = (at + 8).min(keys.len());
        }
    }
    packed(&keys[from..], width, &mut out);
    out
}

fn run(key: i32, rows: usize, width: u32, out: &mut Vec<u8>) {
    varint((rows as u64) << 1, out);
    out.extend(&key.to_le_bytes()[..width.div_ceil(8) as usize]);
}

fn packed(keys: &[i32], width: u32, out: &mut Vec<u8>) {
    if keys.is_empty() {
        return;
    }
    varint(((keys.len().div_ceil(8) as u64) << 1) | 1, out);
    for group in keys.chunks(8) {
        let (mut word, mut bits) = (0_u64, 0);
        for at in 0..8 {
            let key = group.get(at).copied().unwrap_or(0);
            word |= u64::from(key.cast_unsigned()) << bits;
            bits += width;
            while bits >= 8 {
                out.push(word as u8);
                word >>= 8;
                bits -= 8;
            }
        }
    }
}

fn varint(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The format's description, word by word.
    fn decode(bytes: &[u8], rows: usize) -> Vec<i32> {
        let width = u32::from(bytes[0]);
        let (mut at, mut out) = (1, Vec::new());
        while out.len() < rows {
            let (mut header, mut shift) = (0_u64, 0);
            loop {
                let byte = bytes[at];
                at += 1;
                header |= u64::from(byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            let count = (header >> 1) as usize;
            if header & 1 == 0 {
                let mut key = [0; 4];
                let len = width.div_ceil(8) as usize;
                key[..len].copy_from_slice(&bytes[at..at + len]);
                at += len;
                out.resize(out.len() + count, i32::from_le_bytes(key));
            } else {
                for n in 0..count * 8 {
                    let bit = |i: usize| i32::from(bytes[at + i / 8] >> (i % 8) & 1);
                    let bits = 0..width as usize;
                    out.push(bits.fold(0, |key, i| key | bit(n * width as usize + i) << i));
                }
                at += count * width as usize;
            }
        }
        assert_eq!(at, bytes.len());
        out.truncate(rows);
        out
    }

    proptest! {
        #[test]
        fn keys_come_back(parts in proptest::collection::vec((0..5000_i32, 1..100_usize), 1..40)) {
            let all: Vec<i32> = parts.iter().flat_map(|(key, n)| vec![*key; *n]).collect();
            let values = parts.iter().map(|(key, _)| *key as usize + 1).max().unwrap();
            prop_assert_eq!(decode(&keys(&all, values), all.len()), all.clone());
            let single: Vec<i32> = parts.iter().map(|(key, _)| *key).collect();
            prop_assert_eq!(decode(&keys(&single, values), single.len()), single);
        }
    }

    #[test]
    fn one_key_takes_a_few_bytes() {
        assert_eq!(same(0, 1000, 1), [0, 0xd0, 0x0f]);
        assert_eq!(decode(&same(3, 70_000, 5), 70_000), vec![3; 70_000]);
    }
}
