//! Request heads: what is taken as plain was sent so, and mending ends.
#![no_main]

use assay_gateway::fuzzing::{Head, read_head};
use libfuzzer_sys::fuzz_target;

const HEAD_BYTES: usize = 4096;

fuzz_target!(|bytes: &[u8]| {
    match read_head(bytes, HEAD_BYTES) {
        Head::Plain(plain) => {
            assert!(bytes.starts_with(plain.head) && plain.head.ends_with(b"\n"));
            assert!(plain.head.len() <= HEAD_BYTES);
            assert!(plain.target.starts_with('/'));
        }
        Head::Mended(mended) => {
            let again = read_head(&mended, HEAD_BYTES);
            assert!(!matches!(again, Head::Mended(_)), "{mended:?}");
        }
        Head::Partial | Head::HandOver | Head::Refused(_) => {}
    }
});
