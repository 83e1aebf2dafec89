//! What one replica has revoked, the other one refuses within the bound.

use std::time::Duration;

use tokio::time::Instant;

use serde_json::{Value, json};

use crate::replicas::{Cluster, allowed, refused, settled};
use crate::rest::{PASSWORD, Rest, Subject};

/// Ways to lose a permission, and how the loss is told: status and reason.
const WAYS: [(&str, u16, &str); 6] = [
    ("group", 200, "permission"),
    ("role", 200, "permission"),
    ("user", 401, "USER_GONE"),
    ("password", 401, "SESSION_ENDED"),
    ("application", 401, "APPLICATION_GONE"),
    ("session", 401, "SESSION_ENDED"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_binds_the_other_replica_within_the_bound() {
    let cluster = Cluster::start();
    let (a, b) = (cluster.replica(&[]).await, cluster.replica(&[]).await);
    let admin = a.token("admin").await;
    for (way, status, reason) in WAYS {
        check(&a, &b, &admin, way, status, reason).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_binds_the_other_replica_within_the_bound_without_a_bus() {
    let cluster = Cluster::start();
    let (a, b) = (cluster.replica(&[]).await, cluster.replica(&[]).await);
    let admin = a.token("admin").await;
    cluster.valkey.stop();
    for (way, status, reason) in WAYS {
        check(&a, &b, &admin, way, status, reason).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bus_makes_it_faster_than_polling() {
    const TIMES: u32 = 6;
    let cluster = Cluster::start();
    // With such a bound a replica polls once a second.
    let slow = [("GATEPOST_STALENESS_BOUND_MS", "60000")];
    let (a, b) = (cluster.replica(&slow).await, cluster.replica(&slow).await);
    let admin = a.token("admin").await;
    let mut total = Duration::ZERO;
    for number in 0..TIMES {
        let name = format!("hinted-{number}");
        let alice = a.person(&admin, &name, &["midaz-viewer-group"]).await;
        assert!(settled(&b, &alice.token).await.is_yes());
        revoke(&a, &admin, "group", &alice).await;
        total += refused(&b, &alice.token, Instant::now()).await.1;
    }
    let polling = Duration::from_millis(500) * TIMES;
    assert!(
        total < polling / 2,
        "{total:?} in all, {polling:?} by polling"
    );
}

async fn check(a: &Rest, b: &Rest, admin: &str, way: &str, status: u16, reason: &str) {
    let subject = subject(a, admin, way).await;
    allowed(b, &subject.token).await;
    revoke(a, admin, way, &subject).await;
    let revoked = Instant::now();
    let (answer, _) = refused(b, &subject.token, revoked).await;
    assert_eq!((answer.status, answer.reason()), (status, reason), "{way}");
    for replica in [a, b] {
        let again = settled(replica, &subject.token).await;
        assert_eq!((again.status, again.reason()), (status, reason), "{way}");
    }
}

/// Somebody who may get accounts of midaz, by that which will be revoked.
async fn subject(a: &Rest, admin: &str, way: &str) -> Subject {
    match way {
        "application" => a.machine(admin, "revoked", &["midaz-editor-role"]).await,
        "role" => {
            let alice = a.person(admin, "of-role", &[]).await;
            let body = json!({
                "name": "revoked-role",
                "product": "midaz",
                "permissions": [permission()],
            });
            a.must(admin, "POST", "/v1/roles", body).await;
            let path = format!("/v1/users/{}/roles/revoked-role", alice.id);
            a.must(admin, "PUT", &path, json!({})).await;
            alice
        }
        way => {
            let name = format!("of-{way}");
            a.person(admin, &name, &["midaz-viewer-group"]).await
        }
    }
}

async fn revoke(a: &Rest, admin: &str, way: &str, subject: &Subject) {
    let id = &subject.id;
    let (token, method, path, body) = match way {
        "group" => {
            let path = format!("/v1/groups/midaz-viewer-group/members/{id}");
            (admin, "DELETE", path, Value::Null)
        }
        "role" => {
            let body = json!({"permissions": []});
            (admin, "PATCH", "/v1/roles/revoked-role".to_owned(), body)
        }
        "user" => (admin, "DELETE", format!("/v1/users/{id}"), Value::Null),
        "password" => {
            let body = json!({"newPassword": format!("{PASSWORD}, again")});
            (
                admin,
                "PATCH",
                format!("/v1/users/{id}/reset-password"),
                body,
            )
        }
        "application" => {
            let path = format!("/v1/applications/{id}");
            (admin, "DELETE", path, Value::Null)
        }
        "session" => (&*subject.token, "POST", "/v1/logout".to_owned(), json!({})),
        other => panic!("{other}"),
    };
    a.must(token, method, &path, body).await;
}

fn permission() -> Value {
    json!({"resource": "accounts", "action": "get", "effect": "PERMISSION_EFFECT_ALLOW"})
}
