//! A real Envoy before a product, from the sample of the documentation.

use std::time::{Duration, Instant};

use gatepost_proto::envoy::CheckRequest;
use gatepost_proto::envoy::authorization_client::AuthorizationClient;
use reqwest::Method;
use serde_json::Value;
use tokio::net::TcpListener;
use tonic::{Code, Request, Status};

use super::product::Product;
use super::shop::{Shop, call};
use crate::servers::proxy::{Kind, Proxy};
use crate::world::Answer;

struct Scene {
    shop: Shop,
    product: Product,
    envoy: Proxy,
}

impl Scene {
    async fn open() -> Self {
        let (shop, product) = (Shop::open().await, Product::start().await);
        let envoy = Proxy::start(Kind::Envoy, product.port, shop.port());
        Self {
            shop,
            product,
            envoy,
        }
    }

    /// A call of a client's.
    async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        call(&self.envoy, method, path, headers).await
    }
}

#[tokio::test]
async fn who_may_passes_and_is_named_to_the_product() {
    let scene = Scene::open().await;
    let bearer = scene.shop.bearer();
    let forged = [
        ("authorization", bearer.as_str()),
        ("x-gatepost-subject", "default/root"),
        ("x-gatepost-decision-id", "mine"),
        ("x-gatepost-roles", "all"),
        ("x-other", "stays"),
    ];
    let answer = scene.call(Method::GET, "/v1/items/7?a=b", &forged).await;
    assert_eq!(answer.is(200)["uri"], "/v1/items/7?a=b");
    let seen = &answer.body["headers"];
    assert_eq!(
        seen["x-gatepost-subject"],
        format!("default/{}", scene.shop.alice.id)
    );
    assert_eq!(seen["x-gatepost-subject-type"], "user");
    assert_eq!(seen["x-gatepost-tenant"], "default");
    assert_ne!(seen["x-gatepost-decision-id"], "mine");
    assert_eq!(seen["x-gatepost-roles"], Value::Null, "forged");
    assert_eq!(seen["authorization"], Value::Null, "remove_bearer");
    assert_eq!(seen["x-other"], "stays");
    // One permission for the whole of a prefix, and the bearer goes on there.
    let answer = scene.call(Method::PUT, "/reports/any", &forged[..1]).await;
    assert_eq!(answer.is(200)["headers"]["authorization"], bearer);
    // Open to everybody, who still cannot name herself.
    let answer = scene.call(Method::GET, "/health", &forged[1..]).await;
    assert_eq!(answer.is(200)["headers"]["x-gatepost-subject"], Value::Null);

    let log = log_of(&scene.envoy, "/v1/items/7");
    assert_eq!(log["subject"], format!("default/{}", scene.shop.alice.id));
    assert_eq!(
        (&log["tenant"], &log["reason"]),
        (&"default".into(), &"granted".into())
    );
    assert_eq!(log["decision"], seen["x-gatepost-decision-id"]);
    assert!(log["revision"].as_f64().unwrap() > 0.0, "{log}");
}

/// The line of the access log that tells of this path.
fn log_of(proxy: &Proxy, path: &str) -> Value {
    for _ in 0..100 {
        let log = proxy.log();
        let lines = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        if let Some(line) = lines.into_iter().find(|line| line["path"] == path) {
            return line;
        }
        // Envoy writes its log when the connection rests.
        std::thread::sleep(Duration::from_millis(200));
    }
    panic!("the access log does not tell of {path}:\n{}", proxy.log());
}

#[tokio::test]
async fn who_may_not_gets_the_problem() {
    let scene = Scene::open().await;
    let bearer = scene.shop.bearer();
    let headers = [("authorization", bearer.as_str())];
    let refused = scene.call(Method::DELETE, "/v1/items/7", &headers).await;
    assert_eq!(refused.is(403)["reason"], "PERMISSION_MISSING");
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert_eq!(refused.body["instance"], "/v1/items/7");
    let log = log_of(&scene.envoy, "/v1/items/7");
    assert_eq!(
        (&log["reason"], &log["status"]),
        (&"permission".into(), &403.into())
    );
    let nobody = scene.call(Method::GET, "/v1/items/7", &[]).await;
    assert_eq!(nobody.is(401)["reason"], "TOKEN_MISSING");
    assert_eq!(nobody.header("www-authenticate"), "Bearer");
    for path in [
        "/v1/items/a%2Fb",
        "/v1/items/7;x",
        "/v1/items",
        "/v1/items/7/",
    ] {
        let answer = scene.call(Method::GET, path, &headers).await;
        assert!(
            matches!(answer.status.as_u16(), 400 | 403),
            "{path}: {}",
            answer.status
        );
    }
    let underscore = [headers[0], ("x_gatepost_subject", "default/root")];
    scene
        .call(Method::GET, "/v1/items/7", &underscore)
        .await
        .is(400);
}

#[tokio::test]
async fn grpc_is_guarded_as_well() {
    let scene = Scene::open().await;
    let call = async |token: Option<String>| -> Result<(), Status> {
        let mut client = AuthorizationClient::connect(scene.envoy.url(""))
            .await
            .unwrap();
        let mut request = Request::new(CheckRequest::default());
        if let Some(token) = token {
            request
                .metadata_mut()
                .insert("authorization", token.parse().unwrap());
        }
        request
            .metadata_mut()
            .insert("x-gatepost-tenant", "forged".parse().unwrap());
        client.check(request).await.map(|_| ())
    };
    call(Some(scene.shop.bearer())).await.unwrap();
    let seen = scene.product.calls();
    let seen = seen.first().unwrap();
    assert_eq!(seen.get("x-gatepost-tenant").unwrap(), "default");
    assert_eq!(
        seen.get("x-gatepost-subject").unwrap(),
        format!("default/{}", scene.shop.alice.id).as_str()
    );
    assert!(seen.get("authorization").is_none());
    let nobody = call(None).await.unwrap_err();
    assert_eq!(nobody.code(), Code::Unauthenticated);
    assert_eq!(nobody.message(), "this request needs a token");
    let bob = scene.shop.stranger().await;
    let refused = call(Some(format!("Bearer {}", bob.token)))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(
        refused.message(),
        "this needs the permission `shop/items:get`"
    );
    assert_eq!(scene.product.calls().len(), 1, "only one came through");
}

/// A server that takes connections and never says a word.
async fn silence() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            held.push(connection);
        }
    });
    port
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "this measures real time")]
async fn no_answer_is_no_yes() {
    let product = Product::start().await;
    let (silent, nobody) = (silence().await, crate::servers::free_port());
    for gatepost in [silent, nobody] {
        let envoy = Proxy::start(Kind::Envoy, product.port, gatepost);
        let begun = Instant::now();
        let answer = call(
            &envoy,
            Method::GET,
            "/v1/items/7",
            &[("authorization", "Bearer x")],
        )
        .await;
        assert_eq!(answer.status, 503);
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(5), "it has 250 ms: {took:?}");
    }
}

#[tokio::test]
async fn whoever_prefers_to_let_pass_lets_nobody_name_herself() {
    let shop = Shop::open().await;
    let product = Product::start().await;
    let silent = silence().await;
    let allow = |sample: String| {
        let changed = sample.replace("failure_mode_allow: false", "failure_mode_allow: true");
        assert_ne!(sample, changed);
        changed
    };
    let headers = [
        ("authorization", "Bearer x"),
        ("x-gatepost-subject", "default/root"),
    ];
    let envoy = Proxy::start_with(Kind::Envoy, product.port, silent, allow);
    let answer = call(&envoy, Method::DELETE, "/v1/items/7", &headers).await;
    assert_eq!(answer.is(200)["headers"]["x-gatepost-subject"], Value::Null);
    // It is about no answer only: a refusal is an answer, and so is an outage that we tell.
    let envoy = Proxy::start_with(Kind::Envoy, product.port, shop.port(), allow);
    let bearer = shop.bearer();
    let headers = [("authorization", bearer.as_str())];
    call(&envoy, Method::DELETE, "/v1/items/7", &headers)
        .await
        .is(403);
    call(&envoy, Method::GET, "/v1/items/7", &headers)
        .await
        .is(200);
    shop.world.advance(Duration::from_hours(24));
    let stale = call(&envoy, Method::GET, "/v1/items/7", &headers).await;
    assert!(
        matches!(stale.status.as_u16(), 401 | 503),
        "{}",
        stale.status
    );
}
