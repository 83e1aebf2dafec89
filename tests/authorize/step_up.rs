//! Permissions that ask for a newer or stronger sign-in.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{World, claims};

const TWO: &str = "urn:gatepost:acr:2";

async fn publish(world: &World, permission: Value) -> crate::world::Answer {
    let mut permission = permission;
    permission["resource"] = json!("payments");
    permission["roles"] = json!(["payer"]);
    let plain = json!({"resource": "payments", "action": "get", "roles": ["payer"]});
    let manifest = json!({
        "version": "1", "permissions": [permission, plain],
        "roles": [{"name": "payer", "everyone": true, "machines": []}],
    });
    let path = "/v1/declarations/treasury";
    world.call(&world.admin, Method::PUT, path, manifest).await
}

#[tokio::test]
async fn what_asks_for_two_factors_is_answered_with_what_to_ask_for() {
    let world = World::start().await;
    publish(&world, json!({"action": "post", "acr": TWO}))
        .await
        .is(200);
    let shown = world.get(&world.admin, "/v1/declarations/treasury").await;
    let shown = &shown.is(200)["manifest"]["permissions"];
    assert!(shown.to_string().contains(TWO), "{shown}");
    let weak = world.person("alice", &[]).await;
    let answer = world.authorize(&weak, "treasury", "payments", "post").await;
    let body = answer.is(200);
    assert_eq!(body["authorized"], false);
    assert_eq!(body["reason"], "stronger_sign_in");
    assert_eq!(body["acr"], TWO);
    assert!(body.get("maxAgeSeconds").is_none());
    // Without a product, and for what asks for nothing.
    let any = world.authorize(&weak, "", "payments", "post").await;
    assert_eq!(any.is(200)["reason"], "stronger_sign_in");
    assert!(world.may(&weak, "treasury", "payments", "get").await);
    let app = world.enrol(&weak).await;
    let strong = world.sign_in_twice("alice", &app.recovery_codes[0]).await;
    let answer = world
        .authorize(&strong, "treasury", "payments", "post")
        .await;
    assert_eq!(answer.is(200)["authorized"], true);
    assert!(answer.body.get("acr").is_none());
    // Not what nobody grants, however she signs in.
    let none = world
        .authorize(&weak, "treasury", "payments", "delete")
        .await;
    assert_ne!(none.is(200)["reason"], "stronger_sign_in");
}

#[tokio::test]
async fn a_sign_in_grows_too_old() {
    let world = World::start().await;
    let permission = json!({"action": "post", "maxAgeSeconds": 300});
    publish(&world, permission).await.is(200);
    let alice = world.person("alice", &[]).await;
    assert!(world.may(&alice, "treasury", "payments", "post").await);
    world.pass(Duration::from_secs(301)).await;
    let answer = world
        .authorize(&alice, "treasury", "payments", "post")
        .await;
    assert_eq!(answer.is(200)["reason"], "stronger_sign_in");
    assert_eq!(answer.body["maxAgeSeconds"], 300);
    assert_eq!(answer.body["acr"], "urn:gatepost:acr:1");
    // A refresh is no sign-in.
    let refresh = json!({"refreshToken": alice.refresh_token});
    let next = world
        .post_openly("/v1/login/oauth/refresh_token", refresh)
        .await;
    let token = next.is(200)["accessToken"].as_str().unwrap().to_owned();
    assert_eq!(
        claims(&token)["auth_time"],
        claims(&alice.token)["auth_time"]
    );
    let refreshed = crate::world::Actor { token, ..alice };
    assert!(!world.may(&refreshed, "treasury", "payments", "post").await);
    let anew = world.sign_in("alice").await;
    assert!(world.may(&anew, "treasury", "payments", "post").await);
}

#[tokio::test]
async fn machines_and_others_are_not_asked_and_each_face_is() {
    let world = World::start().await;
    publish(&world, json!({"action": "post", "acr": TWO}))
        .await
        .is(200);
    let machine = world.machine("treasury", &["payer"]).await;
    assert!(world.may(&machine, "treasury", "payments", "post").await);
    let alice = world.person("alice", &[]).await;
    let about = json!({
        "sub": format!("default/{}", alice.id), "product": "treasury", "resource": "payments",
        "action": "post",
    });
    let other = world.post(&world.admin, "/v1/authorize", about).await;
    assert_eq!(
        other.is(200)["authorized"],
        true,
        "nobody knows how she will sign in"
    );
    let question = json!({"resource": "payments", "action": "post"});
    let batch = json!({"product": "treasury", "questions": [question]});
    let answer = world.post(&alice, "/v1/authorize:batch", batch).await;
    let one = &answer.is(200)["answers"][0];
    assert_eq!(
        (&one["authorized"], &one["acr"]),
        (&json!(false), &json!(TWO))
    );
    let evaluation = json!({
        "subject": {"type": "user", "id": alice.id},
        "resource": {"type": "treasury/payments", "id": "p-1"}, "action": {"name": "post"},
    });
    let answer = world
        .post(&alice, "/access/v1/evaluation", evaluation)
        .await;
    let context = &answer.is(200)["context"];
    assert_eq!(
        (&context["reason"], &context["acr"]),
        (&json!("stronger_sign_in"), &json!(TWO))
    );
}

#[tokio::test]
async fn a_manifest_asks_for_what_there_is() {
    let world = World::start().await;
    for wrong in [
        json!({"action": "post", "acr": "urn:other"}),
        json!({"action": "*", "acr": TWO}),
    ] {
        let refused = publish(&world, wrong).await;
        refused.refuses(ErrorReason::ManifestInvalid);
    }
}
