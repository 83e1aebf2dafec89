//! Accounts of others, as a way to what one lacks.

use reqwest::Method;
use serde_json::json;

use crate::calls::{make, user, user_body};
use crate::escalation::{assert_escalation, limited};
use crate::world::{Actor, PASSWORD, World};

/// A limited administrator who may also reset passwords.
async fn helper(world: &World) -> Actor {
    let me = limited(world).await;
    let body = json!({
        "name": "resetter", "product": "gatepost",
        "permissions": [{"resource": "reset-password", "action": "patch"}],
    });
    make(world, &world.admin, "/v1/roles", body).await;
    let path = format!("/v1/users/{}/roles/resetter", me.id);
    let answer = world
        .call(&world.admin, Method::PUT, &path, json!({}))
        .await;
    assert_eq!(answer.status.as_u16(), 204, "{}", answer.body);
    me
}

#[tokio::test]
async fn nobody_takes_over_an_account_that_may_do_more() {
    let world = World::start().await;
    let me = helper(&world).await;
    let admin = world.admin.id.clone();
    let editor = world.person("editor", &["midaz-editor-group"]).await.id;
    let auditor = user(&world, &world.admin).await;
    let body = json!({
        "name": "auditor", "product": "gatepost",
        "permissions": [{"resource": "audit-events", "action": "get"}],
    });
    make(&world, &world.admin, "/v1/roles", body).await;
    let path = format!("/v1/users/{auditor}/roles/auditor");
    world
        .call(&world.admin, Method::PUT, &path, json!({}))
        .await;
    for id in [&admin, &editor, &auditor] {
        let path = format!("/v1/users/{id}/reset-password");
        let body = json!({"newPassword": "another good password"});
        assert_escalation(&world.call(&me, Method::PATCH, &path, body).await, "reset");
        let path = format!("/v1/users/{id}");
        let body = json!({"email": "me@example.com"});
        assert_escalation(
            &world.call(&me, Method::PATCH, &path, body).await,
            "address",
        );
        assert_escalation(&world.delete(&me, &path).await, "delete");
    }
    world.sign_in("admin").await;
    world.sign_in("editor").await;
}

#[tokio::test]
async fn an_account_that_may_do_no_more_can_be_helped() {
    let world = World::start().await;
    let me = helper(&world).await;
    make(&world, &me, "/v1/users", user_body("plain")).await;
    let plain = world.sign_in("plain").await;
    let path = format!("/v1/users/{}/reset-password", plain.id);
    let body = json!({"newPassword": "another good password"});
    let answer = world.call(&me, Method::PATCH, &path, body).await;
    assert_eq!(answer.status.as_u16(), 204, "{}", answer.body);
    assert_eq!(
        world.get(&plain, "/v1/userinfo").await.reason(),
        "SESSION_ENDED"
    );
    let path = format!("/v1/users/{}", plain.id);
    assert_eq!(world.delete(&me, &path).await.status.as_u16(), 204);
}

#[tokio::test]
async fn ones_own_password_needs_the_old_one_and_no_other_account_can_be_named() {
    let world = World::start().await;
    let (ann, bob) = (
        world.person("ann", &[]).await,
        world.person("bob", &[]).await,
    );
    let body = json!({"oldPassword": PASSWORD, "newPassword": "another good password"});
    let path = format!("/v1/users/{}/update-password", bob.id);
    let answer = world.call(&ann, Method::PATCH, &path, body.clone()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.reason()),
        (403, "NOT_ONESELF")
    );
    let answer = world
        .call(&world.admin, Method::PATCH, &path, body.clone())
        .await;
    assert_eq!(answer.reason(), "NOT_ONESELF");
    let machine = world.machine("robot", &["gatepost-editor-role"]).await;
    let path = format!("/v1/users/{}/update-password", machine.id);
    let answer = world.call(&machine, Method::PATCH, &path, body).await;
    assert_eq!(answer.reason(), "NOT_ONESELF", "{}", answer.body);
    world.sign_in("bob").await;
}

#[tokio::test]
async fn a_machine_cannot_say_that_it_is_somebody_else() {
    let world = World::start().await;
    let weak = world.machine("weak", &["midaz-viewer-role"]).await;
    let ask = async |sub: &str, product: &str| {
        let body = json!({
            "sub": sub, "product": product, "resource": "accounts", "action": "delete",
        });
        world.call(&weak, Method::POST, "/v1/authorize", body).await
    };
    for sub in [
        "",
        "admin/midaz-editor-role",
        "admin/plugin-fees-editor-role",
    ] {
        let answer = ask(sub, "midaz").await;
        let expected = (200, &json!(false));
        assert_eq!(
            (answer.status.as_u16(), &answer.body["authorized"]),
            expected,
            "{sub}"
        );
    }
    for sub in [
        format!("default/{}", world.admin.id),
        world.admin.id.clone(),
        "admin/admin".to_owned(),
        "admin/-editor-role".to_owned(),
        "*".to_owned(),
        format!("default/{}/x", weak.id),
    ] {
        let answer = ask(&sub, "midaz").await;
        assert_eq!(
            (answer.status.as_u16(), answer.reason()),
            (403, "SUBJECT_FOREIGN"),
            "{sub}"
        );
    }
    // A person has no such form at all.
    let ann = world.person("ann", &[]).await;
    let body = json!({"sub": "admin/midaz-editor-role", "resource": "accounts", "action": "get"});
    let answer = world.call(&ann, Method::POST, "/v1/authorize", body).await;
    assert_eq!(answer.reason(), "SUBJECT_FOREIGN");
}
