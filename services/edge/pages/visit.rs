//! One request of a browser: at whose issuer, in which language, with which cookies.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_core::{Status, UserId};
use gatepost_proto::ErrorReason;
use gatepost_proto::rest::Body as Read;
use gatepost_replica::ISSUERS;
use gatepost_store::Organization;
use http::header::{ACCEPT_LANGUAGE, COOKIE, ORIGIN, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use subtle::ConstantTimeEq;
use url::Url;

use super::answer::{self, Leads};
use super::view::{NotPossible, Page};
use super::words::{self, Words};
use crate::app::App;
use crate::attempts::{DEVICE_KNOWN, KnownDevice};
use crate::auth::Browser;
use crate::context::{Arrival, Gate};
use crate::error::Error;
use crate::gateway::{body, percent};
use crate::refusals;
use crate::run::tell;
use crate::seal::new_secret;

/// The longest form that is read, in bytes.
const FORM_BYTES_MAX: usize = 64 << 10;
/// What the log calls the pages.
const FACE: &str = "pages";
/// What forms are proved for.
const PURPOSE: &str = "form of a page";
/// The cookie of a browser that was signed in before. No slug has a dot.
const DEVICE: &str = "known.device";
/// The cookie of a browser that showed its second factor; the slug follows.
const REMEMBERED: &str = "remembered.";
/// The field that proves it.
const TOKEN: &str = "form_token";

/// What a visit ends in.
pub type Outcome = Result<Response, Trouble>;

/// What could not be done, and what a person is told of it.
#[derive(Debug)]
pub struct Trouble {
    status: StatusCode,
    text: Text,
    /// For the application's makers.
    detail: String,
    /// Seconds until it may be tried again.
    wait: Option<String>,
    /// For the log.
    error: Option<Box<Error>>,
}

impl Trouble {
    /// The application, or whoever made the link, made a mistake: said here, and never sent on,
    /// because nobody knows yet to whom (RFC 9700 §4.11.2).
    pub fn mistake(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, |words| words.bad_request).because(detail)
    }

    /// What a person can do nothing about here, in words of ours.
    pub fn told(status: StatusCode, text: fn(&Words) -> &'static str) -> Self {
        Self::new(status, text)
    }

    fn new(status: StatusCode, text: Text) -> Self {
        Self {
            status,
            text,
            detail: String::new(),
            wait: None,
            error: None,
        }
    }

    fn because(self, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { detail, ..self }
    }
}

/// A text, in the language of the page.
type Text = fn(&Words) -> &'static str;

/// What a person is told for a reason.
fn said_of(reason: ErrorReason) -> Text {
    let own: [(ErrorReason, Text); 6] = [
        (ErrorReason::OrganizationSuspended, |words| words.suspended),
        (ErrorReason::PasswordSignInOff, |words| {
            words.no_password_here
        }),
        (ErrorReason::SwitchedOff, |words| words.switched_off),
        (ErrorReason::UserSuspended, |words| words.account_suspended),
        (ErrorReason::TooManyAttempts, |words| words.too_many),
        (ErrorReason::Overloaded, |words| words.too_many),
    ];
    if let Some((_, text)) = own.into_iter().find(|(one, _)| *one == reason) {
        return text;
    }
    if reason.http_status().is_client_error() {
        |words| words.bad_request
    } else {
        |words| words.unavailable
    }
}

impl<E: Into<Error>> From<E> for Trouble {
    fn from(error: E) -> Self {
        let error = error.into();
        let wait = error.metadata("retry_after_seconds").map(str::to_owned);
        let status = error.reason().http_status();
        let text = said_of(error.reason());
        let is_theirs = status == StatusCode::BAD_REQUEST;
        let detail = if is_theirs { error.message() } else { "" };
        Self {
            wait,
            detail: detail.to_owned(),
            error: Some(Box::new(error)),
            ..Self::new(status, text)
        }
    }
}

/// One request of a browser.
pub struct Visit {
    /// The program, the time, and how the request came in.
    pub gate: Gate,
    /// Whose issuer it is at.
    pub organization: Organization,
    /// The issuer's address.
    pub issuer: String,
    /// The issuer's path.
    pub base: String,
    /// The path of the installation.
    pub root: String,
    /// What is said.
    pub words: &'static Words,
    /// The query, as it came.
    pub query: String,
    headers: HeaderMap,
    /// What the browser's forms are proved with, and whether it has it already.
    form_key: String,
    is_new: bool,
}

/// Answers a request of a browser: what goes wrong becomes a page.
pub async fn visit(
    State(app): State<Arc<App>>,
    slug: Option<Path<String>>,
    request: Request,
    answer: impl AsyncFnOnce(&mut Visit, Body) -> Outcome,
) -> Response {
    let (parts, body) = request.into_parts();
    let arrival = Arrival::in_extensions(&parts.extensions);
    let gate = Gate::open(&app, &arrival);
    let words = parts.headers.get(ACCEPT_LANGUAGE);
    let words = words.and_then(|value| words::spoken(value.to_str().ok()?));
    let words = words.unwrap_or(&words::ENGLISH);
    let root = path_of(&app.public_url);
    let slug = slug.map(|Path(slug)| slug);
    let organization = match organization(&app, slug.as_deref()).await {
        Ok(organization) => organization,
        Err(trouble) => {
            let page = Page {
                words,
                title: words.not_possible,
                brand: "Gatepost".to_owned(),
                initial: "G".to_owned(),
                base: root.clone(),
                root,
                version: env!("CARGO_PKG_VERSION"),
                token: String::new(),
            };
            return told(page, trouble, &arrival);
        }
    };
    let base = slug.as_ref().map(|slug| format!("{root}{ISSUERS}{slug}"));
    let issuer = match &slug {
        Some(slug) => format!("{}{ISSUERS}{slug}", app.public_url.trim_end_matches('/')),
        None => app.public_url.clone(),
    };
    let mut visit = Visit {
        gate,
        organization,
        issuer,
        base: base.unwrap_or_else(|| root.clone()),
        root,
        words,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        form_key: String::new(),
        is_new: false,
    };
    let outcome = match visit.keep_form_key() {
        Ok(()) => answer(&mut visit, body).await,
        Err(trouble) => Err(trouble),
    };
    let mut response = match outcome {
        Ok(response) => response,
        Err(trouble) => {
            if let Some(error) = &trouble.error {
                let place = Some(visit.organization.id);
                refusals::audit(&app, &arrival, FACE, place, error).await;
            }
            told(visit.page(visit.words.not_possible), trouble, &arrival)
        }
    };
    if visit.is_new && response.status() != StatusCode::SEE_OTHER {
        let name = visit.cookie_name("form");
        answer::set_cookie(&mut response, &name, &visit.form_key, visit.is_secure());
    }
    response
}

impl Visit {
    /// Tells the audit log of a refusal that becomes a part of a page.
    pub async fn audit(&self, error: &Error) {
        let (gate, place) = (&self.gate, Some(self.organization.id));
        refusals::audit(&gate.app, &gate.arrival, FACE, place, error).await;
    }

    /// Whose browser it is, if anybody is signed in with it here.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn browser(&self) -> Result<Option<Browser>, Trouble> {
        let Some(cookie) = self.cookie(&self.cookie_name(&self.organization.slug)) else {
            return Ok(None);
        };
        let organization = self.organization.id;
        let known = Browser::recognize(&self.gate.app, organization, cookie, self.gate.now);
        Ok(known.await?)
    }

    /// Gives the browser its session's cookie, or takes it away when the value is empty.
    pub fn keep(&self, response: &mut Response, value: &str) {
        let name = self.cookie_name(&self.organization.slug);
        answer::set_cookie(response, &name, value, self.is_secure());
    }

    /// What nobody has but this browser, as long as it is open.
    pub fn browser_key(&self) -> &str {
        &self.form_key
    }

    /// Who has signed in with this browser before.
    pub fn device(&self) -> Option<KnownDevice> {
        let cookie = self.cookie(&self.cookie_name(DEVICE))?;
        KnownDevice::read(&self.gate.app.sealer, cookie, self.gate.now)
    }

    /// Gives the browser what tells it from strangers when this user signs in the next time.
    pub fn keep_device(&self, response: &mut Response, user: UserId) {
        let sealer = &self.gate.app.sealer;
        let token = KnownDevice::next(self.device(), user, sealer, self.gate.now);
        let name = self.cookie_name(DEVICE);
        answer::set_lasting_cookie(response, &name, &token, self.is_secure(), DEVICE_KNOWN);
    }

    /// What the browser shows so as not to be asked for the second factor; may be empty.
    pub fn remembered(&self) -> &str {
        let name = self.cookie_name(&format!("{REMEMBERED}{}", self.organization.slug));
        self.cookie(&name).unwrap_or_default()
    }

    /// Gives the browser what it shows so as not to be asked for the second factor for a while.
    pub fn keep_remembered(&self, response: &mut Response, device: &str) {
        let name = self.cookie_name(&format!("{REMEMBERED}{}", self.organization.slug));
        let lasting = time::Duration::try_from(self.gate.app.mfa.remembered);
        let lasting = lasting.unwrap_or_default();
        answer::set_lasting_cookie(response, &name, device, self.is_secure(), lasting);
    }

    /// The fields of a form of ours: one that this browser was given by us, and sends from our own
    /// page.
    ///
    /// # Errors
    /// 403 for any other.
    pub async fn form(&self, body: Body) -> Result<Fields, Trouble> {
        let stale = || Trouble::new(StatusCode::FORBIDDEN, |words| words.stale_form);
        if !self.is_from_us() {
            return Err(stale());
        }
        let read = body::read(&self.headers, body, FORM_BYTES_MAX).await;
        let pairs = match read {
            Ok(Read::Form(pairs)) => pairs,
            Ok(Read::Empty) => Vec::new(),
            Ok(Read::Json(_)) | Err(_) => return Err(Trouble::mistake("send a form")),
        };
        let fields = Fields(pairs);
        let is_ours: bool = fields
            .get(TOKEN)
            .as_bytes()
            .ct_eq(self.token().as_bytes())
            .into();
        if self.is_new || !is_ours {
            return Err(stale());
        }
        Ok(fields)
    }

    /// The parameters of the query; malformed ones are none.
    pub fn asked(&self) -> Fields {
        Fields(percent::pairs(&self.query).unwrap_or_default())
    }

    /// A page of this title.
    pub fn page(&self, title: &'static str) -> Page {
        let brand = self.organization.name.clone();
        let initial = brand
            .chars()
            .next()
            .map(|letter| letter.to_uppercase().collect());
        Page {
            words: self.words,
            title,
            initial: initial.unwrap_or_default(),
            brand,
            base: self.base.clone(),
            root: self.root.clone(),
            version: env!("CARGO_PKG_VERSION"),
            token: self.token(),
        }
    }

    /// Says it in the first language of those that we speak.
    pub fn speak(&mut self, wanted: &str) {
        self.words = words::spoken(wanted).unwrap_or(self.words);
    }

    /// What proves a form: nobody else can make it for this browser, and not for another session.
    fn token(&self) -> String {
        let session = self.cookie(&self.cookie_name(&self.organization.slug));
        let proved = format!("{}\n{}", self.form_key, session.unwrap_or_default());
        URL_SAFE_NO_PAD.encode(self.gate.app.sealer.hash(PURPOSE, proved))
    }

    fn keep_form_key(&mut self) -> Result<(), Trouble> {
        let known = self.cookie(&self.cookie_name("form"));
        if let Some(key) = known.filter(|key| !key.is_empty()).map(str::to_owned) {
            self.form_key = key;
        } else {
            self.form_key = new_secret("")?;
            self.is_new = true;
        }
        Ok(())
    }

    /// What browsers say of where a form was sent from. An old one says nothing: then the token
    /// decides alone.
    fn is_from_us(&self) -> bool {
        let header = |name: &str| self.headers.get(name).map(HeaderValue::as_bytes);
        if let Some(site) = header("sec-fetch-site") {
            return site == b"same-origin" || site == b"none";
        }
        let own = Url::parse(&self.gate.app.public_url);
        let own = own.map(|url| url.origin().ascii_serialization());
        match (header(ORIGIN.as_str()), own) {
            (Some(origin), Ok(own)) => origin == own.as_bytes(),
            (sent, _) => sent.is_none(),
        }
    }

    fn is_secure(&self) -> bool {
        self.gate.app.public_url.starts_with("https:")
    }

    /// The prefix makes browsers refuse such a cookie from anybody but this very host, over TLS
    /// (RFC 6265bis §4.1.3.2). Over plain HTTP, on a loopback address, there is none such.
    fn cookie_name(&self, what: &str) -> String {
        let prefix = if self.is_secure() { "__Host-" } else { "" };
        format!("{prefix}gatepost.{what}")
    }

    fn cookie(&self, name: &str) -> Option<&str> {
        let lines = self.headers.get_all(COOKIE).iter();
        let mut pairs = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'));
        pairs.find_map(|pair| {
            let (known, value) = pair.trim().split_once('=')?;
            (known == name).then_some(value)
        })
    }
}

/// The fields of a form, or the parameters of a query.
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// A field; empty when it is not there.
    pub fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }
}

/// The organization of an issuer.
async fn organization(app: &App, slug: Option<&str>) -> Result<Organization, Trouble> {
    let sign_in = app.store.sign_in().await?;
    let found = match slug {
        Some(slug) => sign_in.organization_by_slug(slug).await?,
        None => sign_in.organization(app.default_organization).await?,
    };
    let nothing = || Trouble::new(StatusCode::NOT_FOUND, |words| words.not_found);
    let found = found.ok_or_else(nothing)?;
    if found.status == Status::Suspended {
        return Err(Trouble::new(StatusCode::FORBIDDEN, |words| words.suspended));
    }
    Ok(found)
}

fn told(page: Page, trouble: Trouble, arrival: &Arrival) -> Response {
    if let Some(error) = &trouble.error {
        tell(FACE, arrival, error);
    }
    let told = NotPossible {
        text: (trouble.text)(page.words),
        page,
        detail: trouble.detail,
        request_id: arrival.request_id.clone(),
    };
    let mut response = answer::html(trouble.status, &told, &Leads::default());
    if let Some(wait) = trouble
        .wait
        .and_then(|wait| HeaderValue::try_from(wait).ok())
    {
        response.headers_mut().insert(RETRY_AFTER, wait);
    }
    response
}

/// The path of an address, without a slash at its end.
fn path_of(public_url: &str) -> String {
    let url = Url::parse(public_url);
    url.map_or_else(
        |_| String::new(),
        |url| url.path().trim_end_matches('/').to_owned(),
    )
}
