//! The record codec: damaged bytes are refused, read ones are written back the same.
#![no_main]

use assay_model::EventRecord;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(record) = EventRecord::decode(bytes) else {
        return;
    };
    let mut first = Vec::new();
    record.encode(&mut first);
    let mut second = Vec::new();
    EventRecord::decode(&first)
        .expect("what was written can be read")
        .encode(&mut second);
    assert_eq!(first, second);
});
