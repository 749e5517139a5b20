//! Sources and outcomes through the real doors and over the real stores, with a clock that
//! stands still.

mod outcomes;
mod sources;
mod world;
