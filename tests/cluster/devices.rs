//! Devices that have signed in before, at whichever replica.

use serde_json::{Value, json};

use crate::replicas::{Cluster, Replica};
use crate::rest::{Answer, PASSWORD};

async fn attempt(replica: &Replica, password: &str, device: &str) -> Answer {
    let body = json!({
        "grantType": "password", "username": "alice", "password": password,
        "knownDevice": device,
    });
    let path = "/v1/login/oauth/access_token";
    replica.call("", "POST", path, body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_of_a_device_count_at_every_replica_and_of_strangers_nowhere() {
    let cluster = Cluster::start();
    let (a, b) = (cluster.replica(&[]).await, cluster.replica(&[]).await);
    let admin = a.token("admin").await;
    a.person(&admin, "alice", &[]).await;
    let first = attempt(&a, PASSWORD, "").await;
    let device = first.text("knownDevice");
    let wrong = (401, "CREDENTIALS_INVALID");
    let slowed = (429, "TOO_MANY_ATTEMPTS");
    // Strangers at the same address, here and there.
    for number in 0..6 {
        let replica = if number % 2 == 0 { &a } else { &b };
        let answer = attempt(replica, "wrong wrong", "").await;
        assert_eq!((answer.status, answer.reason()), wrong, "{number}");
    }
    for replica in [&a, &b] {
        let stranger = attempt(replica, PASSWORD, "").await;
        assert_eq!((stranger.status, stranger.reason()), slowed);
        let owner = attempt(replica, PASSWORD, &device).await;
        assert_eq!(owner.status, 200, "{owner:?}");
    }
    for number in 0..6 {
        let replica = if number % 2 == 0 { &a } else { &b };
        let answer = attempt(replica, "wrong wrong", &device).await;
        assert_eq!((answer.status, answer.reason()), wrong, "{number}");
    }
    for replica in [&a, &b] {
        let answer = attempt(replica, PASSWORD, &device).await;
        assert_eq!((answer.status, answer.reason()), slowed);
    }
    let gone = a.call(&admin, "GET", "/v1/userinfo", Value::Null).await;
    assert_eq!(gone.status, 200, "and nobody else is slowed");
}
