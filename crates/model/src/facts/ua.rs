//! Words for what a user agent says about itself.

use serde::{Deserialize, Serialize};

/// What kind of client a user agent string belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum UaKind {
    /// Empty, blank, `-`, `null`, `undefined`…
    Blank = 0,
    /// A browser used by a person.
    Browser = 1,
    /// A browser view inside an app (Facebook, Instagram, WebView).
    InApp = 2,
    /// An app's own network stack (Dalvik, CFNetwork, okhttp): normal for app events, odd for page views.
    NativeApp = 3,
    /// A crawler, monitor, preview fetcher or other declared robot.
    Crawler = 4,
    /// A driven or headless browser.
    Automation = 5,
    /// An HTTP library or command-line client.
    Library = 6,
    /// Injection or scanner text in place of a user agent.
    Scanner = 7,
    /// Has no browser engine and is none of the above.
    NonBrowser = 8,
    /// An emulator's or simulator's user agent.
    Emulator = 9,
}

impl UaKind {
    /// All values, in code order.
    pub const ALL: [Self; 10] = [
        Self::Blank,
        Self::Browser,
        Self::InApp,
        Self::NativeApp,
        Self::Crawler,
        Self::Automation,
        Self::Library,
        Self::Scanner,
        Self::NonBrowser,
        Self::Emulator,
    ];

    /// Stable text used in evidence, reports and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::Browser => "browser",
            Self::InApp => "in_app",
            Self::NativeApp => "native_app",
            Self::Crawler => "crawler",
            Self::Automation => "automation",
            Self::Library => "library",
            Self::Scanner => "scanner",
            Self::NonBrowser => "non_browser",
            Self::Emulator => "emulator",
        }
    }
}

/// The device a user agent names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum DeviceType {
    /// Not said.
    #[default]
    Unknown = 0,
    /// Desktop or laptop.
    Desktop = 1,
    /// Phone.
    Phone = 2,
    /// Tablet.
    Tablet = 3,
    /// Television or set-top box.
    Tv = 4,
    /// Game console.
    Console = 5,
    /// Watch, car, e-reader and the like.
    Other = 6,
}

impl DeviceType {
    /// All values, in code order.
    pub const ALL: [Self; 7] = [
        Self::Unknown,
        Self::Desktop,
        Self::Phone,
        Self::Tablet,
        Self::Tv,
        Self::Console,
        Self::Other,
    ];

    /// Stable text used in evidence, reports and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Desktop => "desktop",
            Self::Phone => "phone",
            Self::Tablet => "tablet",
            Self::Tv => "tv",
            Self::Console => "console",
            Self::Other => "other",
        }
    }
}

/// What in the text decided the kind.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct UaMark {
    /// Name of the rule that matched (`crawler_word`, `no_engine`, `crawler_list`); stable.
    pub rule: Box<str>,
    /// The matched part of the text, at most 64 bytes.
    pub token: Box<str>,
    /// Name of the crawler, tool or library, when the rule knows it.
    pub name: Box<str>,
}

/// Everything a user agent string says about itself.
///
/// Computed once per distinct string and cached, so owned strings are cheap here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UaFacts {
    /// What kind of client it is.
    pub kind: UaKind,
    /// Why, for every kind but a plain browser.
    pub mark: Option<UaMark>,
    /// Browser or client family (`Chrome`, `Mobile Safari`); empty = unknown.
    pub browser: Box<str>,
    /// Browser version as written, major first (`137.0.0.0`); empty = unknown.
    pub browser_version: Box<str>,
    /// Operating system (`Android`, `iOS`, `Windows`, `macOS`, `Linux`, `ChromeOS`…); empty = unknown.
    pub os: Box<str>,
    /// Operating system version as written; empty = unknown.
    pub os_version: Box<str>,
    /// Kind of device.
    pub device_type: DeviceType,
    /// Device model (`SM-A715F`, `iPhone`); empty = unknown.
    pub device_model: Box<str>,
    /// App that hosts the web view (`Facebook`, `Instagram`); empty = none or unknown.
    pub host_app: Box<str>,
    /// Combination that no real client has (`ios_version_missing`, `chrome_build_impossible`); empty = none.
    pub impossible: Box<str>,
    /// The software is so old that almost nobody runs it (`chrome<40`); empty = no.
    pub retired: Box<str>,
    /// See [`UaFacts::ready`].
    ahead: Ahead,
}

/// What is made ahead of a user agent; a copy that may be changed has none.
#[derive(Debug, Default)]
struct Ahead(Option<Made>);

#[derive(Debug)]
struct Made {
    /// Its part of a record.
    stored: Box<[u8]>,
    /// The print of the whole string, for counters.
    print: u64,
}

impl Clone for Ahead {
    fn clone(&self) -> Self {
        Self(None)
    }
}

impl PartialEq for Ahead {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Ahead {}

impl UaFacts {
    /// A string of `kind` about which nothing else is known.
    #[must_use]
    pub fn bare(kind: UaKind) -> Self {
        Self {
            kind,
            mark: None,
            browser: Box::default(),
            browser_version: Box::default(),
            os: Box::default(),
            os_version: Box::default(),
            device_type: DeviceType::Unknown,
            device_model: Box::default(),
            host_app: Box::default(),
            impossible: Box::default(),
            retired: Box::default(),
            ahead: Ahead::default(),
        }
    }

    /// The same with its part of a record and the print of `text`, the string it was read
    /// from, made ahead: a user agent is looked up thousands of times for each time it is
    /// read. Nothing of it may be changed afterwards; a clone may.
    #[must_use]
    pub fn ready(mut self, text: &str) -> Self {
        self.ahead = Ahead(Some(Made {
            stored: crate::record::ua_bytes(&self).into(),
            print: crate::recall::key_hash(text.as_bytes()),
        }));
        self
    }

    /// Its part of a record, if [`Self::ready`] made it.
    pub(crate) fn stored(&self) -> Option<&[u8]> {
        let made = self.ahead.0.as_ref()?;
        debug_assert_eq!(*made.stored, crate::record::ua_bytes(self), "changed since");
        Some(&made.stored)
    }

    /// The print of its string, if [`Self::ready`] made it.
    pub(crate) fn print(&self) -> Option<u64> {
        self.ahead.0.as_ref().map(|made| made.print)
    }

    /// Major version of the browser, if it is a number.
    #[must_use]
    pub fn browser_major(&self) -> Option<u32> {
        self.browser_version.split('.').next()?.parse().ok()
    }
}
