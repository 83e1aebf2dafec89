//! Paths: subject → group → … → role → line, along edges that are there.

use crate::decide::{Reason, Subject};
use crate::explain::{Asked, Named, PATHS_MAX};
use crate::fact::{AttributeLimit, Effect, RolePermission};
use crate::id::{GroupId, RoleId, UserId};
use crate::limits::GROUP_DEPTH_MAX;
use crate::role::{ANY, Effects, Probe, RoleEntry};
use crate::snapshot::{GroupEntry, ProductEntry, Snapshot};
use crate::terms::RoleGrant;

/// Most groups that are entered in search of paths. Without cycles, which no organization has,
/// each entered group is on a path that is told, and this is out of reach.
const ENTERED_MAX: usize = 10_000;

/// A way from a subject to a line of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantPath {
    /// The groups between them: the one that the subject is in, the one that that is in, and so
    /// on; the last holds the role. None when the subject holds it itself.
    pub groups: Vec<Named<GroupId>>,
    /// The role.
    pub role: Named<RoleId>,
    /// Whether every user of every organization holds the role.
    pub everyone: bool,
    /// Slug of the role's product.
    pub product: String,
    /// The line of the role, with its wildcards.
    pub line: RolePermission,
    /// The unix second at which the grant ends; `None` when it stays.
    pub until: Option<i64>,
    /// What the grant is limited to.
    pub limits: Vec<AttributeLimit>,
    /// Whether the line does not count, because the question's attributes are others.
    pub unmet: bool,
}

/// Which lines lead to an answer.
#[derive(Clone, Copy)]
struct Wanted {
    effect: Effect,
    unmet: bool,
}

impl Wanted {
    /// Nothing leads to an answer that is no because there is nothing.
    fn of(reason: Reason) -> Option<Self> {
        let wanted = |effect, unmet| Some(Self { effect, unmet });
        match reason {
            // The grants are there; it is the sign-in that is not enough.
            Reason::Granted | Reason::StrongerSignIn => wanted(Effect::Allow, false),
            Reason::Denied => wanted(Effect::Deny, false),
            Reason::AttributesUnmet => wanted(Effect::Allow, true),
            Reason::NoGrant
            | Reason::UnknownProduct
            | Reason::UnknownPermission
            | Reason::OrganizationSuspended
            | Reason::SubjectUnknown
            | Reason::SubjectSuspended => None,
        }
    }

    fn is_met_by(self, effects: Effects) -> bool {
        match (self.effect, self.unmet) {
            (Effect::Allow, false) => effects.allows(),
            (Effect::Allow, true) => effects.allows_elsewhere(),
            (Effect::Deny, _) => effects.denies(),
        }
    }
}

/// Every path that led to the answer, the shortest first and then by name, [`PATHS_MAX`] at the
/// most.
///
/// Costs a look at every grant of every group of the subject, and [`GROUP_DEPTH_MAX`] looks at
/// every membership among those groups.
pub(super) fn paths(asked: &Asked<'_>, reason: Reason) -> Vec<GrantPath> {
    let Some(wanted) = Wanted::of(reason) else {
        return Vec::new();
    };
    let organization = asked.view.organization;
    let mut found = own_paths(asked, wanted);
    if let Subject::User(user) = asked.subject {
        let above = Above::new(organization, user, |group| {
            !ends(asked, group.grants(), wanted).is_empty()
        });
        above.walk(|groups, last| {
            for end in ends(asked, last.grants(), wanted) {
                found.push(end.path(groups.iter().map(|group| named(group)).collect(), false));
            }
            found.len() < PATHS_MAX
        });
    }
    found.truncate(PATHS_MAX);
    found
}

/// What the subject holds without a group.
fn own_paths(asked: &Asked<'_>, wanted: Wanted) -> Vec<GrantPath> {
    let own = asked.view.organization.own_grants(asked.subject.into());
    let own = ends(asked, own, wanted);
    let mut found: Vec<GrantPath> = own.iter().map(|end| end.path(Vec::new(), false)).collect();
    if matches!(asked.subject, Subject::User(_)) {
        let products = asked.products.iter();
        let grants: Vec<RoleGrant> = products
            .flat_map(|product| asked.everyone(product))
            .collect();
        let ends = ends(asked, &grants, wanted);
        found.extend(ends.iter().map(|end| end.path(Vec::new(), true)));
    }
    found.sort_by(|one, other| one.role.cmp(&other.role).then(one.line.cmp(&other.line)));
    found
}

/// Where a path ends: a grant, and a line of its role that says something about the question.
struct End<'a> {
    grant: &'a RoleGrant,
    role: &'a RoleEntry,
    product: &'a ProductEntry,
    line: RolePermission,
    unmet: bool,
}

impl End<'_> {
    fn path(&self, groups: Vec<Named<GroupId>>, everyone: bool) -> GrantPath {
        let name = self.role.name().to_owned();
        let id = self.grant.role();
        GrantPath {
            groups,
            role: Named { name, id },
            everyone,
            product: self.product.slug().to_owned(),
            line: self.line.clone(),
            until: self.grant.until(),
            limits: self.grant.limits().to_vec(),
            unmet: self.unmet,
        }
    }
}

/// The wanted lines of these grants, by the name of the role.
fn ends<'a>(asked: &Asked<'a>, grants: &'a [RoleGrant], wanted: Wanted) -> Vec<End<'a>> {
    let view = asked.view;
    let mut found = Vec::new();
    for grant in grants {
        let weight = grant.weigh(wanted.effect.into(), view.now_s, asked.question.attributes);
        let role = view.role(grant.role()).filter(|_| wanted.is_met_by(weight));
        let Some(role) = role else {
            continue;
        };
        let mut products = asked.products.iter();
        let product = products.find(|product| view.belongs(role, product) && view.counts(product));
        let Some(product) = product else {
            continue;
        };
        let lines = lines(role, &asked.probe, wanted.effect);
        found.extend(lines.into_iter().map(|line| End {
            grant,
            role,
            product,
            line,
            unmet: wanted.unmet,
        }));
    }
    let key = |end: &End<'a>| (end.role.name(), end.grant.role());
    found.sort_by(|one, other| key(one).cmp(&key(other)).then(one.line.cmp(&other.line)));
    found
}

/// The lines of a role with that effect that match the question, each as it is written.
fn lines(role: &RoleEntry, probe: &Probe<'_>, effect: Effect) -> Vec<RolePermission> {
    let mut found = Vec::new();
    for resource in [probe.resource, ANY] {
        for action in [probe.action, ANY] {
            let effects = role.permissions.exact(&Probe::new(resource, action));
            let there = match effect {
                Effect::Allow => effects.allows(),
                Effect::Deny => effects.denies(),
            };
            if there {
                found.push(RolePermission {
                    resource: resource.to_owned(),
                    action: action.to_owned(),
                    effect,
                });
            }
        }
    }
    // A `*` in the question is a name, and then the lines are the same.
    found.sort_unstable();
    found.dedup();
    found
}

fn named(group: &GroupEntry) -> Named<GroupId> {
    Named {
        name: group.name().to_owned(),
        id: group.id(),
    }
}

/// The groups of a user, and in how many steps up each comes to one that matters.
struct Above<'a> {
    /// By id.
    groups: Vec<Place<'a>>,
    /// Positions of the groups that the user is a direct member of, by name.
    direct: Vec<usize>,
}

struct Place<'a> {
    entry: &'a GroupEntry,
    /// Positions of the groups that the group is a direct member of, by name.
    parents: Vec<usize>,
    /// Bit n: a group that matters is n steps above.
    steps: u32,
}

/// Steps that are looked at: bits of [`Place::steps`].
const STEPS_MASK: u32 = (1 << (GROUP_DEPTH_MAX + 1)) - 1;

impl<'a> Above<'a> {
    fn new(
        organization: &'a Snapshot,
        user: UserId,
        matters: impl Fn(&'a GroupEntry) -> bool,
    ) -> Self {
        let ids = organization.groups_of(user);
        let entries: Vec<&GroupEntry> = ids
            .iter()
            .filter_map(|id| organization.group(*id))
            .collect();
        let places = |groups: Vec<GroupId>| -> Vec<usize> {
            let found = groups.iter().filter_map(|id| ids.binary_search(id).ok());
            let mut places: Vec<usize> = found.collect();
            places.sort_by_key(|place| entries.get(*place).map(|entry| (entry.name(), entry.id())));
            places
        };
        let mut groups: Vec<Place<'a>> = entries
            .iter()
            .map(|entry| Place {
                entry,
                parents: places(organization.parents_of(entry.id())),
                steps: u32::from(matters(entry)),
            })
            .collect();
        // Each round looks one step farther; there are no more than the limit of nesting.
        for _ in 0..GROUP_DEPTH_MAX {
            let steps: Vec<u32> = groups.iter().map(|place| place.steps).collect();
            for place in &mut groups {
                let parents = place.parents.iter().filter_map(|parent| steps.get(*parent));
                let above = parents.fold(0, |all, steps| all | steps << 1);
                place.steps = (place.steps | above) & STEPS_MASK;
            }
            if groups.iter().map(|place| place.steps).eq(steps) {
                break;
            }
        }
        let direct = places(organization.direct_groups_of(user));
        Self { groups, direct }
    }

    /// Visits every way from the user to a group that matters, the shortest first and then by
    /// name, until the visitor says that it has enough.
    fn walk(&self, mut visit: impl FnMut(&[&'a GroupEntry], &'a GroupEntry) -> bool) {
        let mut entered = 0;
        for steps in 0..=GROUP_DEPTH_MAX {
            let mut path = Vec::new();
            if !self.enter(&self.direct, steps, &mut path, &mut entered, &mut visit) {
                return;
            }
        }
    }

    /// Goes on through each of these groups, to what is just so many steps above it; false when
    /// that is enough.
    fn enter(
        &self,
        places: &[usize],
        steps: usize,
        path: &mut Vec<&'a GroupEntry>,
        entered: &mut usize,
        visit: &mut impl FnMut(&[&'a GroupEntry], &'a GroupEntry) -> bool,
    ) -> bool {
        let places = places.iter().filter_map(|place| self.groups.get(*place));
        for place in places.filter(|place| place.steps >> steps & 1 == 1) {
            if path.iter().any(|group| group.id() == place.entry.id()) {
                continue;
            }
            *entered += 1;
            path.push(place.entry);
            let go_on = match steps.checked_sub(1) {
                Some(steps) => self.enter(&place.parents, steps, path, entered, visit),
                None => visit(path, place.entry),
            };
            path.pop();
            if !go_on || *entered > ENTERED_MAX {
                return false;
            }
        }
        true
    }
}
