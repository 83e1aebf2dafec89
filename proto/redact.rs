//! Secrets leave messages before anything remembers or prints them.

use std::fmt;

/// Clears what must not be remembered.
pub trait Redact {
    /// Clears every field that the contract marks `debug_redact`, also in nested messages.
    fn redact(&mut self);
}

/// Stands in for a secret in debug output.
pub(crate) struct Redacted;

/// The one value of it.
pub(crate) const REDACTED: Redacted = Redacted;

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::Redact as _;
    use crate::auth::v1::{IssueTokenRequest, IssueTokenResponse};
    use crate::identity::v1::{Application, Owner};
    use crate::identity::v1::{CreateApplicationResponse, CreateOrganizationRequest};

    fn owner() -> Owner {
        Owner {
            username: "ada".into(),
            password: "hunter2".into(),
            ..Owner::default()
        }
    }

    #[test]
    fn clears_secrets_at_every_depth() {
        let mut request = CreateOrganizationRequest {
            owner: Some(owner()),
            ..CreateOrganizationRequest::default()
        };
        request.redact();
        let owner = request.owner.expect("an owner");
        assert_eq!(
            (owner.username.as_str(), owner.password.as_str()),
            ("ada", "")
        );

        let application = Application {
            client_secret: Some("s".into()),
            ..Application::default()
        };
        let mut response = CreateApplicationResponse {
            application: Some(application),
        };
        response.redact();
        assert_eq!(
            response.application.expect("an application").client_secret,
            None
        );
    }

    #[test]
    fn never_prints_secrets() {
        let request = CreateOrganizationRequest {
            owner: Some(owner()),
            ..CreateOrganizationRequest::default()
        };
        let printed = format!("{request:?}");
        assert!(
            printed.contains("ada") && printed.contains("password: [redacted]"),
            "{printed}"
        );
        assert!(!printed.contains("hunter2"), "{printed}");

        let request = IssueTokenRequest {
            password: "hunter2".into(),
            client_secret: "hunter2".into(),
            ..IssueTokenRequest::default()
        };
        let answer = IssueTokenResponse {
            access_token: Some("hunter2".into()),
            refresh_token: Some("hunter2".into()),
            id_token: Some("hunter2".into()),
            ..IssueTokenResponse::default()
        };
        assert!(!format!("{request:?}{answer:#?}").contains("hunter2"));
    }
}
