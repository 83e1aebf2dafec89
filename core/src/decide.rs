//! The decision: may this subject do this?
//!
//! Deny by default, deny wins. A function of its arguments: no clock, and no allocation but for the
//! place where an organization keeps what it was asked first (see `sayings`). Whether the snapshots
//! are fresh enough and the token still stands is judged outside (see [`claims`](crate::claims)).

mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use crate::PRODUCT_SYSTEM;
use crate::fact::{GrantSubject, Status};
use crate::id::{ApplicationId, RoleId, UserId};
use crate::index::{Origin, Speakers};
use crate::role::{Probe, RoleEntry};
use crate::snapshot::{GroupEntry, ProductEntry, RoleGrant, Snapshot};
use crate::terms::{Attributes, NO_ATTRIBUTES};
pub(crate) use verdict::Held;
use verdict::Verdict;

/// What a decision looks at: an organization beside the installation that it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The system organization.
    pub system: &'a Snapshot,
    /// The subject's organization; may be the system organization itself.
    pub organization: &'a Snapshot,
    /// Whether there is only one organization, so that it rules the installation too.
    pub single_tenant: bool,
    /// The unix second at which expiry is judged.
    pub now_s: i64,
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
    /// What is said of the thing that it is done to; grants may be limited by it.
    pub attributes: &'a Attributes,
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
    /// A role allows it, but only for other attributes than those of the question.
    AttributesUnmet,
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
    /// It is granted, and asks for a newer or stronger sign-in than there was.
    StrongerSignIn,
}

impl From<Reason> for Decision {
    fn from(reason: Reason) -> Self {
        Self {
            allowed: reason == Reason::Granted,
            reason,
        }
    }
}

/// A role that a subject holds, and how it came to it.
#[derive(Debug, Clone)]
pub struct Holding<'a> {
    /// What the role says.
    pub role: &'a RoleEntry,
    /// Which role it is, until when and within which limits it is held.
    pub grant: RoleGrant,
    /// Where the subject has it from.
    pub source: Source<'a>,
}

/// Where a subject has a role from.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// It is given to the subject itself.
    Own,
    /// Every user has it.
    Everyone,
    /// It is given to a group.
    Group {
        /// The group that the user is a direct member of.
        direct: &'a GroupEntry,
        /// The group that has the role: the same, or one above it.
        group: &'a GroupEntry,
    },
}

/// Answers a question.
pub fn decide(view: View<'_>, subject: Subject, question: Question<'_>) -> Decision {
    let held = match view.standing(subject) {
        Ok(held) => held,
        Err(reason) => return reason.into(),
    };
    let probe = Probe::new(question.resource, question.action);
    match question.product {
        Some(name) => match view.system.product(name) {
            Some(product) => view.judge(held, product, &probe, question.attributes),
            None => Reason::UnknownProduct,
        },
        None => judge_everywhere(view, held, &probe, question.attributes),
    }
    .into()
}

/// Without a product: at least one declares it, and each that does must grant it.
fn judge_everywhere(
    view: View<'_>,
    held: Held<'_>,
    probe: &Probe<'_>,
    attributes: &Attributes,
) -> Reason {
    let declaring = view.system.products();
    let declaring = declaring.filter(|product| view.counts(product) && product.declares(probe));
    let reasons = declaring.map(|product| view.judge(held, product, probe, attributes));
    reasons
        .max_by_key(|reason| weight(*reason))
        .unwrap_or(Reason::UnknownPermission)
}

/// Of several products' answers, the heaviest is given.
const fn weight(reason: Reason) -> u8 {
    match reason {
        Reason::Denied => 3,
        Reason::NoGrant => 2,
        Reason::AttributesUnmet => 1,
        Reason::Granted
        | Reason::UnknownProduct
        | Reason::UnknownPermission
        | Reason::OrganizationSuspended
        | Reason::SubjectUnknown
        | Reason::SubjectSuspended
        | Reason::StrongerSignIn => 0,
    }
}

/// Everything that a subject may do: resource to actions, over all products together.
///
/// A wildcard stands for what its product declares; a name that a role spells out counts even if
/// its product does not declare it. What is limited by attributes is not there, since none are
/// given here. Empty when the subject may not act at all.
pub fn permissions_of(view: View<'_>, subject: Subject) -> BTreeMap<String, BTreeSet<String>> {
    let mut permissions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let Ok(held) = view.standing(subject) else {
        return permissions;
    };
    for product in view.system.products() {
        let mut candidates: BTreeSet<(String, String)> = product.declared().into_iter().collect();
        view.each_role(subject, product, |holding| {
            let lines = holding.role.permissions.iter();
            candidates.extend(lines.map(|(resource, action, _)| (resource.into(), action.into())));
        });
        for (resource, action) in candidates {
            // A wildcard is no name that anybody could ask about.
            let wildcard = resource == crate::role::ANY || action == crate::role::ANY;
            let probe = Probe::new(&resource, &action);
            let granted = || view.judge(held, product, &probe, &NO_ATTRIBUTES);
            if !wildcard && granted() == Reason::Granted {
                permissions.entry(resource).or_default().insert(action);
            }
        }
    }
    permissions
}

/// Every role that a subject holds, sorted: its own, those of its groups, and those that everyone
/// has, be they limited by attributes or not. Whether it may act at all is not asked.
pub fn roles_of(view: View<'_>, subject: Subject) -> Vec<RoleId> {
    let held = |grant: &&RoleGrant| !grant.is_expired(view.now_s);
    let own = view.organization.own_grants(subject.into()).iter();
    let mut roles: Vec<RoleId> = own.filter(held).map(RoleGrant::role).collect();
    if let Subject::User(user) = subject {
        let groups = view.organization.all_groups(user);
        let given = groups.flat_map(GroupEntry::grants).filter(held);
        roles.extend(given.map(RoleGrant::role));
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
        let own = self.organization.own_status();
        // The directory is not asked for what it could not change.
        if self.is_system() || own.is_some() && !self.system.has_suspended() {
            return own;
        }
        let listed = self.system.organization_by_id(self.organization.id());
        own.max(listed.map(|listed| listed.status))
    }

    /// Whether the subject may act at all, and what it holds if so.
    pub(crate) fn standing(self, subject: Subject) -> Result<Held<'a>, Reason> {
        match self.organization_status() {
            Some(Status::Active) => {}
            Some(Status::Suspended) => return Err(Reason::OrganizationSuspended),
            None => return Err(Reason::SubjectUnknown),
        }
        let (status, held) = match subject {
            Subject::User(id) => {
                let user = self.organization.user(id).ok_or(Reason::SubjectUnknown)?;
                (user.status(), Held::User(user))
            }
            Subject::Application(id) => {
                let application = self.organization.application(id);
                let application = application.ok_or(Reason::SubjectUnknown)?;
                let grants = application.grants();
                (application.status(), Held::Application(grants))
            }
        };
        match status {
            Status::Active => Ok(held),
            Status::Suspended => Err(Reason::SubjectSuspended),
        }
    }

    /// Whether a product counts here: what rules the installation, only where that is ruled.
    pub(crate) fn counts(self, product: &ProductEntry) -> bool {
        product.slug() != PRODUCT_SYSTEM || self.single_tenant || self.is_system()
    }

    /// What the subject's roles of one product say: granted, denied, only elsewhere, or nothing.
    pub(crate) fn judge(
        self,
        held: Held<'_>,
        product: &'a ProductEntry,
        probe: &Probe<'_>,
        attributes: &Attributes,
    ) -> Reason {
        if !self.counts(product) {
            return Reason::NoGrant;
        }
        let mut verdict = Verdict::new(self, product, probe, attributes);
        verdict.hear(held);
        let effects = verdict.effects;
        if effects.denies() {
            Reason::Denied
        } else if effects.allows() {
            Reason::Granted
        } else if effects.allows_elsewhere() {
            Reason::AttributesUnmet
        } else {
            Reason::NoGrant
        }
    }

    /// Visits everybody who speaks of a question.
    fn each_speakers(
        self,
        product: &'a ProductEntry,
        probe: &Probe<'_>,
        mut visit: impl FnMut(&'a Speakers, Origin),
    ) {
        for index in product.indexes() {
            index.each(probe, |speakers| visit(speakers, Origin::System));
        }
        if self.is_system() {
            return;
        }
        let index = self.organization.index();
        for index in product.names().iter().filter_map(|name| index.of(name)) {
            index.each(probe, |speakers| visit(speakers, Origin::Organization));
        }
    }

    /// Visits every role of a product that the subject holds, with the grant that it comes through,
    /// some more than once; none if the product does not count here.
    pub fn each_role(
        self,
        subject: Subject,
        product: &ProductEntry,
        mut visit: impl FnMut(Holding<'a>),
    ) {
        if !self.counts(product) {
            return;
        }
        let mut visit_one = |grant: &RoleGrant, source| {
            if !grant.is_expired(self.now_s)
                && let Some(role) = self.role(grant.role())
                && self.belongs(role, product)
            {
                let grant = grant.clone();
                visit(Holding {
                    role,
                    grant,
                    source,
                });
            }
        };
        for grant in self.organization.own_grants(subject.into()) {
            visit_one(grant, Source::Own);
        }
        if let Subject::User(user) = subject {
            for role in product.everyone() {
                visit_one(&RoleGrant::plain(*role), Source::Everyone);
            }
            for (direct, group) in self.organization.memberships(user) {
                for grant in group.grants() {
                    visit_one(grant, Source::Group { direct, group });
                }
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
