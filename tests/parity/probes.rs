//! What one port serves beside the RPCs: probes, health, reflection and the OpenAPI document.

use gatepost_proto::rest_routes::BINDINGS;
use gatepost_proto::rules::RULES;
use reqwest::Version;
use serde_json::Value;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::world::World;

async fn channel(world: &World) -> Channel {
    Endpoint::from_shared(world.url(""))
        .unwrap()
        .connect()
        .await
        .unwrap()
}

#[tokio::test]
async fn probes_answer_over_both_versions_of_http() {
    let world = World::start().await;
    let builder = reqwest::Client::builder;
    let one = builder().http1_only().build().unwrap();
    let two = builder().http2_prior_knowledge().build().unwrap();
    for (client, version) in [(one, Version::HTTP_11), (two, Version::HTTP_2)] {
        let get = async |path: &str| {
            let answer = client.get(world.url(path)).send().await.unwrap();
            assert_eq!(
                (answer.status().as_u16(), answer.version()),
                (200, version),
                "{path}"
            );
            answer.text().await.unwrap()
        };
        assert_eq!(get("/health").await, "healthy");
        assert_eq!(get("/readyz").await, "ready");
        let version: Value = serde_json::from_str(&get("/version").await).unwrap();
        assert_eq!(version["name"], "gatepost");
        assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
        assert!(get("/.well-known/jwks.json").await.contains("RS256"));
    }
}

#[tokio::test]
async fn the_openapi_document_lists_every_route() {
    let world = World::start().await;
    let answer = world
        .send(world.request(reqwest::Method::GET, "/openapi.json"))
        .await;
    let document = answer.is(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths = document["paths"].as_object().unwrap();
    let mut found = 0;
    for binding in BINDINGS {
        let path = binding.template.replace("user_id", "userId");
        let path = path.replace("credential_id", "credentialId");
        let path = path.replace("passkey_id", "passkeyId");
        let operation = &paths[&path][binding.method.to_lowercase()];
        let success = match (binding.empty, binding.created) {
            (true, _) => "204",
            (_, true) => "201",
            _ => "200",
        };
        assert!(
            operation["responses"][success].is_object(),
            "{} {path}",
            binding.method
        );
        found += 1;
    }
    let listed: usize = paths
        .values()
        .map(|path| path.as_object().unwrap().len())
        .sum();
    assert_eq!(listed, found);
}

#[tokio::test]
async fn health_and_reflection_know_every_service() {
    let world = World::start().await;
    let channel = channel(&world).await;
    let mut health = HealthClient::new(channel.clone());
    let mut services: Vec<&str> = RULES.iter().map(|rpc| rpc.service).collect();
    services.dedup();
    services.push("");
    for service in &services {
        let request = HealthCheckRequest {
            service: (*service).to_owned(),
        };
        let status = health.check(request).await.unwrap().into_inner().status();
        assert_eq!(status, ServingStatus::Serving, "{service}");
    }
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut reflection = ServerReflectionClient::new(channel);
    let answers = reflection
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("no list: {answer:?}");
    };
    let listed: Vec<String> = list
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    for service in services.into_iter().filter(|service| !service.is_empty()) {
        assert!(listed.iter().any(|name| name == service), "{service}");
    }
    assert!(listed.iter().any(|name| name == "grpc.health.v1.Health"));
}

#[tokio::test]
async fn reflection_can_be_switched_off() {
    let world = World::start_with(&[("GATEPOST_REFLECTION", "false")]).await;
    let mut reflection = ServerReflectionClient::new(channel(&world).await);
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: None,
    };
    let refused = reflection
        .server_reflection_info(tokio_stream::once(request))
        .await;
    let refused = refused.expect_err("nobody serves this");
    assert_eq!(refused.code(), tonic::Code::Unimplemented);
}

#[tokio::test]
async fn a_grpc_call_of_no_service_is_answered_as_such() {
    let world = World::start().await;
    for kind in ["application/grpc", "application/grpc-web+proto"] {
        let request = world.request(reqwest::Method::POST, "/gatepost.auth.v1.NoService/Call");
        let request = request.header("content-type", kind).body(vec![0; 5]);
        let answer = world.send(request).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (200, kind)
        );
        assert_eq!(answer.header("grpc-status"), "12");
    }
}
