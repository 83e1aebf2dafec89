//! What belongs to the installation: manifests, their roles, signing keys.

use gatepost_core::signing::Stage;
use gatepost_core::{Algorithm, Change, Fact, GrantSubject, Route};
use gatepost_store::{Grant, Manifest, Role, RoleFilter, SigningKey, StoreError, Walk};
use sea_orm::ConnectionTrait;
use time::Duration;

use crate::world::{World, draft, id, now, role};

pub fn manifest() -> Manifest {
    Manifest {
        slug: "midaz".into(),
        hash: "abc".into(),
        version: "1".into(),
        document: r#"{"service":"midaz"}"#.into(),
        aliases: vec!["old-midaz".into()],
        declared: vec![("ledgers".into(), "get".into())],
        everyone: vec!["midaz-viewer".into()],
        routes: vec![route()],
        demands: Vec::new(),
        published_at: now(),
    }
}

fn route() -> Route {
    Route {
        methods: vec!["GET".into()],
        path: "/v1/ledgers/{ledger_id}".into(),
        resource: "ledgers".into(),
        action: "get".into(),
    }
}

fn of_manifest(name: &str) -> Role {
    Role {
        built_in: true,
        ..role(name)
    }
}

pub async fn manifests_keep_role_ids(world: World) {
    let (viewer, editor) = (of_manifest("midaz-viewer"), of_manifest("midaz-editor"));
    let tx = world.store.write(world.system).await.unwrap();
    let given = [viewer.clone(), editor.clone()];
    let published = tx.manifests().publish(&manifest(), &given).await.unwrap();
    assert_eq!(published.roles, vec![viewer.clone(), editor.clone()]);
    let product = Fact::Product {
        demands: Vec::new(),
        slug: "midaz".into(),
        aliases: vec!["old-midaz".into()],
        declared: vec![("ledgers".into(), "get".into())],
        everyone: vec![viewer.id],
        routes: vec![route()],
    };
    assert_eq!(tx.changes().last(), Some(&Change::created(product)));
    let first = tx.commit(draft("manifest.publish")).await.unwrap();

    // The same again, with other ids for the same names: nothing to do.
    let again = [of_manifest("midaz-viewer"), of_manifest("midaz-editor")];
    let tx = world.store.write(world.system).await.unwrap();
    let later = Manifest {
        published_at: now() + Duration::HOUR,
        ..manifest()
    };
    let published = tx.manifests().publish(&later, &again).await.unwrap();
    assert_eq!(published.roles, vec![viewer.clone(), editor.clone()]);
    assert_eq!(tx.commit(draft("manifest.publish")).await.unwrap(), first);

    // A role less, one more.
    let admin = of_manifest("midaz-admin");
    let tx = world.store.write(world.system).await.unwrap();
    let next = Manifest {
        version: "2".into(),
        hash: "def".into(),
        ..manifest()
    };
    let given = [of_manifest("midaz-viewer"), admin.clone()];
    let published = tx.manifests().publish(&next, &given).await.unwrap();
    assert_eq!(published.roles, vec![viewer, admin]);
    assert_eq!(published.removed, vec![editor.id]);
    assert_eq!(
        tx.manifests().get("midaz").await.unwrap(),
        Some(next.clone())
    );
    assert_eq!(tx.manifests().list().await.unwrap(), vec![next.clone()]);
    let nobody = Manifest {
        everyone: vec!["nobody".into()],
        ..next
    };
    let refused = tx.manifests().publish(&nobody, &given).await.unwrap_err();
    assert!(matches!(refused, StoreError::NotFound { noun: "role" }));
}

pub async fn every_organization_sees_manifest_roles(world: World) {
    let viewer = of_manifest("midaz-viewer");
    let tx = world.store.write(world.system).await.unwrap();
    let own = role("system-only");
    tx.roles().insert(&own).await.unwrap();
    tx.manifests()
        .publish(&manifest(), std::slice::from_ref(&viewer))
        .await
        .unwrap();
    tx.commit(draft("manifest.publish")).await.unwrap();

    let user = world.add_user("Ann").await;
    let tx = world.store.write(world.acme).await.unwrap();
    assert_eq!(tx.manifests().get("midaz").await.unwrap(), Some(manifest()));
    assert_eq!(
        tx.roles().by_name("midaz-viewer").await.unwrap().as_ref(),
        Some(&viewer)
    );
    assert_eq!(
        tx.roles().get(own.id).await.unwrap(),
        None,
        "that one is the system's alone"
    );
    let walk = Walk::Page { page: 1, limit: 10 };
    let seen = tx.roles().list(&RoleFilter::default(), walk).await.unwrap();
    assert_eq!(seen.items, vec![viewer.clone()]);
    assert!(
        tx.grants()
            .give(&Grant::plain(GrantSubject::User(user.id), viewer.id))
            .await
            .unwrap()
    );
    let held = tx
        .grants()
        .of(GrantSubject::User(user.id), 0)
        .await
        .unwrap();
    assert_eq!(held, vec![viewer.clone()]);
    for refused in [
        tx.roles().update(&viewer).await.unwrap_err(),
        tx.roles().delete(viewer.id).await.unwrap_err(),
        tx.manifests()
            .publish(&manifest(), &[])
            .await
            .map(drop)
            .unwrap_err(),
    ] {
        assert!(matches!(refused, StoreError::Outside { .. }), "{refused}");
    }
    let refused = tx.roles().insert(&role("midaz-viewer")).await.unwrap_err();
    assert!(matches!(
        refused,
        StoreError::Conflict {
            noun: "role",
            field: "name"
        }
    ));
}

pub async fn keys_belong_to_the_system(world: World) {
    let key = SigningKey {
        kid: "key-1".into(),
        algorithm: Algorithm::EdDSA,
        jwk: r#"{"kty":"OKP"}"#.into(),
        sealed_private: vec![0, 1, 2],
        created_at: now(),
        signs_from: None,
        retired_at: None,
    };
    let tx = world.store.write(world.system).await.unwrap();
    tx.keys().insert(&key).await.unwrap();
    tx.commit(draft("key.create")).await.unwrap();
    let tx = world.store.write(world.system).await.unwrap();
    tx.keys().retire("key-1", now()).await.unwrap();
    let signs = |signs| Fact::SigningKey {
        kid: "key-1".into(),
        algorithm: Algorithm::EdDSA,
        jwk: r#"{"kty":"OKP"}"#.into(),
        signs,
    };
    assert_eq!(
        tx.changes(),
        vec![Change::updated(signs(true), signs(false))]
    );
    let retired = SigningKey {
        retired_at: Some(now()),
        ..key.clone()
    };
    assert_eq!(tx.keys().list().await.unwrap(), vec![retired.clone()]);
    let next = SigningKey {
        kid: id::<uuid::Uuid>().to_string(),
        signs_from: Some(now() + Duration::minutes(5)),
        ..key.clone()
    };
    tx.keys().insert(&next).await.unwrap();
    assert_eq!(tx.keys().get(&next.kid).await.unwrap(), Some(next));
    tx.commit(draft("key.rotate")).await.unwrap();

    let tx = world.store.write(world.acme).await.unwrap();
    assert_eq!(tx.keys().list().await.unwrap(), vec![]);
    assert_eq!(tx.keys().get("key-1").await.unwrap(), None);
    let refused = tx.keys().insert(&key).await.unwrap_err();
    assert!(matches!(refused, StoreError::Outside { .. }));
    drop(tx);
    let tx = world.store.write(world.system).await.unwrap();
    tx.keys().delete("key-1").await.unwrap();
    assert_eq!(tx.changes(), vec![Change::removed(signs(false))]);
    assert_eq!(tx.keys().list().await.unwrap().len(), 1);
}

pub async fn keys_from_before_turns_sign(world: World) {
    let key = SigningKey {
        kid: "key-1".into(),
        algorithm: Algorithm::ES256,
        jwk: "{}".into(),
        sealed_private: vec![0],
        created_at: now(),
        signs_from: None,
        retired_at: None,
    };
    let tx = world.store.write(world.system).await.unwrap();
    tx.keys().insert(&key).await.unwrap();
    tx.commit(draft("key.create")).await.unwrap();
    let behind = world.behind().await;
    let steps = [
        "ALTER TABLE signing_keys DROP COLUMN signs_from",
        "UPDATE schema_version SET version = 3",
    ];
    for step in crate::passwords::UNDO.into_iter().chain(steps) {
        behind.execute_unprepared(step).await.unwrap();
    }
    assert!(world.store.check_schema().await.is_err());
    world.store.migrate(now()).await.unwrap();
    let replica = world.replica().await;
    let tx = replica.read(world.system).await.unwrap();
    assert_eq!(tx.keys().list().await.unwrap(), vec![key.clone()]);
    let before = (now() - Duration::DAY).unix_timestamp();
    assert_eq!(key.turn().stage(before), Stage::Signing);
}
