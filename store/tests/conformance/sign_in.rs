//! The sign-in door, and failed sign-ins.

use gatepost_store::{SignInFailure, User};
use time::Duration;

use crate::world::{World, application, credential, draft, id, now, user};

/// The same name in each organization, the youngest organization's first.
async fn add_everywhere(world: &World, verified: bool) -> Vec<User> {
    let mut users = Vec::new();
    for organization in [world.globex, world.acme, world.system] {
        let user = User {
            email_verified: verified,
            ..user("Ann")
        };
        let tx = world.store.write(organization).await.unwrap();
        tx.users().insert(&user).await.unwrap();
        tx.commit(draft("user.create")).await.unwrap();
        users.insert(0, user);
    }
    users
}

pub async fn the_oldest_organization_comes_first(world: World) {
    let users = add_everywhere(&world, true).await;
    let door = world.store.sign_in().await.unwrap();
    let found = door.users_by_username("ann").await.unwrap();
    let slugs: Vec<_> = found
        .iter()
        .map(|(organization, _)| organization.slug.as_str())
        .collect();
    assert_eq!(slugs, ["system", "acme", "globex"]);
    assert_eq!(
        found
            .iter()
            .map(|(_, user)| user.clone())
            .collect::<Vec<_>>(),
        users
    );
    let oldest = door.oldest_of_username("ann").await.unwrap();
    assert_eq!(oldest.map(|(_, user)| user), users.first().cloned());
    assert_eq!(door.oldest_of_username("nobody").await.unwrap(), None);
    assert_eq!(door.users_by_username("nobody").await.unwrap(), vec![]);
    let in_acme = door.user_in(world.acme, "ann@example.com").await.unwrap();
    assert_eq!(in_acme.map(|user| user.id), Some(users[1].id));
    assert_eq!(door.user_in(id(), "ann").await.unwrap(), None);
    let acme = door.organization_by_slug("acme").await.unwrap().unwrap();
    assert_eq!(door.organization(world.acme).await.unwrap(), Some(acme));
    assert_eq!(door.organization_by_slug("nowhere").await.unwrap(), None);
}

pub async fn only_a_proved_address_signs_in(world: World) {
    add_everywhere(&world, false).await;
    let proved = User {
        email_verified: true,
        ..user("Zoe")
    };
    let tx = world.store.write(world.globex).await.unwrap();
    tx.users().insert(&proved).await.unwrap();
    // Her username is another one's address: where the organization is known, the name wins.
    let mut confusing = user("other");
    confusing.username_key = "zoe@example.com".into();
    tx.users().insert(&confusing).await.unwrap();
    tx.commit(draft("user.create")).await.unwrap();
    let door = world.store.sign_in().await.unwrap();
    assert_eq!(
        door.users_by_email("ann@example.com").await.unwrap(),
        vec![]
    );
    let found = door.users_by_email("zoe@example.com").await.unwrap();
    assert_eq!(
        found.into_iter().map(|(_, user)| user).collect::<Vec<_>>(),
        vec![proved]
    );
    let named = door.user_in(world.globex, "zoe@example.com").await.unwrap();
    assert_eq!(named.map(|user| user.id), Some(confusing.id));
}

pub async fn a_client_tells_its_organization(world: World) {
    let machine = application("robot");
    let (old, mut new) = (credential(machine.id), credential(machine.id));
    new.created_at = now() + Duration::HOUR;
    let tx = world.store.write(world.globex).await.unwrap();
    tx.applications().insert(&machine).await.unwrap();
    tx.applications().add_credential(&old).await.unwrap();
    tx.applications().add_credential(&new).await.unwrap();
    tx.commit(draft("application.create")).await.unwrap();
    let door = world.store.sign_in().await.unwrap();
    let (organization, found, secrets) = door
        .application_by_client_id(&machine.client_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((organization.id, found), (world.globex, machine));
    assert_eq!(secrets, vec![new, old]);
    assert_eq!(door.application_by_client_id("nobody").await.unwrap(), None);
}

pub async fn failures_are_counted(world: World) {
    let failures = world.store.failures();
    let (key, forget) = (b"account", Duration::HOUR);
    assert_eq!(failures.get(key).await.unwrap(), None);
    for count in 1..=3 {
        assert_eq!(failures.record(key, now(), forget).await.unwrap(), count);
    }
    assert_eq!(failures.record(b"other", now(), forget).await.unwrap(), 1);
    let until = now() + Duration::MINUTE;
    failures.block(key, until).await.unwrap();
    let expected = SignInFailure {
        failures: 3,
        last_failed_at: now(),
        blocked_until: Some(until),
    };
    assert_eq!(failures.get(key).await.unwrap(), Some(expected));
    // It is there after a restart.
    let replica = world.replica().await;
    assert_eq!(replica.failures().get(key).await.unwrap(), Some(expected));
    let later = now() + Duration::HOUR;
    assert_eq!(failures.record(key, later, forget).await.unwrap(), 4);
    let much_later = later + forget + Duration::MICROSECOND;
    assert_eq!(failures.record(key, much_later, forget).await.unwrap(), 1);
    failures.reset(key).await.unwrap();
    assert_eq!(failures.get(key).await.unwrap(), None);
    assert_eq!(world.store.prune_failures(now()).await.unwrap(), 0);
    assert_eq!(world.store.prune_failures(later).await.unwrap(), 1);
}

pub async fn failures_count_in_parallel(world: World) {
    let mut counters = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let store = world.store.clone();
        counters.spawn(async move {
            store
                .failures()
                .record(b"k", now(), Duration::HOUR)
                .await
                .unwrap()
        });
    }
    let mut counts = counters.join_all().await;
    counts.sort_unstable();
    assert_eq!(counts, (1..=10).collect::<Vec<_>>());
}

/// Strangers may type what no database keeps: it is nobody's name, and no fault of the store.
pub async fn what_is_no_text_is_nobodys_name(world: World) {
    add_everywhere(&world, true).await;
    let door = world.store.sign_in().await.unwrap();
    for name in ["\0", "ann\0", "a\0nn", "acme\0"] {
        assert_eq!(door.users_by_username(name).await.unwrap(), vec![]);
        assert_eq!(door.oldest_of_username(name).await.unwrap(), None);
        assert_eq!(door.users_by_email(name).await.unwrap(), vec![]);
        assert_eq!(door.user_in(world.acme, name).await.unwrap(), None);
        assert!(door.application_by_client_id(name).await.unwrap().is_none());
        assert_eq!(door.organization_by_slug(name).await.unwrap(), None);
        let tx = world.store.read(world.acme).await.unwrap();
        let found = tx.applications().by_client_id(name).await.unwrap();
        assert!(found.is_none());
    }
}
