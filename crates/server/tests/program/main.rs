//! The whole program: the real binary on loopback, asked as its users ask it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test a panic is the failure"
)]

#[path = "../harness/mod.rs"]
mod harness;

mod clicks;
mod commands;
mod config_code;
mod conversions;
mod crash;
mod events;
mod ledger;
mod limits;
mod native;
mod network;
mod people;
mod postbacks;
mod replay;
mod rules;
mod s2s;
mod secrets;
mod storm;
