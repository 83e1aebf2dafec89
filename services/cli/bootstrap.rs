//! `gatepost bootstrap FILE…`: product manifests from files.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use gatepost_core::manifest::{Manifest, diff};
use gatepost_store::Store;

use crate::bootstrap::record;
use crate::clock::Clock;
use crate::config::Config;
use crate::manifests;
use crate::serve::open_store;

/// Publishes the manifests, makes their groups in every organization, and says what changed.
pub async fn bootstrap(config: Config, files: Vec<PathBuf>) -> Result<()> {
    let mut manifests = Vec::with_capacity(files.len());
    for file in files {
        let name = file.display();
        let text = std::fs::read_to_string(&file).with_context(|| format!("`{name}`"))?;
        manifests.push(manifests::parse(&text).with_context(|| format!("`{name}`"))?);
    }
    let store = open_store(&config.storage).await?;
    store.check_schema().await?;
    let Some(installation) = store.installation().await? else {
        bail!("there is no installation yet; start `gatepost serve` once");
    };
    let system = installation.system_organization;
    let now = Clock::System.now();
    let tx = store.write(system).await?;
    for manifest in &manifests {
        let before = tx.manifests().get(&manifest.service).await?;
        let before = before
            .map(|before| manifests::document(&before))
            .transpose()?;
        let (_, changed) = manifests::publish(&tx, manifest, now).await?;
        report(manifest, &before.unwrap_or_default(), changed);
    }
    tx.commit(record("manifest.publish", now)).await?;
    furnish(&store, system, &manifests).await?;
    store.close().await;
    Ok(())
}

fn report(manifest: &Manifest, before: &Manifest, changed: bool) {
    if !changed {
        println!("{}: nothing changed", manifest.service);
        return;
    }
    let mut difference = diff(before, manifest);
    // A permission that is only declared changes nobody's access.
    difference.added.retain(|line| line.role.is_some());
    difference.removed.retain(|line| line.role.is_some());
    println!(
        "{}: {} permissions added, {} removed",
        manifest.service,
        difference.added.len(),
        difference.removed.len()
    );
    let routes = [
        difference.routes_added.len(),
        difference.routes_removed.len(),
    ];
    if routes != [0, 0] {
        let [added, removed] = routes;
        println!(
            "{}: {added} routes added, {removed} removed",
            manifest.service
        );
    }
    for (sign, lines) in [('+', difference.added), ('-', difference.removed)] {
        for line in lines {
            let (role, permission) = (line.role.unwrap_or_default(), line.permission);
            println!(
                "  {sign} {}:{} for {role}",
                permission.resource, permission.action
            );
        }
    }
}

/// Makes the groups where they are missing. What an administrator added stays.
async fn furnish(
    store: &Store,
    system: gatepost_core::OrganizationId,
    manifests: &[Manifest],
) -> Result<()> {
    let organizations = store.read(system).await?.organizations().ids().await?;
    for organization in organizations {
        let now = Clock::System.now();
        let tx = store.write(organization).await?;
        manifests::furnish(&tx, manifests, now).await?;
        let changed = tx.changes().len();
        let name = tx.organizations().own().await?.slug;
        tx.commit(record("manifest.furnish", now)).await?;
        if changed > 0 {
            println!("organization {name}: {changed} groups and grants added");
        }
    }
    Ok(())
}
