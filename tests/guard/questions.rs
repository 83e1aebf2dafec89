//! What a guard asks, and what it makes of the answers.

use gatepost_proto::ErrorReason;
use gatepost_proto::authorize::v1::AuthorizeResponse;
use gatepost_proto::reason::status;

use super::guard_at;
use super::product::{FACES, GET, Product, TRACE};
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
