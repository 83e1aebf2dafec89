//! Several replicas that start at once on an empty database.

use serde_json::Value;

use crate::process::{Home, until};
use crate::replicas::Cluster;
use crate::servers::postgres;

const REPLICAS: usize = 3;

#[tokio::test]
async fn replicas_that_start_at_once_bootstrap_once() {
    let cluster = Cluster::start();
    let homes: Vec<Home> = (0..REPLICAS).map(|_| Home::empty()).collect();
    let mut running: Vec<_> = homes
        .iter()
        .map(|home| {
            let listen = format!("127.0.0.1:{}", home.port);
            let data = home.data().display().to_string();
            let mut settings = cluster.settings(&[
                ("GATEPOST_LISTEN", &listen),
                ("GATEPOST_DATA_DIR", &data),
                // Empty means not given: the one that bootstraps makes one up.
                ("GATEPOST_BOOTSTRAP_ADMIN_PASSWORD", ""),
            ]);
            settings.reverse();
            let pairs: Vec<(&str, &str)> = settings
                .iter()
                .rev()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            home.begin(&pairs)
        })
        .collect();
    for replica in &mut running {
        replica.wait_until_up();
    }
    let password = until("the first password", || {
        homes
            .iter()
            .find_map(|home| std::fs::read_to_string(home.data().join("initial-password")).ok())
            .filter(|password| password.ends_with('\n'))
    });
    let files = homes
        .iter()
        .filter(|home| home.data().join("initial-password").exists());
    assert_eq!(files.count(), 1);
    let welcomed = || {
        let all = running
            .iter()
            .filter(|replica| replica.stdout().contains("refused:"));
        Some(all.count()).filter(|count| *count > 0)
    };
    assert_eq!(until("the first commands", welcomed), 1);

    // As much is there as one replica makes alone.
    let alone = Cluster::start();
    let lone = alone.replica(&[]).await;
    assert_eq!(made(&cluster), made(&alone));
    drop(lone);

    // What one of them made, all of them serve.
    let mut tokens = Vec::new();
    for replica in &running {
        let answer = replica.rest.sign_in("admin", password.trim()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        tokens.push(answer.text("accessToken"));
    }
    for token in &tokens {
        for replica in &running {
            assert!(replica.rest.may_get(token).await.is_yes());
        }
    }
    let keys = running[0]
        .rest
        .must("", "GET", "/.well-known/jwks.json", Value::Null);
    assert_eq!(keys.await.body["keys"].as_array().map(Vec::len), Some(3));
}

/// How many of everything there are.
fn made(cluster: &Cluster) -> Vec<String> {
    let tables = [
        "installation",
        "organizations",
        "users",
        "groups",
        "roles",
        "grants",
        "manifests",
        "signing_keys",
        "audit_events",
        "changes",
    ];
    let count = |table: &&str| {
        let sql = format!("select count(*) from {table}");
        let number = postgres::shared().psql(&cluster.database.name, &sql);
        assert_ne!(number, "0", "{table}");
        format!("{table}: {number}")
    };
    tables.iter().map(count).collect()
}
