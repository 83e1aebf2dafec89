//! A session carries its refresh tokens' generation, and tells of its device.

use sea_orm::sea_query::{
    ColumnDef, Index, IndexCreateStatement, Table, TableAlterStatement, TableDropStatement,
};

const TABLE: &str = "sessions";

/// Of a session from before nothing is known; its refresh tokens are worth nothing any more.
pub(super) fn columns() -> Vec<TableAlterStatement> {
    vec![
        add(ColumnDef::new("within").uuid().take()),
        add(ColumnDef::new("scope").text().take()),
        add(ColumnDef::new("generation")
            .integer()
            .not_null()
            .default(0)
            .take()),
        add(ColumnDef::new("rotated_at").big_integer().take()),
        add(ColumnDef::new("last_seen_at").big_integer().take()),
        add(ColumnDef::new("address").text().take()),
        add(ColumnDef::new("agent").text().take()),
        add(ColumnDef::new("methods").text().take()),
    ]
}

/// What a browser's session takes along when it ends.
pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        Index::create()
            .name("sessions_within")
            .table(TABLE)
            .col("organization_id")
            .col("within")
            .take(),
    ]
}

/// Refresh tokens are derived now, and stored no more. No release knew the table.
pub(super) fn gone() -> Vec<TableDropStatement> {
    vec![Table::drop().table("refresh_tokens").take()]
}

fn add(column: ColumnDef) -> TableAlterStatement {
    Table::alter().table(TABLE).add_column(column).take()
}
