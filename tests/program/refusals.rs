//! Starts that are refused, each with one line.

use crate::process::Home;
use crate::servers::postgres::{self, PostgresDatabase};

const KEY: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const OTHER_KEY: &str = "1111111111111111111111111111111111111111111111111111111111111111";

fn on(database: &PostgresDatabase) -> Vec<(&str, &str)> {
    vec![
        ("GATEPOST_DATABASE_URL", &database.server_url),
        ("GATEPOST_MIGRATION_DATABASE_URL", &database.owner_url),
        ("GATEPOST_MASTER_KEY", KEY),
    ]
}

#[test]
fn a_second_server_on_the_same_data_folder() {
    let home = Home::empty();
    let mut server = home.serve(&[]);
    let other = Home::empty();
    let data = home.data();
    let line = other.refusal(&[("GATEPOST_DATA_DIR", data.to_str().unwrap())]);
    assert!(line.contains("another server"), "{line}");
    assert!(server.is_alive());
}

#[test]
fn a_port_that_is_taken() {
    let home = Home::empty();
    let _server = home.serve(&[]);
    let other = Home::empty();
    let listen = format!("127.0.0.1:{}", home.port);
    let line = other.refusal(&[("GATEPOST_LISTEN", &listen)]);
    assert!(line.contains("GATEPOST_LISTEN"), "{line}");
}

#[test]
fn another_master_key() {
    let home = Home::empty();
    home.serve(&[]).kill();
    let line = home.refusal(&[("GATEPOST_MASTER_KEY", OTHER_KEY)]);
    assert!(line.contains("master key"), "{line}");
    // A lost file is not made anew over data that it cannot open.
    std::fs::remove_file(home.data().join("master.key")).unwrap();
    let line = home.refusal(&[]);
    assert!(line.contains("master key"), "{line}");
}

#[test]
fn another_public_url() {
    let home = Home::empty();
    home.serve(&[]).kill();
    let line = home.refusal(&[("GATEPOST_PUBLIC_URL", "https://elsewhere.test")]);
    assert!(line.contains("GATEPOST_PUBLIC_URL"), "{line}");
}

#[test]
fn postgres_without_a_master_key() {
    let database = postgres::shared().database();
    let home = Home::empty();
    let line = home.refusal(&on(&database)[..2]);
    assert!(line.contains("GATEPOST_MASTER_KEY"), "{line}");
}

#[test]
fn a_serving_role_that_row_level_security_does_not_bind() {
    let database = postgres::shared().database();
    let home = Home::empty();
    let mut settings = on(&database);
    settings[0].1 = &database.superuser_url;
    let line = home.refusal(&settings);
    assert!(line.contains("superuser"), "{line}");
}

#[test]
fn a_database_that_is_not_there() {
    let home = Home::empty();
    let url = "postgres://gatepost:hunter-two@127.0.0.1:1/gatepost";
    let settings = [("GATEPOST_DATABASE_URL", url), ("GATEPOST_MASTER_KEY", KEY)];
    let line = home.refusal(&settings);
    assert!(line.contains("GATEPOST_DATABASE_URL"), "{line}");
    assert!(!line.contains("hunter-two"), "{line}");
}

#[test]
fn a_database_that_is_newer_than_the_program() {
    let database = postgres::shared().database();
    let home = Home::empty();
    let settings = on(&database);
    home.serve(&settings).kill();
    let sql = "update schema_version set version = 99";
    postgres::shared().psql(&database.name, sql);
    let line = home.refusal(&settings);
    assert!(line.contains("schema 99"), "{line}");
    let ended = home.run(&["migrate"], &settings, "");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("schema 99"), "{ended:?}");
}
