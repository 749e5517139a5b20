//! Within what a duplicate is a duplicate.

use assay_model::recall::Level;
use serde::Deserialize;

/// `detection_level` of a filter's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DetectionLevel {
    Offer,
    Publisher,
    OfferPublisher,
    SubId,
}

impl DetectionLevel {
    pub const fn level(self) -> Level {
        match self {
            Self::Offer => Level::Offer,
            Self::Publisher => Level::Publisher,
            Self::OfferPublisher => Level::OfferPublisher,
            Self::SubId => Level::SubId,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Publisher => "publisher",
            Self::OfferPublisher => "offer_publisher",
            Self::SubId => "sub_id",
        }
    }
}
