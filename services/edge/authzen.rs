//! `OpenID` AuthZEN Authorization API 1.0: evaluation, evaluations, the three searches, metadata.
//!
//! Whoever asks proves herself with a token of her own; asking about somebody else needs the
//! permission `gatepost/subjects:ask`, as in Authorize. A no is an answer: 200 with
//! `"decision": false`.

mod evaluate;
mod metadata;
mod model;
mod page;
mod search;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use gatepost_core::name::Slug;
use gatepost_proto::ErrorReason;
use gatepost_proto::rest::Body as Read;
use gatepost_replica::{Gatekeeper, Want};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use crate::context::{Arrival, Caller};
use crate::door::REQUEST_ID;
use crate::error::{Error, Result};
use crate::gateway::body;
use crate::gateway::problem::{self, Asked};
use crate::run::{MESSAGE_BYTES_MAX, authenticate, min_revision, refuse};

/// Where the metadata is (§9.2); the tenant's slug may follow.
const WELL_KNOWN: &str = "/.well-known/authzen-configuration";

/// What is asked of the paths, for one answer.
type Answer = fn(&Caller, &[u8]) -> Result<Value>;

/// The endpoints: path, key in the metadata, and who answers.
const ENDPOINTS: [(&str, &str, Answer); 5] = [
    (
        "/access/v1/evaluation",
        "access_evaluation_endpoint",
        evaluate::evaluation,
    ),
    (
        "/access/v1/evaluations",
        "access_evaluations_endpoint",
        evaluate::evaluations,
    ),
    (
        "/access/v1/search/subject",
        "search_subject_endpoint",
        search::subjects,
    ),
    (
        "/access/v1/search/resource",
        "search_resource_endpoint",
        search::resources,
    ),
    (
        "/access/v1/search/action",
        "search_action_endpoint",
        search::actions,
    ),
];

#[derive(Clone)]
struct Point {
    gatekeeper: Arc<Gatekeeper>,
    public_url: Arc<str>,
}

/// The paths of AuthZEN.
pub fn router(gatekeeper: Arc<Gatekeeper>, public_url: &str) -> Router {
    let mut router = Router::new()
        .route(WELL_KNOWN, any(configuration))
        .route(&format!("{WELL_KNOWN}/{{tenant}}"), any(configuration));
    for (path, _, answer) in ENDPOINTS {
        let handler = move |point: State<Point>, request: Request| serve(point, request, answer);
        router = router.route(path, any(handler));
    }
    router.with_state(Point {
        gatekeeper,
        public_url: public_url.trim_end_matches('/').into(),
    })
}

/// The metadata of the installation, or of a tenant of it. Whether there is such a tenant is
/// nobody's business who does not know.
async fn configuration(State(point): State<Point>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let path = parts.uri.path();
    let tenant = path.strip_prefix(WELL_KNOWN).unwrap_or_default();
    let tenant = tenant.strip_prefix('/');
    let result = if !matches!(parts.method, Method::GET | Method::HEAD) {
        Err(not_allowed("GET, HEAD"))
    } else if tenant.is_some_and(|slug| Slug::parse(slug).is_err()) {
        Err(Error::new(
            ErrorReason::RouteUnknown,
            "no route has this path",
        ))
    } else {
        Ok(metadata::configuration(&point.public_url, tenant))
    };
    respond(&parts.headers, path, "GET, HEAD", &arrival(&parts), result)
}

async fn serve(State(point): State<Point>, request: Request, answer: Answer) -> Response {
    let (parts, body) = request.into_parts();
    let arrival = arrival(&parts);
    let path = parts.uri.path();
    let result = if parts.method == Method::POST {
        ask(&point.gatekeeper, &parts.headers, body, answer).await
    } else {
        Err(not_allowed("POST"))
    };
    respond(&parts.headers, path, "POST", &arrival, result)
}

async fn ask(
    gatekeeper: &Gatekeeper,
    headers: &HeaderMap,
    body: Body,
    answer: Answer,
) -> Result<Value> {
    let metadata = MetadataMap::from_headers(headers.clone());
    let want = Want::at_least(min_revision(&metadata)?);
    let caller = authenticate(gatekeeper, &metadata, want).await?;
    let read = body::read(headers, body, MESSAGE_BYTES_MAX).await;
    match read.map_err(|status| Error::from_gateway(&status))? {
        Read::Json(json) => answer(&caller, &json),
        Read::Empty => answer(&caller, b"{}"),
        Read::Form(_) => {
            let message = "send `application/json`";
            Err(Error::new(ErrorReason::MediaTypeUnsupported, message))
        }
    }
}

/// Reads a request. What we do not know is skipped (§5.6).
fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T> {
    serde_json::from_slice(json).map_err(|error| {
        let message = format!("the body is no such request: {error}");
        Error::new(ErrorReason::MalformedBody, message)
    })
}

fn not_allowed(allow: &str) -> Error {
    let message = format!("this path takes {allow}");
    Error::new(ErrorReason::MethodNotAllowed, message)
}

fn arrival(parts: &http::request::Parts) -> Arrival {
    let arrival = parts.extensions.get::<Arrival>();
    arrival.cloned().unwrap_or_else(Arrival::inside)
}

/// Says the answer, under the name that the caller gave its request (§10.1.4).
fn respond(
    headers: &HeaderMap,
    path: &str,
    allow: &str,
    arrival: &Arrival,
    result: Result<Value>,
) -> Response {
    let mut response = match result {
        Ok(value) => {
            let mut response = Response::new(Body::from(value.to_string()));
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(error) => {
            let asked = Asked {
                path,
                request_id: &arrival.request_id,
                allow,
                decides: true,
                ..Asked::default()
            };
            problem::answer(&refuse("authzen", arrival, error), asked)
        }
    };
    if let Some(name) = headers.get(REQUEST_ID) {
        response.headers_mut().insert(REQUEST_ID, name.clone());
    }
    response
}

impl Error {
    /// What the gateway says of a body.
    fn from_gateway(status: &Status) -> Self {
        let reason = ErrorReason::of(status).unwrap_or(if status.code() == Code::OutOfRange {
            ErrorReason::BodyTooLarge
        } else {
            ErrorReason::MalformedBody
        });
        Self::new(reason, status.message().to_owned())
    }
}
