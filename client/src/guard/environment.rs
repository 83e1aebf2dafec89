//! A guard out of the environment, by the names that products of Lerian have.

use std::time::Duration;

use super::Guard;
use crate::{Client, Error};

const ENABLED: &str = "PLUGIN_AUTH_ENABLED";
const REQUIRED: &str = "AUTH_REQUIRED";
const DEADLINE_MS: &str = "AUTH_DEADLINE_MS";
const CA_FILE: &str = "PLUGIN_AUTH_CA_FILE";
/// A check that may take longer is no guard but a queue.
const DEADLINE_MS_MAX: u64 = 60_000;
/// Two names of one thing; a product has one of them.
const ADDRESS: &str = "PLUGIN_AUTH_ADDRESS";
const HOST: &str = "PLUGIN_AUTH_HOST";

/// Why a product must not start.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// A switch is neither on nor off.
    #[error("{name} must be `true` or `false`, not `{value}`")]
    Switch {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
    },
    /// The deadline is no number of milliseconds.
    #[error("AUTH_DEADLINE_MS must be 1 to 60000 milliseconds, not `{0}`")]
    Deadline(String),
    /// Nothing says where Gatepost is.
    #[error(
        "PLUGIN_AUTH_ADDRESS (or PLUGIN_AUTH_HOST) must say where Gatepost is; \
         PLUGIN_AUTH_ENABLED=false runs without it"
    )]
    AddressMissing,
    /// Two variables name two servers.
    #[error("PLUGIN_AUTH_ADDRESS and PLUGIN_AUTH_HOST name two servers")]
    TwoAddresses,
    /// The address is no `http://` or `https://` URL.
    #[error("`{0}` must be an http:// or https:// address")]
    Address(String),
    /// The file of who vouches for Gatepost cannot be read.
    #[error("PLUGIN_AUTH_CA_FILE: `{path}`: {cause}")]
    Authorities {
        /// The file.
        path: String,
        /// Why not.
        cause: std::io::Error,
    },
    /// A connection to Gatepost cannot be set up.
    #[error("PLUGIN_AUTH_ADDRESS and PLUGIN_AUTH_CA_FILE: {0}")]
    Connection(#[source] Error),
    /// The guard is off where it must not be.
    #[error("PLUGIN_AUTH_ENABLED is off, and AUTH_REQUIRED=true forbids that")]
    Off,
}

impl Guard {
    /// A guard as the environment wants it: the one setting is where Gatepost is.
    ///
    /// | Variable | Means |
    /// | --- | --- |
    /// | `PLUGIN_AUTH_ADDRESS`, `PLUGIN_AUTH_HOST` | where Gatepost is: `http://gatepost:4000` |
    /// | `PLUGIN_AUTH_ENABLED` | `false`: every call passes, with a warning in the log; else on |
    /// | `PLUGIN_AUTH_CA_FILE` | PEM file of who vouches for an `https` address; else the system |
    /// | `AUTH_REQUIRED` | `true`: off is an error |
    /// | `AUTH_DEADLINE_MS` | how long a check may take, in milliseconds; 5 |
    ///
    /// The connection comes up in the background, and Gatepost need not be there yet. Needs a
    /// tokio runtime.
    ///
    /// # Errors
    /// The product must not start: see [`SettingError`].
    pub fn from_env(product: impl Into<String>) -> Result<Self, SettingError> {
        Self::from_settings(product, |name| std::env::var(name).ok())
    }

    /// As [`Guard::from_env`], with settings from elsewhere.
    ///
    /// # Errors
    /// The product must not start: see [`SettingError`].
    pub fn from_settings(
        product: impl Into<String>,
        setting: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, SettingError> {
        let is_enabled = switch(ENABLED, &setting)?.unwrap_or(true);
        let is_required = switch(REQUIRED, &setting)?.unwrap_or(false);
        if !is_enabled {
            return if is_required {
                Err(SettingError::Off)
            } else {
                Ok(Self::off(product))
            };
        }
        let url = match (text(ADDRESS, &setting), text(HOST, &setting)) {
            (Some(address), Some(host)) if address != host => {
                return Err(SettingError::TwoAddresses);
            }
            (Some(url), _) | (None, Some(url)) => url,
            (None, None) => return Err(SettingError::AddressMissing),
        };
        let is_web = url.starts_with("http://") || url.starts_with("https://");
        let deadline = deadline(&setting)?;
        if !is_web {
            return Err(SettingError::Address(url));
        }
        let client = match text(CA_FILE, &setting) {
            None => Client::lazy(&url),
            Some(path) => match std::fs::read_to_string(&path) {
                Ok(authorities) => Client::lazy_trusting(&url, &authorities),
                Err(cause) => return Err(SettingError::Authorities { path, cause }),
            },
        };
        let guard = match client {
            Ok(client) => Self::new(client, product),
            Err(Error::Address(_)) => return Err(SettingError::Address(url)),
            Err(error) => return Err(SettingError::Connection(error)),
        };
        Ok(match deadline {
            Some(deadline) => guard.deadline(deadline),
            None => guard,
        })
    }
}

/// An empty value counts as none.
fn text(name: &'static str, setting: impl Fn(&'static str) -> Option<String>) -> Option<String> {
    let value = setting(name)?.trim().to_owned();
    (!value.is_empty()).then_some(value)
}

fn deadline(
    setting: impl Fn(&'static str) -> Option<String>,
) -> Result<Option<Duration>, SettingError> {
    let Some(value) = text(DEADLINE_MS, setting) else {
        return Ok(None);
    };
    match value.parse() {
        Ok(ms @ 1..=DEADLINE_MS_MAX) => Ok(Some(Duration::from_millis(ms))),
        _ => Err(SettingError::Deadline(value)),
    }
}

/// The spellings that Go's `strconv.ParseBool` takes, for products that move.
fn switch(
    name: &'static str,
    setting: impl Fn(&'static str) -> Option<String>,
) -> Result<Option<bool>, SettingError> {
    let Some(value) = text(name, setting) else {
        return Ok(None);
    };
    match value.as_str() {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Some(true)),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Some(false)),
        _ => Err(SettingError::Switch { name, value }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(settings: &[(&str, &str)]) -> Result<Guard, SettingError> {
        let of = |name: &str| settings.iter().find(|(key, _)| *key == name);
        Guard::from_settings("midaz", |name| {
            of(name).map(|(_, value)| (*value).to_owned())
        })
    }

    const HERE: (&str, &str) = ("PLUGIN_AUTH_ADDRESS", "http://127.0.0.1:4000");

    #[tokio::test]
    async fn it_is_on_unless_somebody_says_otherwise() {
        for enabled in ["", "true", "1", "T", " TRUE "] {
            let settings = [HERE, ("PLUGIN_AUTH_ENABLED", enabled)];
            assert!(guard(&settings).unwrap().is_on(), "{enabled}");
        }
        assert!(guard(&[HERE]).unwrap().is_on());
        assert!(guard(&[("PLUGIN_AUTH_HOST", HERE.1)]).unwrap().is_on());
        assert!(
            guard(&[HERE, ("PLUGIN_AUTH_HOST", HERE.1)])
                .unwrap()
                .is_on()
        );
        for disabled in ["false", "0", "F"] {
            let settings = [HERE, ("PLUGIN_AUTH_ENABLED", disabled)];
            assert!(!guard(&settings).unwrap().is_on(), "{disabled}");
        }
    }

    #[tokio::test]
    async fn what_is_not_clear_stops_the_start() {
        let off = ("PLUGIN_AUTH_ENABLED", "false");
        let required = ("AUTH_REQUIRED", "true");
        let unread = ("PLUGIN_AUTH_CA_FILE", "/nowhere/ca.pem");
        let empty = ("PLUGIN_AUTH_CA_FILE", "/dev/null");
        let there = ("PLUGIN_AUTH_ADDRESS", "https://127.0.0.1:4000");
        let cases: [(&[(&str, &str)], &str); 14] = [
            (&[there, unread], "PLUGIN_AUTH_CA_FILE: `/nowhere/ca.pem`"),
            (&[there, empty], "no certificate"),
            (&[HERE, empty], "https:// address only"),
            (&[], "must say where"),
            (&[("PLUGIN_AUTH_ENABLED", "true")], "must say where"),
            (&[("PLUGIN_AUTH_ENABLED", "no"), HERE], "not `no`"),
            (&[("AUTH_REQUIRED", "yes"), HERE], "not `yes`"),
            (&[HERE, ("PLUGIN_AUTH_HOST", "http://b")], "two servers"),
            (&[("PLUGIN_AUTH_HOST", "gatepost:4000")], "must be an http"),
            (&[("PLUGIN_AUTH_HOST", "http://a b")], "must be an http"),
            (&[HERE, ("AUTH_DEADLINE_MS", "0")], "not `0`"),
            (&[HERE, ("AUTH_DEADLINE_MS", "5ms")], "not `5ms`"),
            (&[off, required], "AUTH_REQUIRED=true forbids"),
            (&[off, required, HERE], "AUTH_REQUIRED=true forbids"),
        ];
        for (settings, expected) in cases {
            let error = guard(settings).unwrap_err().to_string();
            assert!(error.contains(expected), "{settings:?}: {error}");
        }
        assert!(guard(&[HERE, required]).unwrap().is_on());
        let guard = guard(&[HERE, ("AUTH_DEADLINE_MS", "50")]).unwrap();
        assert_eq!(guard.deadline, Duration::from_millis(50));
    }
}
