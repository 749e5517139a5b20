//! Words for what a device id looks like.

use serde::{Deserialize, Serialize};

/// The form of a device id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum DeviceIdForm {
    /// UUID, 8-4-4-4-12: advertising id of either platform.
    Uuid = 1,
    /// Sixteen hex digits: Android id.
    AndroidId = 2,
    /// 32 hex digits: MD5, or a UUID without dashes.
    Md5 = 3,
    /// 40 hex digits: SHA-1 (or an old Apple UDID).
    Sha1 = 4,
    /// 64 hex digits: SHA-256.
    Sha256 = 5,
    /// Fourteen to sixteen digits with a valid check digit: IMEI.
    Imei = 6,
    /// None of these.
    Other = 7,
}

impl DeviceIdForm {
    /// Stable text used in evidence.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::AndroidId => "android_id",
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Imei => "imei",
            Self::Other => "other",
        }
    }
}

/// Whether an id says anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum DeviceIdState {
    /// Not sent, all zeros, or "limit ad tracking": no id; never a reason, never a key.
    #[default]
    Absent = 0,
    /// Well formed.
    Valid = 1,
    /// Sent but no id of any known form, or a hash of nothing.
    Malformed = 2,
    /// A known emulator's or test device's id.
    Emulator = 3,
}

impl DeviceIdState {
    /// Stable text used in evidence.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Valid => "valid",
            Self::Malformed => "malformed",
            Self::Emulator => "emulator",
        }
    }
}

/// What is known of the three device ids an event can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct DeviceFacts {
    /// State of `device_id`.
    pub device_id: DeviceIdState,
    /// Form of `device_id`, when present.
    pub form: Option<DeviceIdForm>,
    /// State of the Google advertising id.
    pub gaid: DeviceIdState,
    /// State of Apple's advertising id.
    pub idfa: DeviceIdState,
    /// Rule that a malformed id broke (`format`, `hash_of_zeros`, `sequential`); empty = none.
    pub broken: &'static str,
}
