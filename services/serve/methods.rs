//! The methods that can be reached by the short way.

use std::sync::Arc;

use futures::Future;
use gatepost_proto::auth::v1::{IntrospectTokenRequest, IssueTokenRequest};
use gatepost_proto::authorize::v1::{AuthorizeRequest, BatchAuthorizeRequest};
use gatepost_proto::envoy::{AttributeContext, CheckRequest};
use gatepost_replica::Gatekeeper;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tonic::{Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_server::Health;
use tonic_health::server::{HealthReporter, HealthService};

use super::short::{Call, ShortWay};
use crate::app::App;
use crate::auth;
use crate::authorize;
use crate::door::Door;
use crate::edge::envoy;
use crate::run::run_public;

const AUTHORIZE: &str = "/gatepost.authorize.v1.AuthorizeService/Authorize";
const BATCH_AUTHORIZE: &str = "/gatepost.authorize.v1.AuthorizeService/BatchAuthorize";
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";
const INTROSPECT_TOKEN: &str = "/gatepost.auth.v1.AuthService/IntrospectToken";
const ISSUE_TOKEN: &str = "/gatepost.auth.v1.AuthService/IssueToken";
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

/// As [`short_way`], with those calls of Auth that are mostly answered from memory. When what they
/// need is not there, the same handler runs where the database's connections live.
pub fn of_auth(way: ShortWay, app: &Arc<App>) -> ShortWay {
    let runtime = Handle::current();
    let (issuing, asking) = (
        (Arc::clone(app), runtime.clone()),
        (Arc::clone(app), runtime),
    );
    way.with(ISSUE_TOKEN, move |call: Call<IssueTokenRequest>| {
        let (app, runtime) = issuing.clone();
        async move {
            let is_at_hand = auth::is_known_machine(&app, &call.message).await;
            let request = call.arrived();
            if is_at_hand {
                return run_public(&app, request, auth::issue_token).await;
            }
            let call = async move { run_public(&app, request, auth::issue_token).await };
            there(&runtime, call).await
        }
    })
    .with(
        INTROSPECT_TOKEN,
        move |call: Call<IntrospectTokenRequest>| {
            let (app, runtime) = asking.clone();
            async move {
                if auth::is_known_token(&app, &call.message) {
                    let arrival = || call.arrival();
                    return auth::introspect_here(&app, &call.metadata, &call.message, arrival)
                        .await;
                }
                let request = call.arrived();
                let call = async move { auth::introspect_token(&app, request).await };
                there(&runtime, call).await
            }
        },
    )
}

/// Answers on the program's own runtime; it ends there when the caller goes.
async fn there<T: Send + 'static>(
    runtime: &Handle,
    call: impl Future<Output = Result<T, Status>> + Send + 'static,
) -> Result<T, Status> {
    let mut calls = JoinSet::new();
    calls.spawn_on(call, runtime);
    let answer = calls.join_next().await;
    answer.and_then(Result::ok).unwrap_or_else(|| {
        // It panicked, or the program is about to end.
        Err(Status::internal("the call was not answered"))
    })
}
