//! The doors of conversions, asked as senders ask them.

mod postback;
mod rejection;
mod waiting;
mod world;
