//! Evaluation and evaluations (Authorization API 1.0 §6, §7).

use gatepost_proto::ErrorReason;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::model::{Asking, Evaluation, Who, ask, sub};
use super::read;
use crate::context::Caller;
use crate::error::{Error, Result};

/// Most questions in one request, as in `BatchAuthorize`.
const EVALUATIONS_MAX: usize = 1_000;

/// Several questions, and what they have in common.
#[derive(Debug, Deserialize)]
struct Evaluations {
    #[serde(flatten)]
    defaults: Evaluation,
    #[serde(default, rename = "evaluations")]
    each: Option<Vec<Evaluation>>,
    #[serde(default)]
    options: Option<Options>,
}

#[derive(Debug, Default, Deserialize)]
struct Options {
    #[serde(default)]
    evaluations_semantic: Option<Semantic>,
}

/// When to stop (§7.1.2.1).
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Semantic {
    #[default]
    ExecuteAll,
    DenyOnFirstDeny,
    PermitOnFirstPermit,
}

/// Answers one question.
///
/// # Errors
/// What is wrong with the question, or `SUBJECT_FOREIGN`.
pub fn evaluation(caller: &Caller, json: &[u8]) -> Result<Value> {
    let evaluation: Evaluation = read(json)?;
    Ok(decide(caller, caller.new_decision_id(), evaluation.asking())?.1)
}

/// Answers several, all from the same snapshot. A question that cannot be answered is a no with an
/// error of its own, and spoils no other (§7.2.1).
///
/// # Errors
/// What is wrong with the whole of it.
pub fn evaluations(caller: &Caller, json: &[u8]) -> Result<Value> {
    let Evaluations {
        defaults,
        each,
        options,
    } = read(json)?;
    let decision_id = caller.new_decision_id();
    let evaluations = each.unwrap_or_default();
    if evaluations.is_empty() {
        return Ok(decide(caller, decision_id, defaults.asking())?.1);
    }
    if evaluations.len() > EVALUATIONS_MAX {
        let message = format!("there must be at most {EVALUATIONS_MAX} evaluations");
        return Err(Error::invalid("evaluations", message));
    }
    let semantic = options.unwrap_or_default().evaluations_semantic;
    let last = match semantic.unwrap_or_default() {
        Semantic::ExecuteAll => None,
        Semantic::DenyOnFirstDeny => Some(false),
        Semantic::PermitOnFirstPermit => Some(true),
    };
    let mut answers = Vec::with_capacity(evaluations.len());
    for evaluation in &evaluations {
        let asking = evaluation.asking().or(defaults.asking());
        let decided = decide(caller, decision_id, asking);
        let (allowed, answer) = decided.unwrap_or_else(|error| (false, unanswered(&error)));
        answers.push(answer);
        if last == Some(allowed) {
            break;
        }
    }
    Ok(json!({ "evaluations": answers }))
}

/// Whether it is a yes, and the answer.
fn decide(caller: &Caller, decision_id: Uuid, asking: Asking<'_>) -> Result<(bool, Value)> {
    let resource = asking.resource()?;
    resource.id("resource.id")?;
    let action = asking.action()?;
    let attributes = asking.attributes()?;
    let what = resource.what()?;
    let product = what.map_or("", |what| what.product);
    let who = asking.subject()?.who(caller, product)?;
    let (allowed, reason, demand) = match (who, what) {
        (Who::Nobody, _) => (false, "subject_unknown", None),
        (_, None) => (false, "unknown_product", None),
        (Who::Known(subject), Some(what)) => {
            let sub = sub(caller, subject);
            let answer = caller.decide(&ask(&sub, what, action, &attributes))?;
            (answer.allowed, answer.word(), answer.demand)
        }
    };
    let mut context = json!({
        "reason": reason,
        "revision": caller.present.revision().to_string(),
        "decision_id": decision_id.to_string(),
        "age_ms": u64::try_from(caller.present.freshness.age.as_millis()).unwrap_or(u64::MAX),
    });
    if let (false, Value::Object(fields)) = (allowed, &mut context) {
        if let Some(demand) = demand {
            fields.insert("acr".into(), demand.acr().into());
            if let Some(age) = demand.max_age() {
                fields.insert("max_age".into(), age.as_secs().into());
            }
        }
        let kind = &resource.r#type;
        let told = json!({ "en": format!("`{action}` on `{kind}`: {}", explain(reason)) });
        fields.insert("reason_admin".into(), told);
        let told = json!({ "en-403": "You may not do this." });
        fields.insert("reason_user".into(), told);
    }
    Ok((allowed, json!({ "decision": allowed, "context": context })))
}

/// A reason of Authorize in a sentence.
fn explain(reason: &str) -> &'static str {
    match reason {
        "denied" => "a role denies it, which beats every allow",
        "stronger_sign_in" => "it is granted, to who signs in anew or with a second factor",
        "attributes" => "it is granted for other attributes than these",
        "unknown_product" => "there is no such product, or two places name different ones",
        "unknown_permission" => "no product declares it, and none was named",
        "subject_unknown" => "there is no such subject",
        "subject_disabled" => "the subject is suspended",
        _ => "no role allows it",
    }
}

fn unanswered(error: &Error) -> Value {
    let reason = error.reason();
    let message = if reason == ErrorReason::Internal {
        reason.title()
    } else {
        error.message()
    };
    json!({
        "decision": false,
        "context": { "error": { "status": reason.http_status().as_u16(), "message": message } },
    })
}
