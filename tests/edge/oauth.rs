//! OAuth 2: token, introspection, revocation and metadata, as RFC 6749 and its kin word them.

pub(super) mod assertions;
mod clients;
mod metadata;
mod odd_assertions;
mod tokens;
mod worth;

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use crate::identity::application;
use crate::world::{Actor, Answer, PASSWORD, World};

/// A client with its secret.
struct Party {
    id: String,
    secret: String,
}

impl Party {
    async fn of(world: &World, admin: &Actor, name: &str) -> Self {
        let made = application(
            world,
            admin,
            json!({"name": name, "tokenAlgorithm": "EdDSA"}),
        )
        .await;
        let text = |field: &str| made[field].as_str().unwrap().to_owned();
        Self {
            id: text("clientId"),
            secret: text("clientSecret"),
        }
    }

    /// Sends a form, proving itself in the header.
    async fn post(&self, world: &World, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = world.request(Method::POST, path).form(form);
        let request = request.basic_auth(&self.id, Some(&self.secret));
        world.send(request).await
    }

    /// What `alice` gets who signs in through it.
    async fn sign_in(&self, world: &World, username: &str) -> Value {
        let body = json!({
            "grantType": "password", "username": username, "password": PASSWORD,
            "clientId": self.id, "clientSecret": self.secret,
        });
        let answer = world
            .post_openly("/v1/login/oauth/access_token", body)
            .await;
        answer.is(200).clone()
    }
}

/// Sends a form without any proof in the header.
pub(super) async fn send(world: &World, path: &str, form: &[(&str, &str)]) -> Answer {
    world
        .send(world.request(Method::POST, path).form(form))
        .await
}

/// A refusal of OAuth, in its own words and never to be kept.
fn is_error(answer: &Answer, status: u16, error: &str) {
    assert_eq!(answer.is(status)["error"], error);
    let description = answer.body["error_description"].as_str().unwrap();
    let allowed = |character: char| matches!(character, ' ' | '!' | '#'..='[' | ']'..='~');
    assert!(
        !description.is_empty() && description.chars().all(allowed),
        "{description}"
    );
    assert_eq!(answer.header("cache-control"), "no-store");
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field]
        .as_str()
        .unwrap_or_else(|| panic!("{field} of {value}"))
}

/// What a bearer learns of itself.
async fn user_info(world: &World, token: &str) -> Answer {
    let request = world.request(Method::GET, "/v1/userinfo");
    world.send(request.bearer_auth(token)).await
}

async fn has_ended(world: &World, token: &str) {
    user_info(world, token)
        .await
        .refuses(ErrorReason::SessionEnded);
}
