//! What a user agent string says about itself.
//!
//! General rules carry the weight, lists only name what rules find: a client is a person's when its
//! string has the shape of a browser and nothing stands where only robots write. Names of devices
//! and apps are known so that their owners stay people.
//!
//! In: one string, as sent. Out: [`UaFacts`](assay_model::facts::UaFacts), pure and the same every time. No IO, no clock.
//! Limits: 4 KiB are read, evidence is cut to 64 bytes.

mod appliance;
mod automation;
mod browser;
mod cache;
mod classify;
mod contact;
mod crawler;
mod emulator;
mod engine;
mod heads;
mod impossible;
mod known;
mod library;
mod list;
mod masks;
mod native;
mod needle;
mod oddity;
mod parse;
mod platform;
mod reasons;
mod releases;
mod retired;
mod scanner;
mod shapes;
mod structure;
mod table;
mod webview;

pub use cache::{UaCache, UaCacheStats};
pub use classify::classify;
pub use reasons::reasons;

#[cfg(test)]
mod tests;
