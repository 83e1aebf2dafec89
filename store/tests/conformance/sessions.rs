//! Sessions, refresh tokens, kept answers.

use gatepost_core::{Change, Fact, UserId};
use gatepost_store::{IdempotencyRecord, Scope, Session, StoreError, Walk};
use time::{Duration, OffsetDateTime};

use crate::world::{World, draft, id, now};

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
    let (session, token) = world.add_session(user.id).await;
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
    assert_eq!(tx.refresh_tokens().get(&token.hash).await.unwrap(), None);
    assert_eq!(live(&tx, user.id, now()).await, vec![]);
}

pub async fn ending_all_but_one(world: World) {
    let user = world.add_user("Ann").await;
    let other = world.add_user("Bob").await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(world.add_session(user.id).await.0.id);
    }
    let (stranger, _) = world.add_session(other.id).await;
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

pub async fn a_refresh_token_is_used_once(world: World) {
    let user = world.add_user("Ann").await;
    let (session, token) = world.add_session(user.id).await;
    let claim = async || {
        let tx = world.store.write(world.acme).await.unwrap();
        let claimed = tx.refresh_tokens().claim(&token.hash, now()).await.unwrap();
        assert_eq!(tx.changed(), claimed.is_some());
        tx.commit(draft("token.refresh")).await.unwrap();
        claimed
    };
    let (one, two, three) = tokio::join!(claim(), claim(), claim());
    let claimed: Vec<_> = [one, two, three].into_iter().flatten().collect();
    let spent = gatepost_store::RefreshToken {
        used_at: Some(now()),
        ..token.clone()
    };
    assert_eq!(claimed, vec![spent.clone()]);

    let tx = world.store.write(world.acme).await.unwrap();
    assert_eq!(
        tx.refresh_tokens().get(&token.hash).await.unwrap(),
        Some(spent)
    );
    assert_eq!(
        tx.refresh_tokens().claim(b"no such", now()).await.unwrap(),
        None
    );
    let late = crate::world::refresh_token(&session);
    tx.refresh_tokens().insert(&late).await.unwrap();
    let at_end = tx
        .refresh_tokens()
        .claim(&late.hash, late.expires_at)
        .await
        .unwrap();
    assert_eq!(at_end, None, "it has expired");
    tx.commit(draft("token")).await.unwrap();
    let tx = world.store.write(world.globex).await.unwrap();
    assert_eq!(
        tx.refresh_tokens().claim(&late.hash, now()).await.unwrap(),
        None,
        "not theirs"
    );
    let orphan = crate::world::refresh_token(&session);
    let refused = tx.refresh_tokens().insert(&orphan).await.unwrap_err();
    assert!(matches!(refused, StoreError::NotFound { noun: "session" }));
}

pub async fn pruning_removes_what_means_nothing(world: World) {
    let user = world.add_user("Ann").await;
    let (ended, _) = world.add_session(user.id).await;
    let (live, token) = world.add_session(user.id).await;
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
    assert_eq!(world.store.prune(world.acme, later).await.unwrap(), 2);
    let tx = world.store.read(world.acme).await.unwrap();
    assert_eq!(tx.refresh_tokens().get(&token.hash).await.unwrap(), None);
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
