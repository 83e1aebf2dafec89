//! The configuration: settings, read and checked before anything is started.

mod delivery;
mod error;
mod mfa;
mod passwords;
mod settings;
mod sign_in;
mod upstream;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use gatepost_core::session::RotationLimits;
use gatepost_replica::RemoteConfig;
use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

use crate::outbound::OutboundConfig;
pub use mfa::MfaConfig;

pub use delivery::DeliveryConfig;
pub use error::ConfigError;
pub use passwords::PasswordConfig;
pub use settings::{FILE_VARIABLE, SETTINGS, Setting, Settings, variable};
pub use sign_in::SignInConfig;

/// Bytes in what settings call a megabyte.
const MEGABYTE: u64 = 1 << 20;

/// Everything that a start needs to know.
#[derive(Debug)]
pub struct Config {
    /// Where the one port listens.
    pub listen: SocketAddr,
    /// The address clients know, when it was given.
    pub public_url: Option<Url>,
    /// Where metrics are served, if anywhere.
    pub metrics_listen: Option<SocketAddr>,
    /// Certificate and key files; without them the port speaks plain text.
    pub tls: Option<TlsFiles>,
    /// Networks whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins whose pages may call.
    pub cors_origins: Vec<String>,
    /// Whether gRPC reflection is served.
    pub reflection: bool,
    /// What is remembered, and where.
    pub storage: StorageConfig,
    /// What the first start makes.
    pub bootstrap: BootstrapConfig,
    /// Whether organizations may be created.
    pub multi_tenant: bool,
    /// After how long a revocation binds every replica.
    pub staleness_bound: Duration,
    /// Bytes that all snapshots together may take.
    pub snapshot_budget_bytes: usize,
    /// Who feeds this server, if it is a sidecar.
    pub upstream: Option<RemoteConfig>,
    /// How long tokens live, and how sign-ins are limited.
    pub sign_in: SignInConfig,
    /// How passwords are hashed, and what they must be.
    pub passwords: PasswordConfig,
    /// How second factors are limited.
    pub mfa: MfaConfig,
    /// Who carries messages to people.
    pub delivery: DeliveryConfig,
    /// Where calls may go that leave.
    pub outbound: OutboundConfig,
    /// How long a key signs tokens before the next one does; `None` for ever.
    pub signing_key_age: Option<Duration>,
    /// What is logged and traced.
    pub telemetry: TelemetryConfig,
}

/// Files of a certificate.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// PEM file with the chain.
    pub certificate: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
}

/// What is remembered, and where.
#[derive(Debug, Clone)]
pub struct StorageConfig {
    /// Folder of the embedded database.
    pub data_dir: PathBuf,
    /// PostgreSQL, for the serving role.
    pub database_url: Option<SecretString>,
    /// PostgreSQL, for the role that owns the tables.
    pub migration_database_url: Option<SecretString>,
    /// Valkey; without it counters and hints stay in this process.
    pub cache_url: Option<SecretString>,
    /// The master key, when it was given.
    pub master_key: Option<SecretString>,
}

/// What the first start makes.
#[derive(Debug)]
pub struct BootstrapConfig {
    /// Slug of the first organization.
    pub organization: String,
    /// Username of the first administrator.
    pub username: String,
    /// Password of the first administrator.
    pub password: Option<SecretString>,
}

/// What is logged and traced.
#[derive(Debug, Clone)]
pub struct TelemetryConfig {
    /// Directives of the log.
    pub log: String,
    /// Whether log lines are JSON.
    pub json: bool,
    /// Where traces go.
    pub otlp_endpoint: Option<Url>,
}

impl Config {
    /// Reads and checks every setting.
    ///
    /// # Errors
    /// The first setting that is wrong, in one line.
    pub fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let read = Reader { settings };
        let config = Self {
            listen: read.required("listen")?,
            public_url: read.public_url()?,
            metrics_listen: match settings.text("metrics_listen") {
                Some("off") => None,
                _ => Some(read.required("metrics_listen")?),
            },
            tls: read.tls()?,
            trusted_proxies: read.list("trusted_proxies")?,
            cors_origins: read.list("cors_origins")?,
            reflection: read.required("reflection")?,
            storage: read.storage()?,
            bootstrap: BootstrapConfig {
                organization: read.required("bootstrap_organization")?,
                username: read.required("bootstrap_admin_username")?,
                password: read.secret("bootstrap_admin_password"),
            },
            multi_tenant: read.required("multi_tenant")?,
            staleness_bound: read.bound()?,
            snapshot_budget_bytes: read.budget_bytes()?,
            upstream: read.upstream()?,
            sign_in: read.sign_in()?,
            passwords: read.passwords()?,
            mfa: read.mfa()?,
            delivery: read.delivery()?,
            outbound: read.outbound()?,
            signing_key_age: read.signing_key_age()?,
            telemetry: read.telemetry()?,
        };
        read.check_plaintext(&config)?;
        Ok(config)
    }

    /// The public address to store at the first start.
    pub fn public_url_or_default(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        match &self.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("{scheme}://{}", self.listen),
        }
    }
}

/// Turns texts into values, and failures into one line that names the setting.
struct Reader<'a> {
    settings: &'a Settings,
}

impl Reader<'_> {
    fn bad(name: &str, why: impl Into<String>) -> ConfigError {
        ConfigError::Bad {
            name: variable(name),
            why: why.into(),
        }
    }

    fn required<T: FromStr>(&self, name: &str) -> Result<T, ConfigError>
    where
        T::Err: std::fmt::Display,
    {
        let text = self.settings.text(name).unwrap_or_default();
        text.parse()
            .map_err(|error: T::Err| Self::bad(name, format!("`{text}`: {error}")))
    }

    fn between(&self, name: &str, least: u64, most: u64) -> Result<u64, ConfigError> {
        let value: u64 = self.required(name)?;
        if (least..=most).contains(&value) {
            return Ok(value);
        }
        Err(Self::bad(
            name,
            format!("`{value}` is not between {least} and {most}"),
        ))
    }

    fn list<T: FromStr>(&self, name: &str) -> Result<Vec<T>, ConfigError>
    where
        T::Err: std::fmt::Display,
    {
        let text = self.settings.text(name).unwrap_or_default();
        text.split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(|item| {
                item.parse()
                    .map_err(|error: T::Err| Self::bad(name, format!("`{item}`: {error}")))
            })
            .collect()
    }

    fn secret(&self, name: &str) -> Option<SecretString> {
        self.settings.text(name).map(SecretString::from)
    }

    fn public_url(&self) -> Result<Option<Url>, ConfigError> {
        if !self.settings.is_given("public_url") {
            return Ok(None);
        }
        let url: Url = self.required("public_url")?;
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || !plain {
            let why = "must be an http or https address without user, query or fragment";
            return Err(Self::bad("public_url", why));
        }
        Ok(Some(url))
    }

    fn tls(&self) -> Result<Option<TlsFiles>, ConfigError> {
        match (
            self.settings.text("tls_cert"),
            self.settings.text("tls_key"),
        ) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(TlsFiles {
                certificate: certificate.into(),
                key: key.into(),
            })),
            (None, Some(_)) => Err(Self::bad("tls_cert", "is needed beside GATEPOST_TLS_KEY")),
            (Some(_), None) => Err(Self::bad("tls_key", "is needed beside GATEPOST_TLS_CERT")),
        }
    }

    fn storage(&self) -> Result<StorageConfig, ConfigError> {
        let cache = self
            .settings
            .text("cache_url")
            .filter(|url| *url != "memory");
        Ok(StorageConfig {
            data_dir: self.required("data_dir")?,
            database_url: self.secret("database_url"),
            migration_database_url: self.secret("migration_database_url"),
            cache_url: cache.map(SecretString::from),
            master_key: self.secret_or_file("master_key", "master_key_file")?,
        })
    }

    /// A secret that is given, or that stands in a file.
    fn secret_or_file(
        &self,
        name: &str,
        file_name: &str,
    ) -> Result<Option<SecretString>, ConfigError> {
        match (self.secret(name), self.settings.text(file_name)) {
            (Some(_), Some(_)) => Err(Self::bad(
                file_name,
                format!("give this or {}, not both", variable(name)),
            )),
            (Some(key), None) => Ok(Some(key)),
            (None, Some(path)) => match std::fs::read_to_string(path) {
                Ok(key) => Ok(Some(SecretString::from(key.trim()))),
                Err(error) => Err(Self::bad(file_name, format!("`{path}`: {error}"))),
            },
            (None, None) => Ok(None),
        }
    }

    fn bound(&self) -> Result<Duration, ConfigError> {
        let milliseconds = self.between("staleness_bound_ms", 100, 60_000)?;
        Ok(Duration::from_millis(milliseconds))
    }

    fn budget_bytes(&self) -> Result<usize, ConfigError> {
        let megabytes = self.between("snapshot_budget_mb", 16, 1_048_576)?;
        Ok(usize::try_from(megabytes * MEGABYTE).unwrap_or(usize::MAX))
    }

    fn sign_in(&self) -> Result<SignInConfig, ConfigError> {
        let seconds = |name, least, most| self.between(name, least, most).map(Duration::from_secs);
        Ok(SignInConfig {
            access_token: seconds("access_token_seconds", 60, 86_400)?,
            refresh_token: seconds("refresh_token_seconds", 300, 31_536_000)?,
            rotation: RotationLimits {
                grace: seconds("refresh_grace_seconds", 0, 60)?,
                idle: seconds("refresh_idle_seconds", 0, 31_536_000)?,
            },
            browser: seconds("browser_session_seconds", 300, 31_536_000)?,
            browser_idle: seconds("browser_idle_seconds", 60, 31_536_000)?,
            per_minute: self.between("sign_ins_per_minute", 1, 1_000_000)?,
            refreshes_per_minute: self.between("refreshes_per_minute", 1, 10_000_000)?,
            forgot_password: self.forgot_password()?,
            forgotten_per_quarter_hour: self.between("forgotten_per_quarter_hour", 1, 1_000_000)?,
        })
    }

    fn signing_key_age(&self) -> Result<Option<Duration>, ConfigError> {
        let days = self.between("signing_key_days", 0, 3_650)?;
        Ok((days > 0).then(|| Duration::from_hours(24 * days)))
    }

    fn telemetry(&self) -> Result<TelemetryConfig, ConfigError> {
        let json = match self.settings.text("log_format") {
            Some("json") => true,
            Some("text") => false,
            _ => return Err(Self::bad("log_format", "must be `text` or `json`")),
        };
        let otlp_endpoint = match self.settings.text("otlp_endpoint") {
            Some(_) => Some(self.required("otlp_endpoint")?),
            None => None,
        };
        Ok(TelemetryConfig {
            log: self.required("log")?,
            json,
            otlp_endpoint,
        })
    }

    /// Passwords and tokens in clear on a network are a choice, never a default.
    fn check_plaintext(&self, config: &Config) -> Result<(), ConfigError> {
        let allowed: bool = self.required("allow_plaintext")?;
        if config.tls.is_some() || allowed || config.listen.ip().is_loopback() {
            return Ok(());
        }
        let why = format!(
            "`{}` is not a loopback address and there is no TLS: give GATEPOST_TLS_CERT and \
             GATEPOST_TLS_KEY, or set GATEPOST_ALLOW_PLAINTEXT=true behind a proxy that has it",
            config.listen
        );
        Err(Self::bad("listen", why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::new(&Settings::read(pairs, None)?)
    }

    #[test]
    fn the_defaults_are_a_laptop() {
        let config = config(&[]).unwrap();
        assert_eq!(config.listen, "127.0.0.1:4000".parse().unwrap());
        assert_eq!(config.public_url_or_default(), "http://127.0.0.1:4000");
        assert_eq!(config.staleness_bound, Duration::from_secs(1));
        assert!(config.storage.database_url.is_none());
        assert!(config.storage.cache_url.is_none());
    }

    #[test]
    fn weak_hashes_are_told_apart() {
        let weak = |memory, iterations| {
            let given = [
                ("GATEPOST_PASSWORD_MEMORY_KIB", memory),
                ("GATEPOST_PASSWORD_ITERATIONS", iterations),
            ];
            config(&given).unwrap().passwords.is_weak()
        };
        assert!(!config(&[]).unwrap().passwords.is_weak());
        assert!(!weak("7168", "5"));
        assert!(weak("7168", "4") && weak("1024", "1"));
    }

    #[test]
    fn plain_text_stays_on_loopback_unless_allowed() {
        let open = ("GATEPOST_LISTEN", "0.0.0.0:4000");
        let error = config(&[open]).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("setting `GATEPOST_LISTEN`: `0.0.0.0:4000` is not")
        );
        assert!(config(&[open, ("GATEPOST_ALLOW_PLAINTEXT", "true")]).is_ok());
        let tls = [
            open,
            ("GATEPOST_TLS_CERT", "c.pem"),
            ("GATEPOST_TLS_KEY", "k.pem"),
        ];
        assert!(config(&tls).is_ok());
    }

    #[test]
    fn each_bad_value_is_one_line_with_its_name() {
        for (name, value) in [
            ("GATEPOST_LISTEN", "here"),
            ("GATEPOST_PUBLIC_URL", "ftp://x"),
            ("GATEPOST_METRICS_LISTEN", "no"),
            ("GATEPOST_STALENESS_BOUND_MS", "60001"),
            ("GATEPOST_MULTI_TENANT", "maybe"),
            ("GATEPOST_TLS_CERT", "only.pem"),
            ("GATEPOST_TRUSTED_PROXIES", "10.0.0.0/8, ten"),
            ("GATEPOST_MASTER_KEY_FILE", "/nowhere/key"),
            ("GATEPOST_LOG_FORMAT", "xml"),
            ("GATEPOST_ACCESS_TOKEN_SECONDS", "5"),
            ("GATEPOST_PASSWORD_MEMORY_KIB", "1023"),
            ("GATEPOST_PASSWORD_ITERATIONS", "65"),
            ("GATEPOST_PASSWORD_PARALLELISM", "0"),
            ("GATEPOST_PASSWORD_LENGTH_MIN", "7"),
            ("GATEPOST_PASSWORD_HISTORY", "25"),
            ("GATEPOST_MFA_CHALLENGE_SECONDS", "29"),
            ("GATEPOST_MFA_ENROLMENT_SECONDS", "3601"),
            ("GATEPOST_MFA_CODE_SECONDS", "0"),
            ("GATEPOST_MFA_REMEMBER_DAYS", "366"),
            ("GATEPOST_MFA_ATTEMPTS", "0"),
            ("GATEPOST_MFA_RESENDS", "21"),
            ("GATEPOST_SIGNING_KEY_DAYS", "-1"),
            ("GATEPOST_SIGNING_KEY_DAYS", "3651"),
            ("GATEPOST_OTLP_ENDPOINT", "::"),
            ("GATEPOST_ONLY", "identity"),
            ("GATEPOST_ONLY", "authorize"),
            ("GATEPOST_UPSTREAM", "http://127.0.0.1:4000"),
        ] {
            let line = config(&[(name, value)]).unwrap_err().to_string();
            assert!(line.starts_with("setting `GATEPOST_"), "{line}");
            assert!(!line.contains('\n'), "{line}");
        }
    }

    #[test]
    fn a_sidecar_names_what_it_lacks() {
        let mut given = vec![("GATEPOST_ONLY", "authorize")];
        let steps = [
            ("GATEPOST_UPSTREAM", "https://gatepost.test"),
            ("GATEPOST_UPSTREAM_CLIENT_SECRET", "gps_hunter2"),
            ("GATEPOST_UPSTREAM_PRODUCTS", "midaz, plugin-crm"),
            ("GATEPOST_UPSTREAM_CA_FILE", "/dev/null"),
            ("GATEPOST_UPSTREAM_CLIENT_ID", "sidecar"),
        ];
        for step in steps {
            let line = config(&given).unwrap_err().to_string();
            assert!(line.starts_with("setting `GATEPOST_UPSTREAM"), "{line}");
            given.push(step);
        }
        given.push((
            "GATEPOST_UPSTREAM_ORGANIZATIONS",
            "0190a5d0-ac96-774b-bcce-b302099a8057",
        ));
        let sidecar = config(&given).unwrap().upstream.unwrap();
        assert_eq!(sidecar.upstream.products, ["midaz", "plugin-crm"]);
        assert_eq!(sidecar.organizations.len(), 1);
        assert!(!format!("{sidecar:?}").contains("hunter2"));
        given.push(("GATEPOST_UPSTREAM_ORGANIZATIONS", "acme"));
        assert!(config(&given).is_err());
    }

    #[test]
    fn keys_sign_for_ever_when_told_so() {
        let age = |days| config(&[("GATEPOST_SIGNING_KEY_DAYS", days)]).map(|c| c.signing_key_age);
        assert_eq!(age("0"), Ok(None));
        assert_eq!(age("2"), Ok(Some(Duration::from_hours(48))));
        let default = config(&[]).unwrap().signing_key_age;
        assert_eq!(default, Some(Duration::from_hours(90 * 24)));
    }

    #[test]
    fn memory_is_the_name_of_no_cache() {
        assert!(
            config(&[("GATEPOST_CACHE_URL", "memory")])
                .unwrap()
                .storage
                .cache_url
                .is_none()
        );
    }
}
