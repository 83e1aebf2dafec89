//! Whoever may, but not as she signed in, is told how to (RFC 9470).

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::shop::{Shop, manifest};

const CHALLENGE: &str = "Bearer error=\"insufficient_user_authentication\", \
     error_description=\"a newer or stronger sign-in is needed\", \
     acr_values=\"urn:gatepost:acr:2\"";
const QUERY: &str = "/forward-auth?product=shop&resource=items&action=get";

async fn demanding() -> Shop {
    let shop = Shop::open().await;
    let mut manifest = manifest();
    manifest["version"] = json!("2");
    let permission = &mut manifest["permissions"][0];
    permission["acr"] = json!("urn:gatepost:acr:2");
    permission["maxAgeSeconds"] = json!(300);
    let (admin, path) = (&shop.world.admin, "/v1/declarations/shop");
    let set = shop.world.call(admin, Method::PUT, path, manifest).await;
    set.is(200);
    shop
}

#[tokio::test]
async fn proxies_pass_on_what_to_ask_for() {
    let shop = demanding().await;
    let whole = format!("{CHALLENGE}, max_age=\"300\"");
    let request = shop.world.request(Method::GET, QUERY);
    let request = request.header("authorization", shop.bearer());
    let answer = shop.world.send(request).await;
    assert_eq!(answer.is(401)["reason"], "STRONGER_SIGN_IN_NEEDED");
    assert_eq!(answer.header("www-authenticate"), whole);
    let bearer = shop.bearer();
    let headers = [("authorization", bearer.as_str())];
    let extensions = [
        ("product", "shop"),
        ("resource", "items"),
        ("action", "get"),
    ];
    let checked = shop.check("GET", "/", &headers, &extensions).await;
    assert_eq!((checked.status, checked.code), (401, 16), "{checked:?}");
    assert_eq!(checked.headers["www-authenticate"], whole);
    assert_eq!(checked.metadata["reason"], "stronger_sign_in");
    // What nobody grants her is a plain no, however she signs in.
    let delete = QUERY.replace("action=get", "action=delete");
    let request = shop.world.request(Method::GET, &delete);
    let no = shop
        .world
        .send(request.header("authorization", shop.bearer()))
        .await;
    assert_eq!(no.is(403)["reason"], "PERMISSION_MISSING");
    assert_eq!(no.header("www-authenticate"), "");
    // As she should have signed in, she passes.
    let app = shop.world.enrol(&shop.alice).await;
    let strong = shop
        .world
        .sign_in_twice("alice", &app.recovery_codes[0])
        .await;
    let request = shop
        .world
        .request(Method::GET, QUERY)
        .bearer_auth(&strong.token);
    shop.world.send(request).await.is(200);
}

#[tokio::test]
async fn our_own_calls_say_it_too() {
    let shop = Shop::open().await;
    shop.world.enrol(&shop.alice).await;
    let path = format!("/v1/users/{}/mfa/setup", shop.alice.id);
    let body = json!({"mfaType": "app"});
    let refused = shop.world.post(&shop.alice, &path, body).await;
    refused.refuses(ErrorReason::StrongerSignInNeeded);
    assert_eq!(refused.header("www-authenticate"), CHALLENGE);
    assert_eq!(refused.body["code"], "STRONGER_SIGN_IN_NEEDED");
}
