//! `Authorize`: the hot path. It reads two snapshot pointers and a remembered token, and answers.
//!
//! It does not go through `run`: there is no transaction, no audit record and no permission to
//! check before the question itself.

use gatepost_core::snapshot::ProductEntry;
use gatepost_core::{Decision, NO_ATTRIBUTES, Question, Reason, Subject, decide};
use gatepost_proto::ErrorReason;
use gatepost_proto::authorize::v1::{AuthorizeRequest, AuthorizeResponse};
use gatepost_proto::rpc::Rpc;
use metrics::Counter;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use crate::app::App;
use crate::clock::new_id;
use crate::context::{Arrival, Caller};
use crate::error::{Error, Result};
use crate::run::{at_revision, authenticate, min_revision, refuse, validate};

/// How old clients of machines name the product: `admin/<product>-editor-role`.
const LEGACY_OWNER: &str = "admin";
const LEGACY_ROLE: &str = "-editor-role";

/// Counts decisions. The counters are found once: looking one up costs as much as a decision.
pub struct Counters {
    allowed: Counter,
    denied: Counter,
}

impl Counters {
    /// The counters of the recorder that the process has.
    pub fn new() -> Self {
        let count = |answer| metrics::counter!("gatepost_decisions_total", "answer" => answer);
        Self {
            allowed: count("allow"),
            denied: count("deny"),
        }
    }

    fn of(&self, allowed: bool) -> &Counter {
        if allowed { &self.allowed } else { &self.denied }
    }
}

/// Handles the RPC.
pub async fn authorize(
    app: &App,
    counters: &Counters,
    request: Request<AuthorizeRequest>,
) -> Result<Response<AuthorizeResponse>, Status> {
    let (metadata, extensions, question) = request.into_parts();
    match decision(app, &metadata, &question).await {
        Ok(response) => {
            counters.of(response.get_ref().authorized).increment(1);
            Ok(response)
        }
        Err(error) => {
            let arrival = extensions
                .get::<Arrival>()
                .cloned()
                .unwrap_or_else(Arrival::inside);
            Err(refuse(AuthorizeRequest::NAME, &arrival, error))
        }
    }
}

async fn decision(
    app: &App,
    metadata: &MetadataMap,
    question: &AuthorizeRequest,
) -> Result<Response<AuthorizeResponse>> {
    let least = min_revision(metadata)?.max(question.min_revision);
    let caller = authenticate(app, metadata, least).await?;
    validate(question)?;
    let (subject, product) = subject(&caller, question)?;
    let decision = match product {
        Some(product) => judge(&caller, subject, product, question),
        None => Decision {
            allowed: false,
            reason: Reason::UnknownProduct,
        },
    };
    let revision = caller.present.organization.revision();
    let now = app.clock.now();
    let response = AuthorizeResponse {
        authorized: decision.allowed,
        reason: word(decision.reason).to_owned(),
        revision,
        decision_id: new_id(now).to_string(),
        timestamp: Some(now.into()),
        freshness: None,
    };
    Ok(at_revision(revision, response))
}

/// A product to ask, if one was named.
type Product<'a> = Option<&'a str>;

/// Who the question is about, and of which product; `None` for the product when the two places
/// that name one disagree.
fn subject<'a>(
    caller: &Caller,
    question: &'a AuthorizeRequest,
) -> Result<(Subject, Option<Product<'a>>)> {
    let product = Some(question.product.as_str()).filter(|product| !product.is_empty());
    if question.sub.is_empty() || is_oneself(caller, &question.sub) {
        return Ok((caller.subject(), Some(product)));
    }
    if let Some(named) = legacy_product(caller, &question.sub) {
        let agree = product.is_none_or(|product| same_product(caller, product, named));
        return Ok((caller.subject(), agree.then_some(Some(named))));
    }
    Ok((other(caller, &question.sub)?, Some(product)))
}

/// Compares with the token's own claims, so that a token from before the organization got another
/// slug still means its bearer.
fn is_oneself(caller: &Caller, sub: &str) -> bool {
    let claims = &caller.token.claims;
    match caller.subject() {
        Subject::Application(_) => sub == claims.sub,
        Subject::User(_) => {
            let id = sub
                .strip_prefix(claims.owner.as_str())
                .and_then(|id| id.strip_prefix('/'));
            id == Some(claims.sub.as_str())
        }
    }
}

/// The product in the form that old clients of machines send. Only the product is read from it:
/// the machine's own grants decide, never the role that it names.
fn legacy_product<'a>(caller: &Caller, sub: &'a str) -> Option<&'a str> {
    let Subject::Application(_) = caller.subject() else {
        return None;
    };
    let role = sub.strip_prefix(LEGACY_OWNER)?.strip_prefix('/')?;
    role.strip_suffix(LEGACY_ROLE)
        .filter(|product| !product.is_empty())
}

fn same_product(caller: &Caller, left: &str, right: &str) -> bool {
    let system = &caller.present.system;
    let slug = |name| system.product(name).map(ProductEntry::slug);
    left == right || (slug(left).is_some() && slug(left) == slug(right))
}

/// Somebody else, whom only the permitted may ask about.
fn other(caller: &Caller, sub: &str) -> Result<Subject> {
    if !caller.may("gatepost", "subjects", "ask").allowed {
        let message = "`sub` names somebody else; that needs `gatepost/subjects:ask`";
        return Err(Error::new(ErrorReason::SubjectForeign, message));
    }
    let unknown = || Error::new(ErrorReason::SubjectUnknown, "nobody has this `sub`");
    let (owner, id) = sub.split_once('/').ok_or_else(unknown)?;
    let organization = &caller.present.organization;
    let slug = organization.organization().map(|own| &*own.slug);
    if slug != Some(owner) {
        return Err(unknown());
    }
    let user = id
        .parse()
        .ok()
        .filter(|id| organization.user(*id).is_some());
    let application = id
        .parse()
        .ok()
        .filter(|id| organization.application(*id).is_some());
    let subject = user
        .map(Subject::User)
        .or(application.map(Subject::Application));
    subject.ok_or_else(unknown)
}

fn judge(
    caller: &Caller,
    subject: Subject,
    product: Product<'_>,
    question: &AuthorizeRequest,
) -> Decision {
    let question = Question {
        product,
        resource: &question.resource,
        action: &question.action,
        attributes: &NO_ATTRIBUTES,
    };
    decide(caller.present.view(), subject, question)
}

/// The reason as the contract words it. None is `suspended` or `expired`: client libraries turn
/// those into a 401.
fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::Granted => "granted",
        Reason::Denied => "denied",
        Reason::NoGrant => "permission",
        Reason::AttributesUnmet => "attributes",
        Reason::UnknownProduct => "unknown_product",
        Reason::UnknownPermission => "unknown_permission",
        Reason::SubjectUnknown => "subject_unknown",
        Reason::OrganizationSuspended | Reason::SubjectSuspended => "subject_disabled",
    }
}
