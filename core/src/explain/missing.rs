//! What is missing: the one membership or role that adds the fewest permissions and allows it.

use std::collections::BTreeMap;

use super::gain::{Given, Holdings};
use super::{ADDED_MAX, Asked, Giver, givers};
use crate::decide::Subject;
use crate::fact::{Change, Fact, Member};
use crate::grant;
use crate::id::{GroupId, RoleId};
use crate::limits::{GROUPS_PER_USER_MAX, ROLES_PER_SUBJECT_MAX};
use crate::permission::Permission;
use crate::role::{Effects, RoleEntry};
use crate::snapshot::GroupEntry;
use crate::terms::RoleGrant;

/// Most looks at a line or a permission while gains are compared; well below a second. Past it the
/// smallest gain that was found stands; the candidates with the fewest lines are compared first.
const LOOKS_MAX: usize = 5_000_000;

/// The smallest single change that would allow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingGrant {
    /// The change.
    pub remedy: Remedy,
    /// Name of the group or role.
    pub name: String,
    /// How many permissions the subject would gain, over all products, for the attributes of the
    /// question.
    pub added_count: usize,
    /// The first [`ADDED_MAX`] of them, sorted.
    pub added: Vec<Permission>,
    /// Who may do it.
    pub givers: Vec<Giver>,
}

/// A single change in favour of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Remedy {
    /// To become a member of this group.
    Group(GroupId),
    /// To be given this role, for ever and for everything.
    Role(RoleId),
}

impl Remedy {
    /// The step that makes it so for this subject; none for an application and a group, which has
    /// no applications.
    pub fn change(self, subject: Subject) -> Option<Change> {
        match (self, subject) {
            (Self::Group(group), Subject::User(user)) => Some(Change::created(Fact::Member {
                group,
                member: Member::User(user),
            })),
            (Self::Group(_), Subject::Application(_)) => None,
            (Self::Role(role), subject) => Some(Change::created(Fact::Grant {
                subject: subject.into(),
                role,
                until: None,
                limits: Vec::new(),
            })),
        }
    }
}

/// A change that would allow it.
struct Candidate<'a> {
    remedy: Remedy,
    name: &'a str,
    /// What the subject would hold with it.
    grants: Vec<RoleGrant>,
    /// Lines of those roles: what comparing costs.
    lines: usize,
}

/// The smallest change; of several, a membership before a role, and then the first by name.
///
/// Costs a look at every role and at every group with those above it, [`LOOKS_MAX`] looks at
/// lines, and what [`givers`] and [`Holdings`] cost.
pub(super) fn missing(asked: &Asked<'_>) -> Option<MissingGrant> {
    let view = asked.view;
    let counting = asked.products.iter().all(|product| view.counts(product));
    if !counting || asked.products.is_empty() {
        return None;
    }
    let current = asked.held();
    let current: Vec<Effects> = asked.effects_of(&current);
    let mut candidates = roles(asked, &current);
    if let Subject::User(_) = asked.subject {
        candidates.extend(groups(asked, &current));
    }
    if candidates.is_empty() {
        return None;
    }
    candidates.sort_by_key(|candidate| (candidate.lines, candidate.remedy, candidate.name));
    let holdings = Holdings::new(asked);
    let (best, given) = smallest(asked, &holdings, &candidates)?;
    let mut added = holdings.list(&given);
    let added_count = added.len();
    added.truncate(ADDED_MAX);
    Some(MissingGrant {
        remedy: best.remedy,
        name: best.name.to_owned(),
        added_count,
        added,
        givers: givers::givers(asked, best.remedy),
    })
}

fn smallest<'a, 'b>(
    asked: &Asked<'a>,
    holdings: &Holdings<'a>,
    candidates: &'b [Candidate<'a>],
) -> Option<(&'b Candidate<'a>, Vec<Given<'a>>)> {
    let mut looks = LOOKS_MAX;
    let mut best: Option<(usize, &Candidate<'a>, Vec<Given<'a>>)> = None;
    for candidate in candidates {
        let given = holdings.given(asked, &candidate.grants);
        let most = best.as_ref().map_or(usize::MAX, |(count, ..)| *count);
        // The first is always compared to the end, so that there is an answer.
        let mut unlimited = usize::MAX;
        let looks = if best.is_some() {
            &mut looks
        } else {
            &mut unlimited
        };
        let Some(count) = holdings.count(&given, most, looks) else {
            continue;
        };
        let better = best
            .as_ref()
            .is_none_or(|(least, best, _)| (count, candidate.order()) < (*least, best.order()));
        if better {
            best = Some((count, candidate, given));
        }
    }
    best.map(|(_, candidate, given)| (candidate, given))
}

impl Candidate<'_> {
    /// Which of two that add as much is better.
    fn order(&self) -> (bool, &str, Remedy) {
        (
            matches!(self.remedy, Remedy::Role(_)),
            self.name,
            self.remedy,
        )
    }
}

impl Asked<'_> {
    /// What these grants say about the question, for each product that must grant it.
    fn effects_of(&self, grants: &[RoleGrant]) -> Vec<Effects> {
        let mut all = vec![Effects::default(); self.products.len()];
        for grant in grants {
            if let Some(role) = self.view.role(grant.role()) {
                let effects = self.effects_of_role(role);
                for (all, effects) in all.iter_mut().zip(effects) {
                    let attributes = self.question.attributes;
                    *all = *all | grant.weigh(effects, self.view.now_s, attributes);
                }
            }
        }
        all
    }

    /// What a role says about the question, for each product that must grant it.
    fn effects_of_role(&self, role: &RoleEntry) -> impl Iterator<Item = Effects> {
        let effects = role.permissions.effects(&self.probe);
        self.products.iter().map(move |product| {
            if self.view.belongs(role, product) {
                effects
            } else {
                Effects::default()
            }
        })
    }

    /// Whether nobody may give this role here.
    fn is_out_of_reach(&self, role: &RoleEntry) -> bool {
        grant::is_out_of_reach(self.view, role.product())
    }
}

/// Whether all that must grant it do, with both.
fn allowed(current: &[Effects], more: impl IntoIterator<Item = Effects>) -> bool {
    let both = current.iter().zip(more).map(|(one, other)| *one | other);
    both.fold(true, |all, effects| {
        all && effects.allows() && !effects.denies()
    })
}

/// The roles that would allow it: those of manifests, and the organization's own.
fn roles<'a>(asked: &Asked<'a>, current: &[Effects]) -> Vec<Candidate<'a>> {
    let view = asked.view;
    let own = view.organization.own_grants(asked.subject.into());
    let full = own.len() >= ROLES_PER_SUBJECT_MAX;
    let holds = |id: RoleId| own.iter().any(|grant| grant.role() == id);
    // Another organization's roles are nobody's business, be it the system organization's.
    let shared = view.system.roles();
    let shared = shared.filter(|(_, role)| view.is_system() || role.is_built_in());
    let custom = view.organization.roles();
    let custom = custom.filter(|(id, _)| view.system.role(*id).is_none());
    let reachable = shared.chain(custom).filter(|(id, role)| {
        !asked.is_out_of_reach(role)
            && allowed(current, asked.effects_of_role(role))
            && (!full || holds(*id))
    });
    let candidates = reachable.map(|(id, role)| Candidate {
        remedy: Remedy::Role(id),
        name: role.name(),
        grants: vec![RoleGrant::plain(id)],
        lines: role.permissions.len(),
    });
    candidates.collect()
}

/// What a group itself gives.
struct Own {
    effects: Vec<Effects>,
    out_of_reach: bool,
    lines: usize,
}

/// The groups whose membership would allow it.
fn groups<'a>(asked: &Asked<'a>, current: &[Effects]) -> Vec<Candidate<'a>> {
    let view = asked.view;
    if let Subject::User(user) = asked.subject
        && view.organization.direct_groups_of(user).len() >= GROUPS_PER_USER_MAX
    {
        return Vec::new();
    }
    let own = |group: &'a GroupEntry| {
        let live = group.grants().iter();
        let live = live.filter(|grant| !grant.is_expired(view.now_s));
        let roles = live.filter_map(|grant| view.role(grant.role()));
        let (mut out_of_reach, mut lines) = (false, 0_usize);
        for role in roles {
            out_of_reach |= asked.is_out_of_reach(role);
            lines = lines.saturating_add(role.permissions.len());
        }
        let effects = asked.effects_of(group.grants());
        (
            group.id(),
            Own {
                effects,
                out_of_reach,
                lines,
            },
        )
    };
    let own: BTreeMap<GroupId, Own> = view.organization.groups().map(own).collect();
    let candidates = view.organization.groups().filter_map(|group| {
        let mut effects = vec![Effects::default(); asked.products.len()];
        let mut lines = 0_usize;
        for above in view.organization.lineage(group) {
            let own = own.get(&above.id()).filter(|own| !own.out_of_reach)?;
            for (all, more) in effects.iter_mut().zip(&own.effects) {
                *all = *all | *more;
            }
            lines = lines.saturating_add(own.lines);
        }
        allowed(current, effects).then(|| Candidate {
            remedy: Remedy::Group(group.id()),
            name: group.name(),
            grants: view
                .organization
                .lineage(group)
                .flat_map(|group| group.grants().iter().cloned())
                .collect(),
            lines,
        })
    });
    candidates.collect()
}
