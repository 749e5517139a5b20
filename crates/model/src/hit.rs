//! An event as it was told to us, under our own names.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{AccountId, IntegrationId, Timestamp};

/// What happened.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum EventKind {
    /// A click on an ad or link.
    #[default]
    Click = 0,
    /// An ad was shown.
    Impression = 1,
    /// A page was opened.
    PageView = 2,
    /// An app screen was opened.
    AppView = 3,
    /// The base conversion.
    Conversion = 4,
    /// An event after the conversion.
    PostEvent = 5,
}

impl EventKind {
    /// All values, in code order.
    pub const ALL: [Self; 6] = [
        Self::Click,
        Self::Impression,
        Self::PageView,
        Self::AppView,
        Self::Conversion,
        Self::PostEvent,
    ];

    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Click => "click",
            Self::Impression => "impression",
            Self::PageView => "page_view",
            Self::AppView => "app_view",
            Self::Conversion => "conversion",
            Self::PostEvent => "post_event",
        }
    }

    /// The kind with this text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether a rule's conversion protection covers it; else click protection does.
    #[must_use]
    pub const fn is_conversion(self) -> bool {
        matches!(self, Self::Conversion | Self::PostEvent)
    }
}

macro_rules! fields {
    ($($name:ident = $number:literal $text:literal $(| $alias:literal)*,)*) => {
        /// A named text value of an event. Numbers are what records store; append-only.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Field {
            $(#[doc = concat!("`", $text, "`")] $name = $number,)*
        }

        impl Field {
            /// Every field, in stored order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Stable name, as in the API, reports and macros.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The field with this name or documented alias.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let field = match text { $($text $(| $alias)* => Some(Self::$name),)* _ => None };
                field.filter(|field| !field.is_ours())
            }
        }
    };
}

fields! {
    Xff = 0 "xff" | "x_forwarded_for",
    UserAgent = 1 "user_agent",
    Referer = 2 "referer" | "referrer",
    Languages = 3 "languages" | "browser_languages",
    Advertiser = 4 "advertiser",
    Offer = 5 "offer",
    Publisher = 6 "publisher",
    SubId = 7 "sub_id" | "sub_id_1",
    SubId2 = 8 "sub_id_2" | "sub_id2",
    SubId3 = 9 "sub_id_3" | "sub_id3",
    SubId4 = 10 "sub_id_4" | "sub_id4",
    SubId5 = 11 "sub_id_5" | "sub_id5",
    SubId6 = 12 "sub_id_6" | "sub_id6",
    SourceId = 13 "source_id",
    ExternalTransactionId = 14 "external_transaction_id",
    TransactionId = 15 "transaction_id",
    BundleId = 16 "bundle_id",
    AppVersion = 17 "app_version",
    DeviceId = 18 "device_id",
    Gaid = 19 "gaid",
    Idfa = 20 "idfa",
    DeviceModel = 21 "device_model",
    Os = 22 "os",
    OsVersion = 23 "os_version",
    Browser = 24 "browser",
    BrowserVersion = 25 "browser_version",
    Carrier = 26 "carrier",
    Connection = 27 "connection",
    GeoCountry = 28 "geo_country",
    GeoCity = 29 "geo_city",
    Keyword = 30 "keyword",
    Payout = 31 "payout",
    Revenue = 32 "revenue",
    Currency = 33 "currency",
    OrderId = 34 "order_id",
    Fingerprint = 35 "fingerprint",
    Uuid = 36 "uuid",
    ChUa = 37 "sec_ch_ua",
    ChPlatform = 38 "sec_ch_ua_platform",
    ChMobile = 39 "sec_ch_ua_mobile",
    ChModel = 40 "sec_ch_ua_model",
    ChPlatformVersion = 41 "sec_ch_ua_platform_version",
    ChFullVersionList = 42 "sec_ch_ua_full_version_list",
    Signals = 43 "signals",
    ClickTime = 44 "click_time",
    ClickIp = 45 "click_ip",
    Outcome = 46 "outcome",
    BeginInstallTime = 47 "begin_install_time",
    FinishInstallTime = 48 "finish_install_time",
    LandingPageTime = 49 "landing_page_time",
    EventName = 50 "event_name",
    Url = 51 "url",
    ThirdPartyRejectedReason = 52 "third_party_rejected_reason",
    ThirdPartyStatus = 53 "third_party_status",
    SessionTime = 54 "session_time",
    SignatureState = 55 "signature_state",
    AgentState = 56 "agent_state",
    SecPurpose = 57 "sec_purpose",
    FetchDest = 58 "sec_fetch_dest",
    FetchMode = 59 "sec_fetch_mode",
    FetchUser = 60 "sec_fetch_user",
}

/// Our name for one of the older product's (V1), in traffic and in macros.
///
/// Source: facts.md 1.A.8, 1.A.9.
#[must_use]
pub fn name_of_v1(text: &str) -> Option<&'static str> {
    Some(match text {
        "fs_aff_source" => "publisher",
        "fs_p_id" => "advertiser",
        "fs_product_id" => "offer",
        "fs_sub_id" => "sub_id",
        "fs_device_id" => "device_id",
        "fs_transaction_id" => "external_transaction_id",
        "fs_server_ip" => "conversion_ip",
        "http_remote_address" => "click_ip",
        "http_user_agent" => "user_agent",
        "http_click_referer" | "click_referer" => "referer",
        "request_time" => "conversion_time",
        "session_time_in_seconds" => "session_time",
        _ => return None,
    })
}

impl Field {
    /// Whether only we say it: what was seen of a signature, and by whom. Traffic cannot
    /// set it, whatever it calls its parameters.
    #[must_use]
    pub const fn is_ours(self) -> bool {
        matches!(self, Self::SignatureState | Self::AgentState)
    }
}

/// Number of [`Field`]s.
pub const FIELD_COUNT: usize = Field::ALL.len();

/// An event under our own names; texts borrow from the request or the record.
///
/// Absent = unknown: a field that was not given, or held an unreplaced macro, is `None`.
#[derive(Clone, Debug)]
pub struct Hit<'a> {
    /// Tenant.
    pub account: AccountId,
    /// Where the event came in.
    pub integration: IntegrationId,
    /// What happened.
    pub event: EventKind,
    /// When it came in.
    pub received: Timestamp,
    /// When it happened, as told; `received` when nobody said.
    pub time: Timestamp,
    /// The visitor's address.
    pub ip: Option<IpAddr>,
    /// Texts in the order they were set; a field finds its own by `places`. An array of
    /// texts would be 832 bytes that every stage copies.
    texts: Vec<&'a str>,
    /// Per field: place in `texts` plus one; 0 = not given.
    places: [u8; FIELD_COUNT],
    /// A bit per field that is given, so that nobody asks all of them.
    mask: u64,
    /// Parameters that are none of ours, kept as they came (at most 32).
    pub extras: Vec<(&'a str, &'a str)>,
    /// Parameters left at their macro, with the literal that stood there.
    pub unreplaced: Vec<(&'a str, &'a str)>,
}

impl PartialEq for Hit<'_> {
    /// Equal when they say the same, in whatever order it was said.
    fn eq(&self, other: &Self) -> bool {
        let frame = |hit: &Self| {
            (
                hit.account,
                hit.integration,
                hit.event,
                hit.received,
                hit.time,
                hit.ip,
            )
        };
        frame(self) == frame(other)
            && self.given().eq(other.given())
            && self.extras == other.extras
            && self.unreplaced == other.unreplaced
    }
}

impl<'a> Hit<'a> {
    /// An event of which only the frame is known.
    #[must_use]
    pub fn new(
        account: AccountId,
        integration: IntegrationId,
        event: EventKind,
        received: Timestamp,
    ) -> Self {
        Self {
            account,
            integration,
            event,
            received,
            time: received,
            ip: None,
            texts: Vec::with_capacity(16),
            places: [0; FIELD_COUNT],
            mask: 0,
            extras: Vec::new(),
            unreplaced: Vec::new(),
        }
    }

    /// The text of a field; `None` = not given.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<&'a str> {
        let place = usize::from(self.places[field as usize]);
        self.texts.get(place.wrapping_sub(1)).copied()
    }

    /// Sets a field.
    pub fn set(&mut self, field: Field, text: Option<&'a str>) {
        let Some(text) = text else {
            self.places[field as usize] = 0;
            self.mask &= !(1 << field as u8);
            return;
        };
        self.mask |= 1 << field as u8;
        match self
            .texts
            .get_mut(usize::from(self.places[field as usize]).wrapping_sub(1))
        {
            Some(own) => *own = text,
            // A field that was taken away and set again leaves a hole; places stay small
            // all the same, since nothing does that more than once an event.
            None => {
                self.texts.push(text);
                self.places[field as usize] = u8::try_from(self.texts.len()).unwrap_or(0);
            }
        }
    }

    /// The fields that are given, in stored order.
    pub fn given(&self) -> impl Iterator<Item = (Field, &'a str)> + '_ {
        let mut left = self.mask;
        std::iter::from_fn(move || {
            let field = *Field::ALL.get(left.trailing_zeros() as usize)?;
            left &= left - 1;
            self.get(field).map(|text| (field, text))
        })
    }

    /// A bit per field that is given, at the field's number.
    #[must_use]
    pub const fn given_mask(&self) -> u64 {
        self.mask
    }

    /// Whether the event comes from an app: app views, or a bundle id without a page.
    #[must_use]
    pub fn is_app(&self) -> bool {
        self.event == EventKind::AppView
            || (self.get(Field::BundleId).is_some() && self.get(Field::Referer).is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_numbers_are_their_places() {
        for (at, field) in Field::ALL.iter().enumerate() {
            assert_eq!(*field as usize, at);
            let told = Some(*field).filter(|field| !field.is_ours());
            assert_eq!(Field::parse(field.as_str()), told);
        }
        const { assert!(FIELD_COUNT <= 64, "records store a 64-bit mask") };
    }

    #[test]
    fn both_spellings_of_the_sub_ids_are_read() {
        assert_eq!(Field::parse("sub_id2"), Some(Field::SubId2));
        assert_eq!(Field::parse("sub_id_2"), Some(Field::SubId2));
        assert_eq!(Field::parse("SUB_ID"), None);
    }
}
