//! Pages for people: signing in and out, choosing an organization, and what could not be done.
//!
//! Each is a form and a few words, made on the server: no script is needed, and none is allowed
//! but one that is named. What a page leads to, [`Visit`] and [`answer`] hold for all of them:
//! cookies, proof that a form is ours, language, brand, and the policy that a browser enforces.

pub mod answer;
mod change_password;
mod choose_organization;
mod destination;
mod device;
mod enrol;
mod forgot_password;
mod passkey;
mod passkeys;
mod qr;
mod reset_password;
mod second_factor;
mod sessions;
mod sign_in;
mod sign_out;
mod style;
pub mod view;
pub mod visit;
mod words;

pub use answer::see_other;
pub use sign_out::signed_out;
pub use visit::{Trouble, Visit, visit};

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

/// The paths, at each issuer.
pub fn router(app: Arc<App>) -> Router {
    let mut router = Router::new().route(
        "/choose-organization",
        get(choose_organization::show).post(choose_organization::submit),
    );
    for prefix in ["", "/o/{slug}"] {
        router = router
            .route(
                &format!("{prefix}/signin"),
                get(sign_in::show).post(sign_in::submit),
            )
            .route(
                &format!("{prefix}/signin/second-factor"),
                post(second_factor::submit),
            )
            .route(&format!("{prefix}/signin/passkey"), post(passkey::submit))
            .route(
                &format!("{prefix}/passkeys"),
                get(passkeys::show).post(passkeys::submit),
            )
            .route(
                &format!("{prefix}/forgot-password"),
                get(forgot_password::show).post(forgot_password::submit),
            )
            .route(
                &format!("{prefix}/reset-password"),
                get(reset_password::show).post(reset_password::submit),
            )
            .route(
                &format!("{prefix}/change-password"),
                get(change_password::show).post(change_password::submit),
            )
            .route(
                &format!("{prefix}/sessions"),
                get(sessions::show).post(sessions::submit),
            )
            .route(
                &format!("{prefix}/signout"),
                get(sign_out::show).post(sign_out::submit),
            )
            .route(&format!("{prefix}/pages/style.css"), get(style::sheet))
            .route(&format!("{prefix}/pages/brand.css"), get(style::brand))
            .route(&format!("{prefix}/pages/form_post.js"), get(style::script))
            .route(
                &format!("{prefix}/pages/passkey.js"),
                get(style::passkey_script),
            );
    }
    router.with_state(app)
}
