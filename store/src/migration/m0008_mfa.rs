//! Second factors: what people have, what is asked of them, and the challenges under way.

use sea_orm::sea_query::{
    ColumnDef, ForeignKey, ForeignKeyCreateStatement, Index, IndexCreateStatement, Table,
    TableCreateStatement,
};

const FACTORS: &str = "user_factors";
const CODES: &str = "recovery_codes";
const DEVICES: &str = "remembered_devices";
const CHALLENGES: &str = "mfa_challenges";
const POLICIES: &str = "mfa_policies";

/// Secrets, addresses and numbers are sealed, codes and devices hashed.
pub(super) fn tables() -> Vec<TableCreateStatement> {
    vec![factors(), codes(), devices(), challenges(), policies()]
}

fn factors() -> TableCreateStatement {
    Table::create()
        .table(FACTORS)
        .col(uuid("organization_id"))
        .col(uuid("user_id"))
        .col(text("method"))
        .col(ColumnDef::new("pending").boolean().not_null())
        .col(ColumnDef::new("sealed").binary().not_null())
        .col(number("created_at"))
        .col(ColumnDef::new("last_step").big_integer())
        .col(ColumnDef::new("preferred_at").big_integer())
        .col(ColumnDef::new("code_hash").binary())
        .col(ColumnDef::new("code_expires_at").big_integer())
        .col(count("attempts"))
        .col(count("sends"))
        .primary_key(
            Index::create()
                .name("user_factors_pk")
                .col("organization_id")
                .col("user_id")
                .col("method")
                .col("pending"),
        )
        .foreign_key(&mut of_user("user_factors_user_id", FACTORS))
        .take()
}

fn codes() -> TableCreateStatement {
    Table::create()
        .table(CODES)
        .col(uuid("organization_id"))
        .col(uuid("user_id"))
        .col(ColumnDef::new("hash").binary().not_null())
        .primary_key(
            Index::create()
                .name("recovery_codes_pk")
                .col("organization_id")
                .col("user_id")
                .col("hash"),
        )
        .foreign_key(&mut of_user("recovery_codes_user_id", CODES))
        .take()
}

fn devices() -> TableCreateStatement {
    Table::create()
        .table(DEVICES)
        .col(uuid("organization_id"))
        .col(uuid("user_id"))
        .col(ColumnDef::new("hash").binary().not_null())
        .col(number("created_at"))
        .col(number("expires_at"))
        .primary_key(
            Index::create()
                .name("remembered_devices_pk")
                .col("organization_id")
                .col("user_id")
                .col("hash"),
        )
        .foreign_key(&mut of_user("remembered_devices_user_id", DEVICES))
        .take()
}

fn challenges() -> TableCreateStatement {
    Table::create()
        .table(CHALLENGES)
        .col(uuid("organization_id"))
        .col(uuid("id"))
        .col(uuid("user_id"))
        .col(ColumnDef::new("application_id").uuid())
        .col(text("purpose"))
        .col(text("scope"))
        .col(number("created_at"))
        .col(number("expires_at"))
        .col(count("attempts"))
        .col(count("sends"))
        .col(ColumnDef::new("code_method").text())
        .col(ColumnDef::new("code_hash").binary())
        .col(ColumnDef::new("code_expires_at").big_integer())
        .primary_key(
            Index::create()
                .name("mfa_challenges_pk")
                .col("organization_id")
                .col("id"),
        )
        .foreign_key(&mut of_user("mfa_challenges_user_id", CHALLENGES))
        .take()
}

/// The organization's own has the nil id for a group.
fn policies() -> TableCreateStatement {
    Table::create()
        .table(POLICIES)
        .col(uuid("organization_id"))
        .col(uuid("group_id"))
        .col(text("mode"))
        .col(text("methods"))
        .primary_key(
            Index::create()
                .name("mfa_policies_pk")
                .col("organization_id")
                .col("group_id"),
        )
        .take()
}

/// What housekeeping looks for, and what goes with a user.
pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        index("remembered_devices_expires_at", DEVICES, "expires_at"),
        index("mfa_challenges_expires_at", CHALLENGES, "expires_at"),
        index("mfa_challenges_user_id", CHALLENGES, "user_id"),
    ]
}

fn index(name: &'static str, table: &'static str, column: &'static str) -> IndexCreateStatement {
    Index::create()
        .name(name)
        .table(table)
        .col("organization_id")
        .col(column)
        .take()
}

fn of_user(name: &'static str, table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(name)
        .from(table, ("organization_id", "user_id"))
        .to("users", ("organization_id", "id"))
        .take()
}

fn uuid(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).uuid().not_null().take()
}

fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().not_null().take()
}

fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

fn count(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).integer().not_null().default(0).take()
}
