//! A gate that is fed by an upstream server: what a sidecar is, and a product that decides itself.

use std::sync::Arc;
use std::time::Duration;

use gatepost_core::OrganizationId;
use gatepost_proto::ErrorReason;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::error::Result;
use crate::gatekeeper::Gatekeeper;
use crate::present::Want;
use crate::snapshots::{SnapshotConfig, Snapshots};
use crate::upstream::{Upstream, UpstreamConfig};
use crate::verify::Verifier;

/// How long an organization that must be there may take to load.
const LOAD_MAX: Duration = Duration::from_mins(2);

/// How a gate is fed.
#[derive(Clone, Debug)]
pub struct RemoteConfig {
    /// By whom.
    pub upstream: UpstreamConfig,
    /// Organizations that must be there before it opens; others are loaded when they are asked for.
    pub organizations: Vec<OrganizationId>,
    /// How old the knowledge behind a decision may be: for so long it goes on without the upstream
    /// server, and so long a revocation may take.
    pub bound: Duration,
    /// Bytes that all snapshots together may take, near enough.
    pub budget_bytes: usize,
}

/// A gate that is fed by an upstream server, for as long as this lives.
pub struct Remote {
    /// The gate.
    pub gatekeeper: Arc<Gatekeeper>,
    /// The issuer of the tokens that it reads.
    pub issuer: String,
    following: JoinHandle<()>,
}

impl Remote {
    /// Asks for what must be known of the installation, loads the organizations that must be there,
    /// and follows them from then on.
    ///
    /// # Errors
    /// What stands in the way, with its cause.
    pub async fn open(config: RemoteConfig, clock: Clock) -> Result<Self> {
        let products = config.upstream.products.clone();
        let upstream = Arc::new(Upstream::new(config.upstream, clock.clone())?);
        let installation = upstream.installation().await?;
        let snapshots = Snapshots::open(
            upstream,
            clock.clone(),
            SnapshotConfig {
                system: installation.system,
                bound: config.bound,
                single_tenant: installation.single_tenant,
                budget_bytes: config.budget_bytes,
                products: Some(products.into()),
                serves_system: installation.serves_system,
            },
        )
        .await?;
        let following = tokio::spawn(Arc::clone(&snapshots).follow());
        let verifier = Verifier::new(
            installation.issuer.clone(),
            installation.access_token,
            clock.clone(),
            Arc::clone(&snapshots),
        );
        let remote = Self {
            gatekeeper: Arc::new(Gatekeeper {
                snapshots,
                verifier,
                clock,
            }),
            issuer: installation.issuer,
            following,
        };
        for organization in config.organizations {
            remote.load(organization).await?;
        }
        Ok(remote)
    }
}

impl Remote {
    /// Waits until an organization is there, which takes a while if it is large.
    async fn load(&self, organization: OrganizationId) -> Result<()> {
        let begun = Instant::now();
        loop {
            let present = self.gatekeeper.snapshots.get(organization, Want::default());
            match present.await {
                Err(error) if error.reason() == ErrorReason::Stale => {
                    if begun.elapsed() > LOAD_MAX {
                        return Err(error);
                    }
                }
                other => return other.map(drop),
            }
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.following.abort();
    }
}
