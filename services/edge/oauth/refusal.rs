//! What is said when it is no (RFC 6749 §5.2).

use std::borrow::Cow;

use axum::response::Response;
use gatepost_proto::ErrorReason;
use gatepost_proto::reason::info;
use gatepost_store::StoreError;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::json;
use tonic::Status;

use super::said;
use crate::context::Arrival;
use crate::error::Error;
use crate::run::tell;

/// An error code of OAuth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The request is malformed, or misses something.
    InvalidRequest,
    /// The client did not prove itself.
    InvalidClient,
    /// The code or refresh token is not good.
    InvalidGrant,
    /// The client may not use this grant.
    UnauthorizedClient,
    /// The client may not ask for that resource (RFC 8707 §2).
    InvalidTarget,
    /// There is no such grant here.
    UnsupportedGrantType,
    /// Such a token cannot be revoked (RFC 7009 §2.2.1).
    UnsupportedTokenType,
    /// Too much, or not now.
    TemporarilyUnavailable,
    /// Something is wrong inside.
    ServerError,
}

/// A refusal.
#[derive(Debug)]
pub struct Refusal {
    code: Code,
    /// Boxed, so that a success does not carry what a refusal needs.
    error: Box<Error>,
    /// Whether the client tried to prove itself in the header: then it is asked for there.
    by_header: bool,
}

impl Code {
    fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::InvalidTarget => "invalid_target",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
        }
    }

    /// The reason that says the same in `/v1`.
    fn reason(self) -> ErrorReason {
        match self {
            Self::InvalidRequest => ErrorReason::InvalidRequest,
            Self::InvalidClient => ErrorReason::ClientInvalid,
            Self::InvalidGrant => ErrorReason::RefreshTokenInvalid,
            Self::UnauthorizedClient => ErrorReason::GrantTypeRefused,
            Self::InvalidTarget => ErrorReason::ResourceRefused,
            Self::UnsupportedGrantType => ErrorReason::GrantTypeUnsupported,
            Self::UnsupportedTokenType => ErrorReason::TokenNotRevocable,
            Self::TemporarilyUnavailable => ErrorReason::StoreUnavailable,
            Self::ServerError => ErrorReason::Internal,
        }
    }

    fn of(reason: ErrorReason) -> Self {
        match reason.http_status() {
            _ if reason == ErrorReason::RefreshTokenInvalid => Self::InvalidGrant,
            _ if reason == ErrorReason::CodeInvalid => Self::InvalidGrant,
            _ if reason == ErrorReason::GrantTypeRefused => Self::UnauthorizedClient,
            _ if reason == ErrorReason::ResourceRefused => Self::InvalidTarget,
            _ if reason == ErrorReason::GrantTypeUnsupported => Self::UnsupportedGrantType,
            _ if reason == ErrorReason::TokenNotRevocable => Self::UnsupportedTokenType,
            StatusCode::UNAUTHORIZED => Self::InvalidClient,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                Self::TemporarilyUnavailable
            }
            status if status.is_client_error() => Self::InvalidRequest,
            _ => Self::ServerError,
        }
    }

    fn status(self, reason: ErrorReason) -> StatusCode {
        match self {
            Self::InvalidClient => StatusCode::UNAUTHORIZED,
            Self::TemporarilyUnavailable | Self::ServerError => reason.http_status(),
            // A body that is too large, or of another kind, has a status of its own.
            Self::InvalidRequest if reason != ErrorReason::InvalidRequest => reason.http_status(),
            Self::InvalidRequest
            | Self::InvalidGrant
            | Self::InvalidTarget
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType
            | Self::UnsupportedTokenType => StatusCode::BAD_REQUEST,
        }
    }
}

impl Refusal {
    /// A refusal, told in one sentence.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            error: Box::new(Error::new(code.reason(), message)),
            by_header: false,
        }
    }

    /// Says whether the client tried to prove itself in the header.
    #[must_use]
    pub fn by_header(self, by_header: bool) -> Self {
        Self { by_header, ..self }
    }

    /// What the reader of bodies says.
    pub fn of_gateway(status: &Status) -> Self {
        let reason = ErrorReason::of(status).unwrap_or(ErrorReason::MalformedBody);
        Error::new(reason, status.message().to_owned()).into()
    }

    /// Its code and its description.
    pub fn said(&self) -> (&'static str, String) {
        (self.code.name(), plain(self.error.message()))
    }

    /// The error that it is made of.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// Says it, and tells the log.
    pub fn respond(self, face: &'static str, arrival: &Arrival) -> Response {
        let Self {
            code,
            error,
            by_header,
        } = self;
        tell(face, arrival, &error);
        let reason = error.reason();
        let status = Status::from(*error);
        let body = json!({"error": code.name(), "error_description": plain(status.message())});
        let mut response = said(code.status(reason), &body);
        let headers = response.headers_mut();
        if code == Code::InvalidClient && by_header {
            let challenge = HeaderValue::from_static("Basic realm=\"gatepost\", charset=\"UTF-8\"");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if code == Code::TemporarilyUnavailable {
            let wait =
                info(&status).and_then(|info| info.metadata.get("retry_after_seconds").cloned());
            let wait = wait.and_then(|seconds| seconds.parse().ok());
            headers.insert(RETRY_AFTER, wait.unwrap_or(HeaderValue::from_static("1")));
        }
        response
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            code: Code::of(error.reason()),
            error: Box::new(error),
            by_header: false,
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Error::from(error).into()
    }
}

/// Descriptions have no quotes of any kind, and only ASCII (RFC 6749 §5.2).
fn plain(message: &str) -> String {
    let spoken = |character: char| match character {
        '"' | '`' | '\\' => '\'',
        character if character.is_ascii_graphic() || character == ' ' => character,
        _ => '?',
    };
    message.chars().map(spoken).collect()
}
