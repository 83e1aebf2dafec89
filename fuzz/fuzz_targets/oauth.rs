//! No refresh token, client header or form of OAuth may panic; what is read is what was written.
#![no_main]

use gatepost::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(again) = fuzzing::refresh_token(text) {
        assert_eq!(again, text, "there is one way to write a refresh token");
    }
    let _ = fuzzing::client_header(text);
});
