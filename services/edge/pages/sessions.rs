//! One's own sessions: where one is signed in, and the way to end that.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use time::OffsetDateTime;
use url::form_urlencoded::byte_serialize;

use super::answer::{self, Leads};
use super::device;
use super::view::{SessionLine, SessionsPage};
use super::visit::{Outcome, Trouble, Visit, visit};
use super::words::Account;
use crate::app::App;
use crate::auth::{Browser, OwnSession};

/// What ends all others; no id of a session looks like it.
const OTHERS: &str = "others";

/// `GET`: the list; who is not signed in, signs in, and comes back.
pub async fn show(app: State<Arc<App>>, slug: Option<Path<String>>, request: Request) -> Response {
    visit(app, slug, request, async |visit, _| {
        match visit.browser().await? {
            Some(browser) => page(visit, &browser, false).await,
            None => Ok(sign_in_first(visit)),
        }
    })
    .await
}

/// `POST`: ends one, or all others.
pub async fn submit(
    app: State<Arc<App>>,
    slug: Option<Path<String>>,
    request: Request,
) -> Response {
    visit(app, slug, request, end).await
}

async fn end(visit: &mut Visit, body: Body) -> Outcome {
    let fields = visit.form(body).await?;
    let Some(browser) = visit.browser().await? else {
        return Ok(sign_in_first(visit));
    };
    match fields.get("end") {
        OTHERS => browser.end_elsewhere(&mut visit.gate).await?,
        id => {
            let id = id.parse();
            let id = id.map_err(|_| Trouble::mistake("`end` is no session"))?;
            browser.end_own(&mut visit.gate, id).await?;
            if id == browser.session.id {
                let mut response = answer::see_other(&format!("{}/signout", visit.base));
                visit.keep(&mut response, "");
                return Ok(response);
            }
        }
    }
    page(visit, &browser, true).await
}

fn sign_in_first(visit: &Visit) -> Response {
    let back = format!("{}/sessions", visit.base);
    let back: String = byte_serialize(back.as_bytes()).collect();
    answer::see_other(&format!("{}/signin?continue={back}", visit.base))
}

async fn page(visit: &Visit, browser: &Browser, has_ended: bool) -> Outcome {
    let words = visit.words.account;
    let own = browser.sessions(&visit.gate).await?;
    let page = SessionsPage {
        page: visit.page(words.sessions),
        username: browser.user.username.clone(),
        has_ended,
        has_others: own.iter().any(|own| !own.is_here),
        sessions: own.into_iter().map(|own| line(words, own)).collect(),
    };
    Ok(answer::html(StatusCode::OK, &page, &Leads::default()))
}

fn line(words: &Account, own: OwnSession) -> SessionLine {
    let OwnSession {
        session,
        application,
        is_here,
    } = own;
    let methods = session.methods.iter();
    let methods: Vec<&str> = methods.map(|method| words.method(method)).collect();
    SessionLine {
        id: session.id.to_string(),
        device: device::name(&session.device.agent).unwrap_or_else(|| words.device.to_owned()),
        application,
        address: session.device.address,
        began: minute(session.created_at),
        seen: minute(session.last_seen_at),
        methods: methods.join(", "),
        is_here,
    }
}

/// A moment to the minute, as everybody reads it, in the one time zone that is known here.
fn minute(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hour, minute) = (at.hour(), at.minute());
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_to_the_minute() {
        let at = OffsetDateTime::from_unix_timestamp(1_700_000_099).unwrap();
        assert_eq!(minute(at), "2023-11-14 22:14 UTC");
    }
}
