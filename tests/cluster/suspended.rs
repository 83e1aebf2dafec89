//! A replica that was stopped, as a machine that slept, does not go on where it was.

use tokio::time::Instant;

use rustix::process::Signal;
use serde_json::Value;

use crate::process::Home;
use crate::replicas::{BOUND, Cluster, refused, settled};
use crate::rest::Rest;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_slept_does_not_allow_what_it_knew_before() {
    let cluster = Cluster::start();
    let a = cluster.replica(&[]).await;
    let home = Home::empty();
    let listen = format!("127.0.0.1:{}", home.port);
    let settings = cluster.settings(&[("GATEPOST_LISTEN", &listen)]);
    let pairs: Vec<(&str, &str)> = settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let b = home.serve(&pairs);
    let admin = a.token("admin").await;
    let alice = a.person(&admin, "alice", &["midaz-viewer-group"]).await;
    assert!(settled(&b.rest, &alice.token).await.is_yes());

    b.signal(Signal::STOP);
    let path = format!("/v1/groups/midaz-viewer-group/members/{}", alice.id);
    a.must(&admin, "DELETE", &path, Value::Null).await;
    let revoked = Instant::now();
    tokio::time::sleep(BOUND + BOUND / 2).await;

    // These wait in the socket, so that they are the first things it sees when it wakes up: on an
    // open connection, and on new ones.
    let asleep: Vec<_> = [&b.rest, &Rest::new(&b.rest.base), &Rest::new(&b.rest.base)]
        .map(|rest| {
            let (rest, token) = (rest.clone(), alice.token.clone());
            tokio::spawn(async move { rest.may_get(&token).await })
        })
        .into();
    tokio::time::sleep(BOUND / 5).await;
    b.signal(Signal::CONT);
    for answer in asleep {
        let answer = answer.await.unwrap();
        assert!(!answer.is_yes(), "{answer:?}");
        assert!([200, 503].contains(&answer.status), "{answer:?}");
    }
    let (answer, _) = refused(&b.rest, &alice.token, revoked).await;
    assert_eq!((answer.status, answer.reason()), (200, "permission"));
}
