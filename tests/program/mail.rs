//! Mail, by a real server of it.

use std::path::{Path, PathBuf};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::{Value, json};

use crate::process::{Home, Running, until};
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
