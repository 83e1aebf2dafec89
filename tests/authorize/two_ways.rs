//! A plain call goes a shorter way than one with an `Origin`: what is answered is the same.

use gatepost_proto::authorize::v1::{AuthorizeRequest, AuthorizeResponse};
use prost::Message;
use reqwest::header::HeaderMap;

use crate::world::World;

const AUTHORIZE: &str = "/gatepost.authorize.v1.AuthorizeService/Authorize";
const HEALTH: &str = "/grpc.health.v1.Health/Check";
const LONG_WAY: (&str, &str) = ("origin", "https://elsewhere.example");
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// A message in the frame that gRPC puts around it.
fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap();
    [&[0], &length.to_be_bytes()[..], message].concat()
}

fn question(text: &str) -> Vec<u8> {
    let question = AuthorizeRequest {
        product: "midaz".to_owned(),
        resource: text.to_owned(),
        action: "get".to_owned(),
        ..AuthorizeRequest::default()
    };
    question.encode_to_vec()
}

async fn call(
    world: &World,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> (HeaderMap, Vec<u8>) {
    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let mut request = client
        .post(world.url(path))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let headers = answer.headers().clone();
    (headers, answer.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn a_question_is_answered_alike_on_both_ways() {
    let world = World::start().await;
    let bearer = format!("Bearer {}", world.admin.token);
    let bearer = ("authorization", bearer.as_str());
    for (resource, authorized) in [("accounts", true), ("nothing", false)] {
        let mut answers = Vec::new();
        for headers in [&[bearer][..], &[bearer, LONG_WAY]] {
            let body = frame(&question(resource));
            let (head, body) = call(&world, AUTHORIZE, headers, body).await;
            assert_eq!(head["content-type"], "application/grpc");
            assert!(head.contains_key("gatepost-revision"));
            let answer = AuthorizeResponse::decode(&body[5..]).unwrap();
            assert_eq!(usize::from(body[4]), body.len() - 5);
            assert_eq!(answer.authorized, authorized);
            assert_eq!(answer.decision_id.len(), 36);
            answers.push((answer.reason, answer.revision));
        }
        assert_eq!(answers[0], answers[1]);
    }
}

/// Path, headers, body, and the gRPC status that it has.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Vec<u8>, &'a str);

#[tokio::test]
async fn what_is_refused_is_refused_alike_on_both_ways() {
    let world = World::start().await;
    let good = frame(&question("accounts"));
    let bearer = format!("Bearer {}", world.admin.token);
    let bearer = ("authorization", bearer.as_str());
    let mut compressed = good.clone();
    compressed[0] = 1;
    let too_long = frame(&vec![b'x'; MESSAGE_BYTES_MAX + 1]);
    let in_pieces = frame(&question(&"x".repeat(100_000)));
    let cases: [Case<'_>; 9] = [
        (AUTHORIZE, &[], good.clone(), "16"),
        (AUTHORIZE, &[bearer, bearer], good.clone(), "16"),
        (AUTHORIZE, &[bearer], frame(&question("")), "3"),
        (AUTHORIZE, &[bearer], in_pieces, "3"),
        (AUTHORIZE, &[bearer], Vec::new(), "13"),
        (AUTHORIZE, &[bearer], compressed, "13"),
        (AUTHORIZE, &[bearer], frame(&[0xff; 20]), "13"),
        (AUTHORIZE, &[bearer], too_long, "11"),
        (HEALTH, &[], frame(&[10, 1, b'x']), "5"),
    ];
    for (number, (path, headers, body, status)) in cases.into_iter().enumerate() {
        let long = [headers, &[LONG_WAY]].concat();
        for headers in [headers, &long] {
            let (head, _) = call(&world, path, headers, body.clone()).await;
            assert_eq!(head["grpc-status"], *status, "{number}: {head:?}");
            let told = head.get("gatepost-request-id");
            if let Some(request_id) = told {
                assert_eq!(head["x-request-id"], request_id);
            }
            assert_eq!(told.is_some(), ["16", "3"].contains(&status), "{number}");
        }
    }
}

#[tokio::test]
async fn a_message_that_ends_too_soon_or_too_late_is_no_question() {
    let world = World::start().await;
    let bearer = format!("Bearer {}", world.admin.token);
    let bearer = [("authorization", bearer.as_str())];
    let good = frame(&question("accounts"));
    let short = good[..good.len() - 1].to_vec();
    let long = [&good[..], b"x"].concat();
    for body in [vec![0], short, long] {
        let (head, _) = call(&world, AUTHORIZE, &bearer, body).await;
        assert_eq!(head["grpc-status"], "13", "{head:?}");
    }
}
