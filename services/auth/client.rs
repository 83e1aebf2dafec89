//! Applications that prove themselves with a secret, and those that cannot keep one.

use std::sync::Arc;

use gatepost_core::claims::{Principal, liveness};
use gatepost_core::{OrganizationId, Revision, Status};
use gatepost_proto::ErrorReason;
use gatepost_replica::{Present, Want};
use gatepost_store::{Application, Credential, GrantType, Organization, Proof};
use quick_cache::sync::Cache;
use subtle::ConstantTimeEq;

use super::issue::require_active;
use crate::app::App;
use crate::attempts::Attempts;
use crate::context::Gate;
use crate::error::{Error, Result};
use crate::seal::CLIENT_SECRET;

/// Clients that are remembered; each takes about a kilobyte.
const REMEMBERED_MAX: usize = 10_000;

/// An application that proved itself with one of its secrets.
#[derive(Debug)]
pub struct Client {
    /// Its organization.
    pub organization: Organization,
    /// The application.
    pub application: Application,
    /// The secret that it used; none of a public application.
    pub credential: Option<Credential>,
}

/// What was proved lately.
#[derive(Debug)]
pub struct Clients {
    /// By the keyed hash of client id and secret.
    remembered: Cache<Vec<u8>, Remembered>,
}

#[derive(Debug, Clone)]
struct Remembered {
    client: Arc<Client>,
    /// The revision of its organization that it is of.
    revision: Revision,
}

impl Default for Clients {
    fn default() -> Self {
        Self {
            remembered: Cache::new(REMEMBERED_MAX),
        }
    }
}

impl Client {
    /// Finds the client and checks its secret; the same work and the same answer whether the id
    /// or the secret is wrong.
    ///
    /// # Errors
    /// `CLIENT_INVALID`, `APPLICATION_SUSPENDED`, `ORGANIZATION_SUSPENDED`.
    pub async fn prove(app: &App, client_id: &str, secret: &str) -> Result<Arc<Self>> {
        let sign_in = app.store.sign_in().await?;
        let found = sign_in.application_by_client_id(client_id).await?;
        let presented = app.sealer.hash(CLIENT_SECRET, secret);
        let wrong = || Error::new(ErrorReason::ClientInvalid, "wrong client id or secret");
        let (organization, application, credentials) = found.ok_or_else(wrong)?;
        let credential = credentials
            .into_iter()
            .find(|credential| match &credential.proof {
                Proof::Secret(hash) => same(hash, &presented),
                Proof::PublicKey(_) => false,
            })
            .ok_or_else(wrong)?;
        Self::standing(organization, application, Some(credential))
    }

    /// Finds a public application, which has nothing to prove itself with (RFC 6749 §2.1).
    ///
    /// # Errors
    /// `CLIENT_INVALID`, `APPLICATION_SUSPENDED`, `ORGANIZATION_SUSPENDED`.
    pub async fn public(app: &App, client_id: &str) -> Result<Arc<Self>> {
        let sign_in = app.store.sign_in().await?;
        let found = sign_in.application_by_client_id(client_id).await?;
        let (organization, application, _) = found
            .filter(|(_, application, _)| application.settings.public)
            .ok_or_else(|| Error::new(ErrorReason::ClientInvalid, "wrong client id or secret"))?;
        Self::standing(organization, application, None)
    }

    /// Refuses a grant that the application may not use.
    ///
    /// # Errors
    /// `GRANT_TYPE_REFUSED`.
    pub fn require(&self, grant: GrantType) -> Result<()> {
        let is_own = grant == GrantType::ClientCredentials;
        // What anybody can say for it is no grant of its own.
        let can = !is_own || self.credential.is_some();
        if can && self.application.settings.allows(grant) {
            return Ok(());
        }
        let message = format!("the application may not use `{}`", grant.name());
        Err(Error::new(ErrorReason::GrantTypeRefused, message))
    }

    /// A client that proved itself, if it may be used.
    ///
    /// # Errors
    /// `APPLICATION_SUSPENDED`, `ORGANIZATION_SUSPENDED`.
    pub(super) fn standing(
        organization: Organization,
        application: Application,
        credential: Option<Credential>,
    ) -> Result<Arc<Self>> {
        if application.status == Status::Suspended {
            let message = "the application is suspended";
            return Err(Error::new(ErrorReason::ApplicationSuspended, message));
        }
        require_active(&organization)?;
        Ok(Arc::new(Self {
            organization,
            application,
            credential,
        }))
    }

    /// As [`Client::prove`], counting failures against the client and its address, and with what
    /// is known of its organization now.
    ///
    /// Who proved itself is not looked up again while nothing changes in its organization.
    ///
    /// # Errors
    /// As [`Client::prove`]; `TOO_MANY_ATTEMPTS`; and `UNAVAILABLE`.
    pub async fn enter(gate: &Gate, client_id: &str, secret: &str) -> Result<(Arc<Self>, Present)> {
        let app = &gate.app;
        let key = key(app, client_id, secret);
        let (entered, revision) = Self::recall(app, &key).await?;
        match entered {
            Some(entered) => Ok(entered),
            None => Box::pin(Self::enter_anew(gate, client_id, secret, key, revision)).await,
        }
    }

    /// As [`Client::enter`], of one that is not remembered as it is now. `revision` is where its
    /// organization stood before; 0 of one that never proved itself with this secret.
    async fn enter_anew(
        gate: &Gate,
        client_id: &str,
        secret: &str,
        key: Vec<u8>,
        revision: Revision,
    ) -> Result<(Arc<Self>, Present)> {
        let app = &gate.app;
        // Who has proved itself with this very secret is not held up by what strangers try.
        if revision > 0
            && let Ok(client) = Self::prove(app, client_id, secret).await
        {
            return client.remember(app, key, revision).await;
        }
        let attempts =
            Attempts::begin(app, client_id, None, gate.arrival.address, gate.now).await?;
        let proven = Self::prove(app, client_id, secret).await;
        if proven
            .as_ref()
            .is_err_and(|error| error.reason() == ErrorReason::ClientInvalid)
        {
            attempts.client_failed(app, gate.now).await?;
        }
        proven?.remember(app, key, revision).await
    }

    /// Notes that it proved itself, as it is at a revision or later.
    async fn remember(
        self: Arc<Self>,
        app: &App,
        key: Vec<u8>,
        revision: Revision,
    ) -> Result<(Arc<Self>, Present)> {
        let present = self.known(app).await?;
        let client = Arc::clone(&self);
        let remembered = Remembered { client, revision };
        app.clients.remembered.insert(key, remembered);
        Ok((self, present))
    }

    /// Who proved itself lately with this secret and still may, and what is known of its
    /// organization.
    ///
    /// # Errors
    /// `UNAVAILABLE`.
    pub async fn remembered(
        app: &App,
        client_id: &str,
        secret: &str,
    ) -> Result<Option<(Arc<Self>, Present)>> {
        Ok(Self::recall(app, &key(app, client_id, secret)).await?.0)
    }

    /// Who is remembered, if nothing was written in the organization since; and where that stood
    /// before anybody looks it up again, so that what is read then is of that revision or later.
    /// Of whom nothing is remembered, nobody knows the organization: 0, where nothing ever stands.
    async fn recall(app: &App, key: &[u8]) -> Result<(Option<(Arc<Self>, Present)>, Revision)> {
        let Some(Remembered { client, revision }) = app.clients.remembered.get(key) else {
            return Ok((None, 0));
        };
        let present = known(app, client.organization.id, Want::default()).await?;
        let now = present.revision();
        // Whoever does not stand any more is told why by what looks it up.
        let lives = |principal| liveness(present.view(), principal).is_ok();
        let stands = now == revision && client.principal().is_some_and(lives);
        Ok((stands.then_some((client, present)), now))
    }

    /// A snapshot that knows it. The revision is read after the credential was found, so that a
    /// replica that knows it knows the credential too.
    ///
    /// # Errors
    /// `UNAVAILABLE`.
    pub(super) async fn known(&self, app: &App) -> Result<Present> {
        let organization = self.organization.id;
        let revision = app.store.read(organization).await?.revision();
        known(app, organization, Want::at_least(revision)).await
    }

    /// Who a token of its own speaks of.
    fn principal(&self) -> Option<Principal> {
        let credential = self.credential.as_ref()?;
        Some(Principal::Application {
            organization: self.organization.id,
            application: self.application.id,
            credential: credential.id,
        })
    }
}

/// What a client is remembered by.
fn key(app: &App, client_id: &str, secret: &str) -> Vec<u8> {
    let both = format!("{client_id}\n{secret}");
    app.sealer.hash(CLIENT_SECRET, both)
}

async fn known(app: &App, organization: OrganizationId, want: Want) -> Result<Present> {
    Ok(app.gatekeeper.snapshots.get(organization, want).await?)
}

fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}
