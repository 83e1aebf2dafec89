//! `envoy.service.auth.v3.Authorization`: Envoy asks about each request before it passes it on.
//!
//! Every question gets an answer: an error of gRPC would be for Envoy as if nobody were here, and
//! with `failure_mode_allow` the request would pass.

use std::str;
use std::sync::Arc;

use bytes::Bytes;
use gatepost_proto::ErrorReason;
use gatepost_proto::envoy::authorization_server::{Authorization, AuthorizationServer};
use gatepost_proto::envoy::check_response::HttpResponse;
use gatepost_proto::envoy::value::Kind;
use gatepost_proto::envoy::{
    AttributeContext, CheckRequest, CheckResponse, DeniedHttpResponse, Field, HeaderAppendAction,
    HeaderValue, HeaderValueOption, HttpRequest, HttpStatus, OkHttpResponse, Status as RpcStatus,
    Struct, Value,
};
use gatepost_replica::Gatekeeper;
use http::StatusCode;
use tonic::{Code, Request, Response, Status};

use super::identity::{FIELDS, HEADERS, is_reserved};
use super::proxied::{Passing, Refusal, Setting, Told, Verdict, judge, refusal};
use crate::context::Arrival;
use crate::error::{Error, Result};
use crate::gateway::problem::{self, Asked};
use crate::run::{MESSAGE_BYTES_MAX, bearer_of};

/// The name of the service.
pub const SERVICE: &str = "envoy.service.auth.v3.Authorization";
/// What its refusals are counted under.
const FACE: &str = "envoy.Check";
const REMOVE_BEARER: &[u8] = b"remove_bearer";
const AUTHORIZATION: &[u8] = b"authorization";

/// The service.
struct Envoy {
    gatekeeper: Arc<Gatekeeper>,
}

/// The service, ready to be routed to.
pub fn service(gatekeeper: Arc<Gatekeeper>) -> AuthorizationServer<impl Authorization> {
    AuthorizationServer::new(Envoy { gatekeeper }).max_decoding_message_size(MESSAGE_BYTES_MAX)
}

#[tonic::async_trait]
impl Authorization for Envoy {
    async fn check(
        &self,
        request: Request<CheckRequest>,
    ) -> Result<Response<CheckResponse>, Status> {
        let (_, extensions, message) = request.into_parts();
        let arrival = || Arrival::in_extensions(&extensions);
        let context = message.attributes.unwrap_or_default();
        let answer = answer(&self.gatekeeper, &context, arrival).await;
        Ok(Response::new(answer))
    }
}

/// Judges a request, and says what Envoy is to do with it. How the call came in is asked for only
/// when the request does not pass.
pub async fn answer(
    gatekeeper: &Gatekeeper,
    context: &AttributeContext,
    arrival: impl FnOnce() -> Arrival,
) -> CheckResponse {
    let nothing = HttpRequest::default();
    let http = context.request.as_ref().and_then(|r| r.http.as_ref());
    let http = http.unwrap_or(&nothing);
    let seen = Seen::in_headers_of(http);
    let passing = || passing(http);
    let verdict = judge(gatekeeper, seen.token, setting(context), passing).await;
    let (refusal, told, arrival) = match verdict {
        Ok(Verdict::Passes(told)) => {
            let mut remove = seen.forged;
            if removes_bearer(context) {
                remove.push(Bytes::from_static(AUTHORIZATION));
            }
            return pass(told, remove);
        }
        Ok(Verdict::Refused(refusal, told)) => (refusal, told, arrival()),
        Err(error) => {
            let arrival = arrival();
            (refusal(FACE, &arrival, error), None, arrival)
        }
    };
    let asked = Asked {
        path: str::from_utf8(&http.path).unwrap_or_default(),
        request_id: &arrival.request_id,
        ..Asked::default()
    };
    let body = body(&refusal, asked, seen.is_grpc);
    refuse(&refusal, body, told.as_ref())
}

/// What matters of a request's headers.
struct Seen<'a> {
    token: Result<Option<&'a str>>,
    is_grpc: bool,
    /// Names that only we may give, other than those that are overwritten.
    forged: Vec<Bytes>,
}

impl<'a> Seen<'a> {
    fn in_headers_of(http: &'a HttpRequest) -> Self {
        let joined = http.headers.iter().map(|entry| (&entry.key, &entry.value));
        let single = http.header_map.iter().flat_map(|map| &map.headers);
        let single = single.map(|header| match &header.raw_value {
            raw if raw.is_empty() => (&header.key, &header.value),
            raw => (&header.key, raw),
        });
        let mut tokens = 0;
        let mut seen = Self {
            token: Ok(None),
            is_grpc: false,
            forged: Vec::new(),
        };
        for (name, value) in joined.chain(single) {
            if name.eq_ignore_ascii_case(AUTHORIZATION) {
                tokens += 1;
                seen.token = token(value).map(Some);
            } else if name.eq_ignore_ascii_case(b"content-type") {
                seen.is_grpc = value.starts_with(b"application/grpc");
            } else if is_reserved(name) && !HEADERS.iter().any(|own| own.as_bytes() == &**name) {
                seen.forged.push(name.clone());
            }
        }
        if tokens > 1 {
            let message = "there must be one `Authorization` header only";
            seen.token = Err(Error::new(ErrorReason::TokenInvalid, message));
        }
        seen
    }
}

fn token(value: &[u8]) -> Result<&str> {
    let message = "the `Authorization` header is malformed";
    let text = str::from_utf8(value);
    let text = text.map_err(|_| Error::new(ErrorReason::TokenInvalid, message))?;
    bearer_of(text)
}

/// What the route's `context_extensions` say.
fn setting(context: &AttributeContext) -> Result<Setting<'_>> {
    let mut setting = Setting::default();
    for entry in &context.context_extensions {
        let texts = (str::from_utf8(&entry.key), str::from_utf8(&entry.value));
        let (Ok(name), Ok(value)) = texts else {
            return Err(Error::invalid("contextExtensions", "a text is not UTF-8"));
        };
        setting.set(name, value);
    }
    Ok(setting)
}

fn removes_bearer(context: &AttributeContext) -> bool {
    let mut extensions = context.context_extensions.iter();
    extensions.any(|entry| entry.key == REMOVE_BEARER && &*entry.value == b"true")
}

fn passing(http: &HttpRequest) -> Result<Passing<'_>> {
    let texts = (str::from_utf8(&http.method), str::from_utf8(&http.path));
    let (Ok(method), Ok(path)) = texts else {
        return Err(Error::invalid("path", "a text is not UTF-8"));
    };
    Ok(Passing { method, path })
}

fn pass(told: Told, headers_to_remove: Vec<Bytes>) -> CheckResponse {
    let metadata = metadata(&told);
    let headers = HEADERS.iter().zip(told.identity.0);
    let headers = headers.map(|(name, value)| set(name, value)).collect();
    CheckResponse {
        status: Some(RpcStatus { code: 0 }),
        http_response: Some(HttpResponse::OkResponse(OkHttpResponse {
            headers,
            headers_to_remove,
        })),
        dynamic_metadata: Some(metadata),
    }
}

/// For a gRPC call Envoy makes the body the status's message, so that is plain text.
fn body(refusal: &Refusal, asked: Asked<'_>, is_grpc: bool) -> Vec<u8> {
    if is_grpc {
        return refusal.detail.as_bytes().to_vec();
    }
    // The query may hold secrets.
    let path = asked
        .path
        .split_once('?')
        .map_or(asked.path, |(path, _)| path);
    let asked = Asked {
        path,
        decides: true,
        ..asked
    };
    problem::body(refusal.reason, refusal.status, &refusal.detail, asked)
}

fn refuse(refusal: &Refusal, body: Vec<u8>, told: Option<&Told>) -> CheckResponse {
    let fixed = |name, value: &'static str| set(name, Bytes::from_static(value.as_bytes()));
    let mut headers = vec![
        fixed("content-type", "application/problem+json"),
        fixed("cache-control", "no-store"),
    ];
    let code = match refusal.status {
        StatusCode::UNAUTHORIZED => {
            headers.push(set("www-authenticate", refusal.challenge().into()));
            Code::Unauthenticated
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.push(fixed("retry-after", "1"));
            Code::Unavailable
        }
        _ => Code::PermissionDenied,
    };
    CheckResponse {
        status: Some(RpcStatus {
            code: i32::from(code),
        }),
        http_response: Some(HttpResponse::DeniedResponse(DeniedHttpResponse {
            status: Some(HttpStatus {
                code: i32::from(refusal.status.as_u16()),
            }),
            headers,
            body: body.into(),
        })),
        dynamic_metadata: told.map(metadata),
    }
}

fn set(name: &'static str, value: Bytes) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue {
            key: Bytes::from_static(name.as_bytes()),
            value,
            raw_value: Bytes::new(),
        }),
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
    }
}

/// What the access log and the filters behind read.
fn metadata(told: &Told) -> Struct {
    let field = |name: &'static str, kind| Field {
        key: Bytes::from_static(name.as_bytes()),
        value: Some(Value { kind: Some(kind) }),
    };
    let identity = FIELDS.iter().zip(&told.identity.0);
    let identity = identity.map(|(name, value)| field(name, Kind::StringValue(value.clone())));
    let reason = Bytes::from_static(told.reason.as_bytes());
    #[expect(clippy::cast_precision_loss, reason = "JSON has no other numbers")]
    let revision = told.revision as f64;
    let decision = [
        field("reason", Kind::StringValue(reason)),
        field("revision", Kind::NumberValue(revision)),
    ];
    Struct {
        fields: identity.chain(decision).collect(),
    }
}
