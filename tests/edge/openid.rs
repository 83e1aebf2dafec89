//! The authorization code grant and OpenID Connect, from the browser's first request to what the
//! application gets.

mod back_channel;
mod codes;
mod issuers;
mod logout;
mod native;
mod promises;
mod public_clients;
mod redirects;
mod requests;
mod resources;
mod select;
mod settings;
mod strength;
mod userinfo;
mod words;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::browser::{Browser, Shown};
use crate::identity::application;
use crate::world::{Actor, Answer, World};

/// RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub const CALLBACK: &str = "https://app.test/cb";

/// An application that people sign in through.
pub struct Party {
    pub id: String,
    pub client_id: String,
    pub secret: Option<String>,
}

impl Party {
    /// With these settings over one redirect URI.
    pub async fn new(world: &World, settings: Value) -> Self {
        Self::of(world, &world.admin, settings).await
    }

    /// As [`Party::new`], of the organization of `admin`.
    pub async fn of(world: &World, admin: &Actor, mut settings: Value) -> Self {
        if settings.get("redirectUris").is_none() {
            settings["redirectUris"] = json!([CALLBACK]);
        }
        let name = format!("app of {settings}");
        let name: String = name.chars().take(90).collect();
        let body = json!({"name": name, "tokenAlgorithm": "EdDSA", "settings": settings});
        let made = application(world, admin, body).await;
        Self {
            id: made["id"].as_str().unwrap().to_owned(),
            client_id: made["clientId"].as_str().unwrap().to_owned(),
            secret: made["clientSecret"].as_str().map(str::to_owned),
        }
    }

    /// The path of a request for a code, with these parameters over the usual ones; an empty one
    /// takes the usual one away.
    pub fn asks(&self, over: &[(&str, &str)]) -> String {
        let usual = [
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid"),
            ("state", "s t&a"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let is_over = |name: &str| over.iter().any(|(known, _)| *known == name);
        let kept = usual.into_iter().filter(|(name, _)| !is_over(name));
        let given = over.iter().copied().filter(|(_, value)| !value.is_empty());
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(kept.chain(given));
        format!("/oauth/authorize?{}", query.finish())
    }

    /// A code of somebody who signs in with a new browser.
    pub async fn code(&self, world: &World, username: &str) -> String {
        let mut browser = Browser::new(world);
        let back = browser.walk(&self.asks(&[]), username).await;
        code_of(&back)
    }

    /// Buys something at the token endpoint, with these fields over the usual ones.
    pub async fn redeem(&self, world: &World, code: &str, over: &[(&str, &str)]) -> Answer {
        let usual = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let is_over = |name: &str| over.iter().any(|(known, _)| *known == name);
        let kept = usual.into_iter().filter(|(name, _)| !is_over(name));
        let given = over.iter().copied().filter(|(_, value)| !value.is_empty());
        let form: Vec<_> = kept.chain(given).collect();
        self.post(world, &form).await
    }

    pub async fn refresh(&self, world: &World, token: &str, over: &[(&str, &str)]) -> Answer {
        let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
        form.extend_from_slice(over);
        self.post(world, &form).await
    }

    async fn post(&self, world: &World, form: &[(&str, &str)]) -> Answer {
        let mut form = form.to_vec();
        let mut request = world.request(Method::POST, "/oauth/token");
        match &self.secret {
            Some(secret) => request = request.basic_auth(&self.client_id, Some(secret)),
            None => form.push(("client_id", &self.client_id)),
        }
        world.send(request.form(&form)).await
    }
}

/// The code of an answer that is whole.
#[track_caller]
pub fn code_of(back: &Shown) -> String {
    assert_eq!(back.told("error"), "", "{}", back.told("error_description"));
    assert!(back.location().starts_with(CALLBACK), "{}", back.location());
    assert_eq!(back.told("state"), "s t&a");
    assert_eq!(back.told("iss"), crate::world::PUBLIC_URL);
    assert_eq!(back.header("referrer-policy"), "no-referrer");
    assert_eq!(back.header("cache-control"), "no-store");
    let code = back.told("code");
    assert!(code.starts_with("gpc_"), "{code}");
    code
}

/// A token that a form of JSON Web Tokens has, spoilt in one of its claims.
pub fn spoilt(token: &str) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let claims = URL_SAFE_NO_PAD.encode(br#"{"sub":"x"}"#);
    format!("{}.{claims}.{}", parts[0], parts[2])
}

/// What OAuth calls the reasons that only its endpoints give, and those that they give most.
const REFUSALS: [(ErrorReason, &str); 5] = [
    (ErrorReason::CodeInvalid, "invalid_grant"),
    (ErrorReason::RefreshTokenInvalid, "invalid_grant"),
    (ErrorReason::ResourceRefused, "invalid_target"),
    (ErrorReason::GrantTypeRefused, "unauthorized_client"),
    (ErrorReason::InvalidRequest, "invalid_request"),
];

#[track_caller]
fn is_refused(answer: &Answer, error: &str) {
    let mut known = REFUSALS.iter().map(|(_, known)| *known);
    assert!(known.any(|known| known == error), "{error}");
    assert_eq!(answer.is(400)["error"], error);
}
