//! How long sign-ins last, and how often they may be tried.

use std::time::Duration;

use gatepost_core::session::RotationLimits;
use gatepost_store::{Application, ClientSettings};
use time::OffsetDateTime;

/// How long tokens live, and how sign-ins are limited.
#[derive(Debug, Clone)]
pub struct SignInConfig {
    /// Lifetime of an access token.
    pub access_token: Duration,
    /// Lifetime of a session, and so of its refresh tokens.
    pub refresh_token: Duration,
    /// How long one refresh token of a session is good for.
    pub rotation: RotationLimits,
    /// How long a browser stays signed in.
    pub browser: Duration,
    /// How long a browser stays signed in that nobody uses.
    pub browser_idle: Duration,
    /// Sign-ins that one address may try in a minute.
    pub per_minute: u64,
    /// Refresh tokens that one address may turn in a minute.
    pub refreshes_per_minute: u64,
    /// Whether people may have a link mailed with which they set a new password.
    pub forgot_password: bool,
    /// Calls about forgotten passwords that one address may make in a quarter of an hour.
    pub forgotten_per_quarter_hour: u64,
}

/// Access tokens may be issued a little later than their session is ended: by a call that came in
/// before, or on a replica whose clock is ahead.
const LATE_TOKENS: Duration = Duration::from_mins(2);

impl SignInConfig {
    /// When the last access token of a session that ends now has expired for certain. Until then
    /// the session is remembered as ended.
    pub fn last_token_ends(&self, now: OffsetDateTime) -> OffsetDateTime {
        now + self.tokens_live()
    }

    /// How long the sessions of an application last.
    pub fn lifetime(&self, settings: &ClientSettings) -> Duration {
        own_or(settings.refresh_absolute_seconds, self.refresh_token)
    }

    /// How long the refresh tokens of an application's sessions are good for, or of sessions
    /// without one.
    pub fn rotation_of(&self, application: Option<&Application>) -> RotationLimits {
        let Some(Application { settings, .. }) = application else {
            return self.rotation;
        };
        RotationLimits {
            grace: own_or(settings.refresh_grace_seconds, self.rotation.grace),
            idle: own_or(settings.refresh_idle_seconds, self.rotation.idle),
        }
    }

    /// How long after the end of a session or of a key's turn its last token may live.
    pub fn tokens_live(&self) -> Duration {
        self.access_token + LATE_TOKENS
    }
}

/// An application's own time, or everybody's.
fn own_or(seconds: u32, other: Duration) -> Duration {
    match seconds {
        0 => other,
        seconds => Duration::from_secs(seconds.into()),
    }
}
