//! Core's words as text in columns.

use gatepost_core::{
    Algorithm, ApplicationId, GrantSubject, GroupId, RolePermission, Status, UserId,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::error::{Result, StoreError};

/// The word for a status.
pub(crate) fn status_text(status: Status) -> String {
    match status {
        Status::Active => "active",
        Status::Suspended => "suspended",
    }
    .to_owned()
}

/// The status of a row.
pub(crate) fn status(text: &str, table: &'static str, id: Uuid) -> Result<Status> {
    match text {
        "active" => Ok(Status::Active),
        "suspended" => Ok(Status::Suspended),
        _ => Err(StoreError::Corrupt {
            table,
            column: "status",
            id: id.to_string(),
        }),
    }
}

/// The algorithm of a row.
pub(crate) fn algorithm(
    text: &str,
    table: &'static str,
    column: &'static str,
    id: &str,
) -> Result<Algorithm> {
    [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA]
        .into_iter()
        .find(|algorithm| algorithm.name() == text)
        .ok_or_else(|| StoreError::Corrupt {
            table,
            column,
            id: id.to_owned(),
        })
}

/// The two columns of who holds a grant.
pub(crate) fn subject_columns(subject: GrantSubject) -> (&'static str, Uuid) {
    match subject {
        GrantSubject::User(id) => ("user", id.uuid()),
        GrantSubject::Group(id) => ("group", id.uuid()),
        GrantSubject::Application(id) => ("application", id.uuid()),
    }
}

/// Who holds the grant of a row.
pub(crate) fn subject(kind: &str, id: Uuid) -> Result<GrantSubject> {
    match kind {
        "user" => Ok(GrantSubject::User(UserId::new(id))),
        "group" => Ok(GrantSubject::Group(GroupId::new(id))),
        "application" => Ok(GrantSubject::Application(ApplicationId::new(id))),
        _ => Err(StoreError::Corrupt {
            table: "grants",
            column: "subject_kind",
            id: id.to_string(),
        }),
    }
}

/// The permissions of a role's row.
pub(crate) fn permissions(text: &str, id: Uuid) -> Result<Vec<RolePermission>> {
    from_json(text, "roles", "permissions", &id.to_string())
}

/// A value as JSON text.
pub(crate) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Internal(Box::new(error)))
}

/// The value of a JSON column.
pub(crate) fn from_json<T: DeserializeOwned>(
    text: &str,
    table: &'static str,
    column: &'static str,
    id: &str,
) -> Result<T> {
    serde_json::from_str(text).map_err(|_| StoreError::Corrupt {
        table,
        column,
        id: id.to_owned(),
    })
}
