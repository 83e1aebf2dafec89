//! The gateway from outside, over doubles of two services.

use std::net::{IpAddr, Ipv4Addr};

use gatepost_proto::authorize::v1 as authorize;
use gatepost_proto::identity::v1 as pb;
use gatepost_proto::rest_routes::BINDINGS;
use http::Request as HttpRequest;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tonic::Response as Answer;
use tower::ServiceExt as _;

use self::authorize::authorize_service_server::{AuthorizeService, AuthorizeServiceServer};
use self::pb::group_service_server::{GroupService, GroupServiceServer};
use super::*;

const ID: &str = "0198a9e2-0000-7000-8000-0000000000ab";

/// Answers with what it was asked.
struct Echo;

/// Makes the double of the decision: the RPCs that a test calls, and the names of the others.
macro_rules! authorize_service {
    (unasked { $($name:ident($request:ident) -> $response:ident;)* } $($asked:tt)*) => {
        #[tonic::async_trait]
        impl AuthorizeService for Echo {
            $($asked)*

            $(async fn $name(
                &self,
                _: tonic::Request<authorize::$request>,
            ) -> Result<Answer<authorize::$response>, Status> {
                Err(Status::unimplemented("no test asks this"))
            })*
        }
    };
}

authorize_service! {
    unasked {
        batch_authorize(BatchAuthorizeRequest) -> BatchAuthorizeResponse;
        explain(ExplainRequest) -> ExplainResponse;
        search_subjects(SearchSubjectsRequest) -> SearchSubjectsResponse;
        search_resources(SearchResourcesRequest) -> SearchResourcesResponse;
        search_actions(SearchActionsRequest) -> SearchActionsResponse;
        simulate(SimulateRequest) -> SimulateResponse;
    }

    async fn authorize(
        &self,
        request: tonic::Request<authorize::AuthorizeRequest>,
    ) -> Result<Answer<authorize::AuthorizeResponse>, Status> {
        let metadata = request.metadata();
        let seen = |key| {
            metadata
                .get(key)
                .and_then(|value| value.to_str().ok())
                .unwrap_or("-")
        };
        let arrival = request.extensions().get::<Arrival>();
        let reason = [
            seen("authorization"),
            seen("traceparent"),
            seen("cookie"),
            arrival.map_or("-", |arrival| arrival.request_id.as_str()),
        ];
        let reason = reason.join("|");
        let revision = request.get_ref().min_revision;
        let answer = authorize::AuthorizeResponse {
            reason,
            revision,
            ..Default::default()
        };
        let mut answer = Answer::new(answer);
        answer
            .metadata_mut()
            .insert("gatepost-revision", revision.into());
        answer.metadata_mut().insert("x-inside", 1.into());
        Ok(answer)
    }

    type WatchRevisionsStream = futures::stream::Iter<
        std::vec::IntoIter<Result<authorize::WatchRevisionsResponse, Status>>,
    >;

    async fn watch_revisions(
        &self,
        request: tonic::Request<authorize::WatchRevisionsRequest>,
    ) -> Result<Answer<Self::WatchRevisionsStream>, Status> {
        let after = request.into_inner().after_revision;
        let answers: Vec<_> = (after + 1..after + 3)
            .map(|revision| {
                Ok(authorize::WatchRevisionsResponse {
                    revision,
                    freshness: None,
                })
            })
            .collect();
        Ok(Answer::new(futures::stream::iter(answers)))
    }
}

#[tonic::async_trait]
impl GroupService for Echo {
    async fn list_groups(
        &self,
        request: tonic::Request<pb::ListGroupsRequest>,
    ) -> Result<Answer<pb::ListGroupsResponse>, Status> {
        let pb::ListGroupsRequest { page, limit, .. } = request.into_inner();
        Ok(Answer::new(pb::ListGroupsResponse {
            page,
            limit,
            ..Default::default()
        }))
    }

    async fn create_group(
        &self,
        request: tonic::Request<pb::CreateGroupRequest>,
    ) -> Result<Answer<pb::CreateGroupResponse>, Status> {
        let pb::CreateGroupRequest { name, groups } = request.into_inner();
        let group = Some(pb::Group {
            name,
            groups,
            ..Default::default()
        });
        Ok(Answer::new(pb::CreateGroupResponse { group }))
    }

    async fn get_group(
        &self,
        request: tonic::Request<pb::GetGroupRequest>,
    ) -> Result<Answer<pb::GetGroupResponse>, Status> {
        let group = Some(pb::Group {
            id: request.into_inner().id,
            ..Default::default()
        });
        Ok(Answer::new(pb::GetGroupResponse { group }))
    }

    async fn update_group(
        &self,
        request: tonic::Request<pb::UpdateGroupRequest>,
    ) -> Result<Answer<pb::UpdateGroupResponse>, Status> {
        let users = request
            .into_inner()
            .update_mask
            .map(|mask| mask.paths)
            .unwrap_or_default();
        let group = Some(pb::Group {
            users,
            ..Default::default()
        });
        Ok(Answer::new(pb::UpdateGroupResponse { group }))
    }

    async fn delete_group(
        &self,
        _: tonic::Request<pb::DeleteGroupRequest>,
    ) -> Result<Answer<pb::DeleteGroupResponse>, Status> {
        Err(status(
            ErrorReason::GroupNotEmpty,
            "the group has members",
            &[],
        ))
    }

    async fn add_group_member(
        &self,
        _: tonic::Request<pb::AddGroupMemberRequest>,
    ) -> Result<Answer<pb::AddGroupMemberResponse>, Status> {
        Ok(Answer::new(pb::AddGroupMemberResponse {}))
    }

    async fn remove_group_member(
        &self,
        _: tonic::Request<pb::RemoveGroupMemberRequest>,
    ) -> Result<Answer<pb::RemoveGroupMemberResponse>, Status> {
        Err(Status::internal("at /srv/secret/store.rs:17"))
    }
}

fn call(method: &str, path: &str) -> http::request::Builder {
    let arrival = Arrival {
        request_id: "r-1".to_owned(),
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        agent: String::new(),
    };
    HttpRequest::builder()
        .method(method)
        .uri(path)
        .extension(arrival)
}

async fn send(request: http::request::Builder, body: impl Into<Body>) -> Response {
    let timeout = Config::default().timeout;
    send_within(timeout, request, body).await
}

async fn send_within(
    timeout: Duration,
    request: http::request::Builder,
    body: impl Into<Body>,
) -> Response {
    let config = Config {
        timeout,
        body_bytes_max: 1000,
    };
    let routes =
        Routes::new(AuthorizeServiceServer::new(Echo)).add_service(GroupServiceServer::new(Echo));
    router(routes, config)
        .expect("a router")
        .oneshot(request.body(body.into()).expect("a request"))
        .await
        .expect("an answer")
}

/// Status and JSON of an answer, of one that goes on its first message; null when it has no body.
async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    let mut messages = serde_json::Deserializer::from_slice(&body).into_iter();
    let json = messages.next().map(|json| json.expect("JSON"));
    (status, json.unwrap_or_default())
}

async fn reply(method: &str, path: &str, body: &'static str) -> (u16, Value) {
    read(send(call(method, path), body).await).await
}

#[tokio::test]
async fn a_decision_goes_all_the_way() {
    let request = call("POST", "/v1/authorize")
        .header("authorization", "a.b.c")
        .header("traceparent", "00-1-2-01")
        .header("cookie", "c");
    let body = r#"{"resource": "a", "action": "b", "minRevision": "7"}"#;
    let response = send(request, body).await;
    let header = |name| {
        response
            .headers()
            .get(name)
            .map(|value: &HeaderValue| value.to_str().ok())
    };
    assert_eq!(header("gatepost-revision"), Some(Some("7")));
    assert_eq!(header("cache-control"), Some(Some("no-store")));
    assert_eq!(header("content-type"), Some(Some("application/json")));
    assert_eq!(header("x-inside"), None);
    let (status, body) = read(response).await;
    assert_eq!(
        (status, &body["authorized"], &body["revision"]),
        (200, &json!(false), &json!("7"))
    );
    assert_eq!(body["reason"], "Bearer a.b.c|00-1-2-01|-|r-1");
}

#[tokio::test]
async fn success_has_the_status_of_its_kind() {
    let (status, group) = reply("POST", "/v1/groups", r#"{"name": "g"}"#).await;
    assert_eq!(
        (status, &group["name"], &group["builtIn"]),
        (201, &json!("g"), &json!(false))
    );
    let (status, group) = reply("GET", "/v1/groups/a%2Fb", "").await;
    assert_eq!((status, &group["id"]), (200, &json!("a/b")));
    let member = format!("/v1/groups/g/members/{ID}");
    assert_eq!(reply("PUT", &member, "").await, (204, Value::Null));
    assert_eq!(reply("PUT", &member, "{}").await, (204, Value::Null));
    let (_, page) = reply("GET", "/v1/groups?page=3&limit=7", "").await;
    assert_eq!(
        (&page["page"], &page["limit"], &page["items"]),
        (&json!(3), &json!(7), &json!([]))
    );
}

#[tokio::test]
async fn a_stream_is_one_line_for_each_message() {
    let request = call("GET", "/v1/authorize:watch-revisions?afterRevision=6");
    let response = send(request, "").await;
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let body = response.into_body().collect().await.expect("a body");
    let text = String::from_utf8(body.to_bytes().to_vec()).expect("text");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["revision"], &lines[1]["revision"]),
        (&json!("7"), &json!("8"))
    );
}

#[tokio::test]
async fn a_patch_names_its_fields() {
    let (_, group) = reply("PATCH", "/v1/groups/g", r#"{"groups": [], "name": ""}"#).await;
    assert_eq!(group["users"], json!(["groups", "name"]));
}

#[tokio::test]
async fn forms_are_read() {
    let request =
        call("POST", "/v1/groups").header("content-type", "application/x-www-form-urlencoded");
    let (status, group) = read(send(request, "name=a+b&groups=x&groups=y").await).await;
    assert_eq!(status, 201);
    assert_eq!(
        (&group["name"], &group["groups"]),
        (&json!("a b"), &json!(["x", "y"]))
    );
}

#[tokio::test]
async fn a_refusal_is_a_problem_document() {
    let response = send(call("DELETE", "/v1/groups/g"), "").await;
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let expected = json!({
        "type": "urn:gatepost:reason:group-not-empty",
        "title": "Group not empty",
        "status": 409,
        "detail": "the group has members",
        "instance": "/v1/groups/g",
        "code": "IDE-1058",
        "message": "the group has members",
        "reason": "GROUP_NOT_EMPTY",
        "requestId": "r-1",
    });
    assert_eq!(read(response).await, (409, expected));
}

#[tokio::test]
async fn our_insides_stay_inside() {
    let (status, problem) = reply("DELETE", &format!("/v1/groups/g/members/{ID}"), "").await;
    assert_eq!((status, &problem["reason"]), (500, &json!("INTERNAL")));
    assert!(!problem.to_string().contains("store.rs"), "{problem}");
    // A service that this process does not serve.
    let (status, problem) = reply("GET", "/v1/users", "").await;
    assert_eq!((status, &problem["reason"]), (404, &json!("ROUTE_UNKNOWN")));
}

#[tokio::test]
async fn what_is_not_served_is_told() {
    let (status, problem) = reply("GET", "/v1/nothing", "").await;
    assert_eq!((status, &problem["reason"]), (404, &json!("ROUTE_UNKNOWN")));
    let response = send(call("PUT", "/v1/groups"), "").await;
    assert_eq!(response.headers()["allow"], "GET, POST, HEAD");
    assert_eq!(read(response).await.1["reason"], "METHOD_NOT_ALLOWED");
    let (status, problem) = reply("GET", "/v1/groups/%ff", "").await;
    assert_eq!((status, &problem["code"]), (400, &json!("IDE-0002")));
}

#[tokio::test]
async fn bad_bodies_are_refused_with_their_reason() {
    let refused = async |body: Vec<u8>, kind: &'static str| {
        let request = call("POST", "/v1/groups").header("content-type", kind);
        let (status, problem) = read(send(request, body).await).await;
        (
            status,
            problem["code"]
                .as_str()
                .map(str::to_owned)
                .unwrap_or_default(),
        )
    };
    let json = "application/json";
    let cases: [(Vec<u8>, &str, u16, &str); 7] = [
        (b"{".to_vec(), json, 400, "IDE-0009"),
        (b"\xff".to_vec(), json, 400, "IDE-0009"),
        (b"[]".to_vec(), json, 400, "IDE-0009"),
        (br#"{"tenant": "x"}"#.to_vec(), json, 400, "IDE-0003"),
        ("[".repeat(999).into_bytes(), json, 400, "IDE-0009"),
        (vec![b' '; 1001], json, 413, "BODY_TOO_LARGE"),
        (b"x".to_vec(), "text/plain", 415, "MEDIA_TYPE_UNSUPPORTED"),
    ];
    for (body, kind, status, code) in cases {
        assert_eq!(refused(body, kind).await, (status, code.to_owned()));
    }
    let (status, problem) = reply("GET", "/v1/groups?organization=x", "").await;
    assert_eq!((status, &problem["code"]), (400, &json!("IDE-0004")));
    assert_eq!(problem["field"], "organization");
}

#[tokio::test]
async fn head_is_get_without_its_body() {
    let response = send(call("HEAD", "/v1/groups/g"), "").await;
    let length = response.headers()["content-length"]
        .to_str()
        .expect("a number")
        .to_owned();
    assert!(
        length.parse::<u64>().is_ok_and(|length| length > 0),
        "{length}"
    );
    assert_eq!(read(response).await, (200, Value::Null));
}

#[tokio::test]
async fn the_document_is_served() {
    let (status, document) = reply("GET", "/openapi.json", "").await;
    assert_eq!((status, &document["openapi"]), (200, &json!("3.1.0")));
    assert_eq!(reply("POST", "/openapi.json", "").await.0, 405);
}

#[tokio::test]
async fn every_route_of_the_contract_is_wired() {
    for binding in BINDINGS {
        let path = binding.template.replace(['{', '}'], "");
        let (status, problem) = reply(binding.method, &path, "").await;
        let unknown = problem["detail"] == "no route has this path";
        assert!(
            !unknown && status != 405,
            "{} {path}: {problem}",
            binding.method
        );
    }
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_given_up() {
    let never = futures::stream::pending::<Result<Bytes, std::io::Error>>();
    let request = HttpRequest::post("/v1/authorize");
    let response = send_within(Duration::from_millis(5), request, Body::from_stream(never)).await;
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    let body = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    let problem: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(problem["reason"], ErrorReason::DeadlineExceeded.name());
}
