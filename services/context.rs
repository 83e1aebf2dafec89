//! What a handler is given: who calls, when, in which organization, and how to tell of it.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::Deref;
use std::sync::Arc;

use gatepost_core::{Effect, Revision, RolePermission, Subject, grant};
use gatepost_proto::ErrorReason;
use gatepost_store::{Actor, AuditDraft, Device, Role, Scope, Target};
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::app::App;
use crate::clock::new_id;
use crate::error::{Error, Result};
use crate::once::Once;

/// How a request came in; set once, at the door, for every face.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Names the request in logs and answers.
    pub request_id: String,
    /// Where it came from: the peer, or what a trusted proxy says.
    pub address: IpAddr,
    /// What the caller's program calls itself (RFC 9110 §10.1.5); may be empty.
    pub agent: String,
}

impl Arrival {
    /// How this request came in. A call that passed no door came from inside.
    pub fn of<T>(request: &tonic::Request<T>) -> Self {
        Self::in_extensions(request.extensions())
    }

    /// As [`Arrival::of`], of a request that was taken apart.
    pub fn in_extensions(extensions: &http::Extensions) -> Self {
        let arrival = extensions.get::<Self>().cloned();
        arrival.unwrap_or_else(Self::inside)
    }

    /// How something comes in that an operator does on the machine itself.
    pub fn inside() -> Self {
        Self {
            request_id: String::new(),
            address: Ipv4Addr::LOCALHOST.into(),
            agent: String::new(),
        }
    }

    /// What a session tells of where it is used.
    pub fn device(&self) -> Device {
        Device {
            address: self.address.to_string(),
            agent: self.agent.clone(),
        }
    }
}

/// Who calls, proven by a token, with what only those may ask who administer.
#[derive(Clone, Debug)]
pub struct Caller(gatepost_replica::Caller);

impl Deref for Caller {
    type Target = gatepost_replica::Caller;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl From<gatepost_replica::Caller> for Caller {
    fn from(caller: gatepost_replica::Caller) -> Self {
        Self(caller)
    }
}

impl Caller {
    /// Refuses a caller who lacks a permission.
    ///
    /// # Errors
    /// `PERMISSION_MISSING`.
    pub fn require(&self, product: &str, resource: &str, action: &str) -> Result<()> {
        if self.may(product, resource, action).allowed {
            return Ok(());
        }
        let permission = format!("{product}/{resource}:{action}");
        let message = format!("this needs the permission `{permission}`");
        Err(Error::new(ErrorReason::PermissionMissing, message).with("permission", permission))
    }

    /// Refuses to give `roles` for good when the caller may not.
    ///
    /// Nobody gives a permission of Gatepost that she lacks, or for longer than she holds it; a
    /// product's role needs the permission `gatepost/grants:<product>`.
    ///
    /// # Errors
    /// `ESCALATION_REFUSED`, with the permission that is missing.
    pub fn require_may_give(&self, roles: &[Role]) -> Result<()> {
        roles
            .iter()
            .try_for_each(|role| self.require_may_give_until(role, None))
    }

    /// As [`Caller::require_may_give`], for a role that is given until that unix second.
    ///
    /// # Errors
    /// `ESCALATION_REFUSED`, with the permission that is missing.
    pub fn require_may_give_until(&self, role: &Role, until: Option<i64>) -> Result<()> {
        self.require_may_change(&role.product, &role.permissions, until)
    }

    /// Refuses to take a role that is held until `until` when the caller may not: what it allows
    /// she must hold now, and what it denies for as long as the denial would have lasted.
    ///
    /// # Errors
    /// `ESCALATION_REFUSED`, with the permission that is missing.
    pub fn require_may_take(&self, role: &Role, until: Option<i64>) -> Result<()> {
        let lines = role.permissions.iter().cloned();
        let (allows, denies): (Vec<_>, Vec<_>) =
            lines.partition(|permission| permission.effect == Effect::Allow);
        self.require_may_change(&role.product, &allows, Some(self.present.view().now_s))?;
        if denies.is_empty() {
            return Ok(());
        }
        self.require_may_change(&role.product, &denies, until)
    }

    fn require_may_change(
        &self,
        product: &str,
        permissions: &[RolePermission],
        until: Option<i64>,
    ) -> Result<()> {
        let view = self.present.view();
        let missing = grant::lacks_to_give(view, self.subject(), product, permissions, until);
        let Some(permission) = missing else {
            return Ok(());
        };
        let message = format!("to give this, one must hold `{permission}` for as long");
        Err(Error::new(ErrorReason::EscalationRefused, message)
            .with("permission", permission.to_string()))
    }

    /// Refuses a token that was asked for somebody else: what it was narrowed to may see it, and
    /// must not manage anything here with it (RFC 8707 §3).
    ///
    /// # Errors
    /// `TOKEN_INVALID`.
    pub fn require_for_us(&self, public_url: &str) -> Result<()> {
        if self.token.is_for(public_url) {
            return Ok(());
        }
        let message = "the token is for another audience";
        Err(Error::new(ErrorReason::TokenInvalid, message))
    }

    /// Who this is, for the audit log.
    pub fn actor(&self) -> Actor {
        let (kind, id) = match self.subject() {
            Subject::User(user) => ("user", user.to_string()),
            Subject::Application(application) => ("application", application.to_string()),
        };
        Actor {
            kind: kind.to_owned(),
            id,
            name: self.token.claims.name.clone(),
        }
    }
}

/// Who calls without a proof, for the audit log.
pub fn nobody() -> Actor {
    Actor {
        kind: "anonymous".into(),
        id: String::new(),
        name: String::new(),
    }
}

/// The record of one write, gathered while it happens.
#[derive(Debug)]
pub struct Audit {
    draft: AuditDraft,
}

impl Audit {
    /// Begins the record of `action` by `actor`.
    pub fn new(actor: Actor, action: &str, now: OffsetDateTime, arrival: &Arrival) -> Self {
        let draft = AuditDraft {
            id: new_id(now),
            at: now,
            actor,
            action: action.to_owned(),
            target: None,
            before: None,
            after: None,
            outcome: "success".to_owned(),
            reason: None,
            request_id: Some(arrival.request_id.clone()),
            address: Some(arrival.address.to_string()),
        };
        Self { draft }
    }

    /// What it was done to.
    pub fn target(&mut self, kind: &str, id: impl std::fmt::Display) -> &mut Self {
        self.draft.target = Some(Target {
            kind: kind.to_owned(),
            id: id.to_string(),
        });
        self
    }

    /// What it was before, as the contract shows it; never a secret.
    pub fn before(&mut self, value: &impl Serialize) -> &mut Self {
        self.draft.before = serde_json::to_value(value).ok();
        self
    }

    /// What it is now, as the contract shows it; never a secret.
    pub fn after(&mut self, value: &impl Serialize) -> &mut Self {
        self.draft.after = serde_json::to_value(value).ok();
        self
    }

    /// Says that it was refused, and why.
    pub fn refused(&mut self, reason: &str) -> &mut Self {
        "refused".clone_into(&mut self.draft.outcome);
        self.draft.reason = Some(reason.to_owned());
        self
    }

    /// The record as the store wants it.
    pub fn into_draft(self) -> AuditDraft {
        self.draft
    }
}

/// What the handler of a signed-in caller is given.
pub struct Cx {
    /// The parts of the program.
    pub app: Arc<App>,
    /// The time of this request.
    pub now: OffsetDateTime,
    /// How it came in.
    pub arrival: Arrival,
    /// Who calls.
    pub caller: Caller,
    /// The transaction, in the caller's organization, or in the system organization for RPCs of
    /// the installation.
    pub tx: Scope,
    /// What the audit log will tell.
    pub audit: Audit,
    /// The creation that must happen once, until its answer is kept.
    pub once: Option<Once>,
}

impl Cx {
    /// A new id.
    pub fn new_id(&self) -> Uuid {
        new_id(self.now)
    }
}

/// What the handler of a public RPC is given: no caller, and no transaction yet.
pub struct Gate {
    /// The parts of the program.
    pub app: Arc<App>,
    /// The time of this request.
    pub now: OffsetDateTime,
    /// How it came in.
    pub arrival: Arrival,
    /// The bearer token that came along, if one did.
    pub bearer: Option<String>,
    /// The revision that the answer is based on, once there is one.
    pub revision: Option<Revision>,
    /// How many seconds anybody may keep the answer.
    pub max_age_s: Option<u32>,
}

impl Gate {
    /// For a request that carries no bearer token.
    pub fn open(app: &Arc<App>, arrival: &Arrival) -> Self {
        Self {
            app: Arc::clone(app),
            now: app.clock.now(),
            arrival: arrival.clone(),
            bearer: None,
            revision: None,
            max_age_s: None,
        }
    }

    /// A new id.
    pub fn new_id(&self) -> Uuid {
        new_id(self.now)
    }

    /// Commits a write, tells the other replicas, and lets this one see it.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn commit(&mut self, tx: Scope, audit: Audit) -> Result<Revision> {
        let revision = self.app.commit(tx, audit).await?;
        self.revision = Some(revision);
        Ok(revision)
    }
}
