//! `SearchSubjects`: who may do this.

use gatepost_core::search::{self, SubjectKind};
use gatepost_core::{Question, Subject};
use gatepost_proto::authorize::v1::{
    Consistency, FoundSubject, SearchSubjectsRequest, SearchSubjectsResponse,
};
use gatepost_replica::Gatekeeper;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::beside::{Beside, require_whole};
use super::fresh::{freshness, want};
use super::page::limit;
use super::told;
use crate::context::Caller;
use crate::error::{Error, Result};

/// Handles the RPC.
pub async fn search_subjects(
    gatekeeper: &Gatekeeper,
    beside: &Beside,
    request: Request<SearchSubjectsRequest>,
) -> Result<Response<SearchSubjectsResponse>, Status> {
    let want = |metadata: &_, request: &SearchSubjectsRequest| {
        want(metadata, request.min_revision, Consistency::Bounded)
    };
    beside.run(gatekeeper, request, want, page).await
}

fn page(caller: &Caller, request: &SearchSubjectsRequest) -> Result<SearchSubjectsResponse> {
    require_whole(caller)?;
    let question = Question {
        product: Some(&request.product),
        resource: &request.resource,
        action: &request.action,
        attributes: &request.attributes,
    };
    let kind = match request.r#type.as_str() {
        "application" => SubjectKind::Application,
        _ => SubjectKind::User,
    };
    let after = Some(request.cursor.as_str()).filter(|cursor| !cursor.is_empty());
    let unreadable = |_| Error::invalid("cursor", "no answer gave this cursor");
    let after = after.map(Uuid::try_parse).transpose().map_err(unreadable)?;
    let view = caller.present.view();
    let page = search::search_subjects(view, question, kind, after, limit(request.limit));
    let subjects = page.found.into_iter();
    Ok(SearchSubjectsResponse {
        subjects: subjects.map(|subject| found(caller, subject)).collect(),
        next_cursor: page.next.map(|id| id.to_string()).unwrap_or_default(),
        revision: caller.present.revision(),
        freshness: Some(freshness(caller.present.freshness)),
    })
}

fn found(caller: &Caller, subject: Subject) -> FoundSubject {
    let organization = &caller.present.organization;
    let (kind, id, name) = match subject {
        Subject::User(id) => {
            let name = organization.user(id).map(|user| user.username().to_owned());
            ("user", id.to_string(), name)
        }
        Subject::Application(id) => {
            let application = organization.application(id);
            let name = application.map(|application| application.name().to_owned());
            ("application", id.to_string(), name)
        }
    };
    FoundSubject {
        r#type: kind.to_owned(),
        id,
        name: name.unwrap_or_default(),
        sub: told::sub(caller, subject),
    }
}
