//! Introspection (RFC 7662) and revocation (RFC 7009).

use std::time::Duration;

use serde_json::json;

use super::{Party, has_ended, is_error, send, text, user_info};
use crate::world::{PUBLIC_URL, World, claims, fields};

const INTROSPECT: &str = "/oauth/introspect";
const REVOKE: &str = "/oauth/revoke";

#[tokio::test]
async fn a_good_token_tells_what_it_says() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let party = Party::of(&world, &world.admin, "console").await;
    let bought = party.sign_in(&world, "alice").await;
    let access = text(&bought, "accessToken");
    let told = party.post(&world, INTROSPECT, &[("token", access)]).await;
    let said = claims(access);
    for field in ["exp", "iat", "sub", "aud", "iss", "jti", "sid", "scope"] {
        assert_eq!(told.is(200)[field], said[field], "{field}");
    }
    assert_eq!(told.body["active"], true);
    assert_eq!(told.body["client_id"], party.id.as_str());
    assert_eq!(told.body["username"], "alice");
    assert_eq!(told.body["tenant_id"], said["tenantId"]);
    let refresh = party
        .post(
            &world,
            INTROSPECT,
            &[("token", text(&bought, "refreshToken"))],
        )
        .await;
    assert_eq!(refresh.is(200)["active"], true);
    assert_eq!(refresh.body["token_type"], "refresh_token");
    assert_eq!(refresh.body["iss"], PUBLIC_URL);
    // Asking uses nothing up, and one that was bought elsewhere is told too.
    let token = [("token", alice.token.as_str())];
    assert_eq!(
        party.post(&world, INTROSPECT, &token).await.is(200)["active"],
        true
    );
}

#[tokio::test]
async fn anything_else_is_not_active_and_says_nothing_more() {
    let world = World::start_multi_tenant().await;
    let (acme, globex) = (
        world.organization("acme").await,
        world.organization("globex").await,
    );
    let party = Party::of(&world, &acme, "console").await;
    let ann = world.person_of(&acme, "ann", &[]).await;
    let path = "/o/acme/oauth/introspect";
    let mut id_token = String::new();
    let signed_in = party.sign_in(&world, "ann").await;
    id_token.push_str(text(&signed_in, "idToken"));
    let forged = format!("{}x", ann.token);
    for token in [
        "",
        "x",
        "gpr_x",
        "a.b.c",
        &forged,
        &id_token,
        &globex.token,
        &globex.refresh_token,
    ] {
        let told = party.post(&world, path, &[("token", token)]).await;
        if token.is_empty() {
            is_error(&told, 400, "invalid_request");
            continue;
        }
        assert_eq!(fields(told.is(200)), ["active"], "{token}");
        assert_eq!(told.body["active"], false);
    }
    let live = party.post(&world, path, &[("token", &ann.token)]).await;
    assert_eq!(live.is(200)["active"], true);
    world.pass(Duration::from_hours(2)).await;
    let late = party.post(&world, path, &[("token", &ann.token)]).await;
    assert_eq!(late.is(200)["active"], false);
    is_error(
        &send(&world, path, &[("token", &ann.token)]).await,
        401,
        "invalid_client",
    );
}

#[tokio::test]
async fn a_client_ends_what_was_bought_through_it() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::of(&world, &world.admin, "console").await;
    let other = Party::of(&world, &world.admin, "other").await;
    for kind in ["refreshToken", "accessToken", "idToken"] {
        let bought = party.sign_in(&world, "alice").await;
        let (token, access) = (text(&bought, kind), text(&bought, "accessToken"));
        // Another client's is nothing to it, and no error.
        other
            .post(&world, REVOKE, &[("token", token)])
            .await
            .is(200);
        user_info(&world, access).await.is(200);
        let done = party
            .post(
                &world,
                REVOKE,
                &[("token", token), ("token_type_hint", "x")],
            )
            .await;
        done.is(200);
        has_ended(&world, access).await;
        let session = claims(access)["sid"].clone();
        let events = world
            .get(&world.admin, "/v1/audit-events?action=session.end&limit=1")
            .await;
        let event = &events.is(200)["items"][0];
        assert_eq!(
            (&event["targetId"], &event["actorName"]),
            (&session, &json!("console"))
        );
        let refresh = [
            ("grant_type", "refresh_token"),
            ("refresh_token", text(&bought, "refreshToken")),
        ];
        is_error(
            &party.post(&world, "/oauth/token", &refresh).await,
            400,
            "invalid_grant",
        );
        // Twice is no error.
        party
            .post(&world, REVOKE, &[("token", token)])
            .await
            .is(200);
    }
    for token in ["x", "gpr_x", "a.b.c"] {
        party
            .post(&world, REVOKE, &[("token", token)])
            .await
            .is(200);
    }
}

#[tokio::test]
async fn the_token_of_a_machine_ends_with_its_secret() {
    let world = World::start().await;
    let party = Party::of(&world, &world.admin, "robot").await;
    let grant = [("grant_type", "client_credentials")];
    let answer = party.post(&world, "/oauth/token", &grant).await;
    let token = text(answer.is(200), "access_token");
    let refused = party.post(&world, REVOKE, &[("token", token)]).await;
    is_error(&refused, 400, "unsupported_token_type");
    user_info(&world, token).await.is(200);
}
