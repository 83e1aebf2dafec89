//! The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2): who asks, for what, and
//! whether the person in front of the browser is known well enough to answer.

mod party;
mod select;
mod strength;
mod wanted;

pub use select::submit as select;
pub use strength::Strength;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use gatepost_core::SessionId;
use gatepost_store::ClientSettings;
use http::StatusCode;

use self::party::{Denial, Party};
use self::wanted::Wanted;
use super::form::Form;
use super::refusal::Refusal;
use crate::app::App;
use crate::auth::Browser;
use crate::edge::pages::answer::{Leads, html};
use crate::edge::pages::view::Consent;
use crate::edge::pages::visit::Outcome;
use crate::edge::pages::{Trouble, Visit, see_other, visit};
use crate::token::Code;

/// How long a code is good for, in seconds (RFC 9700 §2.1.1: as short as can be).
const CODE_S: i64 = 60;

/// Why there is no code.
enum No {
    /// The application is told.
    Denied(Denial),
    /// The person is told.
    Trouble(Trouble),
}

impl From<Denial> for No {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl<E: Into<Trouble>> From<E> for No {
    fn from(trouble: E) -> Self {
        Self::Trouble(trouble.into())
    }
}

/// `GET`.
pub async fn ask(app: State<Arc<App>>, slug: Option<Path<String>>, request: Request) -> Response {
    visit(app, slug, request, async |visit, _| {
        answer(visit, false).await
    })
    .await
}

/// `POST`: the same, and begun anew with `GET`. A form that another site sends brings no cookies
/// along.
pub async fn ask_by_form(
    app: State<Arc<App>>,
    slug: Option<Path<String>>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let form = Form::read(&parts, body).await;
    let request = Request::from_parts(parts, Body::empty());
    visit(app, slug, request, async |visit, _| {
        let query = form
            .map_err(|refusal| mistake(&refusal))?
            .query_without(&[]);
        Ok(see_other(&format!(
            "{}/oauth/authorize?{query}",
            visit.base
        )))
    })
    .await
}

/// `POST` of the consent page.
pub async fn consent(
    app: State<Arc<App>>,
    slug: Option<Path<String>>,
    request: Request,
) -> Response {
    visit(app, slug, request, async |visit, body| {
        let fields = visit.form(body).await?;
        if fields.get("decision") == "allow" {
            return answer(visit, true).await;
        }
        let form = Form::of_query(&visit.query).map_err(|refusal| mistake(&refusal))?;
        let party = Party::of(visit, &form).await?;
        let denial = Denial::new("access_denied", "the person said no");
        Ok(party.refuse(visit, denial))
    })
    .await
}

async fn answer(visit: &mut Visit, consented: bool) -> Outcome {
    let form = Form::of_query(&visit.query).map_err(|refusal| mistake(&refusal))?;
    let party = Party::of(visit, &form).await?;
    visit.speak(form.get("ui_locales"));
    match decide(visit, &party, &form, consented).await {
        Ok(response) => Ok(response),
        Err(No::Denied(denial)) => Ok(party.refuse(visit, denial)),
        Err(No::Trouble(trouble)) => Err(trouble),
    }
}

async fn decide(
    visit: &mut Visit,
    party: &Party,
    form: &Form,
    consented: bool,
) -> Result<Response, No> {
    let mut wanted = Wanted::read(&party.application.settings, form)?;
    expect(visit, &mut wanted, form.get("id_token_hint")).await?;
    let browser = match visit.browser().await? {
        Some(browser) if wanted.is_met_by(&browser, visit.gate.now) => browser,
        other => {
            if let Some(denial) = other.and_then(|browser| wanted.in_vain(&browser)) {
                return Err(denial.into());
            }
            if wanted.prompt.is_silent {
                return Err(Denial::new("login_required", "the person must sign in").into());
            }
            return Ok(sign_in(visit, form, &wanted));
        }
    };
    if wanted.prompt.selects {
        return Ok(select::ask(visit, party, form, browser));
    }
    // Anybody can say that it is an application that keeps no secret, and listen on the person's
    // device: what she said before was said to whom nobody knows (RFC 8252 §8.6).
    let is_anybodys = party.application.settings.public && party.is_on_device();
    let must_ask = wanted.prompt.asks_consent
        || is_anybodys
        || party.application.settings.asks_consent
            && !is_remembered(visit, &browser, party, &wanted).await?;
    if must_ask && !consented {
        if wanted.prompt.is_silent {
            return Err(Denial::new("consent_required", "the person must be asked").into());
        }
        return Ok(ask_consent(visit, party, form, &wanted, browser));
    }
    let code = Code {
        organization: browser.organization.id,
        application: party.application.id,
        session: SessionId::new(visit.gate.new_id()),
        within: browser.session.id,
        issuer: visit.issuer.clone(),
        redirect_uri: party.redirect_uri.clone(),
        challenge: wanted.challenge,
        scope: wanted.scope,
        resources: wanted.resources,
        nonce: wanted.nonce,
        claims: wanted.claims,
        until: visit.gate.now.unix_timestamp() + CODE_S,
    };
    let code = code.write(&visit.gate.app.sealer)?;
    browser.seen(&mut visit.gate).await?;
    Ok(party.answer(visit, vec![("code", code)]))
}

/// Whom the application expects, by an ID token that it has of her; it may be expired.
async fn expect(visit: &Visit, wanted: &mut Wanted, hint: &str) -> Result<(), No> {
    if hint.is_empty() {
        return Ok(());
    }
    let verifier = &visit.gate.app.gatekeeper.verifier;
    match verifier.ending(hint).await {
        Ok(ending) => wanted.subject = ending.subject,
        Err(error) if error.is_unavailable() => return Err(crate::error::Error::from(error).into()),
        Err(_) => {
            let message = "`id_token_hint` is no ID token of this issuer";
            return Err(Denial::new("invalid_request", message).into());
        }
    }
    Ok(())
}

/// Goes to sign in, and comes back with the same wishes: but for those that signing in fulfils, in
/// whose place stands from when on it counts.
fn sign_in(visit: &Visit, form: &Form, wanted: &Wanted) -> Response {
    let mut query = form.query_without(&["prompt", "max_age", wanted::SIGNED_IN_AFTER]);
    if wanted.prompt.asks_consent {
        query.push_str("&prompt=consent");
    }
    let now_s = visit.gate.now.unix_timestamp();
    let path = format!(
        "{}/oauth/authorize?{query}&{}={now_s}",
        visit.base,
        wanted::SIGNED_IN_AFTER
    );
    let path: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
    see_other(&format!("{}/signin?continue={path}", visit.base))
}

/// Whether she was asked before: while a session through the application lives that may as much.
async fn is_remembered(
    visit: &Visit,
    browser: &Browser,
    party: &Party,
    wanted: &Wanted,
) -> Result<bool, No> {
    let tx = visit.gate.app.store.read(browser.organization.id).await?;
    let through = tx
        .sessions()
        .through(browser.user.id, party.application.id, visit.gate.now)
        .await?;
    Ok(through.iter().any(|session| {
        let mut scopes = wanted.scope.split(' ');
        scopes.all(|scope| session.scope.split(' ').any(|granted| granted == scope))
            && wanted
                .claims
                .iter()
                .all(|claim| session.claims.contains(claim))
    }))
}

fn ask_consent(
    visit: &Visit,
    party: &Party,
    form: &Form,
    wanted: &Wanted,
    browser: Browser,
) -> Response {
    let words = visit.words;
    let lines = [
        ("openid", words.of_openid),
        ("profile", words.of_profile),
        ("email", words.of_email),
    ];
    let lines = lines.into_iter().filter(|(scope, _)| wanted.learns(scope));
    let page = Consent {
        page: visit.page(words.allow_access),
        application: party.application.name.clone(),
        lines: lines.map(|(_, line)| line).collect(),
        action: format!("{}/oauth/consent?{}", visit.base, form.query_without(&[])),
        username: browser.user.username,
    };
    html(StatusCode::OK, &page, &Leads::to(party.source()))
}

/// What a request wants, in words: as it came, and as it would be written on the way to the sign-in
/// page and back. Nothing when it is refused.
pub fn wishes(query: &str) -> Option<[String; 2]> {
    let settings = ClientSettings::default();
    let form = Form::of_query(query).ok()?;
    let wanted = Wanted::read(&settings, &form).ok()?;
    let again = Form::of_query(&form.query_without(&[])).ok()?;
    let again = Wanted::read(&settings, &again).ok()?;
    Some([format!("{wanted:?}"), format!("{again:?}")])
}

fn mistake(refusal: &Refusal) -> Trouble {
    Trouble::mistake(refusal.said().1)
}
