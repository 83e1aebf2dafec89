//! Where the store's data is.

use std::path::PathBuf;
use std::time::Duration;

/// How to open a store.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Address of a database server, or of a file; `None` is `gatepost.db` in the data folder.
    pub url: Option<String>,
    /// Where migrations run, as the owner of the tables; `None`: as the serving role.
    pub migration_url: Option<String>,
    /// The data folder: the embedded database and the lock file.
    pub data_dir: PathBuf,
    /// Most connections to a server, readers and writers together; at least 2.
    pub connections_max: u32,
    /// Connections that are kept open for reading.
    pub connections_min: u32,
    /// Longest wait for a connection, and for a lock.
    pub wait_max: Duration,
}

impl StoreConfig {
    /// The embedded database in a data folder.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            url: None,
            migration_url: None,
            data_dir: data_dir.into(),
            connections_max: 16,
            connections_min: 1,
            wait_max: Duration::from_secs(5),
        }
    }
}
