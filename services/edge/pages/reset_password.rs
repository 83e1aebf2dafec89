//! Setting a new password with a link that was mailed.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use gatepost_proto::ErrorReason;
use http::StatusCode;

use super::answer::{self, Leads};
use super::view::{NewPassword, Problem};
use super::visit::{Outcome, Trouble, Visit, visit};
use crate::app::App;
use crate::auth::{is_good_link, require_forgot_password, reset_by_link};

/// The longest password that is looked at, in bytes.
const PASSWORD_BYTES_MAX: usize = 1024;

/// `GET`: the form, if the link is good. Looking at it uses nothing up: programs that read mail
/// open links, too.
pub async fn show(app: State<Arc<App>>, slug: Option<Path<String>>, request: Request) -> Response {
    visit(app, slug, request, async |visit, _| {
        require_forgot_password(&visit.gate.app)?;
        if !is_good_link(&visit.gate, visit.asked().get("token")).await? {
            return Err(spent());
        }
        Ok(page(visit, StatusCode::OK, None, false))
    })
    .await
}

/// `POST`: sets the password.
pub async fn submit(
    app: State<Arc<App>>,
    slug: Option<Path<String>>,
    request: Request,
) -> Response {
    visit(app, slug, request, async |visit, body| {
        let fields = visit.form(body).await?;
        let password = fields.get("new_password");
        if password.is_empty() || password.len() > PASSWORD_BYTES_MAX {
            return Ok(again(visit, visit.words.no_password));
        }
        set(visit, password).await
    })
    .await
}

async fn set(visit: &mut Visit, password: &str) -> Outcome {
    let asked = visit.asked();
    let (token, language) = (asked.get("token"), visit.words.letters);
    match reset_by_link(&mut visit.gate, token, password, language).await {
        Ok(()) => Ok(page(visit, StatusCode::OK, None, true)),
        Err(error) if error.reason() == ErrorReason::PasswordRefused => {
            Ok(again(visit, visit.words.password_refused))
        }
        Err(error) if error.reason() == ErrorReason::ResetTokenInvalid => Err(spent()),
        Err(error) => Err(error.into()),
    }
}

fn spent() -> Trouble {
    Trouble::told(StatusCode::FORBIDDEN, |words| words.link_spent)
}

fn again(visit: &Visit, text: &'static str) -> Response {
    let field = "new_password";
    let problem = Some(Problem { field, text });
    page(visit, StatusCode::UNPROCESSABLE_ENTITY, problem, false)
}

fn page(visit: &Visit, status: StatusCode, problem: Option<Problem>, is_done: bool) -> Response {
    let page = NewPassword {
        page: visit.page(visit.words.set_password),
        problem,
        asks_old: false,
        is_done,
        done_text: visit.words.password_was_reset,
    };
    answer::html(status, &page, &Leads::default())
}
