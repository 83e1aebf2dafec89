//! `IssueToken`.

use std::collections::BTreeMap;
use std::time::Duration;

use gatepost_proto::ErrorReason;
use gatepost_store::PasswordHash;
use serde_json::{Value, json};

use crate::identity::{application, new_user};
use crate::world::{Answer, PASSWORD, World, claims, fields};

const PATH: &str = "/v1/login/oauth/access_token";
/// Of the password `U*U`.
const BCRYPT: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

async fn sign_in(world: &World, username: &str, password: &str) -> Answer {
    let body = json!({"grantType": "password", "username": username, "password": password});
    world.post_openly(PATH, body).await
}

fn with_client(username: &str, application: &Value) -> Value {
    json!({
        "grantType": "password", "username": username, "password": PASSWORD,
        "clientId": application["clientId"], "clientSecret": application["clientSecret"],
    })
}

#[tokio::test]
async fn a_person_gets_what_she_needs_and_the_log_tells_of_it() {
    let world = World::start().await;
    let answer = sign_in(&world, "admin", PASSWORD).await;
    let body = answer.is(200);
    let all = [
        "accessToken",
        "expiresIn",
        "idToken",
        "knownDevice",
        "refreshToken",
        "scope",
        "tokenType",
    ];
    assert_eq!(fields(body), all);
    assert_eq!(body["expiresIn"], 3600);
    assert_eq!(body["tokenType"], "Bearer");
    assert_eq!(body["scope"], "openid profile email");
    assert!(body["refreshToken"].as_str().unwrap().starts_with("gpr_"));
    assert_eq!(answer.header("cache-control"), "no-store");
    let event = world.audit(&answer, "session.start").await;
    assert_eq!(event["targetType"], "session");
    assert_eq!(
        event["targetId"],
        claims(body["accessToken"].as_str().unwrap())["sid"]
    );
}

#[tokio::test]
async fn a_machine_gets_no_refresh_token() {
    let world = World::start().await;
    let made = application(&world, &world.admin, json!({"name": "midaz"})).await;
    let body = json!({
        "grantType": "client_credentials",
        "clientId": made["clientId"], "clientSecret": made["clientSecret"],
    });
    let answer = world.post_openly(PATH, body.clone()).await;
    assert_eq!(
        fields(answer.is(200)),
        ["accessToken", "expiresIn", "scope", "tokenType"]
    );
    let form = world.request(reqwest::Method::POST, PATH).form(&json!({
        "grant_type": "client_credentials",
        "client_id": made["clientId"], "client_secret": made["clientSecret"],
    }));
    world.send(form).await.is(200);
    for (field, wrong) in [("clientSecret", "gps_wrong"), ("clientId", "nobody")] {
        let mut body = body.clone();
        body[field] = json!(wrong);
        let answer = world.post_openly(PATH, body).await;
        answer.refuses(ErrorReason::ClientInvalid);
        assert_eq!(answer.body["code"], "AUT-1004");
    }
}

#[tokio::test]
async fn wrong_password_and_unknown_user_get_the_same_answer() {
    let world = World::start().await;
    let wrong = sign_in(&world, "admin", "wrong password").await;
    let unknown = sign_in(&world, "nobody", "wrong password").await;
    wrong.refuses(ErrorReason::CredentialsInvalid);
    assert_eq!(wrong.body["code"], "AUT-1002");
    let same = |answer: &Answer| {
        let mut body = answer.body.clone();
        body["requestId"] = Value::Null;
        (answer.status, body, fields(&answer.body).join(" "))
    };
    assert_eq!(same(&wrong), same(&unknown));
    let with_email = sign_in(&world, "admin@example.com", PASSWORD).await;
    with_email.refuses(ErrorReason::CredentialsInvalid);
}

#[tokio::test]
async fn a_grant_must_be_known_and_whole() {
    let world = World::start().await;
    let cases = [
        (
            json!({"grantType": "implicit"}),
            ErrorReason::GrantTypeUnsupported,
            "AUT-0013",
        ),
        (json!({}), ErrorReason::GrantIncomplete, "AUT-0014"),
        (
            json!({"grantType": "password"}),
            ErrorReason::GrantIncomplete,
            "AUT-0014",
        ),
        (
            json!({"grantType": "client_credentials", "clientId": "x"}),
            ErrorReason::GrantIncomplete,
            "AUT-0014",
        ),
    ];
    for (body, reason, code) in cases {
        let answer = world.post_openly(PATH, body).await;
        answer.refuses(reason);
        assert_eq!(answer.body["code"], code);
    }
}

#[tokio::test]
async fn a_name_in_two_organizations_means_the_oldest_and_a_client_means_its_own() {
    let world = World::start_multi_tenant().await;
    let (old, new) = (
        world.organization("old").await,
        world.organization("new").await,
    );
    let first = world.person_of(&old, "twin", &[]).await;
    let second = json!({
        "username": "twin", "email": "twin@example.com", "firstName": "T", "lastName": "T",
        "password": PASSWORD,
    });
    let second = world.post(&new, "/v1/users", second).await;
    let second = second.is(201)["id"].as_str().unwrap();
    assert_eq!(world.sign_in("twin").await.id, first.id);

    let client = application(&world, &new, json!({"name": "console"})).await;
    let answer = world.post_openly(PATH, with_client("twin", &client)).await;
    let token = claims(answer.is(200)["accessToken"].as_str().unwrap());
    assert_eq!(
        (&token["sub"], &token["owner"]),
        (&json!(second), &json!("new"))
    );
    assert_eq!(token["azp"], client["clientId"]);

    let elsewhere = with_client("admin-of-old", &client);
    let elsewhere = world.post_openly(PATH, elsewhere).await;
    elsewhere.refuses(ErrorReason::CredentialsInvalid);
}

#[tokio::test]
async fn names_are_the_same_whatever_their_case() {
    let world = World::start().await;
    world.person("Zoë", &[]).await;
    for name in ["zoë", "ZOË", "Zoe\u{308}"] {
        assert_eq!(sign_in(&world, name, PASSWORD).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn failures_slow_the_account_at_that_address_and_a_success_forgets_them() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    for _ in 0..6 {
        let wrong = sign_in(&world, "alice", "wrong password").await;
        wrong.refuses(ErrorReason::CredentialsInvalid);
    }
    let slowed = sign_in(&world, "alice", PASSWORD).await;
    slowed.refuses(ErrorReason::TooManyAttempts);
    assert!(slowed.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(
        sign_in(&world, "admin", PASSWORD).await.status,
        200,
        "others are not slowed"
    );
    world.pass(Duration::from_secs(5)).await;
    sign_in(&world, "alice", PASSWORD).await.is(200);
    sign_in(&world, "alice", "wrong password")
        .await
        .refuses(ErrorReason::CredentialsInvalid);
    sign_in(&world, "alice", PASSWORD).await.is(200);
}

#[tokio::test]
async fn an_address_that_tries_too_often_is_slowed() {
    let world = World::start_with(&[("GATEPOST_SIGN_INS_PER_MINUTE", "3")]).await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(sign_in(&world, "admin", PASSWORD).await);
    }
    answers[1].is(200);
    answers[2].refuses(ErrorReason::TooManyAttempts);
}

#[tokio::test]
async fn only_an_address_that_was_proved_signs_in() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let unproved = sign_in(&world, "alice@example.com", PASSWORD).await;
    unproved.refuses(ErrorReason::CredentialsInvalid);
    world
        .change(&alice, async |scope| {
            let users = scope.users();
            let mut user = users.by_username("alice").await.unwrap().unwrap();
            user.email_verified = true;
            users.update(&user).await.unwrap();
        })
        .await;
    let answer = sign_in(&world, "Alice@Example.com", PASSWORD).await;
    let token = claims(answer.is(200)["accessToken"].as_str().unwrap());
    assert_eq!(token["sub"], *alice.id);
    // An address that changes is no longer proved.
    let path = format!("/v1/users/{}", alice.id);
    let email = json!({"email": "elsewhere@example.com"});
    world.patch(&world.admin, &path, email).await.is(204);
    let unproved = sign_in(&world, "elsewhere@example.com", PASSWORD).await;
    unproved.refuses(ErrorReason::CredentialsInvalid);
}

/// A sign-in that fails.
fn wrong(username: &str) -> Value {
    json!({"grantType": "password", "username": username, "password": "wrong password"})
}

/// The rounds of hashing that one failed sign-in costs.
async fn rounds_of(world: &World, body: &Value) -> BTreeMap<String, u64> {
    let before = world.password_rounds();
    let answer = world.post_openly(PATH, body.clone()).await;
    answer.refuses(ErrorReason::CredentialsInvalid);
    let mut rounds = world.password_rounds();
    for (lane, rounds) in &mut rounds {
        *rounds -= before.get(lane).copied().unwrap_or_default();
    }
    rounds
}

#[tokio::test]
async fn whoever_is_asked_about_the_answer_costs_what_the_dearest_hash_costs() {
    let world = World::start().await;
    let ours = BTreeMap::from([("argon2id v=19 m=19456 p=1".to_owned(), 2)]);
    for username in ["admin", "nobody"] {
        assert_eq!(
            rounds_of(&world, &wrong(username)).await,
            ours,
            "{username}"
        );
    }
    let digest = "E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    for (username, cost) in [("five", "05"), ("seven", "07")] {
        let mut body = new_user(username, &[]);
        body.as_object_mut().unwrap().remove("password");
        let hash = format!("$2a${cost}$CCCCCCCCCCCCCCCCCCCCC.{digest}");
        body["passwordHash"] = json!(hash);
        world.post(&world.admin, "/v1/users", body).await.is(201);
    }
    let client = application(&world, &world.admin, json!({"name": "console"})).await;
    let mut dearest = ours.clone();
    dearest.insert("bcrypt".to_owned(), 1 << 7);
    for username in ["admin", "five", "seven", "nobody", "no@body.example"] {
        let mut body = wrong(username);
        assert_eq!(rounds_of(&world, &body).await, dearest, "{username}");
        body["clientId"] = client["clientId"].clone();
        body["clientSecret"] = client["clientSecret"].clone();
        assert_eq!(rounds_of(&world, &body).await, dearest, "{username}");
    }
    // Nobody pays for what is gone.
    for username in ["five", "seven"] {
        let user = world.get(&world.admin, "/v1/users?limit=100").await;
        let user = user.is(200)["items"].as_array().unwrap();
        let user = user.iter().find(|user| user["username"] == *username);
        let path = format!("/v1/users/{}", user.unwrap()["id"].as_str().unwrap());
        world.delete(&world.admin, &path).await.is(204);
    }
    let mut rounds = rounds_of(&world, &wrong("seven")).await;
    rounds.retain(|_, rounds| *rounds > 0);
    assert_eq!(rounds, ours);
}

#[tokio::test]
async fn an_organization_pays_for_its_own_hashes_only() {
    let world = World::start_multi_tenant().await;
    let (dear, cheap) = (
        world.organization("dear").await,
        world.organization("cheap").await,
    );
    let mut body = new_user("imported", &[]);
    body.as_object_mut().unwrap().remove("password");
    body["passwordHash"] = json!(BCRYPT);
    world.post(&dear, "/v1/users", body).await.is(201);
    let bcrypt = async |body: &Value| {
        let rounds = rounds_of(&world, body).await;
        rounds.get("bcrypt").copied().unwrap_or_default()
    };
    assert_eq!(bcrypt(&wrong("admin-of-dear")).await, 32);
    assert_eq!(bcrypt(&wrong("admin-of-cheap")).await, 0);
    assert_eq!(bcrypt(&wrong("admin")).await, 0);
    for (admin, rounds) in [(&dear, 32), (&cheap, 0)] {
        let client = application(&world, admin, json!({"name": "console"})).await;
        let mut body = wrong("nobody");
        body["clientId"] = client["clientId"].clone();
        body["clientSecret"] = client["clientSecret"].clone();
        assert_eq!(bcrypt(&body).await, rounds);
    }
    // A name that nobody has is like one of somebody's, somewhere, and always the same.
    for number in 0..12 {
        let body = wrong(&format!("nobody-{number}"));
        let rounds = bcrypt(&body).await;
        assert!([0, 32].contains(&rounds), "{number}: {rounds}");
        assert_eq!(bcrypt(&body).await, rounds, "{number}");
    }
}

#[tokio::test]
async fn hashes_are_made_as_the_settings_say_and_made_anew_when_they_change() {
    let settings = [
        ("GATEPOST_PASSWORD_MEMORY_KIB", "7168"),
        ("GATEPOST_PASSWORD_ITERATIONS", "5"),
    ];
    let world = World::start_with(&settings).await;
    world.person("alice", &[]).await;
    let own = "$argon2id$v=19$m=7168,t=5,p=1";
    let work = async || {
        let mut work = String::new();
        let works = &mut work;
        world
            .change(&world.admin, async |scope| {
                let alice = scope.users().by_username("alice").await.unwrap().unwrap();
                alice.password_hash.work().clone_into(works);
                scope.touch();
            })
            .await;
        work
    };
    assert_eq!(work().await, own);
    // As other settings would have made it.
    let before = world.password_rounds();
    let old = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$\
               nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    world
        .change(&world.admin, async |scope| {
            let users = scope.users();
            let alice = users.by_username("alice").await.unwrap().unwrap();
            let old = PasswordHash(old.to_owned());
            let set = users.set_password(alice.id, old, 0, alice.updated_at);
            set.await.unwrap();
        })
        .await;
    assert_eq!(work().await, "$argon2id$v=19$m=256,t=2,p=1");
    sign_in(&world, "alice", "password").await.is(200);
    assert_eq!(work().await, own);
    let done = world.password_rounds();
    // Her own of two, the five that nobody has to spare, and the five of the new hash.
    assert_eq!(done["argon2id v=19 m=256 p=1"], 2);
    let lane = "argon2id v=19 m=7168 p=1";
    assert_eq!(done[lane] - before[lane], 10);
    sign_in(&world, "alice", "password").await.is(200);
    assert_eq!(world.password_rounds()[lane] - done[lane], 5);
}

#[tokio::test]
async fn devices_that_sign_in_at_once_all_get_in_though_the_hash_is_made_anew() {
    let world = World::start().await;
    let mut body = new_user("imported", &[]);
    body.as_object_mut().unwrap().remove("password");
    body["passwordHash"] = json!(BCRYPT);
    world.post(&world.admin, "/v1/users", body).await.is(201);
    let devices = (0..8).map(|_| sign_in(&world, "imported", "U*U"));
    for answer in futures::future::join_all(devices).await {
        answer.is(200);
    }
}
