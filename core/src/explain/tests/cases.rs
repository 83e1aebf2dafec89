//! Named cases: one organization in which everything has a name.

use uuid::Uuid;

use super::super::*;
use crate::fact::{Change, Effect, Fact, GrantSubject, Member, RolePermission, Status};
use crate::id::{ApplicationId, GroupId, OrganizationId, RoleId, UserId};
use crate::limits::GROUP_DEPTH_MAX;
use crate::oracle::world::{self, World};
use crate::terms::NO_ATTRIBUTES;

/// Facts under construction; ids are made of names.
struct House(World);

fn id(name: &str) -> Uuid {
    let bytes = name.bytes().rev().take(15);
    Uuid::from_u128(bytes.fold(1, |id, byte| id << 8 | u128::from(byte)))
}

fn user(name: &str) -> Subject {
    Subject::User(UserId::new(id(name)))
}

fn group(name: &str) -> GrantSubject {
    GrantSubject::Group(GroupId::new(id(name)))
}

fn lines(text: &str) -> Vec<RolePermission> {
    let line = |line: &str| {
        let (effect, line) = match line.strip_prefix('!') {
            Some(line) => (Effect::Deny, line),
            None => (Effect::Allow, line),
        };
        let (resource, action) = line.split_once(':').unwrap();
        RolePermission {
            resource: resource.into(),
            action: action.into(),
            effect,
        }
    };
    text.split_whitespace().map(line).collect()
}

impl House {
    /// Products, the administrators, and Ann, who is in no group.
    fn new() -> Self {
        let id = OrganizationId::new(world::ORGANIZATION);
        let mut house = Self(World {
            id,
            system: vec![],
            organization: vec![Fact::Organization {
                id,
                slug: "o".into(),
                name: "O".into(),
                status: Status::Active,
            }],
            single_tenant: false,
            now_s: world::NOW_S,
        });
        house.product("midaz", "accounts:get accounts:post ledgers:get");
        house.product("gatepost", "groups:patch users:patch applications:patch");
        house.product("gatepost-system", "organizations:get");
        house.shared(
            "admin-role",
            "gatepost",
            "groups:patch users:patch grants:*",
        );
        house.group("admins").give(group("admins"), "admin-role");
        house.user("ann").user("root").member("admins", "root");
        house
    }

    fn product(&mut self, slug: &str, declared: &str) -> &mut Self {
        let declared = lines(declared).into_iter();
        self.0.system.push(Fact::Product {
            demands: Vec::new(),
            slug: slug.into(),
            aliases: vec![],
            declared: declared.map(|line| (line.resource, line.action)).collect(),
            everyone: vec![],
            routes: vec![],
        });
        self
    }

    fn shared(&mut self, name: &str, product: &str, held: &str) -> &mut Self {
        self.0.system.push(role(name, product, held, true));
        self
    }

    fn own(&mut self, name: &str, product: &str, held: &str) -> &mut Self {
        self.0.organization.push(role(name, product, held, false));
        self
    }

    fn user(&mut self, name: &str) -> &mut Self {
        self.0.organization.push(Fact::User {
            id: UserId::new(id(name)),
            username: name.into(),
            display_name: String::new(),
            status: Status::Active,
        });
        self
    }

    fn group(&mut self, name: &str) -> &mut Self {
        self.0.organization.push(Fact::Group {
            id: GroupId::new(id(name)),
            name: name.into(),
            built_in: false,
        });
        self
    }

    fn member(&mut self, group: &str, user: &str) -> &mut Self {
        self.inside(group, Member::User(UserId::new(id(user))))
    }

    fn nested(&mut self, group: &str, child: &str) -> &mut Self {
        self.inside(group, Member::Group(GroupId::new(id(child))))
    }

    fn inside(&mut self, group: &str, member: Member) -> &mut Self {
        let group = GroupId::new(id(group));
        self.0.organization.push(Fact::Member { group, member });
        self
    }

    fn give(&mut self, subject: GrantSubject, role: &str) -> &mut Self {
        self.0.organization.push(Fact::Grant {
            subject,
            role: RoleId::new(id(role)),
            until: None,
            limits: vec![],
        });
        self
    }

    fn explain(&self, subject: Subject, resource: &str, action: &str) -> Explanation {
        let question = Question {
            product: Some("midaz"),
            resource,
            action,
            attributes: &NO_ATTRIBUTES,
        };
        explain(self.0.build().view(), subject, question)
    }

    /// What Ann lacks to get an account: its name, what it adds, and who may give it.
    fn missing(&self) -> Option<(String, usize, Vec<String>)> {
        let missing = self.explain(user("ann"), "accounts", "get").missing?;
        let givers = missing.givers.into_iter().map(|giver| giver.name);
        Some((missing.name, missing.added_count, givers.collect()))
    }
}

fn role(name: &str, product: &str, held: &str, built_in: bool) -> Fact {
    Fact::Role {
        id: RoleId::new(id(name)),
        product: product.into(),
        name: name.into(),
        permissions: lines(held),
        built_in,
    }
}

/// A path as text: groups, then role, then line.
fn told(path: &GrantPath) -> String {
    let groups = path.groups.iter().map(|group| format!("{} > ", group.name));
    let (groups, role, line) = (groups.collect::<String>(), &path.role.name, &path.line);
    format!("{groups}{role} > {}:{}", line.resource, line.action)
}

#[test]
fn the_shortest_path_comes_first() {
    let mut house = House::new();
    house.shared("reader", "midaz", "accounts:get *:get !ledgers:*");
    house.group("b").group("a").group("top");
    house
        .member("b", "ann")
        .member("a", "ann")
        .nested("top", "b")
        .nested("top", "a");
    house
        .give(group("top"), "reader")
        .give(group("b"), "reader");
    house.give(user("ann").into(), "reader");
    let explained = house.explain(user("ann"), "accounts", "get");
    assert!(explained.decision.allowed && explained.missing.is_none());
    let paths: Vec<String> = explained.paths.iter().map(told).collect();
    let expected = [
        "reader > *:get",
        "reader > accounts:get",
        "b > reader > *:get",
        "b > reader > accounts:get",
        "a > top > reader > *:get",
        "a > top > reader > accounts:get",
        "b > top > reader > *:get",
        "b > top > reader > accounts:get",
    ];
    assert_eq!(paths, expected);
    let denied = house.explain(user("ann"), "ledgers", "get");
    assert_eq!(denied.decision.reason, Reason::Denied);
    let paths: Vec<String> = denied.paths.iter().map(told).collect();
    assert_eq!(paths[0], "reader > ledgers:*");
    assert_eq!((paths.len(), denied.missing), (4, None));
}

#[test]
fn of_a_great_many_paths_a_few_are_told() {
    // 16 floors of 12 groups, each in all of the floor above: 12 to the power of 16 ways.
    let mut house = House::new();
    house.shared("reader", "midaz", "accounts:get");
    let name = |floor: usize, room: usize| format!("{floor:02}-{room:02}");
    for floor in 0..=GROUP_DEPTH_MAX {
        for room in 0..12 {
            house.group(&name(floor, room));
            for below in (0..12).filter(|_| floor > 0) {
                house.nested(&name(floor, room), &name(floor - 1, below));
            }
        }
    }
    for room in 0..12 {
        house.member(&name(0, room), "ann");
        house.give(group(&name(GROUP_DEPTH_MAX, room)), "reader");
    }
    let explained = house.explain(user("ann"), "accounts", "get");
    assert_eq!(explained.paths.len(), PATHS_MAX);
    let first: Vec<&str> = explained.paths[0]
        .groups
        .iter()
        .map(|group| group.name.as_str())
        .collect();
    let expected: Vec<String> = (0..=GROUP_DEPTH_MAX).map(|floor| name(floor, 0)).collect();
    assert_eq!(first, expected);
    let last = &explained.paths[PATHS_MAX - 1].groups;
    assert_eq!(last[GROUP_DEPTH_MAX].name, name(GROUP_DEPTH_MAX, 7));
    assert_eq!(last[GROUP_DEPTH_MAX - 1].name, name(GROUP_DEPTH_MAX - 1, 1));
}

#[test]
fn the_smallest_change_is_named() {
    let mut house = House::new();
    assert_eq!(house.missing(), None);
    let admins = || vec!["admins".to_owned()];
    house.shared("everything", "midaz", "*:*");
    assert_eq!(house.missing(), Some(("everything".into(), 3, admins())));
    house.own("accountant", "midaz", "accounts:get accounts:post");
    assert_eq!(house.missing(), Some(("accountant".into(), 2, admins())));
    // As much as the role, and a membership comes first.
    house.group("clerks").give(group("clerks"), "accountant");
    assert_eq!(house.missing(), Some(("clerks".into(), 2, admins())));
    house.group("bookkeepers").nested("clerks", "bookkeepers");
    assert_eq!(house.missing(), Some(("bookkeepers".into(), 2, admins())));
    house.own("viewer", "midaz", "accounts:get");
    assert_eq!(house.missing(), Some(("viewer".into(), 1, admins())));
    // What she holds already is not added.
    house.own("poster", "midaz", "accounts:post ledgers:*");
    house.give(user("ann").into(), "poster");
    assert_eq!(house.missing(), Some(("bookkeepers".into(), 1, admins())));
    let machine = Subject::Application(ApplicationId::new(id("bot")));
    house.0.organization.push(Fact::Application {
        id: ApplicationId::new(id("bot")),
        name: "bot".into(),
        client_id: "bot".into(),
        status: Status::Active,
    });
    let missing = house.explain(machine, "accounts", "get").missing.unwrap();
    assert_eq!(missing.name, "viewer");
    assert_eq!(missing.remedy, Remedy::Role(RoleId::new(id("viewer"))));
    assert!(missing.givers.is_empty(), "nobody may change applications");
}

#[test]
fn what_nobody_may_give_is_not_named() {
    let mut house = House::new();
    // A custom role of the system organization, and rule over the installation in a group.
    house
        .0
        .system
        .push(role("theirs", "midaz", "accounts:get", false));
    house.shared("ruler", "gatepost-system", "*:*");
    house.own("reader", "midaz", "accounts:get");
    house
        .group("rulers")
        .give(group("rulers"), "ruler")
        .give(group("rulers"), "reader");
    let (name, ..) = house.missing().unwrap();
    assert_eq!(name, "reader");
}

#[test]
fn givers_go_by_the_rule_of_the_call() {
    let mut house = House::new();
    house.own("reader", "midaz", "accounts:get");
    house
        .group("readers")
        .give(group("readers"), "reader")
        .nested("admins", "helpers");
    house.own("adder", "gatepost", "groups:patch");
    house.own("granter", "gatepost", "grants:midaz");
    house.own("other-granter", "gatepost", "grants:reporter groups:patch");
    for (name, roles) in [
        ("helpers", vec![]),
        ("adders", vec!["adder"]),
        ("granters", vec!["granter"]),
        ("both", vec!["adder", "granter"]),
        ("others", vec!["other-granter"]),
        ("nobody", vec!["admin-role"]),
    ] {
        house.group(name);
        if name != "nobody" {
            let member = format!("{name}-member");
            house.user(&member).member(name, &member);
        }
        for role in roles {
            house.give(group(name), role);
        }
    }
    house
        .user("zoe")
        .give(user("zoe").into(), "granter")
        .member("adders", "zoe");
    house.user("yan").give(user("yan").into(), "granter");
    let givers = |names: &[&str]| names.iter().map(|name| String::from(*name)).collect();
    let expected: Vec<String> = givers(&["admins", "both", "helpers", "zoe"]);
    assert_eq!(house.missing(), Some(("readers".into(), 1, expected)));
    house
        .own("no-midaz", "gatepost", "!grants:midaz")
        .give(group("both"), "no-midaz");
    house.give(user("zoe").into(), "no-midaz");
    let expected: Vec<String> = givers(&["admins", "helpers"]);
    assert_eq!(house.missing(), Some(("readers".into(), 1, expected)));
    for number in 0..2 * GIVERS_MAX {
        let name = format!("giver-{number:02}");
        house.user(&name).give(user(&name).into(), "admin-role");
    }
    let (_, _, givers) = house.missing().unwrap();
    assert_eq!((givers.len(), givers[1].as_str()), (GIVERS_MAX, "giver-00"));
}

#[test]
fn ten_thousand_groups_and_roles() {
    let mut house = House::new();
    for number in 0..10_000 {
        let (role, name) = (format!("role-{number}"), format!("group-{number}"));
        let held = format!("accounts:get extra-{number}:get extra-{number}:post *:one *:two");
        house
            .own(&role, "midaz", &held)
            .group(&name)
            .give(group(&name), &role);
        if number % 100 > 0 {
            house.nested(&format!("group-{}", number / 100 * 100), &name);
        }
    }
    house.own("tiny", "midaz", "accounts:get ledgers:post");
    house.group("zz").give(group("zz"), "tiny");
    let admins = vec!["admins".to_owned()];
    assert_eq!(house.missing(), Some(("zz".into(), 2, admins)));
}

#[test]
fn a_remedy_becomes_a_change() {
    let (ann, bot) = (
        user("ann"),
        Subject::Application(ApplicationId::new(id("bot"))),
    );
    let group = Remedy::Group(GroupId::new(id("readers")));
    assert!(matches!(
        group.change(ann),
        Some(Change {
            before: None,
            after: Some(Fact::Member { .. })
        })
    ));
    assert_eq!(group.change(bot), None);
    let role = Remedy::Role(RoleId::new(id("reader")));
    assert_eq!(
        required_permission(group, ann).to_string(),
        "gatepost/groups:patch"
    );
    assert_eq!(
        required_permission(role, ann).to_string(),
        "gatepost/users:patch"
    );
    assert_eq!(
        required_permission(role, bot).to_string(),
        "gatepost/applications:patch"
    );
}
