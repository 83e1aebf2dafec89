//! Back-channel logout (OpenID Connect Back-Channel Logout): applications that want it are told of
//! each session of theirs that ends, however it ends.
//!
//! What is to be told waits in this process. A process that is killed tells nothing more, and
//! neither does one in which too much waits; the log says so where it can. Access tokens end within
//! the staleness bound whether or not anybody was told.

use std::sync::Arc;
use std::time::Duration;

use gatepost_core::{Change, Fact, SessionId};
use gatepost_store::{Application, Scope, Session};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use url::{Url, form_urlencoded};

use super::issue::open_keys;
use crate::app::App;
use crate::clock::new_id;
use crate::error::Result;
use crate::outbound::{ChosenBy, Outbound, OutboundError, Post};

/// The `typ` of a logout token (§2.4).
const LOGOUT_TYPE: &str = "logout+jwt";
/// The one event of it.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// Seconds that a logout token is good for: as long as it may be tried.
const TOKEN_S: i64 = 120;
/// How many may wait.
const WAITING_MAX: u32 = 4096;
/// How many are told at once.
const TELLING_MAX: usize = 16;
/// Of how many sessions one write tells.
const SESSIONS_MAX: usize = 1000;
/// How long one try may take, and how long to wait before the next.
const TRY_MAX: Duration = Duration::from_secs(5);
const PAUSES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(25),
];

/// What a logout token says (§2.4): never a `nonce`, so that it passes for no ID token.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: String,
    sid: String,
    iat: i64,
    exp: i64,
    jti: String,
    events: Value,
}

/// Tells applications.
pub struct BackChannel {
    outbound: Arc<Outbound>,
    waiting: Arc<Semaphore>,
    telling: Arc<Semaphore>,
}

impl BackChannel {
    /// By this way out.
    pub fn new(outbound: Arc<Outbound>) -> Self {
        Self {
            outbound,
            waiting: Arc::new(Semaphore::new(WAITING_MAX as usize)),
            telling: Arc::new(Semaphore::new(TELLING_MAX)),
        }
    }

    /// Waits until nobody waits to be told any more.
    pub async fn idle(&self) {
        // Closed never, and every place is given back.
        let _all = self.waiting.acquire_many(WAITING_MAX).await;
    }

    fn tell(&self, address: Url, token: &str) {
        let Ok(place) = Arc::clone(&self.waiting).try_acquire_owned() else {
            count("lost");
            tracing::warn!(%address, "too many logouts wait to be told; this one is not");
            return;
        };
        let mut form = form_urlencoded::Serializer::new(String::new());
        let body = form.append_pair("logout_token", token).finish();
        let (outbound, telling) = (Arc::clone(&self.outbound), Arc::clone(&self.telling));
        tokio::spawn(async move { told(&outbound, &telling, &address, body, place).await });
    }
}

/// Which sessions end with this transaction, and through which applications they were.
///
/// # Errors
/// What the store answers.
pub async fn ending(tx: &Scope) -> Result<Vec<(Session, Application)>> {
    let ids: Vec<SessionId> = tx.changes().iter().filter_map(ended).collect();
    let mut all = tx.orphaned();
    if ids.is_empty() && all.is_empty() {
        return Ok(all);
    }
    let (most, rest) = ids.split_at(ids.len().min(SESSIONS_MAX));
    if !rest.is_empty() {
        metrics::counter!("gatepost_logouts_told_total", "outcome" => "lost")
            .increment(u64::try_from(rest.len()).unwrap_or(u64::MAX));
        tracing::warn!(
            sessions = rest.len(),
            "too many sessions end at once to tell of all"
        );
    }
    all.extend(tx.sessions().with_applications(most).await?);
    all.retain(|(_, application)| !application.settings.backchannel_logout_uri.is_empty());
    Ok(all)
}

/// Tells the applications of sessions that have ended. It does not wait for any of them.
pub async fn tell(app: &App, ended: Vec<(Session, Application)>) {
    for (session, application) in ended {
        if let Err(error) = tell_one(app, &session, &application).await {
            count("lost");
            let session = session.id;
            tracing::warn!(%error, %session, "an application was not told of a logout");
        }
    }
}

async fn tell_one(app: &App, session: &Session, application: &Application) -> Result<()> {
    let Ok(address) = Url::parse(&application.settings.backchannel_logout_uri) else {
        return Ok(());
    };
    open_keys(app).await?;
    let now = app.clock.now();
    let issuer = match session.issuer.as_str() {
        "" => app.public_url.as_str(),
        issuer => issuer,
    };
    let claims = Claims {
        iss: issuer,
        aud: &application.client_id,
        sub: session.user.to_string(),
        sid: session.id.to_string(),
        iat: now.unix_timestamp(),
        exp: now.unix_timestamp() + TOKEN_S,
        jti: new_id(now).to_string(),
        events: json!({EVENT: {}}),
    };
    let algorithm = application.token_algorithm;
    let token = app.signer.sign(now, algorithm, LOGOUT_TYPE, &claims)?;
    app.back_channel.tell(address, &token);
    Ok(())
}

fn ended(change: &Change) -> Option<SessionId> {
    match (&change.before, &change.after) {
        (None, Some(Fact::EndedSession { id, .. })) => Some(*id),
        _ => None,
    }
}

async fn told(
    outbound: &Outbound,
    telling: &Semaphore,
    address: &Url,
    body: String,
    _place: OwnedSemaphorePermit,
) {
    let mut pauses = PAUSES.iter();
    loop {
        let tried = {
            // Closed never; who waits for the next try makes room for others.
            let _turn = telling.acquire().await;
            try_once(outbound, address, &body).await
        };
        let why = match tried {
            Ok(()) => return count("told"),
            Err(why) => why,
        };
        let Some(pause) = pauses.next().filter(|_| why.may_pass) else {
            count("failed");
            tracing::warn!(%address, why = why.text, "an application was not told of a logout");
            return;
        };
        count("retried");
        sleep(*pause).await;
    }
}

struct Why {
    text: String,
    may_pass: bool,
}

async fn try_once(outbound: &Outbound, address: &Url, body: &str) -> Result<(), Why> {
    let mut headers = HeaderMap::new();
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(CONTENT_TYPE, form);
    let post = Post {
        url: address,
        by: ChosenBy::Organization,
        headers,
        body: body.to_owned().into(),
    };
    match outbound.post(post, TRY_MAX).await {
        Ok(answer) if answer.status.is_success() => Ok(()),
        Ok(answer) => Err(Why {
            text: answer.status.to_string(),
            may_pass: answer.status.is_server_error(),
        }),
        Err(error) => Err(Why {
            text: error.to_string(),
            may_pass: !matches!(error, OutboundError::Forbidden(_)),
        }),
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("gatepost_logouts_told_total", "outcome" => outcome).increment(1);
}
