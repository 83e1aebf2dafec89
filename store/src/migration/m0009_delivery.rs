//! Who carries messages, and organizations that nobody signs in to with a password.

use sea_orm::sea_query::{
    ColumnDef, ForeignKey, Index, IndexCreateStatement, Table, TableAlterStatement,
    TableCreateStatement,
};

const PROVIDERS: &str = "message_providers";
const LINKS: &str = "message_provider_links";

/// Providers of an organization, and which of them an application uses.
pub(super) fn tables() -> Vec<TableCreateStatement> {
    let uuid = |name: &'static str| ColumnDef::new(name).uuid().not_null().take();
    let text = |name: &'static str| ColumnDef::new(name).text().not_null().take();
    vec![
        Table::create()
            .table(PROVIDERS)
            .col(uuid("organization_id"))
            .col(uuid("id"))
            .col(text("channel"))
            .col(text("name"))
            .col(text("settings"))
            .col(ColumnDef::new("sealed_secrets").binary().not_null().take())
            .col(ColumnDef::new("is_default").boolean().not_null().take())
            .col(ColumnDef::new("created_at").big_integer().not_null().take())
            .primary_key(
                Index::create()
                    .name("message_providers_pk")
                    .col("organization_id")
                    .col("id"),
            )
            .foreign_key(
                ForeignKey::create()
                    .name("message_providers_organization")
                    .from(PROVIDERS, "organization_id")
                    .to("organizations", "id"),
            )
            .take(),
        Table::create()
            .table(LINKS)
            .col(uuid("organization_id"))
            .col(uuid("application_id"))
            .col(text("channel"))
            .col(uuid("provider_id"))
            .primary_key(
                Index::create()
                    .name("message_provider_links_pk")
                    .col("organization_id")
                    .col("application_id")
                    .col("channel"),
            )
            .foreign_key(
                ForeignKey::create()
                    .name("message_provider_links_application")
                    .from(LINKS, ("organization_id", "application_id"))
                    .to("applications", ("organization_id", "id")),
            )
            .foreign_key(
                ForeignKey::create()
                    .name("message_provider_links_provider")
                    .from(LINKS, ("organization_id", "provider_id"))
                    .to(PROVIDERS, ("organization_id", "id")),
            )
            .take(),
    ]
}

/// On, as it was for everybody before.
pub(super) fn columns() -> Vec<TableAlterStatement> {
    let password_sign_in = ColumnDef::new("password_sign_in")
        .boolean()
        .not_null()
        .default(true)
        .take();
    vec![
        Table::alter()
            .table("organizations")
            .add_column(password_sign_in)
            .take(),
    ]
}

/// One provider of a name in an organization.
pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        Index::create()
            .name("message_providers_name")
            .table(PROVIDERS)
            .col("organization_id")
            .col("name")
            .unique()
            .take(),
    ]
}
