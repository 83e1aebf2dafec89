//! Grants that expire and are limited by attributes.

use sea_orm::sea_query::{ColumnDef, Index, IndexCreateStatement, Table, TableAlterStatement};

const TABLE: &str = "grants";

/// Both empty for what was given before: for good, and for everything. One engine adds one column
/// at a time.
pub(super) fn columns() -> Vec<TableAlterStatement> {
    vec![
        add(ColumnDef::new("expires_at").big_integer().take()),
        add(ColumnDef::new("limits").text().take()),
    ]
}

/// A role's holders in the order of their list, and what housekeeping looks for.
pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        Index::create()
            .name("grants_role_id_subject")
            .table(TABLE)
            .col("organization_id")
            .col("role_id")
            .col("subject_kind")
            .col("subject_id")
            .take(),
        Index::create()
            .name("grants_expires_at")
            .table(TABLE)
            .col("organization_id")
            .col("expires_at")
            .take(),
    ]
}

fn add(column: ColumnDef) -> TableAlterStatement {
    Table::alter().table(TABLE).add_column(column).take()
}
