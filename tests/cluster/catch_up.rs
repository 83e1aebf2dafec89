//! A replica that is behind catches up when it must, and never polls for it more than it must.

use std::time::Duration;

use tokio::time::Instant;

use futures::future::join_all;
use serde_json::json;

use crate::proxy::Proxy;
use crate::replicas::{Cluster, settled};

/// Tokens that are carried from one replica to the other.
const TOKENS: u32 = 50;
/// How often one of them may meet a machine that is busy with something else. A replica that waited
/// for its own beat would be late many times for each.
const LATE_MAX: u32 = 20;
/// Calls that ask for a revision that does not exist.
const CALLS: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_one_replica_has_just_issued_works_on_the_other() {
    let cluster = Cluster::start();
    // Polling alone would find a new user within a second at the best.
    let slow = [("GATEPOST_STALENESS_BOUND_MS", "60000")];
    let (a, b) = (cluster.replica(&slow).await, cluster.replica(&slow).await);
    cluster.valkey.stop();
    let admin = a.token("admin").await;
    assert!(settled(&b, &admin).await.is_yes());
    let mut late = 0;
    for number in 0..TOKENS {
        let name = format!("newcomer-{number}");
        let subject = if number % 2 == 0 {
            a.person(&admin, &name, &["midaz-viewer-group"]).await
        } else {
            a.machine(&admin, &name, &["midaz-editor-role"]).await
        };
        let mut answer = b.may_get(&subject.token).await;
        while answer.reason() == "REVISION_AHEAD" && late < LATE_MAX {
            // A machine too busy to look within the 50 ms says so; it never says no.
            late += 1;
            answer = b.may_get(&subject.token).await;
        }
        assert!(answer.is_yes(), "{name}, after {late} late: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_for_a_revision_that_is_not_there_is_refused_soon_and_costs_little() {
    let cluster = Cluster::start();
    let proxy = Proxy::new(cluster.database_port());
    let url = cluster.database_through(proxy.port);
    // A long bound: the replica's own beat is one round a second.
    let behind = [
        ("GATEPOST_DATABASE_URL", url.as_str()),
        ("GATEPOST_STALENESS_BOUND_MS", "60000"),
    ];
    let replica = cluster.replica(&behind).await;
    let admin = replica.token("admin").await;
    let head = replica.may_get(&admin).await.revision();
    let question = json!({
        "product": "midaz",
        "resource": "accounts",
        "action": "get",
        "minRevision": (head + 1000).to_string(),
    });

    let (before, begun) = (proxy.rollbacks(), Instant::now());
    let one = replica
        .call(&admin, "POST", "/v1/authorize", question.clone())
        .await;
    let took = begun.elapsed();
    assert_eq!((one.status, one.reason()), (503, "REVISION_AHEAD"));
    assert!(took < Duration::from_millis(500), "{took:?}");
    let asked = proxy.rollbacks() - before;
    assert!((1..=3).contains(&asked), "one call cost {asked} questions");

    let (before, begun) = (proxy.rollbacks(), Instant::now());
    let calls = (0..CALLS).map(|_| replica.call(&admin, "POST", "/v1/authorize", question.clone()));
    for answer in join_all(calls).await {
        assert_eq!((answer.status, answer.reason()), (503, "REVISION_AHEAD"));
    }
    let (asked, took) = (proxy.rollbacks() - before, begun.elapsed());
    assert!(took < Duration::from_secs(5), "{took:?}");
    let most = CALLS as u64 / 4;
    assert!(asked <= most, "{CALLS} calls cost {asked} questions");
}
