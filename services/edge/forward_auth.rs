//! Forward-auth: nginx, Traefik and Caddy ask with a request of HTTP before they pass one on.
//!
//! The answer is its status: 200 with who asked in its headers, or 401, 403, 503 with a problem.
//!
//! Which request wants to pass stands in headers that anybody could send. They decide nothing but
//! which permission is asked for, and only here; a proxy writes them over what its client sent. If
//! one did not, because it knows another pair of them, both pairs come, and two that differ are
//! refused.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use gatepost_replica::Gatekeeper;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::identity::HEADERS;
use super::proxied::{Passing, Refusal, Setting, Told, Verdict, judge, refusal};
use crate::context::Arrival;
use crate::error::{Error, Result};
use crate::gateway::percent;
use crate::gateway::problem::{self, Asked};
use crate::run::bearer_in;

const PATH: &str = "/forward-auth";
/// What its refusals are counted under.
const FACE: &str = "forward-auth";
/// Method and path as Traefik and Caddy tell them, and as nginx is configured to.
const PAIRS: [(&str, &str); 2] = [
    ("x-forwarded-method", "x-forwarded-uri"),
    ("x-original-method", "x-original-uri"),
];

/// The one path.
pub fn router(gatekeeper: Arc<Gatekeeper>) -> Router {
    Router::new()
        .route(PATH, any(answer))
        .with_state(gatekeeper)
}

async fn answer(State(gatekeeper): State<Arc<Gatekeeper>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let inside = Arrival::inside();
    let arrival = parts.extensions.get::<Arrival>().unwrap_or(&inside);
    let headers = &parts.headers;
    let pairs = percent::pairs(parts.uri.query().unwrap_or_default());
    let setting = pairs.as_ref().map(|pairs| setting(pairs));
    let setting = setting.map_err(|_| Error::invalid("query", "the query holds a bad escape"));
    let passing = || passing(headers);
    match judge(&gatekeeper, bearer_in(headers), setting, passing).await {
        Ok(Verdict::Passes(told)) => pass(told),
        Ok(Verdict::Refused(refusal, _)) => refuse(&refusal, &arrival.request_id),
        Err(error) => refuse(&refusal(FACE, arrival, error), &arrival.request_id),
    }
}

fn setting(pairs: &[(String, String)]) -> Setting<'_> {
    let mut setting = Setting::default();
    for (name, value) in pairs {
        setting.set(name, value);
    }
    setting
}

/// The request that wants to pass.
///
/// # Errors
/// `INVALID_REQUEST` when it is not told, or told in two ways.
fn passing(headers: &HeaderMap) -> Result<Passing<'_>> {
    let mut found: Option<(&str, &str)> = None;
    for (method, path) in PAIRS {
        let told = match (one(headers, method)?, one(headers, path)?) {
            (None, None) => continue,
            (Some(method), Some(path)) => (method, path),
            _ => return Err(Error::invalid(path, "method and path must come together")),
        };
        if found.is_some_and(|found| found != told) {
            return Err(Error::invalid(path, "two requests are told"));
        }
        found = Some(told);
    }
    let untold = || Error::invalid("x-forwarded-uri", "the proxy tells no request");
    let (method, path) = found.ok_or_else(untold)?;
    Ok(Passing { method, path })
}

fn one<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = value.to_str().ok().filter(|_| values.next().is_none());
    let text = text.ok_or_else(|| Error::invalid(name, "it must come once, in ASCII"))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

fn pass(told: Told) -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in HEADERS.into_iter().zip(told.identity.0) {
        // Slugs and ids are ASCII.
        if let Ok(value) = HeaderValue::from_maybe_shared::<Bytes>(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    response
}

fn refuse(refusal: &Refusal, request_id: &str) -> Response {
    let asked = Asked {
        path: PATH,
        request_id,
        decides: true,
        ..Asked::default()
    };
    let body = problem::body(refusal.reason, refusal.status, &refusal.detail, asked);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = refusal.status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let kind = HeaderValue::from_static("application/problem+json");
    headers.insert(CONTENT_TYPE, kind);
    if refusal.status == StatusCode::UNAUTHORIZED {
        if let Ok(challenge) = HeaderValue::try_from(refusal.challenge()) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
    } else if refusal.status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
