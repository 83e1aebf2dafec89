//! The userinfo endpoint (OpenID Connect Core §5.3): what the bearer may know of the person.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use gatepost_core::{SessionId, Subject};
use gatepost_proto::ErrorReason;
use gatepost_replica::Want;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use super::form::Form;
use super::said;
use crate::app::App;
use crate::auth::{About, has};
use crate::context::Arrival;
use crate::error::{Error, Result};
use crate::run::{bearer_in, tell};

/// `GET` and `POST`. A token that was asked for another audience is good here, too: it tells of
/// the person what its scope says, and does nothing.
pub async fn userinfo(
    State(app): State<Arc<App>>,
    slug: Option<Path<String>>,
    request: Request,
) -> Response {
    let arrival = Arrival::in_extensions(request.extensions());
    let slug = slug.map(|Path(slug)| slug);
    match told(&app, slug.as_deref(), request).await {
        Ok(value) => said(StatusCode::OK, &value),
        Err(error) => {
            tell("oauth/userinfo", &arrival, &error);
            refused(&error)
        }
    }
}

async fn told(app: &App, slug: Option<&str>, request: Request) -> Result<Value> {
    let token = token(request).await?;
    let caller = app.gatekeeper.authenticate(&token, Want::default()).await?;
    let is_here = match slug {
        Some(slug) => caller.token.claims.owner == slug,
        None => caller.organization() == app.default_organization,
    };
    let Subject::User(user) = caller.subject() else {
        return Err(invalid("the token is of no person"));
    };
    if !is_here {
        return Err(invalid("the token is of another issuer"));
    }
    let scope = &caller.token.claims.scope;
    if !has(scope, "openid") {
        let message = "the token's scope lacks `openid`";
        return Err(Error::new(ErrorReason::PermissionMissing, message));
    }
    let tx = app.store.read(caller.organization()).await?;
    let session = SessionId::new(caller.session());
    let standing = tx.sessions().standing(session).await?;
    let standing = standing.ok_or_else(|| invalid("the token has no session"))?;
    let about = About::of(&standing.user, scope, &standing.session.claims, "userinfo");
    let mut value = serde_json::to_value(about).map_err(Error::internal)?;
    if let Some(members) = value.as_object_mut() {
        members.insert("sub".to_owned(), user.to_string().into());
    }
    Ok(value)
}

/// The token, in the header or in the form (RFC 6750 §2), not in both.
async fn token(request: Request) -> Result<String> {
    let (parts, body) = request.into_parts();
    let by_header = bearer_in(&parts.headers)?.map(str::to_owned);
    let is_form = parts.method == Method::POST && !parts.headers.contains_key(AUTHORIZATION);
    if !is_form {
        let missing = || Error::new(ErrorReason::TokenMissing, "this call needs a token");
        return by_header.ok_or_else(missing);
    }
    let form = Form::read(&parts, body).await;
    let form = form.map_err(|refusal| Error::new(ErrorReason::InvalidRequest, refusal.said().1))?;
    match form.get("access_token") {
        "" => Err(Error::new(
            ErrorReason::TokenMissing,
            "this call needs a token",
        )),
        token => Ok(token.to_owned()),
    }
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorReason::TokenInvalid, message)
}

/// RFC 6750 §3.
fn refused(error: &Error) -> Response {
    let status = error.reason().http_status();
    let code = match status {
        _ if error.reason() == ErrorReason::TokenMissing => None,
        StatusCode::UNAUTHORIZED => Some("invalid_token"),
        StatusCode::FORBIDDEN => Some("insufficient_scope"),
        StatusCode::BAD_REQUEST => Some("invalid_request"),
        _ => Some("temporarily_unavailable"),
    };
    let text = error.message().replace(['`', '"', '\\'], "'");
    let mut response = match code {
        Some(code) => said(status, &json!({"error": code, "error_description": text})),
        None => said(status, &Value::Null),
    };
    let challenge = match code {
        Some(code) => {
            format!("Bearer realm=\"gatepost\", error=\"{code}\", error_description=\"{text}\"")
        }
        None => "Bearer realm=\"gatepost\"".to_owned(),
    };
    if let Ok(challenge) = HeaderValue::try_from(challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}
