//! Passkeys in a real browser, with an authenticator of its own.

use std::process::Command;

use serde_json::{Value, json};

use crate::servers::{free_port, repository_root, tool};
use crate::world::{PASSWORD, World};

/// Runs a script with a browser; answers what it saw.
async fn play(issuer: &str, foreign: &str) -> Value {
    let mut command = Command::new(tool("GATEPOST_TEST_NODE"));
    // The scripts are linked beside their modules, and looked for there.
    command.args(["--preserve-symlinks", "--preserve-symlinks-main"]);
    let scripts = repository_root().join("target/test-tools/parties");
    command
        .arg(scripts.join("passkeys.mjs"))
        .env("CHROMIUM", tool("GATEPOST_TEST_CHROMIUM"))
        .env("BASE", issuer)
        .env("FOREIGN", foreign)
        .env("USERNAME", "alice")
        .env("PASSWORD", PASSWORD);
    let done = tokio::task::spawn_blocking(move || command.output());
    let done = done.await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    serde_json::from_slice(&done.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_makes_a_passkey_and_signs_in_with_it() {
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let issuer = format!("http://localhost:{port}");
    let own = [
        ("GATEPOST_LISTEN", listen.as_str()),
        ("GATEPOST_PUBLIC_URL", issuer.as_str()),
    ];
    let world = World::start_with(&own).await;
    let alice = world.person("alice", &[]).await;
    let seen = play(&issuer, &format!("http://127.0.0.1:{port}")).await;
    let nothing = "Nothing came of it. Try again, or use another device.";
    let removed = "There is a problem\n\n\
                   This passkey did not work. Try again, or sign in another way.";
    let expected = json!({
        "refused": [],
        "codes": 10,
        "name": "Laptop",
        "made": [{"rpId": "localhost", "isResidentCredential": true}],
        "again": nothing,
        "alone": "/signin",
        "autofill": true,
        "unverified": nothing,
        "foreign": nothing,
        "renamed": "Old laptop",
        "removed": removed,
        "plain": ["Sign in"],
    });
    assert_eq!(seen, expected);
    let log = "/v1/audit-events?limit=100";
    let log = world.get(&world.admin, log).await;
    let events = log.is(200)["items"].as_array().unwrap().iter();
    let actions: Vec<&str> = events
        .filter(|event| event["actorId"] == *alice.id)
        .map(|event| event["action"].as_str().unwrap())
        .collect();
    for action in ["mfa.verify", "passkey.rename", "passkey.delete"] {
        assert!(actions.contains(&action), "{action} of {actions:?}");
    }
    world.close().await;
}
