//! `GetMfa`.

use gatepost_proto::ErrorReason;
use serde_json::json;

use crate::world::{NOBODY, World, fields};

#[tokio::test]
async fn one_sees_ones_own_and_an_administrator_those_of_others() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/mfa", alice.id);
    let before = world.get(&alice, &path).await;
    let all = [
        "emailEnabled",
        "enabled",
        "methods",
        "passkeyEnabled",
        "policy",
        "preferredType",
        "recoveryCodesLeft",
        "smsEnabled",
        "totpEnabled",
    ];
    assert_eq!(fields(before.is(200)), all);
    assert_eq!(before.body["enabled"], false);
    world.enrol(&alice).await;
    for actor in [&alice, &world.admin] {
        let status = world.get(actor, &path).await;
        let shown = json!({
            "enabled": true, "preferredType": "app", "methods": ["app"], "totpEnabled": true,
            "emailEnabled": false, "smsEnabled": false, "recoveryCodesLeft": 10,
            "policy": "optional", "passkeyEnabled": false,
        });
        assert_eq!(status.is(200), &shown);
    }
    let bob = world.person("bob", &[]).await;
    let others = world.get(&bob, &path).await;
    others.refuses(ErrorReason::PermissionMissing);
    let nobody = format!("/v1/users/{NOBODY}/mfa");
    let nobody = world.get(&world.admin, &nobody).await;
    nobody.refuses(ErrorReason::NotFound);
}
