//! Every setting there is, and where its value comes from: the environment over one TOML file,
//! by the same names.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::{ConfigError, nearest};

/// One setting: `GATEPOST_LISTEN` in the environment is `listen` in the file.
#[derive(Debug)]
pub struct Setting {
    /// Its name in the file.
    pub name: &'static str,
    /// Its value when nobody gives one; empty for none.
    pub default: &'static str,
    /// Whether its value is masked wherever it is shown.
    pub secret: bool,
    /// What it does, for the reference page.
    pub about: &'static str,
}

/// What every environment variable of ours begins with.
pub const PREFIX: &str = "GATEPOST_";
/// The variable that names the file; it is no setting, because it cannot stand in the file.
pub const FILE_VARIABLE: &str = "GATEPOST_CONFIG";

const fn plain(name: &'static str, default: &'static str, about: &'static str) -> Setting {
    Setting {
        name,
        default,
        secret: false,
        about,
    }
}

const fn secret(name: &'static str, about: &'static str) -> Setting {
    Setting {
        name,
        default: "",
        secret: true,
        about,
    }
}

/// All settings, in the order of the reference page.
pub const SETTINGS: &[Setting] = &[
    plain(
        "listen",
        "127.0.0.1:4000",
        "Address of the one port that serves gRPC, gRPC-Web and REST.",
    ),
    plain(
        "public_url",
        "",
        "The address clients know, and the issuer of tokens. Stored at the first start; default \
         `http(s)://LISTEN`.",
    ),
    plain(
        "metrics_listen",
        "127.0.0.1:4002",
        "Address of `/metrics` for Prometheus, or `off`.",
    ),
    plain(
        "data_dir",
        "gatepost-data",
        "Folder of the embedded database, of the master key made beside it, and of the first \
         password.",
    ),
    secret(
        "database_url",
        "`postgres://…`; without it SQLite in the data folder.",
    ),
    secret(
        "migration_database_url",
        "The role that owns the tables, for migrations; default the same as the serving role.",
    ),
    secret(
        "cache_url",
        "`valkey://…` for counters and hints that replicas share; default `memory`.",
    ),
    secret(
        "master_key",
        "32 bytes in base64 or hexadecimal, under which secrets are sealed. Made in the data \
         folder for SQLite; required for PostgreSQL.",
    ),
    plain(
        "master_key_file",
        "",
        "A file that holds the master key instead.",
    ),
    plain(
        "bootstrap_organization",
        "default",
        "Slug of the organization that the first start makes.",
    ),
    plain(
        "bootstrap_admin_username",
        "admin",
        "Username of the first administrator.",
    ),
    secret(
        "bootstrap_admin_password",
        "Password of the first administrator; default a random one, shown once.",
    ),
    plain(
        "multi_tenant",
        "false",
        "Whether organizations may be created.",
    ),
    plain(
        "staleness_bound_ms",
        "1000",
        "Milliseconds after which a revocation binds every replica, 100 to 60000. A longer bound \
         rides out longer outages of the database.",
    ),
    plain(
        "snapshot_budget_mb",
        "1024",
        "Megabytes of memory for the snapshots of organizations, 16 to 1048576. Beyond it the one \
         that was used the longest ago is dropped, and loaded again when it is used.",
    ),
    plain(
        "only",
        "all",
        "`authorize` for a sidecar: it decides, and does nothing else (`serve --only`).",
    ),
    plain(
        "upstream",
        "",
        "Of a sidecar: address of the server that feeds it (`serve --upstream`).",
    ),
    plain(
        "upstream_client_id",
        "",
        "Of a sidecar: client id of its machine application.",
    ),
    secret(
        "upstream_client_secret",
        "Of a sidecar: the secret of its machine application.",
    ),
    plain(
        "upstream_client_secret_file",
        "",
        "A file that holds that secret instead.",
    ),
    plain(
        "upstream_ca_file",
        "",
        "Of a sidecar: PEM file of who vouches for an `https` upstream.",
    ),
    plain(
        "upstream_products",
        "",
        "Of a sidecar: the products (separated by commas) that it is asked about.",
    ),
    plain(
        "upstream_organizations",
        "",
        "Of a sidecar: ids of organizations (separated by commas) that it loads before it is up. \
         Others are loaded when they are asked about.",
    ),
    plain("tls_cert", "", "PEM file with the certificate chain."),
    plain("tls_key", "", "PEM file with the private key."),
    plain(
        "allow_plaintext",
        "false",
        "Whether to serve without TLS on other than loopback addresses.",
    ),
    plain(
        "trusted_proxies",
        "",
        "Networks (CIDR, separated by commas) whose `X-Forwarded-For` is believed.",
    ),
    plain(
        "cors_origins",
        "",
        "Origins (separated by commas) whose pages may call; `*` for any.",
    ),
    plain("reflection", "true", "Whether gRPC reflection is served."),
    plain(
        "access_token_seconds",
        "3600",
        "Lifetime of an access token, 60 to 86400 seconds.",
    ),
    plain(
        "refresh_token_seconds",
        "86400",
        "Lifetime of a session, and so of its refresh tokens, 300 to 31536000 seconds.",
    ),
    plain(
        "refresh_idle_seconds",
        "0",
        "Seconds after which a session that was not refreshed is over, up to 31536000; `0` for as \
         long as it lives.",
    ),
    plain(
        "browser_session_seconds",
        "86400",
        "Seconds for which a browser stays signed in, 300 to 31536000.",
    ),
    plain(
        "browser_idle_seconds",
        "14400",
        "Seconds after which a browser is signed out that signs in nowhere, 60 to 31536000.",
    ),
    plain(
        "refresh_grace_seconds",
        "10",
        "Seconds for which a refresh token that was used gives the same next one again, because \
         the first answer may have been lost, 0 to 60. After that its session ends.",
    ),
    plain(
        "signing_key_days",
        "90",
        "Days that a key signs tokens before the next one does, 0 to 3650; 0 for ever.",
    ),
    plain(
        "password_workers",
        "2",
        "Passwords that are checked at the same time, 1 to 64; each takes the memory of a hash.",
    ),
    plain(
        "password_memory_kib",
        "19456",
        "Memory of one Argon2id hash, 1024 to 1048576 KiB; times the iterations it should be 35840 \
         at the least. Hashes of other parameters are made anew when their people sign in.",
    ),
    plain(
        "password_iterations",
        "2",
        "How often a hash fills its memory, 1 to 64.",
    ),
    plain(
        "password_parallelism",
        "1",
        "Lanes of a hash, 1 to 16; one thread fills all of them.",
    ),
    plain(
        "password_length_min",
        "8",
        "Least characters of a new password, 8 to 128.",
    ),
    plain(
        "password_history",
        "5",
        "How many of a person's last passwords must not come back, 0 (none) to 24; the present \
         one is one of them.",
    ),
    plain(
        "sign_ins_per_minute",
        "300",
        "Sign-ins that one address may try in a minute, 1 to 1000000.",
    ),
    plain(
        "mfa_challenge_seconds",
        "300",
        "Seconds that a sign-in waits for the second factor, 30 to 3600.",
    ),
    plain(
        "mfa_enrolment_seconds",
        "900",
        "Seconds in which somebody who needs a first second factor must set it up, 30 to 3600.",
    ),
    plain(
        "mfa_attempts",
        "5",
        "How often a passcode may be tried in one sign-in, 1 to 20.",
    ),
    plain(
        "mfa_resends",
        "3",
        "How often one sign-in may have a code sent again, 0 to 20.",
    ),
    plain(
        "mfa_code_seconds",
        "300",
        "Seconds that a code by e-mail or SMS is good, 30 to 3600.",
    ),
    plain(
        "passkey_seconds",
        "600",
        "Seconds that a browser may take to make or use a passkey, 30 to 3600.",
    ),
    plain(
        "mfa_remember_days",
        "30",
        "Days that a remembered device is not asked for the second factor, 0 (never remembered) to \
         365.",
    ),
    plain(
        "mfa_change_max_age_seconds",
        "900",
        "Seconds after signing in for which people may change their own second factors, 0 (always) \
         to 86400.",
    ),
    plain(
        "mail_url",
        "",
        "Who carries e-mail: `smtps://USER@HOST`, `smtp://USER@HOST` (with STARTTLS; plain to this \
         machine only), or `https://HOST` for an API in the shape of SendGrid's.",
    ),
    plain(
        "mail_from",
        "",
        "Who e-mail is from, for example `Gatepost <no-reply@example.com>`.",
    ),
    secret(
        "mail_secret",
        "The password of that user, or the key of that API.",
    ),
    secret(
        "mail_signing_secret",
        "With this requests to that API are signed; default not at all.",
    ),
    plain(
        "sms_url",
        "",
        "Who carries short messages: `https://ACCOUNT@HOST` of an API in the shape of Twilio's.",
    ),
    plain(
        "sms_from",
        "",
        "The number, or the word, that short messages are from.",
    ),
    secret("sms_secret", "The token of that account."),
    secret(
        "sms_signing_secret",
        "With this requests to that API are signed; default not at all.",
    ),
    plain(
        "delivery_attempt_ms",
        "5000",
        "Milliseconds that one try to send a message may take, 100 to 60000.",
    ),
    plain(
        "delivery_whole_ms",
        "20000",
        "Milliseconds that all tries of a message may take, 100 to 600000.",
    ),
    plain(
        "outbound_allowed_origins",
        "",
        "Origins (separated by commas, as `https://mail.internal:8443`) that organizations may \
         choose although they are private, plain or on other ports.",
    ),
    plain(
        "outbound_ca_file",
        "",
        "PEM file of who vouches for the servers that are called, beside those the system trusts.",
    ),
    plain(
        "refreshes_per_minute",
        "6000",
        "Refresh tokens that one address may turn in a minute, 1 to 10000000.",
    ),
    plain(
        "forgot_password",
        "false",
        "Whether people may have a link mailed with which they set a new password. Needs \
         `GATEPOST_MAIL_URL`.",
    ),
    plain(
        "forgotten_per_quarter_hour",
        "10",
        "Calls about forgotten passwords that one address may make in 15 minutes, 1 to 1000000.",
    ),
    plain(
        "log",
        "info",
        "What is logged: a level, or directives such as `info,gatepost=debug`.",
    ),
    plain("log_format", "text", "`text` or `json`."),
    plain(
        "otlp_endpoint",
        "",
        "OpenTelemetry collector for traces over gRPC, for example `http://127.0.0.1:4317`.",
    ),
];

/// The value of every setting, and whether somebody gave it.
#[derive(Debug, Default)]
pub struct Settings {
    given: BTreeMap<&'static str, String>,
}

impl Settings {
    /// Reads the file, and the environment over it.
    ///
    /// # Errors
    /// An unknown name in either, a file that is no TOML, a value that is no scalar.
    pub fn read(
        environment: impl IntoIterator<Item = (String, String)>,
        file: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let mut settings = Self::default();
        if let Some(path) = file {
            settings.read_file(path)?;
        }
        for (variable, value) in environment {
            let Some(name) = variable.strip_prefix(PREFIX) else {
                continue;
            };
            if variable != FILE_VARIABLE {
                settings.give(&name.to_lowercase(), value, "the environment", &variable)?;
            }
        }
        Ok(settings)
    }

    fn read_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let fault = |why: String| ConfigError::File {
            path: path.display().to_string(),
            why,
        };
        let text = std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
        let table: toml::Table =
            toml::from_str(&text).map_err(|error| fault(error.message().to_owned()))?;
        for (name, value) in table {
            let value = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Boolean(flag) => flag.to_string(),
                toml::Value::Array(_)
                | toml::Value::Float(_)
                | toml::Value::Datetime(_)
                | toml::Value::Table(_) => {
                    return Err(fault(format!(
                        "`{name}` must be a text, a number or a flag"
                    )));
                }
            };
            self.give(&name, value, &format!("`{}`", path.display()), &name)?;
        }
        Ok(())
    }

    fn give(
        &mut self,
        name: &str,
        value: String,
        place: &str,
        written: &str,
    ) -> Result<(), ConfigError> {
        let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) else {
            let hint = nearest(name).map_or_else(String::new, |near| {
                format!("; did you mean `{PREFIX}{}`?", near.to_uppercase())
            });
            let (name, place) = (written.to_owned(), place.to_owned());
            return Err(ConfigError::Unknown { name, place, hint });
        };
        // An empty variable is how shells and charts say "not set".
        if !value.is_empty() {
            self.given.insert(setting.name, value);
        }
        Ok(())
    }

    /// The value of a setting: the one that was given, else its default, else nothing.
    pub fn text(&self, name: &str) -> Option<&str> {
        let given = self.given.get(name).map(String::as_str);
        given.or_else(|| {
            let setting = SETTINGS.iter().find(|setting| setting.name == name)?;
            (!setting.default.is_empty()).then_some(setting.default)
        })
    }

    /// Whether somebody gave a value.
    pub fn is_given(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// Every setting as `NAME=value`, secrets masked.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        SETTINGS.iter().map(|setting| {
            let name = variable(setting.name);
            match self.text(setting.name) {
                Some(_) if setting.secret => format!("{name}=********"),
                Some(value) => format!("{name}={value}"),
                None => format!("{name}="),
            }
        })
    }
}

/// The name of a setting in the environment.
pub fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.to_uppercase())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn the_environment_is_over_the_file_and_the_file_over_the_default() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(
            file,
            "listen = \"127.0.0.1:1\"\nlog = \"debug\"\nmulti_tenant = true"
        )
        .unwrap();
        let settings = Settings::read(
            environment(&[("GATEPOST_LISTEN", "127.0.0.1:2"), ("PATH", "/bin")]),
            Some(file.path()),
        )
        .unwrap();
        assert_eq!(settings.text("listen"), Some("127.0.0.1:2"));
        assert_eq!(settings.text("log"), Some("debug"));
        assert_eq!(settings.text("multi_tenant"), Some("true"));
        assert_eq!(settings.text("log_format"), Some("text"));
        assert_eq!(settings.text("otlp_endpoint"), None);
    }

    #[test]
    fn an_unknown_name_is_one_clear_line() {
        let error = Settings::read(environment(&[("GATEPOST_LISTNE", "x")]), None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown setting `GATEPOST_LISTNE` in the environment; did you mean `GATEPOST_LISTEN`?"
        );
    }

    #[test]
    fn secrets_are_masked() {
        let given = environment(&[("GATEPOST_DATABASE_URL", "postgres://u:hunter2@h/d")]);
        let text: Vec<String> = Settings::read(given, None).unwrap().lines().collect();
        assert!(text.contains(&"GATEPOST_DATABASE_URL=********".to_owned()));
        assert!(!text.concat().contains("hunter2"));
    }

    #[test]
    fn a_file_that_is_no_toml_says_where() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "listen = ").unwrap();
        let error = Settings::read([], Some(file.path())).unwrap_err();
        assert!(matches!(error, ConfigError::File { .. }), "{error}");
    }
}
