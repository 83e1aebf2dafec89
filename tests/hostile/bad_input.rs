//! Input that is wrong in itself.

use reqwest::Method;
use serde_json::{Value, json};

use crate::calls::{Callers, OWN};
use crate::wire::{assert_problem, assert_says_nothing, channel, head, raw, rpc, rpcs};
use crate::world::World;
use crate::{calls, panics};

const NOBODY: &str = "0198a9e2-0000-7000-8000-0000000000ab";

async fn post(world: &World, path: &str, body: &[u8]) -> crate::world::Answer {
    let request = world
        .request(Method::POST, path)
        .bearer_auth(&world.admin.token);
    let request = request
        .header("content-type", "application/json")
        .body(body.to_vec());
    world.send(request).await
}

/// The organization's revision, as a reader sees it.
pub async fn revision(world: &World) -> String {
    let answer = world.get(&world.admin, "/v1/users?limit=1").await;
    answer.headers["gatepost-revision"]
        .to_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn what_is_no_json_of_the_request_is_refused_and_changes_nothing() {
    let (world, panics) = (World::start().await, panics::watch());
    let before = revision(&world).await;
    let deep = |open: &str| format!("{{\"name\":{}", open.repeat(10_000));
    let bodies: Vec<(Vec<u8>, &str)> = vec![
        (b"{".to_vec(), "MALFORMED_BODY"),
        (b"[]".to_vec(), "MALFORMED_BODY"),
        (b"null".to_vec(), "MALFORMED_BODY"),
        (b"\"name\"".to_vec(), "MALFORMED_BODY"),
        (b"{\"name\": \"a\"} {}".to_vec(), "MALFORMED_BODY"),
        (b"{\"name\": \"\xff\xfe\"}".to_vec(), "MALFORMED_BODY"),
        (b"{\"name\": \"\\ud800\"}".to_vec(), "MALFORMED_BODY"),
        (b"{\"name\": NaN}".to_vec(), "MALFORMED_BODY"),
        (deep("[").into_bytes(), "INVALID_REQUEST"),
        (deep("{\"a\":").into_bytes(), "INVALID_REQUEST"),
        (
            format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)).into_bytes(),
            "MALFORMED_BODY",
        ),
        (b"{\"name\": 7}".to_vec(), "INVALID_REQUEST"),
        (b"{\"name\": {}}".to_vec(), "INVALID_REQUEST"),
        (b"{\"name\": [\"a\"]}".to_vec(), "INVALID_REQUEST"),
        (
            b"{\"name\": \"a\", \"groups\": \"a\"}".to_vec(),
            "INVALID_REQUEST",
        ),
        (
            b"{\"name\": \"a\", \"groups\": [null]}".to_vec(),
            "INVALID_REQUEST",
        ),
        (
            b"{\"name\": \"a\", \"name\": \"b\"}".to_vec(),
            "INVALID_REQUEST",
        ),
        (
            b"{\"name\": \"a\", \"nick\": \"b\"}".to_vec(),
            "INVALID_REQUEST",
        ),
        (
            b"{\"name\": \"a\", \"__proto__\": {}}".to_vec(),
            "INVALID_REQUEST",
        ),
        (b"{\"name\": \"a\\u0000b\"}".to_vec(), "INVALID_REQUEST"),
        (b"{\"name\": \"\"}".to_vec(), "INVALID_REQUEST"),
        (b"{}".to_vec(), "INVALID_REQUEST"),
        (b"".to_vec(), "INVALID_REQUEST"),
    ];
    for (body, reason) in bodies {
        let what = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = post(&world, "/v1/groups", &body).await;
        assert_problem(&answer, &what);
        assert_eq!(
            (answer.status.as_u16(), answer.reason()),
            (400, reason),
            "{what}"
        );
    }
    assert_eq!(revision(&world).await, before);
    assert_eq!(panics::seen(), panics);
}

#[tokio::test]
async fn a_body_over_one_mebibyte_is_413_on_every_route_and_no_grpc_message_is_larger() {
    let (world, panics) = (World::start().await, panics::watch());
    let large = json!({"name": "x".repeat(1 << 20)})
        .to_string()
        .into_bytes();
    for rpc in rpcs().iter().filter(|rpc| rpc.binding.body) {
        let path = rpc.binding.template.replace(['{', '}'], "");
        let request = world.request(rpc.binding.method.parse().unwrap(), &path);
        let request = request.bearer_auth(&world.admin.token);
        let answer = world.send(request.body(large.clone())).await;
        assert_problem(&answer, &rpc.name);
        let expected = (413, "BODY_TOO_LARGE");
        assert_eq!(
            (answer.status.as_u16(), answer.reason()),
            expected,
            "{}",
            rpc.name
        );
    }
    // Said or not: a chunked body does not announce its length.
    let mut chunked = head(
        "POST",
        b"/v1/groups",
        &[
            "content-type: application/json",
            "transfer-encoding: chunked",
        ],
    );
    for _ in 0..17 {
        chunked.extend_from_slice(b"10000\r\n");
        chunked.extend(std::iter::repeat_n(b' ', 0x10000));
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let (status, _, body) = raw(&world, &chunked).await;
    assert_eq!((status, &body["reason"]), (413, &json!("BODY_TOO_LARGE")));

    let channel = channel(&world).await;
    let Value::Object(fields) = json!({"name": "x".repeat(1 << 20)}) else {
        panic!()
    };
    for rpc in ["CreateGroup", "CreateApplication", "CreateRole"].map(rpc) {
        let answer = rpc
            .grpc(&channel, Some(&world.admin.token), &fields, &[])
            .await;
        let status = answer.unwrap_err();
        assert!(status.message().contains("too large"), "{status}");
    }
    assert_eq!(panics::seen(), panics);
}

#[tokio::test]
async fn paths_and_queries_may_hold_any_bytes() {
    let (world, panics) = (World::start().await, panics::watch());
    let bearer = format!("authorization: Bearer {}", world.admin.token);
    let paths: [&[u8]; 22] = [
        b"/v1/groups/%ff%fe",
        b"/v1/groups/%",
        b"/v1/groups/%zz",
        b"/v1/groups/%00",
        b"/v1/groups/a%00b",
        b"/v1/groups/..%2f..%2fetc%2fpasswd",
        b"/v1/groups/../users/..",
        b"/v1//groups",
        b"/v1/groups/%F0%9F%98%80",
        b"/v1/groups/'%20OR%201=1--",
        b"/v1/users/%27%3B%20DROP%20TABLE%20users",
        b"/v1/users/{id}",
        b"/v1/users/00000000",
        b"/v1/users/0198a9e2-0000-7000-8000-0000000000ab%00",
        b"/v1/users?limit=%ff",
        b"/v1/users?limit=99999999999999999999",
        b"/v1/users?limit=-1",
        b"/v1/users?page=1%00",
        b"/v1/users?pageToken=%ff",
        b"/v1/users?pageToken=9223372036854775808.0198a9e2-0000-7000-8000-0000000000ab",
        b"/v1/users?limit=1&limit=2",
        b"/v1/users?__proto__=1",
    ];
    for path in paths {
        let what = String::from_utf8_lossy(path).into_owned();
        let (status, _, body) = raw(&world, &head("GET", path, &[&bearer])).await;
        assert!((400..500).contains(&status), "{what}: {status} {body}");
        for key in ["code", "title", "message", "reason", "requestId"] {
            assert!(body[key].is_string(), "{what}: {key} in {body}");
        }
        assert_says_nothing(&body.to_string(), &what);
    }
    // What is no HTTP at all has no problem document, and no answer of 500 either.
    for path in [
        &b"/v1/users/\xff\xfe"[..],
        b"/v1/users/\x01",
        b"\x00",
        b"/v1/users?\xff",
    ] {
        let (status, _, _) = raw(&world, &head("GET", path, &[&bearer])).await;
        assert!(status < 500, "{path:?}: {status}");
    }
    let binary = [head("GET", b"/v1/users", &[]), vec![0xff; 2000]].concat();
    assert!(raw(&world, &binary).await.0 < 500);
    assert_eq!(panics::seen(), panics);
}

#[tokio::test]
async fn a_list_takes_the_greatest_numbers() {
    let world = World::start().await;
    for query in [
        "page=2147483647&limit=100",
        "pageToken=-9223372036854775808.00000000-0000-0000-0000-000000000000",
    ] {
        for list in ["users", "groups", "roles", "applications", "audit-events"] {
            let answer = world
                .get(&world.admin, &format!("/v1/{list}?{query}"))
                .await;
            assert_eq!(
                answer.status.as_u16(),
                200,
                "{list}?{query}: {}",
                answer.body
            );
        }
    }
    for query in [
        "limit=101",
        "page=-1",
        "pageToken=nonsense",
        "page=2147483648",
    ] {
        let answer = world.get(&world.admin, &format!("/v1/users?{query}")).await;
        assert_problem(&answer, query);
        assert_eq!(answer.status.as_u16(), 400, "{query}");
    }
}

#[tokio::test]
async fn unknown_and_malformed_ids_are_refused_alike_on_every_route() {
    let world = World::start().await;
    let callers = Callers::of(&world, &world.admin).await;
    for rpc in rpcs() {
        let template = rpc.binding.template;
        let installation = template.starts_with("/v1/declarations");
        // What one does to oneself only is refused whoever else is named.
        let own = OWN.contains(&rpc.name.as_str());
        if !template.contains('{') || installation || own {
            continue;
        }
        let good = calls::good(&world, &callers, &rpc).await;
        for (id, statuses) in [
            (NOBODY, &[404][..]),
            ("not-an-id", &[400, 404][..]),
            ("0198a9e2000070008000-0000000000ab", &[400, 404]),
            ("{0198a9e2-0000-7000-8000-0000000000ab}", &[400, 404]),
            ("*", &[400, 404]),
        ] {
            let variables = ["id", "userId", "role", "credentialId"].map(str::to_owned);
            for variable in variables.iter().filter(|name| good.contains_key(*name)) {
                let mut fields = good.clone();
                if template.contains("{role}") || variable != "role" {
                    fields.insert(variable.clone(), id.into());
                    let answer = rpc.call(&world, Some(&world.admin.token), &fields).await;
                    let what = format!("{} {variable}={id}", rpc.name);
                    assert_problem(&answer, &what);
                    assert!(
                        statuses.contains(&answer.status.as_u16()),
                        "{what}: {}",
                        answer.body
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn methods_and_media_types_that_nobody_expects() {
    let (world, panics) = (World::start().await, panics::watch());
    let bearer = format!("authorization: Bearer {}", world.admin.token);
    for (method, path) in [
        ("POST", "/health"),
        ("PUT", "/v1/users"),
        ("TRACE", "/v1/users"),
    ] {
        let (status, head, _) = raw(&world, &head(method, path.as_bytes(), &[&bearer])).await;
        assert_eq!(
            (status, head.contains("\r\nallow: ")),
            (405, true),
            "{method} {path}: {head}"
        );
    }
    for kind in [
        "text/xml",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-7",
    ] {
        let request = world
            .request(Method::POST, "/v1/groups")
            .bearer_auth(&world.admin.token);
        let request = request.header("content-type", kind).body("{}");
        let answer = world.send(request).await;
        assert_problem(&answer, kind);
        assert_eq!(answer.status.as_u16(), 415, "{kind}");
    }
    assert_eq!(panics::seen(), panics);
}

#[tokio::test]
async fn headers_of_ours_that_say_nonsense() {
    let (world, panics) = (World::start().await, panics::watch());
    let bearer = format!("authorization: Bearer {}", world.admin.token);
    for header in [
        "gatepost-min-revision: -1",
        "gatepost-min-revision: many",
        "gatepost-min-revision: 99999999999999999999999",
    ] {
        let (status, _, body) = raw(&world, &head("GET", b"/v1/users", &[&bearer, header])).await;
        assert_eq!(
            (status, &body["reason"]),
            (400, &json!("INVALID_REQUEST")),
            "{header}"
        );
    }
    let ahead = "gatepost-min-revision: 18446744073709551615";
    let (status, _, body) = raw(&world, &head("GET", b"/v1/users", &[&bearer, ahead])).await;
    assert_eq!((status, &body["reason"]), (503, &json!("REVISION_AHEAD")));
    for header in [
        "traceparent: \u{1}",
        "idempotency-key: ",
        "x-forwarded-for: , , ,",
    ] {
        assert!(
            raw(&world, &head("GET", b"/v1/users", &[&bearer, header]))
                .await
                .0
                < 500
        );
    }
    let long = format!("idempotency-key: {}", "k".repeat(129));
    let body = b"{\"name\":\"once\"}";
    let mut request = head(
        "POST",
        b"/v1/groups",
        &[
            &bearer,
            &long,
            "content-length: 15",
            "content-type: application/json",
        ],
    );
    request.extend_from_slice(body);
    let (status, _, body) = raw(&world, &request).await;
    assert_eq!(
        (status, &body["reason"]),
        (400, &json!("INVALID_REQUEST")),
        "{body}"
    );
    assert_eq!(panics::seen(), panics);
}

#[tokio::test]
async fn only_the_pages_of_the_configured_origins_may_call() {
    let world = World::start_with(&[("GATEPOST_CORS_ORIGINS", "https://console.test")]).await;
    let preflight = async |origin: &str| {
        let request = world
            .request(Method::OPTIONS, "/v1/users")
            .header("origin", origin);
        let request = request.header("access-control-request-method", "GET");
        let request = request.header("access-control-request-headers", "authorization");
        world.send(request).await.headers
    };
    let ours = preflight("https://console.test").await;
    assert_eq!(ours["access-control-allow-origin"], "https://console.test");
    // A `*` would not stand for it.
    assert_eq!(ours["access-control-allow-headers"], "authorization");
    for origin in [
        "https://evil.test",
        "null",
        "https://console.test.evil.test",
    ] {
        let theirs = preflight(origin).await;
        assert!(
            !theirs.contains_key("access-control-allow-origin"),
            "{origin}"
        );
    }
    assert!(!ours.contains_key("access-control-allow-credentials"));
}

#[tokio::test]
async fn no_other_site_reads_the_pages_or_the_authorization_endpoint() {
    let world = World::start_with(&[("GATEPOST_CORS_ORIGINS", "*")]).await;
    let may_read = async |path: &str| {
        let mut both = Vec::new();
        for method in [Method::OPTIONS, Method::GET] {
            let request = world.request(method, path);
            let request = request
                .header("origin", "https://console.test")
                .header("access-control-request-method", "GET");
            let answer = world.send(request).await;
            both.push(answer.headers.contains_key("access-control-allow-origin"));
        }
        both
    };
    for path in [
        "/oauth/authorize",
        "/o/default/oauth/authorize",
        "/oauth/end_session",
        "/signin",
        "/signout",
        "/forgot-password",
        "/change-password",
    ] {
        assert_eq!(may_read(path).await, [false, false], "{path}");
    }
    for path in [
        "/v1/users",
        "/oauth/userinfo",
        "/.well-known/openid-configuration",
    ] {
        assert_eq!(may_read(path).await, [true, true], "{path}");
    }
}
