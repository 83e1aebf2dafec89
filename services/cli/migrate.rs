//! `gatepost migrate`: the database, brought to this version.

use anyhow::Result;

use crate::clock::Clock;
use crate::config::Config;
use crate::serve::open_store;

/// Migrates.
pub async fn migrate(config: Config) -> Result<()> {
    let store = open_store(&config.storage).await?;
    store.migrate(Clock::System.now()).await?;
    println!("the database is at this version");
    store.close().await;
    Ok(())
}
