//! Changing one's own password.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use gatepost_proto::ErrorReason;
use http::StatusCode;

use super::answer::{self, Leads};
use super::view::{NewPassword, Problem};
use super::visit::{Outcome, Visit, visit};
use crate::app::App;

/// The longest password that is looked at, in bytes.
const PASSWORD_BYTES_MAX: usize = 1024;

/// `GET`: the form; who is not signed in, signs in.
pub async fn show(app: State<Arc<App>>, slug: Option<Path<String>>, request: Request) -> Response {
    visit(app, slug, request, async |visit, _| {
        if visit.browser().await?.is_none() {
            return Ok(answer::see_other(&format!("{}/signin", visit.base)));
        }
        Ok(page(visit, StatusCode::OK, None, false))
    })
    .await
}

/// `POST`: changes it.
pub async fn submit(
    app: State<Arc<App>>,
    slug: Option<Path<String>>,
    request: Request,
) -> Response {
    visit(app, slug, request, change).await
}

async fn change(visit: &mut Visit, body: Body) -> Outcome {
    let fields = visit.form(body).await?;
    let Some(browser) = visit.browser().await? else {
        return Ok(answer::see_other(&format!("{}/signin", visit.base)));
    };
    let (old, new) = (fields.get("old_password"), fields.get("new_password"));
    for (field, typed) in [("old_password", old), ("new_password", new)] {
        if typed.is_empty() || typed.len() > PASSWORD_BYTES_MAX {
            return Ok(again(visit, field, visit.words.no_password));
        }
    }
    match browser.change_password(&mut visit.gate, old, new).await {
        Ok(()) => Ok(page(visit, StatusCode::OK, None, true)),
        Err(error) if error.reason() == ErrorReason::CredentialsInvalid => {
            let error = error.concerning(visit.organization.id, Some(browser.user.id));
            visit.audit(&error).await;
            let text = visit.words.wrong_present_password;
            Ok(again(visit, "old_password", text))
        }
        Err(error) if error.reason() == ErrorReason::PasswordRefused => {
            Ok(again(visit, "new_password", visit.words.password_refused))
        }
        Err(error) => Err(error.into()),
    }
}

fn again(visit: &Visit, field: &'static str, text: &'static str) -> Response {
    let problem = Some(Problem { field, text });
    page(visit, StatusCode::UNPROCESSABLE_ENTITY, problem, false)
}

fn page(visit: &Visit, status: StatusCode, problem: Option<Problem>, is_done: bool) -> Response {
    let page = NewPassword {
        page: visit.page(visit.words.change_password),
        problem,
        asks_old: true,
        is_done,
        done_text: visit.words.password_was_changed,
    };
    answer::html(status, &page, &Leads::default())
}
