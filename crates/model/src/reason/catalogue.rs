//! The catalogue itself; see the parent module for what the columns mean.
//!
//! Source: SPEC §4 and `facts.md` section 3. Letters other than `CL`, `ERR` and `BN` are ours.

use super::{Class, FpRisk, ReasonInfo, Risk, Test};

macro_rules! catalogue {
    ($($number:literal $name:ident $code:literal $class:ident $risk:ident $fp:ident $applies:literal [$($field:literal)*] $test:expr, $ct:literal $ads:literal $ef:literal $meaning:literal;)*) => {
        /// A stable reason code. The number is what records store; append-only.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Reason {
            $(#[doc = $meaning] $name = $number,)*
        }

        /// Every reason, in stored order.
        pub static CATALOGUE: &[ReasonInfo] = &[
            $(ReasonInfo {
                reason: Reason::$name,
                code: $code,
                class: Class::$class,
                risk: Risk::$risk,
                fp_risk: FpRisk::$fp,
                applies: $applies,
                fields: &[$($field),*],
                test: $test,
                cleartrust: $ct,
                adsecurity: $ads,
                everflow: $ef,
                meaning: $meaning,
            },)*
        ];
    };
}

impl Reason {
    /// Position in [`CATALOGUE`].
    #[must_use]
    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

#[rustfmt::skip]
catalogue! {
    0 Clean "CLEAN" System Clean NotApplicable "ICVE" [] Test::Fact, "CL" "CLEAN" 1021 "No filter found anything.";
    1 Error "ERROR" System Clean NotApplicable "ICVE" ["stage" "cause"] Test::Fact, "ERR" "ERROR" 1021 "The request could not be judged; the cause says why.";
    2 FailOpenTimeout "FAIL_OPEN_TIMEOUT" System Clean NotApplicable "ICVE" ["budget_us" "elapsed_us" "stage"] Test::Fact, "FO" "FAIL_OPEN_TIMEOUT" 1021 "The decision budget ran out, or an input was not ready in time; the integration's on_degraded decided.";
    3 Monitored "MONITORED" System Clean NotApplicable "ICVE" ["rule"] Test::Fact, "MO" "MONITORED" 1021 "Would have been rejected; the rule only monitors.";
    4 Processing "PROCESSING" System Clean NotApplicable "VE" ["due"] Test::Fact, "PR" "PROCESSING" 1021 "Stored; the verdict follows within a minute.";
    5 DatacenterIp "DATACENTER_IP" Givt High Low "ICVE" ["ip" "asn" "operator" "provider" "basis"] Test::Fact, "DC" "DATACENTER_IP" 1021 "The address belongs to a data centre, a cloud or a hosting network, where people do not browse from.";
    6 KnownCrawler "KNOWN_CRAWLER" Givt High VeryLow "ICVE" ["token" "name" "rule" "verified_address"] Test::Fact, "BN" "KNOWN_CRAWLER" 1021 "The user agent declares a crawler, monitor or other robot.";
    7 NonBrowserUa "NON_BROWSER_UA" Givt High VeryLow "ICVE" ["token" "rule" "kind"] Test::Fact, "BN" "NON_BROWSER_UA" 1021 "The user agent is an HTTP library, a scanner's or injection text, or names no browser engine.";
    8 BlankUa "BLANK_UA" Givt Medium Low "ICVE" ["user_agent"] Test::Fact, "BU" "BLANK_UA" 1021 "The user agent is blank.";
    9 Prefetch "PREFETCH" Givt Medium VeryLow "C" ["header"] Test::Fact, "PF" "PREFETCH" 1021 "A browser fetched the link ahead of a person's decision.";
    10 LinkScanner "LINK_SCANNER" Givt Medium VeryLow "C" ["links" "ms" "asn"] Test::Above("links"), "LS" "LINK_SCANNER" 1021 "A mail or chat system opened the link to check it.";
    11 DuplicateClick "DUPLICATE_CLICK" Givt Medium Low "C" ["key" "count"] Test::Above("count"), "DK" "DUPLICATE_CLICK" 21 "The same click came again.";
    12 FastClicker "FAST_CLICKER" Givt Medium Low "IC" ["gap_ms" "key"] Test::Below("gap_ms"), "FC" "FAST_CLICKER" 1021 "Two events of one visitor follow each other faster than a person acts.";
    13 DeclaredAgent "DECLARED_AGENT" Agent Clean NotApplicable "CV" ["agent" "key_id" "signature"] Test::Fact, "DA" "DECLARED_AGENT" 1021 "An agent that proves by signature that it acts for a person.";
    14 TestTraffic "TEST_TRAFFIC" Givt Clean NotApplicable "ICVE" ["flag"] Test::Fact, "TT" "TEST_TRAFFIC" 1021 "A test event; it moves no counter and stays out of reports.";
    15 Vpn "VPN" Sivt Medium High "ICVE" ["ip" "provider" "asn" "operator" "basis" "share"] Test::Fact, "VP" "VPN" 1021 "The address is a VPN exit.";
    16 PublicProxy "PUBLIC_PROXY" Sivt High Medium "ICVE" ["ip" "provider" "basis"] Test::Fact, "PP" "PUBLIC_PROXY" 23 "The address is an open proxy that anybody can use.";
    17 TorExit "TOR_EXIT" Sivt High Low "ICVE" ["ip" "basis"] Test::Fact, "TX" "TOR_EXIT" 23 "The address is a Tor exit.";
    18 ResidentialProxy "RESIDENTIAL_PROXY" Sivt Low High "ICVE" ["ip" "provider" "basis" "share"] Test::Fact, "RP" "RESIDENTIAL_PROXY" 23 "The address is on a list of proxies sold on consumer lines.";
    19 DatacenterProxy "DATACENTER_PROXY" Sivt High Medium "ICVE" ["ip" "asn" "operator" "forwarded_for"] Test::Fact, "DP" "DATACENTER_PROXY" 23 "Proxy headers together with a hosting address.";
    20 IpReputation "IP_REPUTATION" Sivt Medium Medium "ICVE" ["ip" "category" "first_seen" "last_seen"] Test::Fact, "IR" "IP_REPUTATION" 1021 "The address was seen abusing others.";
    21 GeoMismatch "GEO_MISMATCH" Sivt Low Medium "ICVE" ["declared" "observed" "level" "ip"] Test::Fact, "GM" "GEO_MISMATCH" 1021 "The declared place is not where the address is.";
    22 LocaleMismatch "LOCALE_MISMATCH" Sivt Low High "CV" ["ip_zone" "browser_zone" "language"] Test::Fact, "LM" "LOCALE_MISMATCH" 1021 "Time zone or language do not fit the address.";
    23 IpHopping "IP_HOPPING" Sivt Medium Medium "ICVE" ["distinct_ips" "key"] Test::Above("distinct_ips"), "IH" "IP_HOPPING" 1021 "One device comes from too many addresses.";
    24 RelayBenign "RELAY_BENIGN" System Clean NotApplicable "ICVE" ["network" "operator"] Test::Fact, "RB" "RELAY_BENIGN" 1021 "A shared network with real people behind it; it never rejects.";
    25 Automation "AUTOMATION" Sivt High Low "ICVE" ["token" "name" "rule"] Test::Fact, "BN" "AUTOMATION" 1021 "A driven or headless browser.";
    26 Emulator "EMULATOR" Sivt High Low "ICVE" ["token" "rule"] Test::Fact, "BN" "EMULATOR" 1021 "An emulator or simulator, not a device.";
    27 UaSpoofed "UA_SPOOFED" Sivt Medium Medium "ICVE" ["claim" "contradiction" "rule"] Test::Fact, "SU" "UA_SPOOFED" 1021 "The user agent contradicts itself, the client hints, the app or the device id.";
    28 InvalidDeviceId "INVALID_DEVICE_ID" Sivt Medium Low "ICVE" ["field" "value" "rule"] Test::Fact, "ID" "INVALID_DEVICE_ID" 1021 "A device id is of no known form, or is not its click's.";
    29 DuplicateIp "DUPLICATE_IP" Sivt Medium Medium "ICVE" ["key" "level" "count"] Test::Above("count"), "DI" "DUPLICATE_IP" 21 "Too many events from one address at this level.";
    30 DuplicateDevice "DUPLICATE_DEVICE" Sivt Medium Medium "ICVE" ["key" "level" "count"] Test::Above("count"), "DD" "DUPLICATE_DEVICE" 21 "Too many events from one device id at this level.";
    31 DuplicateFingerprint "DUPLICATE_FINGERPRINT" Sivt Medium Medium "ICVE" ["key" "level" "count"] Test::Above("count"), "DF" "DUPLICATE_FINGERPRINT" 21 "Too many events from one browser fingerprint at this level.";
    32 DuplicateUuid "DUPLICATE_UUID" Sivt Medium Medium "ICVE" ["key" "level" "count"] Test::Above("count"), "DU" "DUPLICATE_UUID" 21 "Too many events from one browser id at this level.";
    33 OutdatedDeviceShare "OUTDATED_DEVICE_SHARE" Sivt Medium Medium "C" ["share" "source"] Test::Above("share"), "OD" "OUTDATED_DEVICE_SHARE" 1021 "Too large a share of the source's devices is outdated.";
    34 DeviceAttributeOutlier "DEVICE_ATTRIBUTE_OUTLIER" Sivt Medium Medium "V" ["attribute" "distance" "baseline"] Test::Above("distance"), "AO" "DEVICE_ATTRIBUTE_OUTLIER" 1021 "The source's devices are spread unlike the offer's others.";
    35 NewDeviceRatio "NEW_DEVICE_RATIO" Sivt Medium Medium "V" ["share" "baseline" "kind"] Test::Above("share"), "ND" "NEW_DEVICE_RATIO" 1021 "Too many new or tracking-limited devices.";
    36 ClickFlooding "CLICK_FLOODING" Sivt Medium Medium "IC" ["count" "scope" "key"] Test::Above("count"), "CF" "CLICK_FLOODING" 1021 "More clicks from one source than people make.";
    37 HyperEngagement "HYPER_ENGAGEMENT" Sivt Medium Low "IC" ["count" "key"] Test::Above("count"), "HE" "HYPER_ENGAGEMENT" 1021 "One device engages more than a person does.";
    38 ClickSpam "CLICK_SPAM" Sivt Medium Medium "V" ["share" "ctit_max_s"] Test::Above("share"), "CS" "CLICK_SPAM" 1021 "Too many conversions come long after their click: clicks were sprayed.";
    39 CtitTooShort "CTIT_TOO_SHORT" Sivt Medium Medium "V" ["ctit_s"] Test::Below("ctit_s"), "TS" "CTIT_TOO_SHORT" 1021 "The conversion follows its click faster than a person acts.";
    40 CtitTooLong "CTIT_TOO_LONG" Sivt Medium Medium "V" ["ctit_s"] Test::Above("ctit_s"), "TL" "CTIT_TOO_LONG" 1021 "The conversion comes too long after its click.";
    41 CtitShortShare "CTIT_SHORT_SHARE" Sivt Medium Medium "V" ["share" "bound_s"] Test::Above("share"), "SS" "CTIT_SHORT_SHARE" 1021 "Too many of the source's conversions are too fast.";
    42 CtitLowVariance "CTIT_LOW_VARIANCE" Sivt Medium Low "V" ["sd_s" "expected_sd_s"] Test::Below("sd_s"), "LV" "CTIT_LOW_VARIANCE" 1021 "Click-to-conversion times vary less than people do.";
    43 ClickInjection "CLICK_INJECTION" Sivt High VeryLow "V" ["click_time" "install_begin"] Test::Fact, "CI" "CLICK_INJECTION" 1021 "The click came while the install was already under way.";
    44 OrganicPoaching "ORGANIC_POACHING" Sivt Medium Low "V" ["store_referrer"] Test::Fact, "OP" "ORGANIC_POACHING" 1021 "The store says the install was organic.";
    45 InstallTimeSequence "INSTALL_TIME_SEQUENCE" Sivt High VeryLow "V" ["before" "after" "gap_s"] Test::Fact, "IT" "INSTALL_TIME_SEQUENCE" 1021 "The install's times are in an impossible order.";
    46 StoreValidationFailed "STORE_VALIDATION_FAILED" Sivt High VeryLow "V" ["answer"] Test::Fact, "SV" "STORE_VALIDATION_FAILED" 1021 "The store does not know the install.";
    47 ImageClick "IMAGE_CLICK" Sivt High VeryLow "C" ["destination" "mode"] Test::Fact, "IC" "IMAGE_CLICK" 1021 "The click was loaded as an image or hidden frame: cookie stuffing.";
    48 IpDistribution "IP_DISTRIBUTION" Sivt Medium Medium "V" ["entropy" "share" "baseline"] Test::Above("share"), "DX" "IP_DISTRIBUTION" 1021 "The source's addresses are concentrated unlike the offer's others.";
    49 NightPattern "NIGHT_PATTERN" Sivt Low High "CV" ["share" "baseline"] Test::Above("share"), "NP" "NIGHT_PATTERN" 1021 "Activity at local night hours is out of proportion.";
    50 CrHigh "CR_HIGH" Sivt Medium Medium "CV" ["rate" "clicks" "conversions"] Test::Above("rate"), "CH" "CR_HIGH" 1021 "The source converts more than is plausible.";
    51 CrLow "CR_LOW" Sivt Medium High "CV" ["rate" "clicks" "conversions"] Test::Below("rate"), "CW" "CR_LOW" 1021 "The source converts less than is plausible.";
    52 RejectionRate "REJECTION_RATE" Sivt Medium Medium "C" ["rate" "rejected" "total"] Test::Above("rate"), "RR" "REJECTION_RATE" 1021 "Too many of the source's conversions were rejected.";
    53 SourceBlocked "SOURCE_BLOCKED" Policy Low NotApplicable "CV" ["entry" "author" "note" "expires"] Test::Fact, "SB" "SOURCE_BLOCKED" 14 "The source is on the manual block list.";
    54 SubidInvalid "SUBID_INVALID" Sivt Medium Low "CV" ["value" "rule"] Test::Fact, "SI" "SUBID_INVALID" 101 "The sub id breaks the form that was agreed.";
    55 SubidCardinality "SUBID_CARDINALITY" Sivt Medium Low "CV" ["unique" "value" "invalid_sub_id"] Test::Above("unique"), "SC" "TOO_MANY_UNIQUE_SUB_ID" 101 "More different sub ids than the source can have.";
    56 SignatureInvalid "SIGNATURE_INVALID" Integrity High VeryLow "CV" ["key_id"] Test::Fact, "GI" "SIGNATURE_INVALID" 1021 "The signature does not fit the message.";
    57 SignatureExpired "SIGNATURE_EXPIRED" Integrity High VeryLow "CV" ["key_id" "skew_s"] Test::Fact, "GE" "SIGNATURE_EXPIRED" 1021 "The signature is too old or from the future.";
    58 TokenInvalid "TOKEN_INVALID" Integrity High VeryLow "VE" ["token"] Test::Fact, "TI" "TOKEN_INVALID" 1021 "The postback's token is missing, forged or altered.";
    59 PostbackSource "POSTBACK_SOURCE" Integrity Medium Medium "VE" ["sender" "allowed"] Test::Fact, "PS" "POSTBACK_SOURCE" 1021 "The sender is not on the allow list.";
    60 Replay "REPLAY" Integrity High VeryLow "CVE" ["first_seen" "id"] Test::Fact, "RY" "REPLAY" 1021 "A signed message was sent again.";
    61 DuplicateConversion "DUPLICATE_CONVERSION" Integrity Medium VeryLow "VE" ["first_seen" "id"] Test::Fact, "DV" "DUPLICATE_CONVERSION" 1021 "The conversion was already counted.";
    62 NoClick "NO_CLICK" Integrity Low Low "VE" ["transaction_id"] Test::Fact, "NC" "NO_CLICK" 1021 "The conversion names no known click.";
    63 ClickRejected "CLICK_REJECTED" Integrity Medium Low "VE" ["transaction_id" "click_reason"] Test::Fact, "CR" "CLICK_REJECTED" 1021 "The conversion's click was rejected.";
    64 ClickExpired "CLICK_EXPIRED" Integrity Medium Low "VE" ["transaction_id" "age_s"] Test::Above("age_s"), "CE" "CLICK_EXPIRED" 1021 "The conversion's click is older than the look-back.";
    65 MacroUnreplaced "MACRO_UNREPLACED" Integrity Clean VeryLow "ICVE" ["parameter" "literal"] Test::Fact, "MU" "MACRO_UNREPLACED" 1021 "A macro was left in place; the parameter counts as not given.";
    66 MissingRequired "MISSING_REQUIRED" Integrity Medium VeryLow "ICVE" ["field"] Test::Fact, "MR" "MISSING_REQUIRED" 1021 "A field that the rule requires is missing.";
    67 ValueNotAllowed "VALUE_NOT_ALLOWED" Integrity Medium VeryLow "ICVE" ["field" "value"] Test::Fact, "VN" "VALUE_NOT_ALLOWED" 1021 "A field holds a value that the rule does not allow.";
    68 GeoTarget "GEO_TARGET" Policy Low NotApplicable "ICV" ["country" "region" "city" "wanted"] Test::Fact, "GT" "GEO_TARGET" 9 "The visitor is outside the targeted places.";
    69 DeviceTarget "DEVICE_TARGET" Policy Low NotApplicable "ICV" ["attribute" "value" "wanted"] Test::Fact, "DT" "DEVICE_TARGET" 5 "The device is not one that is wanted.";
    70 LanguageTarget "LANGUAGE_TARGET" Policy Low NotApplicable "ICV" ["language" "wanted"] Test::Fact, "LT" "LANGUAGE_TARGET" 8 "The browser's language is not one that is wanted.";
    71 IspBlocked "ISP_BLOCKED" Policy Low NotApplicable "ICV" ["operator" "asn" "entry" "wanted"] Test::Fact, "IB" "ISP_BLOCKED" 16 "The network operator is not wanted.";
    72 CarrierTarget "CARRIER_TARGET" Policy Low NotApplicable "ICV" ["carrier" "wanted"] Test::Fact, "CT" "CARRIER_TARGET" 19 "The carrier is not one that is wanted.";
    73 IpRange "IP_RANGE" Policy Low NotApplicable "ICV" ["ip" "range"] Test::Fact, "IG" "IP_RANGE" 13 "The address is outside the allowed ranges.";
    74 ConnectionTarget "CONNECTION_TARGET" Policy Low NotApplicable "ICV" ["connection" "wanted"] Test::Fact, "CN" "CONNECTION_TARGET" 18 "The connection type is not one that is wanted.";
    75 CapClick "CAP_CLICK" Policy Low NotApplicable "C" ["count" "period" "of" "scope"] Test::Above("count"), "CK" "CAP_CLICK" 2 "The click cap is reached.";
    76 CapConversion "CAP_CONVERSION" Policy Low NotApplicable "VE" ["count" "period" "of" "scope"] Test::Above("count"), "CV" "CAP_CONVERSION" 2 "The conversion cap is reached.";
    77 OfferExpired "OFFER_EXPIRED" Policy Low NotApplicable "CV" ["ended"] Test::Fact, "OE" "OFFER_EXPIRED" 1 "The offer is over.";
    78 Dayparting "DAYPARTING" Policy Low NotApplicable "CV" ["local_time" "zone"] Test::Fact, "DY" "DAYPARTING" 17 "Outside the hours that are bought.";
    79 KeywordBlocked "KEYWORD_BLOCKED" Policy Low NotApplicable "C" ["keyword" "match"] Test::Fact, "KB" "KEYWORD_BLOCKED" 24 "The keyword is blocked.";
    80 KeywordDuplicate "KEYWORD_DUPLICATE" Policy Low NotApplicable "C" ["keyword" "count"] Test::Above("count"), "KD" "KEYWORD_DUPLICATE" 24 "The keyword came too often.";
    81 ReferrerKeyword "REFERRER_KEYWORD" Policy Low NotApplicable "ICV" ["referer" "match"] Test::Fact, "RK" "REFERRER_KEYWORD" 24 "The referring page's address holds a blocked word.";
    82 ReferrerCategory "REFERRER_CATEGORY" Policy Low NotApplicable "ICV" ["referer" "category" "match"] Test::Fact, "RC" "REFERRER_CATEGORY" 24 "The referring page is of a blocked category.";
    83 ReferrerMissing "REFERRER_MISSING" Policy Low NotApplicable "ICV" ["referer"] Test::Fact, "RM" "REFERRER_MISSING" 24 "No referring page was named.";
    84 Incentivized "INCENTIVIZED" Policy Low NotApplicable "CV" ["source"] Test::Fact, "IN" "INCENTIVIZED" 24 "The visitor is paid to act.";
    85 AlreadyConverted "ALREADY_CONVERTED" Policy Low NotApplicable "CV" ["first"] Test::Fact, "AC" "ALREADY_CONVERTED" 27 "This visitor converted before.";
    86 SampledHoldout "SAMPLED_HOLDOUT" Policy Clean NotApplicable "C" ["share" "would_be"] Test::Fact, "SH" "SAMPLED_HOLDOUT" 1021 "Let through on purpose to measure false positives.";
    87 ThirdPartyRejected "THIRD_PARTY_REJECTED" External Low NotApplicable "VE" ["raw"] Test::Fact, "TP" "THIRD_PARTY_REJECTED" 1021 "Another system rejected it; its words are kept.";
    88 AdvertiserRejected "ADVERTISER_REJECTED" External Low NotApplicable "VE" ["raw"] Test::Fact, "AR" "ADVERTISER_REJECTED" 1021 "The advertiser rejected it.";
    89 Chargeback "CHARGEBACK" External Low NotApplicable "VE" ["raw"] Test::Fact, "CB" "CHARGEBACK" 1021 "The payment was charged back.";
    90 ManualRejected "MANUAL_REJECTED" External Low NotApplicable "CVE" ["actor" "note"] Test::Fact, "MX" "MANUAL_REJECTED" 1021 "A person rejected it.";
    91 ManualApproved "MANUAL_APPROVED" External Clean NotApplicable "CVE" ["actor" "note"] Test::Fact, "MA" "MANUAL_APPROVED" 1021 "A person approved it.";
    92 RetroDetected "RETRO_DETECTED" External Low NotApplicable "CVE" ["original" "date"] Test::Fact, "RD" "RETRO_DETECTED" 1021 "Found by later knowledge; the original reason is kept.";
    93 AppealUpheld "APPEAL_UPHELD" External Low NotApplicable "VE" ["actor" "note"] Test::Fact, "AU" "APPEAL_UPHELD" 1021 "The rejection stands after an appeal.";
    94 AppealReversed "APPEAL_REVERSED" External Clean NotApplicable "VE" ["actor" "note"] Test::Fact, "AV" "APPEAL_REVERSED" 1021 "The rejection was lifted after an appeal.";
    95 UnroutableIp "UNROUTABLE_IP" Givt High VeryLow "ICVE" ["ip" "scope"] Test::Fact, "UR" "UNROUTABLE_IP" 1021 "The address is private, reserved or otherwise not on the public internet.";
    96 XffAnomaly "XFF_ANOMALY" Sivt Low Medium "ICVE" ["rule" "forwarded_for" "ip"] Test::Fact, "XF" "XFF_ANOMALY" 1021 "The forwarding chain contradicts itself or the address.";
    97 ListDenied "LIST_DENIED" Givt High NotApplicable "ICVE" ["field" "value" "entry" "note"] Test::Fact, "LD" "LIST_DENIED" 14 "A value is on one of the account's own deny lists.";
    98 TokenForged "TOKEN_FORGED" Integrity High VeryLow "VE" ["transaction_id"] Test::Fact, "TF" "TOKEN_FORGED" 1021 "The transaction id never was one of ours.";
    99 TokenAltered "TOKEN_ALTERED" Integrity High VeryLow "VE" ["transaction_id"] Test::Fact, "TA" "TOKEN_ALTERED" 1021 "The transaction id was one of ours until somebody changed it.";
    100 TokenForeign "TOKEN_FOREIGN" Integrity High VeryLow "VE" ["transaction_id"] Test::Fact, "TN" "TOKEN_FOREIGN" 1021 "The transaction id is of another account's click.";
    101 SourceReputation "SOURCE_REPUTATION" Sivt Medium Medium "ICVE" ["key" "log_odds" "points" "low" "high" "base_rate" "bad_rate" "as_of"] Test::Fact, "SN" "SOURCE_REPUTATION" 1021 "Outcomes of the same source, device or network were worse than the account's own.";
}
