//! `gatepost rotate-keys`: the next signing keys, without a server or an administrator.

use anyhow::{Result, bail};
use gatepost_core::Algorithm;
use secrecy::ExposeSecret;
use time::format_description::well_known::Rfc3339;

use crate::bootstrap::record;
use crate::clock::Clock;
use crate::config::Config;
use crate::seal::Sealer;
use crate::serve::{master_key, open_store};
use crate::token::{self, Rotation};

/// Makes the next key of each algorithm, or withdraws the present ones, and tells the audit log. A
/// running server feels it within its staleness bound.
pub async fn rotate_keys(config: Config, immediately: bool) -> Result<()> {
    let store = open_store(&config.storage).await?;
    store.check_schema().await?;
    let Some(installation) = store.installation().await? else {
        bail!("there is no installation yet; start `gatepost serve` once");
    };
    let sealer = Sealer::new(master_key(&store, &config.storage)?.expose_secret())?;
    if installation.master_key_check != sealer.check_value() {
        // No server could open what this one seals.
        bail!("this is not the master key that the installation was made with");
    }
    let made = token::make(&Algorithm::ALL, &sealer, Clock::System.now())?;
    let tx = store.write(installation.system_organization).await?;
    let now = Clock::System.now();
    if immediately {
        Rotation::replace(&tx, &made).await?;
    } else {
        Rotation::new(&config).join(&tx, made, now).await?;
    }
    let keys = tx.keys().list().await?;
    let changed = tx.changed();
    tx.commit(record("signing_key.rotate", now)).await?;
    if !changed {
        println!("nothing changed: the next keys are on their way already");
    }
    for key in keys.iter().filter(|key| key.retired_at.is_none()) {
        let from = key.signs_from.unwrap_or(key.created_at);
        println!(
            "{} {} signs from {}",
            key.algorithm,
            key.kid,
            from.replace_nanosecond(0)?.format(&Rfc3339)?
        );
    }
    store.close().await;
    Ok(())
}
