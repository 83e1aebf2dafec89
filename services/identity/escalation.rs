//! Who may give what: a membership gives every role of the group and of the groups it is in.

use std::collections::BTreeSet;

use gatepost_core::decide::Source;
use gatepost_core::{GrantSubject, GroupId, RoleId, Status, Subject, grant};
use gatepost_proto::ErrorReason;
use gatepost_store::{Grant, Scope};

use crate::context::Caller;
use crate::error::{Error, Result};

/// What a change means for somebody else's roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Somebody will have them.
    Gain,
    /// Somebody will not have them any more.
    Loss,
}

/// Refuses to change memberships of these groups when the caller may not give, or take, their
/// roles for as long as the groups hold them.
///
/// # Errors
/// `ESCALATION_REFUSED`.
pub async fn require_may_change_members(
    caller: &Caller,
    tx: &Scope,
    groups: &[GroupId],
    direction: Direction,
) -> Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    let grants = grants_of_groups(tx, groups, caller.present.view().now_s).await?;
    let roles: BTreeSet<RoleId> = grants.iter().map(|grant| grant.role).collect();
    let roles: Vec<RoleId> = roles.into_iter().collect();
    let roles = tx.roles().get_many(&roles).await?;
    let role = |id| roles.iter().find(|role| role.id == id);
    for grant in &grants {
        match (role(grant.role), direction) {
            (Some(role), Direction::Gain) => caller.require_may_give_until(role, grant.until)?,
            (Some(role), Direction::Loss) => caller.require_may_take(role, grant.until)?,
            // A role that nobody knows any more gives nothing.
            (None, _) => {}
        }
    }
    Ok(())
}

/// Every grant that a member of these groups has through them.
async fn grants_of_groups(tx: &Scope, groups: &[GroupId], now_s: i64) -> Result<Vec<Grant>> {
    let edges = tx.groups().edges().await?;
    let mut reached: BTreeSet<GroupId> = groups.iter().copied().collect();
    loop {
        let above: Vec<GroupId> = edges
            .iter()
            .filter(|(parent, child)| reached.contains(child) && !reached.contains(parent))
            .map(|(parent, _)| *parent)
            .collect();
        if above.is_empty() {
            break;
        }
        reached.extend(above);
    }
    let subjects: Vec<GrantSubject> = reached.into_iter().map(GrantSubject::Group).collect();
    let mut grants = tx.grants().of_many(&subjects).await?;
    grants.retain(|grant| !grant.is_expired(now_s));
    Ok(grants)
}

/// Refuses to suspend, or to let in again, somebody who may do more than the caller, or oneself.
///
/// # Errors
/// `ESCALATION_REFUSED`, with the permission that is missing; `INVALID_REQUEST`.
pub fn require_may_set_status(caller: &Caller, subject: Subject, status: Status) -> Result<()> {
    if caller.subject() == subject {
        // Nobody could take it back with the token that did it.
        return Err(Error::invalid("status", "one does not suspend oneself"));
    }
    let direction = match status {
        Status::Active => Direction::Gain,
        Status::Suspended => Direction::Loss,
    };
    require_not_above(caller, subject, direction)
}

/// Refuses to take over, or to stop, the account of somebody who may do more than the caller:
/// whoever sets a password or has a secret can sign in with it, and then has every role of the
/// account for as long as the account has it.
///
/// # Errors
/// `ESCALATION_REFUSED`, with the permission that is missing.
pub fn require_not_above(caller: &Caller, subject: Subject, direction: Direction) -> Result<()> {
    if caller.subject() == subject {
        return Ok(());
    }
    let (view, actor) = (caller.present.view(), caller.subject());
    let mut missing = None;
    for product in view.system.products() {
        view.each_role(subject, product, |holding| {
            if missing.is_some() || matches!(holding.source, Source::Everyone) {
                return;
            }
            let until = match direction {
                Direction::Gain => holding.grant.until(),
                Direction::Loss => Some(view.now_s),
            };
            let product = holding.role.product();
            let permissions = holding.role.permissions();
            missing = grant::lacks_to_take_over(view, actor, product, &permissions, until);
        });
    }
    let Some(permission) = missing else {
        return Ok(());
    };
    let message = format!("this account may do more than the caller: that needs `{permission}`");
    Err(Error::new(ErrorReason::EscalationRefused, message)
        .with("permission", permission.to_string()))
}
