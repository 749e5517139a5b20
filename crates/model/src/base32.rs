//! Lower-case base32 without padding (RFC 4648 alphabet `a-z2-7`).
//!
//! Networks fold case and strip UUIDs, so every id we hand out is written in an
//! alphabet that survives both.

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Appends the base32 text of `bytes` to `out`.
pub fn encode_into(bytes: &[u8], out: &mut String) {
    let (mut acc, mut bits) = (0u32, 0u32);
    for &byte in bytes {
        acc = (acc << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            push_symbol(out, acc >> bits);
        }
    }
    if bits > 0 {
        push_symbol(out, acc << (5 - bits));
    }
}

fn push_symbol(out: &mut String, value: u32) {
    out.push(char::from(ALPHABET[(value & 31) as usize]));
}

/// Reads base32 text of either case; `None` on a foreign character or non-zero padding bits.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 5 / 8);
    let (mut acc, mut bits) = (0u32, 0u32);
    for c in text.bytes() {
        let value = match c {
            b'a'..=b'z' => c - b'a',
            b'A'..=b'Z' => c - b'A',
            b'2'..=b'7' => c - b'2' + 26,
            _ => return None,
        };
        acc = (acc << 5) | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push(((acc >> bits) & 0xff) as u8);
        }
        acc &= (1 << bits) - 1;
    }
    (acc == 0 && bits < 5).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_rfc_vectors_in_lower_case() {
        for (plain, text) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("fooba", "mzxw6ytb"),
            ("foobar", "mzxw6ytboi"),
        ] {
            let mut out = String::new();
            encode_into(plain.as_bytes(), &mut out);
            assert_eq!(out, text);
            assert_eq!(decode(&text.to_uppercase()).unwrap(), plain.as_bytes());
        }
    }

    #[test]
    fn refuses_foreign_characters_and_loose_bits() {
        assert!(decode("m1").is_none());
        assert!(decode("mz=").is_none());
        assert!(decode("mz").is_none(), "bits after the byte must be zero");
    }
}
