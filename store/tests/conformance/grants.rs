//! Until when and for which attributes roles are held.

use gatepost_core::{Change, Fact, GrantSubject, RoleId};
use gatepost_store::{Grant, GrantCursor, GrantFilter};
use sea_orm::ConnectionTrait;

use crate::world::{World, all, draft, limited, now};

fn fact(grant: &Grant) -> Fact {
    Fact::Grant {
        subject: grant.subject,
        role: grant.role,
        until: grant.until,
        limits: grant.limits.clone(),
    }
}

/// A user, and a role for her.
async fn pair(world: &World) -> (GrantSubject, RoleId) {
    let user = world.add_user("Ann").await;
    (GrantSubject::User(user.id), world.add_role("viewer").await)
}

pub async fn terms_are_replaced(world: World) {
    let (who, role) = pair(&world).await;
    let (plain, other) = (Grant::plain(who, role), limited(who, role));
    let tx = world.store.write(world.acme).await.unwrap();
    assert!(tx.grants().give(&other).await.unwrap());
    assert!(!tx.grants().give(&other).await.unwrap(), "the same terms");
    assert_eq!(tx.changes(), vec![Change::created(fact(&other))]);
    tx.commit(draft("grant")).await.unwrap();

    let tx = world.store.write(world.acme).await.unwrap();
    let found = tx.grants().get(who, role).await.unwrap();
    assert_eq!(found, Some(other.clone()));
    assert!(tx.grants().give(&plain).await.unwrap());
    let change = Change::updated(fact(&other), fact(&plain));
    assert_eq!(tx.changes(), vec![change]);
    assert!(tx.grants().give(&other).await.unwrap());
    assert!(tx.grants().take(who, role).await.unwrap());
    let last = tx.changes().pop();
    assert_eq!(last, Some(Change::removed(fact(&other))));
    assert_eq!(tx.grants().get(who, role).await.unwrap(), None);
}

pub async fn a_grant_that_expired_is_not_held(world: World) {
    let (who, role) = pair(&world).await;
    let grant = limited(who, role);
    let until = grant.until.unwrap();
    let tx = world.store.write(world.acme).await.unwrap();
    tx.grants().give(&grant).await.unwrap();
    assert_eq!(tx.grants().of(who, until - 1).await.unwrap().len(), 1);
    assert_eq!(tx.grants().of(who, until).await.unwrap(), vec![]);
    let given = tx.grants().of_many(&[who]).await.unwrap();
    assert_eq!(given, vec![grant.clone()]);
    assert_eq!(tx.grants().of_role(role).await.unwrap(), vec![grant]);
}

pub async fn expired_grants_go(world: World) {
    let (who, role) = pair(&world).await;
    let other = GrantSubject::Group(world.add_group("team").await);
    let grant = limited(who, role);
    let until = grant.until.unwrap();
    let tx = world.store.write(world.acme).await.unwrap();
    tx.grants().give(&grant).await.unwrap();
    tx.grants().give(&Grant::plain(other, role)).await.unwrap();
    tx.commit(draft("grant")).await.unwrap();

    let tx = world.store.write(world.acme).await.unwrap();
    assert_eq!(tx.grants().remove_expired(until - 1, 10).await.unwrap(), 0);
    assert!(!tx.changed());
    assert_eq!(tx.grants().remove_expired(until, 10).await.unwrap(), 1);
    assert_eq!(tx.changes(), vec![Change::removed(fact(&grant))]);
    assert_eq!(tx.grants().remove_expired(i64::MAX, 10).await.unwrap(), 0);
}

pub async fn grants_are_walked_by_holder(world: World) {
    let (who, viewer) = pair(&world).await;
    let editor = world.add_role("editor").await;
    let group = GrantSubject::Group(world.add_group("team").await);
    let mut given = vec![
        Grant::plain(group, viewer),
        limited(who, viewer),
        Grant::plain(who, editor),
    ];
    let tx = world.store.write(world.acme).await.unwrap();
    for grant in &given {
        tx.grants().give(grant).await.unwrap();
    }
    given.sort_by_key(|grant| (grant.subject.to_string(), grant.role));
    let walk = async |filter: GrantFilter| {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let part = tx.grants().list(filter, after.as_ref(), 1).await.unwrap();
            found.extend(part.0);
            let Some(next) = part.1 else { return found };
            let text = next.to_string();
            after = Some(text.parse::<GrantCursor>().unwrap());
            assert_eq!(after, Some(next));
        }
    };
    assert_eq!(walk(GrantFilter::default()).await, given);
    let GrantSubject::User(user) = who else {
        panic!("a user")
    };
    let hers = GrantFilter {
        subject: Some(user.uuid()),
        role: None,
    };
    assert_eq!(walk(hers).await, given[1..]);
    let of_editor = GrantFilter {
        subject: None,
        role: Some(editor),
    };
    assert_eq!(walk(of_editor).await, vec![Grant::plain(who, editor)]);
    for bad in ["", "user", "user.x.y", "nobody.", "1.2"] {
        assert!(bad.parse::<GrantCursor>().is_err(), "{bad}");
    }
}

pub async fn grants_from_before_terms_are_for_good(world: World) {
    let (who, role) = pair(&world).await;
    let tx = world.store.write(world.acme).await.unwrap();
    tx.grants().give(&Grant::plain(who, role)).await.unwrap();
    tx.commit(draft("grant")).await.unwrap();
    let behind = world.behind().await;
    let steps = [
        "DROP INDEX grants_role_id_subject",
        "DROP INDEX grants_expires_at",
        "ALTER TABLE grants DROP COLUMN expires_at",
        "ALTER TABLE grants DROP COLUMN limits",
        "ALTER TABLE signing_keys DROP COLUMN signs_from",
        "DROP INDEX sessions_within",
        "CREATE TABLE refresh_tokens (hash integer)",
        "UPDATE schema_version SET version = 1",
    ];
    for step in crate::passwords::UNDO.into_iter().chain(steps) {
        behind.execute_unprepared(step).await.unwrap();
    }
    for column in [
        "within",
        "scope",
        "generation",
        "rotated_at",
        "last_seen_at",
        "address",
        "agent",
        "methods",
    ] {
        let drop = format!("ALTER TABLE sessions DROP COLUMN {column}");
        behind.execute_unprepared(&drop).await.unwrap();
    }
    assert!(world.store.check_schema().await.is_err());
    world.store.migrate(now()).await.unwrap();
    let replica = world.replica().await;
    let facts = all(replica.feed().facts(world.acme, now()).await.unwrap()).await;
    let plain = fact(&Grant::plain(who, role));
    assert!(facts.parts.contains(&plain));
    let tx = replica.write(world.acme).await.unwrap();
    assert!(tx.grants().give(&limited(who, role)).await.unwrap());
    tx.commit(draft("grant")).await.unwrap();
}
