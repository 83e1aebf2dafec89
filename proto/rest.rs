//! How a REST call becomes the gRPC call that it stands for: the part that is the same for every
//! route. The generated functions of [`crate::rest_routes`] call it with their types.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_stream::{Stream, StreamExt as _};
use tonic::metadata::MetadataMap;
use tonic::service::Routes;
use tonic::{Extensions, Request, Response, Status, Streaming};

use crate::ErrorReason;
use crate::decode;
use crate::fields::{Fields, Set};
use crate::mask::FieldMask;
use crate::reason::status;

/// One HTTP route of the contract.
pub struct Binding {
    /// The RPC behind it, as [`crate::rpc::Rpc::NAME`].
    pub rpc: &'static str,
    /// The HTTP method, in upper case.
    pub method: &'static str,
    /// The path template, for example `/v1/users/{id}:disable`.
    pub template: &'static str,
    /// Whether success is 201.
    pub created: bool,
    /// Whether success has nothing to say and is 204.
    pub empty: bool,
    /// Whether the request comes in the body; else in the query.
    pub body: bool,
    /// Makes the call.
    pub call: fn(Call) -> CallFuture,
}

/// A call under way.
pub type CallFuture = Pin<Box<dyn Future<Output = Result<Reply, Status>> + Send>>;

/// A REST call, taken apart.
pub struct Call {
    /// The gRPC services of this process, with all their layers.
    pub routes: Routes,
    /// What of the headers goes on.
    pub metadata: MetadataMap,
    /// What the connection knows, for example the peer's address.
    pub extensions: Extensions,
    /// The deadline, told to the service as `grpc-timeout`.
    pub timeout: Option<Duration>,
    /// Path variables by proto name, percent-decoded.
    pub path: Vec<(&'static str, String)>,
    /// Query parameters, decoded, in their order.
    pub query: Vec<(String, String)>,
    /// The body.
    pub body: Body,
}

/// The body of a REST call.
pub enum Body {
    /// A JSON text.
    Json(Bytes),
    /// The decoded pairs of a form, in their order.
    Form(Vec<(String, String)>),
    /// Nothing.
    Empty,
}

/// The answer to a REST call.
pub struct Reply {
    /// The body.
    pub body: ReplyBody,
    /// What the service wants to be headers.
    pub metadata: MetadataMap,
}

/// The body of an answer.
pub enum ReplyBody {
    /// A JSON text.
    Json(Bytes),
    /// JSON texts, each with the line feed after it, as they come: `application/x-ndjson`.
    Lines(Lines),
}

/// The lines of an answer that goes on.
pub type Lines = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;

/// How a route's request is put together.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Whether the message comes in the body; else in the query.
    pub body: bool,
    /// Whether the keys of the body say what changes.
    pub patch: bool,
}

/// The body of a request that has none: `{}` is as good as nothing.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Builds the gRPC request of a call.
///
/// # Errors
/// `MALFORMED_BODY` or `INVALID_REQUEST`, with the field at fault.
pub fn request<M: Fields + Default + DeserializeOwned>(
    call: Call,
    shape: Shape,
) -> Result<(Routes, Request<M>), Status> {
    let (mut message, given) = message::<M>(&call.body, shape)?;
    for (name, value) in &call.path {
        set_path(&mut message, name, value)?;
    }
    let mut seen: Vec<&str> = call.path.iter().map(|(name, _)| *name).collect();
    for (name, value) in &call.query {
        if shape.body {
            return Err(unknown(name, "query"));
        }
        set(&mut message, &mut seen, name, value, "query")?;
    }
    if shape.patch {
        set_mask(&mut message, &given);
    }
    let mut request = Request::from_parts(call.metadata, call.extensions, message);
    if let Some(timeout) = call.timeout {
        request.set_timeout(timeout);
    }
    Ok((call.routes, request))
}

/// The message as the body has it, and the names of the fields that were given.
fn message<M: Fields + Default + DeserializeOwned>(
    body: &Body,
    shape: Shape,
) -> Result<(M, Vec<String>), Status> {
    match body {
        Body::Empty => Ok((M::default(), Vec::new())),
        Body::Json(json) if shape.body => {
            let message = decode::object(json)?;
            let given = if shape.patch {
                decode::keys(json)
            } else {
                Vec::new()
            };
            Ok((message, given))
        }
        Body::Json(json) => decode::object::<Nothing>(json).map(|_| (M::default(), Vec::new())),
        Body::Form(pairs) => {
            let mut message = M::default();
            let mut seen = Vec::new();
            for (name, value) in pairs {
                if !shape.body {
                    return Err(unknown(name, "unknown"));
                }
                set(&mut message, &mut seen, name, value, "unknown")?;
            }
            Ok((
                message,
                pairs.iter().map(|(name, _)| name.clone()).collect(),
            ))
        }
    }
}

/// Sets a field from a path variable. A body may repeat it, but not contradict it.
fn set_path<M: Fields>(message: &mut M, name: &str, value: &str) -> Result<(), Status> {
    let json = M::find(name).map_or(name, |field| field.json);
    let before = message.text(name).unwrap_or_default();
    if !before.is_empty() && before != value {
        let detail = format!("`{json}` differs from the one in the path");
        return Err(status(
            ErrorReason::InvalidRequest,
            detail,
            &[("field", json)],
        ));
    }
    message.set(name, value);
    Ok(())
}

/// Sets a field from a query parameter or a form. `at` says where it came from.
fn set<'a, M: Fields>(
    message: &mut M,
    seen: &mut Vec<&'a str>,
    name: &str,
    value: &str,
    at: &str,
) -> Result<(), Status>
where
    'static: 'a,
{
    let field = M::find(name).ok_or_else(|| unknown(name, at))?;
    if !field.repeated && seen.contains(&field.name) {
        let detail = format!("`{}` is given twice", field.json);
        return Err(misfit(&detail, field.json, at));
    }
    seen.push(field.name);
    match message.set(field.name, value) {
        Set::Done => Ok(()),
        Set::Refused(kind) => Err(misfit(
            &format!("`{}` must be {kind}", field.json),
            field.json,
            at,
        )),
        Set::NotText => Err(unknown(name, at)),
    }
}

/// Reads the update mask from the names that the body gave, unless it has one of its own.
fn set_mask<M: Fields>(message: &mut M, given: &[String]) {
    let Some(mask) = message.mask() else { return };
    if mask.is_some() {
        return;
    }
    let names = given
        .iter()
        .filter_map(|name| M::find(name))
        .map(|field| field.name);
    let paths = names
        .filter(|name| M::MASKABLE.contains(name))
        .map(str::to_owned)
        .collect();
    *mask = Some(FieldMask { paths });
}

/// Names that callers make up are cut before they are repeated.
fn unknown(name: &str, at: &str) -> Status {
    let name: String = name.chars().take(64).collect();
    let what = if at == "query" {
        "query parameter"
    } else {
        "field"
    };
    let metadata = [("field", name.as_str()), ("at", at)];
    status(
        ErrorReason::InvalidRequest,
        format!("unknown {what} `{name}`"),
        &metadata,
    )
}

fn misfit(detail: &str, field: &str, at: &str) -> Status {
    match at {
        "query" => status(
            ErrorReason::InvalidRequest,
            detail,
            &[("field", field), ("at", at)],
        ),
        _ => status(ErrorReason::InvalidRequest, detail, &[("field", field)]),
    }
}

/// Builds the answer of a call.
///
/// # Errors
/// `INTERNAL`, when the message has no JSON form.
pub fn reply<M>(
    response: Response<M>,
    body: impl FnOnce(&M) -> Result<Bytes, Status>,
) -> Result<Reply, Status> {
    let (metadata, message, _) = response.into_parts();
    Ok(Reply {
        body: ReplyBody::Json(body(&message)?),
        metadata,
    })
}

/// Builds the answer of a call that answers with many messages.
pub fn lines<M: Serialize + Send + 'static>(response: Response<Streaming<M>>) -> Reply {
    let (metadata, messages, _) = response.into_parts();
    let lines = messages.map(|message| {
        let mut line = Vec::from(json(&message?)?);
        line.push(b'\n');
        Ok(Bytes::from(line))
    });
    Reply {
        body: ReplyBody::Lines(Box::pin(lines)),
        metadata,
    }
}

/// A message, or a map of messages, as JSON.
///
/// # Errors
/// `INTERNAL`, when it has no JSON form.
pub fn json(message: &impl Serialize) -> Result<Bytes, Status> {
    let written = serde_json::to_vec(message);
    written.map(Bytes::from).map_err(|_| {
        // A timestamp out of range, or the like: nothing that the caller could mend.
        status(ErrorReason::Internal, "the answer cannot be written", &[])
    })
}

/// A message that may be absent, as JSON.
///
/// # Errors
/// As [`json`].
pub fn json_or_empty(message: Option<&impl Serialize>) -> Result<Bytes, Status> {
    message.map_or_else(|| Ok(Bytes::from_static(b"{}")), json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::v1 as pb;
    use crate::reason::info;

    const BODY: Shape = Shape {
        body: true,
        patch: false,
    };
    const PATCH: Shape = Shape {
        body: true,
        patch: true,
    };
    const QUERY: Shape = Shape {
        body: false,
        patch: false,
    };

    fn pairs(from: &[(&str, &str)]) -> Vec<(String, String)> {
        from.iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    }

    fn call(id: Option<&str>, query: &[(&str, &str)], body: Body) -> Call {
        Call {
            routes: Routes::default(),
            metadata: MetadataMap::new(),
            extensions: Extensions::new(),
            timeout: Some(Duration::from_secs(1)),
            path: id.map(|id| ("id", id.to_owned())).into_iter().collect(),
            query: pairs(query),
            body,
        }
    }

    fn json_body(text: &'static str) -> Body {
        Body::Json(Bytes::from_static(text.as_bytes()))
    }

    fn decoded<M: Fields + Default + DeserializeOwned>(call: Call, shape: Shape) -> M {
        let (_, request) = request::<M>(call, shape).expect("a request");
        request.into_inner()
    }

    /// The `field` and `at` of a refusal.
    fn refused<M: Fields + Default + DeserializeOwned>(
        call: Call,
        shape: Shape,
    ) -> (String, String) {
        let Err(status) = request::<M>(call, shape) else {
            panic!("this was to be refused")
        };
        let mut info = info(&status).expect("a status of ours");
        assert_eq!(info.reason, "INVALID_REQUEST", "{}", status.message());
        let mut take = |key| info.metadata.remove(key).unwrap_or_default();
        (take("field"), take("at"))
    }

    fn at(field: &str, at: &str) -> (String, String) {
        (field.to_owned(), at.to_owned())
    }

    fn mask(body: Body) -> Vec<String> {
        let request: pb::UpdateUserRequest = decoded(call(Some("7"), &[], body), PATCH);
        assert_eq!(request.id, "7");
        request.update_mask.expect("a mask").paths
    }

    #[test]
    fn a_patch_changes_what_its_body_names() {
        assert_eq!(
            mask(json_body(r#"{"firstName": "A", "groups": []}"#)),
            ["first_name", "groups"]
        );
        assert_eq!(
            mask(json_body(r#"{"first_name": "", "id": "7"}"#)),
            ["first_name"]
        );
        assert_eq!(mask(json_body(r#"{"email": null}"#)), ["email"]);
        assert_eq!(mask(Body::Form(pairs(&[("lastName", "B")]))), ["last_name"]);
        assert_eq!(mask(Body::Empty), Vec::<String>::new());
        let explicit = json_body(r#"{"firstName": "A", "updateMask": "lastName,groups"}"#);
        assert_eq!(mask(explicit), ["last_name", "groups"]);
    }

    #[test]
    fn the_path_and_the_body_agree() {
        let same = call(Some("7"), &[], json_body(r#"{"id": "7"}"#));
        assert_eq!(decoded::<pb::UpdateUserRequest>(same, PATCH).id, "7");
        let other = call(Some("7"), &[], json_body(r#"{"id": "8"}"#));
        assert_eq!(refused::<pb::UpdateUserRequest>(other, PATCH), at("id", ""));
    }

    #[test]
    fn a_query_sets_typed_fields() {
        let query = [
            ("page", "2"),
            ("limit", "50"),
            ("page_token", "t"),
            ("actorId", "a"),
        ];
        let list: pb::ListAuditEventsRequest = decoded(call(None, &query, Body::Empty), QUERY);
        let set = (
            list.page,
            list.limit,
            list.page_token.as_str(),
            list.actor_id.as_str(),
        );
        assert_eq!(set, (2, 50, "t", "a"));
        let refused =
            |query| refused::<pb::ListUsersRequest>(call(None, query, Body::Empty), QUERY);
        assert_eq!(refused(&[("tenant", "x")]), at("tenant", "query"));
        assert_eq!(refused(&[("page", "two")]), at("page", "query"));
        assert_eq!(
            refused(&[("page", "1"), ("page", "2")]),
            at("page", "query")
        );
        assert_eq!(
            refused(&[("pageToken", "1"), ("page_token", "2")]),
            at("pageToken", "query")
        );
    }

    #[test]
    fn a_query_cannot_name_what_the_path_says() {
        let call = call(Some("7"), &[("id", "8")], Body::Empty);
        assert_eq!(
            refused::<pb::GetUserRequest>(call, QUERY),
            at("id", "query")
        );
    }

    #[test]
    fn a_request_with_a_body_takes_no_query() {
        let call = call(None, &[("name", "x")], json_body("{}"));
        assert_eq!(
            refused::<pb::CreateGroupRequest>(call, BODY),
            at("name", "query")
        );
    }

    #[test]
    fn a_request_without_a_body_takes_an_empty_object() {
        let get = |body| call(Some("7"), &[], body);
        assert_eq!(
            decoded::<pb::GetUserRequest>(get(json_body("{ }")), QUERY).id,
            "7"
        );
        let extra = get(json_body(r#"{"id": "8"}"#));
        assert_eq!(
            refused::<pb::GetUserRequest>(extra, QUERY),
            at("id", "unknown")
        );
        let form = get(Body::Form(pairs(&[("id", "8")])));
        assert_eq!(
            refused::<pb::GetUserRequest>(form, QUERY),
            at("id", "unknown")
        );
    }

    #[test]
    fn a_form_becomes_the_same_message() {
        let form = Body::Form(pairs(&[("name", "g"), ("groups", "a"), ("groups", "b")]));
        let group: pb::CreateGroupRequest = decoded(call(None, &[], form), BODY);
        assert_eq!(
            (group.name.as_str(), group.groups),
            ("g", vec!["a".into(), "b".into()])
        );
        let form = |pair| call(None, &[], Body::Form(pairs(&[pair])));
        assert_eq!(
            refused::<pb::CreateGroupRequest>(form(("x", "1")), BODY),
            at("x", "unknown")
        );
        let nested = form(("owner", "ada"));
        assert_eq!(
            refused::<pb::CreateOrganizationRequest>(nested, BODY),
            at("owner", "unknown")
        );
    }

    #[test]
    fn the_deadline_goes_on() {
        let call = call(Some("7"), &[], Body::Empty);
        let (_, request) = request::<pb::GetUserRequest>(call, QUERY).expect("a request");
        assert!(request.metadata().contains_key("grpc-timeout"));
    }
}
