//! Sessions that end because of what somebody does with a code, a refresh token, a mailed link or
//! a browser: their access tokens are refused on every replica, within the bound, with and without
//! the bus.

use std::collections::BTreeMap;

use reqwest::RequestBuilder;
use serde_json::json;
use tokio::time::Instant;

use crate::mailbox::Mailbox;
use crate::replicas::{Cluster, Replica, allowed, refused, settled};
use crate::rest::{PASSWORD, Rest};

const NEXT_PASSWORD: &str = "another horse and another battery";
const CALLBACK: &str = "https://app.test/cb";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[derive(Clone, Copy, Debug)]
enum Ending {
    RefreshTokenRevoked,
    RefreshTokenReused,
    CodeReplayed,
    PasswordReset,
    BrowserSignedOut,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_refresh_token_ends_its_access_tokens() {
    bites(Ending::RefreshTokenRevoked).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_that_comes_back_ends_its_access_tokens() {
    bites(Ending::RefreshTokenReused).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_comes_back_ends_its_access_tokens() {
    bites(Ending::CodeReplayed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_was_forgotten_and_set_anew_ends_access_tokens() {
    bites(Ending::PasswordReset).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_that_signs_out_ends_what_was_opened_in_it() {
    bites(Ending::BrowserSignedOut).await;
}

async fn bites(ending: Ending) {
    let cluster = Cluster::start();
    let mailbox = Mailbox::open().await;
    let settings = mailbox.settings();
    let a = cluster.replica(&settings).await;
    let b = cluster.replica(&settings).await;
    let admin = a.token("admin").await;
    let party = Party::new(&a, &admin).await;
    for bus in ["with-a-bus", "without-a-bus"] {
        if bus == "without-a-bus" {
            cluster.valkey.stop();
        }
        let username = format!("alice-{bus}");
        let group = ["midaz-viewer-group"];
        let first = a.person(&admin, &username, &group).await;
        let bystander = a.person(&admin, &format!("bob-{bus}"), &group).await;
        let mut browser = Browser::new(&a).await;
        browser.sign_in(&username).await;
        let code = browser.code(&party).await;
        let bought = party.redeem(&a, &code).await;
        assert_eq!(bought.status, 200, "{bought:?}");
        let token = bought.text("access_token");
        allowed(&b, &token).await;
        allowed(&b, &first.token).await;
        let refresh = bought.text("refresh_token");
        match ending {
            Ending::RefreshTokenRevoked => {
                let done = party
                    .post(&a, "/oauth/revoke", &[("token", &refresh)])
                    .await;
                assert_eq!(done.status, 200, "{done:?}");
            }
            Ending::RefreshTokenReused => {
                let next = party.refresh(&a, &refresh).await;
                let next = party.refresh(&a, &next.text("refresh_token")).await;
                assert_eq!(next.status, 200, "{next:?}");
                // Two generations back there is no grace.
                let reused = party.refresh(&a, &refresh).await;
                assert_eq!(reused.body["error"], "invalid_grant", "{reused:?}");
            }
            Ending::CodeReplayed => {
                let again = party.redeem(&a, &code).await;
                assert_eq!(again.body["error"], "invalid_grant", "{again:?}");
            }
            Ending::PasswordReset => reset(&a, &mailbox, &username).await,
            Ending::BrowserSignedOut => browser.sign_out().await,
        }
        let (answer, _) = refused(&b, &token, Instant::now()).await;
        let expected = (401, "SESSION_ENDED");
        assert_eq!((answer.status, answer.reason()), expected, "{bus}");
        for replica in [&a, &b] {
            let again = settled(replica, &token).await;
            assert_eq!((again.status, again.reason()), expected, "{bus}");
            // A reset ends all that is hers; whatever else ends a session ends that one.
            if matches!(ending, Ending::PasswordReset) {
                let other = settled(replica, &first.token).await;
                assert_eq!((other.status, other.reason()), expected, "{bus}");
            } else {
                allowed(replica, &first.token).await;
            }
            allowed(replica, &bystander.token).await;
        }
        // What could get another token is worth nothing either, wherever it is shown.
        let late = party.refresh(&b, &refresh).await;
        assert_eq!(late.body["error"], "invalid_grant", "{bus}: {late:?}");
    }
}

/// Sets a new password by a mailed link.
async fn reset(a: &Replica, mailbox: &Mailbox, username: &str) {
    let before = mailbox.count();
    let body = json!({"username": username});
    a.must("", "POST", "/v1/login/forgot-password", body).await;
    let text = mailbox.next(before).await;
    let (_, rest) = text.split_once("?token=").expect("a link");
    let token = rest.split_whitespace().next().unwrap();
    let body = json!({"token": token, "newPassword": NEXT_PASSWORD});
    a.must("", "POST", "/v1/login/reset-password", body).await;
}

/// An application that people sign in through.
struct Party {
    client_id: String,
    secret: String,
}

impl Party {
    async fn new(a: &Rest, admin: &str) -> Self {
        let body = json!({"name": "shop", "settings": {"redirectUris": [CALLBACK]}});
        let made = a.must(admin, "POST", "/v1/applications", body).await;
        Self {
            client_id: made.text("clientId"),
            secret: made.text("clientSecret"),
        }
    }

    async fn post(&self, rest: &Rest, path: &str, form: &[(&str, &str)]) -> crate::rest::Answer {
        let request = rest.request("", "POST", path).form(form);
        let request = request.basic_auth(&self.client_id, Some(&self.secret));
        rest.send(request).await.unwrap()
    }

    async fn redeem(&self, rest: &Rest, code: &str) -> crate::rest::Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.post(rest, "/oauth/token", &form).await
    }

    async fn refresh(&self, rest: &Rest, token: &str) -> crate::rest::Answer {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.post(rest, "/oauth/token", &form).await
    }
}

/// A browser that shows nothing and keeps cookies.
struct Browser {
    rest: Rest,
    cookies: BTreeMap<String, String>,
}

/// What it was answered.
struct Shown {
    location: String,
    text: String,
}

impl Browser {
    async fn new(rest: &Rest) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let rest = Rest {
            base: rest.base.clone(),
            http: http.build().unwrap(),
        };
        let mut browser = Self {
            rest,
            cookies: BTreeMap::new(),
        };
        browser.get("/signin").await;
        browser
    }

    async fn get(&mut self, path: &str) -> Shown {
        let request = self.rest.request("", "GET", path);
        self.send(request).await
    }

    /// Fills in the form of a page.
    async fn fill_in(&mut self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let page = self.get(path).await;
        let (_, rest) = page
            .text
            .split_once("name=\"form_token\" value=\"")
            .unwrap();
        let token = rest.split('"').next().unwrap();
        let fields = [&[("form_token", token)], fields].concat();
        let request = self.rest.request("", "POST", path).form(&fields);
        self.send(request).await
    }

    async fn sign_in(&mut self, username: &str) {
        let fields = [("username", username), ("password", PASSWORD)];
        let back = self.fill_in("/signin", &fields).await;
        assert_eq!(back.location, "/signin", "{}", back.text);
    }

    async fn sign_out(&mut self) {
        let back = self.fill_in("/signout", &[]).await;
        assert_eq!(back.location, "/signout", "{}", back.text);
    }

    /// A code for an application.
    async fn code(&mut self, party: &Party) -> String {
        let query = [
            ("client_id", party.client_id.as_str()),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let request = self.rest.request("", "GET", "/oauth/authorize");
        let back = self.send(request.query(&query)).await;
        let url = url::Url::parse(&back.location).unwrap();
        let code = url.query_pairs().find(|(name, _)| name == "code");
        let (_, code) = code.unwrap_or_else(|| panic!("no code in {url}"));
        code.into_owned()
    }

    async fn send(&mut self, request: RequestBuilder) -> Shown {
        let cookies = self.cookies.iter();
        let cookies: Vec<_> = cookies
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = request.header("cookie", cookies.join("; "));
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let (pair, _) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let location = response.headers().get("location");
        Shown {
            location: location.map_or("", |at| at.to_str().unwrap()).to_owned(),
            text: response.text().await.unwrap(),
        }
    }
}
