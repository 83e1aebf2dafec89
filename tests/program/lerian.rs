//! Lerian's own client library, unchanged, against this server.

use std::process::Command;

use crate::process::{Home, run};
use crate::servers::tool;

#[tokio::test]
async fn lerians_client_library_works_unchanged() {
    let home = Home::empty();
    let server = home.serve(&[]);
    let rest = &server.rest;
    let admin = rest.token("admin").await;
    let machine = rest.machine(&admin, "ledger", &["midaz-editor-role"]).await;
    let person = rest.person(&admin, "alice", &["midaz-viewer-group"]).await;
    let mut command = Command::new(tool("GATEPOST_TEST_LIB_AUTH"));
    command
        .env("GATEPOST_URL", &rest.base)
        .env("CLIENT_ID", &machine.client_id)
        .env("CLIENT_SECRET", &machine.client_secret)
        .env("USER_TOKEN", &person.token);
    let ended = run(command, "");
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.code, Some(0), "{said}");
    assert!(ended.stdout.contains(" 0 failed"), "{said}");
}
