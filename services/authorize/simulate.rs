//! `Simulate`: what a change would do, without making it.

use gatepost_core::simulate::{self as core, Outcome};
use gatepost_core::{Question, Subject};
use gatepost_proto::authorize::v1::{self as pb, Consistency, SimulateRequest, SimulateResponse};
use gatepost_replica::{Gatekeeper, Product, RecentQuestion, recent_questions};
use tonic::{Request, Response, Status};

use super::beside::{Beside, require_whole};
use super::draft::Draft;
use super::fresh::{freshness, want};
use super::told;
use crate::context::Caller;
use crate::error::Result;

/// Handles the RPC.
pub async fn simulate(
    gatekeeper: &Gatekeeper,
    beside: &Beside,
    request: Request<SimulateRequest>,
) -> Result<Response<SimulateResponse>, Status> {
    let want = |metadata: &_, request: &SimulateRequest| {
        want(metadata, request.min_revision, Consistency::Bounded)
    };
    beside.run(gatekeeper, request, want, simulation).await
}

fn simulation(caller: &Caller, request: &SimulateRequest) -> Result<SimulateResponse> {
    require_whole(caller)?;
    let mut draft = Draft::new(caller);
    for change in &request.changes {
        draft.take(change)?;
    }
    let mut count = request.questions.len();
    let mut asked = Vec::with_capacity(count);
    for question in &request.questions {
        asked.extend(given(caller, question)?);
    }
    if request.recorded {
        // They are about anybody.
        caller.require("gatepost", "subjects", "ask")?;
        let recent = recent_questions(caller.organization()).into_iter();
        let new = recent.filter(|question| !asked.contains(question));
        let new: Vec<RecentQuestion> = new.collect();
        count += new.len();
        asked.extend(new);
    }
    let view = caller.present.view();
    let outcomes = core::simulate(view, &draft.into_proposal(), asked.iter().map(question));
    let flips = asked.into_iter().zip(outcomes);
    let flips = flips.filter(|(_, outcome)| outcome.flips());
    Ok(SimulateResponse {
        flips: flips
            .map(|(asked, outcome)| flip(caller, asked, outcome))
            .collect(),
        asked: u32::try_from(count).unwrap_or(u32::MAX),
        revision: caller.present.revision(),
        freshness: Some(freshness(caller.present.freshness)),
    })
}

/// A question that the caller gives, with who is meant; `None` when two places name a product
/// each, which no change makes a yes.
fn given(caller: &Caller, question: &pb::Question) -> Result<Option<RecentQuestion>> {
    let about = caller.about(&question.sub, &question.product)?;
    let product = match about.product {
        Product::Named(product) => product.to_owned(),
        Product::Any => String::new(),
        Product::Contradictory => return Ok(None),
    };
    Ok(Some(RecentQuestion {
        subject: about.subject,
        product,
        resource: question.resource.clone(),
        action: question.action.clone(),
        attributes: question.attributes.clone(),
    }))
}

fn question(asked: &RecentQuestion) -> (Subject, Question<'_>) {
    let question = Question {
        product: Some(asked.product.as_str()).filter(|product| !product.is_empty()),
        resource: &asked.resource,
        action: &asked.action,
        attributes: &asked.attributes,
    };
    (asked.subject, question)
}

fn flip(caller: &Caller, asked: RecentQuestion, outcome: Outcome) -> pb::Flip {
    let subject = asked.subject;
    pb::Flip {
        question: Some(pb::Question {
            sub: told::sub(caller, subject),
            product: asked.product,
            resource: asked.resource,
            action: asked.action,
            attributes: asked.attributes,
        }),
        before: Some(told::answer(subject, outcome.before)),
        after: Some(told::answer(subject, outcome.after)),
    }
}
