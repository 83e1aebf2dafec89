//! The pages on which people sign in, as a browser sees them, and as who means harm sends to them.

mod enrolling;
mod every_form;
mod forms;
mod found_browser;
mod hosts;
mod lifetimes;
mod passkeys;
mod passwords;
mod remembering;
mod second_factor;
mod sessions;
mod sign_in;

use super::browser::{Browser, Shown};

/// What every page is under.
#[track_caller]
pub fn is_guarded(page: &Shown) {
    let policy = page.header("content-security-policy");
    for rule in [
        "default-src 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("referrer-policy"), "same-origin");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    for inline in ["<style", "style=", "<script>", "javascript:", " onclick"] {
        assert!(!page.text.contains(inline), "{inline} in {}", page.text);
    }
}

/// Whether a browser is signed in.
async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    browser.get("/signin").await.text.contains("Signed in as")
}
