//! User agents: any text is classified.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = assay_intel::ua::classify(text);
});
