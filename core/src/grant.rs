//! Who may give what: nobody gives a permission over Gatepost that they lack, nor for longer than
//! they hold it.
//!
//! `until` is everywhere the unix second until which something is given, `None` for ever. What the
//! giver holds counts only if it lasts as long and is not limited by attributes; what is denied to
//! the giver always counts.

use crate::decide::{Subject, View};
use crate::fact::{Effect, RolePermission};
use crate::id::RoleId;
use crate::permission::Permission;
use crate::role::ANY;
use crate::snapshot::ProductEntry;
use crate::{PRODUCT_GATEPOST, PRODUCT_SYSTEM};

/// The resource of [`PRODUCT_GATEPOST`] whose actions are the products that one may give roles of.
pub const RESOURCE_GRANTS: &str = "grants";

/// Why something may not be given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Excess {
    /// The giver lacks this permission itself.
    #[error("`{0}` is not yours to give")]
    Lacks(Permission),
    /// The role is not known at this revision, so nobody can say what it gives.
    #[error("there is no role `{0}`")]
    UnknownRole(RoleId),
}

/// The first of the given roles' permissions over Gatepost that the giver does not hold; `None`
/// when there is none. Roles of other products are judged by [`may_grant`].
///
/// A given wildcard needs a wildcard that covers it, and nothing of it denied to the giver. What a
/// role denies needs nothing.
pub fn exceeds(
    view: View<'_>,
    actor: Subject,
    given: &[RoleId],
    until: Option<i64>,
) -> Option<Excess> {
    given.iter().find_map(|id| {
        let Some(role) = view.role(*id) else {
            return Some(Excess::UnknownRole(*id));
        };
        let permissions = role.permissions();
        permissions_exceed(view, actor, role.product(), &permissions, until).map(Excess::Lacks)
    })
}

/// As [`exceeds`], for a role that is only about to be written.
pub fn permissions_exceed(
    view: View<'_>,
    actor: Subject,
    product: &str,
    given: &[RolePermission],
    until: Option<i64>,
) -> Option<Permission> {
    let slug = ruling_product(view, product)?;
    let held = held_permissions(view, actor, slug, until);
    let allowed = given
        .iter()
        .filter(|permission| permission.effect == Effect::Allow);
    let mut missing = allowed.filter(|permission| !holds(&held, permission));
    let missing = missing.next()?;
    Some(Permission::new(slug, &missing.resource, &missing.action))
}

/// As [`permissions_exceed`], for a role that somebody is about to gain or to lose: what it denies
/// counts like what it allows. Whoever takes a deny away gives what it denied.
///
/// A denied wildcard is as much as the product declares of it.
pub fn change_exceeds(
    view: View<'_>,
    actor: Subject,
    product: &str,
    changing: &[RolePermission],
    until: Option<i64>,
) -> Option<Permission> {
    let slug = ruling_product(view, product)?;
    let product = view.system.product(slug);
    let mut declared = product.map(ProductEntry::declared).unwrap_or_default();
    if slug == PRODUCT_GATEPOST {
        // Its actions are the products there are; no declaration lists them.
        declared.push((RESOURCE_GRANTS.to_owned(), ANY.to_owned()));
    }
    let denied = |deny: &RolePermission| {
        let both = declared.iter().filter_map(|(resource, action)| {
            Some((
                common(resource, &deny.resource)?,
                common(action, &deny.action)?,
            ))
        });
        both.map(|(resource, action)| RolePermission {
            resource: resource.to_owned(),
            action: action.to_owned(),
            effect: Effect::Allow,
        })
        .collect()
    };
    let changing: Vec<RolePermission> = changing
        .iter()
        .flat_map(|permission| match permission.effect {
            Effect::Allow => vec![permission.clone()],
            Effect::Deny => denied(permission),
        })
        .collect();
    permissions_exceed(view, actor, slug, &changing, until)
}

/// The permission that the actor lacks to give a role with these permissions to others, or to take
/// it away; `None` when nothing is missing. The rule of every RPC that gives or takes roles.
///
/// Rule over the installation is given in the system organization only; that over Gatepost by
/// those who hold it, see [`change_exceeds`]; a role of any other product by those who hold
/// `gatepost/grants:<product>`.
pub fn lacks_to_give(
    view: View<'_>,
    actor: Subject,
    product: &str,
    changing: &[RolePermission],
    until: Option<i64>,
) -> Option<Permission> {
    if is_out_of_reach(view, product) {
        Some(Permission::new(PRODUCT_SYSTEM, ANY, ANY))
    } else if ruling_product(view, product).is_some() {
        change_exceeds(view, actor, product, changing, until)
    } else {
        let may = may_grant_product(view, actor, product, until);
        (!may).then(|| Permission::new(PRODUCT_GATEPOST, RESOURCE_GRANTS, product))
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

/// What two patterns both match, if they match anything in common.
fn common<'a>(one: &'a str, other: &'a str) -> Option<&'a str> {
    match (one, other) {
        (ANY, other) => Some(other),
        (one, ANY) => Some(one),
        (one, other) => (one == other).then_some(one),
    }
}

/// Whether the actor may give this role to others, or take it away.
///
/// A role over Gatepost: when the actor holds all that it allows. A role of another product: with
/// the permission `gatepost/grants:<product>`.
pub fn may_grant(view: View<'_>, actor: Subject, role: RoleId, until: Option<i64>) -> bool {
    view.role(role).is_some_and(|entry| {
        if ruling_product(view, entry.product()).is_some() {
            exceeds(view, actor, &[role], until).is_none()
        } else {
            may_grant_product(view, actor, entry.product(), until)
        }
    })
}

/// Whether the actor has the permission to give roles of a product, by slug or alias.
pub fn may_grant_product(
    view: View<'_>,
    actor: Subject,
    product: &str,
    until: Option<i64>,
) -> bool {
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

/// Whether the permissions held cover one that is given, wildcards included, with no exception.
fn holds(held: &[RolePermission], given: &RolePermission) -> bool {
    let covers = |held: &str, given: &str| held == ANY || held == given;
    let meets = |held: &str, given: &str| given == ANY || covers(held, given);
    let covered = held.iter().any(|held| {
        held.effect == Effect::Allow
            && covers(&held.resource, &given.resource)
            && covers(&held.action, &given.action)
    });
    let excepted = held.iter().any(|held| {
        held.effect == Effect::Deny
            && meets(&held.resource, &given.resource)
            && meets(&held.action, &given.action)
    });
    covered && !excepted
}

#[cfg(test)]
mod tests;
