//! The methods that can be reached by the short way.

use std::sync::Arc;

use gatepost_proto::authorize::v1::{AuthorizeRequest, BatchAuthorizeRequest};
use gatepost_proto::envoy::{AttributeContext, CheckRequest};
use gatepost_replica::Gatekeeper;
use tonic::Response;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_server::Health;
use tonic_health::server::{HealthReporter, HealthService};

use super::short::{Call, ShortWay};
use crate::authorize;
use crate::door::Door;
use crate::edge::envoy;

const AUTHORIZE: &str = "/gatepost.authorize.v1.AuthorizeService/Authorize";
const BATCH_AUTHORIZE: &str = "/gatepost.authorize.v1.AuthorizeService/BatchAuthorize";
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";
const HEALTH: &str = "/grpc.health.v1.Health/Check";

/// What is answered from memory, past the router. Its handlers are those that the router has too.
pub fn short_way(
    door: Arc<Door>,
    gatekeeper: &Arc<Gatekeeper>,
    health: &HealthReporter,
) -> ShortWay {
    let health = Arc::new(HealthService::from_health_reporter(health.clone()));
    let [one, many, check] = [(); 3].map(|()| Arc::clone(gatekeeper));
    ShortWay::new(door)
        .with(AUTHORIZE, move |call: Call<AuthorizeRequest>| {
            let gatekeeper = Arc::clone(&one);
            async move {
                let arrival = || call.arrival();
                authorize::authorize(&gatekeeper, &call.metadata, &call.message, arrival).await
            }
        })
        .with(CHECK, move |call: Call<CheckRequest>| {
            let gatekeeper = Arc::clone(&check);
            async move {
                let nothing = AttributeContext::default();
                let context = call.message.attributes.as_ref().unwrap_or(&nothing);
                let arrival = || call.arrival();
                let answer = envoy::answer(&gatekeeper, context, arrival).await;
                Ok(Response::new(answer))
            }
        })
        .with(HEALTH, move |call: Call<HealthCheckRequest>| {
            let health = Arc::clone(&health);
            async move { health.check(call.into_request()).await }
        })
        .with(BATCH_AUTHORIZE, move |call: Call<BatchAuthorizeRequest>| {
            let gatekeeper = Arc::clone(&many);
            async move {
                let arrival = || call.arrival();
                authorize::batch_authorize(&gatekeeper, &call.metadata, &call.message, arrival)
                    .await
            }
        })
}
