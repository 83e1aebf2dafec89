//! Finding the organization's own page, in an installation of many.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use gatepost_core::name::Slug;
use gatepost_replica::ISSUERS;
use http::StatusCode;

use super::answer::{self, Leads};
use super::view::{ChooseOrganization, Problem};
use super::visit::{Visit, visit};
use crate::app::App;

/// `GET`: the form.
pub async fn show(app: State<Arc<App>>, request: Request) -> Response {
    visit(app, None, request, async |visit, _| {
        Ok(form(visit, String::new(), StatusCode::OK))
    })
    .await
}

/// `POST`: goes to the organization's page. Which organizations there are is no secret: each has
/// public metadata.
pub async fn submit(app: State<Arc<App>>, request: Request) -> Response {
    visit(app, None, request, async |visit, body| {
        let fields = visit.form(body).await?;
        let typed = fields.get("organization").trim().to_lowercase();
        let slug = Slug::parse(&typed).ok().map(Slug::into_string);
        let known = match &slug {
            Some(slug) => {
                let sign_in = visit.gate.app.store.sign_in().await?;
                sign_in.organization_by_slug(slug).await?
            }
            None => None,
        };
        Ok(match known {
            Some(known) => {
                let path = format!("{}{ISSUERS}{}/signin", visit.root, known.slug);
                answer::see_other(&path)
            }
            None => form(visit, typed, StatusCode::UNPROCESSABLE_ENTITY),
        })
    })
    .await
}

fn form(visit: &Visit, organization: String, status: StatusCode) -> Response {
    let problem = (status != StatusCode::OK).then_some(Problem {
        field: "organization",
        text: visit.words.no_organization,
    });
    let page = ChooseOrganization {
        page: visit.page(visit.words.choose_organization),
        organization,
        problem,
    };
    answer::html(status, &page, &Leads::default())
}
