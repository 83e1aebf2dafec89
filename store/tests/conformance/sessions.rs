//! Sessions, kept answers.

use gatepost_core::{Change, Fact, UserId};
use gatepost_store::{Device, IdempotencyRecord, Scope, Session, StoreError, Walk};
use time::{Duration, OffsetDateTime};

use crate::world::{World, application, draft, id, now, session};

/// A user's live sessions, walked in steps of two.
async fn live(tx: &Scope, user: UserId, now: OffsetDateTime) -> Vec<Session> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let walk = Walk::After { cursor, limit: 2 };
        let part = tx.sessions().list_live(user, now, walk).await.unwrap();
        found.extend(part.items);
        cursor = part.next;
        if cursor.is_none() {
            return found;
        }
    }
}

pub async fn a_session_ends_once(world: World) {
    let user = world.add_user("Ann").await;
    let session = world.add_session(user.id).await;
    let until = now() + Duration::HOUR;
    let tx = world.store.write(world.acme).await.unwrap();
    assert_eq!(live(&tx, user.id, now()).await, vec![session.clone()]);
    assert_eq!(live(&tx, user.id, session.expires_at).await, vec![]);
    assert!(tx.sessions().end(session.id, now(), until).await.unwrap());
    assert!(!tx.sessions().end(session.id, now(), until).await.unwrap());
    assert!(!tx.sessions().end(id(), now(), until).await.unwrap());
    let fact = Fact::EndedSession {
        id: session.id,
        until: until.unix_timestamp(),
    };
    assert_eq!(tx.changes(), vec![Change::created(fact)]);
    tx.commit(draft("session.end")).await.unwrap();

    let tx = world.store.read(world.acme).await.unwrap();
    let ended = tx.sessions().get(session.id).await.unwrap().unwrap();
    assert_eq!(
        (ended.ended_at, ended.ended_until),
        (Some(now()), Some(until))
    );
    assert_eq!(live(&tx, user.id, now()).await, vec![]);
}

pub async fn ending_all_but_one(world: World) {
    let user = world.add_user("Ann").await;
    let other = world.add_user("Bob").await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(world.add_session(user.id).await.id);
    }
    let stranger = world.add_session(other.id).await;
    let kept = sessions.pop();
    let until = now() + Duration::HOUR;
    let tx = world.store.write(world.acme).await.unwrap();
    let ended = tx
        .sessions()
        .end_all_of_user(user.id, kept, now(), until)
        .await
        .unwrap();
    assert_eq!(ended, sessions);
    let own = live(&tx, user.id, now()).await;
    assert_eq!(
        own.iter().map(|session| session.id).collect::<Vec<_>>(),
        Vec::from_iter(kept)
    );
    assert_eq!(live(&tx, other.id, now()).await, vec![stranger]);
}

pub async fn what_a_browser_has_open_is_handed_over(world: World) {
    let user = world.add_user("Ann").await;
    let (before, after) = (
        world.add_session(user.id).await,
        world.add_session(user.id).await,
    );
    let machine = application("Robot");
    let tx = world.store.write(world.acme).await.unwrap();
    tx.applications().insert(&machine).await.unwrap();
    let inside = Session {
        within: Some(before.id),
        application: Some(machine.id),
        ..session(user.id)
    };
    tx.sessions().insert(&inside).await.unwrap();
    let through = tx.sessions().through(user.id, machine.id, now());
    assert_eq!(through.await.unwrap(), vec![inside.clone()]);
    let late = tx
        .sessions()
        .through(user.id, machine.id, inside.expires_at);
    assert_eq!(late.await.unwrap(), vec![]);
    let ids = [before.id, inside.id, id()];
    let with = tx.sessions().with_applications(&ids).await.unwrap();
    assert_eq!(with, vec![(inside.clone(), machine)]);
    tx.sessions().hand_over(before.id, after.id).await.unwrap();
    let until = now() + Duration::HOUR;
    assert!(tx.sessions().end(before.id, now(), until).await.unwrap());
    let moved = tx.sessions().get(inside.id).await.unwrap().unwrap();
    assert_eq!((moved.within, moved.ended_at), (Some(after.id), None));
    let later = now() + Duration::MINUTE;
    let device = Device {
        address: "192.0.2.9".into(),
        agent: "browser/2".into(),
    };
    tx.sessions().seen(after.id, later, &device).await.unwrap();
    tx.sessions().seen(before.id, later, &device).await.unwrap();
    let seen = tx.sessions().get(after.id).await.unwrap().unwrap();
    assert_eq!((seen.last_seen_at, &seen.device), (later, &device));
    let ended = tx.sessions().get(before.id).await.unwrap().unwrap();
    assert_eq!(ended.last_seen_at, now(), "who has ended is not seen");
    assert!(tx.sessions().end(after.id, now(), until).await.unwrap());
    let gone = tx.sessions().get(inside.id).await.unwrap().unwrap();
    assert_eq!(gone.ended_at, Some(now()));
    tx.commit(draft("session.start")).await.unwrap();
    // Another organization's are not found.
    let tx = world.store.read(world.globex).await.unwrap();
    let with = tx.sessions().with_applications(&[inside.id]).await.unwrap();
    assert_eq!(with, vec![]);
}

pub async fn a_generation_is_used_once(world: World) {
    let user = world.add_user("Ann").await;
    let session = world.add_session(user.id).await;
    let device = Device {
        address: "192.0.2.7".into(),
        agent: "browser/2".into(),
    };
    let later = now() + Duration::MINUTE;
    let rotate = async |generation| {
        let tx = world.store.write(world.acme).await.unwrap();
        let sessions = tx.sessions();
        let done = sessions.rotate(session.id, generation, later, &device);
        let done = done.await.unwrap();
        assert_eq!(tx.changed(), done);
        tx.commit(draft("session.refresh")).await.unwrap();
        done
    };
    let (one, two, three) = tokio::join!(rotate(0), rotate(0), rotate(0));
    assert_eq!(
        [one, two, three].into_iter().filter(|done| *done).count(),
        1
    );
    assert!(!rotate(0).await && !rotate(2).await);
    let tx = world.store.write(world.acme).await.unwrap();
    let standing = tx.sessions().standing(session.id).await.unwrap().unwrap();
    let expected = Session {
        generation: 1,
        rotated_at: Some(later),
        last_seen_at: later,
        device: device.clone(),
        ..session.clone()
    };
    assert_eq!((standing.session, standing.user), (expected, user));
    assert_eq!(standing.application, None);
    assert_eq!(tx.sessions().standing(id()).await.unwrap(), None);
    assert!(tx.sessions().end(session.id, later, later).await.unwrap());
    tx.commit(draft("session.end")).await.unwrap();
    assert!(!rotate(1).await, "it has ended");
    let tx = world.store.write(world.globex).await.unwrap();
    assert_eq!(
        tx.sessions().standing(session.id).await.unwrap(),
        None,
        "not theirs"
    );
}

pub async fn what_is_within_a_session_ends_with_it(world: World) {
    let user = world.add_user("Ann").await;
    let browser = world.add_session(user.id).await;
    let tx = world.store.write(world.acme).await.unwrap();
    let mut inside = Vec::new();
    for _ in 0..2 {
        let mut session = crate::world::session(user.id);
        session.within = Some(browser.id);
        tx.sessions().insert(&session).await.unwrap();
        inside.push(session.id);
    }
    tx.commit(draft("session.start")).await.unwrap();
    let bystander = world.add_session(user.id).await;
    let until = now() + Duration::HOUR;
    let tx = world.store.write(world.acme).await.unwrap();
    assert!(tx.sessions().end(inside[0], now(), until).await.unwrap());
    assert_eq!(tx.changes().len(), 1, "it ends alone");
    assert!(tx.sessions().end(browser.id, now(), until).await.unwrap());
    assert_eq!(tx.changes().len(), 3);
    assert_eq!(live(&tx, user.id, now()).await, vec![bystander]);
}

pub async fn pruning_removes_what_means_nothing(world: World) {
    let user = world.add_user("Ann").await;
    let ended = world.add_session(user.id).await;
    let live = world.add_session(user.id).await;
    let until = now() + Duration::HOUR;
    let tx = world.store.write(world.acme).await.unwrap();
    tx.sessions().end(ended.id, now(), until).await.unwrap();
    let before = tx.commit(draft("session.end")).await.unwrap();

    let removed = world
        .store
        .prune(world.acme, until - Duration::SECOND)
        .await
        .unwrap();
    assert_eq!(removed, 0);
    assert_eq!(world.store.prune(world.acme, until).await.unwrap(), 1);
    let tx = world.store.read(world.acme).await.unwrap();
    assert_eq!(tx.sessions().get(ended.id).await.unwrap(), None);
    assert!(tx.sessions().get(live.id).await.unwrap().is_some());
    assert_eq!(
        tx.revision(),
        before,
        "pruning is no write of the organization"
    );
    drop(tx);
    let later = live.expires_at + Duration::days(2);
    assert_eq!(world.store.prune(world.acme, later).await.unwrap(), 1);
}

pub async fn answers_are_kept_once(world: World) {
    let record = IdempotencyRecord {
        key: "ann:1".into(),
        rpc: "CreateUser".into(),
        request_hash: vec![1],
        response: vec![2, 0, 255],
        created_at: now(),
    };
    let tx = world.store.write(world.acme).await.unwrap();
    assert_eq!(tx.idempotency().get("ann:1").await.unwrap(), None);
    tx.idempotency().put(&record).await.unwrap();
    tx.touch();
    tx.commit(draft("create")).await.unwrap();
    let tx = world.store.write(world.acme).await.unwrap();
    assert_eq!(
        tx.idempotency().get("ann:1").await.unwrap().as_ref(),
        Some(&record)
    );
    let refused = tx.idempotency().put(&record).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict { field: "key", .. }));
    drop(tx);
    let tx = world.store.read(world.globex).await.unwrap();
    assert_eq!(tx.idempotency().get("ann:1").await.unwrap(), None);
    drop(tx);
    assert_eq!(
        world
            .store
            .prune(world.acme, now() + Duration::DAY)
            .await
            .unwrap(),
        1
    );
}
