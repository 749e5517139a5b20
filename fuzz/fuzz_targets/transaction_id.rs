//! Sealed ids: nobody without the key makes one that opens.
#![no_main]

use assay_model::Timestamp;
use assay_model::transaction::{Key, KeyRing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let ring = KeyRing::new(vec![Key {
        id: 1,
        made: Timestamp(0),
        secret: [7; 32],
    }])
    .expect("one key makes a ring");
    assert!(ring.open(text).is_err(), "forged: {text}");
});
