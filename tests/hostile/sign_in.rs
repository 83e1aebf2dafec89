//! Guessing passwords.

use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::calls::{application, fresh, make, user_body};
use crate::wire::assert_problem;
use crate::world::{Answer, PASSWORD, World};

const BEHIND_A_PROXY: [(&str, &str); 1] = [("GATEPOST_TRUSTED_PROXIES", "127.0.0.0/8")];

async fn behind_a_proxy() -> World {
    World::start_with(&BEHIND_A_PROXY).await
}

fn body(username: &str, password: &str) -> Value {
    json!({"grantType": "password", "username": username, "password": password})
}

async fn attempt(world: &World, address: &str, body: &Value) -> Answer {
    let request = world.request(Method::POST, "/v1/login/oauth/access_token");
    world
        .send(request.header("x-forwarded-for", address).json(body))
        .await
}

/// The problem, less what names this one request.
fn likeness(answer: &Answer) -> (u16, Value, Vec<String>) {
    let mut body = answer.body.clone();
    body.as_object_mut().unwrap().remove("requestId");
    let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
    names.sort();
    (answer.status.as_u16(), body, names)
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_alike() {
    let world = behind_a_proxy().await;
    make(&world, &world.admin, "/v1/users", user_body("ann")).await;
    let machine = application(&world, &world.admin).await;
    let through = |username: &str| {
        let mut body = body(username, "wrong wrong wrong");
        body["clientId"] = machine["clientId"].clone();
        body["clientSecret"] = machine["clientSecret"].clone();
        body
    };
    let wrong = attempt(&world, "192.0.2.1", &body("ann", "wrong wrong wrong")).await;
    assert_problem(&wrong, "wrong password");
    assert_eq!(
        (wrong.status.as_u16(), wrong.reason()),
        (401, "CREDENTIALS_INVALID")
    );
    for other in [
        body("bob", "wrong wrong wrong"),
        through("ann"),
        through("bob"),
    ] {
        let answer = attempt(&world, "192.0.2.2", &other).await;
        assert_eq!(likeness(&answer), likeness(&wrong), "{other}");
    }
    let client = |id: &Value, secret: &Value| {
        let mut grant = json!({"grantType": "client_credentials", "clientId": id});
        grant["clientSecret"] = secret.clone();
        grant
    };
    let (id, secret) = (&machine["clientId"], &machine["clientSecret"]);
    let no_secret = attempt(&world, "192.0.2.3", &client(id, &json!("gps_wrong"))).await;
    let no_client = attempt(&world, "192.0.2.4", &client(&json!("nobody"), secret)).await;
    assert_eq!(likeness(&no_secret), likeness(&no_client));
    assert_eq!(no_client.reason(), "CLIENT_INVALID");
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "this measures real time")]
async fn an_unknown_user_takes_as_much_time_as_a_wrong_password() {
    let world = behind_a_proxy().await;
    make(&world, &world.admin, "/v1/users", user_body("ann")).await;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for number in 0..15 {
        let address = format!("198.51.100.{number}");
        for (username, times) in [("ann", &mut known), ("bob", &mut unknown)] {
            let start = Instant::now();
            let answer = attempt(&world, &address, &body(username, "wrong wrong wrong")).await;
            assert_eq!(answer.reason(), "CREDENTIALS_INVALID");
            times.push(start.elapsed());
        }
    }
    known.sort();
    unknown.sort();
    // Wide, because this is no benchmark: without the work it would be a factor of ten and more.
    let (known, unknown) = (known[7], unknown[7]);
    assert!(
        known < unknown * 3 && unknown < known * 3,
        "{known:?} and {unknown:?}"
    );
}

#[tokio::test]
async fn failures_are_slowed_for_the_account_at_the_address() {
    let world = behind_a_proxy().await;
    make(&world, &world.admin, "/v1/users", user_body("ann")).await;
    for number in 0..6 {
        let answer = attempt(&world, "192.0.2.1", &body("ann", "wrong wrong wrong")).await;
        assert_eq!(answer.reason(), "CREDENTIALS_INVALID", "{number}");
    }
    // Whatever the spelling, and whether or not the password is right by now.
    for spelling in ["ann", "ANN", "Ann"] {
        let answer = attempt(&world, "192.0.2.1", &body(spelling, PASSWORD)).await;
        assert_problem(&answer, spelling);
        assert_eq!(
            (answer.status.as_u16(), answer.reason()),
            (429, "TOO_MANY_ATTEMPTS")
        );
        let wait: u64 = answer.headers["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((1..=2).contains(&wait), "{wait}");
    }
    // Nobody else there, and not she elsewhere.
    assert_eq!(
        attempt(&world, "192.0.2.1", &body("admin", PASSWORD))
            .await
            .status
            .as_u16(),
        200
    );
    assert_eq!(
        attempt(&world, "192.0.2.2", &body("ann", PASSWORD))
            .await
            .status
            .as_u16(),
        200
    );
    // The wait ends, and doubles with the next failure.
    world.advance(Duration::from_secs(3));
    let answer = attempt(&world, "192.0.2.1", &body("ann", "wrong wrong wrong")).await;
    assert_eq!(answer.reason(), "CREDENTIALS_INVALID");
    let answer = attempt(&world, "192.0.2.1", &body("ann", PASSWORD)).await;
    let wait: u64 = answer.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((2..=3).contains(&wait), "{wait}");
    world.advance(Duration::from_secs(4));
    assert_eq!(
        attempt(&world, "192.0.2.1", &body("ann", PASSWORD))
            .await
            .status
            .as_u16(),
        200
    );
    // The success has wiped the count.
    for _ in 0..5 {
        attempt(&world, "192.0.2.1", &body("ann", "wrong wrong wrong")).await;
    }
    assert_eq!(
        attempt(&world, "192.0.2.1", &body("ann", PASSWORD))
            .await
            .status
            .as_u16(),
        200
    );
}

#[tokio::test]
async fn an_account_that_nobody_has_is_slowed_alike() {
    let world = behind_a_proxy().await;
    make(&world, &world.admin, "/v1/users", user_body("ann")).await;
    let mut last = Vec::new();
    for username in ["ann", "nobody"] {
        let address = format!("192.0.2.{}", username.len());
        let mut answers = Vec::new();
        for _ in 0..8 {
            let answer = attempt(&world, &address, &body(username, "wrong wrong wrong")).await;
            answers.push(answer.reason().to_owned());
        }
        last.push(answers);
    }
    assert_eq!(last[0], last[1]);
    assert!(
        last[0].contains(&"TOO_MANY_ATTEMPTS".to_owned()),
        "{:?}",
        last[0]
    );
}

#[tokio::test]
async fn successes_are_not_counted() {
    let world = behind_a_proxy().await;
    make(&world, &world.admin, "/v1/users", user_body("ann")).await;
    for number in 0..60 {
        let answer = attempt(&world, "192.0.2.1", &body("ann", PASSWORD)).await;
        assert_eq!(answer.status.as_u16(), 200, "{number}: {}", answer.body);
    }
}

#[tokio::test]
async fn an_address_that_tries_many_accounts_is_slowed_for_all_of_them() {
    let world = behind_a_proxy().await;
    for number in 0..51 {
        // Every host of one IPv6 customer is one address.
        let address = format!("2001:db8:1:2::{number:x}");
        let body = body(&fresh("guess"), "wrong wrong wrong");
        let answer = attempt(&world, &address, &body).await;
        assert_eq!(answer.reason(), "CREDENTIALS_INVALID", "{number}");
    }
    let here = attempt(&world, "2001:db8:1:2:ffff::1", &body("admin", PASSWORD)).await;
    assert_eq!(
        (here.status.as_u16(), here.reason()),
        (429, "TOO_MANY_ATTEMPTS")
    );
    let elsewhere = attempt(&world, "2001:db8:1:3::1", &body("admin", PASSWORD)).await;
    assert_eq!(elsewhere.status.as_u16(), 200, "{}", elsewhere.body);
}

#[tokio::test]
async fn a_stranger_cannot_slow_an_account_down_from_elsewhere() {
    let world = behind_a_proxy().await;
    make(&world, &world.admin, "/v1/users", user_body("ann")).await;
    let machine = application(&world, &world.admin).await;
    for number in 0..60 {
        let address = format!("203.0.113.{number}");
        attempt(&world, &address, &body("ann", "wrong wrong wrong")).await;
        // A client's id is no secret; its secret is.
        let mut through = body("ann", "wrong wrong wrong");
        through["clientId"] = machine["clientId"].clone();
        through["clientSecret"] = "gps_guessed".into();
        let answer = attempt(&world, &address, &through).await;
        assert_eq!(answer.reason(), "CLIENT_INVALID", "{number}");
    }
    assert_eq!(
        attempt(&world, "192.0.2.1", &body("ann", PASSWORD))
            .await
            .status
            .as_u16(),
        200
    );
    let mut through = body("ann", PASSWORD);
    through["clientId"] = machine["clientId"].clone();
    through["clientSecret"] = machine["clientSecret"].clone();
    let answer = attempt(&world, "192.0.2.1", &through).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
}

#[tokio::test]
async fn nobody_is_believed_about_addresses_but_a_trusted_proxy() {
    let world = World::start().await;
    for number in 0..6 {
        let address = format!("203.0.113.{number}");
        attempt(&world, &address, &body("nobody", "wrong wrong wrong")).await;
    }
    let answer = attempt(&world, "203.0.113.99", &body("nobody", "wrong wrong wrong")).await;
    assert_eq!(answer.reason(), "TOO_MANY_ATTEMPTS", "{}", answer.body);
}

#[tokio::test]
async fn somebody_with_a_found_token_cannot_guess_its_owners_password() {
    let world = World::start().await;
    let ann = world.person("ann", &[]).await;
    let path = format!("/v1/users/{}/update-password", ann.id);
    let guess = json!({"oldPassword": "wrong wrong", "newPassword": "another good password"});
    let mut reasons = Vec::new();
    for _ in 0..8 {
        let answer = world.call(&ann, Method::PATCH, &path, guess.clone()).await;
        assert_problem(&answer, "guess");
        reasons.push(answer.reason().to_owned());
    }
    assert_eq!(reasons[0], "CREDENTIALS_INVALID");
    assert_eq!(reasons[7], "TOO_MANY_ATTEMPTS");
    world.advance(Duration::from_secs(5));
    let right = json!({"oldPassword": PASSWORD, "newPassword": "another good password"});
    let answer = world.call(&ann, Method::PATCH, &path, right).await;
    assert_eq!(answer.status.as_u16(), 204, "{}", answer.body);
}

#[tokio::test]
async fn a_flood_of_passwords_is_turned_away_and_decisions_go_on() {
    let settings = [
        ("GATEPOST_TRUSTED_PROXIES", "127.0.0.0/8"),
        ("GATEPOST_PASSWORD_WORKERS", "1"),
    ];
    let world = World::start_with(&settings).await;
    let flood = join_all((0..150).map(|number| {
        let body = body(&format!("guess-{number}"), "wrong wrong wrong");
        let (world, address) = (&world, format!("10.9.{}.{}", number / 100, number % 100));
        async move { attempt(world, &address, &body).await }
    }));
    let decisions = async {
        let mut allowed = 0;
        for _ in 0..20 {
            let answer = world
                .authorize(&world.admin, "midaz", "accounts", "get")
                .await;
            assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
            allowed += 1;
        }
        allowed
    };
    let (answers, allowed) = futures::join!(flood, decisions);
    assert_eq!(allowed, 20);
    let turned_away = answers
        .iter()
        .filter(|answer| answer.reason() == "OVERLOADED")
        .count();
    let checked = answers
        .iter()
        .filter(|answer| answer.reason() == "CREDENTIALS_INVALID")
        .count();
    assert_eq!(turned_away + checked, 150);
    assert!(turned_away > 0 && checked >= 65, "{turned_away} of 150");
    let refused = answers
        .iter()
        .find(|answer| answer.reason() == "OVERLOADED")
        .unwrap();
    assert_problem(refused, "flood");
    assert_eq!(
        (refused.status.as_u16(), &refused.headers["retry-after"]),
        (429, &"1".parse().unwrap())
    );
    world.sign_in("admin").await;
}
