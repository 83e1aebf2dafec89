//! The one file that knows the two engines: how to open them, what they lock, how PostgreSQL is
//! told which organization a transaction belongs to, and the row-level security behind it.

mod parts;
mod works;

pub(crate) use parts::{Memberships, Parts};
pub(crate) use works::password_works;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use gatepost_core::OrganizationId;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, QueryResult, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
    Value,
};

use crate::config::StoreConfig;
use crate::entity::audit_events;
use crate::error::{Result, StoreError};
use crate::walls;

/// Any number that no other program of the same server takes for its advisory lock.
const INSTALLATION_LOCK: i64 = 0x6761_7465_706f_7374;

/// Readers of the embedded database.
const EMBEDDED_READERS_MAX: u32 = 4;

/// Longest wait for another replica's migration or first start.
const INSTALLATION_LOCK_WAIT_MS: u32 = 120_000;

/// Where the database is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// A file in this machine.
    Embedded(PathBuf),
    /// A server's address.
    Server(String),
}

impl Place {
    /// Where a setting points.
    pub(crate) fn of(config: &StoreConfig) -> Result<Self> {
        match config.url.as_deref() {
            None => Ok(Self::Embedded(config.data_dir.join("gatepost.db"))),
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Ok(Self::Server(url.to_owned()))
            }
            Some(url) => match url.strip_prefix("sqlite:") {
                Some(path) => Ok(Self::Embedded(file_path(path))),
                // The address may hold a password: say only how it begins.
                None => Err(StoreError::Setting(
                    "the database address must begin with `postgres://` or `sqlite:`".to_owned(),
                )),
            },
        }
    }
}

/// `sqlite:PATH` and `sqlite://PATH`, with what follows a `?` left out.
fn file_path(text: &str) -> PathBuf {
    let text = text.strip_prefix("//").unwrap_or(text);
    PathBuf::from(text.split_once('?').map_or(text, |(path, _)| path))
}

/// The role in a server's address.
pub(crate) fn role_of(url: &str) -> Result<String> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| StoreError::Setting("the database address cannot be read".to_owned()))?;
    Ok(options.get_username().to_owned())
}

/// A connection pool for writers, and one for readers.
pub(crate) async fn connect(
    place: &Place,
    config: &StoreConfig,
) -> Result<(DatabaseConnection, DatabaseConnection)> {
    match place {
        Place::Embedded(path) => {
            create_private(path)?;
            let writer = Database::connect(embedded(path, config, true)).await?;
            let reader = Database::connect(embedded(path, config, false)).await?;
            Ok((writer, reader))
        }
        Place::Server(url) => {
            let writer = Database::connect(server(url, config, true)).await?;
            refuse_unbound_role(&writer).await?;
            let reader = Database::connect(server(url, config, false)).await?;
            Ok((writer, reader))
        }
    }
}

/// As [`connect`] to a server that was connected to before; does not wait for it.
pub(crate) async fn connect_later(
    url: &str,
    config: &StoreConfig,
) -> Result<(DatabaseConnection, DatabaseConnection)> {
    let pool = |writes| {
        let mut options = server(url, config, writes);
        options.connect_lazy(true);
        Database::connect(options)
    };
    Ok((pool(true).await?, pool(false).await?))
}

/// A pool that may change the schema.
pub(crate) async fn connect_owner(url: &str, config: &StoreConfig) -> Result<DatabaseConnection> {
    Ok(Database::connect(server(url, config, true)).await?)
}

/// The engine makes its side files with the same mode as the database.
fn create_private(path: &Path) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|error| StoreError::Setting(format!("cannot create {}: {error}", path.display())))
}

fn embedded(path: &Path, config: &StoreConfig, writes: bool) -> ConnectOptions {
    let mut options = ConnectOptions::new("sqlite::memory:");
    let path = path.to_owned();
    let wait = config.wait_max;
    options
        .max_connections(if writes { 1 } else { EMBEDDED_READERS_MAX })
        .min_connections(1)
        .acquire_timeout(wait)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_sqlite_opts(move |_| {
            SqliteConnectOptions::new()
                .filename(&path)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(wait)
                // Negative: KiB. Small, because the decisions never read from here.
                .pragma("cache_size", if writes { "-2048" } else { "-512" })
                .pragma("query_only", if writes { "OFF" } else { "ON" })
                .statement_cache_capacity(64)
        });
    options
}

fn server(url: &str, config: &StoreConfig, writes: bool) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    let half = (config.connections_max / 2).max(1);
    let wait_ms = config.wait_max.as_millis();
    options
        .max_connections(half)
        .min_connections(if writes {
            0
        } else {
            config.connections_min.min(half)
        })
        .acquire_timeout(config.wait_max)
        .connect_timeout(config.wait_max)
        .idle_timeout(Some(Duration::from_mins(10)))
        .test_before_acquire(false)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_postgres_opts(move |options| {
            let options = options.application_name("gatepost").options([
                ("client_min_messages", "warning".to_owned()),
                ("statement_timeout", "10s".to_owned()),
                ("lock_timeout", format!("{wait_ms}ms")),
                ("idle_in_transaction_session_timeout", "15s".to_owned()),
            ]);
            if writes {
                return options;
            }
            // A reader sees one moment, and changes nothing.
            options.options([
                ("default_transaction_isolation", "repeatable read"),
                ("default_transaction_read_only", "on"),
            ])
        });
    options
}

/// Row-level security does not bind such roles; the tenants' second wall would be missing.
async fn refuse_unbound_role(database: &DatabaseConnection) -> Result<()> {
    let sql = "SELECT rolname::text AS role, rolsuper, rolbypassrls FROM pg_roles \
               WHERE rolname = current_user";
    let row = database
        .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await?;
    let Some(row) = row else { return Ok(()) };
    let role: String = row.try_get("", "role")?;
    if row.try_get("", "rolsuper")? {
        return Err(StoreError::Role {
            role,
            reason: "is a superuser",
        });
    }
    if row.try_get("", "rolbypassrls")? {
        return Err(StoreError::Role {
            role,
            reason: "has BYPASSRLS",
        });
    }
    Ok(())
}

/// Begins a transaction that may write.
pub(crate) async fn begin_write(
    database: &impl TransactionTrait<Transaction = DatabaseTransaction>,
) -> std::result::Result<DatabaseTransaction, DbErr> {
    // The embedded engine takes its one write lock now, not at the first write, where it could
    // only fail. The mode means nothing to the other.
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    database.begin_with_options(options).await
}

/// Holds off every other replica that migrates or founds, until the transaction ends.
pub(crate) async fn lock_installation(transaction: &DatabaseTransaction) -> Result<()> {
    if is_server(transaction) {
        let patience = format!(
            "SELECT set_config('lock_timeout', '{INSTALLATION_LOCK_WAIT_MS}ms', true), \
             set_config('statement_timeout', '{INSTALLATION_LOCK_WAIT_MS}ms', true)"
        );
        run(transaction, &patience, []).await?;
        run(
            transaction,
            "SELECT pg_advisory_xact_lock($1)",
            [INSTALLATION_LOCK.into()],
        )
        .await?;
    }
    // The embedded engine has one writer, and this transaction is it.
    Ok(())
}

/// Whether any migration ever ran.
pub(crate) async fn has_schema(database: &impl ConnectionTrait) -> Result<bool> {
    let sql = if is_server(database) {
        "SELECT count(*) AS tables FROM pg_tables \
         WHERE schemaname = current_schema() AND tablename = 'schema_version'"
    } else {
        "SELECT count(*) AS tables FROM sqlite_schema \
         WHERE type = 'table' AND name = 'schema_version'"
    };
    let row = query(database, sql, []).await?;
    Ok(row
        .map(|row| row.try_get::<i64>("", "tables"))
        .transpose()?
        .unwrap_or(0)
        > 0)
}

/// Makes a transaction an organization's, and reads the head row; `None`: no such organization.
///
/// On a server the three are one statement, one round trip. The head is read *inside* the lateral
/// part, so that row-level security is asked only after the organization was set.
pub(crate) async fn enter(
    transaction: &DatabaseTransaction,
    organization: OrganizationId,
    lock: bool,
) -> Result<Option<QueryResult>> {
    const COLUMNS: &str = "head.revision, head.epoch, head.audit_hash, head.audit_sequence, \
                           (SELECT system_organization_id FROM installation) AS system";
    let sql = if is_server(transaction) {
        format!(
            "WITH here AS MATERIALIZED \
             (SELECT set_config('gatepost.organization', $1::text, true) AS id) \
             SELECT {COLUMNS} FROM here CROSS JOIN LATERAL \
             (SELECT * FROM organization_heads WHERE organization_id = here.id::uuid{}) AS head",
            if lock { " FOR UPDATE" } else { "" },
        )
    } else {
        format!("SELECT {COLUMNS} FROM organization_heads AS head WHERE organization_id = $1")
    };
    query(transaction, &sql, [organization.uuid().into()]).await
}

/// Opens one of the named doors across organizations; answers the database's time in microseconds.
pub(crate) async fn open_door(transaction: &DatabaseTransaction, door: Door) -> Result<i64> {
    let (sql, values) = if is_server(transaction) {
        (
            "SELECT set_config('gatepost.scope', $1, true), \
             (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now",
            vec![Value::from(door.name())],
        )
    } else {
        (
            "SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER) AS now",
            Vec::new(),
        )
    };
    let row = query(transaction, sql, values).await?;
    Ok(row
        .map(|row| row.try_get("", "now"))
        .transpose()?
        .unwrap_or(0))
}

/// A scope that is nobody's: what it may see is in the row-level security below.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Door {
    /// Who signs in, and from which organization.
    SignIn,
    /// What snapshots are made of.
    Feed,
}

impl Door {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Feed => "feed",
        }
    }
}

/// Writes one revision: its audit record, its feed rows (a JSON array of changes), the head.
///
/// On a server that is one statement, one round trip.
pub(crate) async fn write_revision(
    transaction: &DatabaseTransaction,
    event: audit_events::Model,
    changes: String,
) -> Result<()> {
    let feed = if is_server(transaction) {
        "SELECT $1, $4, (place - 1)::integer, (change -> 'before')::text, \
         (change -> 'after')::text \
         FROM json_array_elements($20::json) WITH ORDINALITY AS rows (change, place)"
    } else {
        // The arrow gives text as JSON, and NULL where the key is missing.
        "SELECT $1, $2, key, value -> '$.before', value -> '$.after' FROM json_each($3)"
    };
    let audit = "INSERT INTO audit_events (organization_id, sequence, id, revision, at, \
                 actor_type, actor_id, actor_name, action, target_type, target_id, \
                 before, after, outcome, reason, request_id, address, previous_hash, hash) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
                 $17, $18, $19)";
    let feed =
        format!("INSERT INTO changes (organization_id, revision, ordinal, before, after) {feed}");
    let (organization, sequence) = (event.organization_id, event.sequence);
    let (revision, hash) = (event.revision, event.hash.clone());
    let mut values = audit_values(event);
    if is_server(transaction) {
        let sql = format!(
            "WITH event AS ({audit}), feed AS ({feed}) UPDATE organization_heads \
             SET revision = $4, audit_hash = $19, audit_sequence = $2 WHERE organization_id = $1"
        );
        values.push(changes.into());
        return run(transaction, &sql, values).await;
    }
    run(transaction, audit, values).await?;
    run(
        transaction,
        &feed,
        [organization.into(), revision.into(), changes.into()],
    )
    .await?;
    let head = "UPDATE organization_heads SET revision = $1, audit_hash = $2, audit_sequence = $3 \
                WHERE organization_id = $4";
    let values = [
        revision.into(),
        hash.into(),
        sequence.into(),
        organization.into(),
    ];
    run(transaction, head, values).await
}

fn audit_values(event: audit_events::Model) -> Vec<Value> {
    vec![
        event.organization_id.into(),
        event.sequence.into(),
        event.id.into(),
        event.revision.into(),
        event.at.into(),
        event.actor_type.into(),
        event.actor_id.into(),
        event.actor_name.into(),
        event.action.into(),
        event.target_type.into(),
        event.target_id.into(),
        event.before.into(),
        event.after.into(),
        event.outcome.into(),
        event.reason.into(),
        event.request_id.into(),
        event.address.into(),
        event.previous_hash.into(),
        event.hash.into(),
    ]
}

/// Builds the second wall of a schema that was just migrated, where the engine has one.
pub(crate) async fn secure_tables(transaction: &DatabaseTransaction) -> Result<()> {
    if is_server(transaction) {
        walls::secure_tables(transaction).await
    } else {
        Ok(())
    }
}

/// Whether an engine's error passes by itself: a lock, a timeout, a server that starts or stops.
pub(crate) fn is_passing(code: &str) -> bool {
    // Of the embedded engine: busy, locked, disk full, and the longer forms of the first two.
    matches!(code, "5" | "6" | "13" | "261" | "262" | "517" | "773")
        || is_disconnect(code)
        // Lock or statement timeout, serialization, deadlock, read-only after a failover.
        || matches!(code, "55P03" | "57014" | "40001" | "40P01" | "25006" | "25P03")
        || (code.len() == 5 && code.starts_with("53"))
}

/// Whether the server ended the connection.
pub(crate) fn is_disconnect(code: &str) -> bool {
    code.len() == 5 && (code.starts_with("08") || code.starts_with("57P"))
}

fn is_server(database: &impl ConnectionTrait) -> bool {
    database.get_database_backend() == DbBackend::Postgres
}

async fn query(
    database: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Option<QueryResult>> {
    let engine = database.get_database_backend();
    Ok(database
        .query_one_raw(Statement::from_sql_and_values(engine, sql, values))
        .await?)
}

async fn run(
    database: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<()> {
    let engine = database.get_database_backend();
    database
        .execute_raw(Statement::from_sql_and_values(engine, sql, values))
        .await?;
    Ok(())
}
