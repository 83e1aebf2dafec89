//! The store: two connection pools, and the doors that lead in.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use gatepost_core::OrganizationId;
use rustix::fs::{FlockOperation, flock};
use sea_orm::{DatabaseConnection, DatabaseTransaction, TransactionTrait};
use time::OffsetDateTime;
use tokio::time::timeout;

use crate::config::StoreConfig;
use crate::dialect::{self, Door, Place};
use crate::error::{Result, StoreError, is_broken_connection};
use crate::failures::Failures;
use crate::feed::Feed;
use crate::marks::Marks;
use crate::migration;
use crate::scope::Scope;
use crate::sign_in::SignIn;

/// How long the database may take to say that a transaction has begun.
const SILENCE_MAX: Duration = Duration::from_secs(1);

/// Everything that Gatepost remembers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: StoreConfig,
    place: Place,
    pools: RwLock<Pools>,
}

/// Connections for writers and for readers.
#[derive(Debug, Clone)]
struct Pools {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
}

/// As long as it lives, no other server works on the same data folder.
#[derive(Debug)]
pub struct ServingLock {
    _file: Option<File>,
}

impl Store {
    /// Opens the database, and creates the embedded one when there is none. Does not migrate.
    pub async fn open(config: StoreConfig) -> Result<Self> {
        let place = Place::of(&config)?;
        let (writer, reader) = dialect::connect(&place, &config).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                config,
                place,
                pools: RwLock::new(Pools { writer, reader }),
            }),
        })
    }

    /// Leaves all connections to a server behind and makes new ones when they are needed.
    ///
    /// When the other end vanished without a word, as a machine does that lost its power, what
    /// waits for it waits for a quarter of an hour, and the pool with it. Whoever finds that the
    /// database has not answered for a while calls this; nobody who still works is disturbed.
    pub async fn leave_connections(&self) -> Result<()> {
        let Inner { config, place, .. } = &*self.inner;
        if let Place::Server(url) = place {
            let (writer, reader) = dialect::connect_later(url, config).await?;
            let pools = self.inner.pools.write();
            *pools.unwrap_or_else(PoisonError::into_inner) = Pools { writer, reader };
        }
        Ok(())
    }

    fn pools(&self) -> Pools {
        let pools = self.inner.pools.read();
        pools.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Brings the schema up to date, one replica at a time. A newer schema is refused.
    ///
    /// Runs as the owner of the tables when one is configured, and gives the serving role its
    /// rights.
    pub async fn migrate(&self, now: OffsetDateTime) -> Result<()> {
        let Inner { config, place, .. } = &*self.inner;
        match (place, &config.migration_url) {
            (Place::Server(url), Some(migration_url)) => {
                let role = dialect::role_of(url)?;
                let separate = role != dialect::role_of(migration_url)?;
                let owner = dialect::connect_owner(migration_url, config).await?;
                let done = migration::migrate(&owner, separate.then_some(role.as_str()), now).await;
                owner.close().await?;
                done
            }
            // Who only serves may have no right to migrate, and nothing to migrate either.
            _ if self.check_schema().await.is_ok() => Ok(()),
            _ => migration::migrate(&self.pools().writer, None, now).await,
        }
    }

    /// Whether the schema is the one that this program needs.
    pub async fn check_schema(&self) -> Result<()> {
        migration::check(&self.pools().reader).await
    }

    /// Keeps a second server off the data folder; `Locked` when there is one. A database server
    /// has its own locks, so replicas beside each other are no harm there.
    pub fn lock_for_serving(&self) -> Result<ServingLock> {
        if !self.embedded() {
            return Ok(ServingLock { _file: None });
        }
        let path = self.inner.config.data_dir.join("gatepost.lock");
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| {
                StoreError::Setting(format!("cannot open {}: {error}", path.display()))
            })?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| StoreError::Locked)?;
        Ok(ServingLock { _file: Some(file) })
    }

    /// Whether the database answers, to readers and to writers.
    pub async fn ready(&self) -> Result<()> {
        let pools = self.pools();
        pools.reader.ping().await?;
        // A writer of the embedded database may be at work: that is no outage.
        if !self.embedded() {
            pools.writer.ping().await?;
        }
        Ok(())
    }

    /// Whether the data lies in the data folder, and not on a server that others reach.
    pub fn embedded(&self) -> bool {
        matches!(self.inner.place, Place::Embedded(_))
    }

    /// Closes all connections; what is open is rolled back.
    pub async fn close(&self) {
        let pools = self.pools();
        let _ = pools.writer.close_by_ref().await;
        let _ = pools.reader.close_by_ref().await;
    }

    /// An organization to read, as of one moment. `NotFound` when there is none.
    pub async fn read(&self, organization: OrganizationId) -> Result<Scope> {
        Scope::enter(self.begin_read().await?, organization, false).await
    }

    /// An organization to write: waits for other writers of it. `NotFound` when there is none.
    pub async fn write(&self, organization: OrganizationId) -> Result<Scope> {
        Scope::enter(self.begin_write().await?, organization, true).await
    }

    /// An organization to write what is no part of its revisions, beside its other writers: it
    /// ends with [`Scope::finish`]. `NotFound` when there is none.
    pub async fn beside(&self, organization: OrganizationId) -> Result<Scope> {
        Scope::enter(self.begin_write().await?, organization, false).await
    }

    /// Looks up who signs in, across organizations, as of one moment.
    pub async fn sign_in(&self) -> Result<SignIn> {
        let transaction = self.begin_read().await?;
        dialect::open_door(&transaction, Door::SignIn).await?;
        Ok(SignIn::new(transaction))
    }

    /// Failed sign-ins, by account and address.
    pub fn failures(&self) -> Failures<'_> {
        Failures::new(self)
    }

    /// What works once and was used.
    pub fn marks(&self) -> Marks<'_> {
        Marks::new(self)
    }

    /// Reads what snapshots are made of, across organizations.
    pub fn feed(&self) -> Feed<'_> {
        Feed::new(self)
    }

    /// Begins a transaction that sees one moment.
    pub(crate) async fn begin_read(&self) -> Result<DatabaseTransaction> {
        self.begin(false).await
    }

    /// Begins a transaction that may write.
    pub(crate) async fn begin_write(&self) -> Result<DatabaseTransaction> {
        self.begin(true).await
    }

    /// Begins one that writes the state of sign-ins, which is no organization's.
    pub(crate) async fn begin_sign_in_write(&self) -> Result<DatabaseTransaction> {
        let transaction = self.begin_write().await?;
        dialect::open_door(&transaction, Door::SignIn).await?;
        Ok(transaction)
    }

    /// A connection that broke while it was idle shows only now. Each try takes one such out of
    /// the pool, so this ends with a good one, or with the outage.
    async fn begin(&self, writes: bool) -> Result<DatabaseTransaction> {
        let config = &self.inner.config;
        let Pools { writer, reader } = self.pools();
        let mut tries = 0..config.connections_max;
        loop {
            let begin = async {
                if writes {
                    dialect::begin_write(&writer).await
                } else {
                    reader.begin().await
                }
            };
            // Waiting for a connection and for a lock is within `wait_max`. What takes longer is a
            // connection whose other end vanished without a word.
            match timeout(config.wait_max + SILENCE_MAX, begin).await {
                Ok(Err(error)) if is_broken_connection(&error) && tries.next().is_some() => {}
                Ok(done) => return Ok(done?),
                Err(silence) => return Err(StoreError::unavailable(silence)),
            }
        }
    }
}
