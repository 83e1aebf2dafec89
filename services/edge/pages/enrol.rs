//! The first second factor of somebody who may not sign in without one: which one, and where its
//! codes go.

use axum::response::Response;
use gatepost_core::mfa::Method;
use gatepost_proto::ErrorReason;
use http::StatusCode;

use super::answer::{self, Leads};
use super::destination::Destination;
use super::view::{ChooseFactor, Problem};
use super::visit::{Fields, Outcome, Visit};
use super::{second_factor, sign_in};
use crate::auth::enrol;
use crate::mfa::SetUp;

/// What can be set up on a page, those first that need no script.
const CHOICES: [Method; 4] = [Method::App, Method::Email, Method::Sms, Method::Passkey];
/// What a button says that leads back to the choice.
const CHOOSE: &str = "choose";

/// Somebody who sets up a factor.
#[derive(Debug, Default)]
pub struct Enrolling {
    /// Names the challenge.
    pub token: String,
    /// What she may choose, separated by spaces. It says what the page shows; what counts is the
    /// policy.
    pub offered: String,
    /// What she chose, once she has.
    pub method: Option<Method>,
}

impl Enrolling {
    /// Reads what a form of ours says.
    pub fn read(fields: &Fields) -> Self {
        Self {
            token: fields.get("mfa_token").to_owned(),
            offered: fields.get("offered").to_owned(),
            method: Method::parse(fields.get("method")),
        }
    }

    fn offers(&self, method: Method) -> bool {
        self.offered.split(' ').any(|name| name == method.name())
    }

    /// Whether there is anything to choose.
    pub fn has_choice(&self) -> bool {
        self.offered.contains(' ')
    }
}

/// Asks which, when there is a choice.
pub async fn begin(
    visit: &mut Visit,
    token: String,
    methods: &[Method],
    place: Destination,
) -> Outcome {
    let can = |method: &&Method| **method != Method::Passkey || visit.gate.app.passkeys.is_some();
    let offered = CHOICES.iter().filter(|method| methods.contains(method));
    let offered = offered.filter(can);
    let offered: Vec<&str> = offered.map(|method| method.name()).collect();
    let enrolling = Enrolling {
        token,
        offered: offered.join(" "),
        method: None,
    };
    match offered.as_slice() {
        [one] if *one != Method::Sms.name() => {
            let only = Method::parse(one);
            set_up(visit, enrolling, only, "", place).await
        }
        _ => Ok(choose(visit, enrolling, &place, StatusCode::OK, None)),
    }
}

/// Does what the field `set_up` of a form asks for.
pub async fn go_on(visit: &mut Visit, fields: &Fields, place: Destination) -> Outcome {
    let enrolling = Enrolling::read(fields);
    match fields.get("set_up") {
        CHOOSE => Ok(choose(visit, enrolling, &place, StatusCode::OK, None)),
        name => {
            let phone: String = fields.get("phone").split([' ', '-', '(', ')']).collect();
            set_up(visit, enrolling, Method::parse(name), &phone, place).await
        }
    }
}

async fn set_up(
    visit: &mut Visit,
    mut enrolling: Enrolling,
    method: Option<Method>,
    phone: &str,
    place: Destination,
) -> Outcome {
    let words = visit.words.account;
    let Some(method) = method else {
        let problem = Problem {
            field: "choices",
            text: words.no_choice,
        };
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(choose(visit, enrolling, &place, status, Some(problem)));
    };
    let error = match enrol(&mut visit.gate, &enrolling.token, method, phone).await {
        Ok(told) => {
            enrolling.method = Some(method);
            return set_up_page(visit, enrolling, told, &place).await;
        }
        Err(error) => error,
    };
    let reason = error.reason();
    if reason == ErrorReason::MfaTokenInvalid {
        return Ok(sign_in::again(visit, place));
    }
    let said = [
        (ErrorReason::InvalidRequest, "phone", words.no_phone),
        (ErrorReason::FactorUnavailable, "choices", words.not_for_you),
        (ErrorReason::ProviderMissing, "choices", words.not_sent),
        (ErrorReason::DeliveryFailed, "choices", words.not_sent),
    ];
    let said = said.into_iter().find(|(known, ..)| *known == reason);
    let Some((_, field, text)) = said else {
        return Err(error.into());
    };
    let problem = Some(Problem { field, text });
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(choose(visit, enrolling, &place, status, problem))
}

async fn set_up_page(
    visit: &Visit,
    enrolling: Enrolling,
    told: SetUp,
    place: &Destination,
) -> Outcome {
    let sent = matches!(enrolling.method, Some(Method::Email | Method::Sms));
    let asked = second_factor::Asked {
        token: enrolling.token.clone(),
        told,
        sent,
        enrolling: Some(enrolling),
        ..second_factor::Asked::default()
    };
    second_factor::page(visit, asked, place, StatusCode::OK).await
}

fn choose(
    visit: &Visit,
    enrolling: Enrolling,
    place: &Destination,
    status: StatusCode,
    problem: Option<Problem>,
) -> Response {
    let page = ChooseFactor {
        page: visit.page(visit.words.enrol),
        action: second_factor::action(visit, place),
        app: enrolling.offers(Method::App),
        email: enrolling.offers(Method::Email),
        sms: enrolling.offers(Method::Sms),
        passkey: enrolling.offers(Method::Passkey),
        mfa_token: enrolling.token,
        offered: enrolling.offered,
        problem,
    };
    answer::html(status, &page, &Leads::to(place.source.clone()))
}
