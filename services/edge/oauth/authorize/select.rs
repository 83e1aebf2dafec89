//! Whether to go on as who is signed in, or as somebody else (`prompt=select_account`, OpenID
//! Connect Core §3.1.2.1).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;

use super::party::Party;
use super::wanted::Wanted;
use super::{Form, mistake, sign_in};
use crate::app::App;
use crate::auth::Browser;
use crate::edge::pages::answer::{Leads, html};
use crate::edge::pages::view::SelectAccount;
use crate::edge::pages::visit::Outcome;
use crate::edge::pages::{Visit, see_other, visit};

/// What the button says that goes on.
const GO_ON: &str = "go_on";

/// The question.
pub fn ask(visit: &Visit, party: &Party, form: &Form, browser: Browser) -> Response {
    let page = SelectAccount {
        page: visit.page(visit.words.account.select),
        application: party.application.name.clone(),
        action: format!("{}/oauth/select?{}", visit.base, form.query_without(&[])),
        username: browser.user.username,
    };
    html(StatusCode::OK, &page, &Leads::to(party.source()))
}

/// `POST` of the page: the request begins anew, without that question.
pub async fn submit(
    app: State<Arc<App>>,
    slug: Option<Path<String>>,
    request: Request,
) -> Response {
    visit(app, slug, request, chosen).await
}

async fn chosen(visit: &mut Visit, body: Body) -> Outcome {
    let fields = visit.form(body).await?;
    let form = Form::of_query(&visit.query).map_err(|refusal| mistake(&refusal))?;
    let party = Party::of(visit, &form).await?;
    let wanted = match Wanted::read(&party.application.settings, &form) {
        Ok(wanted) => wanted,
        Err(denial) => return Ok(party.refuse(visit, denial)),
    };
    if fields.get("account") != GO_ON {
        return Ok(sign_in(visit, &form, &wanted));
    }
    let mut query = form.query_without(&["prompt"]);
    if wanted.prompt.asks_consent {
        query.push_str("&prompt=consent");
    }
    Ok(see_other(&format!(
        "{}/oauth/authorize?{query}",
        visit.base
    )))
}
