//! `gatepost reset-password`: a way back in when the administrator is lost.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, Result, bail};
use gatepost_core::name::key;
use gatepost_store::{Organization, Store, User};
use secrecy::{ExposeSecret, SecretString};

use crate::bootstrap::operator;
use crate::clock::Clock;
use crate::config::Config;
use crate::context::{Arrival, Audit};
use crate::password::{NewPassword, Passwords};
use crate::seal::new_secret;
use crate::serve::open_store;

/// Sets a new password, ends all sessions, and tells the audit log. A running server feels it
/// within its staleness bound.
pub async fn reset_password(
    config: Config,
    user: String,
    organization: Option<String>,
) -> Result<()> {
    let store = open_store(&config.storage).await?;
    store.check_schema().await?;
    let (organization, user) = find(&store, &user, organization.as_deref()).await?;
    let (password, generated) = password()?;
    let passwords = Passwords::new(&config.passwords)?;
    let tx = store.read(organization.id).await?;
    let former = passwords.remembered(&tx, &user).await?;
    drop(tx);
    let new = NewPassword {
        password: password.expose_secret(),
        username: &user.username,
        email: user.email.as_deref().unwrap_or_default(),
        former,
    };
    let hash = passwords.accept(new).await?;
    let now = Clock::System.now();
    let tx = store.write(organization.id).await?;
    tx.users()
        .set_password(user.id, hash, passwords.former_max(), now)
        .await?;
    let until = config.sign_in.last_token_ends(now);
    tx.sessions()
        .end_all_of_user(user.id, None, now, until)
        .await?;
    let mut audit = Audit::new(operator(), "user.reset_password", now, &Arrival::inside());
    audit.target("user", user.id);
    tx.commit(audit.into_draft()).await?;
    println!(
        "{} of {} has a new password; all sessions ended",
        user.username, organization.slug
    );
    if generated {
        println!("password: {}", password.expose_secret());
    }
    store.close().await;
    Ok(())
}

/// A password from standard input, or a random one when somebody sits there.
fn password() -> Result<(SecretString, bool)> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        std::io::stdout().flush()?;
        return Ok((SecretString::from(new_secret("")?), true));
    }
    let mut line = String::new();
    stdin
        .lock()
        .read_line(&mut line)
        .context("cannot read the password")?;
    match line.trim_end_matches(['\r', '\n']) {
        "" => Ok((SecretString::from(new_secret("")?), true)),
        given => Ok((SecretString::from(given), false)),
    }
}

async fn find(
    store: &Store,
    username: &str,
    organization: Option<&str>,
) -> Result<(Organization, User)> {
    let found = store
        .sign_in()
        .await?
        .users_by_username(&key(username))
        .await?;
    let wanted = |one: &(Organization, User)| organization.is_none_or(|slug| one.0.slug == slug);
    let mut found: Vec<_> = found.into_iter().filter(wanted).collect();
    if found.len() > 1 {
        let slugs: Vec<&str> = found.iter().map(|(one, _)| one.slug.as_str()).collect();
        bail!(
            "several organizations have `{username}`: give --organization ({})",
            slugs.join(", ")
        );
    }
    found
        .pop()
        .with_context(|| format!("there is no user `{username}`"))
}
