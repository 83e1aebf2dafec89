//! `IntrospectToken`. What applications learn is in tests/edge/oauth.

use gatepost_proto::ErrorReason;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_person_asks_about_her_own_tokens_only() {
    let world = World::start().await;
    let (alice, bob) = (
        world.person("alice", &[]).await,
        world.person("bob", &[]).await,
    );
    let ask = async |token: &str| {
        let body = json!({"token": token});
        world.post(&alice, "/v1/login/oauth/introspect", body).await
    };
    assert_eq!(ask(&alice.token).await.is(200)["active"], true);
    assert_eq!(ask(&alice.refresh_token).await.is(200)["active"], true);
    for token in [&bob.token, &bob.refresh_token, &world.admin.token] {
        assert_eq!(ask(token).await.is(200)["active"], false);
    }
    world
        .post_openly("/v1/login/oauth/introspect", json!({"token": alice.token}))
        .await
        .refuses(ErrorReason::TokenMissing);
}
