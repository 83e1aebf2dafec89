//! Who may give what: nobody gives a permission over Gatepost that they lack, nor for longer than
//! they hold it.
//!
//! `until` is everywhere the unix second until which something is given, `None` for ever. What the
//! giver holds counts only if it lasts as long and is not limited by attributes; what is denied to
//! the giver always counts.

use std::collections::BTreeSet;

use crate::decide::{Subject, View};
use crate::fact::{Effect, RolePermission};
use crate::permission::Permission;
use crate::role::ANY;
use crate::snapshot::ProductEntry;
use crate::{PRODUCT_GATEPOST, PRODUCT_SYSTEM};

/// The resource of [`PRODUCT_GATEPOST`] whose actions are the products that one may give roles of.
const RESOURCE_GRANTS: &str = "grants";

/// The permission that the actor lacks to give a role with these permissions to others, or to take
/// it away; `None` when nothing is missing. The rule of every RPC that gives or takes roles.
///
/// Rule over the installation is given in the system organization only; that over Gatepost by
/// those who hold it, where what the role denies counts like what it allows; a role of any other
/// product by those who hold `gatepost/grants:<product>`.
pub fn lacks_to_give(
    view: View<'_>,
    actor: Subject,
    product: &str,
    changing: &[RolePermission],
    until: Option<i64>,
) -> Option<Permission> {
    if is_out_of_reach(view, product) {
        return Some(Permission::new(PRODUCT_SYSTEM, ANY, ANY));
    }
    let exceeds = || change_exceeds(view, actor, product, changing, until);
    lacks(view, actor, product, until, exceeds)
}

/// The permission that the actor lacks to act in the place of somebody who holds a role with these
/// permissions until then: as [`lacks_to_give`], but what is denied to that one stays denied.
pub fn lacks_to_take_over(
    view: View<'_>,
    actor: Subject,
    product: &str,
    held: &[RolePermission],
    until: Option<i64>,
) -> Option<Permission> {
    let exceeds = || permissions_exceed(view, actor, product, held, until);
    lacks(view, actor, product, until, exceeds)
}

/// What `exceeds` finds, for a product that rules Gatepost; for any other, the permission to give
/// its roles.
fn lacks(
    view: View<'_>,
    actor: Subject,
    product: &str,
    until: Option<i64>,
    exceeds: impl FnOnce() -> Option<Permission>,
) -> Option<Permission> {
    if ruling_product(view, product).is_some() {
        return exceeds();
    }
    let may = may_grant_product(view, actor, product, until);
    (!may).then(|| Permission::new(PRODUCT_GATEPOST, RESOURCE_GRANTS, product))
}

/// The first of the given permissions over Gatepost that the giver does not hold; `None` when there
/// is none, or when the product does not rule Gatepost.
///
/// A given wildcard needs a wildcard that covers it, and nothing of it denied to the giver. What is
/// denied with it needs nothing.
fn permissions_exceed(
    view: View<'_>,
    actor: Subject,
    product: &str,
    given: &[RolePermission],
    until: Option<i64>,
) -> Option<Permission> {
    let slug = ruling_product(view, product)?;
    let held = held_permissions(view, actor, slug, until);
    let held = Held::of(&held);
    let allowed = given
        .iter()
        .filter(|permission| permission.effect == Effect::Allow);
    let mut missing = allowed.filter(|permission| !held.covers(permission));
    let missing = missing.next()?;
    Some(Permission::new(slug, &missing.resource, &missing.action))
}

/// As [`permissions_exceed`], for a role that somebody is about to gain or to lose: what it denies
/// counts like what it allows. Whoever takes a deny away gives what it denied.
///
/// A denied wildcard is as much as the product declares of it.
fn change_exceeds(
    view: View<'_>,
    actor: Subject,
    product: &str,
    changing: &[RolePermission],
    until: Option<i64>,
) -> Option<Permission> {
    let slug = ruling_product(view, product)?;
    let (allows, denies): (Vec<_>, Vec<_>) = changing
        .iter()
        .partition(|line| line.effect == Effect::Allow);
    let mut given: Vec<RolePermission> = allows.into_iter().cloned().collect();
    given.extend(denied(view, slug, &Lines::of(denies)));
    permissions_exceed(view, actor, slug, &given, until)
}

/// What these lines of a ruling product deny, spelled out.
fn denied(view: View<'_>, slug: &str, denies: &Lines<'_>) -> Vec<RolePermission> {
    let product = view.system.product(slug);
    let mut declared = product.map(ProductEntry::declared).unwrap_or_default();
    if slug == PRODUCT_GATEPOST {
        // Its actions are the products there are, whether or not a declaration says so.
        declared.push((RESOURCE_GRANTS.to_owned(), ANY.to_owned()));
    }
    let (mut named, mut open) = (Vec::new(), BTreeSet::new());
    for (resource, action) in &declared {
        if [resource, action].iter().any(|name| *name == ANY) {
            // There are few of these, which must be compared with each line.
            let both = denies
                .pairs
                .iter()
                .filter_map(|(denied_resource, denied_action)| {
                    let resource = common(resource, denied_resource)?;
                    Some((resource, common(action, denied_action)?))
                });
            open.extend(both);
        } else if denies.cover(resource, action) {
            named.push((resource.as_str(), action.as_str()));
        }
    }
    let allow = |(resource, action): (&str, &str)| RolePermission {
        resource: resource.to_owned(),
        action: action.to_owned(),
        effect: Effect::Allow,
    };
    named.into_iter().chain(open).map(allow).collect()
}

/// What two patterns both match, if they match anything in common.
fn common<'a>(one: &'a str, other: &'a str) -> Option<&'a str> {
    match (one, other) {
        (ANY, other) => Some(other),
        (one, ANY) => Some(one),
        (one, other) => (one == other).then_some(one),
    }
}

/// Whether nobody may give this product's roles in this organization: rule over the installation
/// is given in the system organization only.
pub(crate) fn is_out_of_reach(view: View<'_>, product: &str) -> bool {
    let named = view.system.product(product);
    let slug = named.map_or(product, ProductEntry::slug);
    // A name that says so counts, whatever it is an alias of.
    [slug, product].contains(&PRODUCT_SYSTEM) && !view.is_system()
}

/// Whether the actor has the permission to give roles of a product, by slug or alias.
fn may_grant_product(view: View<'_>, actor: Subject, product: &str, until: Option<i64>) -> bool {
    let slug = view
        .system
        .product(product)
        .map_or(product, |product| product.slug());
    let permission = RolePermission {
        resource: RESOURCE_GRANTS.to_owned(),
        action: slug.to_owned(),
        effect: Effect::Allow,
    };
    permissions_exceed(view, actor, PRODUCT_GATEPOST, &[permission], until).is_none()
}

/// The slug of the product if its permissions rule Gatepost itself. A name that says so counts
/// even where no such product is declared: better one refusal too many.
fn ruling_product(view: View<'_>, product: &str) -> Option<&'static str> {
    let slug = view
        .system
        .product(product)
        .map_or(product, |product| product.slug());
    let mut ruling = [PRODUCT_GATEPOST, PRODUCT_SYSTEM].into_iter();
    ruling.find(|ruling| *ruling == slug || *ruling == product)
}

/// All that the actor's roles of one product deny, and what they allow everywhere and for so long;
/// nothing when the actor may not act.
fn held_permissions(
    view: View<'_>,
    actor: Subject,
    slug: &str,
    until: Option<i64>,
) -> Vec<RolePermission> {
    let mut held = Vec::new();
    let product = view
        .system
        .product(slug)
        .filter(|product| product.slug() == slug);
    if let Some(product) = product
        && view.standing(actor).is_ok()
    {
        view.each_role(actor, product, |holding| {
            let lines = holding.role.permissions().into_iter();
            let lasts = holding.grant.outlasts(until);
            held.extend(lines.filter(|line| lasts || line.effect == Effect::Deny));
        });
    }
    held
}

/// Lines of roles for lookup, of one effect: a role may have a hundred thousand.
#[derive(Default)]
struct Lines<'a> {
    pairs: BTreeSet<(&'a str, &'a str)>,
    resources: BTreeSet<&'a str>,
    actions: BTreeSet<&'a str>,
}

impl<'a> Lines<'a> {
    fn of(lines: impl IntoIterator<Item = &'a RolePermission>) -> Self {
        let mut all = Self::default();
        for RolePermission {
            resource, action, ..
        } in lines
        {
            all.pairs.insert((resource, action));
            all.resources.insert(resource);
            all.actions.insert(action);
        }
        all
    }

    /// Whether one of them is as wide as this, or wider.
    fn cover(&self, resource: &str, action: &str) -> bool {
        let wider = [
            (resource, action),
            (resource, ANY),
            (ANY, action),
            (ANY, ANY),
        ];
        wider.iter().any(|pair| self.pairs.contains(pair))
    }

    /// Whether one of them has anything in common with this.
    fn meet(&self, resource: &str, action: &str) -> bool {
        match (resource, action) {
            (ANY, ANY) => !self.pairs.is_empty(),
            (ANY, action) => self.actions.contains(action) || self.actions.contains(ANY),
            (resource, ANY) => self.resources.contains(resource) || self.resources.contains(ANY),
            (resource, action) => self.cover(resource, action),
        }
    }
}

/// What somebody holds.
struct Held<'a> {
    allows: Lines<'a>,
    denies: Lines<'a>,
}

impl<'a> Held<'a> {
    fn of(held: &'a [RolePermission]) -> Self {
        let with = |effect| held.iter().filter(move |line| line.effect == effect);
        Self {
            allows: Lines::of(with(Effect::Allow)),
            denies: Lines::of(with(Effect::Deny)),
        }
    }

    /// Whether it covers one that is given, wildcards included, with no exception.
    fn covers(&self, given: &RolePermission) -> bool {
        let (resource, action) = (&given.resource, &given.action);
        self.allows.cover(resource, action) && !self.denies.meet(resource, action)
    }
}

#[cfg(test)]
mod tests;
