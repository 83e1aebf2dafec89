//! The REST face, derived from the contract: no RPC has a route of its own here.
//!
//! A call is taken apart, becomes the typed message of its RPC, and goes through the generated
//! client into the same gRPC services, with all their layers, that other callers reach by wire.

pub mod body;
mod headers;
pub mod matcher;
pub mod percent;
pub mod problem;
mod tagged;
mod template;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use gatepost_proto::reason::status;
use gatepost_proto::rest::{Binding, Call, Lines, Reply, ReplyBody};
use gatepost_proto::rest_routes::BINDINGS;
use gatepost_proto::{ErrorReason, OPENAPI};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tonic::service::Routes;
use tonic::{Extensions, Status};

use self::matcher::{Found, Matcher};
use self::problem::Asked;
pub use self::template::TemplateError;
use crate::context::Arrival;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NDJSON: HeaderValue = HeaderValue::from_static("application/x-ndjson");
const OPENAPI_PATH: &str = "/openapi.json";

/// How REST calls are served.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// How long a call may take, its body included. Default 30 s.
    pub timeout: Duration,
    /// The largest body, in bytes. Default 1 MiB.
    pub body_bytes_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            body_bytes_max: 1024 * 1024,
        }
    }
}

struct Gateway {
    routes: Routes,
    matcher: Matcher,
    config: Config,
}

/// The REST face of `routes`, one fallback that knows every path of the contract.
///
/// # Errors
/// A path template of the contract is malformed, or there twice.
pub fn router(routes: Routes, config: Config) -> Result<axum::Router, TemplateError> {
    let templates = BINDINGS
        .iter()
        .map(|binding| (binding.method, binding.template));
    let gateway = Gateway {
        routes,
        matcher: Matcher::new(templates)?,
        config,
    };
    Ok(axum::Router::new()
        .fallback(serve)
        .with_state(Arc::new(gateway)))
}

async fn serve(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let is_head = request.method() == Method::HEAD;
    let response = gateway.answer(request).await;
    if is_head && response.status() != StatusCode::NOT_MODIFIED {
        without_body(response)
    } else {
        response
    }
}

impl Gateway {
    async fn answer(&self, request: Request) -> Response {
        let path = request.uri().path().to_owned();
        let arrival = request.extensions().get::<Arrival>().cloned();
        let request_id = arrival
            .as_ref()
            .map_or("", |arrival| arrival.request_id.as_str());
        let asked = Asked {
            path: &path,
            request_id,
            ..Asked::default()
        };
        // RFC 9110 §9.3.2: HEAD is GET without the body.
        let method = match request.method() {
            &Method::HEAD => "GET",
            method => method.as_str(),
        };
        if path == OPENAPI_PATH {
            return match method {
                "GET" => json(StatusCode::OK, Bytes::from_static(OPENAPI.as_bytes())),
                _ => method_not_allowed(&["GET"], asked),
            };
        }
        match self.matcher.find(method, &path) {
            Found::Route(route, variables) => {
                let Some(binding) = BINDINGS.get(route) else {
                    return problem::answer(&unknown(), asked);
                };
                self.call(binding, variables, request, arrival.clone(), asked)
                    .await
            }
            Found::OtherMethods(methods) => method_not_allowed(&methods, asked),
            Found::Nothing => match grpc_kind(request.headers()) {
                Some(kind) => no_such_service(kind),
                None => problem::answer(&unknown(), asked),
            },
            Found::Malformed => {
                let detail = "the path holds a bad escape";
                let metadata = [("at", "path")];
                let status = status(ErrorReason::InvalidRequest, detail, &metadata);
                problem::answer(&status, asked)
            }
        }
    }

    async fn call(
        &self,
        binding: &'static Binding,
        path: Vec<(&'static str, String)>,
        request: Request,
        arrival: Option<Arrival>,
        asked: Asked<'_>,
    ) -> Response {
        let variables: Vec<_> = path.iter().map(|(name, _)| *name).collect();
        let asked = Asked {
            by_query: !binding.body,
            variables: &variables,
            ..asked
        };
        let known = request.headers().get_all(IF_NONE_MATCH).iter();
        let known: Vec<HeaderValue> = known.cloned().collect();
        let call = self.make_call(binding, path, request, arrival);
        let outcome = tokio::time::timeout(self.config.timeout, call).await;
        let outcome = outcome.unwrap_or_else(|_| {
            let detail = "the call took longer than its deadline";
            Err(status(ErrorReason::DeadlineExceeded, detail, &[]))
        });
        match outcome {
            Ok(reply) => success(binding, reply, &known),
            Err(status) => {
                let mut response = problem::answer(&status, asked);
                headers::from_metadata(status.metadata().clone(), response.headers_mut());
                response
            }
        }
    }

    /// Takes a request apart and makes the call.
    async fn make_call(
        &self,
        binding: &Binding,
        path: Vec<(&'static str, String)>,
        request: Request,
        arrival: Option<Arrival>,
    ) -> Result<Reply, Status> {
        let (parts, body) = request.into_parts();
        let query = percent::pairs(parts.uri.query().unwrap_or_default()).map_err(|_| {
            let detail = "the query holds a bad escape";
            status(ErrorReason::InvalidRequest, detail, &[("at", "query")])
        })?;
        let body = body::read(&parts.headers, body, self.config.body_bytes_max).await?;
        let mut extensions = Extensions::new();
        if let Some(arrival) = arrival {
            extensions.insert(arrival);
        }
        let call = Call {
            routes: self.routes.clone(),
            metadata: headers::to_metadata(&parts.headers, parts.uri.path()),
            extensions,
            timeout: Some(self.config.timeout),
            path,
            query,
            body,
        };
        (binding.call)(call).await
    }
}

/// The answer of a call that succeeded, to somebody who has the answers with the tags of `known`.
fn success(binding: &Binding, reply: Reply, known: &[HeaderValue]) -> Response {
    let whole = match &reply.body {
        ReplyBody::Json(text) => Some(text.clone()),
        ReplyBody::Lines(_) => None,
    };
    let mut response = match reply.body {
        ReplyBody::Lines(lines) => ndjson(lines),
        ReplyBody::Json(_) if binding.empty => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
        ReplyBody::Json(text) if binding.created => json(StatusCode::CREATED, text),
        ReplyBody::Json(text) => json(StatusCode::OK, text),
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers::from_metadata(reply.metadata, headers);
    match whole {
        Some(text) => tagged::tagged(response, &text, known),
        None => response,
    }
}

fn json(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// An answer that goes on. When it ends early its connection does, so that nobody takes what came
/// for the whole.
fn ndjson(lines: Lines) -> Response {
    let mut response = Response::new(Body::from_stream(lines));
    response.headers_mut().insert(CONTENT_TYPE, NDJSON);
    response
}

fn without_body(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts
            .headers
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}

fn method_not_allowed(methods: &[&str], asked: Asked<'_>) -> Response {
    let head = methods.contains(&"GET").then_some("HEAD");
    let allow: Vec<_> = methods.iter().copied().chain(head).collect();
    let allow = allow.join(", ");
    let detail = format!("this path takes {allow}");
    let status = status(ErrorReason::MethodNotAllowed, detail, &[]);
    problem::answer(
        &status,
        Asked {
            allow: &allow,
            ..asked
        },
    )
}

/// The media type of a gRPC or gRPC-Web call.
fn grpc_kind(headers: &HeaderMap) -> Option<HeaderValue> {
    let kind = headers.get(CONTENT_TYPE)?;
    let is_grpc = kind.as_bytes().starts_with(b"application/grpc");
    is_grpc.then(|| kind.clone())
}

/// Answers a gRPC call that no service took, in the way that its caller reads.
fn no_such_service(kind: HeaderValue) -> Response {
    let mut response = Status::unimplemented("no such service").into_http();
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn unknown() -> Status {
    status(ErrorReason::RouteUnknown, "no route has this path", &[])
}
