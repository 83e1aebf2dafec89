//! What a replica has read once, it tells to all whom it feeds.

use std::time::Duration;

use futures::future::try_join_all;
use gatepost_client::local::{Ask, Local, LocalConfig, NO_ATTRIBUTES};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::proxy::Proxy;
use crate::replicas::{Cluster, PATIENCE};

/// Those who are fed.
const FED: usize = 50;
const WRITES: usize = 20;
/// What one write may cost: a look at the heads, a reading of the changes, and as much again.
const LOOKS_PER_WRITE: u64 = 4;

const ASK: Ask<'_> = Ask {
    sub: "",
    product: "midaz",
    resource: "accounts",
    action: "get",
    attributes: &NO_ATTRIBUTES,
};

/// Asks until the answer is of this revision, without making anybody look for it.
async fn knows(gate: &Local, token: &str, revision: u64) {
    let deadline = Instant::now() + PATIENCE;
    while gate.may(token, &ASK).await.unwrap().revision < revision {
        assert!(Instant::now() < deadline, "it does not hear of {revision}");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_who_are_fed_cost_the_database_no_more_than_one() {
    let cluster = Cluster::start();
    let wire = Proxy::new(cluster.database_port());
    let url = cluster.database_through(wire.port);
    let writer = cluster.replica(&[]).await;
    // A long bound: beats are one a second.
    let bound = ("GATEPOST_STALENESS_BOUND_MS", "60000");
    let behind = [("GATEPOST_DATABASE_URL", url.as_str()), bound];
    let feeder = cluster.replica(&behind).await;
    let admin = writer.token("admin").await;
    let group = "midaz-viewer-group";
    let alice = writer.person(&admin, "alice", &[group]).await;
    let bob = writer.person(&admin, "bob", &[]).await;
    let role = ["gatepost-sidecar-role"];
    let machine = writer.machine(&admin, "sidecar", &role).await;
    let (id, secret) = (&machine.client_id, &machine.client_secret);
    let config = LocalConfig::new(&feeder.base, id, secret, &["midaz"]);
    let config = config.with_bound(Duration::from_mins(1));
    let fed = (0..FED).map(|_| Local::connect(config.clone()));
    let fed = try_join_all(fed).await.unwrap();
    for gate in &fed {
        knows(gate, &alice.token, 1).await;
    }

    let (before, begun) = (wire.rollbacks(), Instant::now());
    let path = format!("/v1/groups/{group}/members/{}", bob.id);
    for number in 0..WRITES {
        let method = if number % 2 == 0 { "PUT" } else { "DELETE" };
        let written = writer.must(&admin, method, &path, Value::Null).await;
        let revision = written.headers["gatepost-revision"].to_str().unwrap();
        let revision = revision.parse().unwrap();
        for gate in &fed {
            knows(gate, &alice.token, revision).await;
        }
    }
    let looks = wire.rollbacks() - before;
    let most = LOOKS_PER_WRITE * WRITES as u64 + begun.elapsed().as_secs();
    assert!(looks <= most, "{WRITES} writes cost {looks} looks");
}
