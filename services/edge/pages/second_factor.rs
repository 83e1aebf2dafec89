//! The second factor, between the password and the session.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use gatepost_core::mfa::Method;
use gatepost_proto::ErrorReason;
use http::StatusCode;
use url::form_urlencoded::byte_serialize;

use super::answer::{self, Leads};
use super::destination::Destination;
use super::sign_in;
use super::view::{Problem, SecondFactor};
use super::visit::{Outcome, Visit, visit};
use crate::app::App;
use crate::auth::{Challenged, Proven, enrol, meet, send};
use crate::mfa::{Presented, SetUp};

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
        // The strongest of those that need no more than is known.
        let strongest = asked.methods.iter().copied().min();
        let method = strongest.unwrap_or(Method::App);
        asked.told = enrol(&mut visit.gate, &asked.token, method, "").await?;
        asked.sent = method != Method::App;
        asked.methods = Vec::new();
    }
    Ok(page(visit, asked, place, StatusCode::OK))
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
                return Ok(sign_in::again(visit, destination));
            }
            return Err(error.into());
        }
        asked.sent = true;
        asked.methods = vec![method];
        return Ok(page(visit, asked, &destination, StatusCode::OK));
    }
    let code: String = fields.get("code").split_whitespace().collect();
    let is_passcode =
        code.len() == PASSCODE_DIGITS && code.bytes().all(|byte| byte.is_ascii_digit());
    let presented = Presented {
        method: None,
        passcode: if is_passcode { &code } else { "" },
        recovery_code: if is_passcode { "" } else { &code },
    };
    if code.is_empty() {
        asked.problem = Some(visit.words.no_code);
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(page(visit, asked, &destination, status));
    }
    match meet(&mut visit.gate, &asked.token, presented).await {
        Ok(met) => sign_in::go_on(visit, Proven::from(met), &destination).await,
        Err(error) if error.reason() == ErrorReason::MfaCodeInvalid => {
            asked.problem = Some(visit.words.wrong_code);
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(page(visit, asked, &destination, status))
        }
        Err(error) if error.reason() == ErrorReason::MfaTokenInvalid => {
            Ok(sign_in::again(visit, destination))
        }
        Err(error) => Err(error.into()),
    }
}

fn page(visit: &Visit, asked: Asked, place: &Destination, status: StatusCode) -> Response {
    let words = visit.words;
    let is_new = !asked.told.secret.is_empty();
    let has = |method| asked.methods.contains(&method);
    let title = if is_new {
        words.enrol
    } else {
        words.second_factor
    };
    let field = "code";
    let query = match place.path.as_str() {
        "" => String::new(),
        path => {
            let path: String = byte_serialize(path.as_bytes()).collect();
            format!("?continue={path}")
        }
    };
    let page = SecondFactor {
        page: visit.page(title),
        action: format!("{}/signin/second-factor{query}", visit.base),
        mfa_token: asked.token,
        secret: asked.told.secret,
        url: asked.told.url,
        recovery_codes: asked.told.recovery_codes,
        hint: if asked.sent || is_new {
            words.code_hint
        } else {
            words.app_hint
        },
        sent: asked.sent,
        email: has(Method::Email),
        sms: has(Method::Sms),
        problem: asked.problem.map(|text| Problem { field, text }),
    };
    answer::html(status, &page, &Leads::to(place.source.clone()))
}
