//! Signing keys of many replicas: made once, and withdrawn from all.

use std::sync::Arc;
use std::time::Duration;

use gatepost::clock::{Clock, Offset};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::replicas::{Cluster, PATIENCE, allowed, refused, settled};
use crate::rest::Rest;
use crate::servers::postgres;

const ROTATE: &str = "/v1/signing-keys:rotate";

/// How many keys there are, and how often they were made, but for the first ones.
fn counted(cluster: &Cluster) -> String {
    let sql = "select (select count(*) from signing_keys), \
               (select count(*) from audit_events where action = 'signing_key.rotate')";
    postgres::shared().psql(&cluster.database.name, sql)
}

async fn published(replica: &Rest) -> usize {
    let path = "/.well-known/jwks.json";
    let answer = replica.must("", "GET", path, Value::Null).await;
    answer.body["keys"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn withdrawn_keys_bind_the_other_replica_within_the_bound() {
    let cluster = Cluster::start();
    let (a, b) = (cluster.replica(&[]).await, cluster.replica(&[]).await);
    for bus in ["with-a-bus", "without-a-bus"] {
        if bus == "without-a-bus" {
            cluster.valkey.stop();
        }
        let admin = a.token("admin").await;
        let alice = a.person(&admin, bus, &["midaz-viewer-group"]).await;
        allowed(&b, &alice.token).await;
        let now = json!({"immediately": true});
        a.must(&admin, "POST", ROTATE, now).await;
        let (answer, _) = refused(&b, &alice.token, Instant::now()).await;
        let expected = (401, "TOKEN_INVALID");
        assert_eq!((answer.status, answer.reason()), expected, "{bus}");
        for replica in [&a, &b] {
            let again = settled(replica, &alice.token).await;
            assert_eq!((again.status, again.reason()), expected, "{bus}");
            let next = replica.token(bus).await;
            allowed(&a, &next).await;
            allowed(&b, &next).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_are_asked_at_once_rotate_once() {
    let cluster = Cluster::start();
    let (a, b) = (cluster.replica(&[]).await, cluster.replica(&[]).await);
    let admin = a.token("admin").await;
    let (one, other) = futures::join!(
        a.must(&admin, "POST", ROTATE, json!({})),
        b.must(&admin, "POST", ROTATE, json!({})),
    );
    assert_eq!(one.body, other.body);
    assert_eq!(counted(&cluster), "6|1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_find_the_keys_old_make_the_next_ones_once() {
    const ROUNDS: u32 = 60;
    let cluster = Cluster::start();
    let first = cluster.replica(&[]).await;
    assert_eq!(counted(&cluster), "3|0");
    drop(first);
    let later = Arc::new(Offset::default());
    later.advance(Duration::from_hours(90 * 24));
    let clock = || Clock::Moved(Arc::clone(&later));
    // Each looks as soon as it is up.
    let (a, b) = futures::join!(
        cluster.replica_at(clock(), &[]),
        cluster.replica_at(clock(), &[]),
    );
    let deadline = Instant::now() + PATIENCE;
    while counted(&cluster) == "3|0" {
        assert!(Instant::now() < deadline, "nobody makes the next keys");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for _ in 0..ROUNDS {
        assert_eq!(counted(&cluster), "6|1");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for replica in [&a, &b] {
        let token = replica.token("admin").await;
        assert_eq!(settled(replica, &token).await.status, 200);
        assert_eq!(published(replica).await, 6);
    }
}
