//! The pure part of Gatepost: what an organization is, and what its people and machines may do.
//!
//! Values in, answer out: no I/O, clock, randomness or logging. A [`Snapshot`] is the fold of an
//! organization's [`Fact`]s, [`decide()`] answers from two of them, and the rest of the crate is
//! the words both are made of: ids, names, permissions, manifests, claims.

pub mod claims;
pub mod decide;
pub mod explain;
pub mod fact;
pub mod feed;
pub mod grant;
pub mod group;
pub mod id;
pub mod limits;
pub mod manifest;
pub mod mfa;
pub mod name;
pub mod password;
pub mod permission;
pub mod route;
pub mod search;
pub mod session;
pub mod signing;
pub mod simulate;
pub mod snapshot;

mod declared;
mod hash;
mod index;
mod list;
mod people;
mod role;
mod sayings;
mod seats;
mod shards;
mod table;
mod terms;

#[cfg(test)]
mod oracle;

pub use decide::{Decision, Question, Reason, Subject, View, decide};
pub use fact::{
    Algorithm, AttributeLimit, Change, Effect, Fact, FactKey, GrantSubject, Member, RolePermission,
    Status,
};
pub use id::{
    ApplicationId, CredentialId, GroupId, OrganizationId, Revision, RoleId, SessionId, UserId,
};
pub use permission::Permission;
pub use route::Route;
pub use snapshot::{Snapshot, SnapshotBuilder};
pub use terms::{Attributes, NO_ATTRIBUTES};

/// The slug of the product that Gatepost itself is.
pub const PRODUCT_GATEPOST: &str = "gatepost";

/// The slug of the product whose permissions rule the installation. It counts only in the system
/// organization, or in a single-tenant installation.
pub const PRODUCT_SYSTEM: &str = "gatepost-system";

/// The slug of the organization that holds what belongs to the installation.
pub const ORGANIZATION_SYSTEM: &str = "system";
