//! A Gatepost that is gone, slow, or asked too much: nobody waits for long, and nobody passes.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::select_all;
use gatepost_client::guard::Guard;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::guard_at;
use super::product::{FACES, Face, GET, Product, Said};
use super::wire::listen;
use crate::servers::free_port;
use crate::world::World;

/// Who waits for longer has not been answered at once, even on a busy machine.
const SOON: Duration = Duration::from_secs(3);

#[track_caller]
fn is_unavailable(said: &Said, face: Face) {
    let expected = (503, "DECISION_UNAVAILABLE");
    assert_eq!((said.status, said.reason.as_str()), expected, "{said:?}");
    let retry = match face {
        Face::Http => "\"retry-after\": \"1\"",
        Face::Grpc => "retry_after_seconds",
    };
    assert!(said.text.contains(retry), "{said:?}");
}

/// Takes connections, and says nothing.
async fn silence() -> (String, tokio::task::JoinHandle<()>) {
    let listener: TcpListener = listen().await;
    let url = format!("http://{}", listener.local_addr().unwrap());
    let taking = tokio::spawn(async move {
        let mut taken = Vec::new();
        while let Ok(connection) = listener.accept().await {
            taken.push(connection);
        }
    });
    (url, taking)
}

#[tokio::test]
async fn a_gatepost_that_is_not_there_is_found_when_it_comes() {
    let address = format!("127.0.0.1:{}", free_port());
    let guard = guard_at(&format!("http://{address}"));
    let product = Product::start(&guard).await;
    for face in FACES {
        let began = Instant::now();
        is_unavailable(&product.call(face, GET, &["Bearer a.b.c"]).await, face);
        assert!(began.elapsed() < SOON);
    }
    let world = World::start_with(&[("GATEPOST_LISTEN", &address)]).await;
    let token = world.admin.token.clone();
    for face in FACES {
        let said = product.call_as(face, GET, &token).await;
        assert_eq!(said.status, 200, "{said:?}");
    }
    world.close().await;
    for face in FACES {
        is_unavailable(&product.call_as(face, GET, &token).await, face);
    }
    let world = World::start_with(&[("GATEPOST_LISTEN", &address)]).await;
    for face in FACES {
        let said = product.call_as(face, GET, &world.admin.token).await;
        assert_eq!(said.status, 200, "{said:?}");
    }
}

#[tokio::test]
async fn nobody_waits_longer_than_the_deadline() {
    let (url, _taking) = silence().await;
    for deadline in [None, Some(Duration::from_millis(50))] {
        let client = gatepost_client::Client::lazy(&url).unwrap();
        let guard = Guard::new(client, "midaz");
        let guard = match deadline {
            Some(deadline) => guard.deadline(deadline),
            None => guard,
        };
        let product = Product::start(&guard).await;
        for face in FACES {
            let began = Instant::now();
            is_unavailable(&product.call(face, GET, &["Bearer a.b.c"]).await, face);
            let waited = began.elapsed();
            assert!(waited >= deadline.unwrap_or_default(), "{waited:?}");
            assert!(waited < SOON, "{waited:?}");
        }
        assert_eq!(guard.unavailable(), 2);
    }
}

#[tokio::test]
async fn a_check_too_many_is_refused_at_once() {
    let (url, taking) = silence().await;
    for face in FACES {
        let guard = guard_at(&url).concurrent(2);
        let product = Product::start(&guard).await;
        let call = || product.call(face, GET, &["Bearer a.b.c"]).boxed();
        let began = Instant::now();
        let (said, _, others) = select_all([call(), call(), call()]).await;
        is_unavailable(&said, face);
        assert!(began.elapsed() < SOON);
        let answered = tokio::time::timeout(SOON / 10, select_all(others)).await;
        assert!(answered.is_err(), "{face:?}: those who had room wait");
    }
    taking.abort();
}
