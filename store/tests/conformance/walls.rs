//! What holds beside our own conditions: row-level security, rights, locks, outages.

use std::os::unix::fs::PermissionsExt;

use gatepost_store::{Store, StoreConfig, StoreError};
use sea_orm::{ConnectionTrait, Database, DatabaseTransaction, Statement, TransactionTrait};

use crate::servers::postgres::Postgres;
use crate::world::{World, draft, now, user};

/// A transaction of the serving role, as a scope begins it, for statements without any condition.
async fn serving(world: &World, setting: &str, value: &str) -> DatabaseTransaction {
    let url = &world.database.as_ref().unwrap().server_url;
    let tx = Database::connect(url).await.unwrap().begin().await.unwrap();
    let sql = "SELECT set_config($1, $2, true)";
    let values = [setting.into(), value.into()];
    tx.query_one_raw(Statement::from_sql_and_values(
        sea_orm::DbBackend::Postgres,
        sql,
        values,
    ))
    .await
    .unwrap();
    tx
}

async fn count(tx: &DatabaseTransaction, table: &str) -> i64 {
    let sql = format!("SELECT count(*) AS n FROM {table}");
    let row = tx
        .query_one_raw(Statement::from_string(sea_orm::DbBackend::Postgres, sql))
        .await;
    row.unwrap().unwrap().try_get("", "n").unwrap()
}

async fn world_with_two_people() -> World {
    let world = World::postgres().await;
    let ann = world.add_user("Ann").await;
    world.add_session(ann.id).await;
    let tx = world.store.write(world.globex).await.unwrap();
    tx.users().insert(&user("Bob")).await.unwrap();
    tx.commit(draft("user.create")).await.unwrap();
    world
}

#[tokio::test]
async fn row_level_security_is_the_second_wall() {
    let world = world_with_two_people().await;
    for (organization, users, sessions) in [(world.acme, 1, 1), (world.globex, 1, 0)] {
        let tx = serving(&world, "gatepost.organization", &organization.to_string()).await;
        assert_eq!(count(&tx, "users").await, users);
        assert_eq!(count(&tx, "sessions").await, sessions);
        assert_eq!(count(&tx, "organizations").await, 1);
        assert_eq!(count(&tx, "organization_heads").await, 1);
        assert_eq!(count(&tx, "sign_in_failures").await, 0);
        assert_eq!(count(&tx, "signing_keys").await, 0);
        let done = tx
            .execute_unprepared("UPDATE users SET last_name = 'x'")
            .await
            .unwrap();
        assert_eq!(done.rows_affected(), 1, "its own only");
        let sql = format!(
            "INSERT INTO user_members SELECT '{}', id, id FROM groups LIMIT 0",
            world.globex
        );
        tx.execute_unprepared(&sql).await.unwrap();
    }
    for nobody in ["", "00000000-0000-0000-0000-000000000000"] {
        let tx = serving(&world, "gatepost.organization", nobody).await;
        for table in [
            "users",
            "organizations",
            "organization_heads",
            "audit_events",
            "changes",
        ] {
            assert_eq!(count(&tx, table).await, 0, "{table}");
        }
    }
}

#[tokio::test]
async fn a_row_cannot_be_put_into_another_organization() {
    let world = world_with_two_people().await;
    let tx = serving(&world, "gatepost.organization", &world.acme.to_string()).await;
    let sql = format!("UPDATE users SET organization_id = '{}'", world.globex);
    let refused = tx.execute_unprepared(&sql).await.unwrap_err().to_string();
    assert!(refused.contains("row-level security"), "{refused}");
}

#[tokio::test]
async fn what_everybody_sees_cannot_be_written_by_a_tenant() {
    let world = world_with_two_people().await;
    for sql in [
        "INSERT INTO roles (organization_id, id, product, name, name_key, description, \
         permissions, built_in, created_at) \
         VALUES ('{acme}', '{acme}', 'midaz', 'r', 'r', '', '[]', true, 0)",
        "INSERT INTO manifests (slug, organization_id, hash, version, document, product, \
         published_at) VALUES ('evil', '{acme}', '', '', '{}', '{}', 0)",
        "INSERT INTO signing_keys (kid, organization_id, algorithm, jwk, sealed_private, \
         created_at) VALUES ('evil', '{acme}', 'RS256', '{}', '', 0)",
    ] {
        let sql = sql.replace("{acme}", &world.acme.to_string());
        let tx = serving(&world, "gatepost.organization", &world.acme.to_string()).await;
        let refused = tx.execute_unprepared(&sql).await.unwrap_err().to_string();
        assert!(refused.contains("row-level security"), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn the_sign_in_door_is_for_looking() {
    let world = world_with_two_people().await;
    let tx = serving(&world, "gatepost.scope", "sign_in").await;
    assert_eq!(count(&tx, "users").await, 2);
    assert_eq!(count(&tx, "organizations").await, 3);
    for table in [
        "audit_events",
        "changes",
        "sessions",
        "roles",
        "grants",
        "signing_keys",
    ] {
        assert_eq!(count(&tx, table).await, 0, "{table}");
    }
    for sql in [
        "UPDATE users SET last_name = 'x'",
        "DELETE FROM credentials",
    ] {
        assert_eq!(
            tx.execute_unprepared(sql).await.unwrap().rows_affected(),
            0,
            "{sql}"
        );
    }
    let sql = "INSERT INTO users SELECT organization_id, gen_random_uuid(), username, 'new', \
               NULL, NULL, false, '', '', '', 'active', 0, 0 FROM users";
    let refused = tx.execute_unprepared(sql).await.unwrap_err().to_string();
    assert!(refused.contains("row-level security"), "{refused}");
}

#[tokio::test]
async fn the_logs_cannot_be_changed_by_who_serves() {
    let world = world_with_two_people().await;
    for sql in [
        "UPDATE audit_events SET actor_name = 'x'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "UPDATE changes SET after = NULL",
        "DELETE FROM changes",
        "UPDATE installation SET public_url = 'x'",
        "UPDATE schema_version SET version = 0",
        "ALTER TABLE users DISABLE ROW LEVEL SECURITY",
    ] {
        let tx = serving(&world, "gatepost.organization", &world.acme.to_string()).await;
        let refused = tx.execute_unprepared(sql).await.unwrap_err().to_string();
        let expected = ["permission denied", "must be owner"];
        assert!(
            expected.iter().any(|words| refused.contains(words)),
            "{sql}: {refused}"
        );
    }
}

#[tokio::test]
async fn one_role_for_both_is_bound_too() {
    let world = World::postgres().await;
    let beside = world.beside().await;
    let mut config = beside.config.clone();
    config.url.clone_from(&config.migration_url);
    config.migration_url = None;
    let store = Store::open(config).await.unwrap();
    store.migrate(now()).await.unwrap();
    let tx = Database::connect(&beside.owner_url)
        .await
        .unwrap()
        .begin()
        .await
        .unwrap();
    let sql = "INSERT INTO audit_events SELECT * FROM audit_events";
    assert_eq!(tx.execute_unprepared(sql).await.unwrap().rows_affected(), 0);
    assert_eq!(count(&tx, "organizations").await, 0);
}

#[tokio::test]
async fn a_role_that_no_wall_binds_is_refused() {
    let world = World::postgres().await;
    let mut config = world.config.clone();
    config.url = Some(world.database.as_ref().unwrap().superuser_url.clone());
    let refused = Store::open(config).await.unwrap_err();
    assert!(
        matches!(&refused, StoreError::Role { role, .. } if role == "postgres"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_told_and_passes() {
    let server = tokio::task::spawn_blocking(Postgres::start).await.unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let database = server.database();
    let config = StoreConfig {
        url: Some(database.server_url),
        migration_url: Some(database.owner_url),
        wait_max: std::time::Duration::from_secs(1),
        ..StoreConfig::new(folder.path())
    };
    let store = Store::open(config).await.unwrap();
    store.migrate(now()).await.unwrap();
    // Some idle connections that will break.
    let (one, other) = tokio::join!(store.installation(), store.failures().reset(b"k"));
    one.unwrap();
    other.unwrap();
    server.stop();
    for refused in [
        store.ready().await.unwrap_err(),
        store.installation().await.unwrap_err(),
        store.feed().heads(&[]).await.unwrap_err(),
        store.failures().reset(b"k").await.unwrap_err(),
    ] {
        assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    }
    server.restart();
    store.installation().await.unwrap();
    store.failures().reset(b"k").await.unwrap();
    // Now with connections that broke while they were idle.
    server.stop();
    server.restart();
    store.installation().await.unwrap();
    store.failures().reset(b"k").await.unwrap();
}

#[tokio::test]
async fn a_second_server_is_kept_off_the_folder() {
    let world = World::sqlite().await;
    assert!(world.store.embedded());
    let lock = world.store.lock_for_serving().unwrap();
    let second = world.replica().await;
    let refused = second.lock_for_serving().unwrap_err();
    assert!(matches!(refused, StoreError::Locked));
    // A command beside the server works all the same.
    let tx = second.write(world.acme).await.unwrap();
    tx.users().insert(&user("Ann")).await.unwrap();
    tx.commit(draft("user.create")).await.unwrap();
    drop(lock);
    second.lock_for_serving().unwrap();
}

#[tokio::test]
async fn the_file_is_its_owners_alone() {
    let world = World::sqlite().await;
    world.add_user("Ann").await;
    for name in ["gatepost.db", "gatepost.db-wal", "gatepost.db-shm"] {
        let path = world.folder.path().join(name);
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_strange_address_is_refused_without_repeating_it() {
    let mut config = StoreConfig::new(std::env::temp_dir());
    config.url = Some("mysql://root:geheim@host/db".into());
    let refused = Store::open(config).await.unwrap_err().to_string();
    assert!(!refused.contains("geheim"), "{refused}");
}
