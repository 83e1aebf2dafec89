//! `ListPasskeys`.

use gatepost_proto::ErrorReason;
use serde_json::json;

use crate::world::{NOBODY, World, fields};

#[tokio::test]
async fn one_sees_ones_own_and_an_administrator_those_of_others() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/passkeys", alice.id);
    let before = world.get(&alice, &path).await;
    assert_eq!(before.is(200), &json!({"items": []}));
    let added = world.add_passkey(&alice).await;
    for actor in [&alice, &world.admin] {
        let listed = world.get(actor, &path).await;
        let item = &listed.is(200)["items"][0];
        assert_eq!(fields(item), ["backedUp", "createdAt", "id", "name"]);
        assert_eq!(
            (&item["id"], &item["name"], &item["backedUp"]),
            (&json!(added.id), &json!("Phone"), &json!(false))
        );
    }
    let strong = world.sign_in_by(&added.key).await;
    let used = world.get(&strong, &path).await;
    assert!(used.is(200)["items"][0]["lastUsedAt"].is_string());
    let bob = world.person("bob", &[]).await;
    let others = world.get(&bob, &path).await;
    others.refuses(ErrorReason::PermissionMissing);
    let nobody = format!("/v1/users/{NOBODY}/passkeys");
    let nobody = world.get(&world.admin, &nobody).await;
    nobody.refuses(ErrorReason::NotFound);
}
