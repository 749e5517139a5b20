//! Who is calling: API tokens, people and their sessions, and the first start.

pub mod bearer;
mod bootstrap;
mod csrf;
mod page;
mod password;
mod sessions;
mod setup;
mod setup_page;
mod throttle;

#[cfg(test)]
mod tests;

pub use bootstrap::{
    Bootstrapped, NewUser, bootstrap, create_account, create_user, ensure_default_rule,
};
pub use csrf::{same_origin, token_matches};
pub use page::{check_form, routes, session_of, session_peeked};
pub use password::PasswordCost;
pub use sessions::{Session, Sessions};
pub use setup::{Setup, one_time_setup_link};
pub use throttle::Throttle;
