//! Every parameter of the OAuth endpoints and of the pages, with what means something elsewhere,
//! and with what is no text.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::browser::{Browser, Shown};
use crate::panics;
use crate::world::{Actor, NEXT_PASSWORD, PASSWORD, World};

const CALLBACK: &str = "https://app.test/cb";
/// RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Time after which nobody is slowed for what went wrong before.
const CALM: Duration = Duration::from_mins(20);

/// Values as they stand in a form, escapes and all.
fn odd_values() -> Vec<String> {
    let long = "x".repeat(15_000);
    [
        "%00",
        "a%00b",
        "'; DROP TABLE users; --",
        "%27%29+UNION+SELECT+password_hash+FROM+users+--",
        "$1 ?1 :name @p1",
        "%",
        "%zz",
        "%u0041",
        "%ff%fe",
        "%ed%a0%80",
        "%f4%90%80%80",
        "a%0d%0aX-Evil:+1",
        "%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "-1",
        "99999999999999999999999999",
        "..%2f..%2f..%2fetc%2fpasswd",
        "%E2%80%AE%EF%BB%BF",
        "{}",
        "[[[[",
        &long,
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Something that takes parameters: where, and those of a call that is whole.
#[derive(Clone)]
struct Door {
    method: Method,
    path: &'static str,
    fields: Vec<(&'static str, String)>,
    /// Whether a client has to prove itself there.
    is_for_clients: bool,
    /// Whether it is a form of our own pages.
    is_of_a_page: bool,
}

fn door(method: &Method, path: &'static str, fields: &[(&'static str, &str)]) -> Door {
    let fields = fields.iter();
    Door {
        method: method.clone(),
        path,
        fields: fields
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect(),
        is_for_clients: false,
        is_of_a_page: false,
    }
}

fn for_clients(path: &'static str, fields: &[(&'static str, &str)]) -> Door {
    Door {
        is_for_clients: true,
        ..door(&Method::POST, path, fields)
    }
}

fn of_a_page(path: &'static str, fields: &[(&'static str, &str)]) -> Door {
    Door {
        is_of_a_page: true,
        ..door(&Method::POST, path, fields)
    }
}

/// Where browsers are sent.
fn doors_for_browsers(client_id: &str) -> Vec<Door> {
    let asked = [
        ("client_id", client_id),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("response_mode", "query"),
        ("scope", "openid"),
        ("state", "s"),
        ("nonce", "n"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("prompt", "none"),
        ("max_age", "10000"),
        ("acr_values", "urn:gatepost:acr:1"),
        ("login_hint", "alice"),
        ("ui_locales", "en"),
        ("id_token_hint", ""),
        ("claims", "{}"),
        ("resource", ""),
        ("request", ""),
        ("display", "page"),
    ];
    let ends = [
        ("client_id", client_id),
        ("id_token_hint", ""),
        ("post_logout_redirect_uri", ""),
        ("state", "s"),
        ("ui_locales", "en"),
    ];
    let (get, post) = (Method::GET, Method::POST);
    vec![
        door(&get, "/oauth/authorize", &asked),
        door(&post, "/oauth/authorize", &asked),
        door(&get, "/oauth/end_session", &ends),
        door(&post, "/oauth/end_session", &ends),
        door(&get, "/signin", &[("continue", "/signin")]),
        door(&get, "/reset-password", &[("token", "gpw_x")]),
        door(&post, "/oauth/userinfo", &[("access_token", "x")]),
    ]
}

/// Where clients prove themselves.
fn doors_for_clients(client_id: &str) -> Vec<Door> {
    vec![
        for_clients(
            "/oauth/token",
            &[
                ("grant_type", "authorization_code"),
                ("code", "gpc_x"),
                ("redirect_uri", CALLBACK),
                ("code_verifier", "x"),
                ("resource", ""),
                ("client_id", client_id),
                ("client_assertion", ""),
                ("client_assertion_type", ""),
            ],
        ),
        for_clients(
            "/oauth/token",
            &[
                ("grant_type", "refresh_token"),
                ("refresh_token", "gpr_x"),
                ("scope", "openid"),
                ("resource", ""),
            ],
        ),
        for_clients(
            "/oauth/token",
            &[
                ("grant_type", "client_credentials"),
                ("scope", "x"),
                ("resource", ""),
            ],
        ),
        for_clients(
            "/oauth/introspect",
            &[("token", "x"), ("token_type_hint", "x")],
        ),
        for_clients("/oauth/revoke", &[("token", "x"), ("token_type_hint", "x")]),
    ]
}

/// The forms of our own pages.
fn doors_of_pages() -> Vec<Door> {
    vec![
        of_a_page("/signin", &[("username", "nobody"), ("password", PASSWORD)]),
        of_a_page(
            "/signin/second-factor",
            &[("mfa_token", "gpm_x"), ("code", "000000"), ("send", "")],
        ),
        of_a_page("/forgot-password", &[("username", "nobody")]),
        of_a_page("/reset-password", &[("new_password", NEXT_PASSWORD)]),
        of_a_page(
            "/change-password",
            &[("old_password", "wrong"), ("new_password", NEXT_PASSWORD)],
        ),
        of_a_page("/choose-organization", &[("organization", "nobody")]),
        of_a_page("/oauth/consent", &[("decision", "deny")]),
        of_a_page("/oauth/end_session/confirm", &[("x", "x")]),
    ]
}

/// Parameters as a form has them, one of them spoilt, as it is or twice.
fn spoilt(door: &Door, name: &str, value: &str, is_twice: bool) -> String {
    let mut pairs = Vec::new();
    for (known, good) in &door.fields {
        let good: String = form_urlencoded::byte_serialize(good.as_bytes()).collect();
        if *known != name {
            pairs.push(format!("{known}={good}"));
            continue;
        }
        if is_twice {
            pairs.push(format!("{known}={good}"));
        }
        pairs.push(format!("{known}={value}"));
    }
    pairs.join("&")
}

struct Stranger<'w> {
    world: &'w World,
    browser: Browser<'w>,
    client: (String, String),
}

impl Stranger<'_> {
    async fn knock(&mut self, door: &Door, parameters: &str) -> Shown {
        let is_query = door.method == Method::GET;
        let path = if is_query {
            format!("{}?{parameters}", door.path)
        } else {
            door.path.to_owned()
        };
        let mut request = self.world.request(door.method.clone(), &path);
        if door.is_for_clients {
            let both = format!("{}:{}", self.client.0, self.client.1);
            let basic = format!("Basic {}", STANDARD.encode(both));
            request = request.header("authorization", basic);
        }
        let mut body = parameters.to_owned();
        if door.is_of_a_page {
            let token = self.browser.get("/signin?continue=/x").await;
            body = format!("form_token={}&{body}", token.field("form_token"));
            request = request.header("sec-fetch-site", "same-origin");
        }
        if !is_query {
            let kind = "application/x-www-form-urlencoded";
            request = request.header("content-type", kind).body(body);
        }
        self.browser.send(request).await
    }

    async fn revision(&self, admin: &Actor) -> u64 {
        let users = self.world.get(admin, "/v1/users?limit=1").await;
        users.revision()
    }

    /// What was done since, but for what the log tells of refusals.
    async fn wrote_since(&self, admin: &Actor, before: u64) -> Vec<Value> {
        if self.revision(admin).await == before {
            return Vec::new();
        }
        let list = self.world.get(admin, "/v1/audit-events?limit=100").await;
        let mut events = list.is(200)["items"].as_array().unwrap().clone();
        events.retain(|event| {
            let revision: u64 = event["revision"].as_str().unwrap().parse().unwrap();
            revision > before && event["action"] != "attempt.refuse"
        });
        events
    }
}

#[tokio::test]
async fn no_parameter_of_a_form_or_a_page_breaks_anything() {
    let (world, panics) = (World::start().await, panics::watch());
    world.person("alice", &[]).await;
    let body = json!({
        "name": "shop", "tokenAlgorithm": "EdDSA", "settings": {"redirectUris": [CALLBACK]},
    });
    let made = world.post(&world.admin, "/v1/applications", body).await;
    let text = |name: &str| made.is(201)[name].as_str().unwrap().to_owned();
    let client = (text("clientId"), text("clientSecret"));
    let mut stranger = Stranger {
        world: &world,
        browser: Browser::new(&world),
        client,
    };
    stranger.browser.fill_in("/signin", "alice").await;
    let mut answers = 0;
    let client_id = stranger.client.0.clone();
    let all = [
        doors_for_browsers(&client_id),
        doors_for_clients(&client_id),
        doors_of_pages(),
    ];
    for door in all.concat() {
        let names: Vec<_> = door.fields.iter().map(|(name, _)| *name).collect();
        for name in names {
            // Nobody is slowed for what others tried, or this would test the limits only.
            world.pass(CALM).await;
            let admin = world.sign_in("admin").await;
            let signed_in = stranger.browser.get("/signin").await;
            if !signed_in.text.contains("Signed in as") {
                stranger.browser.fill_in("/signin", "alice").await;
            }
            let before = stranger.revision(&admin).await;
            let mut all_refused = true;
            for value in odd_values() {
                for is_twice in [false, true] {
                    let parameters = spoilt(&door, name, &value, is_twice);
                    let shown = stranger.knock(&door, &parameters).await;
                    let short: String = value.chars().take(40).collect();
                    let what = format!("{} {} {name}={short}", door.method, door.path);
                    is_unharmed(&shown, &what);
                    all_refused &= shown.status.is_client_error();
                    answers += 1;
                }
            }
            let what = format!("{} {name}", door.path);
            let wrote = stranger.wrote_since(&admin, before).await;
            assert!(!all_refused || wrote.is_empty(), "{what} wrote {wrote:?}");
        }
    }
    assert!(answers > 2_000, "{answers}");
    assert_eq!(panics::seen(), panics);
    world.sign_in("alice").await;
}

/// An answer that is one, and that nobody wrote into.
#[track_caller]
fn is_unharmed(shown: &Shown, what: &str) {
    let status = shown.status.as_u16();
    assert!(status < 500, "{what}: {status} {}", shown.text);
    assert!(shown.headers.get("x-evil").is_none(), "{what}");
    let is_page = shown.header("content-type").starts_with("text/html");
    assert!(
        !is_page || !shown.text.contains("<script>"),
        "{what}: {}",
        shown.text
    );
    let location = shown.headers.get("location");
    let location = location.map_or("", |value| value.to_str().unwrap());
    let is_ours = location.is_empty()
        || (location.starts_with('/') && !location.starts_with("//"))
        || location.starts_with(CALLBACK);
    assert!(is_ours, "{what} leads to {location}");
    // What is sealed or random may read like anything.
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    let pieces = shown.text.split(|letter| !is_part(letter));
    let words: Vec<_> = pieces.filter(|piece| piece.len() < 40).collect();
    let words = words.join(" ");
    for word in [
        "SQL",
        "sqlx",
        "sqlite",
        "postgres",
        "panicked",
        "syntax error",
    ] {
        assert!(!words.contains(word), "{what}: {}", shown.text);
    }
    if shown.header("content-type") == "application/json" && status >= 400 {
        let body: Value = serde_json::from_str(&shown.text).unwrap_or_default();
        let error = body["error"].as_str().unwrap_or_default();
        assert!(
            !error.is_empty() || shown.text.is_empty(),
            "{what}: {}",
            shown.text
        );
    }
}
