//! What a guard asks, and what it makes of the answers.

use std::collections::BTreeMap;

use gatepost_proto::ErrorReason;
use gatepost_proto::authorize::v1::AuthorizeResponse;
use gatepost_proto::reason::status;

use super::guard_at;
use super::product::{FACES, GET, INSIDE, Product, TRACE};
use super::wire::Gatepost;

#[tokio::test]
async fn a_check_is_one_question_with_the_callers_token_and_her_trace() {
    let gatepost = Gatepost::refusing("permission").await;
    let product = Product::start(&guard_at(&gatepost.url)).await;
    for face in FACES {
        let said = product.call(face, GET, &["bearer  a.b.c"]).await;
        assert_eq!(said.status, 403, "{said:?}");
        assert!(said.text.contains("decision-7"), "{said:?}");
        let asked = gatepost.asked();
        let [(headers, question)] = asked.as_slice() else {
            panic!("{face:?}: {asked:?}");
        };
        let (product, resource, action) = (
            question.product.as_str(),
            question.resource.as_str(),
            question.action.as_str(),
        );
        assert_eq!((product, resource, action), ("midaz", "accounts", "get"));
        assert_eq!(question.sub, "");
        assert!(question.attributes.is_empty());
        assert_eq!(headers["authorization"], "Bearer a.b.c");
        assert_eq!(headers["traceparent"], TRACE);
    }
    for face in FACES {
        product.call(face, GET, &["Bearer a b"]).await;
        product.call(face, GET, &[]).await;
    }
    assert!(gatepost.asked().is_empty(), "what is no token is not asked");
}

#[tokio::test]
async fn attributes_come_from_the_path_the_request_or_the_handler() {
    let gatepost = Gatepost::refusing("attributes").await;
    let product = Product::start(&guard_at(&gatepost.url)).await;
    let attributes = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>()
    };
    for (ledger, expected) in [("l-7", "l-7"), ("a%2Fb%20%C3%A9?ledger_id=x", "a/b é")] {
        let url = format!("http://{}/ledgers/{ledger}", product.http);
        let (path, query) = url.split_once('?').unwrap_or((&url, ""));
        let request = reqwest::Client::new().get(format!("{path}/accounts/1?{query}"));
        let answer = request.bearer_auth("a.b.c").send().await.unwrap();
        assert_eq!(answer.status(), 403);
        let [(_, question)] = gatepost.asked().try_into().unwrap();
        let expected = attributes(&[("ledger_id", expected), ("method", "GET")]);
        assert_eq!(question.attributes, expected);
    }
    for face in FACES {
        product.call(face, INSIDE, &["Bearer a.b.c"]).await;
        let [(_, question)] = gatepost.asked().try_into().unwrap();
        assert_eq!(question.attributes, attributes(&[("ledger_id", "l-7")]));
    }
}

#[tokio::test]
async fn a_question_that_is_never_answered_is_refused() {
    let invalid = status(ErrorReason::InvalidRequest, "`attributes` is too long", &[]);
    let gatepost = Gatepost::saying(Err(invalid)).await;
    let product = Product::start(&guard_at(&gatepost.url)).await;
    for face in FACES {
        let said = product.call(face, GET, &["Bearer a.b.c"]).await;
        let expected = (403, "PERMISSION_MISSING");
        assert_eq!((said.status, said.reason.as_str()), expected);
        assert!(!said.text.contains("too long"), "{said:?}");
    }
}

#[tokio::test]
async fn a_no_because_the_token_ended_is_not_authenticated() {
    for (reason, code, expected) in [
        ("expired", 401, "TOKEN_EXPIRED"),
        ("suspended", 401, "SESSION_ENDED"),
        ("denied", 403, "PERMISSION_MISSING"),
        ("", 403, "PERMISSION_MISSING"),
    ] {
        let gatepost = Gatepost::refusing(reason).await;
        let product = Product::start(&guard_at(&gatepost.url)).await;
        for face in FACES {
            let said = product.call(face, GET, &["Bearer a"]).await;
            assert_eq!((said.status, said.reason.as_str()), (code, expected));
            assert!(!said.text.contains("denied"), "{said:?}");
        }
    }
}

#[tokio::test]
async fn whatever_gatepost_cannot_do_is_unavailable_and_never_a_yes() {
    for reason in [
        ErrorReason::Stale,
        ErrorReason::RevisionAhead,
        ErrorReason::Internal,
        ErrorReason::Overloaded,
        ErrorReason::TooManyAttempts,
        ErrorReason::PermissionMissing,
        ErrorReason::RouteUnknown,
    ] {
        let gatepost = Gatepost::saying(Err(status(reason, "of the inside", &[]))).await;
        let product = Product::start(&guard_at(&gatepost.url)).await;
        for face in FACES {
            let said = product.call(face, GET, &["Bearer a"]).await;
            let expected = (503, ErrorReason::DecisionUnavailable.name());
            assert_eq!((said.status, said.reason.as_str()), expected, "{reason:?}");
            assert!(!said.text.contains("inside"), "{said:?}");
        }
    }
    // A yes about nobody is none.
    let yes = AuthorizeResponse {
        authorized: true,
        ..AuthorizeResponse::default()
    };
    let gatepost = Gatepost::saying(Ok(yes)).await;
    let guard = guard_at(&gatepost.url);
    let product = Product::start(&guard).await;
    for face in FACES {
        let said = product.call(face, GET, &["Bearer a.b.c"]).await;
        assert_eq!(said.status, 503, "{said:?}");
    }
    assert_eq!(guard.unavailable(), 2);
}
