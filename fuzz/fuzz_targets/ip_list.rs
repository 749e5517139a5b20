//! Address lists: the first byte chooses the kind, the rest is the file.
#![no_main]

use assay_intel::ip::Kind;
use assay_intel::ip::load::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, file)) = bytes.split_first() else {
        return;
    };
    let kind = Kind::ALL[usize::from(*first) % Kind::ALL.len()];
    let _ = parse(kind, "fuzz@1", "fuzz.txt", file);
});
