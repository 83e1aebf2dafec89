//! The second factor, between the password and the session.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use gatepost_core::mfa::Method;
use gatepost_proto::ErrorReason;
use http::StatusCode;

use super::answer::{self, Leads};
use super::destination::Destination;
use super::view::{Problem, SecondFactor};
use super::visit::{Outcome, Visit, visit};
use super::{passkey, sign_in};
use crate::app::App;
use crate::auth::{Challenged, Proven, enrol, meet, offer_passkey, send};
use crate::mfa::{Presented, SetUp};
use crate::passkey::Shown;

/// Digits of a passcode; whatever else is typed is a recovery code.
const PASSCODE_DIGITS: usize = 6;

/// What the page is about.
struct Asked {
    /// Names the challenge.
    token: String,
    /// The methods that count, as far as the page knows.
    methods: Vec<Method>,
    /// What is told of a new factor.
    told: SetUp,
    /// Whether a code was sent just now.
    sent: bool,
    /// What is wrong.
    problem: Option<&'static str>,
}

/// Asks for the second factor, or sets the first one up.
pub async fn ask(visit: &mut Visit, challenged: Challenged, place: &Destination) -> Outcome {
    let mut asked = Asked {
        token: challenged.token,
        methods: challenged.methods,
        told: SetUp::default(),
        sent: false,
        problem: None,
    };
    if challenged.must_enrol {
        // The strongest of those that need no more than is known, and no script.
        let plain = asked.methods.iter().copied();
        let strongest = plain.filter(|method| *method != Method::Passkey).min();
        let method = strongest.unwrap_or(Method::Passkey);
        asked.told = enrol(&mut visit.gate, &asked.token, method, "").await?;
        asked.sent = !matches!(method, Method::App | Method::Passkey);
        asked.methods = Vec::new();
    }
    page(visit, asked, place, StatusCode::OK).await
}

/// `POST`: meets the challenge, or has a code sent.
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
    let signed = fields.get("credential");
    let mut asked = Asked {
        token: fields.get("mfa_token").to_owned(),
        methods: Vec::new(),
        told: SetUp::default(),
        sent: false,
        problem: None,
    };
    if let Some(method) = Method::parse(fields.get("send")) {
        let sent = send(&mut visit.gate, &asked.token, method).await;
        if let Err(error) = sent {
            if error.reason() == ErrorReason::MfaTokenInvalid {
                let text = visit.words.challenge_over;
                return Ok(sign_in::again(visit, destination, text));
            }
            return Err(error.into());
        }
        asked.sent = true;
        asked.methods = vec![method];
        return page(visit, asked, &destination, StatusCode::OK).await;
    }
    let code: String = fields.get("code").split_whitespace().collect();
    let is_passcode =
        code.len() == PASSCODE_DIGITS && code.bytes().all(|byte| byte.is_ascii_digit());
    let presented = Presented {
        method: None,
        passcode: if is_passcode { &code } else { "" },
        recovery_code: if is_passcode { "" } else { &code },
        passkey: Some(Shown {
            ceremony: fields.get("ceremony"),
            credential: signed,
        })
        .filter(|shown| !shown.credential.is_empty()),
    };
    if code.is_empty() && signed.is_empty() {
        asked.problem = Some(visit.words.no_code);
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return page(visit, asked, &destination, status).await;
    }
    match meet(&mut visit.gate, &asked.token, presented).await {
        Ok(met) => sign_in::go_on(visit, Proven::from(met), &destination).await,
        Err(error) if error.reason() == ErrorReason::MfaCodeInvalid => {
            asked.problem = Some(visit.words.wrong_code);
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            page(visit, asked, &destination, status).await
        }
        Err(error) if error.reason() == ErrorReason::PasskeyInvalid => {
            asked.problem = Some(visit.words.wrong_passkey);
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            page(visit, asked, &destination, status).await
        }
        Err(error) if error.reason() == ErrorReason::MfaTokenInvalid => {
            let text = visit.words.challenge_over;
            Ok(sign_in::again(visit, destination, text))
        }
        Err(error) => Err(error.into()),
    }
}

async fn page(visit: &Visit, asked: Asked, place: &Destination, status: StatusCode) -> Outcome {
    let words = visit.words;
    // A passkey that is the only thing to set up has no code.
    let asks_code = asked.told.ceremony.is_empty();
    let is_new = !asked.told.secret.is_empty() || !asks_code;
    let has = |method| asked.methods.contains(&method);
    let title = if is_new {
        words.enrol
    } else {
        words.second_factor
    };
    let action = format!("{}/signin/second-factor{}", visit.base, place.query());
    let offered = offer_passkey(&visit.gate, &asked.token).await?;
    let passkey = offered.map(|offer| passkey::factor_form(visit, offer, &action, &asked.token));
    let field = if asks_code { "code" } else { "passkey" };
    let hint = if asked.sent || is_new {
        words.code_hint
    } else if asked.methods == [Method::Passkey] {
        words.recovery_hint
    } else {
        words.app_hint
    };
    let page = SecondFactor {
        page: visit.page(title),
        action,
        mfa_token: asked.token,
        secret: asked.told.secret,
        url: asked.told.url,
        recovery_codes: asked.told.recovery_codes,
        hint,
        sent: asked.sent,
        email: has(Method::Email),
        sms: has(Method::Sms),
        asks_code,
        passkey,
        problem: asked.problem.map(|text| Problem { field, text }),
    };
    let leads = Leads::to(place.source.clone()).with_script(page.passkey.is_some());
    Ok(answer::html(status, &page, &leads))
}
