//! The error body of the REST face: RFC 9457, with what clients of Lerian's Access Manager read.

use axum::body::Body;
use axum::response::Response;
use gatepost_proto::ErrorReason;
use gatepost_proto::reason::info;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::run::REQUEST_ID;

/// Where reasons are explained.
const TYPE_PREFIX: &str = "urn:gatepost:reason:";

/// What the answer must know of the request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// The path, as sent.
    pub path: &'a str,
    /// Names the request in the log.
    pub request_id: &'a str,
    /// The path's variables as JSON spells them.
    pub variables: &'a [&'a str],
    /// Whether the request's other fields come in the query.
    pub by_query: bool,
    /// The methods that the path is known with, for a 405.
    pub allow: &'a str,
    /// Whether a decision was asked for, of whatever path.
    pub decides: bool,
}

/// A problem document (RFC 9457 §3).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Problem<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    /// Lerian's code where its tables have one, else the reason. Always a string.
    code: String,
    /// As `detail`, for clients that read it here.
    message: &'a str,
    reason: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
}

/// What is wrong with one field.
#[derive(Debug, Serialize)]
struct Field {
    field: String,
    message: String,
}

impl<'a> Problem<'a> {
    fn new(
        reason: ErrorReason,
        status: StatusCode,
        detail: &'a str,
        at: Option<&str>,
        asked: Asked<'a>,
    ) -> Self {
        let is_auth = asked.decides || is_auth(asked.path);
        let kind = reason.name().to_lowercase().replace('_', "-");
        Self {
            r#type: format!("{TYPE_PREFIX}{kind}"),
            title: reason.title(),
            status: status.as_u16(),
            detail,
            instance: asked.path,
            code: code(reason, at, is_auth),
            message: detail,
            reason: reason.name(),
            request_id: asked.request_id,
            field: None,
            fields: Vec::new(),
        }
    }
}

/// The body alone, for a proxy that hands it on to its client.
pub fn body(reason: ErrorReason, status: StatusCode, detail: &str, asked: Asked<'_>) -> Vec<u8> {
    let problem = Problem::new(reason, status, detail, None, asked);
    serde_json::to_vec(&problem).unwrap_or_default()
}

/// The answer to a call that was refused or failed.
pub fn answer(status: &Status, asked: Asked<'_>) -> Response {
    let info = info(status);
    let known = info
        .as_ref()
        .and_then(|info| ErrorReason::parse(&info.reason));
    let reason = known.unwrap_or_else(|| reason_of(status.code()));
    tell(status, reason, asked);
    // A status that is not ours speaks of our insides.
    let ours = known.is_some_and(|reason| reason != ErrorReason::Internal);
    let detail = if ours {
        status.message()
    } else {
        reason.title()
    };
    let metadata = |key: &str| info.as_ref().and_then(|info| info.metadata.get(key));
    let field = metadata("field").map(String::as_str);
    let at = place(metadata("at").map(String::as_str), field, asked);
    let violations = status
        .get_details_bad_request()
        .map(|details| details.field_violations);
    let fields = violations.into_iter().flatten();
    let problem = Problem {
        field,
        fields: fields
            .map(|each| Field {
                field: each.field,
                message: each.description,
            })
            .collect(),
        ..Problem::new(reason, reason.http_status(), detail, at, asked)
    };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = reason.http_status();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    match reason.http_status() {
        StatusCode::UNAUTHORIZED => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::FORBIDDEN if reason == ErrorReason::StrongerSignInNeeded => {
            let acr = metadata("acr").map_or("", String::as_str);
            let age = metadata("max_age_seconds").map(String::as_str);
            if let Ok(challenge) = HeaderValue::try_from(stronger(acr, age)) {
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            if let Ok(allow) = HeaderValue::try_from(asked.allow) {
                headers.insert(ALLOW, allow);
            }
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let seconds = metadata("retry_after_seconds").and_then(|text| text.parse().ok());
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.unwrap_or(1_u32)));
        }
        _ => {}
    }
    response
}

/// Asks for a newer or stronger sign-in (RFC 9470 §3); the age is in seconds.
pub fn stronger(acr: &str, max_age: Option<&str>) -> String {
    let age = max_age.map(|age| format!(", max_age=\"{age}\""));
    format!(
        "Bearer error=\"insufficient_user_authentication\", \
         error_description=\"a newer or stronger sign-in is needed\", acr_values=\"{acr}\"{}",
        age.unwrap_or_default()
    )
}

/// Tells the log of a call that reached no RPC; an RPC has told it already.
fn tell(status: &Status, reason: ErrorReason, asked: Asked<'_>) {
    if status.metadata().contains_key(REQUEST_ID) {
        return;
    }
    tracing::info!(
        request_id = asked.request_id,
        path = asked.path,
        reason = reason.name(),
        "a call was refused"
    );
}

/// The reason that comes nearest to a gRPC code: for what tonic and its layers refuse themselves.
fn reason_of(code: Code) -> ErrorReason {
    match code {
        Code::InvalidArgument => ErrorReason::InvalidRequest,
        Code::Unauthenticated => ErrorReason::TokenInvalid,
        Code::PermissionDenied => ErrorReason::PermissionMissing,
        Code::NotFound => ErrorReason::NotFound,
        // This process does not serve that service.
        Code::Unimplemented => ErrorReason::RouteUnknown,
        Code::AlreadyExists => ErrorReason::NameTaken,
        Code::OutOfRange => ErrorReason::BodyTooLarge,
        Code::ResourceExhausted => ErrorReason::Overloaded,
        Code::Aborted | Code::Unavailable => ErrorReason::StoreUnavailable,
        Code::DeadlineExceeded | Code::Cancelled => ErrorReason::DeadlineExceeded,
        Code::Ok | Code::Unknown | Code::FailedPrecondition | Code::Internal | Code::DataLoss => {
            ErrorReason::Internal
        }
    }
}

/// Where a faulty field came from. The checks behind the gateway do not know; the route does.
fn place<'a>(at: Option<&'a str>, field: Option<&'a str>, asked: Asked<'_>) -> Option<&'a str> {
    match field {
        Some(field) if asked.variables.contains(&field) => Some("path"),
        Some(_) if asked.by_query && at != Some("unknown") => Some("query"),
        _ => at,
    }
}

/// The code that clients of Lerian's Access Manager know, where there is one.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a new reason has no code of Lerian's"
)]
fn code(reason: ErrorReason, at: Option<&str>, is_auth: bool) -> String {
    // Numbers of 1000 and more belong to one service, whatever path they come from.
    let domain = match reason {
        ErrorReason::GrantTypeUnsupported => Some("AUT-0013"),
        ErrorReason::GrantIncomplete => Some("AUT-0014"),
        ErrorReason::CredentialsInvalid => Some("AUT-1002"),
        ErrorReason::ClientInvalid => Some("AUT-1004"),
        ErrorReason::RefreshTokenInvalid => Some("AUT-1005"),
        ErrorReason::MfaTokenInvalid => Some("AUT-1003"),
        ErrorReason::ApplicationSuspended => Some("AUT-1009"),
        ErrorReason::ApplicationGone => Some("AUT-1011"),
        ErrorReason::SubjectUnknown => Some("AUT-1015"),
        ErrorReason::GroupNotEmpty => Some("IDE-1058"),
        _ => None,
    };
    let shared = match (reason, at) {
        (ErrorReason::InvalidRequest, Some("missing")) => Some("0001"),
        (ErrorReason::InvalidRequest, Some("path")) => Some("0002"),
        (ErrorReason::InvalidRequest, Some("unknown")) => Some("0003"),
        (ErrorReason::InvalidRequest, Some("query")) => Some("0004"),
        (ErrorReason::InvalidRequest | ErrorReason::MalformedBody, _) => Some("0009"),
        (ErrorReason::Internal, _) => Some("0005"),
        (ErrorReason::TokenMissing, _) => Some("0006"),
        (ErrorReason::TokenInvalid | ErrorReason::TokenExpired, _) => Some("0007"),
        _ => None,
    };
    let service = if is_auth { "AUT" } else { "IDE" };
    match (domain, shared) {
        (Some(code), _) => code.to_owned(),
        (None, Some(number)) => format!("{service}-{number}"),
        (None, None) => reason.name().to_owned(),
    }
}

/// Whether a path belongs to Lerian's Auth service; the others are Identity's.
fn is_auth(path: &str) -> bool {
    [
        "/v1/login",
        "/v1/logout",
        "/v1/userinfo",
        "/v1/permissions",
        "/v1/authorize",
    ]
    .iter()
    .any(|prefix| {
        let rest = path.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use gatepost_proto::reason::status;

    use super::*;

    #[test]
    fn has_the_codes_that_clients_know() {
        let cases = [
            (ErrorReason::TokenMissing, None, "/v1/authorize", "AUT-0006"),
            (ErrorReason::TokenExpired, None, "/v1/users", "IDE-0007"),
            (
                ErrorReason::InvalidRequest,
                Some("missing"),
                "/v1/users",
                "IDE-0001",
            ),
            (
                ErrorReason::InvalidRequest,
                Some("unknown"),
                "/v1/login/oauth/x",
                "AUT-0003",
            ),
            (ErrorReason::InvalidRequest, None, "/v1/logins", "IDE-0009"),
            (ErrorReason::MalformedBody, None, "/v1/logout", "AUT-0009"),
            (ErrorReason::GroupNotEmpty, None, "/v1/groups/a", "IDE-1058"),
            (ErrorReason::NameTaken, None, "/v1/users", "NAME_TAKEN"),
        ];
        for (reason, at, path, expected) in cases {
            assert_eq!(code(reason, at, is_auth(path)), expected);
        }
    }

    #[test]
    fn finds_where_a_field_came_from() {
        let asked = Asked {
            variables: &["userId"],
            by_query: true,
            ..Asked::default()
        };
        assert_eq!(place(None, Some("userId"), asked), Some("path"));
        assert_eq!(place(None, Some("limit"), asked), Some("query"));
        assert_eq!(
            place(Some("missing"), Some("name"), Asked::default()),
            Some("missing")
        );
        assert_eq!(place(None, None, asked), None);
    }

    #[test]
    fn carries_the_headers_of_its_status() {
        let asked = Asked {
            path: "/v1/users",
            allow: "GET, POST",
            ..Asked::default()
        };
        let header = |reason, metadata: &[(&str, &str)], name| {
            let response = answer(&status(reason, "because", metadata), asked);
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok().map(str::to_owned))
        };
        let none = &[][..];
        let challenge = header(ErrorReason::TokenExpired, none, WWW_AUTHENTICATE);
        assert_eq!(challenge.as_deref(), Some("Bearer"));
        let allow = header(ErrorReason::MethodNotAllowed, none, ALLOW);
        assert_eq!(allow.as_deref(), Some("GET, POST"));
        let after = &[("retry_after_seconds", "30")][..];
        let wait = header(ErrorReason::TooManyAttempts, after, RETRY_AFTER);
        assert_eq!(wait.as_deref(), Some("30"));
        let wait = header(ErrorReason::StoreUnavailable, none, RETRY_AFTER);
        assert_eq!(wait.as_deref(), Some("1"));
        assert_eq!(header(ErrorReason::NotFound, none, RETRY_AFTER), None);
    }
}
