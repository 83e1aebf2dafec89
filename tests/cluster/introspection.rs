//! Introspection of access tokens while the database is out of reach.

use std::time::Duration;

use futures::future::join_all;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::proxy::Proxy;
use crate::replicas::{Cluster, PATIENCE};
use crate::rest::{Answer, Rest, Subject};

const QUESTIONS: usize = 50;
/// How long all questions together may take on a busy machine, and shorter than the database
/// would take to be given up.
const SOON: Duration = Duration::from_secs(10);
/// How long is waited for an answer that must not come.
const A_WHILE: Duration = Duration::from_millis(500);

/// The two doors to introspection, for a machine that has its token already.
#[derive(Clone, Copy, Debug)]
enum Door {
    V1,
    OAuth,
}

impl Door {
    async fn ask(self, rest: &Rest, machine: &Subject, secret: &str, token: &str) -> Answer {
        rest.send(self.question(rest, machine, secret, token))
            .await
            .unwrap()
    }

    fn question(self, rest: &Rest, machine: &Subject, secret: &str, token: &str) -> RequestBuilder {
        match self {
            Self::V1 => rest
                .request(&machine.token, "POST", "/v1/login/oauth/introspect")
                .json(&json!({"token": token})),
            Self::OAuth => rest
                .request("", "POST", "/oauth/introspect")
                .basic_auth(&machine.client_id, Some(secret))
                .form(&[("token", token)]),
        }
    }
}

/// Nothing of an access token is looked up: neither who asks, nor what the token is worth.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_token_is_introspected_without_the_database() {
    let cluster = Cluster::start();
    let wire = Proxy::new(cluster.database_port());
    let url = cluster.database_through(wire.port);
    // So long a bound that the replica need not look during the questions.
    let bound = ("GATEPOST_STALENESS_BOUND_MS", "60000");
    let a = cluster.replica(&[bound]).await;
    let b = cluster
        .replica(&[bound, ("GATEPOST_DATABASE_URL", url.as_str())])
        .await;
    let admin = a.token("admin").await;
    let machine = a.machine(&admin, "gate", &[]).await;
    let alice = a.person(&admin, "alice", &[]).await;
    let bob = a.person(&admin, "bob", &[]).await;
    // Shown to B for the first time when the database is gone.
    let carol = a.person(&admin, "carol", &[]).await;
    let refresh = a.sign_in("carol", crate::rest::PASSWORD).await;
    let refresh = refresh.text("refreshToken");
    a.must(&bob.token, "POST", "/v1/logout", json!({})).await;
    let deadline = Instant::now() + PATIENCE;
    for door in [Door::V1, Door::OAuth] {
        loop {
            let of = async |who: &Subject| {
                let secret = &machine.client_secret;
                let answer = door.ask(&b, &machine, secret, &who.token).await;
                answer.body["active"].clone()
            };
            if (of(&alice).await, of(&bob).await) == (json!(true), json!(false)) {
                break;
            }
            assert!(Instant::now() < deadline, "B does not learn of them");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let forged = format!("{}AAAA", alice.token);
    wire.stall();
    let begun = Instant::now();
    for door in [Door::V1, Door::OAuth] {
        for (token, expected) in [
            (&alice.token, true),
            (&carol.token, true),
            (&bob.token, false),
            (&forged, false),
        ] {
            let secret = &machine.client_secret;
            let questions = (0..QUESTIONS).map(|_| door.ask(&b, &machine, secret, token));
            for answer in join_all(questions).await {
                assert_eq!(answer.status, 200, "{door:?}: {answer:?}");
                assert_eq!(answer.body["active"], expected, "{door:?}: {answer:?}");
                let told = answer.body.get("sub").is_some_and(|sub| *sub != json!(""));
                assert_eq!(told, expected, "{door:?}: {answer:?}");
            }
        }
    }
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    // The wire is as dead as this says: what is in the database only is not answered.
    for door in [Door::V1, Door::OAuth] {
        let waits = door.question(&b, &machine, &machine.client_secret, &refresh);
        is_not_told(&b, waits, "a refresh token").await;
    }
    let waits = Door::OAuth.question(&b, &machine, "gps_wrong", &alice.token);
    is_not_told(&b, waits, "a wrong secret").await;
    wire.heal();
}

async fn is_not_told(rest: &Rest, question: RequestBuilder, what: &str) {
    if let Ok(answer) = timeout(A_WHILE, rest.send(question)).await {
        let answer = answer.unwrap();
        assert!(answer.status >= 500, "{what}: {answer:?}");
        assert_eq!(answer.body.get("active"), None::<&Value>, "{what}");
    }
}
