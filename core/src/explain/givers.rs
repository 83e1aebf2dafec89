//! Who may give what is missing, by the rule that the RPCs go by which give it.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Asked, GIVERS_MAX, Remedy};
use crate::decide::{Question, Subject, View, decide};
use crate::fact::{Change, Fact, Member, Status};
use crate::grant;
use crate::id::{GroupId, UserId};
use crate::permission::Permission;
use crate::role::RoleEntry;
use crate::snapshot::{GroupEntry, Snapshot};
use crate::terms::{NO_ATTRIBUTES, RoleGrant};
use crate::{PRODUCT_GATEPOST, PRODUCT_SYSTEM};

/// Most groups, and most users, that are judged: the first by name of those with a role over
/// Gatepost.
const JUDGED_MAX: usize = 1_000;
/// Most lines of given roles that are judged in all; a judgement looks at each.
const LINES_MAX: usize = 1_000_000;
/// Groups that are judged in one go.
const GROUPS_AT_ONCE: usize = 64;

/// Somebody who may give something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Giver {
    /// The name of the group, or the username.
    pub name: String,
    /// Who it is.
    pub id: GiverId,
}

/// Who may give something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GiverId {
    /// The members of this group, by its roles and those of the groups above it.
    Group(GroupId),
    /// This user, who holds a role over Gatepost without a group.
    User(UserId),
}

/// The permission of the RPC that makes this change for this subject.
pub fn required_permission(remedy: Remedy, subject: Subject) -> Permission {
    let resource = match (remedy, subject) {
        (Remedy::Group(_), _) => "groups",
        (Remedy::Role(_), Subject::User(_)) => "users",
        (Remedy::Role(_), Subject::Application(_)) => "applications",
    };
    Permission::new(PRODUCT_GATEPOST, resource, "patch")
}

/// Groups whose members may, and users who may by roles of their own, [`GIVERS_MAX`] by name.
///
/// A group without a user in it is nobody. Who may only by two groups together is not found, and a
/// role denied to a single member of a group is not looked for.
///
/// Costs a look at every group with those above it and at every user with roles of her own, and
/// [`JUDGED_MAX`] judgements of each.
pub(super) fn givers(asked: &Asked<'_>, remedy: Remedy) -> Vec<Giver> {
    let rule = Rule::new(asked, remedy);
    let mut givers = groups(asked.view, &rule);
    givers.extend(users(asked.view, &rule));
    givers.sort();
    givers.truncate(GIVERS_MAX);
    givers
}

/// What a giver must be allowed.
struct Rule<'a> {
    permission: Permission,
    /// The roles that are given, each with the unix second until which.
    roles: Vec<(&'a RoleEntry, Option<i64>)>,
    judged_max: usize,
}

impl<'a> Rule<'a> {
    fn new(asked: &Asked<'a>, remedy: Remedy) -> Self {
        let (view, organization) = (asked.view, asked.view.organization);
        let grants: Vec<RoleGrant> = match remedy {
            Remedy::Group(id) => {
                let group = organization.group(id).into_iter();
                let lineage = group.flat_map(|group| organization.lineage(group));
                lineage.flat_map(GroupEntry::grants).cloned().collect()
            }
            Remedy::Role(role) => vec![RoleGrant::plain(role)],
        };
        let live = grants.iter().filter(|grant| !grant.is_expired(view.now_s));
        let roles = live.filter_map(|grant| Some((view.role(grant.role())?, grant.until())));
        let roles: Vec<(&RoleEntry, Option<i64>)> = roles.collect();
        let lines: usize = roles.iter().map(|(role, _)| role.permissions.len()).sum();
        Self {
            permission: required_permission(remedy, asked.subject),
            roles,
            judged_max: (LINES_MAX / lines.max(1)).clamp(1, JUDGED_MAX),
        }
    }

    fn lets(&self, view: View<'_>, actor: Subject) -> bool {
        let question = Question {
            product: Some(&self.permission.product),
            resource: &self.permission.resource,
            action: &self.permission.action,
            attributes: &NO_ATTRIBUTES,
        };
        decide(view, actor, question).allowed
            && self.roles.iter().all(|(role, until)| {
                let permissions = role.permissions();
                grant::lacks_to_give(view, actor, role.product(), &permissions, *until).is_none()
            })
    }
}

/// Whether one of these grants is of a role over Gatepost; nobody gives anything without.
fn rules(view: View<'_>, grants: &[RoleGrant]) -> bool {
    let roles = grants.iter().filter_map(|grant| view.role(grant.role()));
    let mut products = roles.filter_map(|role| view.system.product(role.product()));
    products.any(|product| [PRODUCT_GATEPOST, PRODUCT_SYSTEM].contains(&product.slug()))
}

/// The first of these by name.
fn first<T: Ord>(all: impl Iterator<Item = T>, most: usize) -> Vec<T> {
    let mut first = BTreeSet::new();
    for one in all {
        first.insert(one);
        if first.len() > most {
            first.pop_last();
        }
    }
    first.into_iter().collect()
}

fn groups(view: View<'_>, rule: &Rule<'_>) -> Vec<Giver> {
    let organization = view.organization;
    let ruling: BTreeSet<GroupId> = organization
        .groups()
        .filter(|group| rules(view, group.grants()))
        .map(GroupEntry::id)
        .collect();
    let giving = organization.groups().filter(|group| {
        let mut lineage = organization.lineage(group);
        group.user_count() > 0 && lineage.any(|above| ruling.contains(&above.id()))
    });
    let named = giving.map(|group| (group.name(), group.id()));
    let mut givers = Vec::new();
    for some in first(named, rule.judged_max).chunks(GROUPS_AT_ONCE) {
        let groups: Vec<GroupId> = some.iter().map(|(_, id)| *id).collect();
        let (organization, members) = with_a_member_each(organization, &groups);
        let view = View {
            organization: &organization,
            ..view
        };
        let may = some
            .iter()
            .zip(members)
            .filter(|(_, member)| rule.lets(view, Subject::User(*member)));
        givers.extend(may.map(|((name, id), _)| Giver {
            name: (*name).to_owned(),
            id: GiverId::Group(*id),
        }));
        if givers.len() >= GIVERS_MAX {
            break;
        }
    }
    givers
}

/// The organization with one more user in each of these groups, who is nothing else; and those
/// users. So members are judged by the same rule as anybody.
fn with_a_member_each(organization: &Snapshot, groups: &[GroupId]) -> (Snapshot, Vec<UserId>) {
    let unknown = |id: &UserId| {
        organization.user(*id).is_none() && organization.direct_groups_of(*id).is_empty()
    };
    // Ids that no generator makes; and should one be taken, the next.
    let ids = (0..u128::MAX).map(|number| UserId::new(Uuid::from_u128(u128::MAX - number)));
    let members: Vec<UserId> = ids.filter(unknown).take(groups.len()).collect();
    let changes: Vec<Change> = groups
        .iter()
        .zip(&members)
        .flat_map(|(group, user)| {
            let account = Fact::User {
                id: *user,
                username: String::new(),
                display_name: String::new(),
                status: Status::Active,
            };
            let member = Fact::Member {
                group: *group,
                member: Member::User(*user),
            };
            [Change::created(account), Change::created(member)]
        })
        .collect();
    (
        organization.apply(organization.revision(), &changes),
        members,
    )
}

fn users(view: View<'_>, rule: &Rule<'_>) -> Vec<Giver> {
    let organization = view.organization;
    let ruling = organization
        .users_with_grants()
        .filter(|(_, grants)| rules(view, grants));
    let named = ruling.filter_map(|(id, _)| Some((organization.user(id)?.username(), id)));
    let named = first(named, rule.judged_max);
    let may = named
        .into_iter()
        .filter(|(_, id)| rule.lets(view, Subject::User(*id)));
    may.take(GIVERS_MAX)
        .map(|(name, id)| Giver {
            name: name.to_owned(),
            id: GiverId::User(id),
        })
        .collect()
}
