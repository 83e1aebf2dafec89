//! REST calls to a running Gatepost, as a product or an operator makes them.
#![cfg(test)]

use std::time::Duration;

use tokio::time::Instant;

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// The password of everybody in these tests.
pub const PASSWORD: &str = "correct horse battery staple";

/// How long a call may take before the test gives up.
const CALL_MAX: Duration = Duration::from_secs(20);

/// Somewhere to call.
#[derive(Clone)]
pub struct Rest {
    /// `http://ADDRESS`
    pub base: String,
    /// The connections.
    pub http: reqwest::Client,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; null when it is empty or no JSON.
    pub body: Value,
    /// When the request was sent.
    pub sent: Instant,
}

/// A person or a machine, with a token.
pub struct Subject {
    /// User or application id.
    pub id: String,
    /// The access token.
    pub token: String,
    /// A machine's client id.
    pub client_id: String,
    /// A machine's secret.
    pub client_secret: String,
}

impl Rest {
    /// Calls to this address.
    pub fn new(base: impl Into<String>) -> Self {
        let http = reqwest::Client::builder()
            .timeout(CALL_MAX)
            .build()
            .unwrap();
        Self {
            base: base.into(),
            http,
        }
    }

    /// A request, with a token unless it is empty.
    pub fn request(&self, token: &str, method: &str, path: &str) -> RequestBuilder {
        let method: Method = method.parse().unwrap();
        let request = self.http.request(method, format!("{}{path}", self.base));
        if token.is_empty() {
            request
        } else {
            request.bearer_auth(token)
        }
    }

    /// Makes an organization, with the token of a system administrator; answers with its id and a
    /// token of its first administrator, whose username is `admin-of-<slug>`.
    pub async fn organization(&self, root: &str, slug: &str) -> (String, String) {
        let username = format!("admin-of-{slug}");
        let body = json!({
            "slug": slug,
            "name": slug,
            "owner": {
                "username": username,
                "email": format!("{username}@example.com"),
                "firstName": "Admin",
                "lastName": slug,
                "password": PASSWORD,
            },
        });
        let made = self.must(root, "POST", "/v1/organizations", body).await;
        (made.text("id"), self.token(&username).await)
    }

    /// Sends a request; `Err` when nobody answers.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, reqwest::Error> {
        let sent = Instant::now();
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await?;
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Ok(Answer {
            status,
            headers,
            body,
            sent,
        })
    }

    /// Calls with a JSON body, unless it is null.
    pub async fn call(&self, token: &str, method: &str, path: &str, body: Value) -> Answer {
        let mut request = self.request(token, method, path);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = self.send(request).await;
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"))
    }

    /// As [`Rest::call`], and it must succeed.
    pub async fn must(&self, token: &str, method: &str, path: &str, body: Value) -> Answer {
        let answer = self.call(token, method, path, body).await;
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
        answer
    }

    /// The answer of `POST /v1/authorize` about `midaz/accounts:get`.
    pub async fn may_get(&self, token: &str) -> Answer {
        self.authorize(token, "midaz", "accounts", "get").await
    }

    /// The answer of `POST /v1/authorize`.
    pub async fn authorize(&self, token: &str, product: &str, what: &str, action: &str) -> Answer {
        let question = json!({"product": product, "resource": what, "action": action});
        self.call(token, "POST", "/v1/authorize", question).await
    }

    /// The answer of a sign-in.
    pub async fn sign_in(&self, username: &str, password: &str) -> Answer {
        let body = json!({"grantType": "password", "username": username, "password": password});
        self.call("", "POST", "/v1/login/oauth/access_token", body)
            .await
    }

    /// Signs a person in.
    pub async fn token(&self, username: &str) -> String {
        let answer = self.sign_in(username, PASSWORD).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text("accessToken")
    }

    /// Signs a machine in.
    pub async fn machine_token(&self, client_id: &str, client_secret: &str) -> String {
        let body = json!({
            "grantType": "client_credentials",
            "clientId": client_id,
            "clientSecret": client_secret,
        });
        let path = "/v1/login/oauth/access_token";
        let answer = self.must("", "POST", path, body).await;
        answer.text("accessToken")
    }

    /// Makes a user.
    pub async fn user(&self, admin: &str, username: &str, groups: &[&str]) -> String {
        let body = json!({
            "username": username,
            "email": format!("{username}@example.com"),
            "firstName": "Test",
            "lastName": username,
            "password": PASSWORD,
            "groups": groups,
        });
        self.must(admin, "POST", "/v1/users", body).await.text("id")
    }

    /// Makes a user and signs her in.
    pub async fn person(&self, admin: &str, username: &str, groups: &[&str]) -> Subject {
        Subject {
            id: self.user(admin, username, groups).await,
            token: self.token(username).await,
            client_id: String::new(),
            client_secret: String::new(),
        }
    }

    /// Makes an application and signs it in.
    pub async fn machine(&self, admin: &str, name: &str, roles: &[&str]) -> Subject {
        let body = json!({"name": name, "roles": roles});
        let made = self.must(admin, "POST", "/v1/applications", body).await;
        let (client_id, client_secret) = (made.text("clientId"), made.text("clientSecret"));
        Subject {
            id: made.text("id"),
            token: self.machine_token(&client_id, &client_secret).await,
            client_id,
            client_secret,
        }
    }
}

impl Answer {
    /// A text of the body.
    pub fn text(&self, key: &str) -> String {
        let text = self.body[key].as_str();
        text.unwrap_or_else(|| panic!("no `{key}` in {self:?}"))
            .to_owned()
    }

    /// The reason of a refusal.
    pub fn reason(&self) -> &str {
        self.body["reason"].as_str().unwrap_or_default()
    }

    /// Whether this is a decision, and it is a yes.
    pub fn is_yes(&self) -> bool {
        self.status == 200 && self.body["authorized"] == json!(true)
    }

    /// The revision that the answer is based on.
    pub fn revision(&self) -> u64 {
        let header = self.headers.get("gatepost-revision");
        let number = header.and_then(|value| value.to_str().ok()?.parse().ok());
        number.unwrap_or_else(|| panic!("no revision in {self:?}"))
    }
}
