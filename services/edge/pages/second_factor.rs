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
use super::enrol::{self, Enrolling};
use super::view::{PasskeyForm, Problem, SecondFactor};
use super::visit::{Fields, Outcome, Trouble, Visit, visit};
use super::{passkey, qr, sign_in};
use crate::app::App;
use crate::auth::{Challenged, Met, Proven, meet, offer_passkey, remember, send};
use crate::mfa::{Presented, SetUp};
use crate::passkey::Shown;

/// Digits of a passcode; whatever else is typed is a recovery code.
const PASSCODE_DIGITS: usize = 6;
/// Seconds of a day.
const DAY_S: u64 = 86_400;

/// What the page is about.
#[derive(Default)]
pub struct Asked {
    /// Names the challenge.
    pub token: String,
    /// The methods that count, as far as the page knows.
    pub methods: Vec<Method>,
    /// Of somebody who sets up her first factor.
    pub enrolling: Option<Enrolling>,
    /// What is told of a new factor.
    pub told: SetUp,
    /// Whether a code was sent just now.
    pub sent: bool,
    /// Whether the device is to be remembered.
    pub remembers: bool,
    /// What is wrong.
    pub problem: Option<&'static str>,
}

/// Asks for the second factor, or sets the first one up.
pub async fn ask(visit: &mut Visit, challenged: Challenged, place: Destination) -> Outcome {
    let Challenged { token, methods, .. } = challenged;
    if challenged.must_enrol {
        return enrol::begin(visit, token, &methods, place).await;
    }
    let asked = Asked {
        token,
        methods,
        ..Asked::default()
    };
    page(visit, asked, &place, StatusCode::OK).await
}

/// `POST`: meets the challenge, has a code sent, or sets a first factor up.
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
    if !fields.get("set_up").is_empty() {
        return enrol::go_on(visit, &fields, destination).await;
    }
    let enrolling = Enrolling::read(&fields);
    let asked = Asked {
        token: enrolling.token.clone(),
        enrolling: enrolling.method.is_some().then_some(enrolling),
        remembers: !fields.get("remember_device").is_empty(),
        ..Asked::default()
    };
    match Method::parse(fields.get("send")) {
        Some(method) => send_code(visit, asked, method, destination).await,
        None => meet_with(visit, asked, &fields, destination).await,
    }
}

async fn send_code(
    visit: &mut Visit,
    mut asked: Asked,
    method: Method,
    place: Destination,
) -> Outcome {
    if let Err(error) = send(&mut visit.gate, &asked.token, method).await {
        if error.reason() == ErrorReason::MfaTokenInvalid {
            return Ok(sign_in::again(visit, place));
        }
        return Err(error.into());
    }
    asked.sent = true;
    asked.methods = vec![method];
    page(visit, asked, &place, StatusCode::OK).await
}

async fn meet_with(
    visit: &mut Visit,
    mut asked: Asked,
    fields: &Fields,
    place: Destination,
) -> Outcome {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let code: String = fields.get("code").split_whitespace().collect();
    let passkey = Shown {
        ceremony: fields.get("ceremony"),
        credential: fields.get("credential"),
    };
    let passkey = Some(passkey).filter(|shown| !shown.credential.is_empty());
    if code.is_empty() && passkey.is_none() {
        asked.problem = Some(visit.words.no_code);
        return page(visit, asked, &place, status).await;
    }
    let is_passcode =
        code.len() == PASSCODE_DIGITS && code.bytes().all(|byte| byte.is_ascii_digit());
    let presented = Presented {
        method: asked.enrolling.as_ref().and_then(|one| one.method),
        passcode: if is_passcode { &code } else { "" },
        recovery_code: if is_passcode { "" } else { &code },
        passkey,
    };
    match meet(&mut visit.gate, &asked.token, presented).await {
        Ok(met) => go_on(visit, met, asked.remembers, &place).await,
        Err(error) if error.reason() == ErrorReason::MfaCodeInvalid => {
            asked.problem = Some(visit.words.wrong_code);
            page(visit, asked, &place, status).await
        }
        Err(error) if error.reason() == ErrorReason::PasskeyInvalid => {
            asked.problem = Some(visit.words.wrong_passkey);
            page(visit, asked, &place, status).await
        }
        Err(error) if error.reason() == ErrorReason::MfaTokenInvalid => {
            Ok(sign_in::again(visit, place))
        }
        Err(error) => Err(error.into()),
    }
}

/// The browser is signed in, and known without its second factor for a while if it is to be.
async fn go_on(visit: &mut Visit, met: Met, remembers: bool, place: &Destination) -> Outcome {
    let standing = &met.standing;
    let device = if remembers {
        remember(&visit.gate, &standing.tx, &standing.user).await?
    } else {
        None
    };
    let mut response = sign_in::go_on(visit, Proven::from(met), place).await?;
    if let Some(device) = device {
        visit.keep_remembered(&mut response, &device);
    }
    Ok(response)
}

/// Where the form of the page goes.
pub fn action(visit: &Visit, place: &Destination) -> String {
    format!("{}/signin/second-factor{}", visit.base, place.query())
}

/// The page.
///
/// # Errors
/// What the store answers.
pub async fn page(visit: &Visit, asked: Asked, place: &Destination, status: StatusCode) -> Outcome {
    let words = visit.words;
    let chosen = asked.enrolling.as_ref().map(|one| one.method);
    let asks_code = chosen != Some(Some(Method::Passkey));
    let form = passkey_form(visit, &asked, place).await?;
    let has = |method| asked.methods.contains(&method);
    let (title, hint) = match (&asked.enrolling, asked.sent) {
        (Some(_), _) => (words.enrol, words.code_hint),
        (None, true) => (words.second_factor, words.code_hint),
        (None, false) if asked.methods == [Method::Passkey] => {
            (words.second_factor, words.recovery_hint)
        }
        (None, false) => (words.second_factor, words.app_hint),
    };
    let field = if asks_code { "code" } else { "passkey" };
    let page = SecondFactor {
        page: visit.page(title),
        action: action(visit, place),
        mfa_token: asked.token,
        picture: qr::picture(&asked.told.url),
        secret: asked.told.secret,
        url: asked.told.url,
        recovery_codes: asked.told.recovery_codes,
        hint,
        sent: asked.sent,
        email: has(Method::Email),
        sms: has(Method::Sms),
        asks_code,
        passkey: form,
        enrolling: asked.enrolling,
        remember_days: visit.gate.app.mfa.remembered.as_secs() / DAY_S,
        remembers: asked.remembers,
        problem: asked.problem.map(|text| Problem { field, text }),
    };
    let leads = Leads::to(place.source.clone()).with_script(page.passkey.is_some());
    Ok(answer::html(status, &page, &leads))
}

/// A passkey instead of a code; of a first factor only when that was chosen.
async fn passkey_form(
    visit: &Visit,
    asked: &Asked,
    place: &Destination,
) -> Result<Option<PasskeyForm>, Trouble> {
    let chosen = asked.enrolling.as_ref().map(|one| one.method);
    if !matches!(chosen, None | Some(Some(Method::Passkey))) {
        return Ok(None);
    }
    let offered = offer_passkey(&visit.gate, &asked.token).await?;
    let action = action(visit, place);
    Ok(offered.map(|offer| PasskeyForm {
        mfa_token: asked.token.clone(),
        offered: asked
            .enrolling
            .as_ref()
            .map(|one| one.offered.clone())
            .unwrap_or_default(),
        ..passkey::factor_form(visit, offer, action)
    }))
}
