//! Decisions in the product's own process: no call at all.
//!
//! A server feeds this process with what decisions about some products need. Whatever happens to
//! that server, answers are never made from knowledge older than the bound; past it there are
//! refusals with the reason `STALE`.
//!
//! ```no_run
//! # async fn example(token: &str) -> Result<(), gatepost_client::Error> {
//! use gatepost_client::local::{Ask, Local, LocalConfig, NO_ATTRIBUTES};
//!
//! let config = LocalConfig::new("http://127.0.0.1:4000", "client-id", "secret", &["midaz"]);
//! let gate = Local::connect(config).await?;
//! let ask = Ask {
//!     sub: "",
//!     product: "midaz",
//!     resource: "accounts",
//!     action: "get",
//!     attributes: &NO_ATTRIBUTES,
//! };
//! let answer = gate.may(token, &ask).await?;
//! println!("{} at revision {}, {:?} old", answer.reason, answer.revision, answer.freshness.age);
//! # Ok(())
//! # }
//! ```

use std::time::Duration;

use gatepost_core::OrganizationId;
pub use gatepost_core::mfa::Demand;
pub use gatepost_core::{Attributes, NO_ATTRIBUTES, Revision};
use gatepost_replica::clock::Clock;
pub use gatepost_replica::{Ask, Caller, Freshness, Want};
use gatepost_replica::{Remote, RemoteConfig, UpstreamConfig};
use tonic::Status;

use crate::error::Error;

/// The bound that servers have when nobody sets another.
const BOUND_DEFAULT: Duration = Duration::from_secs(1);
/// The budget that servers have when nobody sets another, in bytes.
const BUDGET_BYTES_DEFAULT: usize = 1 << 30;

/// Who feeds this process, and with what.
#[derive(Clone, Debug)]
pub struct LocalConfig(RemoteConfig);

impl LocalConfig {
    /// Fed by the server at `url` with these products, as a machine application that holds
    /// `gatepost/snapshots:<product>` for each.
    pub fn new(url: &str, client_id: &str, client_secret: &str, products: &[&str]) -> Self {
        Self(RemoteConfig {
            upstream: UpstreamConfig {
                url: url.to_owned(),
                authorities: None,
                client_id: client_id.to_owned(),
                client_secret: client_secret.into(),
                products: products.iter().map(|&product| product.to_owned()).collect(),
            },
            organizations: Vec::new(),
            bound: BOUND_DEFAULT,
            budget_bytes: BUDGET_BYTES_DEFAULT,
        })
    }

    /// How long it goes on without the server, and how long a revocation may take at the most; one
    /// second when nothing is said.
    #[must_use]
    pub fn with_bound(mut self, bound: Duration) -> Self {
        self.0.bound = bound;
        self
    }

    /// Bytes that snapshots may take, near enough; a gigabyte when nothing is said.
    #[must_use]
    pub fn with_budget(mut self, bytes: usize) -> Self {
        self.0.budget_bytes = bytes;
        self
    }

    /// PEM text of the certificates that vouch for the server, which `https` needs.
    #[must_use]
    pub fn with_authorities(mut self, pem: &str) -> Self {
        self.0.upstream.authorities = Some(pem.to_owned());
        self
    }

    /// Organizations to load before the first question; others are loaded when they are asked
    /// about.
    #[must_use]
    pub fn with_organizations(mut self, organizations: &[OrganizationId]) -> Self {
        self.0.organizations = organizations.to_vec();
        self
    }
}

/// A gate in this process. Dropping it ends the connection to the server.
pub struct Local {
    remote: Remote,
}

/// An answer, and what it was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether the subject may.
    pub allowed: bool,
    /// Why, in the words of the contract: `granted`, `denied`, `permission` …
    pub reason: &'static str,
    /// The revision of the organization that decided.
    pub revision: Revision,
    /// How fresh it is.
    pub freshness: Freshness,
    /// Of `stronger_sign_in`: what the sign-in must be like.
    pub demand: Option<Demand>,
}

impl Local {
    /// Connects to the server, and loads what every decision needs.
    ///
    /// # Errors
    /// [`Error::Refused`] when the server does not answer or does not feed this application.
    pub async fn connect(config: LocalConfig) -> Result<Self, Error> {
        let remote = Remote::open(config.0, Clock::System).await;
        Ok(Self {
            remote: remote.map_err(refused)?,
        })
    }

    /// Answers one question of the bearer of a token.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is no decision: the token is bad or has ended, the product or
    /// organization is not served here, or nothing fresh enough is known.
    pub async fn may(&self, token: &str, ask: &Ask<'_>) -> Result<Answer, Error> {
        let caller = self.authenticate(token, Want::default()).await?;
        Self::answer(&caller, ask)
    }

    /// Proves whose token it is, for several questions at one revision.
    ///
    /// # Errors
    /// As [`Local::may`].
    pub async fn authenticate(&self, token: &str, want: Want) -> Result<Caller, Error> {
        let caller = self.remote.gatekeeper.authenticate(token, want).await;
        caller.map_err(refused)
    }

    /// Answers a question of somebody who was authenticated.
    ///
    /// # Errors
    /// As [`Local::may`].
    pub fn answer(caller: &Caller, ask: &Ask<'_>) -> Result<Answer, Error> {
        let answer = caller.decide(ask).map_err(refused)?;
        Ok(Answer {
            allowed: answer.allowed,
            reason: answer.word(),
            revision: caller.present.revision(),
            freshness: caller.present.freshness,
            demand: answer.demand,
        })
    }

    /// Whether decisions can be made at all: for the product's own readiness probe.
    pub fn is_ready(&self) -> bool {
        self.remote.gatekeeper.snapshots.ready()
    }
}

fn refused(error: gatepost_replica::Error) -> Error {
    Error::from(Status::from(error))
}
