//! `gatepost add-provider`: who carries an organization's messages, on the database's own machine.

use std::io::BufRead;

use anyhow::{Context, Result, anyhow, bail};
use gatepost_store::{Channel, MessageProvider};
use secrecy::{ExposeSecret, SecretString};

use super::Carrier;
use crate::bootstrap::operator;
use crate::clock::{Clock, new_id};
use crate::config::Config;
use crate::context::{Arrival, Audit};
use crate::delivery::{Provider, Secrets};
use crate::outbound::ChosenBy;
use crate::seal::Sealer;
use crate::serve::{master_key, open_store};

/// Stores the provider: as the organization's default, or for one application alone. A running
/// server uses it from the next message on.
pub async fn add_provider(config: Config, given: Carrier) -> Result<()> {
    let channel = match given.channel.as_str() {
        "mail" => Channel::Mail,
        "sms" => Channel::Sms,
        other => bail!("`{other}`: a channel is `mail` or `sms`"),
    };
    let (url, from) = (&given.url, &given.from);
    let provider = Provider::new(channel, url, from, secrets()?, ChosenBy::Organization)
        .map_err(|why| anyhow!("`{url}`: {why}"))?;
    let store = open_store(&config.storage).await?;
    store.check_schema().await?;
    let installation = store.installation().await?;
    let installation = installation.context("there is no installation yet; start it once")?;
    let sealer = Sealer::new(master_key(&store, &config.storage)?.expose_secret())?;
    if installation.master_key_check != sealer.check_value() {
        // No server could open what this one seals.
        bail!("this is not the master key that the installation was made with");
    }
    let sign_in = store.sign_in().await?;
    let organization = sign_in
        .organization_by_slug(&given.organization)
        .await?
        .with_context(|| format!("there is no organization `{}`", given.organization))?;
    let application = match &given.client_id {
        None => None,
        Some(client_id) => {
            let found = sign_in.application_by_client_id(client_id).await?;
            let found = found.filter(|(owner, _, _)| owner.id == organization.id);
            let (_, application, _) =
                found.with_context(|| format!("it has no application `{client_id}`"))?;
            Some(application.id)
        }
    };
    drop(sign_in);
    let now = Clock::System.now();
    let (settings, sealed_secrets) = provider.seal(&sealer, organization.id)?;
    let stored = MessageProvider {
        id: new_id(now),
        channel,
        name: given.name,
        settings,
        sealed_secrets,
        is_default: application.is_none(),
        created_at: now,
    };
    let tx = store.write(organization.id).await?;
    tx.message_providers().insert(&stored).await?;
    if let Some(application) = application {
        tx.message_providers().link(application, stored.id).await?;
    }
    let mut audit = Audit::new(operator(), "provider.create", now, &Arrival::inside());
    audit.target("provider", stored.id);
    tx.commit(audit.into_draft()).await?;
    println!("{} carries messages of {}", stored.name, organization.slug);
    store.close().await;
    Ok(())
}

/// From standard input: the password, key or token in the first line, what requests are signed with
/// in the second. Either may be empty.
fn secrets() -> Result<Secrets> {
    let mut lines = std::io::stdin().lock().lines();
    let mut next = || -> Result<Option<SecretString>> {
        let line = lines.next().transpose();
        let line = line.context("cannot read the secrets")?.unwrap_or_default();
        Ok((!line.is_empty()).then(|| SecretString::from(line)))
    };
    Ok(Secrets {
        password: next()?,
        signing: next()?,
    })
}
