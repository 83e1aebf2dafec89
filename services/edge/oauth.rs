//! OAuth 2 and OpenID Connect: the endpoints, and their metadata.
//!
//! The public URL is the issuer of the default organization, and each organization has an issuer
//! of its own at `/o/{slug}`. Both speak the words of RFC 6749, skip parameters that they do not
//! know, and run the handlers that `/v1/login/oauth/*` runs.

mod authorize;
mod client;
mod end_session;
mod form;
mod metadata;
mod refusal;
mod userinfo;

pub use authorize::{Strength, wishes};
pub use client::header as client_header;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use gatepost_core::{OrganizationId, Status, Subject};
use gatepost_replica::{ISSUERS, Want};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use self::client::prove;
use self::form::Form;
use self::refusal::{Code, Refusal};
use crate::app::App;
use crate::auth::{self, Asker, Client, Issued, Redemption, Wish};
use crate::context::{Arrival, Audit, Gate};
use crate::refusals;

/// What an answer is under.
type Answer = Result<Value, Refusal>;

/// What is asked at an issuer.
struct Asked {
    gate: Gate,
    client: Arc<Client>,
    /// The issuer's address.
    issuer: String,
    form: Form,
}

/// The paths that programs call.
pub fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for prefix in ["", "/o/{slug}"] {
        router = router
            .route(&format!("{prefix}/oauth/token"), post(token))
            .route(&format!("{prefix}/oauth/introspect"), post(introspect))
            .route(&format!("{prefix}/oauth/revoke"), post(revoke))
            .route(
                &format!("{prefix}/oauth/userinfo"),
                get(userinfo::userinfo).post(userinfo::userinfo),
            );
    }
    // RFC 8414 §3.1 puts the issuer's path behind the well-known one; others look before it.
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/o/{slug}",
        "/o/{slug}/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/o/{slug}/.well-known/openid-configuration",
    ] {
        router = router.route(path, get(configuration));
    }
    router.with_state(app)
}

/// The paths that people's browsers open.
pub fn for_browsers(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for prefix in ["", "/o/{slug}"] {
        router = router
            .route(
                &format!("{prefix}/oauth/authorize"),
                get(authorize::ask).post(authorize::ask_by_form),
            )
            .route(&format!("{prefix}/oauth/consent"), post(authorize::consent))
            .route(&format!("{prefix}/oauth/select"), post(authorize::select))
            .route(
                &format!("{prefix}/oauth/end_session"),
                get(end_session::ask).post(end_session::ask_by_form),
            )
            .route(
                &format!("{prefix}/oauth/end_session/confirm"),
                post(end_session::confirm),
            );
    }
    router.with_state(app)
}

/// Whether there is an issuer: of an organization that exists and is active.
async fn is_issuer(app: &App, slug: Option<&str>) -> crate::error::Result<bool> {
    let Some(slug) = slug else { return Ok(true) };
    let sign_in = app.store.sign_in().await?;
    let found = sign_in.organization_by_slug(slug).await?;
    Ok(found.is_some_and(|organization| organization.status == Status::Active))
}

async fn configuration(State(app): State<Arc<App>>, slug: Option<Path<String>>) -> Response {
    let slug = slug.as_ref().map(|Path(slug)| slug.as_str());
    match is_issuer(&app, slug).await {
        Ok(true) => {}
        Ok(false) => return StatusCode::NOT_FOUND.into_response(),
        Err(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
    let issuer = issuer(&app.public_url, slug);
    let mut response = said(
        StatusCode::OK,
        &metadata::document(&issuer, &app.public_url),
    );
    let hour = HeaderValue::from_static("public, max-age=3600");
    response.headers_mut().insert(CACHE_CONTROL, hour);
    response
}

async fn token(app: State<Arc<App>>, slug: Option<Path<String>>, request: Request) -> Response {
    serve("oauth/token", app, slug, request, async |asked| {
        let grant = asked.form.required("grant_type")?;
        match grant {
            "authorization_code" => authorization_code(asked).await,
            "client_credentials" => client_credentials(asked).await,
            "refresh_token" => refresh(asked).await,
            // `password` is not for clients (RFC 9700 §2.4).
            _ => {
                let message = "this endpoint does not know that grant";
                Err(Refusal::new(Code::UnsupportedGrantType, message))
            }
        }
    })
    .await
}

async fn authorization_code(asked: &mut Asked) -> Answer {
    let Asked {
        gate,
        client,
        issuer,
        form,
    } = asked;
    let redemption = Redemption {
        code: form.required("code")?,
        verifier: form.get("code_verifier"),
        redirect_uri: form.required("redirect_uri")?,
        resources: &form.all("resource"),
        client,
        issuer,
    };
    let (issued, next) = auth::redeem(gate, redemption).await?;
    Ok(tokens(issued, next))
}

async fn client_credentials(asked: &mut Asked) -> Answer {
    let resources = asked.form.all("resource");
    let issued = auth::for_client(&mut asked.gate, &asked.client, &asked.issuer, &resources);
    let issued = issued.await?;
    Ok(tokens(issued, None))
}

async fn refresh(asked: &mut Asked) -> Answer {
    let token = asked.form.required("refresh_token")?.to_owned();
    let wish = Wish {
        scope: asked.form.get("scope"),
        resources: &asked.form.all("resource"),
    };
    let turn = auth::Turn {
        token: &token,
        wish,
        client: Some(&asked.client),
        issuer: &asked.issuer,
    };
    let (issued, next) = auth::refresh(&mut asked.gate, turn).await?;
    Ok(tokens(issued, Some(next)))
}

async fn introspect(
    app: State<Arc<App>>,
    slug: Option<Path<String>>,
    request: Request,
) -> Response {
    serve("oauth/introspect", app, slug, request, async |asked| {
        if asked.client.credential.is_none() {
            // Anybody can say that it is a public client (RFC 7662 §2.1).
            let message = "a public client learns nothing of tokens";
            return Err(Refusal::new(Code::InvalidClient, message));
        }
        let asker = Asker {
            organization: asked.client.organization.id,
            subject: Subject::Application(asked.client.application.id),
        };
        let token = asked.form.required("token")?;
        let told = auth::introspect(&asked.gate.app, asker, token).await?;
        if !told.active {
            return Ok(json!({"active": false}));
        }
        Ok(json!({
            "active": true,
            "scope": told.scope,
            "client_id": told.client_id,
            "username": told.username,
            "token_type": told.token_type,
            "exp": told.expires_at.map(|time| time.seconds),
            "iat": told.issued_at.map(|time| time.seconds),
            "sub": told.sub,
            "aud": told.aud,
            "iss": told.iss,
            "jti": told.jti,
            "sid": told.sid,
            "tenant_id": told.tenant_id,
            "acr": told.acr,
            "auth_time": told.auth_time.map(|time| time.seconds),
        }))
    })
    .await
}

async fn revoke(app: State<Arc<App>>, slug: Option<Path<String>>, request: Request) -> Response {
    serve("oauth/revoke", app, slug, request, async |asked| {
        let Asked {
            gate, client, form, ..
        } = asked;
        let token = form.required("token")?;
        let tx = gate.app.store.write(client.organization.id).await?;
        let by = Subject::Application(client.application.id);
        let ended = auth::revoke(&gate.app, &tx, by, token, gate.now).await?;
        if let Some(session) = ended {
            let actor = auth::client_actor(client);
            let mut audit = Audit::new(actor, "session.end", gate.now, &gate.arrival);
            audit.target("session", session);
            gate.commit(tx, audit).await?;
        }
        Ok(Value::Null)
    })
    .await
}

/// What is true for all three: a form from a client that proved itself, of this issuer.
async fn serve(
    face: &'static str,
    State(app): State<Arc<App>>,
    slug: Option<Path<String>>,
    request: Request,
    answer: impl AsyncFnOnce(&mut Asked) -> Answer,
) -> Response {
    let (parts, body) = request.into_parts();
    let arrival = Arrival::in_extensions(&parts.extensions);
    let slug = slug.map(|Path(slug)| slug);
    let result = async {
        let form = Form::read(&parts, body).await?;
        let gate = Gate::open(&app, &arrival);
        let issuer = issuer(&app.public_url, slug.as_deref());
        let client = prove(&gate, &parts.headers, &form, &issuer, slug.as_deref()).await?;
        let mut asked = Asked {
            gate,
            client,
            issuer,
            form,
        };
        answer(&mut asked).await
    };
    match result.await {
        Ok(value) => said(StatusCode::OK, &value),
        Err(refusal) => {
            let place = place(&app, slug.as_deref()).await;
            refusals::audit(&app, &arrival, face, place, refusal.error()).await;
            refusal.respond(face, &arrival)
        }
    }
}

/// The organization of an issuer, as far as this replica knows it.
async fn place(app: &App, slug: Option<&str>) -> Option<OrganizationId> {
    let snapshots = &app.gatekeeper.snapshots;
    let (slug, system) = (slug?, snapshots.system());
    let present = snapshots.get(system, Want::default()).await.ok()?;
    let mut all = present.system.organizations();
    let found = all.find(|(_, organization)| *organization.slug == *slug);
    found.map(|(id, _)| id)
}

/// The address of an issuer.
fn issuer(public_url: &str, slug: Option<&str>) -> String {
    match slug {
        Some(slug) => format!("{}{ISSUERS}{slug}", public_url.trim_end_matches('/')),
        None => public_url.to_owned(),
    }
}

/// RFC 6749 §5.1.
fn tokens(issued: Issued, refresh_token: Option<String>) -> Value {
    let mut answer = Map::new();
    let texts = [
        ("access_token", Some(issued.access_token)),
        ("token_type", Some("Bearer".to_owned())),
        ("refresh_token", refresh_token),
        ("id_token", issued.id_token),
        (
            "scope",
            Some(issued.scope).filter(|scope| !scope.is_empty()),
        ),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            answer.insert(name.to_owned(), text.into());
        }
    }
    answer.insert("expires_in".to_owned(), issued.expires_in.into());
    answer.into()
}

/// An answer that no cache keeps. Nothing to say is an empty body (RFC 7009 §2.2).
fn said(status: StatusCode, value: &Value) -> Response {
    let body = if value.is_null() {
        Body::empty()
    } else {
        Body::from(value.to_string())
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
