//! The settings of second factors: how long, how often.

use std::time::Duration;

use super::{ConfigError, Reader};

/// How long, and how often, second factors may be tried.
#[derive(Debug, Clone, Copy)]
pub struct MfaConfig {
    /// How long a challenge waits.
    pub challenge: Duration,
    /// How long somebody who needs a first factor may take to set it up.
    pub enrolment: Duration,
    /// How long a code that was sent is good.
    pub code: Duration,
    /// How long a device is remembered.
    pub remembered: Duration,
    /// How long a browser may take to make or use a passkey.
    pub passkey: Duration,
    /// How long ago somebody may have signed in who changes her own factors; zero for however long.
    pub change_max_age: Duration,
    /// How often a challenge may be tried.
    pub attempts: u32,
    /// How many codes a challenge may have sent.
    pub sends: u32,
}

impl Reader<'_> {
    /// How second factors are limited.
    pub(super) fn mfa(&self) -> Result<MfaConfig, ConfigError> {
        let seconds = |name| self.between(name, 30, 3_600).map(Duration::from_secs);
        let small = |name, least, most| {
            let value = self.between(name, least, most)?;
            u32::try_from(value).map_err(|error| Self::bad(name, error.to_string()))
        };
        let days = self.between("mfa_remember_days", 0, 365)?;
        Ok(MfaConfig {
            challenge: seconds("mfa_challenge_seconds")?,
            enrolment: seconds("mfa_enrolment_seconds")?,
            code: seconds("mfa_code_seconds")?,
            passkey: seconds("passkey_seconds")?,
            remembered: Duration::from_hours(24 * days),
            change_max_age: Duration::from_secs(self.between(
                "mfa_change_max_age_seconds",
                0,
                86_400,
            )?),
            attempts: small("mfa_attempts", 1, 20)?,
            // The first one is no repetition.
            sends: 1 + small("mfa_resends", 0, 20)?,
        })
    }
}
