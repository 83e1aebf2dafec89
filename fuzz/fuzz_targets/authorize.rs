//! No request at the authorization endpoint may panic, and on its way to the sign-in page and back
//! it wants the same.
#![no_main]

use gatepost::fuzzing;
use libfuzzer_sys::fuzz_target;

/// What every request needs; what is fuzzed follows.
const WHOLE: &str = "response_type=code&code_challenge_method=S256\
     &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&";

fuzz_target!(|text: &str| {
    for query in [
        text.to_owned(),
        format!("{WHOLE}{text}"),
        format!("{WHOLE}claims={text}"),
    ] {
        if let Some([wanted, again]) = fuzzing::authorization(&query) {
            assert_eq!(wanted, again, "{query}");
        }
    }
});
