//! The different costs of an organization's password hashes, however many users it has.

use sea_orm::{ConnectionTrait, DbErr, Statement};
use uuid::Uuid;

use super::{is_server, query};
use crate::error::Result;

/// Most costs that are told. Imports stop far below it.
const WORKS_MAX: usize = 64;

/// For the rest of a transaction: what is in the index is read from the index, in its order. With
/// the row-level security in between, a server expects few users, and would rather read all of
/// them: a fifth of a second for 200,000.
const BY_INDEX: &str = "SELECT set_config('enable_bitmapscan', 'off', true), \
                        set_config('enable_seqscan', 'off', true)";

/// Each different cost once: each is looked up as the least above the one before, so that the
/// index is asked for as many rows as there are costs, and not for each user.
pub(crate) async fn password_works(
    database: &impl ConnectionTrait,
    organization: Uuid,
) -> Result<Vec<String>> {
    const LEAST: &str = "SELECT MIN(password_work) FROM users WHERE organization_id = $1";
    if is_server(database) {
        query(database, BY_INDEX, []).await?;
    }
    let sql = format!(
        "WITH RECURSIVE works (work) AS ({LEAST} UNION ALL \
         SELECT ({LEAST} AND password_work > works.work) FROM works WHERE works.work IS NOT NULL) \
         SELECT work FROM works WHERE work IS NOT NULL LIMIT {WORKS_MAX}"
    );
    let engine = database.get_database_backend();
    let asked = Statement::from_sql_and_values(engine, sql, [organization.into()]);
    let rows = database.query_all_raw(asked).await?;
    let works: std::result::Result<_, DbErr> =
        rows.iter().map(|row| row.try_get("", "work")).collect();
    Ok(works?)
}
