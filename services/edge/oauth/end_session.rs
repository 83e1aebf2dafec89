//! The end-session endpoint (OpenID Connect RP-Initiated Logout): an application sends a browser
//! here to be signed out.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use gatepost_replica::Ending;
use gatepost_store::Session;
use http::StatusCode;
use url::form_urlencoded;

use super::form::Form;
use crate::app::App;
use crate::auth::{Browser, end_session};
use crate::edge::pages::answer::{Leads, html};
use crate::edge::pages::view::SignOut;
use crate::edge::pages::visit::Outcome;
use crate::edge::pages::{Trouble, Visit, see_other, signed_out, visit};
use crate::redirect;

/// What an application asks for.
struct Asked {
    /// What it has of the session.
    hint: Option<Ending>,
    /// Where the browser goes on to.
    goes_to: Option<String>,
}

/// `GET`.
pub async fn ask(app: State<Arc<App>>, slug: Option<Path<String>>, request: Request) -> Response {
    visit(app, slug, request, async |visit, _| {
        let asked = Asked::read(visit).await?;
        let browser = visit.browser().await?;
        let hinted = asked.session(visit).await?;
        match (browser, hinted) {
            (Some(browser), Some(session)) if is_in(&browser, &session) => {
                browser.end(&mut visit.gate).await?;
                Ok(asked.gone(visit))
            }
            // Anybody could send a browser here: only its person knows whether she wants to.
            (Some(browser), _) => Ok(question(visit, &asked, browser)),
            // Of a browser that is signed out, or another one: the session that is hinted at is
            // the application's own.
            (None, Some(session)) => {
                end_session(&mut visit.gate, visit.organization.id, &session).await?;
                Ok(asked.gone(visit))
            }
            (None, None) => Ok(asked.gone(visit)),
        }
    })
    .await
}

/// `POST`: the same, and begun anew with `GET`, as at the authorization endpoint.
pub async fn ask_by_form(
    app: State<Arc<App>>,
    slug: Option<Path<String>>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let form = Form::read(&parts, body).await;
    let request = Request::from_parts(parts, Body::empty());
    visit(app, slug, request, async |visit, _| {
        let form = form.map_err(|refusal| Trouble::mistake(refusal.said().1))?;
        let query = form.query_without(&[]);
        Ok(see_other(&format!(
            "{}/oauth/end_session?{query}",
            visit.base
        )))
    })
    .await
}

/// `POST` of the question.
pub async fn confirm(
    app: State<Arc<App>>,
    slug: Option<Path<String>>,
    request: Request,
) -> Response {
    visit(app, slug, request, confirmed).await
}

async fn confirmed(visit: &mut Visit, body: Body) -> Outcome {
    visit.form(body).await?;
    let asked = Asked::read(visit).await?;
    if let Some(browser) = visit.browser().await? {
        browser.end(&mut visit.gate).await?;
    }
    Ok(asked.gone(visit))
}

/// Whether a session is that of the browser, or began in it.
fn is_in(browser: &Browser, session: &Session) -> bool {
    session.id == browser.session.id || session.within == Some(browser.session.id)
}

fn question(visit: &Visit, asked: &Asked, browser: Browser) -> Response {
    let page = SignOut {
        page: visit.page(visit.words.sign_out_question),
        action: format!("{}/oauth/end_session/confirm?{}", visit.base, visit.query),
        username: browser.user.username,
    };
    let source = asked.goes_to.as_deref().and_then(redirect::source);
    html(StatusCode::OK, &page, &Leads::to(source))
}

impl Asked {
    /// Reads what is asked. Nobody is sent to an address that is not registered for who asks.
    async fn read(visit: &mut Visit) -> Result<Self, Trouble> {
        let form = Form::of_query(&visit.query);
        let form = form.map_err(|refusal| Trouble::mistake(refusal.said().1))?;
        visit.speak(form.get("ui_locales"));
        let hint = hint(visit, form.get("id_token_hint")).await?;
        let named = Some(form.get("client_id")).filter(|id| !id.is_empty());
        let hinted = hint.as_ref().and_then(|hint| hint.client_id.as_deref());
        if named.is_some() && hinted.is_some() && named != hinted {
            return Err(Trouble::mistake(
                "`client_id` is not that of `id_token_hint`",
            ));
        }
        let goes_to = match form.get("post_logout_redirect_uri") {
            "" => None,
            uri => {
                let tx = visit.gate.app.store.read(visit.organization.id).await?;
                let client_id = named.or(hinted).unwrap_or_default();
                let known = tx.applications().by_client_id(client_id).await?;
                let settings = known.map(|known| known.settings).unwrap_or_default();
                if !redirect::is_registered(&settings.post_logout_redirect_uris, uri) {
                    let message = "`post_logout_redirect_uri` is not registered for who asks";
                    return Err(Trouble::mistake(message));
                }
                Some(with_state(uri, form.get("state")))
            }
        };
        Ok(Self { hint, goes_to })
    }

    /// The session that is hinted at.
    async fn session(&self, visit: &Visit) -> Result<Option<Session>, Trouble> {
        let Some(hint) = &self.hint else {
            return Ok(None);
        };
        let tx = visit.gate.app.store.read(visit.organization.id).await?;
        Ok(tx.sessions().get(hint.session).await?)
    }

    /// Where the browser goes on, signed out.
    fn gone(&self, visit: &Visit) -> Response {
        let mut response = match &self.goes_to {
            Some(address) => see_other(address),
            None => signed_out(visit),
        };
        visit.keep(&mut response, "");
        response
    }
}

/// What an ID token tells, expired or not; one of another organization is none.
async fn hint(visit: &Visit, token: &str) -> Result<Option<Ending>, Trouble> {
    if token.is_empty() {
        return Ok(None);
    }
    let verifier = &visit.gate.app.gatekeeper.verifier;
    match verifier.ending(token).await {
        Ok(hint) if hint.organization == visit.organization.id => Ok(Some(hint)),
        Err(error) if error.is_unavailable() => Err(crate::error::Error::from(error).into()),
        // It may have been signed with a key that is gone since: then the person is asked.
        Ok(_) | Err(_) => Ok(None),
    }
}

fn with_state(uri: &str, state: &str) -> String {
    if state.is_empty() {
        return uri.to_owned();
    }
    let mark = if uri.contains('?') { '&' } else { '?' };
    let state: String = form_urlencoded::byte_serialize(state.as_bytes()).collect();
    format!("{uri}{mark}state={state}")
}
