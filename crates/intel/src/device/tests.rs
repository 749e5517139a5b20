//! Tables of ids and what they are.

use super::*;
use DeviceIdForm as F;
use DeviceIdState as S;

fn device(id: &str) -> (S, Option<F>, &'static str) {
    let facts = facts(Some(id), None, None);
    (facts.device_id, facts.form, facts.broken)
}

#[test]
fn well_formed_ids_are_valid_in_any_case() {
    for (id, form) in [
        ("38400000-8cf0-11bd-b23e-10b96e4ef00d", F::Uuid),
        ("EA7583CD-A667-48BC-B806-42ECB2B48606", F::Uuid),
        ("{ea7583cd-a667-48bc-b806-42ecb2b48606}", F::Uuid),
        (" \"ea7583cd-a667-48bc-b806-42ecb2b48606\" ", F::Uuid),
        ("a1b2c3d4e5f60718", F::AndroidId),
        ("5f4dcc3b5aa765d61d8327deb882cf99", F::Md5),
        ("5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8", F::Sha1),
        (
            "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
            F::Sha256,
        ),
        ("490154203237518", F::Imei),
        ("35693803564380", F::Imei),
    ] {
        assert_eq!(device(id), (S::Valid, Some(form), ""), "{id}");
    }
}

#[test]
fn ids_that_are_switched_off_are_absent_and_no_reason() {
    for id in [
        "",
        " ",
        "-",
        "null",
        "(null)",
        "NULL",
        "undefined",
        "unknown",
        "0",
        "00000000-0000-0000-0000-000000000000",
        "0000000000000000",
        "00000000000000000000000000000000",
        "{gaid}",
        "{device_id}",
        "%%ADVERTISING_ID%%",
        "[idfa]",
        "${IDFA}",
        "__GAID__",
        "9f89c84a559f573636a47ff8daed0d33",
        "B602D594AFD2B0B327E07A06F36CA6A7E42546D0",
        "12b9377cbe7e5c94e8a70d9d23929523d14afa954793130f8a3959c7b849aca8",
    ] {
        assert_eq!(device(id), (S::Absent, None, ""), "{id}");
    }
    assert_eq!(facts(None, None, None), DeviceFacts::default());
}

#[test]
fn broken_ids_name_the_rule() {
    for (id, form, broken) in [
        ("hello", F::Other, "format"),
        ("38400000-8cf0-11bd-b23e-10b96e4ef00", F::Other, "format"),
        ("38400000-8cf0-11bd-b23e-10b96e4ef0zz", F::Other, "format"),
        ("490154203237519", F::Other, "format"),
        ("d41d8cd98f00b204e9800998ecf8427e", F::Md5, "hash_of_empty"),
        (
            "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
            F::Sha1,
            "hash_of_empty",
        ),
        ("37a6259cc0c1dae299a7866489dff0bd", F::Md5, "hash_of_null"),
        (
            "12345678-1234-1234-1234-123456789012",
            F::Uuid,
            "sequential",
        ),
        ("0123456789abcdef", F::AndroidId, "sequential"),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", F::Uuid, "repeated"),
        ("abababababababababababababababab", F::Md5, "repeated"),
    ] {
        assert_eq!(device(id), (S::Malformed, Some(form), broken), "{id}");
    }
}

#[test]
fn emulators_ids_are_known() {
    for id in [
        "9774d56d682e549c",
        "9774D56D682E549C",
        "000000000000000",
        "358240051111110",
    ] {
        assert_eq!(device(id).0, S::Emulator, "{id}");
    }
}

#[test]
fn advertising_ids_have_their_own_forms() {
    let uuid = Some("38400000-8cf0-11bd-b23e-10b96e4ef00d");
    let both = facts(None, uuid, uuid);
    assert_eq!(
        (both.gaid, both.idfa, both.device_id),
        (S::Valid, S::Valid, S::Absent)
    );
    let wrong = facts(None, Some("490154203237518"), Some("a1b2c3d4e5f60718"));
    assert_eq!(
        (wrong.gaid, wrong.idfa, wrong.broken),
        (S::Malformed, S::Malformed, "format")
    );
    let off = facts(
        None,
        Some("00000000-0000-0000-0000-000000000000"),
        Some("null"),
    );
    assert_eq!((off.gaid, off.idfa, off.broken), (S::Absent, S::Absent, ""));
}

#[test]
fn any_text_is_judged_without_a_panic() {
    for id in [
        "é",
        "{",
        "}",
        "{}",
        "%%",
        "__",
        "[",
        "-",
        "--------",
        "😀😀😀😀😀😀😀😀😀",
    ] {
        let _ = device(id);
    }
}
