//! What an operator sees of it: logs, metrics, and where a call came from.

use std::time::Duration;

use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use crate::process::{Home, until};
use crate::rest::{PASSWORD, Rest};
use crate::servers::free_port;

#[tokio::test]
async fn a_problem_names_the_line_of_the_log_and_no_line_holds_a_secret() {
    let home = Home::empty();
    let server = home.serve(&[
        ("GATEPOST_LOG", "debug"),
        ("GATEPOST_LOG_FORMAT", "json"),
        ("GATEPOST_MULTI_TENANT", "true"),
    ]);
    let rest = &server.rest;
    let mut secrets = vec![PASSWORD.to_owned()];
    let mut requests = Vec::new();
    session(rest, &mut secrets, &mut requests).await;
    second_factors(rest, &mut secrets).await;
    browsers_and_clients(rest, &mut secrets).await;
    let key = std::fs::read_to_string(home.data().join("master.key")).unwrap();
    secrets.push(key.trim().to_owned());

    for id in &requests {
        let named = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap_or_default();
            line["request_id"] == json!(id)
        };
        until("the line of a request", || {
            server.stderr().lines().any(named).then_some(())
        });
    }
    let log = server.stderr();
    assert!(log.contains(r#""level":"DEBUG""#), "this is no debug log");
    for line in log.lines() {
        let json: Result<Value, _> = serde_json::from_str(line);
        assert!(json.is_ok(), "no JSON: {line}");
        for secret in &secrets {
            // Of a token, its signature is the secret part.
            let tail = secret.rsplit('.').next().unwrap_or(secret);
            assert!(!line.contains(tail), "a secret in the log: {line}");
        }
    }
    assert!(!server.stdout().contains(PASSWORD));
}

/// A bit of everything, with secrets in every place that has room for one.
async fn session(rest: &Rest, secrets: &mut Vec<String>, requests: &mut Vec<String>) {
    let signed_in = rest.sign_in("admin", PASSWORD).await;
    let root = signed_in.text("accessToken");
    let owner = json!({
        "username": "owner", "email": "owner@example.com", "firstName": "O", "lastName": "W",
        "password": PASSWORD,
    });
    let body = json!({"slug": "acme", "name": "Acme", "owner": owner});
    rest.must(&root, "POST", "/v1/organizations", body).await;
    let admin = rest.token("owner").await;
    let alice = rest.person(&admin, "alice", &["midaz-viewer-group"]).await;
    let machine = rest.machine(&admin, "till", &["midaz-editor-role"]).await;
    let refresh = signed_in.text("refreshToken");
    let body = json!({"refreshToken": refresh, "grantType": "refresh_token"});
    let path = "/v1/login/oauth/refresh_token";
    let refreshed = rest.must("", "POST", path, body).await;
    let next = "the next horse, the next staple";
    let path = format!("/v1/users/{}/update-password", alice.id);
    let body = json!({"oldPassword": PASSWORD, "newPassword": next});
    rest.must(&alice.token, "PATCH", &path, body).await;
    let forged = format!("{}AAAA", alice.token);
    let path = format!("/v1/users?pageToken={}", machine.client_secret);
    for (token, method, path, body) in [
        ("", "POST", "/v1/authorize", json!({})),
        (&forged, "POST", "/v1/authorize", json!({})),
        (
            &admin,
            "POST",
            "/v1/users",
            json!({"password": next, "username": next}),
        ),
        (&admin, "GET", &path, Value::Null),
        (
            &admin,
            "GET",
            "/v1/users/0190d1a0-0000-7000-8000-000000000001",
            Value::Null,
        ),
        (&admin, "GET", "/v1/nothing", Value::Null),
        (&alice.token, "GET", "/v1/users", Value::Null),
    ] {
        let answer = rest.call(token, method, path, body).await;
        assert!(answer.status >= 400, "{path}: {answer:?}");
        let id = answer.text("requestId");
        let header = answer.headers.get("x-request-id");
        assert_eq!(header.unwrap().to_str().unwrap(), id);
        requests.push(id);
    }
    let wrong = rest.sign_in("alice", "a wrong horse, a wrong staple").await;
    requests.push(wrong.text("requestId"));
    rest.must(&admin, "POST", "/v1/logout", json!({})).await;
    secrets.extend([
        root,
        admin,
        alice.token,
        machine.token,
        machine.client_secret,
        refresh,
    ]);
    secrets.extend([
        refreshed.text("accessToken"),
        refreshed.text("refreshToken"),
        forged,
    ]);
    secrets.extend([next.to_owned(), "a wrong horse, a wrong staple".to_owned()]);
}

/// Everything that goes from one call to the next when a person has two factors.
async fn second_factors(rest: &Rest, secrets: &mut Vec<String>) {
    let root = rest.token("admin").await;
    let bob = rest.person(&root, "bob", &[]).await;
    let path = format!("/v1/users/{}/mfa", bob.id);
    let body = json!({"mfaType": "app"});
    let setup = format!("{path}/setup");
    let told = rest.must(&bob.token, "POST", &setup, body).await;
    let secret = told.text("secret");
    let shared = Secret::try_from_base32(&secret).unwrap();
    let totp = Builder::new().with_secret(shared).build().unwrap();
    let now_s = time::OffsetDateTime::now_utc().unix_timestamp();
    let passcode = totp.generate(now_s.try_into().unwrap()).to_string();
    let proof = json!({"mfaType": "app", "passcode": passcode});
    let verify = format!("{path}/verify");
    rest.must(&bob.token, "POST", &verify, proof).await;
    let codes = told.body["recoveryCodes"].as_array().unwrap().clone();
    let codes: Vec<String> = codes
        .iter()
        .map(|code| code.as_str().unwrap().to_owned())
        .collect();
    let challenge = rest.sign_in("bob", PASSWORD).await.text("mfaToken");
    let verify = "/v1/login/mfa/verify";
    let wrong = "WRONG-RECOVERY-CODE";
    for (code, status) in [(wrong, 401), (codes[0].as_str(), 200)] {
        let body = json!({
            "mfaToken": challenge, "recoveryCode": code, "rememberDevice": true,
        });
        let answer = rest.call("", "POST", verify, body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        for name in ["accessToken", "refreshToken", "deviceToken", "knownDevice"] {
            if status == 200 {
                secrets.push(answer.text(name));
            }
        }
    }
    let device = secrets.iter().rev().nth(1).unwrap().clone();
    assert!(device.starts_with("gpd_"), "{device}");
    let body = json!({
        "grantType": "password", "username": "bob", "password": PASSWORD, "deviceToken": device,
        "knownDevice": secrets.last().unwrap(),
    });
    let path = "/v1/login/oauth/access_token";
    let known = rest.must("", "POST", path, body).await;
    secrets.push(known.text("accessToken"));
    secrets.extend([challenge, secret, wrong.to_owned()]);
    secrets.extend(codes);
}

/// Secrets in every place in which OAuth and our pages have room for one, good or not.
async fn browsers_and_clients(rest: &Rest, secrets: &mut Vec<String>) {
    let secret = |name: &str| format!("a-secret-in-{name}");
    let mut say = |name: &str| {
        let said = secret(name);
        secrets.push(said.clone());
        said
    };
    for grant in ["authorization_code", "refresh_token", "password"] {
        let form = [
            ("grant_type", grant.to_owned()),
            ("client_id", "nobody".to_owned()),
            ("client_secret", say("a-client-secret")),
            ("code", say("gpc_a-code")),
            ("code_verifier", say("a-verifier")),
            ("refresh_token", say("gpr_a-refresh-token")),
            ("redirect_uri", "https://app.test/cb".to_owned()),
        ];
        let request = rest.request("", "POST", "/oauth/token").form(&form);
        assert_eq!(rest.send(request).await.unwrap().status, 401);
    }
    let form = [
        ("grant_type", "client_credentials".to_owned()),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".into(),
        ),
        (
            "client_assertion",
            format!("e30.e30.{}", say("an-assertion")),
        ),
    ];
    let request = rest.request("", "POST", "/oauth/token").form(&form);
    assert_eq!(rest.send(request).await.unwrap().status, 401);
    let basic = rest.request("", "POST", "/oauth/introspect");
    let basic = basic.basic_auth("nobody", Some(say("a-header")));
    let request = basic.form(&[("token", say("a-token"))]);
    assert_eq!(rest.send(request).await.unwrap().status, 401);
    for (path, name) in [
        ("/reset-password?token=gpw_", "a-link"),
        ("/oauth/userinfo?access_token=", "a-query"),
        ("/oauth/end_session?id_token_hint=", "a-hint"),
        ("/oauth/authorize?client_id=nobody&state=", "a-state"),
        ("/nothing?token=", "a-path-of-nobody"),
    ] {
        let request = rest.request("", "GET", &format!("{path}{}", say(name)));
        let request = request.header("cookie", format!("gatepost.default={}", say("a-cookie")));
        rest.send(request).await.unwrap();
    }
    let form = [
        ("form_token", say("a-form")),
        ("username", "alice".to_owned()),
        ("password", say("a-password-of-a-page")),
        ("new_password", say("a-new-password-of-a-page")),
        ("mfa_token", say("gpm_a-challenge")),
        ("code", say("a-code-of-a-page")),
    ];
    for path in [
        "/signin",
        "/signin/second-factor",
        "/reset-password",
        "/change-password",
    ] {
        let request = rest.request("", "POST", path).form(&form);
        let request = request.header("cookie", format!("gatepost.form={}", say("a-form-key")));
        assert_eq!(rest.send(request).await.unwrap().status, 403, "{path}");
    }
    let body = json!({"token": say("gpw_a-link-at-v1"), "newPassword": say("a-next-password")});
    let path = "/v1/login/reset-password";
    rest.call("", "POST", path, body).await;
}

#[tokio::test]
async fn metrics_have_a_port_of_their_own() {
    let home = Home::empty();
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let server = home.serve(&[("GATEPOST_METRICS_LISTEN", &listen)]);
    let admin = server.rest.token("admin").await;
    assert!(server.rest.may_get(&admin).await.is_yes());
    server.rest.may_get("").await;
    let url = format!("http://{listen}/metrics");
    let text = reqwest::get(&url).await.unwrap().text().await.unwrap();
    assert!(
        text.contains("# TYPE gatepost_requests_total counter"),
        "{text}"
    );
    for line in [
        r#"gatepost_requests_total{rpc="gatepost.auth.v1.AuthService/IssueToken",reason="OK"} 1"#,
        r#"gatepost_decisions_total{answer="allow"} 1"#,
    ] {
        assert!(
            text.lines().any(|counted| counted == line),
            "{line}: {text}"
        );
    }
    let refused = r#"AuthorizeService/Authorize",reason="TOKEN_MISSING"} 1"#;
    assert!(
        text.lines().any(|counted| counted.ends_with(refused)),
        "{text}"
    );
    let here = server.rest.call("", "GET", "/metrics", Value::Null).await;
    assert_eq!(here.status, 404, "metrics are not everybody's");
}

#[tokio::test]
async fn metrics_can_be_off() {
    let home = Home::empty();
    let server = home.serve(&[("GATEPOST_METRICS_LISTEN", "off")]);
    let here = server.rest.call("", "GET", "/metrics", Value::Null).await;
    assert_eq!(here.status, 404);
    // The usual port may be somebody else's on this machine; ours must not be bound by it.
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let listening = |port: u16| {
        let end = format!(":{port:04X} 00000000:0000 0A");
        sockets.lines().any(|line| line.contains(&end))
    };
    assert!(listening(home.port), "this does not see what listens");
    assert!(!listening(4002));
}

#[tokio::test]
async fn only_a_trusted_proxy_is_believed() {
    for (proxies, expected) in [("", "127.0.0.1"), ("127.0.0.0/8", "203.0.113.7")] {
        let home = Home::empty();
        let server = home.serve(&[("GATEPOST_TRUSTED_PROXIES", proxies)]);
        let rest = &server.rest;
        let admin = rest.token("admin").await;
        let request = rest
            .request(&admin, "POST", "/v1/groups")
            .header("x-forwarded-for", "198.51.100.1, 203.0.113.7")
            .json(&json!({"name": "seen"}))
            .timeout(Duration::from_secs(10));
        assert_eq!(rest.send(request).await.unwrap().status, 201);
        let events = rest
            .must(&admin, "GET", "/v1/audit-events?limit=100", Value::Null)
            .await;
        let events = events.body["items"].as_array().unwrap().clone();
        let made = events
            .iter()
            .find(|event| event["action"] == "group.create");
        assert_eq!(made.unwrap()["address"], json!(expected));
    }
}
