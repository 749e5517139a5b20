//! Ids and hashes that are known to be nobody's.
//!
//! Source: the hashes are computed from the text named beside them; the emulator ids are the ones
//! the Android emulator and its common forks report.

/// Lower-case hashes (MD5, SHA-1, SHA-256) of the zero UUID, of 32 and of 16 zeros.
const OF_ZEROS: &[&str] = &[
    // "00000000-0000-0000-0000-000000000000"
    "9f89c84a559f573636a47ff8daed0d33",
    "b602d594afd2b0b327e07a06f36ca6a7e42546d0",
    "12b9377cbe7e5c94e8a70d9d23929523d14afa954793130f8a3959c7b849aca8",
    // "00000000000000000000000000000000"
    "cd9e459ea708a948d5c2f5a6ca8838cf",
    "91d3d1f86024e49f0e35314258b357a8944068a1",
    "84e0c0eafaa95a34c293f278ac52e45ce537bab5e752a00e6959a13ae103b65a",
    // "0000000000000000"
    "1e4a1b03d1b6cd8a174a826f76e009f4",
    "b02132081808b493c61e86626ee6c2e29326a662",
    "fcdb4b423f4e5283afa249d762ef6aef150e91fccd810d43e5e719d14512dec7",
];

/// Lower-case hashes of the empty text and of `null`.
const OF_NOTHING: &[(&str, &str)] = &[
    ("d41d8cd98f00b204e9800998ecf8427e", "hash_of_empty"),
    ("da39a3ee5e6b4b0d3255bfef95601890afd80709", "hash_of_empty"),
    (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "hash_of_empty",
    ),
    ("37a6259cc0c1dae299a7866489dff0bd", "hash_of_null"),
    ("2be88ca4242c76e8253ac62474851065032d6833", "hash_of_null"),
    (
        "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b",
        "hash_of_null",
    ),
];

/// Ids of emulators: Android 2.2's shared id, the SDK's IMEIs, the ones Genymotion and others start with.
const EMULATORS: &[&str] = &[
    "9774d56d682e549c",
    "e21833235b6eef10",
    "dead00beef",
    "000000000000000",
    "012345678912345",
    "123456789012345",
    "004999010640000",
    "358240051111110",
];

/// Whether the hash is of zeros: tracking is off and the sender hashed it all the same.
pub(super) fn is_hash_of_zeros(id: &str) -> bool {
    OF_ZEROS.iter().any(|hash| hash.eq_ignore_ascii_case(id))
}

/// Rule name when the hash is of no id at all.
pub(super) fn hash_of_nothing(id: &str) -> Option<&'static str> {
    OF_NOTHING
        .iter()
        .find(|(hash, _)| hash.eq_ignore_ascii_case(id))
        .map(|(_, rule)| *rule)
}

/// Whether the id is an emulator's.
pub(super) fn is_emulator(id: &str) -> bool {
    EMULATORS.iter().any(|known| known.eq_ignore_ascii_case(id))
}
