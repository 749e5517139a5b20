//! Who may send postbacks and rejections.
//!
//! Source: SPEC §2.5 (refusals) and "Authentication".

use assay_model::reason::Reason;

use super::params::Told;
use crate::doors::DoorRequest;
use crate::mapping::FieldError;
use crate::policy::IntegrationPolicy;

/// A call that is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// HTTP status.
    pub status: u16,
    /// Its reason, where it has one of its own.
    pub reason: Option<Reason>,
    /// What is wrong.
    pub error: FieldError,
}

impl Refused {
    /// A value of the wrong form, or a missing one.
    #[must_use]
    pub const fn value(error: FieldError) -> Self {
        Self {
            status: 422,
            reason: None,
            error,
        }
    }
}

/// Whether the call comes from whom the integration expects.
///
/// # Errors
/// [`Refused`] with 401 or 403.
pub fn admit(
    integration: &IntegrationPolicy,
    told: &Told<'_>,
    request: &DoorRequest<'_>,
) -> Result<(), Refused> {
    let refused = |status, reason, code, field: &str, detail: &str| {
        Err(Refused {
            status,
            reason: Some(reason),
            error: FieldError {
                code,
                field: field.to_owned(),
                detail: detail.to_owned(),
            },
        })
    };
    if !integration.key_fits(told.key.or(request.key)) {
        let detail = "is missing or not this integration's";
        return refused(401, Reason::TokenInvalid, "bad_key", "key", detail);
    }
    let token = integration.settings.conversions.secure_token.as_deref();
    if let Some(own) = token
        && !same(own, told.secure.unwrap_or(""))
    {
        let detail = "is missing or not this integration's token";
        return refused(401, Reason::TokenInvalid, "bad_token", "secure", detail);
    }
    if !integration.admits(request.peer) {
        let detail = "the caller's address is not on the integration's allowed_sources";
        return refused(403, Reason::PostbackSource, "source", "", detail);
    }
    Ok(())
}

/// Compares in constant time for texts of one length.
fn same(own: &str, given: &str) -> bool {
    let differing = own
        .bytes()
        .zip(given.bytes())
        .fold(0u8, |acc, (a, b)| acc | (a ^ b));
    own.len() == given.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn only_the_same_text_is_the_same() {
        assert!(same("s3cret", "s3cret"));
        for given in ["", "s3cre", "s3crett", "S3cret", "s3creT"] {
            assert!(!same("s3cret", given), "{given}");
        }
    }
}
