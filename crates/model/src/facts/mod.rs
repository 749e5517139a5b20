//! What is known about an event once intelligence has been looked up.
//!
//! `Facts` is everything a filter may read of the event itself; counters come as
//! [`crate::Recall`]. The whole of it is stored with the event, so a verdict can
//! be recomputed from its record alone.

mod device;
mod ip;
mod ua;

pub use device::{DeviceFacts, DeviceIdForm, DeviceIdState};
pub use ip::{
    AddressScope, Basis, Benign, Country, IpFacts, IpMark, MarkKind, NetworkClass, canonical_ip,
};
pub use ua::{DeviceType, UaFacts, UaKind, UaMark};
