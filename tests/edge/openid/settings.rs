//! What is set of an application, and what it may do for it.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use serde_json::{Value, json};

use super::{CALLBACK, Party, is_refused};
use crate::edge::browser::Browser;
use crate::identity::application;
use crate::world::{PASSWORD, World};

#[tokio::test]
async fn settings_are_shown_as_they_were_set_and_replaced_as_a_whole() {
    let world = World::start().await;
    let settings = json!({
        "redirectUris": [CALLBACK, "http://127.0.0.1/cb", "com.example.app:/cb"],
        "postLogoutRedirectUris": ["https://app.test/"],
        "backchannelLogoutUri": "https://app.test/logout",
        "grantTypes": ["authorization_code", "refresh_token"],
        "asksConsent": true,
        "resources": ["https://api.test", "urn:example:api"],
        "refreshIdleSeconds": 600, "refreshAbsoluteSeconds": 1200, "refreshGraceSeconds": 5,
    });
    let body = json!({"name": "app", "settings": settings});
    let made = application(&world, &world.admin, body).await;
    let path = format!("/v1/applications/{}", made["id"].as_str().unwrap());
    let shown = world.get(&world.admin, &path).await;
    let shown = &shown.is(200)["settings"];
    for (name, value) in settings.as_object().unwrap() {
        assert_eq!(&shown[name], value, "{name}");
    }
    let changed = json!({"settings": {"redirectUris": [CALLBACK]}});
    let changed = world.patch(&world.admin, &path, changed).await;
    let after = &changed.is(200)["settings"];
    assert_eq!(after["redirectUris"], json!([CALLBACK]));
    assert_eq!(
        (&after["asksConsent"], &after["grantTypes"]),
        (&json!(false), &json!([]))
    );
    let event = world.audit(&changed, "application.update").await;
    assert_eq!(event["before"]["settings"]["asksConsent"], true);
    let none = world
        .patch(&world.admin, &path, json!({"settings": {}}))
        .await;
    assert!(none.is(200).get("settings").is_none_or(Value::is_null));
    let renamed = world
        .patch(&world.admin, &path, json!({"name": "other"}))
        .await;
    renamed.is(200);
}

#[tokio::test]
async fn what_may_not_be_set_is_refused() {
    let world = World::start().await;
    for settings in [
        json!({"redirectUris": ["http://app.test/cb"]}),
        json!({"redirectUris": ["https://app.test/cb#x"]}),
        json!({"redirectUris": ["https://user:x@app.test/cb"]}),
        json!({"redirectUris": ["https://*.app.test/cb"]}),
        json!({"redirectUris": ["javascript:alert(1)"]}),
        json!({"redirectUris": [""]}),
        json!({"postLogoutRedirectUris": ["/after"]}),
        json!({"backchannelLogoutUri": "http://app.test/"}),
        json!({"backchannelLogoutUri": "com.example.app:/x"}),
        json!({"resources": ["api"]}),
        json!({"resources": ["https://api.test#x"]}),
        json!({"grantTypes": ["implicit"]}),
        json!({"grantTypes": ["password", "password"]}),
        json!({"public": true, "pkceOptional": true}),
        json!({"refreshGraceSeconds": 61}),
        json!({"refreshIdleSeconds": -1}),
    ] {
        let body = json!({"name": "app", "settings": settings});
        let refused = world.post(&world.admin, "/v1/applications", body).await;
        refused.refuses(ErrorReason::InvalidRequest);
    }
    let made = application(&world, &world.admin, json!({"name": "app"})).await;
    let path = format!("/v1/applications/{}", made["id"].as_str().unwrap());
    let public = json!({"settings": {"public": true}});
    let refused = world.patch(&world.admin, &path, public.clone()).await;
    refused.refuses(ErrorReason::InvalidRequest);
    let list = world
        .get(&world.admin, &format!("{path}/credentials"))
        .await;
    let id = list.is(200)["items"][0]["id"].as_str().unwrap().to_owned();
    world
        .delete(&world.admin, &format!("{path}/credentials/{id}"))
        .await
        .is(204);
    world.patch(&world.admin, &path, public).await.is(200);
}

/// A grant that is not on the list is refused, wherever it is asked for.
#[tokio::test]
async fn an_application_uses_the_grants_that_it_may() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let only = |grant: &str| json!({"grantTypes": [grant]});
    let codes = Party::new(&world, only("authorization_code")).await;
    let own = [("grant_type", "client_credentials")];
    is_refused(&codes.post(&world, &own).await, "unauthorized_client");
    let code = codes.code(&world, "alice").await;
    let bought = codes.redeem(&world, &code, &[]).await;
    assert_eq!(bought.is(200)["refresh_token"], Value::Null);
    let password = |party: &Party| {
        json!({
            "grantType": "password", "username": "alice", "password": PASSWORD,
            "clientId": party.client_id, "clientSecret": party.secret,
        })
    };
    let path = "/v1/login/oauth/access_token";
    let refused = world.post_openly(path, password(&codes)).await;
    refused.refuses(ErrorReason::GrantTypeRefused);
    let machine = json!({
        "grantType": "client_credentials",
        "clientId": codes.client_id, "clientSecret": codes.secret,
    });
    world
        .post_openly(path, machine)
        .await
        .refuses(ErrorReason::GrantTypeRefused);
    let passwords = Party::new(&world, only("password")).await;
    let signed_in = world.post_openly(path, password(&passwords)).await;
    let refresh = signed_in.is(200)["refreshToken"]
        .as_str()
        .unwrap()
        .to_owned();
    let refused = passwords.refresh(&world, &refresh, &[]).await;
    is_refused(&refused, "unauthorized_client");
    let back = Browser::new(&world).get(&passwords.asks(&[])).await;
    assert_eq!(back.told("error"), "unauthorized_client");
}

#[tokio::test]
async fn refresh_tokens_live_as_long_as_the_application_says() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let times = json!({
        "refreshIdleSeconds": 100, "refreshAbsoluteSeconds": 250, "refreshGraceSeconds": 30,
    });
    let party = Party::new(&world, times).await;
    let code = party.code(&world, "alice").await;
    let bought = party.redeem(&world, &code, &[]).await;
    let first = bought.is(200)["refresh_token"].as_str().unwrap().to_owned();
    world.pass(Duration::from_secs(90)).await;
    let next = party.refresh(&world, &first, &[]).await;
    let second = next.is(200)["refresh_token"].as_str().unwrap().to_owned();
    world.pass(Duration::from_secs(25)).await;
    let again = party.refresh(&world, &first, &[]).await;
    assert_eq!(again.is(200)["refresh_token"], *second, "within the grace");
    world.pass(Duration::from_secs(70)).await;
    let next = party.refresh(&world, &second, &[]).await;
    let third = next.is(200)["refresh_token"].as_str().unwrap().to_owned();
    world.pass(Duration::from_secs(70)).await;
    is_refused(&party.refresh(&world, &third, &[]).await, "invalid_grant");
    let code = party.code(&world, "alice").await;
    let bought = party.redeem(&world, &code, &[]).await;
    let idle = bought.is(200)["refresh_token"].as_str().unwrap().to_owned();
    world.pass(Duration::from_secs(101)).await;
    is_refused(&party.refresh(&world, &idle, &[]).await, "invalid_grant");
}
