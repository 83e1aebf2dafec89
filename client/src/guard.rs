//! Guards: one decision before each call of a product.
//!
//! ```no_run
//! # #[cfg(feature = "axum")] {
//! use axum::{Router, routing::get};
//! use gatepost_client::guard::Guard;
//!
//! # async fn list() {}
//! # fn routes() -> Result<Router, gatepost_client::guard::SettingError> {
//! let guard = Guard::from_env("midaz")?;
//! let routes = Router::new()
//!     .route("/v1/accounts", get(list).layer(guard.needs("accounts", "get")));
//! # Ok(routes)
//! # }
//! # }
//! ```
//!
//! A guard fails closed: no token is 401, a no is 403, and no answer in time is 503.

mod bearer;
mod decision;
mod environment;
mod judge;
#[cfg(any(feature = "axum", feature = "tonic"))]
mod pass;
mod refusal;
#[cfg(feature = "axum")]
mod route;
#[cfg(feature = "tonic")]
mod rpc;
mod tally;

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use gatepost_proto::authorize::v1::{AuthorizeRequest, AuthorizeResponse};
use http::HeaderMap;
use tokio::sync::Semaphore;
use tonic::Status;

use self::judge::Asked;
use self::tally::Tally;

use crate::error::innermost;
pub use decision::{Attributes, Decision, Need, Subject};
pub use environment::SettingError;
pub use judge::{Judge, Remote};
pub use refusal::{Challenge, Refusal};
#[cfg(feature = "axum")]
pub use route::{GuardedRoute, RouteGuard};
#[cfg(feature = "tonic")]
pub use rpc::{GuardedRpcs, RpcGuard};

/// How long a check may take. A decision takes a tenth of a millisecond on the same network; who
/// has waited five has met trouble, and a caller who can try again is better off knowing.
const DEADLINE: Duration = Duration::from_millis(5);
/// How many checks may be under way at once.
const CONCURRENT_MAX: usize = 512;
/// How often the log tells that calls pass without a check.
const TELL_OFF: Duration = Duration::from_mins(1);
/// How often the log tells of trouble, which a stranger may be able to make at will.
const TELL_TROUBLE: Duration = Duration::from_secs(10);

/// Guards the routes of one product. Clones share everything.
#[derive(Clone, Debug)]
pub struct Guard {
    /// None when the guard is off.
    judge: Option<Judge>,
    product: Arc<str>,
    audience: Option<Arc<str>>,
    deadline: Duration,
    permits: Arc<Semaphore>,
    unchecked: Arc<Tally>,
    unavailable: Arc<Tally>,
    misfits: Arc<Tally>,
}

impl Guard {
    /// A guard that asks this judge, for example a [`Client`](crate::Client), about this product.
    /// Needs a tokio runtime.
    pub fn new(judge: impl Into<Judge>, product: impl Into<String>) -> Self {
        let judge = judge.into();
        judge.prepare();
        Self::build(Some(judge), product.into())
    }

    /// A guard that lets everything pass, and says so in the log: at once, and once a minute.
    pub fn off(product: impl Into<String>) -> Self {
        let guard = Self::build(None, product.into());
        let product = &*guard.product;
        tracing::warn!(product, "THE GUARD IS OFF: everybody may do everything");
        guard
    }

    fn build(judge: Option<Judge>, product: String) -> Self {
        Self {
            judge,
            product: product.into(),
            audience: None,
            deadline: DEADLINE,
            permits: Arc::new(Semaphore::new(CONCURRENT_MAX)),
            unchecked: Arc::new(Tally::new(TELL_OFF)),
            unavailable: Arc::new(Tally::new(TELL_TROUBLE)),
            misfits: Arc::new(Tally::new(TELL_TROUBLE)),
        }
    }

    /// Lets only those tokens pass that were asked for this audience (`resource`, RFC 8707), which
    /// no other product can have been given. Without this, any token of the installation is asked
    /// about: the question names the product.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into().into());
        self
    }

    /// Lets a check take so long; 5 ms by default, everything included.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Lets so many checks be under way at once; 512 by default. One more is refused at once with
    /// 503, instead of waiting in a queue that only grows.
    #[must_use]
    pub fn concurrent(mut self, checks_max: usize) -> Self {
        self.permits = Arc::new(Semaphore::new(checks_max.min(Semaphore::MAX_PERMITS)));
        self
    }

    /// Whether it is on.
    pub fn is_on(&self) -> bool {
        self.judge.is_some()
    }

    /// How many calls have passed unchecked because the guard is off, for the product's metrics.
    pub fn unchecked(&self) -> u64 {
        self.unchecked.count()
    }

    /// How many calls were refused because there was no decision, for the product's metrics.
    pub fn unavailable(&self) -> u64 {
        self.unavailable.count()
    }

    /// Checks a call by hand: for whom a layer cannot see what matters, such as an attribute
    /// inside a message. `headers` are those of the call; tonic has them as
    /// `request.metadata().as_ref()`. There is no decision when the guard is off.
    ///
    /// # Errors
    /// The call must not pass. `tonic::Status::from` makes the answer of it over gRPC,
    /// `Refusal::response` over HTTP.
    pub async fn check(
        &self,
        headers: &HeaderMap,
        need: &Need,
    ) -> Result<Option<Decision>, Refusal> {
        let Some(judge) = &self.judge else {
            self.pass_unchecked();
            return Ok(None);
        };
        let token = bearer::bearer(headers)?;
        let Ok(_permit) = self.permits.try_acquire() else {
            return Err(self.fail("too many checks are under way"));
        };
        let asked = Asked {
            token,
            headers,
            question: self.question(need),
        };
        let answer = match tokio::time::timeout(self.deadline, judge.answer(asked)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(status)) => return Err(self.failed(judge, need, &status)),
            Err(_) => {
                judge.prepare();
                return Err(self.fail("no answer before the deadline"));
            }
        };
        if !answer.authorized {
            return Err(self.refused(need, answer));
        }
        match Decision::about(token, answer) {
            Some(decision) if !self.is_for_us(&decision) => {
                tracing::debug!("a token is for another audience");
                Err(Refusal::Unauthenticated(Challenge::Invalid))
            }
            Some(decision) => Ok(Some(decision)),
            None => Err(self.fail("the token of an allowed caller names nobody")),
        }
    }

    fn is_for_us(&self, decision: &Decision) -> bool {
        let mut audiences = decision.audiences.iter();
        let is_ours = |audience: &Arc<str>| audiences.any(|one| **one == **audience);
        self.audience.as_ref().is_none_or(is_ours)
    }

    fn question(&self, need: &Need) -> AuthorizeRequest {
        AuthorizeRequest {
            product: self.product.to_string(),
            resource: need.resource.clone(),
            action: need.action.clone(),
            attributes: need.attributes.clone().into_iter().collect(),
            ..AuthorizeRequest::default()
        }
    }

    fn pass_unchecked(&self) {
        if let Some(count) = self.unchecked.add() {
            let product = &*self.product;
            tracing::warn!(product, count, "THE GUARD IS OFF: calls pass unchecked");
        }
    }

    /// There is no decision.
    fn fail(&self, why: &str) -> Refusal {
        if let Some(count) = self.unavailable.add() {
            let product = &*self.product;
            tracing::warn!(
                product,
                count,
                why,
                "calls are refused for want of a decision"
            );
        }
        Refusal::Unavailable
    }

    /// There is an error instead of a decision.
    fn failed(&self, judge: &Judge, need: &Need, status: &Status) -> Refusal {
        let refusal = Refusal::of_status(status);
        match &refusal {
            Refusal::Unavailable => {
                judge.prepare();
                // What came from the transport has its cause inside; an answer has a message.
                let why = match status.source() {
                    Some(cause) => innermost(cause),
                    None => status.message().to_owned(),
                };
                self.fail(&why)
            }
            Refusal::Forbidden { .. } => {
                self.misfit(need, status.message());
                refusal
            }
            Refusal::Unauthenticated(_) => {
                tracing::debug!(why = status.message(), "a caller is not authenticated");
                refusal
            }
        }
    }

    /// The decision is no.
    fn refused(&self, need: &Need, answer: AuthorizeResponse) -> Refusal {
        let (product, reason, decision) = (&*self.product, &answer.reason, &answer.decision_id);
        let Need {
            resource, action, ..
        } = need;
        tracing::debug!(
            product,
            resource,
            action,
            reason,
            decision,
            "a call was refused"
        );
        if reason.starts_with("unknown_") {
            self.misfit(need, reason);
        }
        Refusal::of_decision(answer)
    }

    /// Nobody will ever be allowed this: a name is misspelt, or not in the product's manifest.
    fn misfit(&self, need: &Need, why: &str) {
        if let Some(count) = self.misfits.add() {
            let Need {
                resource, action, ..
            } = need;
            let product = &*self.product;
            tracing::warn!(
                product,
                resource,
                action,
                why,
                count,
                "the guard asks in vain"
            );
        }
    }
}
