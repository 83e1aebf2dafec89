//! Locking somebody out by guessing wrong: a device that has signed in before is not slowed.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::calls::{make, user_body};
use crate::world::{Answer, PASSWORD, World};

const WRONG: &str = "wrong wrong wrong";
/// Where everybody of these tests is: behind one address.
const ADDRESS: &str = "192.0.2.1";

async fn world() -> World {
    let world = World::start_with(&[("GATEPOST_TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    for username in ["ann", "eve"] {
        make(&world, &world.admin, "/v1/users", user_body(username)).await;
    }
    world
}

async fn attempt(world: &World, username: &str, password: &str, device: &Value) -> Answer {
    let mut body = json!({"grantType": "password", "username": username, "password": password});
    if !device.is_null() {
        body["knownDevice"] = device.clone();
    }
    let request = world.request(Method::POST, "/v1/login/oauth/access_token");
    let request = request.header("x-forwarded-for", ADDRESS).json(&body);
    world.send(request).await
}

async fn device(world: &World, username: &str) -> Value {
    let answer = attempt(world, username, PASSWORD, &Value::Null).await;
    answer.is(200)["knownDevice"].clone()
}

fn fate(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.reason().to_owned())
}

fn slowed() -> (u16, String) {
    (429, "TOO_MANY_ATTEMPTS".to_owned())
}

#[tokio::test]
async fn nobody_locks_a_known_device_out() {
    let world = world().await;
    let hers = device(&world, "ann").await;
    // A stranger at the same address guesses until the account there has to wait, and then with
    // other names until the whole address has to.
    for number in 0..55 {
        let username = match number {
            0..6 => "ann".to_owned(),
            _ => format!("nobody-{number}"),
        };
        let answer = attempt(&world, &username, WRONG, &Value::Null).await;
        assert!([401, 429].contains(&answer.status.as_u16()));
        world.advance(Duration::from_millis(100));
    }
    let stranger = attempt(&world, "ann", PASSWORD, &Value::Null).await;
    assert_eq!(fate(&stranger), slowed());
    let owner = attempt(&world, "ann", PASSWORD, &hers).await;
    // The token is young, so it stays the same.
    assert_eq!(owner.is(200)["knownDevice"], hers);
}

#[tokio::test]
async fn a_known_device_that_guesses_is_slowed_itself() {
    let world = world().await;
    let (hers, another) = (device(&world, "ann").await, device(&world, "ann").await);
    assert_ne!(hers, another);
    for _ in 0..6 {
        let answer = attempt(&world, "ann", WRONG, &hers).await;
        assert_eq!(fate(&answer), (401, "CREDENTIALS_INVALID".to_owned()));
    }
    let answer = attempt(&world, "ann", PASSWORD, &hers).await;
    assert_eq!(fate(&answer), slowed());
    // It alone: not her other device, and not who comes without one.
    attempt(&world, "ann", PASSWORD, &another).await.is(200);
    attempt(&world, "ann", PASSWORD, &Value::Null).await.is(200);
    // A success wipes it.
    world.advance(Duration::from_secs(3));
    attempt(&world, "ann", PASSWORD, &hers).await.is(200);
    let answer = attempt(&world, "ann", WRONG, &hers).await;
    assert_eq!(fate(&answer), (401, "CREDENTIALS_INVALID".to_owned()));
    attempt(&world, "ann", PASSWORD, &hers).await.is(200);
}

#[tokio::test]
async fn a_device_of_one_account_is_a_stranger_to_another() {
    let world = world().await;
    // However many devices she has: each would buy five guesses.
    for number in 0..6 {
        let hers = device(&world, "eve").await;
        let answer = attempt(&world, "ann", WRONG, &hers).await;
        assert_eq!(fate(&answer).0, 401, "{number}");
    }
    let hers = device(&world, "eve").await;
    let answer = attempt(&world, "ann", PASSWORD, &hers).await;
    assert_eq!(fate(&answer), slowed());
    let unknown = attempt(&world, "nobody", WRONG, &hers).await;
    assert_eq!(fate(&unknown), (401, "CREDENTIALS_INVALID".to_owned()));
}

#[tokio::test]
async fn a_made_up_device_is_a_stranger() {
    let world = world().await;
    let hers = device(&world, "ann").await;
    let mut forged = hers.as_str().unwrap().to_owned();
    forged.pop();
    for bad in [json!("x"), json!("gpd_AAAA"), json!(forged)] {
        for _ in 0..2 {
            let answer = attempt(&world, "ann", WRONG, &bad).await;
            assert_eq!(fate(&answer).0, 401);
        }
    }
    let answer = attempt(&world, "ann", PASSWORD, &json!("gpd_x")).await;
    assert_eq!(fate(&answer), slowed());
    // After half a year it is one, too.
    world.pass(Duration::from_hours(180 * 24)).await;
    for _ in 0..6 {
        attempt(&world, "ann", WRONG, &Value::Null).await;
    }
    let answer = attempt(&world, "ann", PASSWORD, &hers).await;
    assert_eq!(fate(&answer), slowed());
}
