//! The store: two connection pools, and the doors that lead in.

use std::fs::File;
use std::sync::Arc;
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
                writer,
                reader,
            }),
        })
    }

    /// Brings the schema up to date, one replica at a time. A newer schema is refused.
    ///
    /// Runs as the owner of the tables when one is configured, and gives the serving role its
    /// rights.
    pub async fn migrate(&self, now: OffsetDateTime) -> Result<()> {
        let Inner {
            config,
            place,
            writer,
            ..
        } = &*self.inner;
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
            _ => migration::migrate(writer, None, now).await,
        }
    }

    /// Whether the schema is the one that this program needs.
    pub async fn check_schema(&self) -> Result<()> {
        migration::check(&self.inner.reader).await
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
            .open(&path)
            .map_err(|error| {
                StoreError::Setting(format!("cannot open {}: {error}", path.display()))
            })?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| StoreError::Locked)?;
        Ok(ServingLock { _file: Some(file) })
    }

    /// Whether the database answers, to readers and to writers.
    pub async fn ready(&self) -> Result<()> {
        self.inner.reader.ping().await?;
        // A writer of the embedded database may be at work: that is no outage.
        if !self.embedded() {
            self.inner.writer.ping().await?;
        }
        Ok(())
    }

    /// Whether the data lies in the data folder, and not on a server that others reach.
    pub fn embedded(&self) -> bool {
        matches!(self.inner.place, Place::Embedded(_))
    }

    /// Closes all connections; what is open is rolled back.
    pub async fn close(&self) {
        let _ = self.inner.writer.close_by_ref().await;
        let _ = self.inner.reader.close_by_ref().await;
    }

    /// An organization to read, as of one moment. `NotFound` when there is none.
    pub async fn read(&self, organization: OrganizationId) -> Result<Scope> {
        Scope::enter(self.begin_read().await?, organization, false).await
    }

    /// An organization to write: waits for other writers of it. `NotFound` when there is none.
    pub async fn write(&self, organization: OrganizationId) -> Result<Scope> {
        Scope::enter(self.begin_write().await?, organization, true).await
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

    /// A connection that broke while it was idle shows only now. Each try takes one such out of
    /// the pool, so this ends with a good one, or with the outage.
    async fn begin(&self, writes: bool) -> Result<DatabaseTransaction> {
        let Inner {
            config,
            writer,
            reader,
            ..
        } = &*self.inner;
        let mut tries = 0..config.connections_max;
        loop {
            let begin = async {
                if writes {
                    dialect::begin_write(writer).await
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
