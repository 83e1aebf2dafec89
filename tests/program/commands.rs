//! The operator's commands.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::process::Home;
use crate::rest::{PASSWORD, Rest};
use crate::servers::postgres;

const BOUND: Duration = Duration::from_secs(1);

const MANIFEST: &str = r#"
service: lending
version: "1"
aliases: []
roles:
  - name: lending-editor-role
    grantedTo: [{group: lending-editor-group}, {group: admin-group}]
permissions:
  - {resource: loans, action: get, roles: [lending-editor-role]}
  - {resource: loans, action: post, roles: [lending-editor-role]}
m2m: {exposed: true, needs: []}
"#;

#[test]
fn migrate_makes_the_schema_and_nothing_else() {
    let database = postgres::shared().database();
    let home = Home::empty();
    let settings = [
        ("GATEPOST_DATABASE_URL", database.server_url.as_str()),
        (
            "GATEPOST_MIGRATION_DATABASE_URL",
            database.owner_url.as_str(),
        ),
        ("GATEPOST_MASTER_KEY", "00000000000000000000000000000000"),
    ];
    for _ in 0..2 {
        let ended = home.run(&["migrate"], &settings, "");
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{ended:?}");
    }
    let sql = "select (select count(*) from schema_version), (select count(*) from installation)";
    assert_eq!(postgres::shared().psql(&database.name, sql), "1|0");
}

#[tokio::test]
async fn bootstrap_reports_and_repeats_and_takes_nothing_away() {
    let home = Home::empty();
    let server = home.serve(&[]);
    let rest = &server.rest;
    let admin = rest.token("admin").await;
    let file = home.path().join("lending.yaml");
    std::fs::write(&file, MANIFEST).unwrap();
    let bootstrap = || home.run(&["bootstrap", file.to_str().unwrap()], &[], "");

    let first = bootstrap();
    assert_eq!(first.code, Some(0), "{first:?}");
    for line in [
        "lending: 2 permissions added, 0 removed",
        "  + loans:get for lending-editor-role",
        "  + loans:post for lending-editor-role",
    ] {
        assert!(first.stdout.lines().any(|said| said == line), "{first:?}");
    }
    assert!(first.stdout.contains("organization default: "), "{first:?}");
    soon(rest, &admin, "loans", "post", true).await;

    // What an administrator adds and takes: a member, a role, and a grant of a built-in group.
    let alice = rest
        .person(&admin, "alice", &["lending-editor-group"])
        .await;
    let role = json!({
        "name": "reader",
        "product": "lending",
        "permissions": [{"resource": "loans", "action": "get"}],
    });
    rest.must(&admin, "POST", "/v1/roles", role).await;
    let grant = "/v1/groups/lending-editor-group/roles/reader";
    rest.must(&admin, "PUT", grant, json!({})).await;
    let group = |rest: Rest, admin: String| async move {
        let path = "/v1/groups/lending-editor-group";
        rest.must(&admin, "GET", path, Value::Null).await.body
    };
    let before = group(rest.clone(), admin.clone()).await;

    let again = bootstrap();
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(again.stdout, "lending: nothing changed\n");
    assert_eq!(group(rest.clone(), admin.clone()).await, before);

    let routes = "routes: [{methods: [DELETE], path: '/v1/loans/{id}', \
                  resource: loans, action: delete}]";
    let manifest = MANIFEST.replace("action: post", "action: delete") + routes;
    std::fs::write(&file, manifest).unwrap();
    let next = bootstrap();
    for part in [
        "lending: 1 routes added, 0 removed",
        "1 permissions added, 1 removed",
        "  + loans:delete for lending-editor-role",
        "  - loans:post for lending-editor-role",
    ] {
        assert!(next.stdout.contains(part), "{part}: {next:?}");
    }
    soon(rest, &alice.token, "loans", "delete", true).await;
    soon(rest, &alice.token, "loans", "post", false).await;
    assert_eq!(group(rest.clone(), admin.clone()).await, before);
}

#[test]
fn bootstrap_refuses_what_is_no_manifest() {
    let home = Home::empty();
    let _server = home.serve(&[]);
    let file = home.path().join("lending.yaml");
    std::fs::write(&file, "service: [").unwrap();
    let broken = home.run(&["bootstrap", file.to_str().unwrap()], &[], "");
    assert_eq!(
        (broken.code, broken.stdout.as_str()),
        (Some(1), ""),
        "{broken:?}"
    );
    assert!(broken.stderr.contains("lending.yaml"), "{broken:?}");
}

#[tokio::test]
async fn reset_password_lets_the_administrator_in_again() {
    let home = Home::empty();
    let server = home.serve(&[]);
    let rest = &server.rest;
    let old = rest.token("admin").await;
    assert!(rest.may_get(&old).await.is_yes());

    let command = ["reset-password", "--user", "admin"];
    let ended = home.run(&command, &[], "another horse, another staple\n");
    let done = Instant::now();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stdout.contains("another horse"), "{ended:?}");
    loop {
        let answer = rest.may_get(&old).await;
        if answer.is_yes() {
            let after = answer.sent.saturating_duration_since(done);
            assert!(after <= BOUND, "allowed {after:?} after the reset");
        } else if answer.status != 503 {
            assert_eq!((answer.status, answer.reason()), (401, "SESSION_ENDED"));
            break;
        }
    }
    assert_eq!(rest.sign_in("admin", PASSWORD).await.status, 401);
    let again = rest.sign_in("admin", "another horse, another staple").await;
    assert!(rest.may_get(&again.text("accessToken")).await.is_yes());

    let path = "/v1/audit-events?limit=100";
    let events = rest
        .must(&again.text("accessToken"), "GET", path, Value::Null)
        .await;
    let told = events.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .any(|event| event["action"] == "user.reset_password" && event["actorType"] == "operator");
    assert!(told, "{events:?}");

    // The policy is for operators too.
    let same = home.run(&command, &[], "another horse, another staple\n");
    assert_eq!(same.code, Some(1), "{same:?}");
    assert!(same.stderr.contains("none of the last 5"), "{same:?}");

    // Without a password it makes one up.
    let made = home.run(&command, &[], "");
    let password = made
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("password: "));
    let answer = rest.sign_in("admin", password.unwrap()).await;
    assert_eq!(answer.status, 200, "{answer:?}");

    let nobody = home.run(&["reset-password", "--user", "nobody"], &[], "x\n");
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
    assert_eq!(nobody.stderr, "gatepost: there is no user `nobody`\n");
}

#[tokio::test]
async fn rotate_keys_makes_the_next_ones_or_withdraws_the_present() {
    let home = Home::empty();
    let server = home.serve(&[]);
    let rest = &server.rest;
    let old = rest.token("admin").await;
    let made = home.run(&["rotate-keys"], &[], "");
    assert_eq!(made.code, Some(0), "{made:?}");
    let lines: Vec<&str> = made.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{made:?}");
    for algorithm in ["RS256 ", "ES256 ", "EdDSA "] {
        let told = lines.iter().any(|line| line.starts_with(algorithm));
        assert!(told && made.stdout.contains(" signs from "), "{made:?}");
    }
    let again = home.run(&["rotate-keys"], &[], "");
    let expected = "nothing changed: the next keys are on their way already\n";
    assert!(again.stdout.starts_with(expected), "{again:?}");
    assert!(again.stdout.ends_with(&made.stdout), "{again:?}");
    let another = "11".repeat(32);
    let other = [("GATEPOST_MASTER_KEY", another.as_str())];
    let other = home.run(&["rotate-keys"], &other, "");
    assert_eq!(other.code, Some(1), "{other:?}");
    assert!(other.stderr.contains("not the master key"), "{other:?}");
    assert!(rest.may_get(&old).await.is_yes());

    let withdrawn = home.run(&["rotate-keys", "--immediately"], &[], "");
    let done = Instant::now();
    assert_eq!(withdrawn.code, Some(0), "{withdrawn:?}");
    loop {
        let answer = rest.may_get(&old).await;
        if answer.is_yes() {
            let after = answer.sent.saturating_duration_since(done);
            assert!(after <= BOUND, "allowed {after:?} after the withdrawal");
        } else if answer.status != 503 {
            assert_eq!((answer.status, answer.reason()), (401, "TOKEN_INVALID"));
            break;
        }
    }
    let next = rest.token("admin").await;
    assert!(rest.may_get(&next).await.is_yes());
}

/// Waits until the decision is this one.
async fn soon(rest: &Rest, token: &str, what: &str, action: &str, allowed: bool) {
    let begun = Instant::now();
    loop {
        let answer = rest.authorize(token, "lending", what, action).await;
        if answer.status == 200 && answer.is_yes() == allowed {
            return;
        }
        assert!(begun.elapsed() < BOUND * 3, "{what}:{action}: {answer:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
