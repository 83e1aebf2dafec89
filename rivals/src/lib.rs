//! One policy, told to Gatepost, Cedar and Casbin: users in groups in groups, roles with allow and
//! deny. That is what all three can say; the answer must be the same.

use std::collections::HashSet;
use std::error::Error;
use std::fmt::Write as _;

use casbin::{CoreApi, DefaultModel, Enforcer, StringAdapter};
use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
};
use futures::executor::block_on;
use gatepost_core::{Effect, RolePermission};

/// What the ones and the others could not say.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A policy over one product; everything in it is known by a name without quotes in it.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Users.
    pub users: Vec<String>,
    /// (member, group): the member is a user or a group.
    pub members: Vec<(String, String)>,
    /// (holder, role): the holder is a user or a group.
    pub grants: Vec<(String, String)>,
    /// (role, what it says).
    pub lines: Vec<(String, RolePermission)>,
}

/// Cedar with the policy: a group is an entity, and so is a role.
pub struct Cedar {
    policies: PolicySet,
    entities: Entities,
    authorizer: Authorizer,
}

impl Cedar {
    /// Reads the policy.
    pub fn new(policy: &Policy) -> Result<Self> {
        let mut text = String::new();
        for (role, line) in &policy.lines {
            let effect = match line.effect {
                Effect::Allow => "permit",
                Effect::Deny => "forbid",
            };
            let is = |what: &str, kind: &str, name: &str| match name {
                "*" => what.to_owned(),
                name => format!("{what} == {kind}::\"{name}\""),
            };
            let (action, resource) = (
                is("action", "Action", &line.action),
                is("resource", "Resource", &line.resource),
            );
            writeln!(
                text,
                "{effect}(principal in Node::\"{role}\", {action}, {resource});"
            )?;
        }
        let edges: Vec<&(String, String)> = policy.members.iter().chain(&policy.grants).collect();
        let mut names: Vec<&String> = policy.users.iter().collect();
        names.extend(edges.iter().flat_map(|(from, to)| [from, to]));
        names.sort();
        names.dedup();
        let mut all = Vec::new();
        for name in names {
            let parents = edges.iter().filter(|(from, _)| from == name);
            let parents: Result<HashSet<EntityUid>> =
                parents.map(|(_, to)| uid("Node", to)).collect();
            all.push(Entity::new_no_attrs(uid("Node", name)?, parents?));
        }
        Ok(Self {
            policies: text.parse()?,
            entities: Entities::from_entities(all, None)?,
            authorizer: Authorizer::new(),
        })
    }

    /// A question, in the form that it is asked in.
    pub fn request(user: &str, resource: &str, action: &str) -> Result<Request> {
        let (user, resource) = (uid("Node", user)?, uid("Resource", resource)?);
        let action = uid("Action", action)?;
        Ok(Request::new(
            user,
            action,
            resource,
            Context::empty(),
            None,
        )?)
    }

    /// Whether it is allowed.
    pub fn allows(&self, request: &Request) -> bool {
        let answer = self
            .authorizer
            .is_authorized(request, &self.policies, &self.entities);
        answer.decision() == cedar_policy::Decision::Allow
    }
}

fn uid(kind: &str, name: &str) -> Result<EntityUid> {
    let kind: EntityTypeName = kind.parse()?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(name)))
}

/// Casbin with the policy: groups and roles are both roles of its.
pub struct Casbin(Enforcer);

/// Deny beats allow; `*` stands for anything on the policy's side.
const MODEL: &str = r#"
[request_definition]
r = sub, obj, act

[policy_definition]
p = sub, obj, act, eft

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = g(r.sub, p.sub) && (p.obj == "*" || r.obj == p.obj) && (p.act == "*" || r.act == p.act)
"#;

impl Casbin {
    /// Reads the policy.
    pub fn new(policy: &Policy) -> Result<Self> {
        let mut text = String::new();
        for (role, line) in &policy.lines {
            let effect = match line.effect {
                Effect::Allow => "allow",
                Effect::Deny => "deny",
            };
            let RolePermission {
                resource, action, ..
            } = line;
            writeln!(text, "p, {role}, {resource}, {action}, {effect}")?;
        }
        for (from, to) in policy.members.iter().chain(&policy.grants) {
            writeln!(text, "g, {from}, {to}")?;
        }
        block_on(async {
            let model = DefaultModel::from_str(MODEL).await?;
            Ok(Self(Enforcer::new(model, StringAdapter::new(text)).await?))
        })
    }

    /// Whether it is allowed.
    pub fn allows(&self, user: &str, resource: &str, action: &str) -> Result<bool> {
        Ok(self.0.enforce((user, resource, action))?)
    }
}
