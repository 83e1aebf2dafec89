//! On which terms a role is given: until when, and for which attributes.

use gatepost_core::{AttributeLimit, GrantSubject, name};
use gatepost_proto::identity::v1 as pb;
use gatepost_proto::timestamp::Timestamp;
use gatepost_store::{Grant, Role};
use time::OffsetDateTime;

use crate::context::Cx;
use crate::error::{Error, Result};

/// Until when and for which attributes a role is given.
#[derive(Debug)]
pub struct Terms {
    until: Option<i64>,
    limits: Vec<AttributeLimit>,
}

impl Terms {
    /// Reads the terms of a request. A fraction of a second is left out: nothing is held for
    /// longer than was said.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for a time that is past or that no calendar has, and for an attribute
    /// that is no name or is named twice.
    pub fn read(
        now: OffsetDateTime,
        expires_at: Option<Timestamp>,
        limits: Vec<pb::AttributeLimit>,
    ) -> Result<Self> {
        let until = expires_at.map(|at| read_expiry(now, at)).transpose()?;
        let mut limits = limits
            .into_iter()
            .map(read_limit)
            .collect::<Result<Vec<_>>>()?;
        limits.sort_unstable();
        let named = limits.len();
        limits.dedup_by(|one, other| one.attribute == other.attribute);
        if limits.len() < named {
            let message = "an attribute is limited twice";
            return Err(Error::invalid("limits", message));
        }
        Ok(Self { until, limits })
    }

    /// Whether the role is given for good and for everything.
    pub fn are_plain(&self) -> bool {
        self.until.is_none() && self.limits.is_empty()
    }
}

fn read_expiry(now: OffsetDateTime, at: Timestamp) -> Result<i64> {
    let no_time = || Error::invalid("expiresAt", "there is no such time");
    let until = at.moment().ok_or_else(no_time)?.unix_timestamp();
    if until <= now.unix_timestamp() {
        let message = "`expiresAt` must lie in the future";
        return Err(Error::invalid("expiresAt", message));
    }
    Ok(until)
}

fn read_limit(limit: pb::AttributeLimit) -> Result<AttributeLimit> {
    name::check_part(&limit.attribute)
        .map_err(|error| Error::invalid("limits", format!("an attribute's name {error}")))?;
    let mut values = limit.values;
    values.sort_unstable();
    values.dedup();
    Ok(AttributeLimit {
        attribute: limit.attribute,
        values,
    })
}

/// Gives a role on these terms, in place of those on which it is held.
///
/// # Errors
/// `ESCALATION_REFUSED`, and what the store answers.
pub async fn give(cx: &Cx, subject: GrantSubject, role: &Role, terms: Terms) -> Result<()> {
    cx.caller.require_may_give_until(role, terms.until)?;
    let grant = Grant {
        subject,
        role: role.id,
        until: terms.until,
        limits: terms.limits,
    };
    let before = cx.tx.grants().get(subject, role.id).await?;
    if let Some(before) = before.filter(|before| *before != grant) {
        // Other terms may end a denial sooner.
        require_may_end(cx, role, &before)?;
    }
    cx.tx.grants().give(&grant).await?;
    Ok(())
}

/// Takes a role back.
///
/// # Errors
/// `ESCALATION_REFUSED`, and what the store answers.
pub async fn take(cx: &Cx, subject: GrantSubject, role: &Role) -> Result<()> {
    match cx.tx.grants().get(subject, role.id).await? {
        Some(grant) => require_may_end(cx, role, &grant)?,
        // Whoever may not take it does not learn that it is not held.
        None => cx.caller.require_may_take(role, None)?,
    }
    cx.tx.grants().take(subject, role.id).await?;
    Ok(())
}

/// What has expired ends by itself.
fn require_may_end(cx: &Cx, role: &Role, grant: &Grant) -> Result<()> {
    let now_s = cx.caller.present.view().now_s;
    let until = if grant.is_expired(now_s) {
        Some(now_s)
    } else {
        grant.until
    };
    cx.caller.require_may_take(role, until)
}
