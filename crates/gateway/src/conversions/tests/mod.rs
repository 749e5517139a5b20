//! The doors of conversions, asked as senders ask them.

mod doors;
mod log;
mod postback;
mod rejection;
mod waiting;
mod world;
