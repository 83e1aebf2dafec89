//! One's own passkeys: adding one, calling it something else, removing it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use gatepost_core::mfa::{ACR_TWO_FACTORS, acr_of};
use gatepost_proto::ErrorReason;
use gatepost_store::Passkey;
use http::StatusCode;
use time::OffsetDateTime;
use uuid::Uuid;

use super::answer::{self, Leads};
use super::view::{PasskeyForm, PasskeyItem, Passkeys, Problem};
use super::visit::{Fields, Outcome, Trouble, Visit, visit};
use crate::app::App;
use crate::auth::Browser;
use crate::context::Audit;
use crate::error::{Error, Result};
use crate::mfa::{self, Factors, Refused, first_recovery_codes};
use crate::passkey::{
    Bound, Registration, Shown, begin_registration, finish_registration, invalid, keep, name_of,
    remove, take,
};

/// Why no passkey can be added.
const NONE_MORE: [ErrorReason; 3] = [
    ErrorReason::FactorUnavailable,
    ErrorReason::LimitReached,
    ErrorReason::PasskeysUnavailable,
];

/// What the page says beside what there is.
#[derive(Default)]
struct Said {
    /// What was done.
    done: &'static str,
    /// What is wrong.
    problem: Option<Problem>,
    /// Recovery codes, which are told once.
    recovery_codes: Vec<String>,
}

/// `GET`: what there is.
pub async fn show(app: State<Arc<App>>, slug: Option<Path<String>>, request: Request) -> Response {
    visit(
        app,
        slug,
        request,
        async |visit, _| match require_browser(visit).await? {
            Ok(browser) => page(visit, &browser, StatusCode::OK, Said::default()).await,
            Err(elsewhere) => Ok(elsewhere),
        },
    )
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
    let browser = match require_browser(visit).await? {
        Ok(browser) => browser,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let words = visit.words;
    let done = match fields.get("do") {
        "rename" => rename(visit, &browser, &fields).await,
        "remove" => delete(visit, &browser, &fields).await,
        _ => add(visit, &browser, &fields).await,
    };
    let error = match done {
        Ok(said) => return page(visit, &browser, StatusCode::OK, said).await,
        Err(error) => error,
    };
    let said = [
        (ErrorReason::PasskeyInvalid, words.passkey_trouble),
        (ErrorReason::NameTaken, words.passkey_trouble),
        (ErrorReason::InvalidRequest, words.bad_name),
        (ErrorReason::LimitReached, words.too_many_passkeys),
        (ErrorReason::FactorRequired, words.last_factor),
    ];
    let said = said
        .into_iter()
        .find(|(reason, _)| *reason == error.reason());
    let Some((_, text)) = said else {
        return Err(error.into());
    };
    let field = "passkey";
    let problem = Some(Problem { field, text });
    let said = Said {
        problem,
        ..Said::default()
    };
    page(visit, &browser, StatusCode::UNPROCESSABLE_ENTITY, said).await
}

/// Who is signed in, lately and with a second factor if there is one; or the way to be.
async fn require_browser(visit: &Visit) -> Result<std::result::Result<Browser, Response>, Trouble> {
    let here = format!("{}/passkeys", visit.base);
    let sign_in = |more: &str| {
        let there = format!("{}/signin?continue={here}{more}", visit.base);
        answer::see_other(&there)
    };
    let Some(browser) = visit.browser().await? else {
        return Ok(Err(sign_in("")));
    };
    let tx = visit.gate.app.store.read(visit.organization.id).await?;
    let factors = Factors::of(&tx, browser.user.id).await?;
    let session = &browser.session;
    let is_strong = acr_of(&session.methods) == ACR_TWO_FACTORS;
    if !is_strong && !factors.methods().is_empty() {
        return Ok(Err(sign_in("%3Fstronger")));
    }
    let most = visit.gate.app.mfa.change_max_age;
    if !most.is_zero() && session.signed_in_at + most < visit.gate.now {
        return Ok(Err(sign_in("")));
    }
    Ok(Ok(browser))
}

async fn rename(visit: &mut Visit, browser: &Browser, fields: &Fields) -> Result<Said> {
    let name = name_of(fields.get("name"))?;
    let id = id_of(fields)?;
    let tx = visit.gate.app.store.write(visit.organization.id).await?;
    let renamed = tx.mfa().rename_passkey(browser.user.id, id, &name);
    if !renamed.await? {
        return Err(Error::not_found("passkey"));
    }
    let audit = record(visit, browser, "passkey.rename", id);
    visit.gate.commit(tx, audit).await?;
    Ok(Said {
        done: visit.words.name_was_saved,
        ..Said::default()
    })
}

async fn delete(visit: &mut Visit, browser: &Browser, fields: &Fields) -> Result<Said> {
    let id = id_of(fields)?;
    let tx = visit.gate.app.store.write(visit.organization.id).await?;
    remove(&tx, browser.user.id, id).await?;
    let audit = record(visit, browser, "passkey.delete", id);
    visit.gate.commit(tx, audit).await?;
    Ok(Said {
        done: visit.words.passkey_was_removed,
        ..Said::default()
    })
}

async fn add(visit: &mut Visit, browser: &Browser, fields: &Fields) -> Result<Said> {
    let (app, now, user) = (&visit.gate.app, visit.gate.now, &browser.user);
    let shown = Shown {
        ceremony: fields.get("ceremony"),
        credential: fields.get("credential"),
    };
    let bound = Bound::Registration(user.id, browser.session.id.uuid());
    let made = match take::<Registration>(app, bound, shown.ceremony, now).await? {
        Ok(state) => finish_registration(app, user, &state, (shown, fields.get("name")), now)?,
        Err(refusal) => Err(refusal),
    };
    let made = match made {
        Ok(made) => made,
        Err(refusal) => {
            let refused = Refused {
                organization: visit.organization.id,
                actor: mfa::actor(user),
                user: user.id,
                reason: refusal.reason(),
            };
            refused.tell(app, now, &visit.gate.arrival).await?;
            return Err(invalid());
        }
    };
    let tx = app.store.write(visit.organization.id).await?;
    let factors = Factors::of(&tx, user.id).await?;
    let recovery_codes = first_recovery_codes(app, &tx, user.id, &factors).await?;
    keep(&tx, &made).await?;
    let audit = record(visit, browser, "mfa.verify", made.id);
    visit.gate.commit(tx, audit).await?;
    Ok(Said {
        done: visit.words.passkey_was_added,
        recovery_codes,
        ..Said::default()
    })
}

fn id_of(fields: &Fields) -> Result<Uuid> {
    let id = fields.get("id").parse();
    id.map_err(|_| Error::not_found("passkey"))
}

fn record(visit: &Visit, browser: &Browser, action: &str, id: Uuid) -> Audit {
    let actor = mfa::actor(&browser.user);
    let mut audit = Audit::new(actor, action, visit.gate.now, &visit.gate.arrival);
    audit.target("passkey", id);
    audit
}

async fn page(visit: &Visit, browser: &Browser, status: StatusCode, said: Said) -> Outcome {
    let app = &visit.gate.app;
    let tx = app.store.read(visit.organization.id).await?;
    let user = &browser.user;
    let factors = Factors::of(&tx, user.id).await?;
    let bound = Bound::Registration(user.id, browser.session.id.uuid());
    let whose = (&visit.organization, user);
    let begun = begin_registration(app, &tx, whose, &factors, bound, visit.gate.now).await;
    let begun = match begun {
        Ok(begun) => Some(begun),
        Err(error) if NONE_MORE.contains(&error.reason()) => None,
        Err(error) => return Err(error.into()),
    };
    let passkey = begun.map(|begun| PasskeyForm {
        action: format!("{}/passkeys", visit.base),
        kind: "create",
        ceremony: begun.ceremony,
        options: begun.options,
        mfa_token: String::new(),
        offered: String::new(),
        is_named: true,
        label: visit.words.add_passkey,
    });
    let leads = Leads {
        script: passkey.is_some(),
        ..Leads::default()
    };
    let present = tx.mfa().passkeys(user.id).await?;
    let page = Passkeys {
        page: visit.page(visit.words.passkeys),
        username: user.username.clone(),
        items: present.into_iter().map(item).collect(),
        done: said.done,
        problem: said.problem,
        recovery_codes: said.recovery_codes,
        passkey,
    };
    Ok(answer::html(status, &page, &leads))
}

fn item(passkey: Passkey) -> PasskeyItem {
    let day = |at: OffsetDateTime| at.date().to_string();
    PasskeyItem {
        id: passkey.id.to_string(),
        name: passkey.name,
        added: day(passkey.created_at),
        used: passkey.last_used_at.map(day).unwrap_or_default(),
        backed_up: passkey.backed_up,
    }
}
