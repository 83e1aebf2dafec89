//! What each error reason means on the wire: its gRPC code, its HTTP status, its title.

use std::collections::HashMap;

use http::StatusCode;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, ErrorInfo, StatusExt as _};

use crate::ErrorReason;

/// The domain of our `google.rpc.ErrorInfo`.
pub const DOMAIN: &str = "gatepost";

/// Of a body that nobody here reads.
const UNSUPPORTED_TYPE: StatusCode = StatusCode::UNSUPPORTED_MEDIA_TYPE;
/// Of what went wrong inside.
const INTERNAL: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;

impl ErrorReason {
    /// The gRPC code.
    pub fn grpc_code(self) -> Code {
        self.meaning().0
    }

    /// The HTTP status.
    pub fn http_status(self) -> StatusCode {
        self.meaning().1
    }

    /// The name without its prefix, as it travels: `INVALID_REQUEST`.
    pub fn name(self) -> &'static str {
        let name = self.as_str_name();
        name.strip_prefix("ERROR_REASON_").unwrap_or(name)
    }

    /// The reason with this name, as [`ErrorReason::name`] writes it.
    pub fn parse(name: &str) -> Option<Self> {
        Self::from_str_name(&format!("ERROR_REASON_{name}"))
    }

    /// The reason that a status of ours carries.
    pub fn of(status: &Status) -> Option<Self> {
        Self::parse(&info(status)?.reason)
    }

    /// The gRPC code and the HTTP status.
    fn meaning(self) -> (Code, StatusCode) {
        match self {
            Self::InvalidRequest
            | Self::MalformedBody
            | Self::GrantTypeUnsupported
            | Self::GrantIncomplete
            | Self::PasswordRefused
            | Self::ManifestInvalid
            | Self::GrantTypeRefused
            | Self::ResourceRefused
            | Self::TokenNotRevocable => (Code::InvalidArgument, StatusCode::BAD_REQUEST),
            Self::BodyTooLarge => (Code::OutOfRange, StatusCode::PAYLOAD_TOO_LARGE),
            Self::MethodNotAllowed => (Code::Unimplemented, StatusCode::METHOD_NOT_ALLOWED),
            Self::MediaTypeUnsupported => (Code::InvalidArgument, UNSUPPORTED_TYPE),
            Self::TokenMissing
            | Self::TokenInvalid
            | Self::TokenExpired
            | Self::SessionEnded
            | Self::UserGone
            | Self::UserSuspended
            | Self::ApplicationGone
            | Self::ApplicationSuspended
            | Self::CredentialRevoked
            | Self::OrganizationGone
            | Self::OrganizationSuspended
            | Self::CredentialsInvalid
            | Self::ClientInvalid
            | Self::CodeInvalid
            | Self::RefreshTokenInvalid
            | Self::MfaTokenInvalid
            | Self::MfaCodeInvalid
            | Self::PasskeyInvalid
            | Self::ResetTokenInvalid => (Code::Unauthenticated, StatusCode::UNAUTHORIZED),
            Self::PermissionMissing
            | Self::EscalationRefused
            | Self::SubjectForeign
            | Self::NotOneself
            | Self::SingleTenant
            | Self::ManifestOwned
            | Self::StrongerSignInNeeded
            | Self::PasswordSignInOff
            | Self::SwitchedOff => (Code::PermissionDenied, StatusCode::FORBIDDEN),
            Self::RouteUnknown | Self::NotFound | Self::SubjectUnknown => {
                (Code::NotFound, StatusCode::NOT_FOUND)
            }
            Self::NameTaken => (Code::AlreadyExists, StatusCode::CONFLICT),
            Self::GroupCycle
            | Self::GroupTooDeep
            | Self::GroupNotEmpty
            | Self::RoleInUse
            | Self::IdempotencyKeyReused
            | Self::LimitReached
            | Self::ProviderMissing
            | Self::FactorUnavailable
            | Self::PasskeysUnavailable
            | Self::FactorRequired => (Code::FailedPrecondition, StatusCode::CONFLICT),
            Self::NotServed => (Code::FailedPrecondition, StatusCode::MISDIRECTED_REQUEST),
            Self::TooManyAttempts | Self::Overloaded => {
                (Code::ResourceExhausted, StatusCode::TOO_MANY_REQUESTS)
            }
            Self::Stale
            | Self::RevisionAhead
            | Self::StoreUnavailable
            | Self::DecisionUnavailable
            | Self::DeliveryFailed => (Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
            Self::DeadlineExceeded => (Code::DeadlineExceeded, StatusCode::GATEWAY_TIMEOUT),
            Self::Unspecified | Self::Internal => (Code::Internal, INTERNAL),
        }
    }

    /// A short summary, the same for every occurrence.
    pub fn title(self) -> &'static str {
        match self {
            Self::Unspecified | Self::Internal => "Internal error",
            Self::InvalidRequest => "Invalid request",
            Self::MalformedBody => "Malformed body",
            Self::BodyTooLarge => "Body too large",
            Self::GrantTypeUnsupported => "Grant type not supported",
            Self::GrantIncomplete => "Grant incomplete",
            Self::GrantTypeRefused => "Grant type refused",
            Self::ResourceRefused => "Resource refused",
            Self::CodeInvalid => "Authorization code invalid",
            Self::PasswordRefused => "Password refused",
            Self::ManifestInvalid => "Invalid manifest",
            Self::RouteUnknown => "No such route",
            Self::MethodNotAllowed => "Method not allowed",
            Self::MediaTypeUnsupported => "Media type not supported",
            Self::TokenMissing => "Token missing",
            Self::TokenInvalid => "Token invalid",
            Self::TokenExpired => "Token expired",
            Self::SessionEnded => "Session ended",
            Self::UserGone => "User gone",
            Self::UserSuspended => "User suspended",
            Self::ApplicationGone => "Application gone",
            Self::ApplicationSuspended => "Application suspended",
            Self::CredentialRevoked => "Credential revoked",
            Self::OrganizationGone => "Organization gone",
            Self::OrganizationSuspended => "Organization suspended",
            Self::CredentialsInvalid => "Wrong username or password",
            // The title that clients of Lerian's Access Manager know.
            Self::ClientInvalid => "Invalid Client",
            Self::RefreshTokenInvalid => "Refresh token invalid",
            Self::MfaTokenInvalid => "Challenge over",
            Self::MfaCodeInvalid => "Wrong code",
            Self::PasskeyInvalid => "Passkey refused",
            Self::PasskeysUnavailable => "No passkeys here",
            Self::StrongerSignInNeeded => "Stronger sign-in needed",
            Self::FactorUnavailable => "Factor unavailable",
            Self::FactorRequired => "Factor required",
            Self::TokenNotRevocable => "Token not revocable",
            Self::PermissionMissing => "Permission missing",
            Self::EscalationRefused => "Escalation refused",
            Self::SubjectForeign => "Foreign subject",
            Self::NotOneself => "Only for oneself",
            Self::SingleTenant => "Single tenant",
            Self::ManifestOwned => "Owned by a manifest",
            Self::NotServed => "Not served here",
            Self::NotFound => "Not found",
            Self::SubjectUnknown => "Unknown subject",
            Self::NameTaken => "Name taken",
            Self::GroupCycle => "Group cycle",
            Self::GroupTooDeep => "Groups nested too deeply",
            Self::GroupNotEmpty => "Group not empty",
            Self::RoleInUse => "Role in use",
            Self::IdempotencyKeyReused => "Idempotency key reused",
            Self::LimitReached => "Limit reached",
            Self::TooManyAttempts => "Too many attempts",
            Self::Overloaded => "Overloaded",
            Self::Stale => "Not fresh enough",
            Self::RevisionAhead => "Revision not known yet",
            Self::StoreUnavailable => "Store unavailable",
            Self::DeadlineExceeded => "Deadline exceeded",
            Self::DecisionUnavailable => "No decision",
            Self::ResetTokenInvalid => "Link invalid",
            Self::PasswordSignInOff => "No sign-in with a password",
            Self::SwitchedOff => "Switched off",
            Self::ProviderMissing => "No provider",
            Self::DeliveryFailed => "Message not delivered",
        }
    }
}

/// A status with this reason. `detail` is for the caller's eyes; `metadata` as the reason's
/// comment in the contract names it, and `at` (`missing`, `unknown`, `path`, `query`) for
/// `INVALID_REQUEST`.
pub fn status(reason: ErrorReason, detail: impl Into<String>, metadata: &[(&str, &str)]) -> Status {
    status_with_fields(reason, detail, metadata, [])
}

/// A status with this reason that also tells of each field at fault, with what is wrong with it.
pub fn status_with_fields<'a>(
    reason: ErrorReason,
    detail: impl Into<String>,
    metadata: &[(&str, &str)],
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Status {
    let pairs = metadata
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let pairs: HashMap<_, _> = pairs.collect();
    let mut details = ErrorDetails::with_error_info(reason.name(), DOMAIN, pairs);
    for (field, message) in fields {
        details.add_bad_request_violation(field, message);
    }
    Status::with_error_details(reason.grpc_code(), detail, details)
}

/// The `google.rpc.ErrorInfo` of a status, when it is ours.
pub fn info(status: &Status) -> Option<ErrorInfo> {
    status
        .get_details_error_info()
        .filter(|info| info.domain == DOMAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_survives_the_wire() {
        for number in 0..200 {
            let Ok(reason) = ErrorReason::try_from(number) else {
                continue;
            };
            assert_eq!(ErrorReason::parse(reason.name()), Some(reason));
            let sent = status(reason, "because", &[("field", "a")]);
            assert_eq!(ErrorReason::of(&sent), Some(reason));
            assert_eq!(sent.code(), reason.grpc_code());
            assert!(!reason.title().is_empty());
            assert!(reason.http_status().as_u16() >= 400);
        }
    }

    #[test]
    fn a_status_of_others_has_no_reason() {
        assert_eq!(ErrorReason::of(&Status::internal("x")), None);
    }
}
