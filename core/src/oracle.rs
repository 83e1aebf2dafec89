//! The decision told slowly and obviously, over a plain list of facts; and small random worlds to
//! ask both about.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "every rule here is about one or two nouns, and says nothing of new ones"
)]

pub(crate) mod world;

use crate::decide::{Reason, Subject};
use crate::fact::{AttributeLimit, Effect, Fact, GrantSubject, Member, Status};
use crate::id::{GroupId, OrganizationId, RoleId};
use crate::{PRODUCT_SYSTEM, Question};
use world::World;

/// A product as the oracle sees it: slug, aliases, declared pairs, roles of everyone.
type Product<'a> = (&'a str, &'a [String], &'a [(String, String)], &'a [RoleId]);

pub(crate) fn decide(world: &World, subject: Subject, question: Question<'_>) -> Reason {
    match standing(world, subject) {
        Reason::Granted => {}
        refusal => return refusal,
    }
    let Some(name) = question.product else {
        let judged: Vec<Reason> = products(world)
            .into_iter()
            .filter(|product| counts(world, product.0) && declares(*product, question))
            .map(|product| judge(world, subject, product, question))
            .collect();
        let order = [
            Reason::Denied,
            Reason::NoGrant,
            Reason::AttributesUnmet,
            Reason::Granted,
        ];
        let first = order.into_iter().find(|reason| judged.contains(reason));
        return first.unwrap_or(Reason::UnknownPermission);
    };
    let slug = canonical(world, name);
    match products(world)
        .into_iter()
        .find(|product| Some(product.0) == slug)
    {
        Some(product) => judge(world, subject, product, question),
        None => Reason::UnknownProduct,
    }
}

fn standing(world: &World, subject: Subject) -> Reason {
    let everything = world.organization.iter().chain(&world.system);
    let statuses: Vec<Status> = everything
        .filter_map(|fact| match fact {
            Fact::Organization { id, status, .. } if *id == world.id => Some(*status),
            _ => None,
        })
        .collect();
    if statuses.contains(&Status::Suspended) {
        return Reason::OrganizationSuspended;
    }
    if statuses.is_empty() {
        return Reason::SubjectUnknown;
    }
    let status = world
        .organization
        .iter()
        .find_map(|fact| match (fact, subject) {
            (Fact::User { id, status, .. }, Subject::User(user)) if *id == user => Some(status),
            (Fact::Application { id, status, .. }, Subject::Application(application))
                if *id == application =>
            {
                Some(status)
            }
            _ => None,
        });
    match status {
        Some(Status::Active) => Reason::Granted,
        Some(Status::Suspended) => Reason::SubjectSuspended,
        None => Reason::SubjectUnknown,
    }
}

fn products(world: &World) -> Vec<Product<'_>> {
    let product = |fact: &'_ Fact| matches!(fact, Fact::Product { .. });
    let mut products: Vec<Product<'_>> = world
        .system
        .iter()
        .filter(|fact| product(fact))
        .filter_map(|fact| match fact {
            Fact::Product {
                slug,
                aliases,
                declared,
                everyone,
                ..
            } => Some((slug.as_str(), &aliases[..], &declared[..], &everyone[..])),
            _ => None,
        })
        .collect();
    products.sort();
    products
}

fn canonical<'a>(world: &'a World, name: &str) -> Option<&'a str> {
    let products = products(world);
    let named = products.iter().find(|product| product.0 == name);
    let aliased = || {
        products
            .iter()
            .find(|product| product.1.iter().any(|alias| alias == name))
    };
    named.or_else(aliased).map(|product| product.0)
}

fn counts(world: &World, slug: &str) -> bool {
    slug != PRODUCT_SYSTEM || world.single_tenant || world.id == OrganizationId::new(world::SYSTEM)
}

fn declares(product: Product<'_>, question: Question<'_>) -> bool {
    let wild = question.resource == "*" || question.action == "*";
    let pair = |pair: &(String, String)| pair.0 == question.resource && pair.1 == question.action;
    !wild && product.2.iter().any(pair)
}

/// The groups of a subject: grown until nothing more is found.
pub(crate) fn groups(world: &World, subject: Subject) -> Vec<GroupId> {
    let mut found: Vec<GroupId> = Vec::new();
    loop {
        let before = found.len();
        for fact in &world.organization {
            let Fact::Member { group, member } = fact else {
                continue;
            };
            let inside = match member {
                Member::User(user) => subject == Subject::User(*user),
                Member::Group(child) => found.contains(child),
            };
            let known = |fact: &Fact| matches!(fact, Fact::Group { id, .. } if id == group);
            if inside && !found.contains(group) && world.organization.iter().any(known) {
                found.push(*group);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

fn judge(world: &World, subject: Subject, product: Product<'_>, question: Question<'_>) -> Reason {
    if !counts(world, product.0) {
        return Reason::NoGrant;
    }
    let groups = groups(world, subject);
    let holds = |holder: &GrantSubject| match holder {
        GrantSubject::User(user) => subject == Subject::User(*user),
        GrantSubject::Application(id) => subject == Subject::Application(*id),
        GrantSubject::Group(group) => groups.contains(group),
    };
    let mut reasons = Vec::new();
    for fact in &world.organization {
        if let Fact::Grant {
            subject: holder,
            role,
            until,
            limits,
        } = fact
            && holds(holder)
            && until.is_none_or(|until| until > world.now_s)
        {
            for effect in effects(world, *role, product.0, question) {
                reasons.push(worth(effect, limits, question));
            }
        }
    }
    if matches!(subject, Subject::User(_)) {
        for role in product.3 {
            for effect in effects(world, *role, product.0, question) {
                reasons.push(worth(effect, &[], question));
            }
        }
    }
    let order = [Reason::Denied, Reason::Granted, Reason::AttributesUnmet];
    let first = order.into_iter().find(|reason| reasons.contains(reason));
    first.unwrap_or(Reason::NoGrant)
}

/// What one line of a role is worth under a grant with these limits.
pub(crate) fn worth(effect: Effect, limits: &[AttributeLimit], question: Question<'_>) -> Reason {
    let met = limits.iter().all(|limit| {
        let value = question.attributes.get(&limit.attribute);
        value.is_some_and(|value| limit.values.contains(value))
    });
    let foreign = limits.iter().any(|limit| {
        let value = question.attributes.get(&limit.attribute);
        value.is_some_and(|value| !limit.values.contains(value))
    });
    match effect {
        Effect::Allow if met => Reason::Granted,
        Effect::Allow => Reason::AttributesUnmet,
        Effect::Deny if foreign => Reason::NoGrant,
        Effect::Deny => Reason::Denied,
    }
}

fn effects(world: &World, role: RoleId, slug: &str, question: Question<'_>) -> Vec<Effect> {
    let everything = world.system.iter().chain(&world.organization);
    let role = everything
        .filter_map(|fact| match fact {
            Fact::Role {
                id,
                product,
                permissions,
                ..
            } => Some((id, product, permissions)),
            _ => None,
        })
        .find(|(id, _, _)| **id == role);
    let Some((_, product, permissions)) = role else {
        return Vec::new();
    };
    if canonical(world, product) != Some(slug) {
        return Vec::new();
    }
    let matches = |pattern: &str, name: &str| pattern == "*" || pattern == name;
    permissions
        .iter()
        .filter(|line| matches(&line.resource, question.resource))
        .filter(|line| matches(&line.action, question.action))
        .map(|line| line.effect)
        .collect()
}
