//! Groups, roles and grants.

use gatepost_core::{Change, Fact, GrantSubject, Member};
use gatepost_store::{Grant, Group, GroupFilter, Role, RoleFilter, StoreError, Walk};

use crate::world::{World, draft, group, id, role};

pub async fn members_come_and_go(world: World) {
    let user = world.add_user("Ann").await;
    let staff = world.add_group("Staff").await;
    let team = world.add_group("Team").await;
    let tx = world.store.write(world.acme).await.unwrap();
    assert!(
        tx.groups()
            .add_member(staff, Member::User(user.id))
            .await
            .unwrap()
    );
    assert!(
        !tx.groups()
            .add_member(staff, Member::User(user.id))
            .await
            .unwrap()
    );
    assert!(
        tx.groups()
            .add_member(staff, Member::Group(team))
            .await
            .unwrap()
    );
    let members = vec![Member::User(user.id), Member::Group(team)];
    assert_eq!(tx.groups().members(staff).await.unwrap(), members);
    assert_eq!(tx.groups().edges().await.unwrap(), vec![(staff, team)]);
    let of_user = tx.groups().of_user(user.id).await.unwrap();
    assert_eq!(
        of_user.iter().map(|group| group.id).collect::<Vec<_>>(),
        vec![staff]
    );
    for (group, member, noun) in [
        (id(), Member::User(user.id), "group"),
        (staff, Member::User(id()), "user"),
        (staff, Member::Group(id()), "group"),
    ] {
        let refused = tx.groups().add_member(group, member).await.unwrap_err();
        let StoreError::NotFound { noun: found } = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(found, noun);
    }
    assert!(
        tx.groups()
            .remove_member(staff, Member::User(user.id))
            .await
            .unwrap()
    );
    assert!(
        !tx.groups()
            .remove_member(staff, Member::User(user.id))
            .await
            .unwrap()
    );
    let edge = |member| Fact::Member {
        group: staff,
        member,
    };
    let expected = vec![
        Change::created(edge(Member::User(user.id))),
        Change::created(edge(Member::Group(team))),
        Change::removed(edge(Member::User(user.id))),
    ];
    assert_eq!(tx.changes(), expected);
    tx.commit(draft("group.members")).await.unwrap();
}

pub async fn deleting_a_group_leaves_no_edge(world: World) {
    let user = world.add_user("Ann").await;
    let (above, middle, below) = (
        world.add_group("above").await,
        world.add_group("middle").await,
        world.add_group("below").await,
    );
    let role = world.add_role("reader").await;
    let tx = world.store.write(world.acme).await.unwrap();
    tx.groups()
        .add_member(above, Member::Group(middle))
        .await
        .unwrap();
    tx.groups()
        .add_member(middle, Member::Group(below))
        .await
        .unwrap();
    tx.groups()
        .add_member(middle, Member::User(user.id))
        .await
        .unwrap();
    tx.grants()
        .give(&Grant::plain(GrantSubject::Group(middle), role))
        .await
        .unwrap();
    tx.commit(draft("prepare")).await.unwrap();
    let tx = world.store.write(world.acme).await.unwrap();
    tx.groups().delete(middle).await.unwrap();
    assert_eq!(tx.changes().len(), 5);
    assert_eq!(tx.groups().edges().await.unwrap(), vec![]);
    assert_eq!(tx.grants().of_role(role).await.unwrap(), vec![]);
    let again = tx.groups().delete(middle).await.unwrap_err();
    assert!(matches!(again, StoreError::NotFound { noun: "group" }));
    let twin = Group {
        id: id(),
        ..group("above")
    };
    let refused = tx.groups().insert(&twin).await.unwrap_err();
    assert!(matches!(
        refused,
        StoreError::Conflict {
            noun: "group",
            field: "name"
        }
    ));
}

pub async fn grants_need_both_ends(world: World) {
    let user = world.add_user("Ann").await;
    let role = world.add_role("reader").await;
    let who = GrantSubject::User(user.id);
    let tx = world.store.write(world.acme).await.unwrap();
    let plain = Grant::plain(who, role);
    assert!(tx.grants().give(&plain).await.unwrap());
    assert!(!tx.grants().give(&plain).await.unwrap());
    let roles = tx.grants().of(who, 0).await.unwrap();
    assert_eq!(
        roles.iter().map(|role| role.id).collect::<Vec<_>>(),
        vec![role]
    );
    assert_eq!(tx.grants().of_role(role).await.unwrap(), vec![plain]);
    for (who, role, noun) in [
        (who, id(), "role"),
        (GrantSubject::User(id()), role, "user"),
        (GrantSubject::Group(id()), role, "group"),
        (GrantSubject::Application(id()), role, "application"),
    ] {
        let grant = Grant::plain(who, role);
        let refused = tx.grants().give(&grant).await.unwrap_err();
        let StoreError::NotFound { noun: found } = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(found, noun);
    }
    assert!(tx.grants().take(who, role).await.unwrap());
    assert!(!tx.grants().take(who, role).await.unwrap());
    tx.commit(draft("grant")).await.unwrap();
    // A role of another organization is none here.
    let tx = world.store.write(world.globex).await.unwrap();
    let stranger = crate::world::user("Bob");
    tx.users().insert(&stranger).await.unwrap();
    let refused = tx
        .grants()
        .give(&Grant::plain(GrantSubject::User(stranger.id), role))
        .await
        .unwrap_err();
    assert!(matches!(refused, StoreError::NotFound { noun: "role" }));
}

pub async fn roles_of_an_organization_are_its_own(world: World) {
    let tx = world.store.write(world.acme).await.unwrap();
    let reader = role("Reader");
    tx.roles().insert(&reader).await.unwrap();
    assert_eq!(
        tx.roles().get(reader.id).await.unwrap().as_ref(),
        Some(&reader)
    );
    assert_eq!(
        tx.roles().by_name("reader").await.unwrap().as_ref(),
        Some(&reader)
    );
    let refused = tx.roles().insert(&role("reader")).await.unwrap_err();
    assert!(matches!(
        refused,
        StoreError::Conflict {
            noun: "role",
            field: "name"
        }
    ));
    let built_in = Role {
        built_in: true,
        ..role("other")
    };
    let refused = tx.roles().insert(&built_in).await.unwrap_err();
    assert!(matches!(refused, StoreError::Outside { noun: "role" }));
    let writer = Role {
        name: "Writer".into(),
        name_key: "writer".into(),
        ..reader.clone()
    };
    tx.roles().update(&writer).await.unwrap();
    tx.commit(draft("role")).await.unwrap();

    let tx = world.store.write(world.globex).await.unwrap();
    assert_eq!(tx.roles().get(reader.id).await.unwrap(), None);
    let refused = tx.roles().delete(reader.id).await.unwrap_err();
    assert!(matches!(refused, StoreError::NotFound { noun: "role" }));
    tx.rollback().await.unwrap();

    let tx = world.store.write(world.acme).await.unwrap();
    let walk = Walk::Page { page: 1, limit: 10 };
    let own = RoleFilter {
        product: Some("midaz".into()),
        built_in: Some(false),
    };
    assert_eq!(
        tx.roles().list(&own, walk).await.unwrap().items,
        vec![writer.clone()]
    );
    let groups = GroupFilter {
        built_in: Some(true),
    };
    assert_eq!(tx.groups().list(&groups, walk).await.unwrap().items, vec![]);
    tx.roles().delete(writer.id).await.unwrap();
    assert_eq!(tx.roles().list(&own, walk).await.unwrap().items, vec![]);
}
