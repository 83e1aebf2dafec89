//! Who may give what: a membership gives every role of the group and of the groups it is in.

use std::collections::BTreeSet;

use gatepost_core::snapshot::ProductEntry;
use gatepost_core::{GrantSubject, GroupId, RoleId, Subject, UserId, decide, grant};
use gatepost_proto::ErrorReason;
use gatepost_store::{Role, Scope};

use crate::context::Caller;
use crate::error::{Error, Result};

/// Refuses to change memberships of these groups when the caller may not give their roles.
///
/// # Errors
/// `ESCALATION_REFUSED`.
pub async fn require_may_change_members(
    caller: &Caller,
    tx: &Scope,
    groups: &[GroupId],
) -> Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    caller.require_may_give(&roles_of_groups(tx, groups).await?)
}

/// Every role that a member of these groups has through them.
async fn roles_of_groups(tx: &Scope, groups: &[GroupId]) -> Result<Vec<Role>> {
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
    let roles: BTreeSet<RoleId> = tx
        .grants()
        .of_many(&subjects)
        .await?
        .into_iter()
        .map(|(_, role)| role)
        .collect();
    Ok(tx
        .roles()
        .get_many(&roles.into_iter().collect::<Vec<_>>())
        .await?)
}

/// Refuses to take over the account of somebody who may do more than the caller: whoever sets a
/// password can sign in with it, and then has every role of the account.
///
/// # Errors
/// `ESCALATION_REFUSED`, with the permission that is missing.
pub fn require_not_above(caller: &Caller, user: UserId) -> Result<()> {
    if caller.user() == Some(user) {
        return Ok(());
    }
    let view = caller.present.view();
    let everyone: Vec<RoleId> = view
        .system
        .products()
        .flat_map(ProductEntry::everyone)
        .copied()
        .collect();
    let roles = decide::roles_of(view, Subject::User(user));
    let own = roles.iter().filter(|role| !everyone.contains(role));
    // A role that nobody knows any more gives nothing.
    let missing = own.filter_map(|role| view.role(*role)).find_map(|role| {
        let product = role.product();
        caller.lacks_to_give(product, || {
            let permissions = role.permissions();
            grant::permissions_exceed(view, caller.subject(), product, &permissions, None)
        })
    });
    let Some(permission) = missing else {
        return Ok(());
    };
    let message = format!("this account may do more than the caller: that needs `{permission}`");
    Err(Error::new(ErrorReason::EscalationRefused, message)
        .with("permission", permission.to_string()))
}
