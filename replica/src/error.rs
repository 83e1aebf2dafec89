//! What stands in the way of a decision: a reason the caller may see, a cause only the log sees.

use gatepost_core::claims::Ended;
use gatepost_proto::{ErrorReason, reason};
use tonic::Status;

/// What this crate answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A refusal or a failure.
#[derive(Debug)]
pub struct Error {
    reason: ErrorReason,
    message: &'static str,
    cause: Option<Cause>,
}

impl Error {
    /// A refusal for `reason`, told in one sentence for the caller.
    pub fn new(reason: ErrorReason, message: &'static str) -> Self {
        Self {
            reason,
            message,
            cause: None,
        }
    }

    /// Adds what went wrong inside, for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Cause>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Why.
    pub fn reason(&self) -> ErrorReason {
        self.reason
    }

    /// Whether nobody could say, which may pass by itself.
    pub fn is_unavailable(&self) -> bool {
        self.reason.grpc_code() == tonic::Code::Unavailable
    }

    /// The sentence for the caller.
    pub fn message(&self) -> &'static str {
        self.message
    }

    /// What went wrong inside, if anything did.
    pub fn into_cause(self) -> Option<Cause> {
        self.cause
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.reason.name(), self.message)?;
        match &self.cause {
            Some(cause) => write!(formatter, " ({cause})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        reason::status(error.reason, error.message, &[])
    }
}

impl From<Ended> for Error {
    fn from(ended: Ended) -> Self {
        let (reason, message) = match ended {
            Ended::OrganizationGone => (
                ErrorReason::OrganizationGone,
                "the organization no longer exists",
            ),
            Ended::OrganizationSuspended => (
                ErrorReason::OrganizationSuspended,
                "the organization is suspended",
            ),
            Ended::UserGone => (ErrorReason::UserGone, "the user no longer exists"),
            Ended::UserSuspended => (ErrorReason::UserSuspended, "the user is suspended"),
            Ended::ApplicationGone => (
                ErrorReason::ApplicationGone,
                "the application no longer exists",
            ),
            Ended::ApplicationSuspended => (
                ErrorReason::ApplicationSuspended,
                "the application is suspended",
            ),
            Ended::CredentialGone => (
                ErrorReason::CredentialRevoked,
                "the client secret was revoked",
            ),
            Ended::SessionEnded => (ErrorReason::SessionEnded, "the session has ended"),
        };
        Self::new(reason, message)
    }
}
