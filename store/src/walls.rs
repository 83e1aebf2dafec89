//! The tenants' second wall: row-level security and rights, where the engine has them.
//!
//! Our own queries name their organization; these rules hold where one forgets to.

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use crate::dialect::Door;
use crate::error::Result;

/// The organization that the transaction was made for; null when it was made for none.
const HERE: &str = "NULLIF(current_setting('gatepost.organization', true), '')::uuid";
/// The organization that holds the directory.
const SYSTEM: &str = "(SELECT system_organization_id FROM installation)";

/// Tables that the sign-in door may read across organizations.
const SIGN_IN_READS: [&str; 5] = [
    "organizations",
    "users",
    "applications",
    "credentials",
    "passkeys",
];

/// Tables that belong to the sign-in door alone.
const SIGN_IN_STATE: [&str; 2] = ["sign_in_failures", "used_marks"];

/// Tables that the feed may read across organizations.
const FEED_READS: [&str; 14] = [
    "organizations",
    "organization_heads",
    "users",
    "groups",
    "user_members",
    "group_members",
    "roles",
    "grants",
    "applications",
    "credentials",
    "sessions",
    "signing_keys",
    "manifests",
    "changes",
];

/// Tables whose rows belong to one organization and may be changed in it.
const OWNED: [&str; 21] = [
    "users",
    "groups",
    "user_members",
    "group_members",
    "roles",
    "grants",
    "applications",
    "credentials",
    "sessions",
    "password_history",
    "user_factors",
    "recovery_codes",
    "remembered_devices",
    "mfa_challenges",
    "mfa_policies",
    "passkeys",
    "message_providers",
    "message_provider_links",
    "signing_keys",
    "manifests",
    "idempotency_keys",
];

/// Tables whose rows are written once.
const LOGS: [&str; 2] = ["audit_events", "changes"];

/// Row-level security on every table with an organization; forced, so that it binds the owner too.
pub(crate) async fn secure_tables(transaction: &DatabaseTransaction) -> Result<()> {
    let policies = own_policies().into_iter().chain(door_policies());
    let policies = policies.map(|(table, name, rule)| {
        format!("DROP POLICY IF EXISTS {name} ON {table}; CREATE POLICY {name} ON {table} {rule};")
    });
    let switches = secured().map(|table| {
        format!(
            "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; \
             ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"
        )
    });
    let sql = policies.chain(switches).collect::<Vec<String>>().join("\n");
    transaction.execute_unprepared(&sql).await?;
    Ok(())
}

/// A table, the name of a policy for it, and what it allows. What no policy allows is refused.
type Policy = (&'static str, &'static str, String);

/// What an organization's scope may touch.
fn own_policies() -> Vec<Policy> {
    let own = format!("USING (organization_id = {HERE})");
    // What all organizations see is written in the system organization only.
    let written_by_system = |table, whatever| {
        let check =
            format!("WITH CHECK (organization_id = {HERE} AND ({whatever}{HERE} = {SYSTEM}))");
        (table, "own", format!("{own} {check}"))
    };
    let mut policies: Vec<Policy> = OWNED
        .into_iter()
        .map(|table| match table {
            "roles" => written_by_system(table, "NOT built_in OR "),
            "manifests" | "signing_keys" => written_by_system(table, ""),
            _ => (table, "own", own.clone()),
        })
        .collect();
    for table in LOGS {
        policies.push((table, "own", format!("FOR SELECT {own}")));
        let append = format!("FOR INSERT WITH CHECK (organization_id = {HERE})");
        policies.push((table, "append", append));
    }
    let system = format!("{HERE} = {SYSTEM}");
    policies.extend([
        (
            "organizations",
            "own",
            format!("FOR SELECT USING (id = {HERE})"),
        ),
        ("organizations", "system", format!("USING ({system})")),
        ("organization_heads", "own", own),
        (
            "organization_heads",
            "system",
            format!("FOR INSERT WITH CHECK ({system})"),
        ),
        (
            "roles",
            "built_in",
            "FOR SELECT USING (built_in)".to_owned(),
        ),
        (
            "manifests",
            "everyone",
            "FOR SELECT USING (true)".to_owned(),
        ),
    ]);
    policies
}

/// What the named doors may touch.
fn door_policies() -> Vec<Policy> {
    let through = |door: Door| {
        format!(
            "current_setting('gatepost.scope', true) = '{}'",
            door.name()
        )
    };
    let (sign_in, feed) = (through(Door::SignIn), through(Door::Feed));
    let mut policies: Vec<Policy> = SIGN_IN_STATE
        .into_iter()
        .map(|table| (table, "sign_in", format!("USING ({sign_in})")))
        .collect();
    for table in SIGN_IN_READS {
        policies.push((table, "sign_in", format!("FOR SELECT USING ({sign_in})")));
    }
    for table in FEED_READS {
        policies.push((table, "feed", format!("FOR SELECT USING ({feed})")));
    }
    policies
}

fn secured() -> impl Iterator<Item = &'static str> {
    OWNED
        .into_iter()
        .chain(LOGS)
        .chain(["organizations", "organization_heads"])
        .chain(SIGN_IN_STATE)
}

/// Gives the serving role what it needs: logs can be read and appended, never changed.
pub(crate) async fn grant_to(transaction: &DatabaseTransaction, role: &str) -> Result<()> {
    let role = role.replace('"', "\"\"");
    let owned = OWNED.join(", ");
    let logs = LOGS.join(", ");
    let state = SIGN_IN_STATE.join(", ");
    let sql = format!(
        "REVOKE ALL ON {logs}, installation, schema_version FROM \"{role}\";
         GRANT SELECT, INSERT, UPDATE, DELETE ON {owned}, {state} TO \"{role}\";
         GRANT SELECT, INSERT, UPDATE ON organizations, organization_heads TO \"{role}\";
         GRANT SELECT, INSERT ON {logs}, installation TO \"{role}\";
         GRANT SELECT ON schema_version TO \"{role}\";"
    );
    transaction.execute_unprepared(&sql).await?;
    Ok(())
}
