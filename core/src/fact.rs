//! Facts: the one vocabulary of snapshot, change feed and rebuild.
//!
//! An organization is the set of its facts, at most one for each [`FactKey`]; the order in which
//! they are learnt does not matter. Secrets, hashes and e-mail addresses never are facts.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{ApplicationId, CredentialId, GroupId, OrganizationId, RoleId, SessionId, UserId};
use crate::mfa::DemandingPermission;
use crate::route::Route;

/// One thing that is so in an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "noun", rename_all = "snake_case")]
pub enum Fact {
    /// The organization itself; in the system organization, every organization.
    Organization {
        /// Which organization.
        id: OrganizationId,
        /// Its slug: the `owner` and `tenantSlug` of tokens.
        slug: String,
        /// Its name for people.
        name: String,
        /// Whether it may be used.
        status: Status,
    },
    /// A person's account.
    User {
        /// Which user.
        id: UserId,
        /// The name she signs in with.
        username: String,
        /// Her name for people.
        display_name: String,
        /// Whether the account may be used.
        status: Status,
    },
    /// A named set of users and groups.
    Group {
        /// Which group.
        id: GroupId,
        /// Its name.
        name: String,
        /// Whether a manifest asked for it; no decision depends on it.
        #[serde(default, skip_serializing_if = "is_false")]
        built_in: bool,
    },
    /// A user or group is in a group.
    Member {
        /// The group that has the member.
        group: GroupId,
        /// Who is in it.
        member: Member,
    },
    /// A custom role; in the system organization, a role of a manifest.
    Role {
        /// Which role.
        id: RoleId,
        /// Slug of the one product whose permissions it names.
        product: String,
        /// Its name.
        name: String,
        /// What it allows and denies.
        permissions: Vec<RolePermission>,
        /// Whether it is a manifest's, and so every organization's; no decision depends on it.
        #[serde(default, skip_serializing_if = "is_false")]
        built_in: bool,
    },
    /// A role is given to a user, group or application.
    Grant {
        /// Who holds it.
        subject: GrantSubject,
        /// Which role, of this organization or of the system organization.
        role: RoleId,
        /// The unix second from which the grant counts as absent; `None` when it stays.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<i64>,
        /// The attributes that it is limited to, sorted; every one must be met.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        limits: Vec<AttributeLimit>,
    },
    /// A machine client.
    Application {
        /// Which application.
        id: ApplicationId,
        /// Its name.
        name: String,
        /// What it calls itself at the token endpoint.
        client_id: String,
        /// Whether it may be used.
        status: Status,
    },
    /// A secret of an application that is in force.
    Credential {
        /// Which credential.
        id: CredentialId,
        /// Whose it is.
        application: ApplicationId,
    },
    /// A session whose tokens must not be accepted any more.
    EndedSession {
        /// Which session.
        id: SessionId,
        /// When its last access token expires, in unix seconds; the fact is needless after it.
        until: i64,
    },
    /// A product, as its manifest declares it. Only in the system organization.
    Product {
        /// Its slug.
        slug: String,
        /// Older slugs that mean the same product.
        aliases: Vec<String>,
        /// The (resource, action) pairs that it knows.
        declared: Vec<(String, String)>,
        /// Its roles that every user of every organization holds.
        everyone: Vec<RoleId>,
        /// Which of its permissions a request needs.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        routes: Vec<Route>,
        /// Its permissions that ask for more than being signed in.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        demands: Vec<DemandingPermission>,
    },
    /// A key that signs or signed tokens. Only in the system organization.
    SigningKey {
        /// Which key; never used twice.
        kid: String,
        /// What it signs with.
        algorithm: Algorithm,
        /// The public key as JWK JSON.
        jwk: String,
        /// Whether no other key is to sign after it ([`signing`](crate::signing)).
        signs: bool,
    },
}

/// Whether an organization, user or application may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It may.
    Active,
    /// It may not, until it is active again.
    Suspended,
}

/// Who is in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Member {
    /// A user.
    User(UserId),
    /// All members of another group.
    Group(GroupId),
}

/// Who can hold a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantSubject {
    /// A user.
    User(UserId),
    /// All members of a group.
    Group(GroupId),
    /// An application.
    Application(ApplicationId),
}

/// What an attribute of the question must be for a grant to count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttributeLimit {
    /// Which attribute.
    pub attribute: String,
    /// What it may be, sorted; nothing at all when there is no value.
    pub values: Vec<String>,
}

/// What a role says about a permission.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It may be done.
    #[default]
    Allow,
    /// It may not be done, whatever else allows it.
    Deny,
}

/// How a signing key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// RSA PKCS#1 v1.5 with SHA-256.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl Algorithm {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::RS256, Self::ES256, Self::EdDSA];

    /// The algorithm's name in JOSE (RFC 7518, RFC 8037).
    pub const fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// One line of a role: a resource and an action of its product, each may be `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RolePermission {
    /// The resource, or `*` for all.
    pub resource: String,
    /// The action, or `*` for all.
    pub action: String,
    /// Whether it is allowed or denied.
    #[serde(default)]
    pub effect: Effect,
}

/// What makes a fact the same fact: its noun and its ids. A set of facts holds one for each key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactKey {
    /// An organization.
    Organization(OrganizationId),
    /// A user.
    User(UserId),
    /// A group.
    Group(GroupId),
    /// A membership.
    Member(GroupId, Member),
    /// A role.
    Role(RoleId),
    /// A grant.
    Grant(GrantSubject, RoleId),
    /// An application.
    Application(ApplicationId),
    /// A credential.
    Credential(CredentialId),
    /// An ended session.
    EndedSession(SessionId),
    /// A product, by slug.
    Product(String),
    /// A signing key, by kid.
    SigningKey(String),
}

impl Fact {
    /// What makes this fact the same fact as another.
    pub fn key(&self) -> FactKey {
        match self {
            Self::Organization { id, .. } => FactKey::Organization(*id),
            Self::User { id, .. } => FactKey::User(*id),
            Self::Group { id, .. } => FactKey::Group(*id),
            Self::Member { group, member } => FactKey::Member(*group, *member),
            Self::Role { id, .. } => FactKey::Role(*id),
            Self::Grant { subject, role, .. } => FactKey::Grant(*subject, *role),
            Self::Application { id, .. } => FactKey::Application(*id),
            Self::Credential { id, .. } => FactKey::Credential(*id),
            Self::EndedSession { id, .. } => FactKey::EndedSession(*id),
            Self::Product { slug, .. } => FactKey::Product(slug.clone()),
            Self::SigningKey { kid, .. } => FactKey::SigningKey(kid.clone()),
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl fmt::Display for Member {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(formatter, "user:{id}"),
            Self::Group(id) => write!(formatter, "group:{id}"),
        }
    }
}

impl fmt::Display for GrantSubject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(formatter, "user:{id}"),
            Self::Group(id) => write!(formatter, "group:{id}"),
            Self::Application(id) => write!(formatter, "application:{id}"),
        }
    }
}

impl fmt::Display for FactKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(id) => write!(formatter, "organization:{id}"),
            Self::User(id) => write!(formatter, "user:{id}"),
            Self::Group(id) => write!(formatter, "group:{id}"),
            Self::Member(group, member) => write!(formatter, "member:{group}:{member}"),
            Self::Role(id) => write!(formatter, "role:{id}"),
            Self::Grant(subject, role) => write!(formatter, "grant:{subject}:{role}"),
            Self::Application(id) => write!(formatter, "application:{id}"),
            Self::Credential(id) => write!(formatter, "credential:{id}"),
            Self::EndedSession(id) => write!(formatter, "ended_session:{id}"),
            Self::Product(slug) => write!(formatter, "product:{slug}"),
            Self::SigningKey(kid) => write!(formatter, "signing_key:{kid}"),
        }
    }
}

/// One step from an organization's facts to the next: what was so, and what is.
///
/// At least one side is there, and both have the same key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What was so; absent when the fact is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Fact>,
    /// What is so; absent when the fact is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Fact>,
}

impl Change {
    /// A fact that was not there.
    pub const fn created(fact: Fact) -> Self {
        Self {
            before: None,
            after: Some(fact),
        }
    }

    /// A fact that says something else now. Both have the same key.
    pub const fn updated(before: Fact, after: Fact) -> Self {
        Self {
            before: Some(before),
            after: Some(after),
        }
    }

    /// A fact that is no more.
    pub const fn removed(fact: Fact) -> Self {
        Self {
            before: Some(fact),
            after: None,
        }
    }

    /// The step back.
    #[must_use]
    pub fn inverse(self) -> Self {
        Self {
            before: self.after,
            after: self.before,
        }
    }

    /// The key of the fact that changes; `None` only when both sides are missing.
    pub fn key(&self) -> Option<FactKey> {
        self.after.as_ref().or(self.before.as_ref()).map(Fact::key)
    }
}

#[cfg(test)]
mod tests;
