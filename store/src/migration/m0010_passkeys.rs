//! Passkeys: as many as a person likes, found by what the authenticator calls each of them.

use sea_orm::sea_query::{
    ColumnDef, ForeignKey, Index, IndexCreateStatement, Table, TableCreateStatement,
};

const PASSKEYS: &str = "passkeys";

/// The public key is sealed: whoever can write rows must not be able to put another one there.
pub(super) fn tables() -> Vec<TableCreateStatement> {
    let uuid = |name: &'static str| ColumnDef::new(name).uuid().not_null().take();
    let binary = |name: &'static str| ColumnDef::new(name).binary().not_null().take();
    vec![
        Table::create()
            .table(PASSKEYS)
            .col(uuid("organization_id"))
            .col(uuid("id"))
            .col(uuid("user_id"))
            .col(binary("credential_hash"))
            .col(binary("sealed"))
            .col(ColumnDef::new("name").text().not_null())
            .col(ColumnDef::new("backed_up").boolean().not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .col(ColumnDef::new("last_used_at").big_integer())
            .col(ColumnDef::new("preferred_at").big_integer())
            .primary_key(
                Index::create()
                    .name("passkeys_pk")
                    .col("organization_id")
                    .col("id"),
            )
            .foreign_key(
                ForeignKey::create()
                    .name("passkeys_user_id")
                    .from(PASSKEYS, ("organization_id", "user_id"))
                    .to("users", ("organization_id", "id")),
            )
            .take(),
    ]
}

/// One of a credential in an organization, looked for without one; and those of a user.
pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        Index::create()
            .name("passkeys_credential_hash")
            .table(PASSKEYS)
            .col("credential_hash")
            .col("organization_id")
            .unique()
            .take(),
        Index::create()
            .name("passkeys_user_id")
            .table(PASSKEYS)
            .col("organization_id")
            .col("user_id")
            .take(),
    ]
}
