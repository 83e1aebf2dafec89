//! `RotateSigningKeys`, and the turns that keys take by themselves.

use std::collections::BTreeSet;
use std::time::Duration;

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use super::{application, is_guarded};
use crate::world::{Actor, World, header};

const PATH: &str = "/v1/signing-keys:rotate";
/// Whoever keeps the public keys may keep them so long, replicas may be three bounds apart, and a
/// second has begun.
const NOTICE: Duration = Duration::from_secs(300 + 3 * 10 + 1);
/// Half a minute before the new keys' turn.
const ALMOST: Duration = Duration::from_secs(300 + 1);
const DAY: Duration = Duration::from_hours(24);

/// The ids of the published keys.
async fn published(world: &World) -> BTreeSet<String> {
    let request = world.request(Method::GET, "/.well-known/jwks.json");
    let answer = world.send(request).await;
    let keys = answer.is(200)["keys"].as_array().unwrap();
    let kids = keys
        .iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned());
    kids.collect()
}

/// Waits until so many keys are published, and none of `gone`: housekeeping begins when the server
/// does.
async fn until_published(world: &World, count: usize, gone: &BTreeSet<String>) -> BTreeSet<String> {
    for _ in 0..400 {
        let kids = published(world).await;
        if kids.len() == count && kids.is_disjoint(gone) {
            return kids;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("there never are {count} keys: {:?}", published(world).await);
}

fn kid(token: &str) -> String {
    header(token)["kid"].as_str().unwrap().to_owned()
}

fn count(items: &Value, stage: &str) -> usize {
    let items = items["items"].as_array().unwrap().iter();
    items.filter(|key| key["stage"] == *stage).count()
}

async fn works(world: &World, token: &str) {
    let request = world.request(Method::GET, "/v1/permissions");
    world.send(request.bearer_auth(token)).await.is(200);
}

async fn is_refused(world: &World, token: &str, reason: ErrorReason) {
    let request = world.request(Method::GET, "/v1/permissions");
    let answer = world.send(request.bearer_auth(token)).await;
    answer.refuses(reason);
}

/// Machines that chose one algorithm each, ready to sign in.
async fn machines(world: &World) -> Vec<Value> {
    let mut made = Vec::new();
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let body = json!({"name": format!("worker {algorithm}"), "tokenAlgorithm": algorithm});
        made.push(application(world, &world.admin, body).await);
    }
    made
}

/// A new token of each machine.
async fn tokens(world: &World, machines: &[Value]) -> Vec<String> {
    let mut tokens = Vec::new();
    for machine in machines {
        let body = json!({
            "grantType": "client_credentials",
            "clientId": machine["clientId"], "clientSecret": machine["clientSecret"],
        });
        let answer = world
            .post_openly("/v1/login/oauth/access_token", body)
            .await;
        tokens.push(answer.is(200)["accessToken"].as_str().unwrap().to_owned());
    }
    tokens
}

fn kids(tokens: &[String]) -> BTreeSet<String> {
    tokens.iter().map(|token| kid(token)).collect()
}

#[tokio::test]
async fn the_next_keys_are_published_first_and_sign_later() {
    let world = World::start_multi_tenant().await;
    let machines = machines(&world).await;
    let first = published(&world).await;
    let old = tokens(&world, &machines).await;
    assert_eq!(kids(&old), first);

    let answer = world.post(&world.admin, PATH, json!({})).await;
    let items = answer.is(200);
    assert_eq!((count(items, "upcoming"), count(items, "signing")), (3, 3));
    for key in items["items"].as_array().unwrap() {
        let (upcoming, retires) = (key["stage"] == "upcoming", !key["retiresAt"].is_null());
        assert_eq!(upcoming, !retires, "{key}");
    }
    let event = world.audit(&answer, "signing_key.rotate").await;
    assert_eq!(event["after"], answer.body);
    assert_eq!(event["before"]["items"].as_array().unwrap().len(), 3);
    let all = published(&world).await;
    assert!(all.is_superset(&first) && all.len() == 6, "{all:?}");
    assert_eq!(kids(&tokens(&world, &machines).await), first);
    let again = world.post(&world.admin, PATH, json!({})).await;
    assert_eq!(again.is(200), &answer.body, "they are on their way already");
    assert_eq!(again.revision(), answer.revision());

    world.pass(ALMOST).await;
    assert_eq!(kids(&tokens(&world, &machines).await), first, "not yet");
    world.pass(Duration::from_secs(31)).await;
    let new = tokens(&world, &machines).await;
    assert_eq!(kids(&new), &all - &first);
    for token in old.iter().chain(&new) {
        works(&world, token).await;
    }
    let list = world.get(&world.admin, "/v1/signing-keys").await;
    let list = list.is(200);
    assert_eq!((count(list, "signing"), count(list, "retired")), (3, 3));
}

#[tokio::test]
async fn a_token_from_before_is_good_until_it_expires_and_its_key_goes_after_it() {
    let mut world = World::start().await;
    let first = published(&world).await;
    world.post(&world.admin, PATH, json!({})).await.is(200);
    world.pass(ALMOST).await;
    // One of the last that the first keys sign; it lives for an hour.
    let last = world.sign_in("admin").await;
    assert!(first.contains(&kid(&last.token)));
    world.pass(Duration::from_secs(3_570)).await;
    world.restart(&[]).await;
    works(&world, &last.token).await;
    assert_eq!(published(&world).await.len(), 6);
    world.pass(Duration::from_secs(31)).await;
    is_refused(&world, &last.token, ErrorReason::TokenExpired).await;
    // The last may be signed two minutes late.
    world.pass(Duration::from_secs(30 + 120)).await;
    world.restart(&[]).await;
    let left = until_published(&world, 3, &first).await;
    is_refused(&world, &last.token, ErrorReason::TokenInvalid).await;
    let admin = world.sign_in("admin").await;
    assert!(left.contains(&kid(&admin.token)));
}

#[tokio::test]
async fn immediately_ends_every_token_and_no_session() {
    let world = World::start_multi_tenant().await;
    let mut seen = published(&world).await;
    world.post(&world.admin, PATH, json!({})).await.is(200);
    seen.extend(published(&world).await);
    let mut admin: Actor = world.admin.clone();
    for _ in 0..3 {
        let answer = world.post(&admin, PATH, json!({"immediately": true})).await;
        assert_eq!(count(answer.is(200), "signing"), 3);
        assert_eq!(answer.body["items"].as_array().unwrap().len(), 3);
        let now = published(&world).await;
        assert!(now.is_disjoint(&seen), "a key id came back: {now:?}");
        seen.extend(now.clone());
        is_refused(&world, &admin.token, ErrorReason::TokenInvalid).await;
        let body = json!({"refreshToken": admin.refresh_token});
        let pair = world
            .post_openly("/v1/login/oauth/refresh_token", body)
            .await;
        let text = |field: &str| pair.is(200)[field].as_str().unwrap().to_owned();
        (admin.token, admin.refresh_token) = (text("accessToken"), text("refreshToken"));
        assert!(now.contains(&kid(&admin.token)));
        works(&world, &admin.token).await;
        let event = world.audit_of(&admin, &answer, "signing_key.rotate").await;
        assert_eq!(event["after"], answer.body);
    }
    assert_eq!(seen.len(), 6 + 9);
}

#[tokio::test]
async fn keys_follow_each_other_on_schedule() {
    let settings = [
        ("GATEPOST_MULTI_TENANT", "true"),
        ("GATEPOST_SIGNING_KEY_DAYS", "2"),
    ];
    let mut world = World::start_with(&settings).await;
    let first = published(&world).await;
    world.pass(DAY * 2).await;
    world.restart(&settings).await;
    let all = until_published(&world, 6, &BTreeSet::new()).await;
    assert!(all.is_superset(&first));
    let admin = world.sign_in("admin").await;
    assert!(
        first.contains(&kid(&admin.token)),
        "not before everybody can know it"
    );
    world.pass(NOTICE).await;
    let admin = world.sign_in("admin").await;
    assert!(!first.contains(&kid(&admin.token)));
    let path = "/v1/audit-events?action=signing_key.rotate";
    let events = world.get(&admin, path).await;
    let events = events.is(200)["items"].as_array().unwrap();
    assert_eq!(
        (events.len(), &events[0]["actorType"]),
        (1, &json!("operator"))
    );

    // Two days later: those of the start go, the next ones come.
    world.pass(DAY * 2).await;
    world.restart(&settings).await;
    until_published(&world, 6, &first).await;
    let admin = world.sign_in("admin").await;
    let path = "/v1/audit-events?action=signing_key.remove";
    let events = world.get(&admin, path).await;
    assert_eq!(events.is(200)["total"], 1);
}

#[tokio::test]
async fn without_a_schedule_keys_sign_for_ever() {
    let never = [("GATEPOST_SIGNING_KEY_DAYS", "0")];
    let mut world = World::start_with(&never).await;
    let first = published(&world).await;
    world.pass(DAY * 4_000).await;
    world.restart(&never).await;
    // As long as the other tests wait for keys to come, at the least.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(published(&world).await, first);
    assert!(first.contains(&kid(&world.sign_in("admin").await.token)));
}

#[tokio::test]
async fn only_who_rules_the_installation_rotates() {
    let world = World::start_multi_tenant().await;
    let tenant = world.organization("bakery").await;
    for body in [json!({}), json!({"immediately": true})] {
        let refused = world.post(&tenant, PATH, body).await;
        refused.refuses(ErrorReason::PermissionMissing);
    }
    is_guarded(&world, Method::POST, PATH, json!({"immediately": true})).await;
    for bad in [json!({"immediately": "yes"}), json!({"algorithm": "none"})] {
        let refused = world.post(&world.admin, PATH, bad).await;
        refused.refuses(ErrorReason::InvalidRequest);
    }
    assert_eq!(published(&world).await.len(), 3);
}
