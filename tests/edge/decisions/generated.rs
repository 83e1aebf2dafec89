//! An installation at random, and questions about it. The same in every run.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::faces::Asking;
use super::format::{Account, Cases, Ends, Grant, Group, Organization, Product, Role};

/// The attribute that routes tell.
pub const ATTRIBUTE: &str = "branch";
const QUESTIONS: usize = 2_000;
const RESOURCES: [&str; 3] = ["accounts", "ledgers", "loans"];
const ACTIONS: [&str; 3] = ["get", "post", "delete"];
const VALUES: [&str; 3] = ["north", "south", "a b"];

/// The installation and the questions.
pub fn installation() -> (Cases, Vec<Asking>) {
    let mut runner = TestRunner::deterministic();
    let mut some =
        |strategy: BoxedStrategy<usize>| strategy.new_tree(&mut runner).unwrap().current();
    let mut below = |limit: usize| some((0..limit).boxed());
    let cases = cases(&mut below);
    let mut questions: Vec<Asking> = (0..QUESTIONS).map(|_| asking(&mut below)).collect();
    for asking in &mut questions {
        // There are routes to what is declared.
        let product = asking.product.as_deref().unwrap_or_default();
        let product = cases.products.get(product.trim_start_matches("old-"));
        let pair = format!("{}:{}", asking.resource, asking.action);
        if !product.is_some_and(|product| product.declares.contains(&pair)) {
            asking.path = None;
        }
    }
    (cases, questions)
}

fn pick<'a>(below: &mut impl FnMut(usize) -> usize, of: &[&'a str]) -> &'a str {
    of[below(of.len())]
}

/// `resource:action`, with wildcards and denials now and then.
fn line(below: &mut impl FnMut(usize) -> usize) -> String {
    let deny = if below(8) == 0 { "deny " } else { "" };
    let resource = if below(6) == 0 {
        "*"
    } else {
        pick(below, &RESOURCES)
    };
    let action = if below(6) == 0 {
        "*"
    } else {
        pick(below, &ACTIONS)
    };
    format!("{deny}{resource}:{action}")
}

fn lines(below: &mut impl FnMut(usize) -> usize) -> Vec<String> {
    let mut lines: Vec<String> = (0..=below(3)).map(|_| line(below)).collect();
    lines.sort();
    lines.dedup();
    lines
}

fn product(below: &mut impl FnMut(usize) -> usize, name: &str) -> Product {
    let pairs = RESOURCES.iter().flat_map(|resource| {
        let actions = ACTIONS.iter();
        actions.map(move |action| format!("{resource}:{action}"))
    });
    let declares: Vec<String> = pairs.filter(|_| below(4) > 0).collect();
    let roles = (0..4).map(|number| {
        let mut lines = lines(below);
        if number == 3 {
            // One that only denies.
            let denials = lines.iter().map(|line| line.trim_start_matches("deny "));
            lines = denials.map(|line| format!("deny {line}")).collect();
        }
        (format!("{name}-role-{number}"), lines)
    });
    Product {
        aliases: vec![format!("old-{name}")],
        declares,
        roles: roles.collect(),
        everyone: vec![],
    }
}

fn cases(below: &mut impl FnMut(usize) -> usize) -> Cases {
    let products = ["bank", "shop"].map(|name| (name.to_owned(), product(below, name)));
    Cases {
        about: "generated".to_owned(),
        single_tenant: false,
        products: products.into(),
        organizations: BTreeMap::from([("acme".to_owned(), organization(below))]),
        questions: vec![],
    }
}

fn organization(below: &mut impl FnMut(usize) -> usize) -> Organization {
    let accounts = |kind: &str, count: usize| -> BTreeMap<String, Account> {
        (0..count)
            .map(|number| (format!("{kind}{number}"), Account::default()))
            .collect()
    };
    let groups = (0..8).map(|number| {
        let users = (0..12)
            .filter(|_| below(5) == 0)
            .map(|user| format!("user{user}"));
        let users = users.collect();
        // Only of those before, so that there is no cycle.
        let groups = (0..number).filter(|_| below(4) == 0);
        let groups = groups.map(|group| format!("group{group}")).collect();
        (format!("group{number}"), Group { users, groups })
    });
    let groups = groups.collect();
    let roles = (0..5).map(|number| {
        let product = pick(below, &["bank", "shop", "old-bank"]).to_owned();
        let permissions = lines(below);
        (
            format!("own-{number}"),
            Role {
                product,
                permissions,
            },
        )
    });
    let roles = roles.collect();
    let mut grants = BTreeMap::new();
    for _ in 0..60 {
        let grant = grant(below);
        grants.insert((grant.to.clone(), grant.role.clone()), grant);
    }
    Organization {
        suspended: false,
        users: accounts("user", 12),
        applications: accounts("robot", 3),
        groups,
        roles,
        grants: grants.into_values().collect(),
    }
}

fn grant(below: &mut impl FnMut(usize) -> usize) -> Grant {
    let to = match below(6) {
        0 | 1 => format!("user user{}", below(12)),
        2 => format!("application robot{}", below(3)),
        _ => format!("group group{}", below(8)),
    };
    let role = match below(3) {
        0 => format!("own-{}", below(5)),
        1 => format!("bank-role-{}", below(4)),
        _ => format!("shop-role-{}", below(4)),
    };
    let limits = match below(3) {
        0 => BTreeMap::from([(ATTRIBUTE.to_owned(), vec![pick(below, &VALUES).to_owned()])]),
        _ => BTreeMap::new(),
    };
    Grant {
        to,
        role,
        ends: [Ends::Never, Ends::Never, Ends::Later, Ends::Before][below(4)],
        limits,
    }
}

fn asking(below: &mut impl FnMut(usize) -> usize) -> Asking {
    let who = match below(5) {
        0 => format!("application robot{}", below(3)),
        _ => format!("user user{}", below(12)),
    };
    let product = match below(10) {
        0 => None,
        1 => Some("old-bank"),
        2 => Some("nowhere"),
        number => Some(["bank", "shop"][number % 2]),
    };
    let resource = pick(below, &["accounts", "ledgers", "loans", "loans", "other"]);
    let action = pick(below, &["get", "post", "delete", "fly"]);
    let mut attributes = BTreeMap::new();
    if below(3) > 0 {
        attributes.insert(ATTRIBUTE.to_owned(), pick(below, &VALUES).to_owned());
    }
    let mut path = format!("/{resource}/{action}");
    if let Some(value) = attributes.get(ATTRIBUTE) {
        path = format!("{path}/{}", value.replace(' ', "%20"));
    }
    if below(6) == 0 {
        // Something that no path tells.
        attributes.insert("colour".to_owned(), "red".to_owned());
    }
    Asking {
        organization: "acme".to_owned(),
        who,
        product: product.map(str::to_owned),
        resource: resource.to_owned(),
        action: action.to_owned(),
        path: Some(path).filter(|_| !attributes.contains_key("colour")),
        attributes,
    }
}
