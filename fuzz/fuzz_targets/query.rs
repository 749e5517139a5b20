//! Query decoding against a decoder that others use.
#![no_main]

use assay_gateway::fuzzing::ParamBuffer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|query: &[u8]| {
    let mut params = ParamBuffer::default();
    assert!(params.decode(query, usize::MAX));
    let ours = params.pairs();
    let theirs = form_urlencoded::parse(query);
    assert!(
        ours.eq(theirs
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect::<Vec<_>>()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())))
    );
});
