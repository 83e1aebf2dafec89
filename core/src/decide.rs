//! The decision: may this subject do this?
//!
//! Deny by default, deny wins. A function of its arguments: no clock, no allocation. Whether the
//! snapshots are fresh enough and the token still stands is judged outside (see
//! [`claims`](crate::claims)).

use std::collections::{BTreeMap, BTreeSet};

use crate::PRODUCT_SYSTEM;
use crate::fact::{GrantSubject, Status};
use crate::id::{ApplicationId, RoleId, UserId};
use crate::role::{Effects, Probe, RoleEntry};
use crate::snapshot::{ApplicationEntry, GroupEntry, ProductEntry, Snapshot, UserEntry};

/// What a decision looks at: an organization beside the installation that it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The system organization.
    pub system: &'a Snapshot,
    /// The subject's organization; may be the system organization itself.
    pub organization: &'a Snapshot,
    /// Whether there is only one organization, so that it rules the installation too.
    pub single_tenant: bool,
}

/// Who wants to do it. The kind comes from a verified token, never from the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A person.
    User(UserId),
    /// A machine.
    Application(ApplicationId),
}

/// What is asked. A `*` in it is a name like any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question<'a> {
    /// Slug or alias of the product; without one, every product that declares the permission.
    pub product: Option<&'a str>,
    /// The resource.
    pub resource: &'a str,
    /// The action.
    pub action: &'a str,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may be done.
    pub allowed: bool,
    /// Why.
    pub reason: Reason,
}

/// Why a decision is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A role allows it and none denies it. The only reason of a yes.
    Granted,
    /// A role denies it.
    Denied,
    /// No role allows it.
    NoGrant,
    /// There is no product of that name.
    UnknownProduct,
    /// No product was named, and none declares the permission.
    UnknownPermission,
    /// The organization may not be used.
    OrganizationSuspended,
    /// The subject, or its organization, does not exist.
    SubjectUnknown,
    /// The subject may not be used.
    SubjectSuspended,
}

impl From<Reason> for Decision {
    fn from(reason: Reason) -> Self {
        Self {
            allowed: reason == Reason::Granted,
            reason,
        }
    }
}

/// Answers a question.
pub fn decide(view: View<'_>, subject: Subject, question: Question<'_>) -> Decision {
    if let Err(reason) = view.standing(subject) {
        return reason.into();
    }
    let probe = Probe::new(question.resource, question.action);
    match question.product {
        Some(name) => match view.system.product(name) {
            Some(product) => view.judge(subject, product, &probe),
            None => Reason::UnknownProduct,
        },
        None => judge_everywhere(view, subject, &probe),
    }
    .into()
}

/// Without a product: at least one declares it, and each that does must grant it.
fn judge_everywhere(view: View<'_>, subject: Subject, probe: &Probe<'_>) -> Reason {
    let declaring = view.system.products();
    let declaring = declaring.filter(|product| view.counts(product) && product.declares(probe));
    let mut answer = Reason::UnknownPermission;
    for product in declaring {
        let reason = view.judge(subject, product, probe);
        if reason == Reason::Denied {
            return reason;
        }
        if answer != Reason::NoGrant {
            answer = reason;
        }
    }
    answer
}

/// Everything that a subject may do: resource to actions, over all products together.
///
/// A wildcard stands for what its product declares; a name that a role spells out counts even if
/// its product does not declare it. Empty when the subject may not act at all.
pub fn permissions_of(view: View<'_>, subject: Subject) -> BTreeMap<String, BTreeSet<String>> {
    let mut permissions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    if view.standing(subject).is_err() {
        return permissions;
    }
    for product in view.system.products() {
        let mut candidates: BTreeSet<(String, String)> = product.declared().into_iter().collect();
        view.each_role(subject, product, |role| {
            let lines = role.permissions.iter();
            candidates.extend(lines.map(|(resource, action, _)| (resource.into(), action.into())));
        });
        for (resource, action) in candidates {
            // A wildcard is no name that anybody could ask about.
            let wildcard = resource == crate::role::ANY || action == crate::role::ANY;
            let probe = Probe::new(&resource, &action);
            if !wildcard && view.judge(subject, product, &probe) == Reason::Granted {
                permissions.entry(resource).or_default().insert(action);
            }
        }
    }
    permissions
}

/// Every role that a subject holds, sorted: its own, those of its groups, and those that everyone
/// has. Whether it may act at all is not asked.
pub fn roles_of(view: View<'_>, subject: Subject) -> Vec<RoleId> {
    let mut roles = view.organization.roles_given_to(subject.into()).to_vec();
    if let Subject::User(user) = subject {
        let groups = view.organization.all_groups(user);
        roles.extend(groups.flat_map(GroupEntry::roles));
        let products = view
            .system
            .products()
            .filter(|product| view.counts(product));
        roles.extend(products.flat_map(ProductEntry::everyone));
    }
    roles.sort_unstable();
    roles.dedup();
    roles
}

impl From<Subject> for GrantSubject {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::User(id) => Self::User(id),
            Subject::Application(id) => Self::Application(id),
        }
    }
}

impl<'a> View<'a> {
    /// Whether the organization is the system organization.
    pub fn is_system(self) -> bool {
        self.organization.id() == self.system.id()
    }

    /// A role that grants of the organization can point at: a manifest's, or its own.
    pub fn role(self, id: RoleId) -> Option<&'a RoleEntry> {
        // The installation's come first, so that no organization can put another in their place.
        self.system.role(id).or_else(|| self.organization.role(id))
    }

    /// The organization's status; `None` when there is no such organization.
    ///
    /// Its own facts and the system organization's directory may both name it: a suspension in
    /// either is one.
    pub fn organization_status(self) -> Option<Status> {
        let own = self.organization.organization();
        let listed = self.system.organization_by_id(self.organization.id());
        own.into_iter()
            .chain(listed)
            .map(|organization| organization.status)
            .max()
    }

    /// Whether the subject may act at all.
    pub(crate) fn standing(self, subject: Subject) -> Result<(), Reason> {
        match self.organization_status() {
            Some(Status::Active) => {}
            Some(Status::Suspended) => return Err(Reason::OrganizationSuspended),
            None => return Err(Reason::SubjectUnknown),
        }
        let status = match subject {
            Subject::User(id) => self.organization.user(id).map(UserEntry::status),
            Subject::Application(id) => self
                .organization
                .application(id)
                .map(ApplicationEntry::status),
        };
        match status {
            Some(Status::Active) => Ok(()),
            Some(Status::Suspended) => Err(Reason::SubjectSuspended),
            None => Err(Reason::SubjectUnknown),
        }
    }

    /// Whether a product counts here: what rules the installation, only where that is ruled.
    pub(crate) fn counts(self, product: &ProductEntry) -> bool {
        product.slug() != PRODUCT_SYSTEM || self.single_tenant || self.is_system()
    }

    /// What the subject's roles of one product say: granted, denied, or nothing.
    pub(crate) fn judge(
        self,
        subject: Subject,
        product: &ProductEntry,
        probe: &Probe<'_>,
    ) -> Reason {
        let mut effects = Effects::default();
        self.each_role(subject, product, |role| {
            effects = effects | role.permissions.effects(probe);
        });
        match (effects.allows(), effects.denies()) {
            (_, true) => Reason::Denied,
            (true, false) => Reason::Granted,
            (false, false) => Reason::NoGrant,
        }
    }

    /// Visits every role of a product that the subject holds, some more than once; none if the
    /// product does not count here.
    pub(crate) fn each_role(
        self,
        subject: Subject,
        product: &ProductEntry,
        mut visit: impl FnMut(&RoleEntry),
    ) {
        if !self.counts(product) {
            return;
        }
        let mut visit_all = |roles: &[RoleId]| {
            for role in roles.iter().filter_map(|id| self.role(*id)) {
                if self.belongs(role, product) {
                    visit(role);
                }
            }
        };
        visit_all(self.organization.roles_given_to(subject.into()));
        if let Subject::User(user) = subject {
            visit_all(product.everyone());
            for group in self.organization.all_groups(user) {
                visit_all(group.roles());
            }
        }
    }

    /// Whether a role is one of the product's, be it under an alias.
    pub(crate) fn belongs(self, role: &RoleEntry, product: &ProductEntry) -> bool {
        role.product() == product.slug()
            || product.aliases().any(|alias| alias == role.product())
                && self
                    .system
                    .product(role.product())
                    .is_some_and(|named| named.slug() == product.slug())
    }
}

#[cfg(test)]
mod tests;
