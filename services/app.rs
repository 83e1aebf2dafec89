//! The parts of the program, made once at the start and shared by every request.

use std::sync::Arc;

use gatepost_core::OrganizationId;
use gatepost_replica::Gatekeeper;
use gatepost_store::{Bus, Cache, Revision, Scope, Store};

use crate::auth::{self, BackChannel, Clients};
use crate::clock::Clock;
use crate::config::{MfaConfig, SignInConfig};
use crate::context::Audit;
use crate::delivery::Delivery;
use crate::error::Result;
use crate::passkey::RelyingParty;
use crate::password::Passwords;
use crate::seal::Sealer;
use crate::token::{Rotation, Signer};

/// The parts.
pub struct App {
    /// Everything that is remembered.
    pub store: Store,
    /// Counters of volume; may forget everything at any moment.
    pub cache: Cache,
    /// Hints to other replicas; may lose every one.
    pub bus: Arc<Bus>,
    /// The time.
    pub clock: Clock,
    /// The master key.
    pub sealer: Arc<Sealer>,
    /// Signs tokens.
    pub signer: Signer,
    /// When the keys that sign follow each other.
    pub rotation: Rotation,
    /// Proves who calls, and decides.
    pub gatekeeper: Arc<Gatekeeper>,
    /// Checks passwords.
    pub passwords: Passwords,
    /// Sends messages to people.
    pub delivery: Delivery,
    /// Tells applications of sessions that ended.
    pub back_channel: BackChannel,
    /// Applications that proved themselves lately.
    pub clients: Clients,
    /// The issuer of tokens.
    pub public_url: String,
    /// The organization whose issuer that is.
    pub default_organization: OrganizationId,
    /// Whether organizations may be created.
    pub multi_tenant: bool,
    /// Lifetimes and limits of sign-ins.
    pub sign_in: SignInConfig,
    /// Limits of second factors.
    pub mfa: MfaConfig,
    /// Who passkeys are made for; nobody where the public URL does not allow any.
    pub passkeys: Option<RelyingParty>,
}

impl App {
    /// Commits a write with its audit record, tells the other replicas, and lets this one see it
    /// before the caller is answered. Applications whose sessions ended by it are told later.
    ///
    /// # Errors
    /// What the store answers; then nothing was written.
    pub async fn commit(&self, tx: Scope, audit: Audit) -> Result<Revision> {
        let (own, present) = (tx.organization(), tx.revision());
        let ended = auth::ending(&tx).await?;
        let made = tx.commit_all(audit.into_draft()).await?;
        for (organization, revision) in &made {
            self.bus.hint(*organization);
            self.gatekeeper
                .snapshots
                .see(*organization, *revision)
                .await;
        }
        auth::tell(self, ended).await;
        let last = made.iter().rev().find(|(at, _)| *at == own);
        Ok(last.map_or(present, |(_, revision)| *revision))
    }

    /// Every organization there is.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn organizations(&self) -> Result<Vec<OrganizationId>> {
        let system = self.gatekeeper.snapshots.system();
        let tx = self.store.read(system).await?;
        Ok(tx.organizations().ids().await?)
    }
}
