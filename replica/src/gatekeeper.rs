//! The gate: a token becomes a caller, and a caller's questions become answers.

use std::sync::Arc;

use gatepost_core::{Decision, NO_ATTRIBUTES, OrganizationId, Question, Subject, UserId, decide};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::clock::{Clock, new_id};
use crate::error::Result;
use crate::present::{Present, Want};
use crate::snapshots::Snapshots;
use crate::verify::{Verified, Verifier};

/// Everything that a decision needs.
pub struct Gatekeeper {
    /// What decisions are made from.
    pub snapshots: Arc<Snapshots>,
    /// Checks tokens.
    pub verifier: Verifier,
    /// The time.
    pub clock: Clock,
}

impl Gatekeeper {
    /// Proves who calls, from snapshots that are as fresh as wanted.
    ///
    /// # Errors
    /// A 401 with its reason; `UNAVAILABLE` when this replica is not fresh enough to say.
    pub async fn authenticate(&self, token: &str, want: Want) -> Result<Caller> {
        let (token, present) = self.verifier.check(token, want).await?;
        Ok(Caller { token, present })
    }
}

/// Who calls, proven by a token, beside the snapshots against which the token was found alive.
///
/// All its questions are answered from those, at that moment.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The token.
    pub token: Arc<Verified>,
    /// The snapshots.
    pub present: Present,
}

impl Caller {
    /// The person or machine.
    pub fn subject(&self) -> Subject {
        self.token.principal.subject()
    }

    /// The organization, which only the token tells.
    pub fn organization(&self) -> OrganizationId {
        self.token.principal.organization()
    }

    /// The session of a person, the credential of a machine.
    pub fn session(&self) -> Uuid {
        self.token.principal.sid()
    }

    /// The person, if it is one.
    pub fn user(&self) -> Option<UserId> {
        match self.subject() {
            Subject::User(user) => Some(user),
            Subject::Application(_) => None,
        }
    }

    /// The time of day of the question.
    pub fn now(&self) -> OffsetDateTime {
        self.present.now
    }

    /// Names a decision, or a batch of them, in logs.
    pub fn new_decision_id(&self) -> Uuid {
        new_id(self.present.now)
    }

    /// Whether the caller itself may do this.
    pub fn may(&self, product: &str, resource: &str, action: &str) -> Decision {
        let question = Question {
            product: Some(product),
            resource,
            action,
            attributes: &NO_ATTRIBUTES,
        };
        decide(self.present.view(), self.subject(), question)
    }
}
