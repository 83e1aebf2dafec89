//! A replica that cannot reach the database says so, and says nothing else.

use std::time::Duration;

use tokio::time::Instant;

use futures::future::join_all;
use gatepost_client::{Client, Error};
use serde_json::{Value, json};

use crate::proxy::Proxy;
use crate::replicas::{BOUND, Cluster, PATIENCE, Replica, allowed, refused, settled};
use crate::rest::Subject;

/// A replica behind a wire, another one, and somebody who is allowed by both.
struct Scene {
    _cluster: Cluster,
    proxy: Proxy,
    a: Replica,
    b: Replica,
    admin: String,
    alice: Subject,
    bob: Subject,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_whose_database_is_silent_refuses_after_the_bound_and_recovers() {
    let scene = Scene::new().await;
    scene.proxy.stall();
    scene.stays_safe().await;
    scene.proxy.heal();
    scene.recovers().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_whose_database_is_gone_refuses_after_the_bound_and_recovers() {
    let scene = Scene::new().await;
    scene.proxy.refuse();
    scene.stays_safe().await;
    scene.proxy.heal();
    scene.recovers().await;
}

/// The machine of the database is lost and another one takes its address: old connections stay
/// silent for ever. More time passes than the replica has connections to lose.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_recovers_when_its_old_connections_never_answer_again() {
    let scene = Scene::new().await;
    // As many connections as it ever opens.
    let reads = (0..40).map(|_| scene.b.must(&scene.admin, "GET", "/v1/users", Value::Null));
    join_all(reads).await;
    let groups = (0..20).map(|number| json!({"name": format!("group-{number}")}));
    let writes = groups.map(|group| scene.b.must(&scene.admin, "POST", "/v1/groups", group));
    join_all(writes).await;
    scene.proxy.stall();
    scene.stays_safe().await;
    tokio::time::sleep(BOUND * 10).await;
    scene.proxy.fail_over();
    scene.recovers().await;
}

impl Scene {
    async fn new() -> Self {
        let cluster = Cluster::start();
        let proxy = Proxy::new(cluster.database_port());
        let a = cluster.replica(&[]).await;
        let url = cluster.database_through(proxy.port);
        let b = cluster.replica(&[("GATEPOST_DATABASE_URL", &url)]).await;
        let admin = a.token("admin").await;
        let alice = a.person(&admin, "alice", &["midaz-viewer-group"]).await;
        let bob = a.person(&admin, "bob", &["midaz-viewer-group"]).await;
        for subject in [&alice, &bob] {
            assert!(settled(&b, &subject.token).await.is_yes());
        }
        Self {
            _cluster: cluster,
            proxy,
            a,
            b,
            admin,
            alice,
            bob,
        }
    }

    /// From now on B learns nothing: it must refuse within the bound, and go on refusing.
    async fn stays_safe(&self) {
        let cut = Instant::now();
        let path = format!("/v1/groups/midaz-viewer-group/members/{}", self.alice.id);
        self.a.must(&self.admin, "DELETE", &path, Value::Null).await;
        loop {
            let answer = self.b.may_get(&self.alice.token).await;
            let after = answer.sent.saturating_duration_since(cut);
            if !answer.is_yes() {
                assert_eq!((answer.status, answer.reason()), (503, "STALE"));
                assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
                break;
            }
            assert!(after <= BOUND, "allowed {after:?} after the cut");
        }
        assert!(self.a.may_get(&self.bob.token).await.is_yes());
        // The system organization, which it goes by, may have been proven a little later.
        while self.ready(&self.b).await != 503 {
            assert!(cut.elapsed() < PATIENCE, "it says that it is ready");
        }
        let client = Client::connect(&self.b.base).await.unwrap();
        let client = client.with_token(&self.alice.token).unwrap();
        let refusal = client.may("midaz", "accounts", "get").await.unwrap_err();
        let Error::Refused(status) = refusal else {
            panic!("{refusal}");
        };
        assert_eq!(status.code(), tonic::Code::Unavailable);
        let deadline = Instant::now() + BOUND;
        while Instant::now() < deadline {
            let answer = self.b.may_get(&self.bob.token).await;
            assert_eq!((answer.status, answer.reason()), (503, "STALE"));
        }
    }

    async fn recovers(&self) {
        let (answer, _) = refused(&self.b, &self.alice.token, Instant::now()).await;
        assert_eq!((answer.status, answer.reason()), (200, "permission"));
        assert!(settled(&self.b, &self.bob.token).await.is_yes());
        // It can write again, too.
        let deadline = Instant::now() + PATIENCE;
        loop {
            let path = format!("/v1/groups/midaz-viewer-group/members/{}", self.alice.id);
            let answer = self.b.call(&self.admin, "PUT", &path, Value::Null).await;
            if answer.status < 300 {
                break;
            }
            assert_eq!(answer.status, 503, "{answer:?}");
            assert!(Instant::now() < deadline, "it cannot write: {answer:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        allowed(&self.b, &self.alice.token).await;
        assert_eq!(self.ready(&self.b).await, 200);
    }

    async fn ready(&self, replica: &Replica) -> u16 {
        replica.call("", "GET", "/readyz", Value::Null).await.status
    }
}
