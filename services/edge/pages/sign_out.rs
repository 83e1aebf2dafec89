//! Signing out by oneself. What an application asks for is `edge/oauth/end_session.rs`.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;

use super::answer::{self, Leads};
use super::view::{SignOut, SignedOut};
use super::visit::{Visit, visit};
use crate::app::App;

/// `GET`: the question, or that nobody is signed in.
pub async fn show(app: State<Arc<App>>, slug: Option<Path<String>>, request: Request) -> Response {
    visit(app, slug, request, async |visit, _| {
        let Some(browser) = visit.browser().await? else {
            return Ok(signed_out(visit));
        };
        let page = SignOut {
            page: visit.page(visit.words.sign_out_question),
            action: format!("{}/signout", visit.base),
            username: browser.user.username,
        };
        Ok(answer::html(StatusCode::OK, &page, &Leads::default()))
    })
    .await
}

/// `POST`: signs out.
pub async fn submit(
    app: State<Arc<App>>,
    slug: Option<Path<String>>,
    request: Request,
) -> Response {
    visit(app, slug, request, async |visit, body| {
        visit.form(body).await?;
        if let Some(browser) = visit.browser().await? {
            browser.end(&mut visit.gate).await?;
        }
        let mut response = answer::see_other(&format!("{}/signout", visit.base));
        visit.keep(&mut response, "");
        Ok(response)
    })
    .await
}

/// The page of who has signed out.
pub fn signed_out(visit: &Visit) -> Response {
    let page = SignedOut {
        page: visit.page(visit.words.signed_out),
    };
    answer::html(StatusCode::OK, &page, &Leads::default())
}
