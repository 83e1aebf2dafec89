//! Refresh tokens over several replicas, and what a refresh costs the database.

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::proxy::Proxy;
use crate::replicas::{Cluster, Replica, allowed, refused};
use crate::rest::{Answer, PASSWORD};

/// How often one refresh may wait for the database, from the beginning of its transaction to the
/// end.
const WAITS_MAX: u32 = 6;
/// The first ones prepare their statements, on each connection anew.
const REFRESHES: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_waits_six_times_for_the_database() {
    let cluster = Cluster::start();
    let proxy = Proxy::new(cluster.database_port());
    let url = cluster.database_through(proxy.port);
    let replica = cluster
        .replica(&[("GATEPOST_DATABASE_URL", url.as_str())])
        .await;
    let grant = json!({"grantType": "password", "username": "admin", "password": PASSWORD});
    let path = "/v1/login/oauth/access_token";
    let mut tokens = replica.call("", "POST", path, grant).await.body;
    let mut waits = Vec::new();
    for _ in 0..REFRESHES {
        proxy.take_waits();
        let presented = json!({"refreshToken": tokens["refreshToken"]});
        let path = "/v1/login/oauth/refresh_token";
        let answer = replica.call("", "POST", path, presented).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        tokens = answer.body;
        let one = proxy.take_waits();
        assert_eq!(one.len(), 1, "one refresh is one transaction: {one:?}");
        waits.extend(one);
    }
    let usual = waits.iter().min().unwrap();
    assert!(*usual <= WAITS_MAX, "{waits:?}");
}

async fn turn(replica: &Replica, token: &str) -> Answer {
    let path = "/v1/login/oauth/refresh_token";
    let body = json!({"refreshToken": token});
    replica.call("", "POST", path, body).await
}

/// How often the log tells of something that somebody did to a session.
async fn told(replica: &Replica, admin: &str, action: &str) -> usize {
    let path = format!("/v1/audit-events?limit=100&action={action}");
    let list = replica.must(admin, "GET", &path, Value::Null).await;
    list.body["items"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_replicas_one_turns_it() {
    let cluster = Cluster::start();
    let replicas = [cluster.replica(&[]).await, cluster.replica(&[]).await];
    let admin = replicas[0].token("admin").await;
    let group = ["midaz-viewer-group"];
    let bystander = replicas[0].person(&admin, "alice", &group).await;
    let first = replicas[0].sign_in("alice", PASSWORD).await;
    let (token, access) = (first.text("refreshToken"), first.text("accessToken"));
    let tries = (0..8).map(|number| turn(&replicas[number % 2], &token));
    let answers = join_all(tries).await;
    let next = answers[0].text("refreshToken");
    assert_ne!(next, token);
    for answer in &answers {
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.text("refreshToken"), next, "all get the same one");
    }
    let turned = told(&replicas[0], &admin, "session.refresh").await;
    assert_eq!(turned, 1, "one of them turned it");
    // Two turns later it is known at the other replica, too: somebody has a copy.
    let last = turn(&replicas[0], &next).await.text("refreshToken");
    for replica in &replicas {
        allowed(replica, &access).await;
    }
    let reused = turn(&replicas[1], &token).await;
    let expected = (401, "REFRESH_TOKEN_INVALID");
    assert_eq!((reused.status, reused.reason()), expected, "{reused:?}");
    let ended = Instant::now();
    let late = turn(&replicas[0], &last).await;
    assert_eq!((late.status, late.reason()), expected, "{late:?}");
    for replica in &replicas {
        let (answer, _) = refused(replica, &access, ended).await;
        assert_eq!((answer.status, answer.reason()), (401, "SESSION_ENDED"));
        allowed(replica, &bystander.token).await;
    }
    let reuses = told(&replicas[0], &admin, "session.reuse_detected").await;
    assert_eq!(reuses, 1);
}
