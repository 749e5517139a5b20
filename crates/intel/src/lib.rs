//! Intelligence: what is known about addresses, user agents and device ids.
//!
//! In-memory tables and their loaders. Nothing is fetched on a look-up; fetching
//! upstreams is the caller's work (`assay-server`), this crate parses, verifies,
//! builds and swaps.

pub mod device;
pub mod ip;
pub mod lists;
pub mod store;
pub mod ua;
pub mod upstream;
