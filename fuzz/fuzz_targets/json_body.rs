//! No JSON text may panic on its way to a message, and a refusal always has a reason.
#![no_main]

use bytes::Bytes;
use gatepost::gateway::body;
use gatepost_proto::identity::v1::{PublishManifestRequest, UpdateUserRequest};
use gatepost_proto::rest::{Call, Shape, request};
use gatepost_proto::{ErrorReason, auth::v1::IssueTokenRequest};
use http::{Extensions, HeaderMap, HeaderValue, header};
use libfuzzer_sys::fuzz_target;
use tonic::metadata::MetadataMap;
use tonic::service::Routes;

macro_rules! decode {
    ($message:ty, $bytes:expr, $patch:expr) => {{
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        let outcome = body::sort(&headers, Bytes::copy_from_slice($bytes)).and_then(|body| {
            let call = Call {
                routes: Routes::default(),
                metadata: MetadataMap::new(),
                extensions: Extensions::new(),
                timeout: None,
                path: Vec::new(),
                query: Vec::new(),
                body,
            };
            request::<$message>(
                call,
                Shape {
                    body: true,
                    patch: $patch,
                },
            )
            .map(|_| ())
        });
        if let Err(status) = outcome {
            assert!(ErrorReason::of(&status).is_some(), "{status}");
        }
    }};
}

fuzz_target!(|bytes: &[u8]| {
    decode!(IssueTokenRequest, bytes, false);
    decode!(PublishManifestRequest, bytes, false);
    decode!(UpdateUserRequest, bytes, true);
});
