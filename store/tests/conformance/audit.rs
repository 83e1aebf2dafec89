//! The audit log.

use gatepost_store::{AuditDraft, AuditEvent, AuditFilter, Target, Walk};
use serde_json::json;
use time::Duration;

use crate::world::{World, draft, now, user};

pub async fn the_chain_links(world: World) {
    for name in ["one", "two", "three"] {
        world.add_user(name).await;
    }
    let tx = world.store.read(world.acme).await.unwrap();
    let chain = tx.audit().chain(0, 100).await.unwrap();
    assert_eq!(chain.len(), 4);
    let mut previous = vec![0; 32];
    for (place, event) in (1..).zip(&chain) {
        assert_eq!(event.sequence, place);
        assert_eq!(event.previous_hash, previous);
        assert_eq!(event.hash, event.computed_hash(world.acme).unwrap());
        assert_ne!(event.hash, event.computed_hash(world.globex).unwrap());
        previous.clone_from(&event.hash);
    }
    // Every field counts.
    let event = chain.last().unwrap().clone();
    let forged = [
        AuditEvent {
            action: "other".into(),
            ..event.clone()
        },
        AuditEvent {
            after: None,
            ..event.clone()
        },
        AuditEvent {
            at: event.at + Duration::MICROSECOND,
            ..event.clone()
        },
        AuditEvent {
            address: None,
            ..event.clone()
        },
        AuditEvent {
            revision: 9,
            ..event.clone()
        },
        AuditEvent {
            previous_hash: vec![0; 32],
            ..event.clone()
        },
    ];
    for forged in forged {
        assert_ne!(forged.computed_hash(world.acme).unwrap(), event.hash);
    }
}

async fn add_records(world: &World) {
    for (number, action) in (0..).zip(["a", "b", "a", "b", "a"]) {
        let tx = world.store.write(world.acme).await.unwrap();
        tx.touch();
        let mut record = draft(action);
        record.at = now() + Duration::minutes(number);
        record.actor.id = format!("u{number}");
        record.target = Some(target());
        tx.commit(record).await.unwrap();
    }
}

fn target() -> Target {
    Target {
        kind: "group".into(),
        id: "g".into(),
    }
}

pub async fn records_are_found(world: World) {
    add_records(&world).await;
    let tx = world.store.read(world.acme).await.unwrap();
    let all = AuditFilter::default();
    let walk = Walk::Page { page: 1, limit: 2 };
    let newest = tx.audit().list(&all, walk).await.unwrap();
    let sequences =
        |items: &[AuditEvent]| -> Vec<u64> { items.iter().map(|event| event.sequence).collect() };
    assert_eq!(newest.total, Some(6));
    assert_eq!(sequences(&newest.items), [6, 5]);
    let cursor = newest.next;
    let walk = Walk::After { cursor, limit: 10 };
    let rest = tx.audit().list(&all, walk).await.unwrap();
    assert_eq!(sequences(&rest.items), [4, 3, 2, 1]);
    let first = newest.items.first().unwrap();
    assert_eq!(first.target, Some(target()));
    let found = tx.audit().get(first.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(first));
    drop(tx);
    let tx = world.store.read(world.globex).await.unwrap();
    assert_eq!(tx.audit().get(first.id).await.unwrap(), None);
}

/// Sets one condition.
type Narrow = fn(&mut AuditFilter);

pub async fn records_are_filtered(world: World) {
    add_records(&world).await;
    let tx = world.store.read(world.acme).await.unwrap();
    let cases: [(Narrow, u64); 6] = [
        (|filter| filter.action = Some("a".into()), 3),
        (|filter| filter.actor_id = Some("u3".into()), 1),
        (|filter| filter.target_id = Some("g".into()), 5),
        (|filter| filter.outcome = Some("refused".into()), 0),
        (|filter| filter.from = Some(now() + Duration::minutes(3)), 2),
        (|filter| filter.to = Some(now() + Duration::minutes(1)), 2),
    ];
    for (narrow, count) in cases {
        let mut filter = AuditFilter::default();
        narrow(&mut filter);
        let walk = Walk::Page { page: 1, limit: 1 };
        let found = tx.audit().list(&filter, walk).await.unwrap();
        assert_eq!(found.total, Some(count), "{filter:?}");
    }
}

pub async fn before_and_after_come_from_the_facts(world: World) {
    let ann = world.add_user("Ann").await;
    let tx = world.store.write(world.acme).await.unwrap();
    tx.users().insert(&user("Bob")).await.unwrap();
    let given = AuditDraft {
        after: Some(json!({"b": 1, "a": [null]})),
        ..draft("given")
    };
    tx.commit(given).await.unwrap();
    let tx = world.store.read(world.acme).await.unwrap();
    let log = tx.audit().chain(1, 10).await.unwrap();
    let after: serde_json::Value = serde_json::from_str(log[0].after.as_ref().unwrap()).unwrap();
    let expected = json!({
        "noun": "user", "id": ann.id, "username": "Ann", "display_name": "Some Body",
        "status": "active",
    });
    assert_eq!((log[0].before.clone(), after), (None, expected));
    let after: serde_json::Value = serde_json::from_str(log[1].after.as_ref().unwrap()).unwrap();
    assert_eq!(
        (log[1].before.clone(), after),
        (None, json!({"b": 1, "a": [null]}))
    );
}
