//! Signing in with a name and a password.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use gatepost_core::OrganizationId;
use gatepost_proto::ErrorReason;
use http::StatusCode;

use super::answer::{self, Leads};
use super::destination::Destination;
use super::view::{Problem, SignIn, SignedIn};
use super::visit::{Outcome, Visit, visit};
use super::{passkey, second_factor};
use crate::app::App;
use crate::auth::{Browser, Proven};

/// The longest name and password that are looked at, in bytes, as in `/v1`.
const USERNAME_BYTES_MAX: usize = 254;
const PASSWORD_BYTES_MAX: usize = 1024;

/// `GET`: the form, or who is signed in when there is nowhere to go on to.
pub async fn show(app: State<Arc<App>>, slug: Option<Path<String>>, request: Request) -> Response {
    visit(app, slug, request, async |visit, _| {
        let destination = Destination::read(visit, visit.asked().get("continue")).await?;
        visit.speak(&destination.locales);
        if destination.path.is_empty()
            && let Some(browser) = visit.browser().await?
        {
            let page = visit.page(visit.words.signed_in);
            let username = browser.user.username;
            let page = SignedIn { page, username };
            return Ok(answer::html(StatusCode::OK, &page, &Leads::default()));
        }
        let username = destination.login_hint.clone();
        Ok(form(visit, destination, username, StatusCode::OK, None))
    })
    .await
}

/// `POST`: signs in, and goes on.
pub async fn submit(
    app: State<Arc<App>>,
    slug: Option<Path<String>>,
    request: Request,
) -> Response {
    visit(app, slug, request, enter).await
}

async fn enter(visit: &mut Visit, body: Body) -> Outcome {
    let destination = Destination::read(visit, visit.asked().get("continue")).await?;
    visit.speak(&destination.locales);
    let fields = visit.form(body).await?;
    let (username, password) = (fields.get("username").trim(), fields.get("password"));
    let typed = username.to_owned();
    let problem = if username.is_empty() || username.len() > USERNAME_BYTES_MAX {
        Some(("username", visit.words.no_username))
    } else if password.is_empty() || password.len() > PASSWORD_BYTES_MAX {
        Some(("password", visit.words.no_password))
    } else {
        None
    };
    if let Some((field, text)) = problem {
        let problem = Some(Problem { field, text });
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(form(visit, destination, typed, status, problem));
    }
    let place = visit.organization.clone();
    let device = visit.device();
    let proven = Proven::by_password(&mut visit.gate, &place, username, password, device).await;
    let proven = match proven {
        Err(error) if error.reason() == ErrorReason::CredentialsInvalid => {
            visit.audit(&error).await;
            let (field, text) = ("username", visit.words.wrong_password);
            let problem = Some(Problem { field, text });
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(form(visit, destination, typed, status, problem));
        }
        proven => proven?,
    };
    let must_be_strong = destination.wants_two_factors;
    let remembered = visit.remembered().to_owned();
    let completed = proven.complete(&mut visit.gate, must_be_strong, &remembered);
    match completed.await? {
        Ok(proven) => go_on(visit, proven, &destination).await,
        Err(challenged) => second_factor::ask(visit, challenged, destination).await,
    }
}

/// The challenge is over: it begins again with the password.
pub fn again(visit: &Visit, destination: Destination) -> Response {
    start_over(visit, destination, visit.words.challenge_over)
}

/// It begins again, because of that.
pub fn start_over(visit: &Visit, destination: Destination, text: &'static str) -> Response {
    let field = "username";
    let problem = Some(Problem { field, text });
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    form(visit, destination, String::new(), status, problem)
}

/// Who she is, is known: the browser is signed in, and goes where it was going.
pub async fn go_on(visit: &mut Visit, proven: Proven, destination: &Destination) -> Outcome {
    let before = visit.browser().await?;
    let user = proven.user.id;
    let cookie = Browser::begin(&mut visit.gate, proven, before).await?;
    let mut response = match destination.path.as_str() {
        "" => answer::see_other(&format!("{}/signin", visit.base)),
        path => answer::see_other(path),
    };
    visit.keep(&mut response, &cookie);
    visit.keep_device(&mut response, user);
    Ok(response)
}

fn form(
    visit: &Visit,
    destination: Destination,
    username: String,
    status: StatusCode,
    problem: Option<Problem>,
) -> Response {
    let app = &visit.gate.app;
    let is_default = |id: OrganizationId| id == app.default_organization;
    let passkey = passkey::sign_in_form(visit, &destination, problem.is_some());
    let page = SignIn {
        page: visit.page(visit.words.sign_in),
        application: destination.application,
        username,
        is_wrong: problem.is_some(),
        problem,
        forgets: app.sign_in.forgot_password && visit.organization.password_sign_in,
        chooses: app.multi_tenant && is_default(visit.organization.id),
        passkey,
    };
    let leads = Leads::to(destination.source).with_script(page.passkey.is_some());
    answer::html(status, &page, &leads)
}
