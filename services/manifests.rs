//! Manifests at work: published once for the installation, felt in every organization.
//!
//! A manifest's roles live in the system organization and are shared by all. Its built-in groups
//! are rows of each organization, because they have members there.

use aws_lc_rs::digest;
use gatepost_core::manifest::{Manifest, Publication};
use gatepost_core::name::{self, GroupName};
use gatepost_core::simulate::Proposal;
use gatepost_core::snapshot::RoleEntry;
use gatepost_core::{
    GrantSubject, GroupId, PRODUCT_GATEPOST, PRODUCT_SYSTEM, RoleId, Subject, View,
};
use gatepost_proto::ErrorReason;
use gatepost_store::{Actor, Grant, Group, Manifest as Published, Role, Scope};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::app::App;
use crate::clock::new_id;
use crate::context::{Arrival, Audit, Caller};
use crate::error::{Error, Result};
use crate::hexadecimal::hexadecimal;

/// The manifests that come with the program.
const EMBEDDED: [&str; 7] = [
    include_str!("bootstrap/manifests/gatepost-system.yaml"),
    include_str!("bootstrap/manifests/gatepost.yaml"),
    include_str!("bootstrap/manifests/midaz.yaml"),
    include_str!("bootstrap/manifests/plugin-crm.yaml"),
    include_str!("bootstrap/manifests/plugin-fees.yaml"),
    include_str!("bootstrap/manifests/reporter.yaml"),
    include_str!("bootstrap/manifests/routing.yaml"),
];

/// The manifests that come with the program.
///
/// # Errors
/// `MANIFEST_INVALID`, which a test rules out.
pub fn embedded() -> Result<Vec<Manifest>> {
    EMBEDDED.iter().map(|text| parse(text)).collect()
}

/// Reads a manifest from YAML (or JSON, which is YAML too) and checks it.
///
/// # Errors
/// `MANIFEST_INVALID`, with what is wrong and where.
pub fn parse(text: &str) -> Result<Manifest> {
    let manifest: Manifest = serde_saphyr::from_str(text)
        .map_err(|error| Error::new(ErrorReason::ManifestInvalid, first_line(&error)))?;
    check(&manifest)?;
    Ok(manifest)
}

/// What is wrong and where, without the picture of the file that follows.
fn first_line(error: &serde_saphyr::Error) -> String {
    error
        .to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Checks a manifest by the rules that need no other manifest.
///
/// # Errors
/// `MANIFEST_INVALID`, with the first fault.
pub fn check(manifest: &Manifest) -> Result<()> {
    let Err(faults) = manifest.validate() else {
        return Ok(());
    };
    let first = faults.first().map(ToString::to_string).unwrap_or_default();
    Err(Error::new(ErrorReason::ManifestInvalid, first))
}

/// Refuses what nobody may publish: what is faulty by itself, and what would be the installation.
///
/// # Errors
/// `MANIFEST_INVALID`, `MANIFEST_OWNED`.
pub fn require_publishable(manifest: &Manifest) -> Result<()> {
    check(manifest)?;
    // Whoever could publish these two could give everybody everything.
    if [PRODUCT_GATEPOST, PRODUCT_SYSTEM].contains(&manifest.service.as_str()) {
        let message = "this product is the installation itself";
        return Err(Error::new(ErrorReason::ManifestOwned, message));
    }
    Ok(())
}

/// A manifest rules every organization, so only the installation's people publish it, or the
/// product itself with an application of the system organization that has its slug for a name.
///
/// # Errors
/// `PERMISSION_MISSING`.
pub fn require_publisher(caller: &Caller, slug: &str) -> Result<()> {
    let system = caller.present.system.id();
    let itself = match caller.subject() {
        Subject::Application(id) if caller.organization() == system => {
            let application = caller.present.organization.application(id);
            application.is_some_and(|application| application.name() == slug)
        }
        Subject::Application(_) | Subject::User(_) => false,
    };
    if itself {
        Ok(())
    } else {
        caller.require(PRODUCT_SYSTEM, "declarations", "put")
    }
}

/// SHA-256 of what a manifest means, in hexadecimal.
pub fn content_hash(manifest: &Manifest) -> String {
    hexadecimal(digest::digest(&digest::SHA256, &manifest.canonical_bytes()).as_ref())
}

/// What is published of a product.
///
/// # Errors
/// `INTERNAL` for a row that is no manifest.
pub fn document(published: &Published) -> Result<Manifest> {
    serde_json::from_str(&published.document).map_err(Error::internal)
}

/// Publishes a manifest in the system organization; answers what is in force, and whether this
/// changed anything.
///
/// # Errors
/// `MANIFEST_INVALID` when another product has one of its names.
pub async fn publish(
    tx: &Scope,
    manifest: &Manifest,
    now: OffsetDateTime,
) -> Result<(Published, bool)> {
    let hash = content_hash(manifest);
    let present = tx.manifests().get(&manifest.service).await?;
    if let Some(present) = present.filter(|present| present.hash == hash) {
        return Ok((present, false));
    }
    check_against_others(tx, manifest).await?;
    let publication = manifest.publication();
    let published = Published {
        slug: publication.slug,
        hash,
        version: manifest.version.clone(),
        document: serde_json::to_string(manifest).map_err(Error::internal)?,
        aliases: publication.aliases,
        declared: publication.declared,
        everyone: publication.everyone,
        routes: publication.routes,
        demands: publication.demands,
        published_at: now,
    };
    let roles: Vec<Role> = publication
        .roles
        .into_iter()
        .map(|(role, permissions)| Role {
            id: RoleId::new(new_id(now)),
            product: manifest.service.clone(),
            name_key: name::key(&role),
            name: role,
            description: String::new(),
            permissions,
            built_in: true,
            created_at: now,
        })
        .collect();
    tx.manifests().publish(&published, &roles).await?;
    Ok((published, true))
}

/// What publishing would change in the caller's view, if the manifest can be published there.
///
/// # Errors
/// `MANIFEST_INVALID` when another product has one of its names.
pub fn propose(
    view: View<'_>,
    manifest: &Manifest,
    new_id: impl FnMut() -> Uuid,
) -> Result<Proposal> {
    let publication = manifest.publication();
    for other in view.system.products() {
        let roles = view.system.roles().map(|(_, role)| role);
        let theirs = roles.filter(|role| role.is_built_in() && role.product() == other.slug());
        let names: Vec<&str> = theirs.map(RoleEntry::name).collect();
        let aliases: Vec<&str> = other.aliases().collect();
        require_free(&publication, other.slug(), &aliases, &names)?;
    }
    Ok(publication.proposal(view, new_id))
}

/// Slugs, aliases and role names are the whole installation's: nobody may take another's.
async fn check_against_others(tx: &Scope, manifest: &Manifest) -> Result<()> {
    let publication = manifest.publication();
    for other in tx.manifests().list().await? {
        let roles = document(&other)?.roles;
        let roles: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
        let aliases: Vec<&str> = other.aliases.iter().map(String::as_str).collect();
        require_free(&publication, &other.slug, &aliases, &roles)?;
    }
    Ok(())
}

/// Refuses a manifest that takes a name of another product with these names and roles.
fn require_free(
    publication: &Publication,
    slug: &str,
    aliases: &[&str],
    roles: &[&str],
) -> Result<()> {
    let taken = |what: &str, name: &str| {
        let message = format!("the {what} `{name}` is taken");
        Err(Error::new(ErrorReason::ManifestInvalid, message))
    };
    if slug == publication.slug {
        return Ok(());
    }
    let own = |name: &&&str| {
        publication.slug == **name || publication.aliases.iter().any(|own| own == **name)
    };
    if let Some(name) = [slug].iter().chain(aliases).find(own) {
        return taken("slug", name);
    }
    let own = |name: &&&str| publication.roles.iter().any(|(own, _)| own == **name);
    match roles.iter().find(own) {
        Some(name) => taken("role name", name),
        None => Ok(()),
    }
}

/// Names of the roles that a machine of this product gets when nobody says which.
///
/// # Errors
/// What the store answers.
pub async fn machine_roles(tx: &Scope, slug: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for published in tx.manifests().list().await? {
        let roles = document(&published)?.roles;
        let for_machine = |machine: &String| {
            machine == slug || (published.slug == slug && published.aliases.contains(machine))
        };
        let roles = roles
            .into_iter()
            .filter(|role| role.machines.iter().any(for_machine));
        names.extend(roles.map(|role| role.name));
    }
    Ok(names)
}

/// Whether a manifest says that this built-in group holds this role.
///
/// # Errors
/// What the store answers.
pub async fn declares_grant(tx: &Scope, group: &Group, role: &Role) -> Result<bool> {
    if !group.built_in || !role.built_in {
        return Ok(false);
    }
    let Some(published) = tx.manifests().get(&role.product).await? else {
        return Ok(false);
    };
    let groups = document(&published)?.groups();
    let roles = groups
        .into_iter()
        .find(|(name, _)| name::key(name) == group.name_key);
    Ok(roles.is_some_and(|(_, roles)| roles.contains(&role.name)))
}

/// Makes the built-in groups of these manifests in the organization of `tx`, with their roles.
/// What is there stays, whoever made it.
///
/// # Errors
/// What the store answers.
pub async fn furnish(tx: &Scope, manifests: &[Manifest], now: OffsetDateTime) -> Result<()> {
    for manifest in manifests {
        for (group, roles) in manifest.publication().groups {
            let Some(group) = group_named(tx, &group, now).await? else {
                // Whoever made a group of this name beforehand must not get the product with it.
                tracing::warn!(
                    organization = %tx.organization(), group,
                    "a group of the organization has a built-in group's name, and gets no roles"
                );
                continue;
            };
            for role in roles {
                let role = tx.roles().by_name(&name::key(&role)).await?;
                let role = role.ok_or_else(|| Error::internal("a published role is missing"))?;
                tx.grants()
                    .give(&Grant::plain(GrantSubject::Group(group), role.id))
                    .await?;
            }
        }
    }
    Ok(())
}

/// The built-in group of this name; made when there is none, `None` when the name is taken.
async fn group_named(tx: &Scope, name: &str, now: OffsetDateTime) -> Result<Option<GroupId>> {
    let name = GroupName::parse(name)?;
    if let Some(group) = tx.groups().by_name(&name.key()).await? {
        return Ok(group.built_in.then_some(group.id));
    }
    let group = Group {
        id: GroupId::new(new_id(now)),
        name_key: name.key(),
        name: name.into_string(),
        built_in: true,
        created_at: now,
    };
    tx.groups().insert(&group).await?;
    Ok(Some(group.id))
}

/// Furnishes every organization there is, each in a transaction of its own. An organization that
/// has everything gets no new revision.
///
/// # Errors
/// What the store answers; the organizations before the failing one stay furnished.
pub async fn furnish_all(
    app: &App,
    manifests: &[Manifest],
    actor: &Actor,
    arrival: &Arrival,
) -> Result<()> {
    for organization in app.organizations().await? {
        let now = app.clock.now();
        let tx = app.store.write(organization).await?;
        furnish(&tx, manifests, now).await?;
        app.commit(
            tx,
            Audit::new(actor.clone(), "manifest.furnish", now, arrival),
        )
        .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_with_the_program_is_good() {
        let manifests = embedded().unwrap();
        let slugs: Vec<&str> = manifests.iter().map(|one| one.service.as_str()).collect();
        assert_eq!(slugs.len(), 7);
        for slug in [
            "midaz",
            "routing",
            "plugin-fees",
            "plugin-crm",
            "reporter",
            "gatepost",
        ] {
            assert!(slugs.contains(&slug), "{slug}");
        }
    }

    #[test]
    fn the_hash_is_of_the_meaning() {
        let one = parse("{service: x, version: '1', permissions: [{resource: a, action: b}]}");
        let two = parse("version: '2'\nservice: x\npermissions:\n- {action: b, resource: a}");
        assert_eq!(content_hash(&one.unwrap()), content_hash(&two.unwrap()));
    }

    #[test]
    fn a_bad_file_says_what_is_wrong() {
        for bad in ["service: [", "service: x\nunknown: 1", "service: UPPER", ""] {
            assert_eq!(
                parse(bad).unwrap_err().reason(),
                ErrorReason::ManifestInvalid,
                "{bad}"
            );
        }
    }
}
