//! `Explain`: a decision and the way to it.

use gatepost_core::Question;
use gatepost_core::explain as core;
use gatepost_proto::authorize::v1::{ExplainRequest, ExplainResponse};
use gatepost_replica::{Ask, Gatekeeper, Product};
use tonic::{Request, Response, Status};

use super::beside::{Beside, require_whole};
use super::fresh::{freshness, want};
use super::told;
use crate::context::Caller;
use crate::error::Result;

/// Handles the RPC.
pub async fn explain(
    gatekeeper: &Gatekeeper,
    beside: &Beside,
    request: Request<ExplainRequest>,
) -> Result<Response<ExplainResponse>, Status> {
    let want = |metadata: &_, request: &ExplainRequest| {
        want(metadata, request.min_revision, request.consistency())
    };
    beside.run(gatekeeper, request, want, explanation).await
}

fn explanation(caller: &Caller, request: &ExplainRequest) -> Result<ExplainResponse> {
    require_whole(caller)?;
    let answer = caller.decide(&Ask {
        sub: &request.sub,
        product: &request.product,
        resource: &request.resource,
        action: &request.action,
        attributes: &request.attributes,
    })?;
    let mut response = ExplainResponse {
        authorized: answer.allowed,
        reason: answer.word().to_owned(),
        revision: caller.present.revision(),
        decision_id: caller.new_decision_id().to_string(),
        timestamp: Some(caller.now().into()),
        freshness: Some(freshness(caller.present.freshness)),
        redacted: !caller.may("gatepost", "subjects", "explain").allowed,
        paths: Vec::new(),
        missing: None,
    };
    let about = caller.about(&request.sub, &request.product)?;
    let Product::Named(product) = about.product else {
        // Two places name a product each: nothing leads to that no but the contradiction.
        return Ok(response);
    };
    if response.redacted {
        return Ok(response);
    }
    let question = Question {
        product: Some(product),
        resource: &request.resource,
        action: &request.action,
        attributes: &request.attributes,
    };
    let explained = core::explain(caller.present.view(), about.subject, question);
    response.paths = explained.paths.into_iter().map(told::path).collect();
    response.missing = explained.missing.map(told::missing);
    Ok(response)
}
