//! `SetPreferredFactor`.

use gatepost_proto::ErrorReason;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn one_that_counts_is_offered_first() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/mfa/preferred", alice.id);
    let app = json!({"mfaType": "app"});
    let none = world.patch(&alice, &path, app.clone()).await;
    none.refuses(ErrorReason::FactorUnavailable);
    world.enrol(&alice).await;
    let answer = world.patch(&alice, &path, app.clone()).await;
    assert_eq!(answer.is(200), &json!({"preferredType": "app"}));
    let other = world
        .patch(&alice, &path, json!({"mfaType": "email"}))
        .await;
    other.refuses(ErrorReason::FactorUnavailable);
    let foreign = world.patch(&world.admin, &path, app).await;
    foreign.refuses(ErrorReason::NotOneself);
    let status = format!("/v1/users/{}/mfa", alice.id);
    assert_eq!(
        world.get(&alice, &status).await.is(200)["preferredType"],
        "app"
    );
}
