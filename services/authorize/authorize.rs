//! `Authorize`: the hot path. It reads two snapshot pointers and a remembered token, and answers.
//!
//! It does not go through `run`: there is no transaction, no audit record and no permission to
//! check before the question itself.

use gatepost_proto::authorize::v1::{AuthorizeRequest, AuthorizeResponse};
use gatepost_proto::rpc::Rpc;
use gatepost_replica::{Ask, Gatekeeper};
use tonic::metadata::MetadataMap;
use tonic::{Response, Status};

use super::fresh::{freshness, want};
use super::told;
use crate::context::Arrival;
use crate::error::Result;
use crate::run::{at_revision, authenticate, refuse, validate};

/// Handles the RPC. How it came in is asked for only when it is refused.
pub async fn authorize(
    gatekeeper: &Gatekeeper,
    metadata: &MetadataMap,
    question: &AuthorizeRequest,
    arrival: impl FnOnce() -> Arrival,
) -> Result<Response<AuthorizeResponse>, Status> {
    let result = decision(gatekeeper, metadata, question).await;
    result.map_err(|error| refuse(AuthorizeRequest::NAME, &arrival(), error))
}

async fn decision(
    gatekeeper: &Gatekeeper,
    metadata: &MetadataMap,
    question: &AuthorizeRequest,
) -> Result<Response<AuthorizeResponse>> {
    let want = want(metadata, question.min_revision, question.consistency())?;
    let caller = authenticate(gatekeeper, metadata, want).await?;
    validate(question)?;
    let answer = caller.decide(&Ask {
        sub: &question.sub,
        product: &question.product,
        resource: &question.resource,
        action: &question.action,
        attributes: &question.attributes,
    })?;
    let revision = caller.present.revision();
    let (acr, max_age_seconds) = told::demanded(answer.demand);
    let response = AuthorizeResponse {
        authorized: answer.allowed,
        reason: answer.word().to_owned(),
        revision,
        decision_id: told::id(caller.new_decision_id()),
        timestamp: Some(caller.now().into()),
        freshness: Some(freshness(caller.present.freshness)),
        acr,
        max_age_seconds,
    };
    Ok(at_revision(revision, response))
}
