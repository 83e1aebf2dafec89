//! Assertions of clients at several replicas.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::replicas::Cluster;
use crate::rest::{Answer, Rest};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async fn show(rest: &Rest, assertion: &str) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
    ];
    let request = rest.request("", "POST", "/oauth/token").form(&form);
    rest.send(request).await.unwrap()
}

fn signed(key: &Ed25519KeyPair, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&json!({"alg": "EdDSA"})), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// Whoever saw one on the wire cannot show it elsewhere, before or after (RFC 7523 §3).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_assertion_works_once_across_replicas() {
    let cluster = Cluster::start();
    let replicas = [cluster.replica(&[]).await, cluster.replica(&[]).await];
    let admin = replicas[0].token("admin").await;
    let machine = replicas[0].machine(&admin, "robot", &[]).await;
    let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let key = Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap();
    let x = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
    let public = json!({"kty": "OKP", "crv": "Ed25519", "x": x}).to_string();
    let path = format!("/v1/applications/{}/credentials", machine.id);
    let body = json!({"publicKey": public});
    replicas[0].must(&admin, "POST", &path, body).await;
    let assertion = |jti: &str| {
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        let claims = json!({
            "iss": machine.client_id, "sub": machine.client_id, "jti": jti,
            "aud": "https://gatepost.test", "iat": now, "exp": now + 60,
        });
        signed(&key, &claims)
    };
    let one = assertion("1");
    let first = show(&replicas[0], &one).await;
    assert_eq!(first.status, 200, "{first:?}");
    let replayed = show(&replicas[1], &one).await;
    assert_eq!(replayed.status, 401, "{replayed:?}");
    assert_eq!(replayed.body["error"], "invalid_client");
    // Of many at once one is taken.
    let two = assertion("2");
    let answers = join_all((0..8).map(|number| show(&replicas[number % 2], &two))).await;
    let taken = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(taken, 1, "{answers:?}");
}
