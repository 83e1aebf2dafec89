//! The state of a ceremony, sealed on its way through the browser: good once, for a while, and for
//! what it was begun for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_core::UserId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Refusal;
use crate::app::App;
use crate::clock::new_id;
use crate::error::{Error, Result};

/// What used ceremonies are hashed for.
const PURPOSE: &str = "passkey ceremony";

/// What a ceremony is for, and who finishes it.
#[derive(Debug, Clone, Copy)]
pub enum Bound<'a> {
    /// A sign-in with the passkey alone, in the browser that has this key of its forms.
    Browser(&'a str),
    /// A sign-in with the passkey alone, through the client of this id, or through none.
    Client(&'a str),
    /// The second factor of this challenge.
    Factor(Uuid),
    /// The first factor that this challenge waits for.
    Enrolment(Uuid),
    /// One more passkey of somebody, in the session that began it.
    Registration(UserId, Uuid),
}

impl Bound<'_> {
    fn purpose(self) -> String {
        match self {
            Self::Browser(key) => format!("{PURPOSE}: sign-in in {key}"),
            Self::Client(id) => format!("{PURPOSE}: sign-in through {id}"),
            Self::Factor(challenge) => format!("{PURPOSE}: factor of {challenge}"),
            Self::Enrolment(challenge) => format!("{PURPOSE}: enrolment of {challenge}"),
            Self::Registration(user, session) => {
                format!("{PURPOSE}: registration of {user} in {session}")
            }
        }
    }
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Ceremony<S> {
    id: Uuid,
    /// The unix second at which it is over.
    until_s: i64,
    state: S,
}

/// Seals the state of a ceremony that begins.
///
/// # Errors
/// `PASSKEYS_UNAVAILABLE`; when the system has no randomness.
pub fn write<S: Serialize>(
    app: &App,
    bound: Bound<'_>,
    state: S,
    now: OffsetDateTime,
) -> Result<String> {
    let until = now + app.relying_party()?.lasts;
    let ceremony = Ceremony {
        id: new_id(now),
        until_s: until.unix_timestamp(),
        state,
    };
    let plain = serde_json::to_vec(&ceremony).map_err(Error::internal)?;
    let sealed = app.sealer.seal(&bound.purpose(), &plain)?;
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

/// Opens the state of a ceremony that ends, and uses it up: whatever comes of it, nobody finishes
/// it a second time. Not within a writing transaction: it has one of its own.
///
/// # Errors
/// What the store answers.
pub async fn take<S: DeserializeOwned>(
    app: &App,
    bound: Bound<'_>,
    token: &str,
    now: OffsetDateTime,
) -> Result<std::result::Result<S, Refusal>> {
    let plain = URL_SAFE_NO_PAD.decode(token).ok();
    let plain = plain.and_then(|sealed| app.sealer.open(&bound.purpose(), &sealed).ok());
    let ceremony = plain.and_then(|plain| serde_json::from_slice::<Ceremony<S>>(&plain).ok());
    let Some(ceremony) = ceremony.filter(|one| one.until_s > now.unix_timestamp()) else {
        return Ok(Err(Refusal::Over));
    };
    let key = app.sealer.hash(PURPOSE, ceremony.id.as_bytes());
    let until = OffsetDateTime::from_unix_timestamp(ceremony.until_s).map_err(Error::internal)?;
    if !app.store.marks().set(&key, until).await? {
        return Ok(Err(Refusal::Replayed));
    }
    Ok(Ok(ceremony.state))
}
