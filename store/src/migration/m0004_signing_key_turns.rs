//! Signing keys that take turns.

use sea_orm::sea_query::{ColumnDef, Table, TableAlterStatement};

/// Empty for the keys from before: they sign, and always did. A release that does not know the
/// column signs with the newest key at once: its tokens are good, but who keeps the public keys
/// for a while may not have that one yet.
pub(super) fn columns() -> Vec<TableAlterStatement> {
    let signs_from = ColumnDef::new("signs_from").big_integer().take();
    vec![
        Table::alter()
            .table("signing_keys")
            .add_column(signs_from)
            .take(),
    ]
}
