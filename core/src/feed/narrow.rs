//! What of an organization leaves the centre: just what decisions about some products need.

use std::collections::BTreeSet;

use crate::decide::View;
use crate::fact::{Change, Fact};
use crate::id::{OrganizationId, RoleId};
use crate::role::RoleEntry;
use crate::snapshot::{ProductEntry, Snapshot};

/// Whose facts somebody may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those of one organization, and what every organization needs of the installation.
    One(OrganizationId),
    /// Those of all.
    All,
}

/// Leaves out what decisions about some products do not need: roles and grants of other products,
/// names of people and things, other organizations.
#[derive(Debug)]
pub struct Narrow<'a> {
    view: View<'a>,
    products: BTreeSet<&'a str>,
    reach: Reach,
}

impl<'a> Narrow<'a> {
    /// For facts of the view's organization. Products are named by slug or alias; one that is not
    /// known counts for nothing.
    pub fn new(view: View<'a>, products: &[String], reach: Reach) -> Self {
        let known = products.iter().filter_map(|name| view.system.product(name));
        Self {
            view,
            products: known.map(ProductEntry::slug).collect(),
            reach,
        }
    }

    /// The fact as it may leave.
    pub fn fact(&self, fact: Fact) -> Option<Fact> {
        self.keeps(&fact).then(|| self.without_names(fact))
    }

    fn keeps(&self, fact: &Fact) -> bool {
        let own = self.has(self.view.organization.id());
        match fact {
            Fact::Organization { id, .. } => self.has(*id) || *id == self.view.system.id(),
            Fact::Product { slug, .. } => self.products.contains(slug.as_str()),
            Fact::Role { id, product, .. } => self.serves(product) && !self.is_shadowed(*id),
            Fact::SigningKey { .. } => true,
            Fact::Grant { role, .. } => own && self.serves_role(*role),
            Fact::User { .. }
            | Fact::Group { .. }
            | Fact::Member { .. }
            | Fact::Application { .. }
            | Fact::Credential { .. }
            | Fact::EndedSession { .. } => own,
        }
    }

    /// The change as it may leave.
    pub fn change(&self, change: Change) -> Option<Change> {
        let change = Change {
            before: change.before.and_then(|fact| self.fact(fact)),
            after: change.after.and_then(|fact| self.fact(fact)),
        };
        change.key().is_some().then_some(change)
    }

    /// The fact without what people call it. A slug stays: tokens and questions name it. An alias
    /// that means another product does not: where that is left out, it would mean this one.
    fn without_names(&self, mut fact: Fact) -> Fact {
        match &mut fact {
            Fact::User {
                username: first,
                display_name: second,
                ..
            }
            | Fact::Application {
                name: first,
                client_id: second,
                ..
            } => {
                first.clear();
                second.clear();
            }
            Fact::Organization { name, .. }
            | Fact::Group { name, .. }
            | Fact::Role { name, .. } => {
                name.clear();
            }
            Fact::Product { slug, aliases, .. } => aliases.retain(|alias| {
                let product = self.view.system.product(alias);
                product.is_some_and(|product| product.slug() == slug.as_str())
            }),
            Fact::Member { .. }
            | Fact::Grant { .. }
            | Fact::Credential { .. }
            | Fact::EndedSession { .. }
            | Fact::SigningKey { .. } => {}
        }
        fact
    }

    fn has(&self, organization: OrganizationId) -> bool {
        match self.reach {
            Reach::One(own) => own == organization,
            Reach::All => true,
        }
    }

    /// A name that no product has may become an alias of one, and what was left out by then would
    /// be missing: a deny, for example. So it stays in.
    fn serves(&self, product: &str) -> bool {
        let known = self.view.system.product(product);
        known.is_none_or(|product| self.products.contains(product.slug()))
    }

    /// Whether the installation has a role of that id, which counts instead of this one: if that is
    /// left out, this one must not come forward.
    fn is_shadowed(&self, role: RoleId) -> bool {
        !self.view.is_system() && self.view.system.role(role).is_some()
    }

    /// A role that is gone cannot be told to be of another product; its grant says nothing anyway.
    fn serves_role(&self, role: RoleId) -> bool {
        let role = self.view.role(role).map(RoleEntry::product);
        role.is_none_or(|product| self.serves(product))
    }
}

/// The epoch of what was narrowed: another one when revisions were counted anew, and when a name
/// came to mean another product, so that something else must be left out.
pub fn narrowed_epoch(epoch: u64, system: &Snapshot) -> u64 {
    // FNV-1a, the same on every machine.
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut hash = BASIS;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    };
    add(&epoch.to_le_bytes());
    for product in system.products() {
        for name in std::iter::once(product.slug()).chain(product.aliases()) {
            add(name.as_bytes());
            add(b"\n");
        }
        add(b"\n");
    }
    hash
}

#[cfg(test)]
mod tests;
