//! Credentials that are public keys, and marks of what was used.

use sea_orm::sea_query::{
    ColumnDef, Index, IndexCreateStatement, Table, TableAlterStatement, TableCreateStatement,
};

const MARKS: &str = "used_marks";

/// Marks live no longer than what they mark.
pub(super) fn tables() -> Vec<TableCreateStatement> {
    vec![
        Table::create()
            .table(MARKS)
            .col(
                ColumnDef::new("key")
                    .binary()
                    .not_null()
                    .primary_key()
                    .take(),
            )
            .col(ColumnDef::new("until").big_integer().not_null().take())
            .take(),
    ]
}

/// Empty of a secret.
pub(super) fn columns() -> Vec<TableAlterStatement> {
    vec![
        Table::alter()
            .table("credentials")
            .add_column(ColumnDef::new("public_key").text().take())
            .take(),
    ]
}

/// What housekeeping looks for.
pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        Index::create()
            .name("used_marks_until")
            .table(MARKS)
            .col("until")
            .take(),
    ]
}
