//! Fills a database with organizations and people, for measurements.
//!
//! `fill PLACE ORGANIZATIONS USERS GROUPS GROUPS_PER_USER`: PLACE is a data folder, or the address
//! of a PostgreSQL database as its superuser. USERS are divided among the ORGANIZATIONS; each of
//! these has the built-in groups of the first one and GROUPS of its own, and each user is in
//! `GROUPS_PER_USER` of the latter. The program must have made the installation before.
//!
//! `fill PLACE sessions COUNT` gives these users so many live sessions, evenly, and nothing else.
//!
//! Rows are made by the database itself, with its indexes away: one million users in ten groups
//! each would take hours by the doors. The heads get a new epoch, so that a running replica loads
//! anew. What is made is always the same: ids come from numbers, `user-N` signs in with
//! [`PASSWORD`], and the roles let `accounts:get` pass for all, `ledgers:post` for most, and deny
//! `accounts:delete` to some.

use std::error::Error;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend};
use sea_orm::{DbErr, Statement};

/// What the hash of the password costs: Argon2id with the smallest parameters that the settings
/// allow, because ten thousand sign-ins are made before a measurement, and none is measured.
const WORK: &str = "$argon2id$v=19$m=1024,t=1,p=1";
/// The hash of `a long and boring password`.
const PASSWORD: &str = "$argon2id$v=19$m=1024,t=1,p=1$Z2VuZXJhdGVkIHNhbHQ$\
                        JDbOplgbcF9jq6e+U5pRvIjwNzdk2gr3/shGrZvosug";
/// Microseconds since 1970 at which everything was made.
const MADE_AT: i64 = 1_700_000_000_000_000;
/// Microseconds that a session lives; longer than any measurement.
const SESSION_LIFE: i64 = 10 * 365 * 86_400_000_000;
/// Roles of each organization.
const ROLES: u64 = 10;
/// Ids of an organization's groups and roles begin here, from one to the next.
const IDS_PER_ORGANIZATION: u64 = 65_536;
/// The first id of an organization's own groups; the built-in ones come before.
const OWN_GROUPS: u64 = 1_000;
/// Distance from one group of a user to the next; has no divisor in common with a round number.
const GROUP_STEP: u64 = 7;

/// Every noun has ids of its own.
#[derive(Clone, Copy)]
enum Noun {
    Organization,
    User,
    Group,
    Role,
    Session,
}

/// The two engines write numbers, ids and sequences in different ways.
#[derive(Clone, Copy)]
enum Engine {
    Embedded,
    Server,
}

#[derive(Clone, Copy)]
struct Fill {
    engine: Engine,
    organizations: u64,
    users: u64,
    groups: u64,
    groups_per_user: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [place, numbers @ ..] = arguments.as_slice() else {
        return Err("which data folder or database?".into());
    };
    let (engine, url) = if place.starts_with("postgres") {
        (Engine::Server, place.clone())
    } else {
        (Engine::Embedded, format!("sqlite:{place}/gatepost.db"))
    };
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    if let [what, count] = numbers
        && what == "sessions"
    {
        let database = Database::connect(options).await?;
        engine.sessions(&database, count.parse()?).await?;
        database.close().await?;
        return Ok(());
    }
    let numbers: Vec<u64> = numbers
        .iter()
        .map(|n| n.parse())
        .collect::<Result<_, _>>()?;
    let [organizations, users, groups, groups_per_user] = *numbers.as_slice() else {
        return Err("how many organizations, users, groups, groups of a user?".into());
    };
    if groups_per_user > groups || groups > IDS_PER_ORGANIZATION - OWN_GROUPS {
        return Err("a user cannot be in so many of these groups".into());
    }
    let fill = Fill {
        engine,
        organizations,
        users,
        groups,
        groups_per_user,
    };
    let database = Database::connect(options).await?;
    fill.run(&database).await?;
    database.close().await?;
    println!("{organizations} organizations, {users} users, {groups_per_user} groups a user");
    Ok(())
}

impl Fill {
    async fn run(self, database: &DatabaseConnection) -> Result<(), DbErr> {
        for sql in self.engine.settings() {
            database.execute_unprepared(sql).await?;
        }
        let indexes = self.engine.indexes(database).await?;
        for (name, _) in &indexes {
            database
                .execute_unprepared(&format!("DROP INDEX {name}"))
                .await?;
        }
        let statements = [self.organizations(), self.roles_and_groups(), self.people()];
        for sql in statements.iter().flatten() {
            database.execute_unprepared(sql).await?;
        }
        for (_, sql) in &indexes {
            database.execute_unprepared(sql).await?;
        }
        let fresh = "UPDATE organization_heads SET epoch = epoch + 1 WHERE organization_id = \
                     (SELECT system_organization_id FROM installation)";
        database.execute_unprepared(fresh).await?;
        database.execute_unprepared("ANALYZE").await?;
        Ok(())
    }

    /// The directory, the heads, and what every organization is furnished with.
    fn organizations(self) -> Vec<String> {
        let Self { engine, .. } = self;
        let series = engine.series("o", self.organizations);
        let organization = engine.id(Noun::Organization, "o.n");
        let group = engine.id(
            Noun::Group,
            &format!("o.n * {IDS_PER_ORGANIZATION} + built.place"),
        );
        let built = "(SELECT id, name, name_key, row_number() OVER (ORDER BY name_key) AS place \
                     FROM groups WHERE built_in AND organization_id = \
                     (SELECT default_organization_id FROM installation)) AS built";
        let no_hash = engine.no_hash();
        vec![
            format!(
                "INSERT INTO organizations (id, slug, name, status, created_at) \
                 SELECT {organization}, 'tenant-' || o.n, 'Tenant ' || o.n, 'active', {MADE_AT} \
                 FROM {series}"
            ),
            format!(
                "INSERT INTO organization_heads \
                 (organization_id, revision, epoch, audit_hash, audit_sequence) \
                 SELECT {organization}, 1, 1, {no_hash}, 0 FROM {series}"
            ),
            format!(
                "INSERT INTO groups (organization_id, id, name, name_key, built_in, created_at) \
                 SELECT {organization}, {group}, built.name, built.name_key, true, {MADE_AT} \
                 FROM {series} CROSS JOIN {built}"
            ),
            format!(
                "INSERT INTO grants (organization_id, subject_kind, subject_id, role_id) \
                 SELECT {organization}, 'group', {group}, given.role_id \
                 FROM {series} CROSS JOIN {built} JOIN grants AS given \
                 ON given.subject_kind = 'group' AND given.subject_id = built.id \
                 AND given.organization_id = (SELECT default_organization_id FROM installation)"
            ),
        ]
    }

    /// Roles that an organization made itself, and the groups that hold them.
    fn roles_and_groups(self) -> Vec<String> {
        let Self { engine, .. } = self;
        let organizations = engine.series("o", self.organizations);
        let (roles, groups) = (engine.series("r", ROLES), engine.series("g", self.groups));
        let organization = engine.id(Noun::Organization, "o.n");
        let role = engine.id(Noun::Role, &format!("o.n * {IDS_PER_ORGANIZATION} + r.n"));
        let of_group = engine.id(
            Noun::Role,
            &format!("o.n * {IDS_PER_ORGANIZATION} + g.n % {ROLES}"),
        );
        let group = engine.id(
            Noun::Group,
            &format!("o.n * {IDS_PER_ORGANIZATION} + {OWN_GROUPS} + g.n"),
        );
        let permissions = permissions();
        vec![
            format!(
                "INSERT INTO roles (organization_id, id, product, name, name_key, description, \
                 permissions, built_in, created_at) \
                 SELECT {organization}, {role}, 'midaz', 'own-' || r.n, 'own-' || r.n, '', \
                 {permissions}, false, {MADE_AT} \
                 FROM {organizations} CROSS JOIN {roles}"
            ),
            format!(
                "INSERT INTO groups (organization_id, id, name, name_key, built_in, created_at) \
                 SELECT {organization}, {group}, 'team-' || g.n, 'team-' || g.n, false, {MADE_AT} \
                 FROM {organizations} CROSS JOIN {groups}"
            ),
            format!(
                "INSERT INTO grants (organization_id, subject_kind, subject_id, role_id) \
                 SELECT {organization}, 'group', {group}, {of_group} \
                 FROM {organizations} CROSS JOIN {groups}"
            ),
        ]
    }

    /// Users and their memberships; each tenth holds a role directly, too.
    fn people(self) -> Vec<String> {
        let Self { engine, .. } = self;
        let users = engine.series("u", self.users);
        let steps = engine.series("s", self.groups_per_user);
        let place = format!("(u.n * {} / {})", self.organizations, self.users.max(1));
        let organization = engine.id(Noun::Organization, &place);
        let user = engine.id(Noun::User, "u.n");
        let group = engine.id(
            Noun::Group,
            &format!(
                "{place} * {IDS_PER_ORGANIZATION} + {OWN_GROUPS} \
                 + (u.n + s.n * {GROUP_STEP}) % {}",
                self.groups
            ),
        );
        let role = engine.id(
            Noun::Role,
            &format!("{place} * {IDS_PER_ORGANIZATION} + u.n / 10 % {ROLES}"),
        );
        vec![
            format!(
                "INSERT INTO users (organization_id, id, username, username_key, email_verified, \
                 first_name, last_name, password_hash, password_work, status, created_at, \
                 updated_at) \
                 SELECT {organization}, {user}, 'user-' || u.n, 'user-' || u.n, false, \
                 'Generated', 'User', '{PASSWORD}', '{WORK}', 'active', {MADE_AT}, {MADE_AT} \
                 FROM {users}"
            ),
            format!(
                "INSERT INTO user_members (organization_id, group_id, user_id) \
                 SELECT {organization}, {group}, {user} FROM {steps} CROSS JOIN {users}"
            ),
            format!(
                "INSERT INTO grants (organization_id, subject_kind, subject_id, role_id) \
                 SELECT {organization}, 'user', {user}, {role} FROM {users} WHERE u.n % 10 = 0"
            ),
        ]
    }
}

/// What role `r.n` allows and denies, as JSON.
fn permissions() -> String {
    let line = |resource, action, effect| {
        format!(r#"{{"resource":"{resource}","action":"{action}","effect":"{effect}"}}"#)
    };
    let all = line("accounts", "get", "allow");
    let most = line("ledgers", "post", "allow");
    let wide = line("accounts", "*", "allow");
    let deny = line("accounts", "delete", "deny");
    format!(
        "CASE WHEN r.n = 9 THEN '[{all},{deny}]' WHEN r.n = 1 THEN '[{all},{wide}]' \
         WHEN r.n % 2 = 0 THEN '[{all},{most}]' ELSE '[{all}]' END"
    )
}

impl Engine {
    /// Live sessions of the users that were made before.
    async fn sessions(self, database: &DatabaseConnection, count: u64) -> Result<(), DbErr> {
        for sql in self.settings() {
            database.execute_unprepared(sql).await?;
        }
        let sessions = self.series("s", count);
        let session = self.id(Noun::Session, "s.n");
        let sql = format!(
            "INSERT INTO sessions (organization_id, id, user_id, created_at, expires_at, scope, \
             generation, last_seen_at, signed_in_at, address, agent, methods) \
             SELECT u.organization_id, {session}, u.id, {MADE_AT}, {MADE_AT} + {SESSION_LIFE}, \
             'openid', 0, {MADE_AT}, {MADE_AT}, '192.0.2.1', 'generated', 'pwd' FROM {sessions} \
             JOIN (SELECT id, organization_id, row_number() OVER (ORDER BY id) - 1 AS place, \
             count(*) OVER () AS many FROM users WHERE username LIKE 'user-%') AS u \
             ON u.place = s.n % u.many"
        );
        database.execute_unprepared(&sql).await?;
        database.execute_unprepared("ANALYZE").await?;
        Ok(())
    }

    /// What makes it fast: nobody misses a half-filled database. References are not checked.
    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Embedded => &[
                "PRAGMA journal_mode = OFF",
                "PRAGMA synchronous = OFF",
                "PRAGMA foreign_keys = OFF",
                "PRAGMA cache_size = -262144",
            ],
            Self::Server => &[
                "SET session_replication_role = replica",
                "SET maintenance_work_mem = '256MB'",
            ],
        }
    }

    /// The indexes of the big tables, with what makes them again.
    async fn indexes(self, database: &DatabaseConnection) -> Result<Vec<(String, String)>, DbErr> {
        let (backend, sql) = match self {
            Self::Embedded => (
                DbBackend::Sqlite,
                "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL \
                 AND tbl_name IN ('users', 'user_members')",
            ),
            Self::Server => (
                DbBackend::Postgres,
                "SELECT indexname::text AS name, indexdef AS sql FROM pg_indexes \
                 WHERE tablename IN ('users', 'user_members') AND indexname NOT IN \
                 (SELECT conname FROM pg_constraint)",
            ),
        };
        let rows = database
            .query_all_raw(Statement::from_string(backend, sql))
            .await?;
        rows.iter()
            .map(|row| Ok((row.try_get("", "name")?, row.try_get("", "sql")?)))
            .collect()
    }

    /// The numbers `NAME.n`, from 0.
    fn series(self, name: &str, count: u64) -> String {
        match self {
            Self::Embedded => format!(
                "(WITH RECURSIVE numbers (n) AS (SELECT 0 WHERE {count} > 0 UNION ALL \
                 SELECT n + 1 FROM numbers WHERE n + 1 < {count}) SELECT n FROM numbers) AS {name}"
            ),
            Self::Server => {
                format!("(SELECT generate_series(0::bigint, {count}::bigint - 1) AS n) AS {name}")
            }
        }
    }

    /// The id of a number, in the form of a UUID of version 7.
    fn id(self, noun: Noun, number: &str) -> String {
        let noun = match noun {
            Noun::Organization => '1',
            Noun::User => '2',
            Noun::Group => '3',
            Noun::Role => '4',
            Noun::Session => '5',
        };
        let begin = format!("0190d1a0000{noun}70008000");
        match self {
            Self::Embedded => format!("unhex(printf('{begin}%012x', {number}))"),
            Self::Server => format!("('{begin}' || lpad(to_hex({number}), 12, '0'))::uuid"),
        }
    }

    /// The hash before the first audit record.
    fn no_hash(self) -> &'static str {
        match self {
            Self::Embedded => "zeroblob(32)",
            Self::Server => "decode(repeat('00', 32), 'hex')",
        }
    }
}
