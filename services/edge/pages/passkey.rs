//! Passkeys on pages: what the script is told, and a sign-in with one.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use gatepost_proto::ErrorReason;

use super::destination::Destination;
use super::sign_in;
use super::view::PasskeyForm;
use super::visit::{Outcome, Visit, visit};
use crate::app::App;
use crate::auth::{Offer, Proven};
use crate::passkey::{Begun, Bound, Shown, begin_assertion};

/// What the sign-in page offers, where there can be passkeys. Who was refused just now chooses what
/// to try next: then nothing is offered that a browser may do by itself.
pub fn sign_in_form(
    visit: &Visit,
    destination: &Destination,
    is_refused: bool,
) -> Option<PasskeyForm> {
    let bound = Bound::Browser(visit.browser_key());
    let gate = &visit.gate;
    let begun = begin_assertion(&gate.app, bound, Vec::new(), gate.now).ok()?;
    Some(PasskeyForm {
        action: format!("{}/signin/passkey{}", visit.base, destination.query()),
        kind: if is_refused { "get" } else { "autofill" },
        ceremony: begun.ceremony,
        options: begun.options,
        mfa_token: String::new(),
        offered: String::new(),
        is_named: false,
        label: visit.words.sign_in_with_passkey,
    })
}

/// What the page of a challenge offers.
pub fn factor_form(visit: &Visit, offer: Offer, action: String) -> PasskeyForm {
    let (kind, label, begun): (_, _, Begun) = match offer {
        Offer::Use(begun) => ("get", visit.words.use_passkey, begun),
        Offer::Make(begun) => ("create", visit.words.add_passkey, begun),
    };
    PasskeyForm {
        action,
        kind,
        ceremony: begun.ceremony,
        options: begun.options,
        mfa_token: String::new(),
        offered: String::new(),
        is_named: false,
        label,
    }
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
    let shown = Shown {
        ceremony: fields.get("ceremony"),
        credential: fields.get("credential"),
    };
    let place = visit.organization.clone();
    let key = visit.browser_key().to_owned();
    let bound = Bound::Browser(&key);
    match Proven::by_passkey(&mut visit.gate, &place, bound, shown).await {
        Ok((proven, attempts)) => {
            let response = sign_in::go_on(visit, proven, &destination).await?;
            attempts.succeeded(&visit.gate.app).await?;
            Ok(response)
        }
        Err(error) if error.reason() == ErrorReason::PasskeyInvalid => {
            let text = visit.words.wrong_passkey;
            Ok(sign_in::start_over(visit, destination, text))
        }
        Err(error) => Err(error.into()),
    }
}
