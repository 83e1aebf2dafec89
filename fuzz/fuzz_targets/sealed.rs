//! No code, cookie or token of ours may panic who reads it; what is read is what was written.
#![no_main]

use gatepost::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    assert_ne!(
        fuzzing::code(text),
        Some(false),
        "a code is not what was sealed"
    );
    for read in [fuzzing::browser_cookie, fuzzing::mfa_token] {
        if let Some(again) = read(text) {
            assert_eq!(again, text, "there is one way to write it");
        }
    }
});
