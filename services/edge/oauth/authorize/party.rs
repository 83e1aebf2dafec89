//! Who asks, and where the answer goes. Both are known for certain before anything is answered:
//! until then whatever is wrong is told the person, and nobody is sent anywhere.

use axum::response::Response;
use gatepost_core::Status;
use gatepost_store::Application;
use http::StatusCode;
use http::header::{HeaderValue, REFERRER_POLICY};
use url::form_urlencoded;

use crate::edge::oauth::form::Form;
use crate::edge::pages::answer::{Leads, html};
use crate::edge::pages::view::FormPost;
use crate::edge::pages::{Trouble, Visit, see_other};
use crate::redirect;

/// How the answer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Query,
    Fragment,
    FormPost,
}

/// An error that the application is told (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
#[derive(Debug)]
pub struct Denial {
    code: &'static str,
    description: String,
}

impl Denial {
    /// With its code.
    pub fn new(code: &'static str, description: impl Into<String>) -> Self {
        let description = description.into();
        Self { code, description }
    }
}

/// Who asks, and where the answer goes.
pub struct Party {
    /// The application.
    pub application: Application,
    /// Where the browser is sent.
    pub redirect_uri: String,
    mode: Mode,
    state: String,
}

impl Party {
    /// Reads who asks.
    ///
    /// # Errors
    /// What a person is told when the client or the address is unknown.
    pub async fn of(visit: &Visit, form: &Form) -> Result<Self, Trouble> {
        let tx = visit.gate.app.store.read(visit.organization.id).await?;
        let known = tx
            .applications()
            .by_client_id(form.get("client_id"))
            .await?;
        let application = known
            .filter(|application| application.status == Status::Active)
            .ok_or_else(|| Trouble::mistake("`client_id` is unknown here"))?;
        let redirect_uri = form.get("redirect_uri").to_owned();
        if !redirect::is_registered(&application.settings.redirect_uris, &redirect_uri) {
            let message = "`redirect_uri` is not registered for this application";
            return Err(Trouble::mistake(message));
        }
        let mode = match form.get("response_mode") {
            "fragment" => Mode::Fragment,
            "form_post" => Mode::FormPost,
            _ => Mode::Query,
        };
        Ok(Self {
            application,
            redirect_uri,
            mode,
            state: form.get("state").to_owned(),
        })
    }

    /// Whether the answer goes to a program on the person's device, and not to a server whose name
    /// is proved by TLS (RFC 8252 §7).
    pub fn is_on_device(&self) -> bool {
        !self.redirect_uri.starts_with("https:")
    }

    /// What a page's policy calls the place of the answer.
    pub fn source(&self) -> Option<String> {
        redirect::source(&self.redirect_uri)
    }

    /// Sends the browser back with an error.
    pub fn refuse(&self, visit: &Visit, denial: Denial) -> Response {
        let Denial { code, description } = denial;
        let description = description.replace(['`', '"', '\\'], "'");
        let fields = vec![
            ("error", code.to_owned()),
            ("error_description", description),
        ];
        self.answer(visit, fields)
    }

    /// Sends the browser back with an answer. Each says who gave it, so that an application of
    /// several issuers cannot be made to show it to another (RFC 9207 §2).
    pub fn answer(&self, visit: &Visit, mut fields: Vec<(&'static str, String)>) -> Response {
        fields.push(("iss", visit.issuer.clone()));
        if !self.state.is_empty() {
            fields.push(("state", self.state.clone()));
        }
        if self.mode == Mode::FormPost {
            let page = FormPost {
                page: visit.page(visit.words.signed_in),
                action: self.redirect_uri.clone(),
                fields,
            };
            let leads = Leads {
                form: self.source(),
                script: true,
            };
            return html(StatusCode::OK, &page, &leads);
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(fields);
        let mark = match self.mode {
            Mode::Fragment => '#',
            Mode::Query | Mode::FormPost if self.redirect_uri.contains('?') => '&',
            Mode::Query | Mode::FormPost => '?',
        };
        let mut response = see_other(&format!("{}{mark}{}", self.redirect_uri, query.finish()));
        // The address of what comes next is nobody's business there (RFC 9700 §4.2.4).
        let nothing = HeaderValue::from_static("no-referrer");
        response.headers_mut().insert(REFERRER_POLICY, nothing);
        response
    }
}
