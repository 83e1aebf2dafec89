//! The one style sheet, the two scripts, and an organization's colour.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};

use crate::app::App;

const SHEET: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("form_post.js");
const PASSKEY_SCRIPT: &str = include_str!("passkey.js");

/// The style sheet. Pages name it with its release, so it may be kept for long.
pub async fn sheet() -> Response {
    kept(
        "text/css; charset=utf-8",
        SHEET.to_owned(),
        "public, max-age=86400",
    )
}

/// The script that sends the form of an answer.
pub async fn script() -> Response {
    kept(
        "text/javascript; charset=utf-8",
        SCRIPT.to_owned(),
        "public, max-age=86400",
    )
}

/// The script that uses and makes passkeys. Pages name it with its release.
pub async fn passkey_script() -> Response {
    kept(
        "text/javascript; charset=utf-8",
        PASSKEY_SCRIPT.to_owned(),
        "public, max-age=86400",
    )
}

/// An organization's colour: a sheet of its own, because nothing may be inline.
pub async fn brand(State(app): State<Arc<App>>, slug: Option<Path<String>>) -> Response {
    let color = color(&app, slug.as_ref().map(|Path(slug)| slug.as_str())).await;
    let rule = color.as_deref().and_then(rule).unwrap_or_default();
    kept("text/css; charset=utf-8", rule, "public, max-age=60")
}

/// Without an answer the pages have our own colour, which is no reason to fail.
async fn color(app: &App, slug: Option<&str>) -> Option<String> {
    let sign_in = app.store.sign_in().await.ok()?;
    let found = match slug {
        Some(slug) => sign_in.organization_by_slug(slug).await,
        None => sign_in.organization(app.default_organization).await,
    };
    Some(found.ok()??.accent_color)
}

/// The colour, and black or white on it, whichever is the easier to read: one of them always
/// contrasts by 4.5 (WCAG 2.2 §1.4.3).
fn rule(color: &str) -> Option<String> {
    let digits = color.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let (red, green, blue) = (part(0)?, part(2)?, part(4)?);
    let light = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    let on = if 1.05 / (light + 0.05) >= 4.5 {
        "#ffffff"
    } else {
        "#000000"
    };
    Some(format!(
        ":root {{ --accent: #{digits}; --on-accent: {on}; }}\n"
    ))
}

fn linear(part: u8) -> f64 {
    let share = f64::from(part) / 255.0;
    if share <= 0.040_45 {
        share / 12.92
    } else {
        ((share + 0.055) / 1.055).powf(2.4)
    }
}

fn kept(kind: &'static str, text: String, keep: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_on_a_colour_can_be_read() {
        let on = |color: &str| rule(color).unwrap().contains("--on-accent: #ffffff");
        assert!(on("#14606b") && on("#000000") && on("#0000ff"));
        assert!(!on("#ffffff") && !on("#ffd400") && !on("#00ff00"));
        for bad in ["", "red", "#12345", "#12345g", "#é1234"] {
            assert_eq!(rule(bad), None, "{bad}");
        }
    }
}
