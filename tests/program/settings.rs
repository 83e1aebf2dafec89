//! Settings: where they come from, how they are shown, and what a bad one does.

use crate::process::{Home, until};

#[test]
fn config_shows_what_is_in_force_and_masks_secrets() {
    let home = Home::empty();
    let file = home.path().join("gatepost.toml");
    std::fs::write(
        &file,
        "log = \"warn\"\nstaleness_bound_ms = 2500\nmulti_tenant = true\nlog_format = \"json\"\n\
         database_url = \"postgres://gatepost:hunter-two@db/gatepost\"\n",
    )
    .unwrap();
    let file = file.display().to_string();
    let settings = [
        ("GATEPOST_CONFIG", file.as_str()),
        ("GATEPOST_LOG_FORMAT", "text"),
        ("GATEPOST_MASTER_KEY", "hunter-three"),
        ("GATEPOST_CACHE_URL", "valkey://:hunter-four@cache"),
    ];
    let by_variable = home.run(&["config"], &settings, "");
    let by_option = home.run(&["config", "--config", &file], &settings[1..], "");
    assert_eq!(by_variable.code, Some(0), "{by_variable:?}");
    assert_eq!(by_variable.stdout, by_option.stdout);
    for line in [
        "GATEPOST_LOG=warn",
        "GATEPOST_STALENESS_BOUND_MS=2500",
        "GATEPOST_MULTI_TENANT=true",
        "GATEPOST_LOG_FORMAT=text",
        "GATEPOST_DATABASE_URL=********",
        "GATEPOST_MASTER_KEY=********",
        "GATEPOST_CACHE_URL=********",
        "GATEPOST_BOOTSTRAP_ADMIN_PASSWORD=********",
        "GATEPOST_ACCESS_TOKEN_SECONDS=3600",
    ] {
        let found = by_variable.stdout.lines().any(|printed| printed == line);
        assert!(found, "{line} is not in {by_variable:?}");
    }
    assert!(!by_variable.stdout.contains("hunter"), "{by_variable:?}");
    assert!(!home.data().exists(), "looking at settings makes nothing");
}

#[test]
fn an_unknown_or_bad_setting_stops_the_start_with_one_line() {
    let home = Home::empty();
    let broken = home.path().join("broken.toml");
    std::fs::write(&broken, "listen = [").unwrap();
    let unknown = home.path().join("unknown.toml");
    std::fs::write(&unknown, "listen_on = \"127.0.0.1:1\"").unwrap();
    let (broken, unknown) = (broken.display().to_string(), unknown.display().to_string());
    let cases = [
        (
            "GATEPOST_LISTNE",
            "127.0.0.1:1",
            "unknown setting `GATEPOST_LISTNE`",
        ),
        ("GATEPOST_LISTEN", "nowhere", "setting `GATEPOST_LISTEN`"),
        (
            "GATEPOST_STALENESS_BOUND_MS",
            "60001",
            "setting `GATEPOST_STALENESS_BOUND_MS`",
        ),
        ("GATEPOST_LOG", "loud=very=much", "GATEPOST_LOG"),
        (
            "GATEPOST_LOG_FORMAT",
            "xml",
            "setting `GATEPOST_LOG_FORMAT`",
        ),
        (
            "GATEPOST_DATABASE_URL",
            "mysql://x",
            "GATEPOST_DATABASE_URL",
        ),
        ("GATEPOST_CACHE_URL", "memcached://x", "GATEPOST_CACHE_URL"),
        ("GATEPOST_MASTER_KEY", "too short", "master key"),
        (
            "GATEPOST_BOOTSTRAP_ORGANIZATION",
            "No Slug",
            "GATEPOST_BOOTSTRAP_ORGANIZATION",
        ),
        (
            "GATEPOST_BOOTSTRAP_ADMIN_USERNAME",
            " ",
            "GATEPOST_BOOTSTRAP_ADMIN_USERNAME",
        ),
        ("GATEPOST_TLS_CERT", "missing.pem", "GATEPOST_TLS_KEY"),
        ("GATEPOST_CONFIG", &broken, "settings file"),
        ("GATEPOST_CONFIG", &unknown, "unknown setting `listen_on`"),
        ("GATEPOST_CONFIG", "/nowhere/gatepost.toml", "settings file"),
    ];
    for (name, value, expected) in cases {
        // Each on an empty folder: what one start makes, the next one would not look at.
        let home = Home::empty();
        let line = home.refusal(&[(name, value)]);
        assert!(line.starts_with("gatepost: "), "{name}: {line}");
        assert!(line.contains(expected), "{name}: {line}");
        nothing_was_made(&home);
    }
}

#[test]
fn without_tls_only_loopback_is_served() {
    let home = Home::empty();
    let everywhere = format!("0.0.0.0:{}", home.port);
    let line = home.refusal(&[("GATEPOST_LISTEN", &everywhere)]);
    assert!(line.contains("GATEPOST_TLS_CERT"), "{line}");
    assert!(line.contains("GATEPOST_ALLOW_PLAINTEXT"), "{line}");
    assert!(!home.data().exists(), "it was refused before it began");
    let _server = home.serve(&[
        ("GATEPOST_LISTEN", &everywhere),
        ("GATEPOST_ALLOW_PLAINTEXT", "true"),
    ]);
}

/// Whoever repairs the setting must get the first start, and its password.
fn nothing_was_made(home: &Home) {
    let server = home.serve(&[]);
    until("the first start", || {
        server.stdout().contains("first start").then_some(())
    });
}
