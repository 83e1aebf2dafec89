//! Applications that people sign in through with a browser.

use sea_orm::sea_query::{ColumnDef, Table, TableAlterStatement};

/// All empty for what was there before: an application of which nothing is set, an organization
/// without a colour, and a session that began with its sign-in and is meant for everything.
pub(super) fn columns() -> Vec<TableAlterStatement> {
    let text = |name: &'static str| ColumnDef::new(name).text().take();
    vec![
        add("applications", text("settings")),
        add("organizations", text("accent_color")),
        add(
            "sessions",
            ColumnDef::new("signed_in_at").big_integer().take(),
        ),
        add("sessions", text("resources")),
        add("sessions", text("claims")),
        add("sessions", text("issuer")),
    ]
}

fn add(table: &'static str, column: ColumnDef) -> TableAlterStatement {
    Table::alter().table(table).add_column(column).take()
}
