//! The first account: made once, on an empty store.

use assay_model::document::{Account, Role, Rule, Token, TokenScope, User};
use assay_model::ports::{ControlStore, Doc, DocKind, NewDoc, StoreError};
use assay_model::{AccountId, Timestamp};
use serde_json::{Value, json};

use super::password::{self, PasswordCost};
use crate::error::ApiError;
use crate::state::Random;
use crate::tokens::new_token;

/// Who writes what a start makes.
const ACTOR: &str = "bootstrap";

/// What a bootstrap made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bootstrapped {
    /// The account.
    pub account: AccountId,
    /// Its owner token's id.
    pub token_id: u64,
}

/// Makes account, default rule and owner token (every scope) on an empty store.
///
/// Shape: `None` when there is an account already; then nothing is done. A start that was
/// cut between the steps is finished by the next one.
///
/// # Errors
/// [`StoreError`]; [`StoreError::Invalid`] when the token has fewer than 32 characters.
pub async fn bootstrap(
    control: &dyn ControlStore,
    token: &str,
    now: Timestamp,
) -> Result<Option<Bootstrapped>, StoreError> {
    if !is_first_start(control).await? {
        return Ok(None);
    }
    if token.chars().count() < 32 {
        return Err(StoreError::Invalid(
            "the bootstrap token needs at least 32 characters".to_owned(),
        ));
    }
    let account = first_account(control, "Main", now).await?;
    let owner = Token {
        name: "Owner".to_owned(),
        scopes: TokenScope::ALL.to_vec(),
        expires: None,
        hint: String::new(),
    };
    let doc = control
        .insert(account, new_token(owner, token), ACTOR, now)
        .await?;
    Ok(Some(Bootstrapped {
        account,
        token_id: doc.id,
    }))
}

/// Whether there is no account yet, or one that a cut start left without anybody in it.
///
/// # Errors
/// [`StoreError`].
pub async fn is_first_start(control: &dyn ControlStore) -> Result<bool, StoreError> {
    match control.accounts().await?.as_slice() {
        [] => Ok(true),
        [only] => is_unfinished(control, *only).await,
        _ => Ok(false),
    }
}

/// The account of a first start, with its default rule.
///
/// # Errors
/// [`StoreError`].
pub async fn first_account(
    control: &dyn ControlStore,
    name: &str,
    now: Timestamp,
) -> Result<AccountId, StoreError> {
    let account = match control.accounts().await?.as_slice() {
        [] => create_account(control, name, now).await?,
        [first, ..] => *first,
    };
    ensure_default_rule(control, account, now).await?;
    Ok(account)
}

/// Whether nobody could ever get in: no person, and no token that ever was.
async fn is_unfinished(control: &dyn ControlStore, account: AccountId) -> Result<bool, StoreError> {
    let tokens = control.list(account, DocKind::Token, 0, 1).await?;
    let users = control.list(account, DocKind::User, 0, 1).await?;
    // A token that was revoked left its versions behind; ids begin at 1.
    let ever = control.versions(account, DocKind::Token, 1).await?;
    Ok(tokens.is_empty() && users.is_empty() && ever.is_empty())
}

/// Makes an account with default settings.
///
/// # Errors
/// [`StoreError`].
pub async fn create_account(
    control: &dyn ControlStore,
    name: &str,
    now: Timestamp,
) -> Result<AccountId, StoreError> {
    let body: Account = serde_json::from_value(json!({"name": name}))
        .map_err(|error| StoreError::Invalid(error.to_string()))?;
    let body = serde_json::to_value(body).unwrap_or(Value::Null);
    Ok(control.create_account(body, ACTOR, now).await?.account)
}

/// Makes the default rule unless it exists.
///
/// # Errors
/// [`StoreError`].
pub async fn ensure_default_rule(
    control: &dyn ControlStore,
    account: AccountId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let rules = control.list(account, DocKind::Rule, 0, 500).await?;
    if rules.iter().any(|doc| doc.body["is_default"] == true) {
        return Ok(());
    }
    let new = NewDoc {
        kind: DocKind::Rule,
        unique: None,
        body: serde_json::to_value(Rule::default_rule()).unwrap_or(Value::Null),
    };
    control.insert(account, new, ACTOR, now).await?;
    Ok(())
}

/// A person to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewUser<'a> {
    /// E-mail address, any case.
    pub email: &'a str,
    /// Name shown in the console; empty = the address.
    pub name: &'a str,
    /// Password, 8 characters or more.
    pub password: &'a str,
    /// What the person may do.
    pub role: Role,
}

impl NewUser<'_> {
    /// Checks address and password before anything is made.
    ///
    /// # Errors
    /// 422 with every problem.
    pub fn check(&self) -> Result<(), ApiError> {
        check_person(&self.email.trim().to_lowercase(), self.password)
    }
}

/// Makes a person who can sign in.
///
/// # Errors
/// 422 when e-mail or password will not do, 409 when the address is taken, 503.
pub async fn create_user(
    control: &dyn ControlStore,
    random: &dyn Random,
    cost: PasswordCost,
    account: AccountId,
    user: NewUser<'_>,
    now: Timestamp,
) -> Result<Doc, ApiError> {
    user.check()?;
    let email = user.email.trim().to_lowercase();
    let name = match user.name.trim() {
        "" => email.as_str(),
        name => name,
    };
    let body = User {
        email: email.clone(),
        name: name.to_owned(),
        role: user.role,
        password_hash: password::hash(cost, random, user.password)?,
    };
    let new = NewDoc {
        kind: DocKind::User,
        unique: Some(email),
        body: serde_json::to_value(body).unwrap_or(Value::Null),
    };
    Ok(control.insert(account, new, ACTOR, now).await?)
}

fn check_person(email: &str, password: &str) -> Result<(), ApiError> {
    let mut problems = Vec::new();
    let mut refuse = |field, detail: String| {
        problems.push(assay_model::document::Problem::new(field, detail));
    };
    let parts = email.split_once('@');
    let valid = matches!(parts, Some((name, host)) if !name.is_empty() && !host.is_empty())
        && email.len() <= 254
        && !email.contains(|c: char| c.is_whitespace() || c.is_control());
    if !valid {
        refuse("email", format!("{email:?} is not an e-mail address"));
    }
    let chars = password.chars().count();
    if chars < password::PASSWORD_CHARS_MIN || password.len() > password::PASSWORD_BYTES_MAX {
        let min = password::PASSWORD_CHARS_MIN;
        refuse(
            "password",
            format!("needs {min} characters or more, has {chars}"),
        );
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(ApiError::invalid(problems))
    }
}
