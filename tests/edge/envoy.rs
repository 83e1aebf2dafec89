//! `envoy.service.auth.v3.Authorization/Check`, over the wire.

use gatepost_proto::envoy::CheckRequest;
use serde_json::json;

use super::shop::{Checked, Pairs, Shop, one_by_one, question};
use crate::world::NOBODY;

const SHOP: Pairs<'static> = &[("product", "shop")];
const GET_ITEMS: Pairs<'static> = &[
    ("product", "shop"),
    ("resource", "items"),
    ("action", "get"),
];

#[tokio::test]
async fn a_permission_of_the_configuration_is_asked_for() {
    let shop = Shop::open().await;
    let bearer = shop.bearer();
    let headers = [("authorization", bearer.as_str())];
    let yes = shop.check("GET", "/any/path", &headers, GET_ITEMS).await;
    assert_eq!((yes.status, yes.code), (200, 0), "{yes:?}");
    let subject = format!("default/{}", shop.alice.id);
    let tenant = crate::world::claims(&shop.alice.token)["tenantId"].clone();
    assert_eq!(yes.headers["x-gatepost-subject"], subject);
    assert_eq!(yes.headers["x-gatepost-subject-type"], "user");
    assert_eq!(yes.headers["x-gatepost-tenant"], "default");
    assert_eq!(json!(yes.headers["x-gatepost-tenant-id"]), tenant);
    assert_eq!(yes.headers["x-gatepost-decision-id"].len(), NOBODY.len());
    assert!(yes.removed.is_empty());
    assert_eq!(yes.metadata["subject"], subject);
    assert_eq!(yes.metadata["tenant"], "default");
    assert_eq!(yes.metadata["reason"], "granted");
    assert_eq!(
        yes.metadata["decision_id"],
        yes.headers["x-gatepost-decision-id"]
    );
    assert!(yes.metadata["revision"].parse::<u64>().unwrap() > 0);

    let delete = [
        ("product", "shop"),
        ("resource", "items"),
        ("action", "delete"),
    ];
    let no = shop
        .check("GET", "/any/path?secret=1", &headers, &delete)
        .await;
    assert_eq!((no.status, no.code), (403, 7));
    let problem = no.problem();
    assert_eq!(problem["reason"], "PERMISSION_MISSING");
    assert_eq!(
        problem["instance"], "/any/path",
        "the query may hold secrets"
    );
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("`shop/items:delete`"), "{detail}");
    assert_eq!(no.metadata["reason"], "permission");
    assert_eq!(no.metadata["subject"], subject);
    // Without a product every one that declares it must grant it.
    let any = [("resource", "items"), ("action", "get")];
    assert_eq!(shop.check("GET", "/", &headers, &any).await.status, 200);
}

#[tokio::test]
async fn routes_say_what_a_request_needs() {
    let shop = Shop::open().await;
    let bearer = shop.bearer();
    let headers = [("authorization", bearer.as_str())];
    for (method, path, status, reason) in [
        ("GET", "/v1/items/7", 200, "granted"),
        ("HEAD", "/v1/items/7?a=/../b", 200, "granted"),
        ("DELETE", "/v1/items/7", 403, "permission"),
        ("PATCH", "/v1/items/7", 403, "unknown_route"),
        ("GET", "/v1/items", 403, "unknown_route"),
        ("GET", "/v1/items/7/", 403, "unknown_route"),
        ("GET", "/v1/items/a%2Fb", 403, "unknown_route"),
        ("GET", "/v1/./items/7", 403, "unknown_route"),
        ("GET", "//v1/items/7", 403, "unknown_route"),
        (
            "POST",
            "/envoy.service.auth.v3.Authorization/Check",
            200,
            "granted",
        ),
        (
            "POST",
            "/envoy.service.auth.v3.Authorization/Other",
            403,
            "unknown_route",
        ),
    ] {
        for product in ["shop", "old-shop"] {
            let answer = shop
                .check(method, path, &headers, &[("product", product)])
                .await;
            let told = (answer.status, answer.metadata["reason"].as_str());
            assert_eq!(told, (status, reason), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn nobody_passes_without_one_good_token() {
    let shop = Shop::open().await;
    let bearer = shop.bearer();
    let basic = [("authorization", "Basic YTpi")];
    let bare = [("authorization", shop.alice.token.as_str())];
    let joined = format!("{bearer},{bearer}");
    let joined = [("authorization", joined.as_str())];
    let two = [
        ("authorization", bearer.as_str()),
        ("authorization", bearer.as_str()),
    ];
    let cookie = [("cookie", bearer.as_str())];
    for (headers, reason) in [
        (&[][..], "TOKEN_MISSING"),
        (&cookie, "TOKEN_MISSING"),
        (&basic, "TOKEN_INVALID"),
        (&bare, "TOKEN_INVALID"),
        (&joined, "TOKEN_INVALID"),
        (&two, "TOKEN_INVALID"),
    ] {
        for each in [
            question("GET", "/v1/items/7", headers, SHOP),
            one_by_one(question("GET", "/v1/items/7", headers, SHOP)),
        ] {
            let answer = shop.envoy().await.check(each).await.unwrap();
            let answer = Checked::new(answer.into_inner());
            assert_eq!((answer.status, answer.code), (401, 16), "{headers:?}");
            assert_eq!(answer.problem()["reason"], reason, "{headers:?}");
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
            assert!(answer.metadata.is_empty(), "nobody was proven");
        }
    }
    // Nothing at all is a question, too; an error of gRPC could let a request pass.
    let answer = shop.envoy().await.check(CheckRequest::default()).await;
    assert_eq!(Checked::new(answer.unwrap().into_inner()).status, 401);
    // The session ends, and the token with it.
    let good = [("authorization", bearer.as_str())];
    assert_eq!(
        shop.check("GET", "/v1/items/7", &good, SHOP).await.status,
        200
    );
    let form = [("id_token_hint", shop.alice.token.as_str())];
    let logout = shop
        .world
        .request(reqwest::Method::POST, "/v1/logout")
        .form(&form);
    shop.world.send(logout).await.is(204);
    let ended = shop.check("GET", "/v1/items/7", &good, SHOP).await;
    assert_eq!(ended.problem()["reason"], "SESSION_ENDED");
}

#[tokio::test]
async fn a_bad_configuration_lets_nobody_pass() {
    let shop = Shop::open().await;
    let bearer = shop.bearer();
    let headers = [("authorization", bearer.as_str())];
    for (extensions, reason) in [
        (&[][..], "unknown_product"),
        (&[("product", "nowhere")], "unknown_product"),
        (
            &[("product", "shop"), ("resource", "items")],
            "unknown_permission",
        ),
        (
            &[("product", "shop"), ("action", "get")],
            "unknown_permission",
        ),
        (&[("Product", "shop")], "unknown_product"),
    ] {
        let answer = shop.check("GET", "/v1/items/7", &headers, extensions).await;
        let told = (answer.status, answer.metadata["reason"].as_str());
        assert_eq!(told, (403, reason), "{extensions:?}");
    }
}

#[tokio::test]
async fn forged_names_and_the_bearer_do_not_reach_the_product() {
    let shop = Shop::open().await;
    let bearer = shop.bearer();
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-gatepost-subject", "default/root"),
        ("x-gatepost-roles", "all"),
        ("x_gatepost_tenant", "other"),
        ("x-other", "stays"),
    ];
    let answer = shop.check("GET", "/v1/items/7", &headers, SHOP).await;
    assert_eq!(answer.removed, ["x-gatepost-roles", "x_gatepost_tenant"]);
    assert_ne!(answer.headers["x-gatepost-subject"], "default/root");
    let extensions = [("product", "shop"), ("remove_bearer", "true")];
    let answer = shop
        .check("GET", "/v1/items/7", &headers[..1], &extensions)
        .await;
    assert_eq!(answer.removed, ["authorization"]);
    let extensions = [("product", "shop"), ("remove_bearer", "yes")];
    let answer = shop
        .check("GET", "/v1/items/7", &headers[..1], &extensions)
        .await;
    assert!(answer.removed.is_empty());
}

#[tokio::test]
async fn a_refused_grpc_call_gets_a_sentence() {
    let shop = Shop::open().await;
    let headers = [("content-type", "application/grpc+proto")];
    let path = "/envoy.service.auth.v3.Authorization/Check";
    let answer = shop.check("POST", path, &headers, SHOP).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (401, "this request needs a token")
    );
}

#[tokio::test]
async fn who_lacks_the_role_is_refused_and_gets_in_when_given_it() {
    let shop = Shop::open().await;
    let bob = shop.stranger().await;
    let bearer = format!("Bearer {}", bob.token);
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(
        shop.check("GET", "/v1/items/7", &headers, SHOP)
            .await
            .status,
        403
    );
    let path = format!("/v1/groups/shop-viewer-group/members/{}", bob.id);
    shop.world.put(&shop.world.admin, &path).await.is(204);
    assert_eq!(
        shop.check("GET", "/v1/items/7", &headers, SHOP)
            .await
            .status,
        200
    );
    let machine = shop.world.machine("robot", &["shop-viewer-role"]).await;
    let bearer = format!("Bearer {}", machine.token);
    let answer = shop
        .check("GET", "/v1/items/7", &[("authorization", &bearer)], SHOP)
        .await;
    assert_eq!(answer.headers["x-gatepost-subject-type"], "application");
}
