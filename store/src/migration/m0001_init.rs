//! The first schema.

use sea_orm::sea_query::{
    ColumnDef, ForeignKey, ForeignKeyCreateStatement, Index, IndexCreateStatement, Table,
    TableCreateStatement,
};

const ORGANIZATION: &str = "organization_id";

/// The table that tells which migrations ran; made before any of them.
pub(super) fn schema_version() -> TableCreateStatement {
    single(
        "schema_version",
        "id",
        ColumnDef::new("id").integer().take(),
    )
    .if_not_exists()
    .col(ColumnDef::new("version").integer().not_null())
    .col(integer("migrated_at"))
    .take()
}

/// All tables, parents first.
pub(super) fn tables() -> Vec<TableCreateStatement> {
    let mut tables = installation_tables();
    tables.extend(people_tables());
    tables.extend(machine_tables());
    tables.extend(log_tables());
    tables
}

fn installation_tables() -> Vec<TableCreateStatement> {
    vec![
        single("installation", "id", ColumnDef::new("id").integer().take())
            .col(text("public_url"))
            .col(bytes("master_key_check"))
            .col(uuid("system_organization_id"))
            .col(uuid("default_organization_id"))
            .col(integer("created_at"))
            .take(),
        single("organizations", "id", uuid("id"))
            .col(text("slug"))
            .col(text("name"))
            .col(text("status"))
            .col(integer("created_at"))
            .take(),
        single("organization_heads", ORGANIZATION, uuid(ORGANIZATION))
            .col(integer("revision"))
            .col(integer("epoch"))
            .col(bytes("audit_hash"))
            .col(integer("audit_sequence"))
            .foreign_key(
                ForeignKey::create()
                    .name("organization_heads_organization")
                    .from("organization_heads", ORGANIZATION)
                    .to("organizations", "id"),
            )
            .take(),
        single("signing_keys", "kid", text("kid"))
            .col(uuid(ORGANIZATION))
            .col(text("algorithm"))
            .col(text("jwk"))
            .col(bytes("sealed_private"))
            .col(integer("created_at"))
            .col(maybe_integer("retired_at"))
            .take(),
        single("manifests", "slug", text("slug"))
            .col(uuid(ORGANIZATION))
            .col(text("hash"))
            .col(text("version"))
            .col(text("document"))
            .col(text("product"))
            .col(integer("published_at"))
            .take(),
        single("sign_in_failures", "key", bytes("key"))
            .col(integer("failures"))
            .col(integer("last_failed_at"))
            .col(maybe_integer("blocked_until"))
            .take(),
    ]
}

fn people_tables() -> Vec<TableCreateStatement> {
    vec![
        owned("users", &[uuid("id")])
            .col(text("username"))
            .col(text("username_key"))
            .col(maybe_text("email"))
            .col(maybe_text("email_key"))
            .col(ColumnDef::new("email_verified").boolean().not_null())
            .col(text("first_name"))
            .col(text("last_name"))
            .col(text("password_hash"))
            .col(text("status"))
            .col(integer("created_at"))
            .col(integer("updated_at"))
            .take(),
        owned("groups", &[uuid("id")])
            .col(text("name"))
            .col(text("name_key"))
            .col(ColumnDef::new("built_in").boolean().not_null())
            .col(integer("created_at"))
            .take(),
        owned("user_members", &[uuid("group_id"), uuid("user_id")])
            .foreign_key(&mut within("user_members", "group_id", "groups"))
            .foreign_key(&mut within("user_members", "user_id", "users"))
            .take(),
        owned("group_members", &[uuid("group_id"), uuid("child_id")])
            .foreign_key(&mut within("group_members", "group_id", "groups"))
            .foreign_key(&mut within("group_members", "child_id", "groups"))
            .take(),
        owned("roles", &[uuid("id")])
            .col(text("product"))
            .col(text("name"))
            .col(text("name_key"))
            .col(text("description"))
            .col(text("permissions"))
            .col(ColumnDef::new("built_in").boolean().not_null())
            .col(integer("created_at"))
            .take(),
        owned(
            "grants",
            &[text("subject_kind"), uuid("subject_id"), uuid("role_id")],
        ),
        owned("sessions", &[uuid("id")])
            .col(uuid("user_id"))
            .col(ColumnDef::new("application_id").uuid())
            .col(integer("created_at"))
            .col(integer("expires_at"))
            .col(maybe_integer("ended_at"))
            .col(maybe_integer("ended_until"))
            .foreign_key(&mut within("sessions", "user_id", "users"))
            .take(),
        single("refresh_tokens", "hash", bytes("hash"))
            .col(uuid(ORGANIZATION))
            .col(uuid("session_id"))
            .col(uuid("user_id"))
            .col(text("scope"))
            .col(integer("issued_at"))
            .col(integer("expires_at"))
            .col(maybe_integer("used_at"))
            .foreign_key(&mut within("refresh_tokens", "session_id", "sessions"))
            .take(),
    ]
}

fn machine_tables() -> Vec<TableCreateStatement> {
    vec![
        owned("applications", &[uuid("id")])
            .col(text("name"))
            .col(text("name_key"))
            .col(text("description"))
            .col(text("client_id"))
            .col(text("token_algorithm"))
            .col(text("status"))
            .col(integer("created_at"))
            .take(),
        owned("credentials", &[uuid("id")])
            .col(uuid("application_id"))
            .col(bytes("secret_hash"))
            .col(integer("created_at"))
            .foreign_key(&mut within("credentials", "application_id", "applications"))
            .take(),
    ]
}

fn log_tables() -> Vec<TableCreateStatement> {
    vec![
        owned("audit_events", &[integer("sequence")])
            .col(uuid("id"))
            .col(integer("revision"))
            .col(integer("at"))
            .col(text("actor_type"))
            .col(text("actor_id"))
            .col(text("actor_name"))
            .col(text("action"))
            .col(maybe_text("target_type"))
            .col(maybe_text("target_id"))
            .col(maybe_text("before"))
            .col(maybe_text("after"))
            .col(text("outcome"))
            .col(maybe_text("reason"))
            .col(maybe_text("request_id"))
            .col(maybe_text("address"))
            .col(bytes("previous_hash"))
            .col(bytes("hash"))
            .take(),
        owned(
            "changes",
            &[
                integer("revision"),
                ColumnDef::new("ordinal").integer().take(),
            ],
        )
        .col(maybe_text("before"))
        .col(maybe_text("after"))
        .take(),
        owned("idempotency_keys", &[text("key")])
            .col(text("rpc"))
            .col(bytes("request_hash"))
            .col(bytes("response"))
            .col(integer("created_at"))
            .take(),
    ]
}

/// One index for each list order, look-up and promise that something is there once.
pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    let own = |table, column| index(table, &[ORGANIZATION, column]);
    let list = |table| index(table, &[ORGANIZATION, "created_at", "id"]);
    let once = |table, column| index(table, &[ORGANIZATION, column]).unique().take();
    vec![
        index("organizations", &["slug"]).unique().take(),
        index("organizations", &["created_at", "id"]),
        once("users", "username_key"),
        once("users", "email_key"),
        list("users"),
        // At sign-in nobody names an organization.
        index("users", &["username_key"]),
        index("users", &["email_key"]),
        once("groups", "name_key"),
        list("groups"),
        own("user_members", "user_id"),
        own("group_members", "child_id"),
        once("roles", "name_key"),
        list("roles"),
        index("roles", &["built_in", "name_key"]),
        own("grants", "role_id"),
        once("applications", "name_key"),
        index("applications", &["client_id"]).unique().take(),
        list("applications"),
        own("credentials", "application_id"),
        own("sessions", "user_id"),
        own("sessions", "application_id"),
        own("sessions", "ended_until"),
        own("sessions", "expires_at"),
        own("refresh_tokens", "session_id"),
        own("refresh_tokens", "expires_at"),
        once("audit_events", "id"),
        own("audit_events", "at"),
        own("audit_events", "actor_id"),
        own("audit_events", "target_id"),
        own("audit_events", "action"),
        own("idempotency_keys", "created_at"),
        index("sign_in_failures", &["last_failed_at"]),
    ]
}

/// A table with one column as its key.
fn single(name: &'static str, key: &'static str, mut column: ColumnDef) -> TableCreateStatement {
    Table::create()
        .table(name)
        .col(column.not_null())
        .primary_key(Index::create().name(format!("{name}_pk")).col(key))
        .take()
}

/// A table whose key begins with the organization.
fn owned(name: &'static str, keys: &[ColumnDef]) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name).col(uuid(ORGANIZATION));
    let mut primary = Index::create();
    primary.name(format!("{name}_pk")).col(ORGANIZATION);
    for key in keys {
        table.col(key.clone().not_null());
        primary.col(key.get_column_name());
    }
    table.primary_key(&mut primary).take()
}

/// A reference to a row of the same organization.
fn within(
    table: &'static str,
    column: &'static str,
    parent: &'static str,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("{table}_{column}"))
        .from(table, (ORGANIZATION, column))
        .to(parent, (ORGANIZATION, "id"))
        .take()
}

/// An index that is named after its columns, so that a violation tells which.
fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let own: Vec<_> = columns
        .iter()
        .copied()
        .filter(|column| *column != ORGANIZATION)
        .collect();
    let scope = if own.len() == columns.len() && columns.len() == 1 {
        "every_"
    } else {
        ""
    };
    let mut index = Index::create();
    index
        .name(format!("{table}_{scope}{}", own.join("_")))
        .table(table);
    for column in columns {
        index.col(*column);
    }
    index
}

fn uuid(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).uuid().not_null().take()
}

fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().not_null().take()
}

fn maybe_text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().take()
}

fn integer(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

fn maybe_integer(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().take()
}

fn bytes(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).binary().not_null().take()
}
