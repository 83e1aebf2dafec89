//! Memberships: the groups of a user, and the groups inside of a group.

use gatepost_core::group::check_nesting;
use gatepost_core::{GroupId, Member, UserId};
use gatepost_store::{Group, Scope};

use super::escalation::{Direction, require_may_change_members};
use crate::context::Caller;
use crate::error::Result;

/// Makes these groups the only ones that the user is a direct member of.
///
/// # Errors
/// `ESCALATION_REFUSED` for a group whose roles the caller may not give.
pub async fn set_groups_of_user(
    caller: &Caller,
    tx: &Scope,
    user: UserId,
    groups: &[Group],
) -> Result<()> {
    let wanted: Vec<GroupId> = groups.iter().map(|group| group.id).collect();
    let present: Vec<GroupId> = tx
        .groups()
        .of_user(user)
        .await?
        .into_iter()
        .map(|group| group.id)
        .collect();
    let (added, removed) = difference(&present, &wanted);
    require_may_change_members(caller, tx, &added, Direction::Gain).await?;
    require_may_change_members(caller, tx, &removed, Direction::Loss).await?;
    for group in added {
        tx.groups().add_member(group, Member::User(user)).await?;
    }
    for group in removed {
        tx.groups().remove_member(group, Member::User(user)).await?;
    }
    Ok(())
}

/// Makes these groups the only ones that are members of `parent`.
///
/// # Errors
/// `GROUP_CYCLE`, `GROUP_TOO_DEEP`, `ESCALATION_REFUSED`.
pub async fn set_groups_in_group(
    caller: &Caller,
    tx: &Scope,
    parent: GroupId,
    children: &[Group],
) -> Result<()> {
    let wanted: Vec<GroupId> = children.iter().map(|group| group.id).collect();
    let present: Vec<GroupId> = tx
        .groups()
        .members(parent)
        .await?
        .into_iter()
        .filter_map(|member| match member {
            Member::Group(child) => Some(child),
            Member::User(_) => None,
        })
        .collect();
    let (added, removed) = difference(&present, &wanted);
    if added.is_empty() && removed.is_empty() {
        return Ok(());
    }
    for (changed, direction) in [(&added, Direction::Gain), (&removed, Direction::Loss)] {
        if !changed.is_empty() {
            require_may_change_members(caller, tx, &[parent], direction).await?;
        }
    }
    for child in removed {
        tx.groups()
            .remove_member(parent, Member::Group(child))
            .await?;
    }
    let mut edges = tx.groups().edges().await?;
    for child in added {
        check_nesting(&edges, parent, child)?;
        tx.groups().add_member(parent, Member::Group(child)).await?;
        edges.push((parent, child));
    }
    Ok(())
}

/// What is wanted and not there, and what is there and not wanted.
pub fn difference<T: Copy + PartialEq>(present: &[T], wanted: &[T]) -> (Vec<T>, Vec<T>) {
    let without = |these: &[T], those: &[T]| {
        these
            .iter()
            .copied()
            .filter(|one| !those.contains(one))
            .collect()
    };
    (without(wanted, present), without(present, wanted))
}
