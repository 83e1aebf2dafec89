//! Mails that somebody tries to write with what goes into them, caught by a real mail server.

use reqwest::Method;
use serde_json::{Value, json};

use crate::servers::smtp::Smtp;
use crate::world::{Actor, World, claims};

/// A world that mails by a server of this machine.
async fn world_with(smtp: &Smtp) -> World {
    let url = format!("smtp://localhost:{}", smtp.port());
    let settings = [
        ("GATEPOST_MAIL_URL", url.as_str()),
        ("GATEPOST_MAIL_FROM", "Gatepost <no-reply@example.com>"),
        ("GATEPOST_MULTI_TENANT", "true"),
    ];
    World::start_with(&settings).await
}

fn read(mail: &str) -> Value {
    serde_json::from_str(mail).unwrap()
}

/// Checks that a mail is for one address, and has the headers of every mail of ours, each once.
#[track_caller]
fn is_plain(mail: &Value, to: &str) {
    assert_eq!(mail["to"], json!([to]), "{mail}");
    assert_eq!(mail["from"], "no-reply@example.com");
    let data = mail["data"].as_str().unwrap().replace("\r\n", "\n");
    let (head, _) = data.split_once("\n\n").unwrap();
    let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
    let mut names: Vec<String> = unfolded
        .lines()
        .map(|line| line.split(':').next().unwrap().to_lowercase())
        .collect();
    names.sort_unstable();
    let usual = [
        "content-transfer-encoding",
        "content-type",
        "date",
        "from",
        "message-id",
        "mime-version",
        "subject",
        "to",
    ];
    // The server that takes it writes from whom it came.
    names.retain(|name| name != "x-peer" && name != "auto-submitted");
    assert_eq!(names, usual, "{head}");
    assert!(unfolded.lines().any(|line| line == format!("To: {to}")));
    for evil in ["eve@", "evil.test", "Bcc", "X-Evil"] {
        assert!(!head.contains(evil), "{evil} in {head}");
    }
}

/// Line breaks in every spelling, and lists: none of them is an address.
const NO_ADDRESSES: [&str; 14] = [
    "a@b.test\r\nBcc: eve@evil.test",
    "a@b.test\nBcc: eve@evil.test",
    "a@b.test\rBcc: eve@evil.test",
    "a@b.test\u{85}Bcc: eve@evil.test",
    "a@b.test\u{2028}Bcc: eve@evil.test",
    "a@b.test\u{b}Bcc: eve@evil.test",
    "a@b.test\0",
    "a@b.test, eve@evil.test",
    "a@b.test,eve@evil.test",
    "a@b.test;eve@evil.test",
    "a@b.test eve@evil.test",
    "<a@b.test>",
    "A <a@b.test>",
    "a@b.test\r\n\r\nThe text.",
];

#[tokio::test]
async fn what_is_no_address_is_nobodys() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}", alice.id);
    let before = world.get(&world.admin, &path).await.is(200).clone();
    let revision = world.get(&world.admin, &path).await.revision();
    for email in NO_ADDRESSES {
        let refused = world
            .patch(&world.admin, &path, json!({"email": email}))
            .await;
        refused.refuses(gatepost_proto::ErrorReason::InvalidRequest);
        assert_eq!(refused.body["field"], "email", "{email:?}");
        let body = json!({
            "username": "bob", "email": email, "firstName": "B", "lastName": "O",
            "password": crate::world::PASSWORD,
        });
        let refused = world.post(&world.admin, "/v1/users", body).await;
        refused.refuses(gatepost_proto::ErrorReason::InvalidRequest);
        assert_eq!(refused.body["field"], "email", "{email:?}");
    }
    let after = world.get(&world.admin, &path).await;
    assert_eq!((after.is(200), after.revision()), (&before, revision));
}

/// Everything that may be written by others and stands in a mail, or near one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_has_one_recipient_and_our_headers_whatever_is_asked_for() {
    let smtp = Smtp::start("plain", None);
    let world = world_with(&smtp).await;
    let owner = world.organization("bakery").await;
    let organization = claims(&owner.token)["tenantId"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/v1/organizations/{organization}");
    let name = "Bäckerei =?utf-8?q?Bcc:_eve@evil.test?= \"<b>\" , eve@evil.test; :";
    let named = json!({"name": name});
    world.patch(&world.admin, &path, named).await.is(200);
    let ann = world.person_of(&owner, "ann", &[]).await;
    let address = "ann@example.com";
    // A link, asked for with all that a stranger can send along.
    for (number, language) in ["pt", "en\r\nBcc: eve@evil.test", "x"].iter().enumerate() {
        let body = json!({"username": "ann", "language": language});
        let request = world.request(Method::POST, "/v1/login/forgot-password");
        let request = request
            .header("x-forwarded-host", "evil.test")
            .header("forwarded", "host=evil.test")
            .header("reply-to", "eve@evil.test")
            .header("from", "eve@evil.test")
            .header("accept-language", "pt, X-Evil");
        let answer = world.send(request.json(&body)).await;
        if answer.status != 204 {
            answer.refuses(gatepost_proto::ErrorReason::InvalidRequest);
            assert_eq!(smtp.mails().len(), number);
            break;
        }
        let mail = read(&smtp.mail(number));
        is_plain(&mail, address);
    }
    let links = smtp.mails().len();
    assert!(links >= 1);
    // A username that asks for more is nobody's.
    let body = json!({"username": "ann\r\nBcc: eve@evil.test"});
    let path = "/v1/login/forgot-password";
    let nobody = world.post_openly(path, body).await;
    assert!([204, 400].contains(&nobody.status.as_u16()));
    codes_are_plain(&world, &smtp, &ann, links, address).await;
}

/// A code for a first factor, and one for a sign-in.
async fn codes_are_plain(world: &World, smtp: &Smtp, ann: &Actor, before: usize, address: &str) {
    let path = format!("/v1/users/{}/mfa", ann.id);
    let set_up = json!({"mfaType": "email"});
    world
        .post(ann, &format!("{path}/setup"), set_up)
        .await
        .is(200);
    let mail = read(&smtp.mail(before));
    is_plain(&mail, address);
    let proof = json!({"mfaType": "email", "passcode": code(&mail)});
    world
        .post(ann, &format!("{path}/verify"), proof)
        .await
        .is(200);
    let challenge = world.challenge("ann").await;
    let body = json!({"mfaToken": challenge, "mfaType": "email"});
    let sent = world.post_openly("/v1/login/mfa/challenge", body).await;
    sent.is(200);
    let mail = read(&smtp.mail(before + 1));
    is_plain(&mail, address);
    world
        .meet(&challenge, "passcode", &code(&mail))
        .await
        .is(200);
}

/// The code that the subject begins with.
fn code(mail: &Value) -> String {
    let data = mail["data"].as_str().unwrap();
    let mut subjects = data
        .lines()
        .filter_map(|line| line.strip_prefix("Subject: "));
    let code: String = subjects.next().unwrap().chars().take(6).collect();
    assert!(code.chars().all(|c| c.is_ascii_digit()), "{data}");
    code
}
