//! Records by what a path or a body calls them: an id, or a name where names are unique.

use gatepost_core::name;
use gatepost_store::{Application, Group, Organization, Role, Scope, User};

use crate::error::{Error, Result};

/// The user of this id.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn user(tx: &Scope, id: &str) -> Result<User> {
    let found = match id.parse() {
        Ok(id) => tx.users().get(id).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| Error::not_found("user"))
}

/// The application of this id.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn application(tx: &Scope, id: &str) -> Result<Application> {
    let found = match id.parse() {
        Ok(id) => tx.applications().get(id).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| Error::not_found("application"))
}

/// The organization of this id, if it is seen from here.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn organization(tx: &Scope, id: &str) -> Result<Organization> {
    let found = match id.parse() {
        Ok(id) => tx.organizations().get(id).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| Error::not_found("organization"))
}

/// The group of this id or name. No name looks like an id.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn group(tx: &Scope, id_or_name: &str) -> Result<Group> {
    let found = match id_or_name.parse() {
        Ok(id) => tx.groups().get(id).await?,
        Err(_) => tx.groups().by_name(&name::key(id_or_name)).await?,
    };
    found.ok_or_else(|| Error::not_found("group"))
}

/// The role of this id or name: the organization's or a manifest's.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn role(tx: &Scope, id_or_name: &str) -> Result<Role> {
    let found = match id_or_name.parse() {
        Ok(id) => tx.roles().get(id).await?,
        Err(_) => tx.roles().by_name(&name::key(id_or_name)).await?,
    };
    found.ok_or_else(|| Error::not_found("role"))
}

/// All the groups that are named, each once.
///
/// # Errors
/// `NOT_FOUND` for the first that is not there.
pub async fn groups(tx: &Scope, named: &[String]) -> Result<Vec<Group>> {
    let mut found = Vec::with_capacity(named.len());
    for id_or_name in named {
        found.push(group(tx, id_or_name).await?);
    }
    found.sort_by_key(|group| group.id);
    found.dedup_by_key(|group| group.id);
    Ok(found)
}

/// All the roles that are named, each once.
///
/// # Errors
/// `NOT_FOUND` for the first that is not there.
pub async fn roles(tx: &Scope, named: &[String]) -> Result<Vec<Role>> {
    let mut found = Vec::with_capacity(named.len());
    for id_or_name in named {
        found.push(role(tx, id_or_name).await?);
    }
    found.sort_by_key(|role| role.id);
    found.dedup_by_key(|role| role.id);
    Ok(found)
}
