//! The control plane: management API, first start, and the pages.
//!
//! Depends on `model` and `detect` only; everything else comes through the ports of
//! [`assay_model::ports`]. The server builds a [`ConsoleState`] and serves [`router`].

mod accounts;
mod api;
mod app;
mod auth;
mod conversions;
mod documents;
mod edge;
mod error;
mod events;
mod holdout;
mod integrations;
mod intel;
mod lists;
mod network;
mod openapi;
mod pages;
mod postbacks;
mod refusals;
pub mod replay;
mod reports;
mod router;
mod rules;
mod sources;
mod state;
mod tokens;

#[cfg(test)]
mod testing;

pub use auth::{
    Bootstrapped, NewUser, PasswordCost, Setup, bootstrap, create_account, create_user,
    ensure_default_rule, one_time_setup_link,
};
pub use error::ApiError;
pub use openapi::openapi_json;
pub use router::router;
pub use state::{
    ClickIds, ClientIp, ConsoleState, Health, NoRandomness, Random, Readiness, Settings,
    SystemRandom,
};
