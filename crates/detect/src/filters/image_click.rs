//! Flags clicks that a page loaded without anybody going anywhere: cookie stuffing.
//!
//! Browsers say what they load a link for, and no script can change that. An image, style
//! or script is no click. A frame is one where a person opened it; without that it is at
//! most medium, since pages inside frames do send people on by script.
//!
//! Reads: `sec_fetch_dest`, `sec_fetch_mode`, `sec_fetch_user`. Emits: `IMAGE_CLICK`, high.

use assay_model::facts::Facts;
use assay_model::hit::{EventKind, Field};
use assay_model::reason::{Reason, Risk};
use assay_model::verdict::{Check, Finding, Missing};

use crate::filter::{Filter, Readings};

/// Destinations of parts of a page. Source: Fetch Metadata Request Headers, `Sec-Fetch-Dest`.
const PARTS: [&str; 9] = [
    "image", "style", "script", "font", "audio", "video", "track", "manifest", "xslt",
];

/// Destinations of pages within a page.
const FRAMES: [&str; 5] = ["iframe", "frame", "fencedframe", "embed", "object"];

pub struct ImageClick;

impl Filter for ImageClick {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        if facts.hit.event != EventKind::Click {
            return Check::Skipped(Missing::EventKind);
        }
        let Some(dest) = facts.hit.get(Field::FetchDest).map(str::trim) else {
            return Check::Skipped(Missing::Values);
        };
        let is_one_of = |names: &[&str]| names.iter().any(|own| dest.eq_ignore_ascii_case(own));
        let by_hand = facts.hit.get(Field::FetchUser).map(str::trim) == Some("?1");
        let most = if is_one_of(&PARTS) {
            Risk::High
        } else if is_one_of(&FRAMES) && !by_hand {
            Risk::Medium
        } else {
            return Check::Clean;
        };
        found.push(
            Finding::new(Reason::ImageClick)
                .with("destination", dest)
                .with_some("mode", facts.hit.get(Field::FetchMode))
                .at_most(most),
        );
        Check::Flagged
    }
}
