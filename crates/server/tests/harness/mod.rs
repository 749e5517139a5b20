//! A real `assay` process on loopback, and the smallest client that can talk to it.

mod client;
mod process;
mod s2s;

pub use client::{Client, Response};
pub use process::{ADMIN, Server, assay, run, run_with_input, stderr, stdout, wait_until};
pub use s2s::{CURL, Call, IPHONE, encode};
