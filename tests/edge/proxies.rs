//! nginx, Traefik and Caddy before a product, from the samples of the documentation.

use reqwest::Method;
use serde_json::Value;

use super::product::Product;
use super::shop::{Shop, call};
use crate::servers::proxy::{Kind, Proxy};

/// Waits until the proxy has read its routes.
async fn ready(proxy: &Proxy) {
    for _ in 0..100 {
        if call(proxy, Method::GET, "/", &[]).await.status != 404 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("it does not come up:\n{}", proxy.log());
}

async fn guards(kind: Kind) {
    let (shop, product) = (Shop::open().await, Product::start().await);
    let proxy = Proxy::start(kind, product.port, shop.port());
    ready(&proxy).await;
    let bearer = shop.bearer();
    let known = ("authorization", bearer.as_str());
    let forged = [
        known,
        ("x-gatepost-subject", "default/root"),
        ("x-gatepost-tenant", "other"),
        ("x-other", "stays"),
    ];
    let answer = call(&proxy, Method::GET, "/v1/items/7?a=b", &forged).await;
    assert_eq!(answer.is(200)["uri"], "/v1/items/7?a=b", "{kind:?}");
    let seen = &answer.body["headers"];
    assert_eq!(
        seen["x-gatepost-subject"],
        format!("default/{}", shop.alice.id),
        "{kind:?}"
    );
    assert_eq!(seen["x-gatepost-tenant"], "default");
    assert_eq!(seen["x-gatepost-subject-type"], "user");
    assert!(seen["x-gatepost-decision-id"].is_string());
    assert_eq!(seen["authorization"], Value::Null, "{kind:?}");
    assert_eq!(seen["x-other"], "stays");

    call(&proxy, Method::DELETE, "/v1/items/7", &[known])
        .await
        .is(403);
    call(&proxy, Method::GET, "/elsewhere", &[known])
        .await
        .is(403);
    let nobody = call(&proxy, Method::GET, "/v1/items/7", &[]).await;
    nobody.is(401);
    assert_eq!(nobody.header("www-authenticate"), "Bearer", "{kind:?}");
    // A client cannot tell of another request than its own.
    for (method, uri) in [
        ("x-forwarded-method", "x-forwarded-uri"),
        ("x-original-method", "x-original-uri"),
    ] {
        let lie = [known, (method, "GET"), (uri, "/v1/items/7")];
        let answer = call(&proxy, Method::DELETE, "/v1/items/7", &lie).await;
        assert_eq!(answer.status, 403, "{kind:?} believes {uri}");
        let answer = call(&proxy, Method::GET, "/elsewhere", &lie).await;
        assert_eq!(answer.status, 403, "{kind:?} believes {uri}");
    }
    for path in ["/v1/items/a%2Fb", "/v1/items/7;x", "/v1/items/7/"] {
        let answer = call(&proxy, Method::GET, path, &[known]).await;
        assert!(
            matches!(answer.status.as_u16(), 400 | 403),
            "{kind:?} {path}: {}",
            answer.status
        );
    }
    shop.world.close().await;
    let down = call(&proxy, Method::GET, "/v1/items/7", &[known]).await;
    assert!(down.status.is_server_error(), "{kind:?}: {}", down.status);
}

#[tokio::test]
async fn nginx_guards_a_product() {
    guards(Kind::Nginx).await;
}

#[tokio::test]
async fn traefik_guards_a_product() {
    guards(Kind::Traefik).await;
}

#[tokio::test]
async fn caddy_guards_a_product() {
    guards(Kind::Caddy).await;
}
