//! Public applications, which say their name and prove nothing, where tokens are asked about and
//! ended; and nobody at all.

use reqwest::Method;
use serde_json::{Value, json};

use super::Party;
use crate::world::{Answer, World};

async fn send(world: &World, path: &str, form: &[(&str, &str)]) -> Answer {
    world
        .send(world.request(Method::POST, path).form(form))
        .await
}

/// The tokens of somebody who signed in through an application.
async fn bought(world: &World, party: &Party) -> Value {
    let code = party.code(world, "alice").await;
    party.redeem(world, &code, &[]).await.is(200).clone()
}

async fn is_alive(world: &World, tokens: &Value) -> bool {
    let request = world.request(Method::GET, "/oauth/userinfo");
    let token = tokens["access_token"].as_str().unwrap();
    world.send(request.bearer_auth(token)).await.status == 200
}

#[tokio::test]
async fn a_public_application_ends_what_is_its_own() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let party = Party::new(&world, json!({"public": true})).await;
    let other = Party::new(
        &world,
        json!({"public": true, "resources": ["https://x.test"]}),
    )
    .await;
    let confidential = Party::new(&world, json!({})).await;
    for kind in ["refresh_token", "access_token", "id_token"] {
        let tokens = bought(&world, &party).await;
        let token = tokens[kind].as_str().unwrap();
        // Of others it is nothing to them, and no error (RFC 7009 §2.1).
        let form = [("token", token), ("client_id", other.client_id.as_str())];
        let told = send(&world, "/oauth/revoke", &form).await;
        assert!(told.is(200).is_null());
        assert!(is_alive(&world, &tokens).await, "{kind}");
        let form = [("token", token), ("client_id", party.client_id.as_str())];
        send(&world, "/oauth/revoke", &form).await.is(200);
        assert!(!is_alive(&world, &tokens).await, "{kind}");
        let path = "/v1/audit-events?action=session.end&limit=1";
        let events = world.get(&world.admin, path).await;
        let event = &events.is(200)["items"][0];
        let session = crate::world::claims(tokens["access_token"].as_str().unwrap());
        assert_eq!(event["targetId"], session["sid"]);
        assert_eq!(event["actorId"], party.id);
    }
    // What was bought through an application with a secret, or through none, it cannot end.
    let tokens = bought(&world, &confidential).await;
    for token in [
        tokens["refresh_token"].as_str().unwrap(),
        tokens["access_token"].as_str().unwrap(),
        &alice.refresh_token,
        &alice.token,
    ] {
        let form = [("token", token), ("client_id", party.client_id.as_str())];
        send(&world, "/oauth/revoke", &form).await.is(200);
    }
    assert!(is_alive(&world, &tokens).await);
    world.get(&alice, "/v1/userinfo").await.is(200);
}

#[tokio::test]
async fn whoever_is_no_client_ends_and_learns_nothing() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let public = Party::new(&world, json!({"public": true})).await;
    let tokens = bought(&world, &party).await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    for path in ["/oauth/revoke", "/oauth/introspect"] {
        for form in [
            vec![("token", refresh)],
            vec![("token", refresh), ("client_id", "nobody")],
            // A secret that it has cannot be left away, and one that it has not is none.
            vec![("token", refresh), ("client_id", party.client_id.as_str())],
            vec![
                ("token", refresh),
                ("client_id", party.client_id.as_str()),
                ("client_secret", "gps_wrong"),
            ],
            vec![
                ("token", refresh),
                ("client_id", public.client_id.as_str()),
                ("client_secret", "gps_wrong"),
            ],
        ] {
            let refused = send(&world, path, &form).await;
            assert_eq!(
                refused.is(401)["error"],
                "invalid_client",
                "{path} {form:?}"
            );
            assert!(refused.body.get("active").is_none());
        }
        // A person's token proves no client.
        let request = world.request(Method::POST, path).bearer_auth(&alice.token);
        let refused = world.send(request.form(&[("token", refresh)])).await;
        assert_eq!(refused.is(401)["error"], "invalid_client", "{path}");
    }
    let own = [("token", refresh), ("client_id", public.client_id.as_str())];
    let refused = send(&world, "/oauth/introspect", &own).await;
    assert_eq!(refused.is(401)["error"], "invalid_client");
    assert!(is_alive(&world, &tokens).await);
    party.refresh(&world, refresh, &[]).await.is(200);
}
