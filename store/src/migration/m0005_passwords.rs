//! Passwords of other forms, and those that must not come back.

use sea_orm::sea_query::{
    ColumnDef, ForeignKey, Index, IndexCreateStatement, Table, TableAlterStatement,
    TableCreateStatement,
};

const HISTORY: &str = "password_history";
/// The cost of every hash that was made before, and that the previous release makes beside us.
const WORK_BEFORE: &str = "$argon2id$v=19$m=19456,t=2,p=1";

/// The hashes that a user had, the oldest with the least number.
pub(super) fn tables() -> Vec<TableCreateStatement> {
    let uuid = |name: &'static str| ColumnDef::new(name).uuid().not_null().take();
    let number = |name: &'static str| ColumnDef::new(name).big_integer().not_null().take();
    vec![
        Table::create()
            .table(HISTORY)
            .col(uuid("organization_id"))
            .col(uuid("user_id"))
            .col(number("sequence"))
            .col(ColumnDef::new("password_hash").text().not_null())
            .col(number("replaced_at"))
            .primary_key(
                Index::create()
                    .name("password_history_pk")
                    .col("organization_id")
                    .col("user_id")
                    .col("sequence"),
            )
            .foreign_key(
                ForeignKey::create()
                    .name("password_history_user_id")
                    .from(HISTORY, ("organization_id", "user_id"))
                    .to("users", ("organization_id", "id")),
            )
            .take(),
    ]
}

/// What a check of the hash costs, beside the hash, so that the different costs can be found.
pub(super) fn columns() -> Vec<TableAlterStatement> {
    let work = ColumnDef::new("password_work")
        .text()
        .not_null()
        .default(WORK_BEFORE)
        .take();
    vec![Table::alter().table("users").add_column(work).take()]
}

/// The different costs of an organization.
pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        Index::create()
            .name("users_password_work")
            .table("users")
            .col("organization_id")
            .col("password_work")
            .take(),
    ]
}
