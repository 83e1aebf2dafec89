//! The first start: an installation out of an empty database, once, however many replicas start.

use gatepost_core::manifest::Manifest;
use gatepost_core::name::{Slug, Username, key};
use gatepost_core::{
    Algorithm, GrantSubject, Member, ORGANIZATION_SYSTEM, OrganizationId, PRODUCT_GATEPOST,
    PRODUCT_SYSTEM, Status, UserId,
};
use gatepost_store::{
    Actor, AuditDraft, Grant, Installation, Organization, PasswordHash, Role, Scope, Store, User,
};
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;

use crate::clock::new_id;
use crate::config::Config;
use crate::context::{Arrival, Audit};
use crate::error::{Error, Result};
use crate::manifests;
use crate::password::Passwords;
use crate::seal::{Sealer, new_secret};
use crate::token;

/// The group whose members administer an organization.
const ADMIN_GROUP: &str = "admin-group";
/// The role that rules the installation.
const SYSTEM_ADMINISTRATOR: &str = "gatepost-system-administrator-role";

/// What a start found or made.
pub struct Started {
    /// What the first start decided.
    pub installation: Installation,
    /// What to tell the operator, when this was the first start.
    pub first: Option<First>,
}

/// What a first start made.
pub struct First {
    /// The administrator's username.
    pub username: String,
    /// Her password, when it was not given by a setting.
    pub password: Option<SecretString>,
}

/// Makes the installation if there is none, and brings what belongs to the program up to date.
///
/// # Errors
/// A setting that cannot be used, or what the store answers.
pub async fn start(
    store: &Store,
    sealer: &Sealer,
    passwords: &Passwords,
    config: &Config,
    now: OffsetDateTime,
) -> Result<Started> {
    if let Some(installation) = store.installation().await? {
        let system = installation.system_organization;
        refresh_own_manifests(store, system, now).await?;
        let first = if config.multi_tenant {
            ensure_system_administrator(store, system, passwords, config, now).await?
        } else {
            None
        };
        return Ok(Started {
            installation,
            first,
        });
    }
    let first = found(store, sealer, passwords, config, now).await?;
    let installation = store.installation().await?;
    let installation =
        installation.ok_or_else(|| Error::internal("the installation was not made"))?;
    Ok(Started {
        installation,
        first,
    })
}

async fn found(
    store: &Store,
    sealer: &Sealer,
    passwords: &Passwords,
    config: &Config,
    now: OffsetDateTime,
) -> Result<Option<First>> {
    let (administrator, first) = first_administrator(passwords, config, now).await?;
    // Keys are slow to make, so they are made before anything is locked.
    let keys = token::make(&Algorithm::ALL, sealer, now)?;

    let system = organization(ORGANIZATION_SYSTEM, "System", now)?;
    let default = organization(&config.bootstrap.organization, "Default", now)?;
    let single = !config.multi_tenant;
    let installation = Installation {
        public_url: config.public_url_or_default(),
        master_key_check: sealer.check_value(),
        system_organization: system.id,
        default_organization: if single { default.id } else { system.id },
        created_at: now,
    };
    let Some(mut tx) = store.found(&installation, &system).await? else {
        return Ok(None);
    };
    for key in &keys {
        tx.keys().insert(key).await?;
    }
    let manifests = manifests::embedded()?;
    for manifest in &manifests {
        manifests::publish(&tx, manifest, now).await?;
    }
    if single {
        manifests::furnish(&tx, &manifests, now).await?;
        tx.organizations().insert(&default).await?;
        tx.continue_in(default.id, record("installation.found", now))
            .await?;
    }
    // Where there is one organization only, its administrator rules the installation too.
    furnish_new(&tx, &administrator, now).await?;
    let role = system_role(&tx).await?;
    tx.grants()
        .give(&Grant::plain(GrantSubject::User(administrator.id), role.id))
        .await?;
    tx.commit(record("installation.found", now)).await?;
    Ok(Some(first))
}

/// An installation that was made for one organization and now serves many has its administrator in
/// that one, where rule over the installation does not count any more. Somebody must have it.
async fn ensure_system_administrator(
    store: &Store,
    system: OrganizationId,
    passwords: &Passwords,
    config: &Config,
    now: OffsetDateTime,
) -> Result<Option<First>> {
    let tx = store.read(system).await?;
    let role = system_role(&tx).await?;
    if is_held(&tx, &role, now).await? {
        return Ok(None);
    }
    drop(tx);
    let (administrator, first) = first_administrator(passwords, config, now).await?;
    let tx = store.write(system).await?;
    if is_held(&tx, &role, now).await? {
        return Ok(None);
    }
    furnish_new(&tx, &administrator, now).await?;
    tx.grants()
        .give(&Grant::plain(GrantSubject::User(administrator.id), role.id))
        .await?;
    tx.commit(record("installation.open", now)).await?;
    Ok(Some(first))
}

async fn is_held(tx: &Scope, role: &Role, now: OffsetDateTime) -> Result<bool> {
    let given = tx.grants().of_role(role.id).await?;
    let now_s = now.unix_timestamp();
    Ok(given.iter().any(|grant| !grant.is_expired(now_s)))
}

async fn system_role(tx: &Scope) -> Result<Role> {
    let role = tx.roles().by_name(SYSTEM_ADMINISTRATOR).await?;
    role.ok_or_else(|| Error::internal("a published role is missing"))
}

/// The administrator that the settings describe, and what to tell of her.
async fn first_administrator(
    passwords: &Passwords,
    config: &Config,
    now: OffsetDateTime,
) -> Result<(User, First)> {
    let given = config.bootstrap.password.clone();
    let password = match &given {
        Some(password) => password.clone(),
        None => SecretString::from(new_secret("")?),
    };
    let hash = passwords.hash(password.expose_secret()).await?;
    let user = administrator(&config.bootstrap.username, hash, now)?;
    let username = user.username.clone();
    let password = given.is_none().then_some(password);
    Ok((user, First { username, password }))
}

/// Gives a new organization the groups of every manifest, and its first administrator.
///
/// # Errors
/// What the store answers.
pub async fn furnish_new(tx: &Scope, administrator: &User, now: OffsetDateTime) -> Result<()> {
    let published = tx.manifests().list().await?;
    let manifests: Vec<Manifest> = published
        .iter()
        .map(manifests::document)
        .collect::<Result<_>>()?;
    manifests::furnish(tx, &manifests, now).await?;
    tx.users().insert(administrator).await?;
    let group = tx.groups().by_name(&key(ADMIN_GROUP)).await?;
    let group = group.ok_or_else(|| Error::internal("there is no group of administrators"))?;
    tx.groups()
        .add_member(group.id, Member::User(administrator.id))
        .await?;
    Ok(())
}

/// Gatepost's own manifests are part of the program: a newer program brings newer ones. Every
/// other product publishes its own, and may be ahead of what came with this program.
async fn refresh_own_manifests(
    store: &Store,
    system: OrganizationId,
    now: OffsetDateTime,
) -> Result<()> {
    let own = |manifest: &Manifest| {
        [PRODUCT_GATEPOST, PRODUCT_SYSTEM].contains(&manifest.service.as_str())
    };
    let tx = store.read(system).await?;
    let mut stale = Vec::new();
    for manifest in manifests::embedded()?.into_iter().filter(own) {
        let hash = manifests::content_hash(&manifest);
        let present = tx.manifests().get(&manifest.service).await?;
        if present.is_none_or(|present| present.hash != hash) {
            stale.push(manifest);
        }
    }
    drop(tx);
    if stale.is_empty() {
        return Ok(());
    }
    let tx = store.write(system).await?;
    for manifest in &stale {
        manifests::publish(&tx, manifest, now).await?;
    }
    tx.commit(record("manifest.publish", now)).await?;
    Ok(())
}

/// Who does what the program does by itself, or what an operator does on the machine.
pub fn operator() -> Actor {
    Actor {
        kind: "operator".into(),
        id: String::new(),
        name: "gatepost".into(),
    }
}

/// The audit record of something that an operator did on the machine.
pub fn record(action: &str, now: OffsetDateTime) -> AuditDraft {
    Audit::new(operator(), action, now, &Arrival::inside()).into_draft()
}

fn administrator(username: &str, hash: PasswordHash, now: OffsetDateTime) -> Result<User> {
    let username = Username::parse(username)
        .map_err(|error| Error::internal(format!("GATEPOST_BOOTSTRAP_ADMIN_USERNAME {error}")))?;
    Ok(User {
        id: UserId::new(new_id(now)),
        username_key: username.key(),
        username: username.into_string(),
        email: None,
        email_key: None,
        email_verified: false,
        first_name: "First".to_owned(),
        last_name: "Administrator".to_owned(),
        password_hash: hash,
        status: Status::Active,
        created_at: now,
        updated_at: now,
    })
}

fn organization(slug: &str, name: &str, now: OffsetDateTime) -> Result<Organization> {
    let slug = Slug::parse(slug)
        .map_err(|error| Error::internal(format!("GATEPOST_BOOTSTRAP_ORGANIZATION {error}")))?;
    Ok(Organization {
        id: OrganizationId::new(new_id(now)),
        slug: slug.into_string(),
        name: name.to_owned(),
        status: Status::Active,
        created_at: now,
        accent_color: String::new(),
        password_sign_in: true,
    })
}
