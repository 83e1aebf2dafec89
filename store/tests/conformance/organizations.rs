//! The directory of organizations.

use gatepost_core::{Fact, Status};
use gatepost_store::{Organization, StoreError, Walk};
use time::Duration;

use crate::world::{World, draft, group, now, organization, user};

pub async fn the_directory_and_the_organization_agree(world: World) {
    let tx = world.store.write(world.system).await.unwrap();
    let acme = tx.organizations().get(world.acme).await.unwrap().unwrap();
    let suspended = Organization {
        status: Status::Suspended,
        ..acme.clone()
    };
    tx.organizations().update(&suspended).await.unwrap();
    tx.organizations().update(&suspended).await.unwrap();
    assert_eq!(tx.commit(draft("organization.update")).await.unwrap(), 2);

    let fact = Fact::Organization {
        id: acme.id,
        slug: "acme".into(),
        name: "The acme".into(),
        status: Status::Suspended,
    };
    for organization in [world.system, world.acme] {
        let facts = world.facts(organization).await;
        assert_eq!(facts.revision, 2);
        assert!(facts.parts.contains(&fact), "{facts:?}");
        let changes = world
            .store
            .feed()
            .changes(organization, 1, 2)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(changes.len(), 1);
        let tx = world.store.read(organization).await.unwrap();
        let log = tx.audit().chain(0, 10).await.unwrap();
        assert_eq!(log.last().unwrap().action, "organization.update");
    }
    let tx = world.store.read(world.acme).await.unwrap();
    assert_eq!(tx.organizations().own().await.unwrap(), suspended);
}

pub async fn an_organization_and_its_owner_are_one(world: World) {
    let initech = organization("initech", now() + Duration::MINUTE);
    let owner = user("Bill");
    let create = async || {
        let mut tx = world.store.write(world.system).await.unwrap();
        tx.organizations().insert(&initech).await.unwrap();
        tx.continue_in(initech.id, draft("organization.create"))
            .await
            .unwrap();
        assert_eq!(tx.left(), [(world.system, 2)]);
        assert_eq!(tx.revision(), 1);
        assert!(!tx.is_system());
        assert_eq!(tx.organization(), initech.id);
        tx.groups().insert(&group("admin-group")).await.unwrap();
        tx.users().insert(&owner).await.unwrap();
        tx
    };
    drop(create().await);
    let tx = world.store.read(world.system).await.unwrap();
    assert_eq!(tx.revision(), 1);
    assert_eq!(tx.organizations().by_slug("initech").await.unwrap(), None);
    drop(tx);

    assert_eq!(
        create().await.commit(draft("user.create")).await.unwrap(),
        2
    );
    let tx = world.store.read(initech.id).await.unwrap();
    assert_eq!(tx.users().get(owner.id).await.unwrap(), Some(owner.clone()));
    drop(tx);
    let tx = world.store.write(world.system).await.unwrap();
    assert_eq!(tx.revision(), 2);
    let ids = tx.organizations().ids().await.unwrap();
    assert_eq!(
        ids,
        vec![world.system, world.acme, world.globex, initech.id]
    );
    let refused = tx
        .organizations()
        .insert(&organization("acme", now()))
        .await
        .unwrap_err();
    assert!(matches!(
        refused,
        StoreError::Conflict {
            noun: "organization",
            field: "slug"
        }
    ));
    drop(tx);

    // Nothing changed here and there: nothing is left, and nothing is lost.
    let mut tx = world.store.write(world.system).await.unwrap();
    tx.continue_in(initech.id, draft("nothing")).await.unwrap();
    assert_eq!(tx.left(), []);
    assert_eq!(tx.commit(draft("nothing")).await.unwrap(), 2);

    // What was sealed is committed, also when nothing follows.
    let mut tx = world.store.write(world.system).await.unwrap();
    tx.touch();
    tx.continue_in(initech.id, draft("touch")).await.unwrap();
    assert_eq!(tx.commit(draft("nothing")).await.unwrap(), 2);
    assert_eq!(world.store.read(world.system).await.unwrap().revision(), 3);
}

pub async fn only_the_system_writes_the_directory(world: World) {
    let mut tx = world.store.write(world.acme).await.unwrap();
    assert!(!tx.is_system());
    let own = tx.organizations().own().await.unwrap();
    assert_eq!(own.id, world.acme);
    assert_eq!(tx.organizations().get(world.globex).await.unwrap(), None);
    let walk = Walk::Page { page: 1, limit: 10 };
    assert_eq!(
        tx.organizations().list(walk).await.unwrap().items,
        vec![own.clone()]
    );
    for refused in [
        tx.organizations()
            .insert(&organization("new", now()))
            .await
            .unwrap_err(),
        tx.organizations().update(&own).await.unwrap_err(),
        tx.continue_in(world.globex, draft("escape"))
            .await
            .unwrap_err(),
    ] {
        assert!(
            matches!(
                refused,
                StoreError::Outside {
                    noun: "organization"
                }
            ),
            "{refused}"
        );
    }
}
