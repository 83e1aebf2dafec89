//! Asking for what is not there is no lever: it costs one shared look, and no longer than 50 ms.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::iter;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::proxy::Proxy;
use crate::replicas::{Cluster, Replica, settled};

/// Questions of one flood.
const QUESTIONS: usize = 1_000;
/// How many of them are under way at once.
const AT_ONCE: usize = 250;
/// Looks at the database that such a flood may cause: a dozen are usual, and on a machine that is
/// much faster a few more fit into the time.
const LOOKS_MAX: u64 = QUESTIONS as u64 / 10;

fn question(least: u64) -> Value {
    json!({
        "product": "midaz", "resource": "accounts", "action": "get",
        "minRevision": least.to_string(),
    })
}

struct Scene {
    _cluster: Cluster,
    wire: Proxy,
    replica: Replica,
    admin: String,
    head: u64,
}

impl Scene {
    async fn new() -> Self {
        let cluster = Cluster::start();
        let wire = Proxy::new(cluster.database_port());
        let url = cluster.database_through(wire.port);
        // A long bound: the replica's own beat is one round a second.
        let behind = [
            ("GATEPOST_DATABASE_URL", url.as_str()),
            ("GATEPOST_STALENESS_BOUND_MS", "60000"),
        ];
        let replica = cluster.replica(&behind).await;
        let admin = replica.token("admin").await;
        let head = settled(&replica, &admin).await.revision();
        Self {
            _cluster: cluster,
            wire,
            replica,
            admin,
            head,
        }
    }

    async fn asks(&self, least: u64) -> (u16, String, Duration) {
        let begun = Instant::now();
        let path = "/v1/authorize";
        let answer = self
            .replica
            .call(&self.admin, "POST", path, question(least))
            .await;
        (answer.status, answer.reason().to_owned(), begun.elapsed())
    }

    /// A flood of questions for revisions that do not exist; answers how often the replica looked.
    async fn flood(&self, least: impl Fn(usize) -> u64) -> u64 {
        let before = self.wire.rollbacks();
        let calls = (0..QUESTIONS).map(|number| self.asks(least(number)));
        let calls = iter(calls).buffer_unordered(AT_ONCE);
        calls
            .for_each(|(status, reason, _)| async move {
                assert_eq!((status, reason.as_str()), (503, "REVISION_AHEAD"));
            })
            .await;
        self.wire.rollbacks() - before
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_for_revisions_that_are_not_there_shares_its_looks() {
    let scene = Scene::new().await;
    let head = scene.head;
    let same = scene.flood(|_| head + 1_000).await;
    assert!(same <= LOOKS_MAX, "{QUESTIONS} questions cost {same} looks");
    // That each asks for another one makes no difference.
    let each = scene.flood(|number| head + 1_000 + number as u64).await;
    assert!(each <= LOOKS_MAX, "{QUESTIONS} questions cost {each} looks");
    let most = scene.flood(|_| u64::MAX).await;
    assert!(most <= LOOKS_MAX, "{QUESTIONS} questions cost {most} looks");
    // Whoever asks for what is there is answered meanwhile, and afterwards.
    assert_eq!(scene.asks(head).await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_are_answered_during_a_flood() {
    let scene = Scene::new().await;
    let head = scene.head;
    let others = async {
        for _ in 0..50 {
            let (status, reason, took) = scene.asks(head).await;
            assert_eq!((status, reason.as_str()), (200, "granted"));
            assert!(took < Duration::from_secs(2), "{took:?}");
        }
    };
    let ((), looks) = futures::join!(others, scene.flood(|_| head + 1_000));
    assert!(
        looks <= LOOKS_MAX,
        "{QUESTIONS} questions cost {looks} looks"
    );
}

/// The database does not answer at all: then it is the 50 ms that end the wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_longer_than_fifty_milliseconds() {
    const LEAST: Duration = Duration::from_millis(45);
    const MOST: Duration = Duration::from_millis(400);
    let scene = Scene::new().await;
    scene.wire.stall();
    let mut waits = Vec::new();
    for _ in 0..11 {
        let (status, reason, took) = scene.asks(scene.head + 1_000).await;
        assert_eq!((status, reason.as_str()), (503, "REVISION_AHEAD"));
        waits.push(took);
    }
    waits.sort_unstable();
    let median = waits[waits.len() / 2];
    assert!((LEAST..MOST).contains(&median), "{waits:?}");
    // What is known is still answered, within the bound.
    let (status, _, took) = scene.asks(scene.head).await;
    assert_eq!(status, 200);
    assert!(took < MOST, "{took:?}");
    scene.wire.heal();
}
