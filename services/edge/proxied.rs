//! What a proxy asks about a request that wants to pass, and what it is told.
//!
//! A proxy is configured with a permission, or with a product whose routes say which permission a
//! request needs. The request's own bearer is who asks, so whoever calls these faces without a
//! proxy learns no more than Authorize would tell them.

use std::borrow::Cow;

use gatepost_core::mfa::Demand;
use gatepost_core::{Attributes, Revision, Snapshot};
use gatepost_proto::ErrorReason;
use gatepost_replica::{Ask, Caller, Gatekeeper, Want};
use http::StatusCode;

use super::identity::Identity;
use crate::context::Arrival;
use crate::error::{Error, Result};
use crate::gateway::problem;
use crate::run;

/// The name of an attribute in settings follows it.
const ATTRIBUTES: &str = "attributes.";
/// The reason of a request that no route takes.
const UNKNOWN_ROUTE: &str = "unknown_route";

/// How a proxy is configured for a route of its own.
#[derive(Debug, Default)]
pub struct Setting<'a> {
    /// The product; may be empty when resource and action are not.
    product: &'a str,
    resource: &'a str,
    action: &'a str,
    /// What is said of every request.
    attributes: Attributes,
}

impl<'a> Setting<'a> {
    /// Takes note of a setting. Those with other names are somebody else's.
    pub fn set(&mut self, name: &str, value: &'a str) {
        match name {
            "product" => self.product = value,
            "resource" => self.resource = value,
            "action" => self.action = value,
            name => {
                if let Some(attribute) = name.strip_prefix(ATTRIBUTES) {
                    self.attributes.insert(attribute.into(), value.into());
                }
            }
        }
    }
}

/// The request that wants to pass.
#[derive(Clone, Copy, Debug)]
pub struct Passing<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its path as sent, with or without its query.
    pub path: &'a str,
}

/// What a decision tells beside yes or no.
#[derive(Debug)]
pub struct Told {
    /// Who asked.
    pub identity: Identity,
    /// The revision of the organization that decided.
    pub revision: Revision,
    /// Why, in the words of Authorize, or `unknown_route`.
    pub reason: &'static str,
}

/// Why a request does not pass.
#[derive(Debug)]
pub struct Refusal {
    /// The reason for the client.
    pub reason: ErrorReason,
    /// 401, 403 or 503: what every proxy understands.
    pub status: StatusCode,
    /// One sentence for people.
    pub detail: Cow<'static, str>,
    /// What sign-in to ask for, if another one would do.
    demand: Option<Demand>,
}

/// Whether a request passes.
#[derive(Debug)]
pub enum Verdict {
    /// It does.
    Passes(Told),
    /// It does not; there is nothing to tell when nobody was proven to ask.
    Refused(Refusal, Option<Told>),
}

/// Judges a request by its bearer. `passing` is asked for only if routes are needed.
///
/// # Errors
/// Why there is no decision: [`refusal`] makes a refusal of it.
pub async fn judge<'a>(
    gatekeeper: &Gatekeeper,
    token: Result<Option<&str>>,
    setting: Result<Setting<'a>>,
    passing: impl FnOnce() -> Result<Passing<'a>>,
) -> Result<Verdict> {
    let missing = || Error::new(ErrorReason::TokenMissing, "this request needs a token");
    let token = token?.ok_or_else(missing)?;
    let caller = gatekeeper.authenticate(token, Want::default()).await?;
    let setting = setting?;
    let product = setting.product;
    let wanted = match wanted(&caller.present.system, setting, passing)? {
        Ok(wanted) => wanted,
        Err(no_permission) => return Ok(no_permission.verdict(&caller)),
    };
    let answer = caller.decide(&Ask {
        sub: "",
        product,
        resource: wanted.resource,
        action: wanted.action,
        attributes: &wanted.attributes,
    })?;
    let told = Told::new(&caller, answer.word());
    if answer.allowed {
        return Ok(Verdict::Passes(told));
    }
    let Wanted {
        resource, action, ..
    } = wanted;
    if let Some(demand) = answer.demand {
        return Ok(Verdict::Refused(Refusal::insufficient(demand), Some(told)));
    }
    let detail = if product.is_empty() {
        format!("this needs the permission `{resource}:{action}`")
    } else {
        format!("this needs the permission `{product}/{resource}:{action}`")
    };
    Ok(Verdict::Refused(Refusal::forbidden(detail), Some(told)))
}

/// A permission, and what is said of the thing.
struct Wanted<'a> {
    resource: &'a str,
    action: &'a str,
    attributes: Attributes,
}

/// There is no permission to ask for, so nobody has it.
struct NoPermission {
    reason: &'static str,
    detail: Cow<'static, str>,
}

impl NoPermission {
    fn verdict(self, caller: &Caller) -> Verdict {
        let told = Told::new(caller, self.reason);
        Verdict::Refused(Refusal::forbidden(self.detail), Some(told))
    }
}

/// The permission that a request needs: what is configured, else what a route of the product says.
///
/// What a path says of an attribute counts more than what is configured: it is what the product
/// will act on.
fn wanted<'w, 'a: 'w>(
    system: &'w Snapshot,
    setting: Setting<'a>,
    passing: impl FnOnce() -> Result<Passing<'a>>,
) -> Result<Result<Wanted<'w>, NoPermission>> {
    let Setting {
        product,
        resource,
        action,
        mut attributes,
    } = setting;
    let no = |reason, detail: &'static str| {
        let detail = Cow::Borrowed(detail);
        Ok(Err(NoPermission { reason, detail }))
    };
    match (resource, action, product) {
        ("", "", "") => {
            return no(
                "unknown_product",
                "the proxy is configured for no permission and no product",
            );
        }
        ("", "", _) => {}
        ("", ..) | (_, "", _) => {
            return no(
                "unknown_permission",
                "the proxy is configured for half a permission",
            );
        }
        (resource, action, _) => {
            return Ok(Ok(Wanted {
                resource,
                action,
                attributes,
            }));
        }
    }
    let Some(entry) = system.product(product) else {
        return no(
            "unknown_product",
            "the proxy is configured for an unknown product",
        );
    };
    let Passing { method, path } = passing()?;
    let Some(matched) = entry.route(method, path) else {
        let detail = format!("no route of `{product}` takes this request");
        return Ok(Err(NoPermission {
            reason: UNKNOWN_ROUTE,
            detail: detail.into(),
        }));
    };
    let variables = matched.variables();
    attributes.extend(variables.map(|(name, value)| (name.to_owned(), value.into_owned())));
    Ok(Ok(Wanted {
        resource: matched.resource,
        action: matched.action,
        attributes,
    }))
}

/// There is no decision, so nothing passes; the log is told.
pub fn refusal(face: &'static str, arrival: &Arrival, error: Error) -> Refusal {
    run::tell(face, arrival, &error);
    error.into()
}

impl Told {
    fn new(caller: &Caller, reason: &'static str) -> Self {
        Self {
            identity: Identity::new(caller),
            revision: caller.present.revision(),
            reason,
        }
    }
}

impl Refusal {
    fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason: ErrorReason::PermissionMissing,
            status: StatusCode::FORBIDDEN,
            detail: detail.into(),
            demand: None,
        }
    }

    /// She may, but not as she signed in: asked for like a missing token (RFC 9470 §3).
    fn insufficient(demand: Demand) -> Self {
        let acr = demand.acr();
        let detail = format!("this needs a newer or stronger sign-in: `acr_values={acr}`");
        Self {
            reason: ErrorReason::StrongerSignInNeeded,
            status: StatusCode::UNAUTHORIZED,
            detail: detail.into(),
            demand: Some(demand),
        }
    }

    /// What a 401 asks for (RFC 6750 §3).
    pub fn challenge(&self) -> String {
        match self.demand {
            Some(demand) => {
                let age = demand.max_age().map(|age| age.as_secs().to_string());
                problem::stronger(demand.acr(), age.as_deref())
            }
            None => "Bearer".to_owned(),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let reason = error.reason();
        let status = match reason.http_status() {
            StatusCode::UNAUTHORIZED => StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => {
                StatusCode::FORBIDDEN
            }
            // Everything else is no decision.
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        let ours = reason != ErrorReason::Internal;
        let detail = if ours {
            error.message().to_owned().into()
        } else {
            reason.title().into()
        };
        Self {
            reason,
            status,
            detail,
            demand: None,
        }
    }
}
