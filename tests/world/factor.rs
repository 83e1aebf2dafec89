//! Second factors in a test: an authenticator app, and what people do with it.

use std::sync::Arc;

use gatepost::clock::Clock;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use super::{Actor, PASSWORD, World};

/// The steps of an app.
const STEP_S: i64 = 30;
const SIGN_IN: &str = "/v1/login/oauth/access_token";
const VERIFY: &str = "/v1/login/mfa/verify";

/// What somebody has who set an app up.
pub struct App {
    /// The secret, in base 32.
    pub secret: String,
    /// The recovery codes.
    pub recovery_codes: Vec<String>,
}

/// A list of texts.
pub fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().unwrap().iter();
    items
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

impl World {
    /// The second of the server's clock.
    pub fn now_s(&self) -> i64 {
        Clock::Moved(Arc::clone(&self.offset))
            .now()
            .unix_timestamp()
    }

    /// What an app with this secret shows so many steps from now.
    pub fn passcode(&self, secret: &str, steps: i64) -> String {
        let secret = Secret::try_from_base32(secret).unwrap();
        let totp = Builder::new().with_secret(secret).build().unwrap();
        let second = self.now_s() + steps * STEP_S;
        totp.generate(second.try_into().unwrap()).to_string()
    }

    /// Sets an app up and proves it with the code of the step before, so that the present one is
    /// still good.
    pub async fn enrol(&self, actor: &Actor) -> App {
        let path = format!("/v1/users/{}/mfa", actor.id);
        let answer = self
            .post(actor, &format!("{path}/setup"), json!({"mfaType": "app"}))
            .await;
        let body = answer.is(200);
        let app = App {
            secret: body["secret"].as_str().unwrap().to_owned(),
            recovery_codes: texts(&body["recoveryCodes"]),
        };
        let proof = json!({"mfaType": "app", "passcode": self.passcode(&app.secret, -1)});
        let proved = self.post(actor, &format!("{path}/verify"), proof).await;
        assert_eq!(proved.is(200), &json!({"verified": true}));
        app
    }

    /// Signs in with the password; answers what is said.
    pub async fn knock(&self, username: &str) -> Value {
        let body = json!({"grantType": "password", "username": username, "password": PASSWORD});
        self.post_openly(SIGN_IN, body).await.is(200).clone()
    }

    /// The token of a challenge.
    pub async fn challenge(&self, username: &str) -> String {
        let body = self.knock(username).await;
        assert_eq!(body["mfaRequired"], true, "{body}");
        body["mfaToken"].as_str().unwrap().to_owned()
    }

    /// Meets a challenge with this field; answers what is said.
    pub async fn meet(&self, challenge: &str, field: &str, code: &str) -> super::Answer {
        let body = json!({"mfaToken": challenge, field: code});
        self.post_openly(VERIFY, body).await
    }

    /// Signs somebody in with a recovery code.
    pub async fn sign_in_twice(&self, username: &str, recovery_code: &str) -> Actor {
        let challenge = self.challenge(username).await;
        let answer = self.meet(&challenge, "recoveryCode", recovery_code).await;
        let body = answer.is(200);
        let token = body["accessToken"].as_str().unwrap().to_owned();
        Actor {
            id: super::claims(&token)["sub"].as_str().unwrap().to_owned(),
            client: self.anonymous().await.with_token(&token).unwrap(),
            token,
            refresh_token: body["refreshToken"].as_str().unwrap().to_owned(),
        }
    }
}
