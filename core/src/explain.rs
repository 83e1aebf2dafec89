//! The way to a decision: what led to it, and what is missing.
//!
//! Not for the decision path: it looks at every group and every role of an organization. What it
//! costs is bounded all the same; each part says by what.

mod gain;
mod givers;
mod missing;
mod paths;
#[cfg(test)]
mod tests;

pub use givers::{Giver, GiverId, required_permission};
pub use missing::{MissingGrant, Remedy};
pub use paths::GrantPath;

use crate::decide::{Decision, Question, Reason, Subject, View, decide};
use crate::role::Probe;
use crate::snapshot::ProductEntry;
use crate::terms::RoleGrant;

/// Most paths that an explanation tells.
pub const PATHS_MAX: usize = 20;
/// Most gained permissions that an explanation names; all of them are counted.
pub const ADDED_MAX: usize = 100;
/// Most givers that an explanation names.
pub const GIVERS_MAX: usize = 20;

/// A decision and the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The decision, as [`decide()`] makes it.
    pub decision: Decision,
    /// What led to it, the shortest first and then by name, [`PATHS_MAX`] at the most: what allows
    /// it, what denies it, or what would allow it if the attributes were others.
    pub paths: Vec<GrantPath>,
    /// The smallest single change that would allow it; `None` when none does.
    pub missing: Option<MissingGrant>,
}

/// A group, role or user by id and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named<T> {
    /// Its name; the first to be compared.
    pub name: String,
    /// Its id.
    pub id: T,
}

/// Answers a question as [`decide()`] does, and tells why.
pub fn explain(view: View<'_>, subject: Subject, question: Question<'_>) -> Explanation {
    let decision = decide(view, subject, question);
    let asked = Asked::new(view, subject, question);
    let may_lack = [Reason::NoGrant, Reason::AttributesUnmet].contains(&decision.reason);
    let missing = may_lack.then(|| missing::missing(&asked)).flatten();
    Explanation {
        decision,
        paths: paths::paths(&asked, decision.reason),
        missing,
    }
}

/// A question with what is looked up once for it.
struct Asked<'a> {
    view: View<'a>,
    subject: Subject,
    question: Question<'a>,
    probe: Probe<'a>,
    /// Every product that must grant it.
    products: Vec<&'a ProductEntry>,
}

impl<'a> Asked<'a> {
    fn new(view: View<'a>, subject: Subject, question: Question<'a>) -> Self {
        let probe = Probe::new(question.resource, question.action);
        let products = match question.product {
            Some(name) => view.system.product(name).into_iter().collect(),
            None => view
                .system
                .products()
                .filter(|product| view.counts(product) && product.declares(&probe))
                .collect(),
        };
        Self {
            view,
            subject,
            question,
            probe,
            products,
        }
    }

    /// Everything that the subject is given, itself, as everybody or by a group, once for each
    /// group; expired grants are left out.
    fn held(&self) -> Vec<RoleGrant> {
        let organization = self.view.organization;
        let mut held = organization.own_grants(self.subject.into()).to_vec();
        if let Subject::User(user) = self.subject {
            held.extend(
                self.view
                    .system
                    .products()
                    .flat_map(|product| self.everyone(product)),
            );
            let groups = organization.groups_of(user);
            let groups = groups.into_iter().filter_map(|id| organization.group(id));
            held.extend(groups.flat_map(|group| group.grants().iter().cloned()));
        }
        held.retain(|grant| !grant.is_expired(self.view.now_s));
        held
    }

    /// What everybody is given by a product, which gives only what is its own.
    fn everyone(&self, product: &ProductEntry) -> Vec<RoleGrant> {
        let view = self.view;
        let own = product.everyone().iter().filter(|id| {
            view.role(**id)
                .is_some_and(|role| view.belongs(role, product))
        });
        own.map(|id| RoleGrant::plain(*id)).collect()
    }
}
