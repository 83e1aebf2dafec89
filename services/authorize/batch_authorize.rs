//! `BatchAuthorize`: many questions, one caller, one snapshot, one decision id.

use gatepost_proto::authorize::v1::{
    Answer, BatchAuthorizeRequest, BatchAuthorizeResponse, Question, QuestionError,
};
use gatepost_proto::rpc::Rpc;
use gatepost_replica::{Ask, Caller, Gatekeeper};
use tonic::metadata::MetadataMap;
use tonic::{Response, Status};

use super::fresh::{freshness, want};
use super::told;
use crate::context::Arrival;
use crate::error::{Error, Result};
use crate::run::{at_revision, authenticate, refuse, validate};

/// Handles the RPC. How it came in is asked for only when it is refused.
pub async fn batch_authorize(
    gatekeeper: &Gatekeeper,
    metadata: &MetadataMap,
    batch: &BatchAuthorizeRequest,
    arrival: impl FnOnce() -> Arrival,
) -> Result<Response<BatchAuthorizeResponse>, Status> {
    let result = decisions(gatekeeper, metadata, batch).await;
    result.map_err(|error| refuse(BatchAuthorizeRequest::NAME, &arrival(), error))
}

async fn decisions(
    gatekeeper: &Gatekeeper,
    metadata: &MetadataMap,
    batch: &BatchAuthorizeRequest,
) -> Result<Response<BatchAuthorizeResponse>> {
    let want = want(metadata, batch.min_revision, batch.consistency())?;
    let caller = authenticate(gatekeeper, metadata, want).await?;
    validate(batch)?;
    let answers = batch
        .questions
        .iter()
        .map(|question| answer(&caller, batch, question).unwrap_or_else(|error| unanswered(&error)))
        .collect();
    let revision = caller.present.revision();
    let response = BatchAuthorizeResponse {
        answers,
        revision,
        decision_id: told::id(caller.new_decision_id()),
        timestamp: Some(caller.now().into()),
        freshness: Some(freshness(caller.present.freshness)),
    };
    Ok(at_revision(revision, response))
}

fn answer(caller: &Caller, batch: &BatchAuthorizeRequest, question: &Question) -> Result<Answer> {
    validate(question)?;
    let answer = caller.decide(&Ask {
        sub: given(&question.sub, &batch.sub),
        product: given(&question.product, &batch.product),
        resource: &question.resource,
        action: &question.action,
        attributes: &question.attributes,
    })?;
    let (acr, max_age_seconds) = told::demanded(answer.demand);
    Ok(Answer {
        authorized: answer.allowed,
        reason: answer.word().to_owned(),
        error: None,
        acr,
        max_age_seconds,
    })
}

/// What a question says itself, else what its batch says.
fn given<'a>(own: &'a str, of_batch: &'a str) -> &'a str {
    if own.is_empty() { of_batch } else { own }
}

fn unanswered(error: &Error) -> Answer {
    Answer {
        authorized: false,
        reason: String::new(),
        acr: None,
        max_age_seconds: None,
        error: Some(QuestionError {
            reason: error.reason().name().to_owned(),
            message: error.to_string(),
        }),
    }
}
