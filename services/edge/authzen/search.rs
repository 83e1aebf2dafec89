//! The three searches (Authorization API 1.0 §8). Each result is a yes of evaluation.

use gatepost_core::search::{
    Asked, Page, SubjectKind, search_actions, search_resources, search_subjects,
};
use gatepost_core::snapshot::{ApplicationEntry, UserEntry};
use gatepost_core::{Attributes, Question, Subject};
use serde::Deserialize;
use serde_json::{Value, json};

use super::model::{Evaluation, What, Who, ask, kind_of, sub, uuid_of};
use super::page::{Query, Wanted};
use super::read;
use crate::context::Caller;
use crate::error::{Error, Result};

/// The id that stands for any one of a resource.
const ANY_ID: &str = "*";

#[derive(Debug, Deserialize)]
struct Search {
    #[serde(flatten)]
    evaluation: Evaluation,
    #[serde(default)]
    page: Option<Wanted>,
}

/// Who may do this.
///
/// # Errors
/// What is wrong with the question, or `PERMISSION_MISSING`.
pub fn subjects(caller: &Caller, json: &[u8]) -> Result<Value> {
    caller.require("gatepost", "subjects", "ask")?;
    let Search {
        mut evaluation,
        page,
    } = read(json)?;
    // §8.4: an id of the subject means nothing.
    if let Some(subject) = &mut evaluation.subject {
        subject.id = None;
    }
    let asking = evaluation.asking();
    let kind = match asking.subject()?.r#type.as_str() {
        "user" => Some(SubjectKind::User),
        "application" => Some(SubjectKind::Application),
        _ => None,
    };
    let resource = asking.resource()?;
    resource.id("resource.id")?;
    let (action, attributes) = (asking.action()?, asking.attributes()?);
    let (wanted, query) = (
        page.unwrap_or_default(),
        Query::new(caller, "subject", &evaluation),
    );
    let after = query.after(&wanted)?.and_then(|id| id.parse().ok());
    let (Some(kind), Some(what)) = (kind, resource.what()?) else {
        return Ok(query.answer([], None));
    };
    // A sidecar may not be fed with that product.
    caller.about("", what.product)?;
    let question = Question {
        product: Some(what.product).filter(|product| !product.is_empty()),
        resource: what.resource,
        action,
        attributes: &attributes,
    };
    let page = search_subjects(caller.present.view(), question, kind, after, wanted.limit());
    let found = page.found.into_iter().map(|found| person(caller, found));
    let next = page.next.map(|id| id.to_string());
    Ok(query.answer(found, next.as_deref()))
}

fn person(caller: &Caller, subject: Subject) -> Value {
    let organization = &caller.present.organization;
    let name = match subject {
        Subject::User(id) => organization.user(id).map(UserEntry::username),
        Subject::Application(id) => organization.application(id).map(ApplicationEntry::name),
    };
    json!({
        "type": kind_of(subject),
        "id": uuid_of(subject).to_string(),
        "properties": { "name": name.unwrap_or_default() },
    })
}

/// On which resources of a product the subject may do this. A type with a resource in it is asked
/// about that one only. Which things there are of a resource only the product knows: an id of `*`
/// stands for any that no grant speaks of.
///
/// # Errors
/// What is wrong with the question, or `SUBJECT_FOREIGN`.
pub fn resources(caller: &Caller, json: &[u8]) -> Result<Value> {
    let Search {
        mut evaluation,
        page,
    } = read(json)?;
    // §8.5: an id of the resource means nothing.
    if let Some(resource) = &mut evaluation.resource {
        resource.id = Some(ANY_ID.into());
    }
    let wanted = page.unwrap_or_default();
    let query = Query::new(caller, "resource", &evaluation);
    let after = query.after(&wanted)?;
    let asking = evaluation.asking();
    let (action, attributes) = (asking.action()?, asking.attributes()?);
    let resource = asking.resource()?;
    let what = resource.what()?;
    let (product, one) = match what {
        // A type without a slash is a product here, unless a property names one.
        Some(What {
            product: "",
            resource,
        }) => (resource, None),
        Some(What { product, resource }) => (product, Some(resource)),
        None => return Ok(query.answer([], None)),
    };
    let Who::Known(subject) = asking.subject()?.who(caller, product)? else {
        return Ok(query.answer([], None));
    };
    let thing = |name: &str| json!({ "type": format!("{product}/{name}"), "id": ANY_ID });
    if let Some(resource) = one {
        let sub = sub(caller, subject);
        let what = What { product, resource };
        let answer = caller.decide(&ask(&sub, what, action, &attributes))?;
        let found = answer.allowed.then(|| thing(resource));
        return Ok(query.answer(found, None));
    }
    let asked = asked(caller, subject, product, &attributes);
    let Page { found, next } = search_resources(asked, action, after.as_deref(), wanted.limit());
    let found = found.iter().map(|name| thing(name));
    Ok(query.answer(found, next.as_deref()))
}

/// What the subject may do on a resource.
///
/// # Errors
/// What is wrong with the question, or `SUBJECT_FOREIGN`.
pub fn actions(caller: &Caller, json: &[u8]) -> Result<Value> {
    let Search {
        mut evaluation,
        page,
    } = read(json)?;
    // §8.6: there is no action in it.
    evaluation.action = None;
    let wanted = page.unwrap_or_default();
    let query = Query::new(caller, "action", &evaluation);
    let after = query.after(&wanted)?;
    let asking = evaluation.asking();
    let attributes = asking.attributes()?;
    let resource = asking.resource()?;
    resource.id("resource.id")?;
    let what = resource.what()?;
    if what.is_some_and(|what| what.product.is_empty()) {
        let message = "`resource.type` must name the product, as in `midaz/accounts`";
        return Err(Error::invalid("resource.type", message));
    }
    let product = what.map_or("", |what| what.product);
    let who = asking.subject()?.who(caller, product)?;
    let (Who::Known(subject), Some(what)) = (who, what) else {
        return Ok(query.answer([], None));
    };
    let asked = asked(caller, subject, what.product, &attributes);
    let page = search_actions(asked, what.resource, after.as_deref(), wanted.limit());
    let found = page.found.iter().map(|name| json!({ "name": name }));
    Ok(query.answer(found, page.next.as_deref()))
}

fn asked<'a>(
    caller: &'a Caller,
    subject: Subject,
    product: &'a str,
    attributes: &'a Attributes,
) -> Asked<'a> {
    Asked {
        view: caller.present.view(),
        subject,
        product,
        attributes,
    }
}
