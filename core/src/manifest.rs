//! Manifests: what a product declares about itself.

mod check;
mod compile;
mod publish;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use check::{ManifestError, ManifestProblem};
pub use compile::{ManifestDiff, ManifestLine, diff};
pub use publish::Publication;

use crate::fact::Effect;

/// A product's own account of its permissions, roles and built-in groups.
///
/// It names only its own product: every permission and role in it belongs to `service`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Manifest {
    /// The product's slug.
    pub service: String,
    /// The product's version, for people; it changes no content.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Older slugs that mean this product.
    pub aliases: Vec<String>,
    /// What can be done, and by which roles.
    pub permissions: Vec<ManifestPermission>,
    /// Its roles.
    pub roles: Vec<ManifestRole>,
    /// What it offers to machines, and needs of others.
    pub m2m: MachineToMachine,
    /// Which of its permissions a request needs, for proxies that know requests only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<ManifestRoute>,
}

/// A permission, and the roles whose part it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct ManifestPermission {
    /// The resource; `*` for all, which declares nothing.
    pub resource: String,
    /// The action; `*` for all, which declares nothing.
    pub action: String,
    /// Whether those roles allow or deny it.
    pub effect: Effect,
    /// Names of roles of this manifest; none when it is only declared.
    pub roles: Vec<String>,
    /// What a person's sign-in must be worth for it to count; empty for any ([`mfa`](crate::mfa)).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub acr: String,
    /// How long ago a person may have signed in, in seconds; zero for however long.
    #[serde(skip_serializing_if = "is_zero", alias = "max_age_seconds")]
    pub max_age_seconds: u32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes what it asks about by reference"
)]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The permission that some requests need: `methods` and `path`, or `grpc`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct ManifestRoute {
    /// HTTP methods, in capital letters. `HEAD` is one of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// The path's template, as in `/v1/ledgers/{ledger_id}/accounts`. Its variables are attributes
    /// of the question.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// A gRPC method, as in `midaz.v1.AccountService/GetAccount`, or `…/*` for a whole service.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub grpc: String,
    /// The resource.
    pub resource: String,
    /// The action.
    pub action: String,
}

/// A role, and who holds it from the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct ManifestRole {
    /// Its name.
    pub name: String,
    /// Built-in groups that hold it.
    #[serde(alias = "granted_to")]
    pub granted_to: Vec<GrantedTo>,
    /// Whether every user of every organization holds it.
    pub everyone: bool,
    /// Slugs of the products whose machines hold it.
    pub machines: Vec<String>,
}

/// Who holds a role from the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct GrantedTo {
    /// Name of a built-in group.
    pub group: String,
}

/// What a product offers to machines, and needs of others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct MachineToMachine {
    /// Whether other products' machines may be given its roles.
    pub exposed: bool,
    /// Slugs of the products that it calls.
    pub needs: Vec<String>,
}
