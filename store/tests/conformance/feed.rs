//! What snapshots are made of.

use std::collections::{BTreeMap, BTreeSet};

use gatepost_core::{Algorithm, Effect, Fact, FactKey, GrantSubject, Member, OrganizationId};
use gatepost_store::{Grant, Role, SigningKey, StoreError};
use sea_orm::{ConnectionTrait, Statement};
use time::{Duration, OffsetDateTime};

use crate::installation::manifest;
use crate::world::{
    World, all, application, credential, draft, group, id, limited, now, role, session, user,
};

pub async fn a_late_commit_is_not_skipped(world: World) {
    let early = world.store.write(world.acme).await.unwrap();
    early.users().insert(&user("early")).await.unwrap();
    let (store, acme) = (world.replica().await, world.acme);
    let late = tokio::spawn(async move {
        let tx = store.write(acme).await.unwrap();
        tx.users().insert(&user("late")).await.unwrap();
        tx.commit(draft("late")).await.unwrap()
    });
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    // Whoever looks now sees neither, and can go on from what it saw.
    let heads = world.store.feed().heads(&[world.acme]).await.unwrap();
    assert_eq!(heads.heads[0].revision, 1);
    assert!(!late.is_finished(), "it waits for the first");
    assert_eq!(early.commit(draft("early")).await.unwrap(), 2);
    assert_eq!(late.await.unwrap(), 3);
    let steps = world
        .store
        .feed()
        .changes(world.acme, 1, 3)
        .await
        .unwrap()
        .unwrap();
    let names: Vec<_> = steps
        .into_iter()
        .flat_map(|(_, changes)| changes)
        .map(|change| match change.after {
            Some(Fact::User { username, .. }) => username,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["early", "late"]);
}

pub async fn facts_are_the_fold_of_all_changes(world: World) {
    fill_system(&world).await;
    fill_acme(&world).await;
    for organization in [world.system, world.acme, world.globex] {
        let loaded = world.facts(organization).await;
        let folded = fold(&world, organization, loaded.revision).await;
        let facts: BTreeMap<FactKey, Fact> = loaded
            .parts
            .into_iter()
            .map(|fact| (fact.key(), fact))
            .collect();
        assert_eq!(facts, folded);
    }
    let late = world.store.feed().facts(world.acme, now() + Duration::DAY);
    let late = all(late.await.unwrap()).await;
    let ended = |fact: &Fact| matches!(fact, Fact::EndedSession { .. });
    assert!(!late.parts.iter().any(ended), "they mean nothing any more");
}

/// Groups are read in parts of eight, memberships of the embedded engine at once.
pub async fn every_part_of_the_members_is_read(world: World) {
    let tx = world.store.write(world.acme).await.unwrap();
    let (mut users, mut members) = (Vec::new(), BTreeSet::new());
    for number in 0..71 {
        let user = user(&format!("member-{number}"));
        tx.users().insert(&user).await.unwrap();
        users.push(Member::User(user.id));
    }
    for number in 0..71 {
        let group = group(&format!("group-{number}"));
        tx.groups().insert(&group).await.unwrap();
        for member in &users {
            tx.groups().add_member(group.id, *member).await.unwrap();
            members.insert((group.id, *member));
        }
    }
    tx.commit(draft("member")).await.unwrap();
    let loaded = world.facts(world.acme).await;
    let read = loaded.parts.into_iter().filter_map(|fact| {
        let Fact::Member { group, member } = fact else {
            return None;
        };
        Some((group, member))
    });
    let read: Vec<_> = read.collect();
    assert_eq!(read.len(), members.len(), "none twice");
    assert_eq!(read.into_iter().collect::<BTreeSet<_>>(), members);
}

async fn fold(world: &World, organization: OrganizationId, to: u64) -> BTreeMap<FactKey, Fact> {
    let mut facts = BTreeMap::new();
    let steps = world
        .store
        .feed()
        .changes(organization, 0, to)
        .await
        .unwrap()
        .unwrap();
    for change in steps.into_iter().flat_map(|(_, changes)| changes) {
        let key = change.key().unwrap();
        assert_eq!(facts.remove(&key), change.before, "{key}");
        if let Some(after) = change.after {
            facts.insert(key, after);
        }
    }
    facts
}

async fn fill_system(world: &World) {
    let tx = world.store.write(world.system).await.unwrap();
    let viewer = Role {
        built_in: true,
        ..role("midaz-viewer")
    };
    tx.manifests()
        .publish(&manifest(), &[viewer])
        .await
        .unwrap();
    for number in 0..2 {
        let key = SigningKey {
            kid: format!("key-{number}"),
            algorithm: Algorithm::RS256,
            jwk: "{}".into(),
            sealed_private: vec![],
            created_at: now(),
            signs_from: None,
            retired_at: None,
        };
        tx.keys().insert(&key).await.unwrap();
    }
    tx.keys().retire("key-0", now()).await.unwrap();
    tx.commit(draft("system")).await.unwrap();
    let tx = world.store.write(world.system).await.unwrap();
    let mut globex = tx.organizations().get(world.globex).await.unwrap().unwrap();
    globex.name = "Globex \"&\" Söhne \u{1}".into();
    tx.organizations().update(&globex).await.unwrap();
    tx.commit(draft("organization.update")).await.unwrap();
}

async fn fill_acme(world: &World) {
    let (ann, bob) = (world.add_user("Ann").await, world.add_user("Bob").await);
    let (staff, team) = (group("staff"), group("team"));
    let mut denier = role("denier");
    denier.permissions[0].effect = Effect::Deny;
    let machine = application("robot");
    let (first, second) = (credential(machine.id), credential(machine.id));
    let device = session(ann.id);
    let tx = world.store.write(world.acme).await.unwrap();
    tx.groups().insert(&staff).await.unwrap();
    tx.groups().insert(&team).await.unwrap();
    tx.groups()
        .add_member(staff.id, Member::User(ann.id))
        .await
        .unwrap();
    tx.groups()
        .add_member(staff.id, Member::User(bob.id))
        .await
        .unwrap();
    tx.groups()
        .add_member(staff.id, Member::Group(team.id))
        .await
        .unwrap();
    tx.roles().insert(&denier).await.unwrap();
    tx.applications().insert(&machine).await.unwrap();
    tx.applications().add_credential(&first).await.unwrap();
    tx.applications().add_credential(&second).await.unwrap();
    let viewer = tx.roles().by_name("midaz-viewer").await.unwrap().unwrap();
    for who in [
        GrantSubject::User(ann.id),
        GrantSubject::Group(staff.id),
        GrantSubject::Application(machine.id),
    ] {
        let plain = Grant::plain(who, viewer.id);
        tx.grants().give(&plain).await.unwrap();
        tx.grants().give(&limited(who, denier.id)).await.unwrap();
    }
    tx.sessions().insert(&device).await.unwrap();
    tx.commit(draft("fill")).await.unwrap();

    let tx = world.store.write(world.acme).await.unwrap();
    tx.sessions()
        .end(device.id, now(), now() + Duration::milliseconds(1500))
        .await
        .unwrap();
    tx.grants()
        .take(GrantSubject::User(ann.id), viewer.id)
        .await
        .unwrap();
    tx.applications()
        .remove_credential(machine.id, first.id)
        .await
        .unwrap();
    denier.name = "Denier".into();
    tx.roles().update(&denier).await.unwrap();
    tx.users().delete(bob.id).await.unwrap();
    tx.groups().delete(team.id).await.unwrap();
    tx.commit(draft("empty")).await.unwrap();
}

pub async fn a_gap_is_no_answer(world: World) {
    for name in ["one", "two", "three"] {
        world.add_user(name).await;
    }
    let feed = world.store.feed();
    assert_eq!(feed.changes(world.acme, 4, 4).await.unwrap(), Some(vec![]));
    assert_eq!(
        feed.changes(world.acme, 4, 5).await.unwrap(),
        None,
        "not there yet"
    );
    assert_eq!(feed.changes(id(), 0, 1).await.unwrap(), None);
    let missing = feed.facts(id(), now()).await.err();
    assert!(matches!(
        missing,
        Some(StoreError::NotFound {
            noun: "organization"
        })
    ));

    // As an administrator of the database might.
    let behind = match &world.database {
        Some(database) => sea_orm::Database::connect(&database.superuser_url)
            .await
            .unwrap(),
        None => world.behind().await,
    };
    let sql = "DELETE FROM changes WHERE organization_id = $1 AND revision = 3";
    let delete = Statement::from_sql_and_values(
        behind.get_database_backend(),
        sql,
        [world.acme.uuid().into()],
    );
    behind.execute_raw(delete).await.unwrap();
    assert_eq!(feed.changes(world.acme, 1, 4).await.unwrap(), None);
    assert_eq!(
        feed.changes(world.acme, 3, 4)
            .await
            .unwrap()
            .map(|steps| steps.len()),
        Some(1)
    );
}

pub async fn heads_tell_the_time(world: World) {
    world.add_user("Ann").await;
    let asked = [world.acme, world.globex, id()];
    let before = OffsetDateTime::now_utc();
    let mut heads = world.store.feed().heads(&asked).await.unwrap();
    let after = OffsetDateTime::now_utc();
    heads.heads.sort_by_key(|head| head.organization);
    let seen: Vec<_> = heads
        .heads
        .iter()
        .map(|head| (head.organization, head.revision))
        .collect();
    assert_eq!(seen, vec![(world.acme, 2), (world.globex, 1)]);
    assert!(heads.heads.iter().all(|head| head.epoch == 1));
    let slack = Duration::milliseconds(2);
    let time =
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(heads.time_us) * 1_000).unwrap();
    assert!(before - slack <= time && time <= after + slack);
    let none = world.store.feed().heads(&[]).await.unwrap();
    assert_eq!(none.heads, vec![]);
}
