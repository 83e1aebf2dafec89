//! No `Authorization` header and no claims may panic the way to a caller.
#![no_main]

use gatepost_core::claims::{AccessClaims, Principal};
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use tonic::metadata::MetadataMap;

fuzz_target!(|bytes: &[u8]| {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n').take(3) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append("authorization", value);
        }
    }
    let lines = headers.len();
    let metadata = MetadataMap::from_headers(headers);
    match gatepost::fuzzing::bearer(&metadata) {
        Ok(token) => assert_eq!(lines, usize::from(token.is_some())),
        Err(words) => assert!(words.starts_with("TOKEN_INVALID"), "{words}"),
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = jsonwebtoken::decode_header(text);
        let _ = text.parse::<gatepost_store::Cursor>();
    }
    if let Ok(claims) = serde_json::from_slice::<AccessClaims>(bytes) {
        let _ = Principal::from_claims(&claims);
    }
});
