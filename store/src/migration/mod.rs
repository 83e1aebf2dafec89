//! The schema, number by number: written once for both engines, forward only.
//!
//! A migration may only add (expand), so that the previous release runs on beside it; what it
//! leaves behind is removed by a later one (contract).

mod m0001_init;
mod m0002_grant_terms;
mod m0003_sessions;
mod m0004_signing_key_turns;
mod m0005_passwords;
mod m0006_public_keys;
mod m0007_sign_in_pages;
mod m0008_mfa;
mod m0009_delivery;
mod m0010_passkeys;

use sea_orm::sea_query::{
    IndexCreateStatement, TableAlterStatement, TableCreateStatement, TableDropStatement,
};
use sea_orm::{ActiveValue, ConnectionTrait, DatabaseTransaction, EntityTrait, TransactionTrait};
use time::OffsetDateTime;

use crate::dialect;
use crate::entity::schema_version;
use crate::error::{Result, StoreError};
use crate::times::micros;
use crate::walls;

/// The highest schema number that this program knows.
pub(crate) const LATEST: i32 = 10;

/// What one number adds.
struct Migration {
    number: i32,
    tables: fn() -> Vec<TableCreateStatement>,
    /// Of tables that an earlier number made.
    columns: fn() -> Vec<TableAlterStatement>,
    indexes: fn() -> Vec<IndexCreateStatement>,
    /// What nobody reads any more.
    gone: fn() -> Vec<TableDropStatement>,
}

const MIGRATIONS: [Migration; 10] = [
    Migration {
        number: 1,
        tables: m0001_init::tables,
        columns: Vec::new,
        indexes: m0001_init::indexes,
        gone: Vec::new,
    },
    Migration {
        number: 2,
        tables: Vec::new,
        columns: m0002_grant_terms::columns,
        indexes: m0002_grant_terms::indexes,
        gone: Vec::new,
    },
    Migration {
        number: 3,
        tables: Vec::new,
        columns: m0003_sessions::columns,
        indexes: m0003_sessions::indexes,
        gone: m0003_sessions::gone,
    },
    Migration {
        number: 4,
        tables: Vec::new,
        columns: m0004_signing_key_turns::columns,
        indexes: Vec::new,
        gone: Vec::new,
    },
    Migration {
        number: 5,
        tables: m0005_passwords::tables,
        columns: m0005_passwords::columns,
        indexes: m0005_passwords::indexes,
        gone: Vec::new,
    },
    Migration {
        number: 6,
        tables: m0006_public_keys::tables,
        columns: m0006_public_keys::columns,
        indexes: m0006_public_keys::indexes,
        gone: Vec::new,
    },
    Migration {
        number: 7,
        tables: Vec::new,
        columns: m0007_sign_in_pages::columns,
        indexes: Vec::new,
        gone: Vec::new,
    },
    Migration {
        number: 8,
        tables: m0008_mfa::tables,
        columns: Vec::new,
        indexes: m0008_mfa::indexes,
        gone: Vec::new,
    },
    Migration {
        number: 9,
        tables: m0009_delivery::tables,
        columns: m0009_delivery::columns,
        indexes: m0009_delivery::indexes,
        gone: Vec::new,
    },
    Migration {
        number: 10,
        tables: m0010_passkeys::tables,
        columns: Vec::new,
        indexes: m0010_passkeys::indexes,
        gone: Vec::new,
    },
];

/// Brings the database to [`LATEST`]; one replica at a time, all or nothing.
pub(crate) async fn migrate(
    database: &impl TransactionTrait<Transaction = DatabaseTransaction>,
    serving_role: Option<&str>,
    now: OffsetDateTime,
) -> Result<()> {
    let transaction = dialect::begin_write(database).await?;
    dialect::lock_installation(&transaction).await?;
    transaction.execute(&m0001_init::schema_version()).await?;
    let version = read_version(&transaction).await?;
    refuse_newer(version)?;
    for migration in MIGRATIONS
        .iter()
        .filter(|migration| migration.number > version)
    {
        for table in (migration.tables)() {
            transaction.execute(&table).await?;
        }
        for column in (migration.columns)() {
            transaction.execute(&column).await?;
        }
        for index in (migration.indexes)() {
            transaction.execute(&index).await?;
        }
        for table in (migration.gone)() {
            transaction.execute(&table).await?;
        }
    }
    if version < LATEST {
        dialect::secure_tables(&transaction).await?;
        write_version(&transaction, now).await?;
    }
    if let Some(role) = serving_role {
        walls::grant_to(&transaction, role).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Refuses a schema that this program does not know, or that it needs more of.
pub(crate) async fn check(database: &impl ConnectionTrait) -> Result<()> {
    let version = if dialect::has_schema(database).await? {
        read_version(database).await?
    } else {
        0
    };
    refuse_newer(version)?;
    if version < LATEST {
        return Err(StoreError::SchemaTooOld {
            database: version,
            binary: LATEST,
        });
    }
    Ok(())
}

fn refuse_newer(version: i32) -> Result<()> {
    if version > LATEST {
        return Err(StoreError::SchemaTooNew {
            database: version,
            binary: LATEST,
        });
    }
    Ok(())
}

async fn read_version(database: &impl ConnectionTrait) -> Result<i32> {
    let row = schema_version::Entity::find_by_id(1).one(database).await?;
    Ok(row.map_or(0, |row| row.version))
}

async fn write_version(database: &impl ConnectionTrait, now: OffsetDateTime) -> Result<()> {
    schema_version::Entity::delete_by_id(1)
        .exec(database)
        .await?;
    let row = schema_version::ActiveModel {
        id: ActiveValue::Set(1),
        version: ActiveValue::Set(LATEST),
        migrated_at: ActiveValue::Set(micros(now)),
    };
    schema_version::Entity::insert(row)
        .exec_without_returning(database)
        .await?;
    Ok(())
}
