//! Mail, by a real server of it.

use std::path::{Path, PathBuf};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::{Value, json};

use crate::process::{Ended, Home, Running, until};
use crate::rest::PASSWORD;
use crate::servers::smtp::Smtp;

/// The files of a certificate of `localhost` and of its key.
fn certificate(home: &Home) -> (PathBuf, PathBuf) {
    let names = vec!["localhost".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let (certificate, key) = (home.path().join("mail.pem"), home.path().join("mail.key"));
    std::fs::write(&certificate, cert.pem()).unwrap();
    std::fs::write(&key, signing_key.serialize_pem()).unwrap();
    (certificate, key)
}

/// A server that mails by `url`, and a user there.
async fn serve(home: &Home, url: &str, authority: Option<&Path>) -> Running {
    let mut settings = vec![
        ("GATEPOST_MAIL_URL", url),
        ("GATEPOST_MAIL_FROM", "Gatepost <no-reply@example.com>"),
        ("GATEPOST_MAIL_SECRET", "secret"),
        ("GATEPOST_FORGOT_PASSWORD", "true"),
        ("GATEPOST_FORGOTTEN_PER_QUARTER_HOUR", "1000"),
        ("GATEPOST_DELIVERY_WHOLE_MS", "3000"),
    ];
    if let Some(path) = authority {
        settings.push(("GATEPOST_OUTBOUND_CA_FILE", path.to_str().unwrap()));
    }
    let server = home.serve(&settings);
    let admin = server.rest.token("admin").await;
    server.rest.user(&admin, "alice", &[]).await;
    server
}

async fn forget(server: &Running, username: &str) {
    let body = json!({"username": username, "language": "pt"});
    let path = "/v1/login/forgot-password";
    server.rest.must("", "POST", path, body).await;
}

/// Waits until the log says so.
fn logged(server: &Running, what: &str) {
    until(what, || server.stderr().contains(what).then_some(()));
}

fn read(mail: &str) -> Value {
    serde_json::from_str(mail).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_goes_by_starttls_by_tls_and_in_clear_to_this_machine() {
    for (mode, scheme) in [("starttls", "smtp"), ("tls", "smtps"), ("plain", "smtp")] {
        let home = Home::empty();
        let (certificate, key) = certificate(&home);
        let is_plain = mode == "plain";
        let files = (!is_plain).then_some((certificate.as_path(), key.as_path()));
        let smtp = Smtp::start(mode, files);
        let user = if is_plain { "" } else { "user@" };
        let url = format!("{scheme}://{user}localhost:{}", smtp.port());
        let server = serve(&home, &url, Some(&certificate)).await;
        forget(&server, "alice").await;
        let mail = read(&smtp.mail(0));
        assert_eq!(mail["from"], "no-reply@example.com", "{mode}");
        assert_eq!(mail["to"], json!(["alice@example.com"]), "{mode}");
        assert_eq!(mail["encrypted"], !is_plain, "{mode}");
        assert_eq!(mail["authenticated"] == true, !is_plain, "{mode}");
        let data = mail["data"].as_str().unwrap();
        let lines = [
            "From: Gatepost <no-reply@example.com>",
            "To: alice@example.com",
        ];
        for line in lines {
            assert!(data.lines().any(|one| one == line), "{line} in {data}");
        }
        assert!(
            data.contains("Content-Type: text/plain; charset=utf-8"),
            "{data}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_server_that_nobody_vouches_for_gets_nothing() {
    let home = Home::empty();
    let (certificate, key) = certificate(&home);
    let smtp = Smtp::start("starttls", Some((&certificate, &key)));
    let url = format!("smtp://user@localhost:{}", smtp.port());
    let server = serve(&home, &url, None).await;
    forget(&server, "alice").await;
    logged(&server, "a link to set a new password was not mailed");
    assert_eq!(smtp.mails(), Vec::<String>::new());
    assert!(
        !server.stderr().contains("gpw_"),
        "no text of a message is logged"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organizations_own_provider_goes_before_the_installations() {
    let home = Home::empty();
    let (ours, theirs) = (Smtp::start("plain", None), Smtp::start("plain", None));
    let url = format!("smtp://localhost:{}", ours.port());
    let server = serve(&home, &url, None).await;
    forget(&server, "alice").await;
    ours.mail(0);
    // One that leads inside, and that the operator has not named: it is stored, and never called.
    let add = |name: &str, url: &str| {
        let arguments = [
            "add-provider",
            "--organization",
            "default",
            "--channel",
            "mail",
            "--name",
            name,
            "--url",
            url,
            "--from",
            "bakery@example.com",
        ];
        home.run(&arguments, &[], "")
    };
    let inside = format!("smtp://127.0.0.1:{}", theirs.port());
    let added = add("inside", &inside);
    assert_eq!(added.code, Some(0), "{added:?}");
    assert_eq!(added.stdout, "inside carries messages of default\n");
    forget(&server, "alice").await;
    logged(&server, "its port is none of those allowed");
    assert_eq!((ours.mails().len(), theirs.mails().len()), (1, 0));
    let again = add("inside", &inside);
    assert_eq!(again.code, Some(1), "{again:?}");
    let bad = add("bad", "ftp://127.0.0.1");
    assert!(
        bad.stderr.contains("must be smtp, smtps or https"),
        "{bad:?}"
    );
}

/// Sets e-mail up as somebody's second factor, with the code that comes after so many mails.
async fn enrol(server: &Running, mails: &Smtp, before: usize) {
    let signed_in = server.rest.sign_in("alice", PASSWORD).await;
    let token = signed_in.text("accessToken");
    let about = server.rest.must(&token, "GET", "/v1/userinfo", Value::Null);
    let path = format!("/v1/users/{}/mfa", about.await.text("sub"));
    let set_up = json!({"mfaType": "email"});
    let setup = format!("{path}/setup");
    server.rest.must(&token, "POST", &setup, set_up).await;
    let proof = json!({"mfaType": "email", "passcode": code(&mails.mail(before))});
    let verify = format!("{path}/verify");
    server.rest.must(&token, "POST", &verify, proof).await;
}

/// The code that a mail's subject begins with.
fn code(mail: &str) -> String {
    let mail = read(mail);
    let data = mail["data"].as_str().unwrap();
    let subject = data.lines().find_map(|line| line.strip_prefix("Subject: "));
    subject.unwrap().chars().take(6).collect()
}

/// Signs somebody in who is sent a code; through an application, if one is named.
async fn sign_in_by_code(
    server: &Running,
    client: &[(&str, &str)],
    mails: &Smtp,
    before: usize,
) -> u16 {
    let mut body = json!({"grantType": "password", "username": "alice", "password": PASSWORD});
    for (name, value) in client {
        body[*name] = json!(value);
    }
    let path = "/v1/login/oauth/access_token";
    let knocked = server.rest.must("", "POST", path, body).await;
    let challenge = knocked.text("mfaToken");
    let asked = json!({"mfaToken": challenge, "mfaType": "email"});
    let path = "/v1/login/mfa/challenge";
    server.rest.must("", "POST", path, asked).await;
    let met = json!({"mfaToken": challenge, "passcode": code(&mails.mail(before))});
    let path = "/v1/login/mfa/verify";
    server.rest.call("", "POST", path, met).await.status
}

/// Stores a provider of this name and address for the default organization.
fn add_provider(
    home: &Home,
    settings: &[(&str, &str)],
    (name, url): (&str, &str),
    more: &[&str],
) -> Ended {
    let from = format!("{name}@example.com");
    let arguments = [
        "add-provider",
        "--organization",
        "default",
        "--channel",
        "mail",
        "--name",
        name,
        "--url",
        url,
        "--from",
        &from,
    ];
    home.run(&[&arguments, more].concat(), settings, "")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_applications_own_provider_carries_its_codes() {
    let home = Home::empty();
    let start = || Smtp::start("plain", None);
    let (ours, theirs, shops) = (start(), start(), start());
    let url = |smtp: &Smtp| format!("smtp://localhost:{}", smtp.port());
    let allowed = format!("{},{}", url(&theirs), url(&shops));
    let settings = [
        ("GATEPOST_MAIL_URL", url(&ours)),
        ("GATEPOST_MAIL_FROM", "ours@example.com".to_owned()),
        ("GATEPOST_FORGOT_PASSWORD", "true".to_owned()),
        ("GATEPOST_FORGOTTEN_PER_QUARTER_HOUR", "1000".to_owned()),
        ("GATEPOST_OUTBOUND_ALLOWED_ORIGINS", allowed),
    ];
    let settings = settings
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let server = home.serve(&settings);
    let admin = server.rest.token("admin").await;
    server.rest.user(&admin, "alice", &[]).await;
    let shop = server.rest.machine(&admin, "shop", &[]).await;
    // The organization's own, and the application's own before that.
    let add = |name: &str, smtp: &Smtp, more: &[&str]| {
        let added = add_provider(&home, &settings, (name, &url(smtp)), more);
        assert_eq!(added.code, Some(0), "{added:?}");
    };
    add("theirs", &theirs, &[]);
    enrol(&server, &theirs, 0).await;
    assert_eq!(read(&theirs.mail(0))["from"], "theirs@example.com");
    add("shops", &shops, &["--client-id", &shop.client_id]);
    let client = [
        ("clientId", shop.client_id.as_str()),
        ("clientSecret", shop.client_secret.as_str()),
    ];
    assert_eq!(sign_in_by_code(&server, &client, &shops, 0).await, 200);
    assert_eq!(sign_in_by_code(&server, &[], &theirs, 1).await, 200);
    let mail = read(&shops.mail(0));
    assert_eq!(mail["from"], "shops@example.com");
    assert_eq!(mail["to"], json!(["alice@example.com"]));
    // Links go the same way.
    let path = "/v1/login/forgot-password";
    let through = json!({"username": "alice", "clientId": shop.client_id});
    server.rest.must("", "POST", path, through).await;
    let link = read(&shops.mail(1));
    assert!(link["data"].as_str().unwrap().contains("reset-password"));
    forget(&server, "alice").await;
    theirs.mail(2);
    let counts = (
        ours.mails().len(),
        theirs.mails().len(),
        shops.mails().len(),
    );
    assert_eq!(counts, (0, 3, 2));
    // An application that is not there has none.
    let more = ["--client-id", "nobody"];
    let refused = add_provider(&home, &settings, ("x", "smtp://mail.example.com"), &more);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("no application `nobody`"));
}

/// What a provider is paid or trusted by is sealed, and in no file of the data folder.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_providers_secrets_are_in_no_file() {
    let home = Home::empty();
    let server = home.serve(&[]);
    let secrets = ["a-password-of-a-provider", "a-signing-secret-of-ours"];
    let arguments = [
        "add-provider",
        "--organization",
        "default",
        "--channel",
        "mail",
        "--name",
        "theirs",
        "--url",
        "https://mail.example.com/a-path-of-a-provider",
        "--from",
        "theirs@example.com",
    ];
    let added = home.run(&arguments, &[], &format!("{}\n", secrets.join("\n")));
    assert_eq!(added.code, Some(0), "{added:?}");
    drop(server);
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(home.data()).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let holds = |text: &str| {
        bytes
            .windows(text.len())
            .any(|piece| piece == text.as_bytes())
    };
    assert!(
        holds("theirs@example.com"),
        "this does not see the database"
    );
    for secret in secrets {
        assert!(!holds(secret), "{secret}");
        assert!(!format!("{added:?}").contains(secret));
    }
}
