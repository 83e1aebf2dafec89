//! What a refresh costs the database.

use serde_json::json;

use crate::proxy::Proxy;
use crate::replicas::Cluster;
use crate::rest::PASSWORD;

/// How often one refresh may wait for the database, from the beginning of its transaction to the
/// end.
const WAITS_MAX: u32 = 6;
/// The first ones prepare their statements, on each connection anew.
const REFRESHES: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_waits_six_times_for_the_database() {
    let cluster = Cluster::start();
    let proxy = Proxy::new(cluster.database_port());
    let url = cluster.database_through(proxy.port);
    let replica = cluster
        .replica(&[("GATEPOST_DATABASE_URL", url.as_str())])
        .await;
    let grant = json!({"grantType": "password", "username": "admin", "password": PASSWORD});
    let path = "/v1/login/oauth/access_token";
    let mut tokens = replica.call("", "POST", path, grant).await.body;
    let mut waits = Vec::new();
    for _ in 0..REFRESHES {
        proxy.take_waits();
        let presented = json!({"refreshToken": tokens["refreshToken"]});
        let path = "/v1/login/oauth/refresh_token";
        let answer = replica.call("", "POST", path, presented).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        tokens = answer.body;
        let one = proxy.take_waits();
        assert_eq!(one.len(), 1, "one refresh is one transaction: {one:?}");
        waits.extend(one);
    }
    let usual = waits.iter().min().unwrap();
    assert!(*usual <= WAITS_MAX, "{waits:?}");
}
