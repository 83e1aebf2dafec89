//! People's accounts.

use gatepost_core::{Change, Fact, GrantSubject, Member, Status};
use gatepost_store::{Grant, PasswordHash, StoreError, User, UserFilter, Walk};
use time::Duration;

use crate::world::{World, draft, id, now, user};

fn fact(user: &User) -> Fact {
    Fact::User {
        id: user.id,
        username: user.username.clone(),
        display_name: user.display_name(),
        status: user.status,
    }
}

pub async fn a_user_lives_and_goes(world: World) {
    let user = world.add_user("Ann").await;
    let group = world.add_group("staff").await;
    let role = world.add_role("reader").await;
    let session = world.add_session(user.id).await;

    let tx = world.store.write(world.acme).await.unwrap();
    assert_eq!(tx.users().get(user.id).await.unwrap().as_ref(), Some(&user));
    assert_eq!(
        tx.users().by_username("ann").await.unwrap().as_ref(),
        Some(&user)
    );
    let by_email = tx.users().by_email("ann@example.com").await.unwrap();
    assert_eq!(by_email.as_ref(), Some(&user));
    assert_eq!(
        tx.users().get_many(&[user.id, id()]).await.unwrap(),
        vec![user.clone()]
    );
    tx.groups()
        .add_member(group, Member::User(user.id))
        .await
        .unwrap();
    tx.grants()
        .give(&Grant::plain(GrantSubject::User(user.id), role))
        .await
        .unwrap();
    tx.sessions()
        .end(session.id, now(), now() + Duration::HOUR)
        .await
        .unwrap();
    tx.commit(draft("prepare")).await.unwrap();

    let tx = world.store.write(world.acme).await.unwrap();
    tx.users().delete(user.id).await.unwrap();
    let gone: Vec<_> = tx
        .changes()
        .into_iter()
        .filter_map(|change| change.before)
        .collect();
    let expected = vec![
        Fact::Member {
            group,
            member: Member::User(user.id),
        },
        Fact::Grant {
            subject: GrantSubject::User(user.id),
            role,
            until: None,
            limits: Vec::new(),
        },
        Fact::EndedSession {
            id: session.id,
            until: (now() + Duration::HOUR).unix_timestamp(),
        },
        fact(&user),
    ];
    assert_eq!(gone, expected);
    tx.commit(draft("user.delete")).await.unwrap();

    let tx = world.store.read(world.acme).await.unwrap();
    assert_eq!(tx.users().get(user.id).await.unwrap(), None);
    assert_eq!(tx.groups().members(group).await.unwrap(), vec![]);
    assert_eq!(tx.grants().of_role(role).await.unwrap(), vec![]);
    assert_eq!(tx.sessions().get(session.id).await.unwrap(), None);
}

pub async fn names_are_unique_in_an_organization(world: World) {
    let ann = world.add_user("Ann").await;
    for (field, mut twin) in [("username", user("Other")), ("email", user("Other"))] {
        if field == "username" {
            twin.username_key.clone_from(&ann.username_key);
        } else {
            twin.email_key.clone_from(&ann.email_key);
        }
        let tx = world.store.write(world.acme).await.unwrap();
        let refused = tx.users().insert(&twin).await.unwrap_err();
        let StoreError::Conflict {
            noun: "user",
            field: found,
        } = refused
        else {
            panic!("{refused:?}")
        };
        assert_eq!(found, field);
    }
    // Another organization has names of its own, and users without address are no twins.
    let tx = world.store.write(world.globex).await.unwrap();
    tx.users().insert(&user("Ann")).await.unwrap();
    for name in ["one", "two"] {
        let nameless = User {
            email: None,
            email_key: None,
            ..user(name)
        };
        tx.users().insert(&nameless).await.unwrap();
    }
    tx.commit(draft("user.create")).await.unwrap();
}

pub async fn updates_replace(world: World) {
    let before = world.add_user("Ann").await;
    let after = User {
        username: "Anna".into(),
        username_key: "anna".into(),
        email: None,
        email_key: None,
        first_name: String::new(),
        last_name: String::new(),
        status: Status::Suspended,
        updated_at: now() + Duration::SECOND,
        ..before.clone()
    };
    let tx = world.store.write(world.acme).await.unwrap();
    tx.users().update(&after).await.unwrap();
    assert_eq!(after.display_name(), "Anna");
    assert_eq!(
        tx.changes(),
        vec![Change::updated(fact(&before), fact(&after))]
    );
    let hash = PasswordHash("other".into());
    tx.users()
        .set_password(after.id, hash.clone(), 0, now())
        .await
        .unwrap();
    let read = tx.users().get(after.id).await.unwrap().unwrap();
    assert_eq!(
        read,
        User {
            password_hash: hash,
            updated_at: now(),
            ..after.clone()
        }
    );
    tx.commit(draft("user.update")).await.unwrap();

    let tx = world.store.write(world.acme).await.unwrap();
    tx.users()
        .update(&User {
            updated_at: now() + Duration::MINUTE,
            ..after
        })
        .await
        .unwrap();
    assert!(!tx.changed(), "nothing differs");
}

pub async fn a_foreign_user_is_not_found(world: World) {
    let user = world.add_user("Ann").await;
    let tx = world.store.write(world.globex).await.unwrap();
    assert_eq!(tx.users().get(user.id).await.unwrap(), None);
    assert_eq!(tx.users().by_username("ann").await.unwrap(), None);
    assert_eq!(tx.users().get_many(&[user.id]).await.unwrap(), vec![]);
    let walk = Walk::Page { page: 1, limit: 10 };
    assert_eq!(
        tx.users()
            .list(&UserFilter::default(), walk)
            .await
            .unwrap()
            .items,
        vec![]
    );
    let missing = |done| matches!(done, Err(StoreError::NotFound { noun: "user" }));
    assert!(missing(tx.users().update(&user).await));
    assert!(missing(tx.users().delete(user.id).await));
    let hash = PasswordHash("other".into());
    let set = tx.users().set_password(user.id, hash.clone(), 4, now());
    assert!(missing(set.await));
    let improved = tx.users().improve_password(user.id, &hash, hash.clone());
    assert!(!improved.await.unwrap());
    assert_eq!(tx.users().former_passwords(user.id, 9).await.unwrap(), []);
    assert!(missing(
        tx.sessions().insert(&crate::world::session(user.id)).await
    ));
}

pub async fn pages_and_walks_agree(world: World) {
    let group = world.add_group("staff").await;
    let tx = world.store.write(world.acme).await.unwrap();
    for number in 0..7 {
        let mut user = user(&format!("user{number}"));
        // Two of each time, so that the id decides.
        user.created_at = now() + Duration::seconds(number / 2);
        tx.users().insert(&user).await.unwrap();
        if number % 2 == 0 {
            tx.groups()
                .add_member(group, Member::User(user.id))
                .await
                .unwrap();
        }
    }
    tx.commit(draft("user.create")).await.unwrap();

    let tx = world.store.read(world.acme).await.unwrap();
    let all = UserFilter::default();
    let mut paged = Vec::new();
    for page in 1..=4 {
        let part = tx
            .users()
            .list(&all, Walk::Page { page, limit: 3 })
            .await
            .unwrap();
        assert_eq!(part.total, Some(7));
        assert_eq!(part.next.is_some(), page < 3);
        paged.extend(part.items);
    }
    let mut walked = Vec::new();
    let mut cursor = None;
    loop {
        let part = tx
            .users()
            .list(&all, Walk::After { cursor, limit: 2 })
            .await
            .unwrap();
        assert_eq!(part.total, None);
        walked.extend(part.items);
        let Some(next) = part.next else { break };
        cursor = Some(next.to_string().parse().unwrap());
    }
    assert_eq!(paged.len(), 7);
    assert_eq!(paged, walked);
    assert!(paged.is_sorted_by_key(|user| (user.created_at, user.id)));

    let one = Walk::Page { page: 1, limit: 10 };
    let in_group = UserFilter {
        group: Some(group),
        ..UserFilter::default()
    };
    assert_eq!(
        tx.users().list(&in_group, one).await.unwrap().total,
        Some(4)
    );
    let named = UserFilter {
        username_key: Some("user3".into()),
        ..UserFilter::default()
    };
    assert_eq!(tx.users().list(&named, one).await.unwrap().total, Some(1));
    let suspended = UserFilter {
        status: Some(Status::Suspended),
        ..UserFilter::default()
    };
    assert_eq!(
        tx.users().list(&suspended, one).await.unwrap().total,
        Some(0)
    );
}
