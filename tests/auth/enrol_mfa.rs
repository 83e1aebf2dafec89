//! `EnrolMfa`.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use crate::identity::group;
use crate::world::{World, claims, texts};

const ENROL: &str = "/v1/login/mfa/enrol";

/// Everybody must have a second factor of these.
pub async fn require(world: &World, methods: Value) {
    let policy = json!({"mode": "required", "methods": methods});
    let set = world.call(&world.admin, Method::PUT, "/v1/mfa/policies", policy);
    set.await.is(200);
}

#[tokio::test]
async fn who_must_have_a_factor_sets_one_up_and_is_in() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    require(&world, json!([])).await;
    let body = world.knock("alice").await;
    assert_eq!(body["enrolmentRequired"], true);
    assert_eq!(body["methods"], json!(["app", "email", "sms"]));
    assert!(body.get("accessToken").is_none() && body.get("refreshToken").is_none());
    let token = body["mfaToken"].as_str().unwrap();
    // It is good for nothing else.
    let early = world.meet(token, "passcode", "123456").await;
    early.refuses(ErrorReason::MfaCodeInvalid);
    let send = json!({"mfaToken": token, "mfaType": "email"});
    let send = world.post_openly("/v1/login/mfa/challenge", send).await;
    send.refuses(ErrorReason::MfaTokenInvalid);
    let bearer = world
        .request(Method::GET, "/v1/userinfo")
        .bearer_auth(token);
    world.send(bearer).await.refuses(ErrorReason::TokenInvalid);
    let set_up = json!({"mfaToken": token, "mfaType": "app"});
    let told = world.post_openly(ENROL, set_up.clone()).await;
    let secret = told.is(200)["secret"].as_str().unwrap().to_owned();
    assert_eq!(texts(&told.body["recoveryCodes"]).len(), 10);
    assert_eq!(told.body["enabled"], false);
    let codes = texts(&told.body["recoveryCodes"]);
    let recovery = world.meet(token, "recoveryCode", &codes[0]).await;
    recovery.refuses(ErrorReason::MfaCodeInvalid);
    let passcode = world.passcode(&secret, 0);
    let answer = world.meet(token, "passcode", &passcode).await;
    let token_of = claims(answer.is(200)["accessToken"].as_str().unwrap());
    assert_eq!(token_of["sub"], *alice.id);
    assert_eq!(token_of["acr"], "urn:gatepost:acr:2");
    let over = world.post_openly(ENROL, set_up).await;
    over.refuses(ErrorReason::MfaTokenInvalid);
    assert_eq!(world.knock("alice").await["enrolmentRequired"], false);
}

#[tokio::test]
async fn an_old_challenge_adds_no_factor_to_those_there_are() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    require(&world, json!([])).await;
    let (first, second) = (
        world.challenge("alice").await,
        world.challenge("alice").await,
    );
    let set_up = json!({"mfaToken": second, "mfaType": "app"});
    let told = world.post_openly(ENROL, set_up.clone()).await;
    let secret = told.is(200)["secret"].as_str().unwrap().to_owned();
    let passcode = world.passcode(&secret, 0);
    world.meet(&first, "passcode", &passcode).await.is(200);
    world
        .post_openly(ENROL, set_up)
        .await
        .refuses(ErrorReason::MfaTokenInvalid);
    let later = world.passcode(&secret, 1);
    let later = world.meet(&second, "passcode", &later).await;
    later.refuses(ErrorReason::MfaTokenInvalid);
    let path = format!("/v1/users/{}/mfa", alice.id);
    assert_eq!(
        world.get(&alice, &path).await.is(200)["methods"],
        json!(["app"])
    );
}

#[tokio::test]
async fn a_challenge_to_enrol_waits_longer_and_not_for_ever() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    require(&world, json!(["app"])).await;
    let token = world.challenge("alice").await;
    let set_up = |kind: &str| json!({"mfaToken": token, "mfaType": kind});
    world.pass(Duration::from_mins(10)).await;
    world.post_openly(ENROL, set_up("app")).await.is(200);
    let other = world.post_openly(ENROL, set_up("email")).await;
    other.refuses(ErrorReason::FactorUnavailable);
    world.pass(Duration::from_mins(5)).await;
    let late = world.post_openly(ENROL, set_up("app")).await;
    late.refuses(ErrorReason::MfaTokenInvalid);
    let sign_in = json!({"mfaToken": "gpm_x", "mfaType": "app"});
    let forged = world.post_openly(ENROL, sign_in).await;
    forged.refuses(ErrorReason::MfaTokenInvalid);
}

#[tokio::test]
async fn a_challenge_of_a_sign_in_enrols_nobody() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    world.enrol(&alice).await;
    let token = world.challenge("alice").await;
    let set_up = json!({"mfaToken": token, "mfaType": "app"});
    let refused = world.post_openly(ENROL, set_up).await;
    refused.refuses(ErrorReason::MfaTokenInvalid);
}

#[tokio::test]
async fn members_of_a_group_and_of_those_in_it_may_have_to() {
    let world = World::start().await;
    let inner = group(&world, &world.admin, "tellers", &[]).await;
    group(&world, &world.admin, "staff", &[&inner]).await;
    world.person("alice", &["tellers"]).await;
    world.person("bob", &[]).await;
    let policy = json!({"group": "staff", "mode": "required", "methods": ["app"]});
    let set = world.call(&world.admin, Method::PUT, "/v1/mfa/policies", policy);
    assert_eq!(set.await.is(200)["group"], "staff");
    assert_eq!(world.knock("alice").await["methods"], json!(["app"]));
    assert!(world.knock("bob").await.get("mfaRequired").is_none());
    // What the organization says does not weaken it.
    let off = json!({"mode": "off"});
    let set = world.call(&world.admin, Method::PUT, "/v1/mfa/policies", off);
    set.await.is(200);
    assert_eq!(world.knock("alice").await["mfaRequired"], true);
}
