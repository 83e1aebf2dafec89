//! Forward-auth, over the wire.

use reqwest::Method;

use super::shop::{Pairs, Shop};
use crate::world::Answer;

async fn ask(shop: &Shop, query: &str, headers: Pairs<'_>) -> Answer {
    let request = shop
        .world
        .request(Method::GET, &format!("/forward-auth{query}"));
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    shop.world
        .send(request.header("authorization", shop.bearer()))
        .await
}

#[tokio::test]
async fn the_query_names_a_permission() {
    let shop = Shop::open().await;
    let yes = ask(&shop, "?product=shop&resource=items&action=get", &[]).await;
    yes.is(200);
    assert_eq!(
        yes.header("x-gatepost-subject"),
        format!("default/{}", shop.alice.id)
    );
    assert_eq!(yes.header("x-gatepost-tenant"), "default");
    assert!(!yes.header("x-gatepost-decision-id").is_empty());
    assert_eq!(yes.header("cache-control"), "no-store");
    let no = ask(&shop, "?product=shop&resource=items&action=delete", &[]).await;
    assert_eq!(no.is(403)["reason"], "PERMISSION_MISSING");
    assert_eq!(no.header("x-gatepost-subject"), "");
    for bad in ["", "?product=no", "?product=shop&action=get", "?product=%"] {
        ask(&shop, bad, &[]).await.is(403);
    }
    // Any method: a proxy may send the one of the request.
    for method in [Method::POST, Method::DELETE, Method::HEAD, Method::OPTIONS] {
        let path = "/forward-auth?product=shop&resource=items&action=get";
        let request = shop.world.request(method, path);
        shop.world
            .send(request.header("authorization", shop.bearer()))
            .await
            .is(200);
    }
}

#[tokio::test]
async fn headers_tell_the_request_that_wants_to_pass() {
    let shop = Shop::open().await;
    let forwarded = |method, uri| [("x-forwarded-method", method), ("x-forwarded-uri", uri)];
    let original = |method, uri| [("x-original-method", method), ("x-original-uri", uri)];
    let get = ("GET", "/v1/items/7?a=b");
    ask(&shop, "?product=shop", &forwarded(get.0, get.1))
        .await
        .is(200);
    ask(&shop, "?product=shop", &original(get.0, get.1))
        .await
        .is(200);
    let delete = ("DELETE", "/v1/items/7");
    ask(&shop, "?product=shop", &forwarded(delete.0, delete.1))
        .await
        .is(403);
    let unknown = ask(&shop, "?product=shop", &original("GET", "/v1/items/")).await;
    assert!(
        unknown.is(403)["detail"]
            .as_str()
            .unwrap()
            .contains("no route")
    );
}

#[tokio::test]
async fn two_stories_are_none() {
    let shop = Shop::open().await;
    let told: &[(Pairs<'_>, u16)] = &[
        (&[], 403),
        (&[("x-forwarded-method", "GET")], 403),
        (&[("x-original-uri", "/v1/items/7")], 403),
        (
            &[
                ("x-original-method", "DELETE"),
                ("x-original-uri", "/v1/items/7"),
                ("x-forwarded-method", "GET"),
                ("x-forwarded-uri", "/v1/items/7"),
            ],
            403,
        ),
        (
            &[
                ("x-forwarded-method", "GET"),
                ("x-forwarded-uri", "/v1/items/7"),
                ("x-original-uri", "/v1/items/7"),
            ],
            403,
        ),
        (
            &[
                ("x-forwarded-method", "GET"),
                ("x-forwarded-uri", "/v1/items/7"),
                ("x-forwarded-uri", "/v1/items/7"),
            ],
            403,
        ),
        (
            &[
                ("x-forwarded-method", "GET"),
                ("x-forwarded-uri", "/v1/items/7"),
                ("x-original-method", "GET"),
                ("x-original-uri", "/v1/items/7"),
            ],
            200,
        ),
    ];
    for (headers, status) in told {
        let answer = ask(&shop, "?product=shop", headers).await;
        assert_eq!(answer.status.as_u16(), *status, "{headers:?}");
    }
    // On any other path these headers say nothing.
    let request = shop.world.request(Method::GET, "/v1/userinfo");
    let request = request
        .header("x-forwarded-uri", "/v1/users")
        .bearer_auth(&shop.alice.token);
    shop.world.send(request).await.is(200);
}

#[tokio::test]
async fn nobody_passes_without_a_token() {
    let shop = Shop::open().await;
    let path = "/forward-auth?product=shop&resource=items&action=get";
    let answer = shop.world.send(shop.world.request(Method::GET, path)).await;
    assert_eq!(answer.is(401)["reason"], "TOKEN_MISSING");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    let request = shop.world.request(Method::GET, path).bearer_auth("a.b.c");
    assert_eq!(
        shop.world.send(request).await.is(401)["reason"],
        "TOKEN_INVALID"
    );
}
