//! Limits of sign-in are no limits of decisions.

use futures::future::join_all;

use crate::replicas::Cluster;
use crate::rest::PASSWORD;

const QUESTIONS: usize = 200;

/// However many sign-ins an address may try, and whether they can be counted or not: decisions go
/// on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decisions_have_no_limit_that_is_shared() {
    let cluster = Cluster::start();
    let a = cluster.replica(&[]).await;
    let admin = a.token("admin").await;
    let alice = a.person(&admin, "alice", &["midaz-viewer-group"]).await;
    let b = cluster
        .replica(&[("GATEPOST_SIGN_INS_PER_MINUTE", "1")])
        .await;
    // The limit is there, and used up.
    let tries = join_all((0..3).map(|_| b.sign_in("alice", PASSWORD))).await;
    let slowed = tries
        .iter()
        .filter(|answer| answer.reason() == "TOO_MANY_ATTEMPTS");
    assert!(slowed.count() >= 2);
    for who_counts in ["Valkey", "nobody"] {
        if who_counts == "nobody" {
            cluster.valkey.stop();
        }
        let answers = join_all((0..QUESTIONS).map(|_| b.may_get(&alice.token))).await;
        for answer in answers {
            assert!(answer.is_yes(), "{who_counts}: {answer:?}");
        }
    }
}
