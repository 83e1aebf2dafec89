//! Reads what may be very much, a part at a time.
//!
//! A server gives the rows of a cursor. Pages by key would not do: with the row-level security in
//! between, it expects few rows and sorts all of them for each page. The embedded engine has
//! everything at hand, and gives it as one part.

use sea_orm::sea_query::SelectStatement;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, QueryResult, Statement, Value};
use uuid::Uuid;

use super::{is_server, run};
use crate::error::Result;

/// Rows of a part.
const ROWS_MAX: usize = 5_000;
/// Groups of a part: each may have a million members.
const GROUPS_MAX: usize = 8;
/// How long the server may work on one part: a group of ten million takes ten seconds.
const PART_WAIT: &str = "60s";

/// The rest of the rows of a query, in no order. A transaction has one of these at a time.
pub(crate) enum Parts {
    /// All rows, which came at once.
    Here(Vec<QueryResult>),
    /// In a cursor of the server, so many at a time.
    There(usize),
    /// No more.
    Over,
}

impl Parts {
    /// Asks the query.
    pub(crate) async fn of(
        transaction: &DatabaseTransaction,
        select: &SelectStatement,
    ) -> Result<Self> {
        let asked = transaction.get_database_backend().build(select);
        Self::open(transaction, asked, ROWS_MAX).await
    }

    async fn open(
        transaction: &DatabaseTransaction,
        asked: Statement,
        rows_max: usize,
    ) -> Result<Self> {
        if !is_server(transaction) {
            return Ok(Self::Here(transaction.query_all_raw(asked).await?));
        }
        let wait = format!("SET LOCAL statement_timeout = '{PART_WAIT}'");
        run(transaction, &wait, []).await?;
        let declare = format!("DECLARE parts NO SCROLL CURSOR FOR {}", asked.sql);
        let values = asked.values.into_iter().flat_map(|values| values.0);
        run(transaction, &declare, values).await?;
        Ok(Self::There(rows_max))
    }

    /// The next rows; `None` when there are no more.
    pub(crate) async fn next(
        &mut self,
        transaction: &DatabaseTransaction,
    ) -> Result<Option<Vec<QueryResult>>> {
        match std::mem::replace(self, Self::Over) {
            Self::Over => Ok(None),
            Self::Here(rows) => Ok(Some(rows)),
            Self::There(rows_max) => {
                let fetch = format!("FETCH {rows_max} FROM parts");
                let fetch = Statement::from_string(DbBackend::Postgres, fetch);
                let rows = transaction.query_all_raw(fetch).await?;
                if rows.len() < rows_max {
                    run(transaction, "CLOSE parts", []).await?;
                } else {
                    *self = Self::There(rows_max);
                }
                Ok(Some(rows))
            }
        }
    }
}

/// The users of every group of an organization.
pub(crate) struct Memberships(Parts);

impl Memberships {
    /// Asks for them. A server packs those of a group into one value: a row for each of ten million
    /// memberships costs many times what finding them does.
    pub(crate) async fn of(transaction: &DatabaseTransaction, organization: Uuid) -> Result<Self> {
        let sql = if is_server(transaction) {
            "SELECT id, (SELECT string_agg(uuid_send(user_id), ''::bytea) FROM user_members \
             WHERE organization_id = $1 AND group_id = groups.id) \
             FROM groups WHERE organization_id = $1"
        } else {
            "SELECT group_id, user_id FROM user_members WHERE organization_id = $1"
        };
        let engine = transaction.get_database_backend();
        let asked = Statement::from_sql_and_values(engine, sql, [Value::from(organization)]);
        let parts = Parts::open(transaction, asked, GROUPS_MAX).await?;
        Ok(Self(parts))
    }

    /// Groups, each with some of its users; `None` when there are no more.
    pub(crate) async fn next(
        &mut self,
        transaction: &DatabaseTransaction,
    ) -> Result<Option<Vec<(Uuid, Vec<Uuid>)>>> {
        let Some(rows) = self.0.next(transaction).await? else {
            return Ok(None);
        };
        let read = if is_server(transaction) {
            unpack
        } else {
            |row: &QueryResult| Ok((row.try_get_by_index(0)?, vec![row.try_get_by_index(1)?]))
        };
        rows.iter().map(read).collect::<Result<_>>().map(Some)
    }
}

fn unpack(row: &QueryResult) -> Result<(Uuid, Vec<Uuid>)> {
    let group: Uuid = row.try_get_by_index(0)?;
    let packed: Option<Vec<u8>> = row.try_get_by_index(1)?;
    // What `uuid_send` wrote has sixteen bytes each, and nothing is left over.
    let (users, _) = packed.as_deref().unwrap_or_default().as_chunks();
    Ok((group, users.iter().copied().map(Uuid::from_bytes).collect()))
}
