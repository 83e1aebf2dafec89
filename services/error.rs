//! The one error of the services: a reason a client may see, and a cause only the log sees.

use std::borrow::Cow;

use gatepost_core::group::NestError;
use gatepost_core::name::NameError;
use gatepost_core::{OrganizationId, UserId};
use gatepost_proto::validate::Violations;
use gatepost_proto::{ErrorReason, reason};
use gatepost_store::StoreError;
use tonic::Status;

use crate::seal::SealError;

/// What a handler answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A refusal or a failure.
#[derive(Debug)]
pub struct Error {
    reason: ErrorReason,
    message: Cow<'static, str>,
    metadata: Vec<(&'static str, String)>,
    cause: Option<Cause>,
    /// Boxed like what follows, so that errors stay small.
    violations: Option<Box<Violations>>,
    concerned: Option<Box<Concerned>>,
}

/// Whom a refusal is about, for the audit log. No caller is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concerned {
    /// Where.
    pub organization: OrganizationId,
    /// Whose account it is about, if that is known.
    pub user: Option<UserId>,
}

impl Error {
    /// A refusal for `reason`, told in one sentence for the caller.
    pub fn new(reason: ErrorReason, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason,
            message: message.into(),
            metadata: Vec::new(),
            cause: None,
            violations: None,
            concerned: None,
        }
    }

    /// Says whom it is about, unless that was said before by who knew better.
    #[must_use]
    pub fn concerning(mut self, organization: OrganizationId, user: Option<UserId>) -> Self {
        let concerned = Concerned { organization, user };
        self.concerned.get_or_insert_with(|| Box::new(concerned));
        self
    }

    /// Whom it is about, if that is known.
    pub fn concerned(&self) -> Option<Concerned> {
        self.concerned.as_deref().copied()
    }

    /// Adds one of the metadata keys that the contract documents for the reason.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.metadata.push((key, value.into()));
        self
    }

    /// Adds what went wrong inside, for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Cause>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Something is wrong inside; the caller learns no more than that.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::new(ErrorReason::Internal, "something went wrong inside").because(cause)
    }

    /// There is no such record in the caller's organization.
    pub fn not_found(noun: &'static str) -> Self {
        Self::new(ErrorReason::NotFound, format!("no such {noun}")).with("noun", noun)
    }

    /// A field breaks a rule.
    pub fn invalid(field: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorReason::InvalidRequest, message).with("field", field)
    }

    /// Why.
    pub fn reason(&self) -> ErrorReason {
        self.reason
    }

    /// The sentence for the caller.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// One of the metadata, if it is there.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        let found = self.metadata.iter().find(|(known, _)| *known == key);
        found.map(|(_, value)| value.as_str())
    }

    /// What went wrong inside, if anything did.
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync)> {
        self.cause.as_deref()
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        if let Some(Err(status)) = error.violations.map(|found| found.into_result()) {
            return status;
        }
        let metadata: Vec<(&str, &str)> = error
            .metadata
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        reason::status(error.reason, error.message, &metadata)
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

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { noun } => Self::not_found(noun),
            StoreError::Conflict { noun, field } => {
                let message = format!("another {noun} has this {field}");
                Self::new(ErrorReason::NameTaken, message)
                    .with("noun", noun)
                    .with("field", field)
            }
            StoreError::Unavailable(cause) => Self::new(
                ErrorReason::StoreUnavailable,
                "the database does not answer",
            )
            .because(cause),
            other @ (StoreError::Corrupt { .. }
            | StoreError::SchemaTooNew { .. }
            | StoreError::SchemaTooOld { .. }
            | StoreError::Locked
            | StoreError::Role { .. }
            | StoreError::Setting(_)
            | StoreError::Outside { .. }
            | StoreError::Internal(_)) => Self::internal(other),
        }
    }
}

impl From<Violations> for Error {
    fn from(violations: Violations) -> Self {
        let message = "a field breaks a rule of the contract";
        Self {
            violations: Some(Box::new(violations)),
            ..Self::new(ErrorReason::InvalidRequest, message)
        }
    }
}

impl From<SealError> for Error {
    fn from(error: SealError) -> Self {
        Self::internal(error)
    }
}

impl From<NestError> for Error {
    fn from(error: NestError) -> Self {
        let reason = match error {
            NestError::Cycle => ErrorReason::GroupCycle,
            NestError::TooDeep | NestError::TooManyAbove => ErrorReason::GroupTooDeep,
        };
        Self::new(reason, error.to_string())
    }
}

impl From<NameError> for Error {
    fn from(error: NameError) -> Self {
        Self::new(ErrorReason::InvalidRequest, error.to_string())
    }
}

impl From<gatepost_replica::Error> for Error {
    fn from(error: gatepost_replica::Error) -> Self {
        let plain = Self::new(error.reason(), error.message());
        Self {
            cause: error.into_cause(),
            ..plain
        }
    }
}
