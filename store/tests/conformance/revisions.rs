//! One revision for everything, in commit order.

use crate::world::{World, draft, group, user};

pub async fn parallel_writers_leave_no_gap(world: World) {
    let replica = world.replica().await;
    let mut writers = tokio::task::JoinSet::new();
    for number in 0_u64..16 {
        let store = if number % 2 == 0 {
            world.store.clone()
        } else {
            replica.clone()
        };
        let acme = world.acme;
        writers.spawn(async move {
            let tx = store.write(acme).await.unwrap();
            let at_begin = tx.revision();
            tx.users()
                .insert(&user(&format!("user{number}")))
                .await
                .unwrap();
            let revision = tx.commit(draft("user.create")).await.unwrap();
            assert_eq!(revision, at_begin + 1, "nobody came between");
            revision
        });
    }
    let mut revisions = writers.join_all().await;
    revisions.sort_unstable();
    assert_eq!(revisions, (2..=17).collect::<Vec<_>>());
    let steps = world
        .store
        .feed()
        .changes(world.acme, 0, 17)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(steps.len(), 17);
    let tx = world.store.read(world.acme).await.unwrap();
    let log = tx.audit().chain(0, 100).await.unwrap();
    assert!(log.iter().all(|event| event.sequence == event.revision));
}

pub async fn a_rollback_leaves_nothing(world: World) {
    let ann = user("Ann");
    let tx = world.store.write(world.acme).await.unwrap();
    tx.users().insert(&ann).await.unwrap();
    drop(tx);
    let tx = world.store.write(world.acme).await.unwrap();
    tx.users().insert(&ann).await.unwrap();
    tx.rollback().await.unwrap();
    // A statement that failed takes the whole with it.
    let tx = world.store.write(world.acme).await.unwrap();
    tx.groups().insert(&group("staff")).await.unwrap();
    tx.groups().insert(&group("staff")).await.unwrap_err();
    drop(tx);

    let tx = world.store.read(world.acme).await.unwrap();
    assert_eq!(tx.revision(), 1);
    assert_eq!(tx.users().get(ann.id).await.unwrap(), None);
    assert_eq!(tx.groups().by_name("staff").await.unwrap(), None);
    assert_eq!(tx.audit().chain(0, 10).await.unwrap().len(), 1);
}

pub async fn a_write_without_change_leaves_no_trace(world: World) {
    let tx = world.store.write(world.acme).await.unwrap();
    assert!(!tx.changed());
    assert_eq!(tx.commit(draft("nothing")).await.unwrap(), 1);
    let tx = world.store.read(world.acme).await.unwrap();
    assert_eq!(tx.revision(), 1);
    assert_eq!(tx.audit().chain(0, 10).await.unwrap().len(), 1);
}

pub async fn a_touch_counts(world: World) {
    let tx = world.store.write(world.acme).await.unwrap();
    tx.touch();
    assert!(tx.changed());
    assert_eq!(tx.commit(draft("login")).await.unwrap(), 2);
    let steps = world.store.feed().changes(world.acme, 1, 2).await.unwrap();
    assert_eq!(
        steps,
        Some(vec![(2, vec![])]),
        "a revision without facts is no gap"
    );
    let tx = world.store.read(world.acme).await.unwrap();
    let log = tx.audit().chain(1, 10).await.unwrap();
    assert_eq!((log[0].before.clone(), log[0].after.clone()), (None, None));
}

pub async fn readers_see_one_moment(world: World) {
    let reader = world.store.read(world.acme).await.unwrap();
    let ann = world.add_user("Ann").await;
    assert_eq!(reader.revision(), 1);
    assert_eq!(
        reader.users().get(ann.id).await.unwrap(),
        None,
        "it came after revision 1"
    );
    drop(reader);
    let reader = world.store.read(world.acme).await.unwrap();
    assert!(reader.users().get(ann.id).await.unwrap().is_some());
    // Who only reads cannot write by mistake.
    reader.users().insert(&user("Bob")).await.unwrap_err();
    assert_eq!(world.facts(world.acme).await.revision, 2);
}
