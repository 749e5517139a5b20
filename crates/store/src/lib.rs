//! Where things are kept: one adapter per backend behind the ports of `assay-model`.
//!
//! `spool` is the write-ahead log of events on every node, `embedded` needs nothing but a
//! folder, `secrets` seals what must not stand in the open on a disk, and `conformance` is the
//! one suite that every backend passes.

pub mod conformance;
pub mod embedded;
pub mod secrets;
pub mod spool;
