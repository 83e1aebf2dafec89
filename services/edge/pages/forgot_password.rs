//! Asking for a link to set a new password.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;

use super::answer::{self, Leads};
use super::view::{ForgotPassword, Problem};
use super::visit::{Visit, visit};
use crate::app::App;
use crate::auth::{Place, mail_link, require_forgot_password};

/// The longest name that is looked at, in bytes, as in `/v1`.
const USERNAME_BYTES_MAX: usize = 254;

/// `GET`: the form.
pub async fn show(app: State<Arc<App>>, slug: Option<Path<String>>, request: Request) -> Response {
    visit(app, slug, request, async |visit, _| {
        require_forgot_password(&visit.gate.app)?;
        Ok(page(visit, StatusCode::OK, None, false))
    })
    .await
}

/// `POST`: mails the link, to whom the name means, if to anybody. The page is the same.
pub async fn submit(
    app: State<Arc<App>>,
    slug: Option<Path<String>>,
    request: Request,
) -> Response {
    visit(app, slug, request, async |visit, body| {
        let fields = visit.form(body).await?;
        let username = fields.get("username").trim();
        if username.is_empty() || username.len() > USERNAME_BYTES_MAX {
            let (field, text) = ("username", visit.words.no_username);
            let problem = Some(Problem { field, text });
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(page(visit, status, problem, false));
        }
        let place = Place::In(visit.organization.clone());
        mail_link(&visit.gate, username, place, visit.words.letters).await?;
        Ok(page(visit, StatusCode::OK, None, true))
    })
    .await
}

fn page(visit: &Visit, status: StatusCode, problem: Option<Problem>, is_sent: bool) -> Response {
    let page = ForgotPassword {
        page: visit.page(visit.words.forgot_password),
        problem,
        is_sent,
    };
    answer::html(status, &page, &Leads::default())
}
