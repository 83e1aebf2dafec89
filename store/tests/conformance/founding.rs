//! Migrating, and the first start.

use gatepost_store::StoreError;
use sea_orm::ConnectionTrait;

use crate::world::{World, draft, id, organization, user};

pub async fn replicas_found_once(world: World) {
    let world = world.beside().await;
    let replica = world.replica().await;
    let system = organization("system", world.now);
    let mut installation = world.installation();
    installation.system_organization = system.id;
    let start = async |store: gatepost_store::Store| {
        let Some(tx) = store.found(&installation, &system).await.unwrap() else {
            return 0;
        };
        // Long enough that the other one comes meanwhile.
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        tx.users().insert(&user("admin")).await.unwrap();
        tx.commit(draft("found")).await.unwrap();
        1
    };
    let (one, other) = tokio::join!(start(world.store.clone()), start(replica));
    assert_eq!(one + other, 1);
    assert_eq!(
        world.store.installation().await.unwrap(),
        Some(installation.clone())
    );
    assert!(
        world
            .store
            .found(&installation, &system)
            .await
            .unwrap()
            .is_none()
    );
    let tx = world.store.read(system.id).await.unwrap();
    assert!(tx.is_system());
    assert!(tx.users().by_username("admin").await.unwrap().is_some());
}

pub async fn founding_is_all_or_nothing(world: World) {
    let world = world.beside().await;
    let system = organization("system", world.now);
    let mut installation = world.installation();
    installation.system_organization = system.id;
    let tx = world
        .store
        .found(&installation, &system)
        .await
        .unwrap()
        .unwrap();
    drop(tx);
    assert_eq!(world.store.installation().await.unwrap(), None);
    let nobody = world.store.read(system.id).await.unwrap_err();
    assert!(matches!(
        nobody,
        StoreError::NotFound {
            noun: "organization"
        }
    ));

    installation.system_organization = id();
    let other = world.store.found(&installation, &system).await.unwrap_err();
    assert!(matches!(other, StoreError::Outside { .. }));
}

pub async fn a_newer_schema_is_refused(world: World) {
    let behind = world.behind().await;
    behind
        .execute_unprepared("UPDATE schema_version SET version = 99")
        .await
        .unwrap();
    let refused = world.store.migrate(world.now).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::SchemaTooNew { database: 99, .. }),
        "{refused}"
    );
    let refused = world.store.check_schema().await.unwrap_err();
    assert!(
        matches!(refused, StoreError::SchemaTooNew { database: 99, .. }),
        "{refused}"
    );
}

pub async fn migrating_again_changes_nothing(world: World) {
    let user = world.add_user("Ann").await;
    let replica = world.replica().await;
    let (one, other) = tokio::join!(world.store.migrate(world.now), replica.migrate(world.now));
    one.unwrap();
    other.unwrap();
    world.store.check_schema().await.unwrap();
    world.store.ready().await.unwrap();
    let tx = replica.read(world.acme).await.unwrap();
    assert_eq!(tx.users().get(user.id).await.unwrap(), Some(user));
}

pub async fn an_unmigrated_database_is_told_apart(world: World) {
    let empty = world.empty_beside().await;
    let refused = empty.store.check_schema().await.unwrap_err();
    assert!(
        matches!(refused, StoreError::SchemaTooOld { database: 0, .. }),
        "{refused}"
    );
}

pub async fn replicas_migrate_once(world: World) {
    let empty = world.empty_beside().await;
    let replica = empty.replica().await;
    let (one, other) = tokio::join!(empty.store.migrate(world.now), replica.migrate(world.now));
    one.unwrap();
    other.unwrap();
    empty.store.check_schema().await.unwrap();
}

pub async fn who_only_serves_need_not_migrate(world: World) {
    let mut config = world.config.clone();
    config.migration_url = None;
    let store = gatepost_store::Store::open(config).await.unwrap();
    store.migrate(world.now).await.unwrap();
}
