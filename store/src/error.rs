//! What can go wrong in the store, and how a driver's error becomes one of these.

use std::borrow::Cow;
use std::error::Error as StdError;

use sea_orm::{DbErr, RuntimeErr, SqlErr, sqlx};

/// The cause of an error: for the log, never for the wire.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// Answer of the store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Everything that the store refuses or cannot do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such thing in this organization.
    #[error("no such {noun}")]
    NotFound {
        /// What was asked for.
        noun: &'static str,
    },
    /// Another one has it already.
    #[error("another {noun} has this {field}")]
    Conflict {
        /// What was to be written.
        noun: &'static str,
        /// What must be its own alone.
        field: &'static str,
    },
    /// The database, the cache or the bus did not answer in time; later it may.
    #[error("the store does not answer: {0}")]
    Unavailable(#[source] Cause),
    /// A row that this program did not write.
    #[error("row `{id}` of table {table} holds no valid {column}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key.
        id: String,
    },
    /// The database was migrated by a newer program.
    #[error("the database has schema {database}, this program knows {binary} at most")]
    SchemaTooNew {
        /// Schema number of the database.
        database: i32,
        /// Highest schema number that this program knows.
        binary: i32,
    },
    /// The database must be migrated first.
    #[error("the database has schema {database}, this program needs {binary}: migrate it first")]
    SchemaTooOld {
        /// Schema number of the database.
        database: i32,
        /// Schema number that this program needs.
        binary: i32,
    },
    /// Another server works on the same data folder.
    #[error("another server uses this data folder")]
    Locked,
    /// The serving role is one that row-level security does not bind.
    #[error("database role `{role}` {reason}: row-level security would not bind it")]
    Role {
        /// The role.
        role: String,
        /// Which privilege it must not have.
        reason: &'static str,
    },
    /// An address that this crate cannot use.
    #[error("{0}")]
    Setting(String),
    /// Something that is not this scope's to touch.
    #[error("{noun} cannot be written from this organization")]
    Outside {
        /// What was to be written.
        noun: &'static str,
    },
    /// A bug, or a database that was changed by hand.
    #[error("the database refused a statement: {0}")]
    Internal(#[source] Cause),
}

impl StoreError {
    /// Something outside the database that does not answer.
    pub(crate) fn unavailable(cause: impl Into<Cause>) -> Self {
        Self::Unavailable(cause.into())
    }

    /// Whether this is a unique constraint over `column`, by the names in the driver's message:
    /// both engines name the column or a constraint that is named after it, never a value.
    pub(crate) fn from_insert(
        error: DbErr,
        noun: &'static str,
        fields: &[(&str, &'static str)],
    ) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(message)) => fields
                .iter()
                .find(|(column, _)| message.contains(column))
                .map_or(Self::Conflict { noun, field: "id" }, |(_, field)| {
                    Self::Conflict { noun, field }
                }),
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => Self::NotFound { noun },
            _ => error.into(),
        }
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        if is_outage(&error) {
            Self::Unavailable(Box::new(error))
        } else {
            Self::Internal(Box::new(error))
        }
    }
}

/// Whether trying again later may help: no connection, or a lock that was not given in time.
fn is_outage(error: &DbErr) -> bool {
    matches!(error, DbErr::ConnectionAcquire(_))
        || driver_error(error).is_some_and(|cause| {
            matches!(
                cause,
                sqlx::Error::Io(_)
                    | sqlx::Error::Tls(_)
                    | sqlx::Error::PoolTimedOut
                    | sqlx::Error::PoolClosed
                    | sqlx::Error::WorkerCrashed
                    | sqlx::Error::Protocol(_)
            ) || code_of(cause).is_some_and(|code| crate::dialect::is_passing(&code))
        })
}

/// Whether the connection itself broke, so that another one may do.
pub(crate) fn is_broken_connection(error: &DbErr) -> bool {
    driver_error(error).is_some_and(|cause| {
        matches!(cause, sqlx::Error::Io(_) | sqlx::Error::Protocol(_))
            || code_of(cause).is_some_and(|code| crate::dialect::is_disconnect(&code))
    })
}

fn driver_error(error: &DbErr) -> Option<&sqlx::Error> {
    if let DbErr::Conn(RuntimeErr::SqlxError(cause))
    | DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause)) = error
    {
        return Some(cause);
    }
    None
}

fn code_of(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
}
