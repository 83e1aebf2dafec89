//! Refusals leave a trace in the audit log, and cannot fill it.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Actor, Answer, PASSWORD, World, claims};

const SIGN_IN: &str = "/v1/login/oauth/access_token";
const REFRESH: &str = "/v1/login/oauth/refresh_token";
const VERIFY: &str = "/v1/login/mfa/verify";

/// A world behind a proxy, so that a test can call from anywhere.
async fn world(settings: &[(&str, &str)]) -> World {
    let all = [&[("GATEPOST_TRUSTED_PROXIES", "127.0.0.1/32")], settings].concat();
    World::start_with(&all).await
}

async fn from(world: &World, address: &str, path: &str, body: &Value) -> Answer {
    let request = world.request(Method::POST, path).json(body);
    world.send(request.header("x-forwarded-for", address)).await
}

/// The refusals that the log tells of, for this reason.
async fn told(world: &World, admin: &Actor, reason: ErrorReason) -> Vec<Value> {
    let path = "/v1/audit-events?limit=100&action=attempt.refuse";
    let list = world.get(admin, path).await;
    let items = list.is(200)["items"].as_array().unwrap().clone();
    let is_it = |event: &&Value| event["reason"] == reason.name();
    let events: Vec<Value> = items.iter().filter(is_it).cloned().collect();
    for event in &events {
        assert_eq!(
            (&event["outcome"], &event["actorType"]),
            (&json!("refused"), &json!("anonymous"))
        );
        assert!(!event.to_string().contains(PASSWORD), "{event}");
    }
    events
}

fn password(username: &str, password: &str) -> Value {
    json!({"grantType": "password", "username": username, "password": password})
}

#[tokio::test]
async fn sign_ins_that_are_refused_are_told_once_a_minute() {
    let world = world(&[("GATEPOST_SIGN_INS_PER_MINUTE", "4")]).await;
    let alice = world.person("alice", &[]).await;
    for _ in 0..10 {
        from(&world, "192.0.2.1", SIGN_IN, &password("alice", "wrong")).await;
    }
    let wrong = told(&world, &world.admin, ErrorReason::CredentialsInvalid).await;
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert_eq!(
        (&wrong[0]["targetId"], &wrong[0]["address"]),
        (&json!(alice.id), &json!("192.0.2.1"))
    );
    let often = told(&world, &world.admin, ErrorReason::TooManyAttempts).await;
    assert_eq!(often.len(), 1, "{often:?}");
    assert_eq!(often[0]["targetType"], "call");
    // Another address, and a name that nobody has.
    for _ in 0..2 {
        from(&world, "192.0.2.2", SIGN_IN, &password("nobody", "wrong")).await;
    }
    assert_eq!(
        told(&world, &world.admin, ErrorReason::CredentialsInvalid)
            .await
            .len(),
        2
    );
    if world.counts_by_valkey() {
        // Its windows end by its own clock, which no test can move.
        return;
    }
    world.pass(Duration::from_secs(61)).await;
    from(&world, "192.0.2.1", SIGN_IN, &password("alice", "wrong")).await;
    assert_eq!(
        told(&world, &world.admin, ErrorReason::CredentialsInvalid)
            .await
            .len(),
        3
    );
}

#[tokio::test]
async fn many_addresses_do_not_fill_the_log() {
    let world = world(&[]).await;
    for number in 0..50 {
        let address = format!("198.51.100.{number}");
        let refused = from(&world, &address, SIGN_IN, &password("nobody", "wrong")).await;
        refused.refuses(ErrorReason::CredentialsInvalid);
    }
    assert_eq!(
        told(&world, &world.admin, ErrorReason::CredentialsInvalid)
            .await
            .len(),
        30
    );
    let head = world.get(&world.admin, "/v1/permissions").await;
    let before = head.header("gatepost-revision").to_owned();
    from(
        &world,
        "198.51.100.99",
        SIGN_IN,
        &password("nobody", "wrong"),
    )
    .await;
    let head = world.get(&world.admin, "/v1/permissions").await;
    assert_eq!(
        head.header("gatepost-revision"),
        before,
        "nothing is written"
    );
}

/// Whoever knows a password and guesses at the second factor is slowed, and told of.
#[tokio::test]
async fn guesses_at_a_second_factor_are_told() {
    let world = world(&[]).await;
    let alice = world.person("alice", &[]).await;
    world.enrol(&alice).await;
    let mut reason = String::new();
    for _ in 0..4 {
        let challenge = world.challenge("alice").await;
        for _ in 0..4 {
            let answer = world.meet(&challenge, "passcode", "000000").await;
            answer.reason().clone_into(&mut reason);
        }
    }
    assert_eq!(reason, ErrorReason::TooManyAttempts.name());
    let events = told(&world, &world.admin, ErrorReason::TooManyAttempts).await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(
        (&events[0]["targetType"], &events[0]["targetId"]),
        (&json!("user"), &json!(alice.id))
    );
}

/// Each kind of call has its limit, and says so when it is reached.
#[tokio::test]
async fn every_limit_of_volume_holds_and_is_told() {
    let world = world(&[
        ("GATEPOST_SIGN_INS_PER_MINUTE", "3"),
        ("GATEPOST_REFRESHES_PER_MINUTE", "3"),
        ("GATEPOST_FORGOTTEN_PER_QUARTER_HOUR", "3"),
    ])
    .await;
    let token = json!({"refreshToken": world.admin.refresh_token});
    let forgot = json!({"username": "nobody"});
    let client = json!({"grantType": "client_credentials", "clientId": "x", "clientSecret": "y"});
    let code = json!({"mfaToken": challenge(&world).await, "passcode": "000000"});
    for (number, path, body) in [
        (1, REFRESH, &token),
        (2, "/v1/login/forgot-password", &forgot),
        (3, SIGN_IN, &client),
        (4, VERIFY, &code),
    ] {
        let address = format!("192.0.2.{number}");
        for _ in 0..3 {
            let within = from(&world, &address, path, body).await;
            assert_ne!(
                within.reason(),
                ErrorReason::TooManyAttempts.name(),
                "{path}"
            );
        }
        for _ in 0..2 {
            let beyond = from(&world, &address, path, body).await;
            beyond.refuses(ErrorReason::TooManyAttempts);
            assert!(!beyond.header("retry-after").is_empty(), "{path}");
        }
        let events = told(&world, &world.admin, ErrorReason::TooManyAttempts).await;
        assert_eq!(events.len(), number, "{path}: {events:?}");
        assert_eq!(events[0]["address"], *address, "{path}");
    }
}

/// A challenge of somebody who has a second factor.
async fn challenge(world: &World) -> String {
    let request = |path: String, body: Value| {
        let request = world.request(Method::POST, &path).json(&body);
        request.bearer_auth(&world.admin.token)
    };
    let path = format!("/v1/users/{}/mfa", world.admin.id);
    let set_up = request(format!("{path}/setup"), json!({"mfaType": "app"}));
    let told = world.send(set_up).await;
    let secret = told.is(200)["secret"].as_str().unwrap().to_owned();
    let proof = json!({"mfaType": "app", "passcode": world.passcode(&secret, -1)});
    world
        .send(request(format!("{path}/verify"), proof))
        .await
        .is(200);
    let body = from(world, "192.0.2.9", SIGN_IN, &password("admin", PASSWORD)).await;
    body.is(200)["mfaToken"].as_str().unwrap().to_owned()
}

/// An organization's log tells of what is tried there, and no other's does.
#[tokio::test]
async fn the_log_of_the_organization_that_was_tried_is_told() {
    let world = World::start_multi_tenant().await;
    let (one, other) = (
        world.organization("one").await,
        world.organization("other").await,
    );
    assert_ne!(
        claims(&one.token)["tenantId"],
        claims(&other.token)["tenantId"]
    );
    world
        .post_openly(SIGN_IN, password("admin-of-one", "wrong"))
        .await
        .refuses(ErrorReason::CredentialsInvalid);
    for (admin, count) in [(&one, 1), (&other, 0), (&world.admin, 0)] {
        let events = told(&world, admin, ErrorReason::CredentialsInvalid).await;
        assert_eq!(events.len(), count, "{events:?}");
    }
    let refused = world.request(Method::POST, "/o/other/oauth/token");
    let refused = refused.basic_auth("nobody", Some("secret"));
    let refused = world
        .send(refused.form(&[("grant_type", "client_credentials")]))
        .await;
    assert_eq!(refused.is(401)["error"], "invalid_client");
    for (admin, count) in [(&one, 0), (&other, 1), (&world.admin, 0)] {
        let events = told(&world, admin, ErrorReason::ClientInvalid).await;
        assert_eq!(events.len(), count, "{events:?}");
    }
}
