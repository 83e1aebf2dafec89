//! Text is text, whatever it says.

use gatepost_core::GrantSubject;
use gatepost_store::{
    Actor, Application, AuditDraft, Grant, Group, IdempotencyRecord, Organization, PasswordHash,
    Role, Target, User,
};
use sea_orm::ConnectionTrait;
use time::Duration;

use crate::world::{World, application, draft, group, now, organization, role, user};

const TEXTS: [&str; 6] = [
    "'; DROP TABLE users; --",
    "\" OR 1=1 --",
    "$1 ? :name @name %s {0} \\",
    "x'); DELETE FROM changes; COMMIT; --",
    "Ünï\u{202e}cödé 👩‍🚀 \u{7f}",
    "{\"before\": null, \"noun\": \"user\"}",
];

pub async fn sql_text_is_a_literal(world: World) {
    for text in TEXTS {
        in_an_organization(&world, text).await;
        in_the_installation(&world, text).await;
        let door = world.store.sign_in().await.unwrap();
        assert_eq!(door.users_by_username(text).await.unwrap().len(), 1);
        assert_eq!(door.users_by_email(text).await.unwrap().len(), 0);
        assert!(door.application_by_client_id(text).await.unwrap().is_some());
        assert_eq!(
            door.organization_by_slug(text).await.unwrap().unwrap().name,
            text
        );
        let failures = world.store.failures();
        assert_eq!(
            failures
                .record(text.as_bytes(), now(), Duration::HOUR)
                .await
                .unwrap(),
            1
        );
    }
    let facts = world.facts(world.acme).await;
    let steps = world
        .store
        .feed()
        .changes(world.acme, 0, facts.revision)
        .await
        .unwrap()
        .unwrap();
    let snapshot = gatepost_core::Snapshot::build(world.acme, 0, []);
    let folded = steps
        .into_iter()
        .fold(snapshot, |snapshot, (revision, changes)| {
            snapshot.apply(revision, &changes)
        });
    let sorted = |mut facts: Vec<gatepost_core::Fact>| {
        facts.sort_by_key(gatepost_core::Fact::key);
        facts
    };
    assert_eq!(sorted(folded.facts()), sorted(facts.parts));
    world
        .behind()
        .await
        .execute_unprepared("SELECT count(*) FROM users")
        .await
        .unwrap();
}

async fn in_an_organization(world: &World, text: &str) {
    let (user, group) = (user_of(text), group_of(text));
    let (role, application) = (role_of(text), application_of(text));
    let record = IdempotencyRecord {
        key: text.into(),
        rpc: text.into(),
        request_hash: text.into(),
        response: text.into(),
        created_at: now(),
    };
    let tx = world.store.write(world.acme).await.unwrap();
    tx.users().insert(&user).await.unwrap();
    tx.groups().insert(&group).await.unwrap();
    tx.roles().insert(&role).await.unwrap();
    tx.applications().insert(&application).await.unwrap();
    let who = GrantSubject::User(user.id);
    tx.grants().give(&Grant::plain(who, role.id)).await.unwrap();
    tx.idempotency().put(&record).await.unwrap();
    tx.commit(audit_of(text)).await.unwrap();

    let tx = world.store.read(world.acme).await.unwrap();
    let found = tx.users().by_username(text).await.unwrap();
    assert_eq!(found, Some(user));
    assert_eq!(tx.groups().by_name(text).await.unwrap(), Some(group));
    assert_eq!(tx.roles().by_name(text).await.unwrap(), Some(role));
    let found = tx.applications().by_name(text).await.unwrap();
    assert_eq!(found, Some(application));
    assert_eq!(tx.idempotency().get(text).await.unwrap(), Some(record));
    let chain = tx.audit().chain(tx.revision() - 1, 1).await.unwrap();
    assert_eq!((&*chain[0].action, &*chain[0].actor.name), (text, text));
    assert_eq!(chain[0].hash, chain[0].computed_hash(world.acme).unwrap());
}

fn user_of(text: &str) -> User {
    User {
        username: text.into(),
        username_key: text.into(),
        email: Some(text.into()),
        email_key: Some(text.into()),
        first_name: text.into(),
        last_name: text.into(),
        password_hash: PasswordHash(text.into()),
        ..user("x")
    }
}

fn group_of(text: &str) -> Group {
    Group {
        name: text.into(),
        name_key: text.into(),
        ..group("x")
    }
}

fn role_of(text: &str) -> Role {
    let mut role = role("x");
    role.permissions[0].resource = text.into();
    role.permissions[0].action = text.into();
    Role {
        product: text.into(),
        name: text.into(),
        name_key: text.into(),
        description: text.into(),
        ..role
    }
}

fn application_of(text: &str) -> Application {
    Application {
        name: text.into(),
        name_key: text.into(),
        description: text.into(),
        client_id: text.into(),
        ..application("x")
    }
}

fn audit_of(text: &str) -> AuditDraft {
    AuditDraft {
        actor: Actor {
            kind: text.into(),
            id: text.into(),
            name: text.into(),
        },
        target: Some(Target {
            kind: text.into(),
            id: text.into(),
        }),
        before: Some(text.into()),
        after: Some(serde_json::json!({ text: text })),
        outcome: text.into(),
        reason: Some(text.into()),
        request_id: Some(text.into()),
        address: Some(text.into()),
        ..draft(text)
    }
}

async fn in_the_installation(world: &World, text: &str) {
    let made = Organization {
        name: text.into(),
        ..organization(text, now() + Duration::HOUR)
    };
    let tx = world.store.write(world.system).await.unwrap();
    tx.organizations().insert(&made).await.unwrap();
    tx.commit(draft("organization.create")).await.unwrap();
}
