//! What requests give, as core knows it, where more than one service is given it.

use gatepost_core::manifest::Manifest;
use gatepost_core::name::{NameError, check_pattern};
use gatepost_core::{Effect, RolePermission};
use gatepost_proto::ErrorReason;
use gatepost_proto::identity::v1 as pb;

use crate::error::{Error, Result};

/// Names the field whose value is no name.
///
/// # Errors
/// `INVALID_REQUEST`.
pub fn field<T>(field: &'static str, parsed: Result<T, NameError>) -> Result<T> {
    parsed.map_err(|error| Error::invalid(field, format!("`{field}` {error}")))
}

/// The permissions of a role.
///
/// # Errors
/// `INVALID_REQUEST` for a resource or action that is no name.
pub fn permissions(given: Vec<pb::RolePermission>) -> Result<Vec<RolePermission>> {
    given
        .into_iter()
        .map(|permission| {
            field("permissions.resource", check_pattern(&permission.resource))?;
            field("permissions.action", check_pattern(&permission.action))?;
            let effect = match permission.effect() {
                pb::PermissionEffect::Deny => Effect::Deny,
                pb::PermissionEffect::Allow | pb::PermissionEffect::Unspecified => Effect::Allow,
            };
            Ok(RolePermission {
                resource: permission.resource,
                action: permission.action,
                effect,
            })
        })
        .collect()
}

/// A manifest, unchecked.
///
/// # Errors
/// `MANIFEST_INVALID` for what is no manifest at all.
pub fn manifest(mut given: pb::Manifest) -> Result<Manifest> {
    given.m2m.get_or_insert_default();
    for permission in &mut given.permissions {
        if permission.effect.is_empty() {
            "allow".clone_into(&mut permission.effect);
        }
    }
    // Core's manifest and the contract's have one JSON form.
    let json = serde_json::to_value(given).map_err(Error::internal)?;
    serde_json::from_value(json)
        .map_err(|error| Error::new(ErrorReason::ManifestInvalid, error.to_string()))
}
