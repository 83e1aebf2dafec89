//! `ResetMfa`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::is_guarded;
use crate::world::{NOBODY, World};

#[tokio::test]
async fn whoever_lost_everything_is_let_in_with_the_password_again() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let challenge = world.challenge("alice").await;
    let path = format!("/v1/users/{}/mfa", alice.id);
    is_guarded(&world, Method::DELETE, &path, json!({})).await;
    let own = world.delete(&alice, &path).await;
    own.refuses(ErrorReason::PermissionMissing);
    let answer = world.delete(&world.admin, &path).await;
    answer.is(204);
    let event = world.audit(&answer, "mfa.reset").await;
    assert_eq!(event["targetId"], *alice.id);
    assert!(world.knock("alice").await.get("mfaRequired").is_none());
    let code = &app.recovery_codes[0];
    let old = world.meet(&challenge, "recoveryCode", code).await;
    old.refuses(ErrorReason::MfaTokenInvalid);
    let nobody = format!("/v1/users/{NOBODY}/mfa");
    let nobody = world.delete(&world.admin, &nobody).await;
    nobody.refuses(ErrorReason::NotFound);
}

#[tokio::test]
async fn it_is_no_way_around_the_proof_nor_above_oneself() {
    let world = World::start().await;
    world.enrol(&world.admin).await;
    let path = format!("/v1/users/{}/mfa", world.admin.id);
    let own = world.delete(&world.admin, &path).await;
    own.refuses(ErrorReason::InvalidRequest);
    super::role(
        &world,
        &world.admin,
        "helpdesk",
        "gatepost",
        &["user-mfa:delete"],
    )
    .await;
    let helper = world.person("helper", &[]).await;
    let grant = format!("/v1/users/{}/roles/helpdesk", helper.id);
    world.put(&world.admin, &grant).await.is(204);
    let above = world.delete(&helper, &path).await;
    above.refuses(ErrorReason::EscalationRefused);
    assert_eq!(world.knock("admin").await["mfaRequired"], true);
}
