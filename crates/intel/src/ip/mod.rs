//! Addresses: immutable tables that answer what is known about one.
//!
//! Every source (built in or imported) becomes a [`Source`]; the [`TablesBuilder`]
//! resolves all beliefs once, so that a look-up is two searches in flat arrays.
//!
//! Source: SPEC §3 (order of belief), RFC 6890 (scopes).

mod belief;
mod build;
pub mod builtin;
mod flat;
mod json;
mod kind;
pub mod load;
mod name;
mod source;
mod span;
mod strings;
mod tables;

pub use build::TablesBuilder;
pub use json::lookup_json;
pub use kind::Kind;
pub use source::{Entry, Place, Source, Value};
pub use span::Span;
pub use tables::{IpTables, TableSizes};
