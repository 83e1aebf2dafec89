//! Second factors: what is counted, and what is good once, however many ask at once.

use gatepost_core::UserId;
use gatepost_core::mfa::Method;
use gatepost_store::{Challenge, Code, Factor, Purpose, Scope};
use time::Duration;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::world::{World, draft, id, now};

/// How many try at once.
const MANY: u32 = 12;

/// A challenge of somebody's sign-in.
async fn challenged(world: &World, user: UserId) -> Uuid {
    let challenge = Challenge {
        id: id(),
        user,
        application: None,
        purpose: Purpose::SignIn,
        scope: "openid".into(),
        created_at: now(),
        expires_at: now() + Duration::MINUTE,
        attempts: 0,
        sends: 0,
        code: None,
    };
    let tx = world.store.write(world.acme).await.unwrap();
    tx.mfa().challenge(&challenge).await.unwrap();
    tx.commit(draft("mfa.challenge")).await.unwrap();
    challenge.id
}

fn code(number: u32) -> Code {
    Code {
        method: Method::Email,
        hash: number.to_be_bytes().to_vec(),
        expires_at: now() + Duration::MINUTE,
    }
}

/// How many of many transactions that do this at once, on two replicas, answer yes.
async fn of_many<F>(
    world: &World,
    doing: impl Fn(Scope, u32) -> F + Copy + Send + Sync + 'static,
) -> usize
where
    F: Future<Output = bool> + Send,
{
    let stores = [world.store.clone(), world.replica().await];
    let mut all = JoinSet::new();
    for (number, store) in (0..MANY).zip(stores.iter().cycle()) {
        let (store, acme) = (store.clone(), world.acme);
        all.spawn(async move { doing(store.write(acme).await.unwrap(), number).await });
    }
    let done = all.join_all().await;
    done.into_iter().filter(|done| *done).count()
}

pub async fn a_challenge_is_tried_so_often(world: World) {
    let alice = world.add_user("alice").await.id;
    let challenge = challenged(&world, alice).await;
    let other = challenged(&world, alice).await;
    let judged = of_many(&world, move |tx, _| async move {
        let tried = tx.mfa().attempt_challenge(challenge, 5, now()).await;
        let is_judged = tried.unwrap().is_some();
        tx.finish().await.unwrap();
        is_judged
    });
    assert_eq!(judged.await, 5);
    let tx = world.store.write(world.acme).await.unwrap();
    let known = tx.mfa().get_challenge(challenge).await.unwrap().unwrap();
    assert_eq!(known.attempts, 5);
    // One's tries are not another's, and none counts when the time is over.
    let at = |minutes: i64| now() + Duration::minutes(minutes);
    let late = tx.mfa().attempt_challenge(other, 5, at(1)).await.unwrap();
    assert_eq!(late, None);
    let tried = tx.mfa().attempt_challenge(other, 5, at(0)).await.unwrap();
    assert_eq!(tried.unwrap().attempts, 1);
    assert!(tx.mfa().end_challenge(other).await.unwrap());
    assert!(!tx.mfa().end_challenge(other).await.unwrap());
    let gone = tx.mfa().attempt_challenge(other, 5, at(0)).await.unwrap();
    assert_eq!(gone, None);
    drop(tx);
    // Nor can another organization try.
    let tx = world.store.write(world.globex).await.unwrap();
    let foreign = tx.mfa().attempt_challenge(challenge, 9, at(0)).await;
    assert_eq!(foreign.unwrap(), None);
}

pub async fn a_code_is_sent_so_often(world: World) {
    let alice = world.add_user("alice").await.id;
    let challenge = challenged(&world, alice).await;
    let sent = of_many(&world, move |tx, number| async move {
        let sent = tx.mfa().send_code(challenge, &code(number), 4, now()).await;
        let sent = sent.unwrap();
        tx.finish().await.unwrap();
        sent
    });
    assert_eq!(sent.await, 4);
    let tx = world.store.write(world.acme).await.unwrap();
    let known = tx.mfa().get_challenge(challenge).await.unwrap().unwrap();
    assert_eq!(known.sends, 4);
    let last = known.code.unwrap();
    assert!((0..MANY).any(|number| last == code(number)), "{last:?}");
    // What is refused leaves the code that counts where it is; nothing is sent too late.
    let mfa = tx.mfa();
    assert!(!mfa.send_code(challenge, &code(99), 4, now()).await.unwrap());
    let later = now() + Duration::MINUTE;
    assert!(!mfa.send_code(challenge, &code(99), 9, later).await.unwrap());
    let known = mfa.get_challenge(challenge).await.unwrap().unwrap();
    assert_eq!((known.sends, known.code), (4, Some(last)));
}

/// Gives somebody an app that counts.
async fn enrolled(world: &World, user: UserId) {
    let factor = Factor {
        user,
        method: Method::App,
        pending: false,
        sealed: vec![1],
        created_at: now(),
        preferred_at: None,
        code: None,
        attempts: 0,
        sends: 0,
    };
    let tx = world.store.write(world.acme).await.unwrap();
    tx.mfa().put(&factor).await.unwrap();
    tx.commit(draft("mfa.setup")).await.unwrap();
}

pub async fn a_step_is_used_once(world: World) {
    let alice = world.add_user("alice").await.id;
    let bob = world.add_user("bob").await.id;
    enrolled(&world, alice).await;
    enrolled(&world, bob).await;
    let used = of_many(&world, move |tx, _| async move {
        let used = tx.mfa().use_step(alice, false, 100).await.unwrap();
        tx.commit(draft("session.start")).await.unwrap();
        used
    });
    assert_eq!(used.await, 1);
    let tx = world.store.write(world.acme).await.unwrap();
    let mfa = tx.mfa();
    for before in [99, 100] {
        assert!(!mfa.use_step(alice, false, before).await.unwrap());
    }
    assert!(mfa.use_step(alice, false, 101).await.unwrap());
    assert!(mfa.use_step(bob, false, 100).await.unwrap(), "it is hers");
    assert!(!mfa.use_step(alice, true, 102).await.unwrap(), "none waits");
}

pub async fn a_recovery_code_is_used_once(world: World) {
    let alice = world.add_user("alice").await.id;
    let bob = world.add_user("bob").await.id;
    let tx = world.store.write(world.acme).await.unwrap();
    let hashes = [vec![1; 32], vec![2; 32]];
    tx.mfa().set_recovery_codes(alice, &hashes).await.unwrap();
    tx.commit(draft("mfa.setup")).await.unwrap();
    let used = of_many(&world, move |tx, _| async move {
        let used = tx.mfa().use_recovery_code(alice, &[1; 32]).await.unwrap();
        tx.commit(draft("session.start")).await.unwrap();
        used
    });
    assert_eq!(used.await, 1);
    let tx = world.store.write(world.acme).await.unwrap();
    let mfa = tx.mfa();
    assert!(!mfa.use_recovery_code(bob, &[2; 32]).await.unwrap());
    assert!(!mfa.use_recovery_code(alice, &[3; 32]).await.unwrap());
    assert!(mfa.use_recovery_code(alice, &[2; 32]).await.unwrap());
}
