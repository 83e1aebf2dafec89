//! `SetMfaPolicy`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use super::is_guarded;
use crate::world::World;

const PATH: &str = "/v1/mfa/policies";

async fn set(world: &World, policy: Value) -> crate::world::Answer {
    world.call(&world.admin, Method::PUT, PATH, policy).await
}

#[tokio::test]
async fn it_says_who_needs_a_factor_and_which_count() {
    let world = World::start().await;
    is_guarded(&world, Method::PUT, PATH, json!({"mode": "off"})).await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let off = set(&world, json!({"mode": "off"})).await;
    let event = world.audit(&off, "mfa.set_policy").await;
    assert_eq!(event["before"]["mode"], "optional");
    assert_eq!(event["after"]["mode"], "off");
    assert!(world.knock("alice").await.get("mfaRequired").is_none());
    // What she has does not count any more, so she must set up what does.
    let email = json!({"mode": "required", "methods": ["email", "email"]});
    let email = set(&world, email).await;
    assert_eq!(email.is(200)["methods"], json!(["email"]));
    let knock = world.knock("alice").await;
    assert_eq!(knock["enrolmentRequired"], true);
    assert_eq!(knock["methods"], json!(["email"]));
    let token = knock["mfaToken"].as_str().unwrap();
    let passcode = world.passcode(&app.secret, 0);
    let refused = world.meet(token, "passcode", &passcode).await;
    refused.refuses(ErrorReason::MfaCodeInvalid);
    let away = set(&world, json!({"mode": "inherit"})).await;
    assert_eq!(away.is(200)["mode"], "optional");
    assert_eq!(world.knock("alice").await["methods"], json!(["app"]));
}

#[tokio::test]
async fn it_names_what_there_is() {
    let world = World::start().await;
    let unknown = set(&world, json!({"group": "nobodies", "mode": "off"})).await;
    unknown.refuses(ErrorReason::NotFound);
    for wrong in [
        json!({}),
        json!({"mode": ""}),
        json!({"mode": "sometimes"}),
        json!({"mode": "off", "methods": ["fax"]}),
    ] {
        set(&world, wrong)
            .await
            .refuses(ErrorReason::InvalidRequest);
    }
}
