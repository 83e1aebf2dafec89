//! Who may be fed by this replica, and with what.

use std::sync::Arc;

use gatepost_core::feed::Reach;
use gatepost_core::snapshot::ProductEntry;
use gatepost_core::{OrganizationId, PRODUCT_GATEPOST, PRODUCT_SYSTEM, Subject};
use gatepost_proto::ErrorReason;
use gatepost_replica::{Gatekeeper, Want};
use tokio::sync::Semaphore;
use tonic::metadata::MetadataMap;

use super::watch_revisions::WATCHERS_MAX;
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::run::authenticate;

/// The resource whose actions are the products that somebody may be fed with.
const RESOURCE_SNAPSHOTS: &str = "snapshots";
/// Organizations that are told as facts at the same time: it takes a processor for a while.
const TELLINGS_MAX: usize = 2;

/// What feeds sidecars.
pub struct Feeder {
    /// What it feeds from.
    pub gatekeeper: Arc<Gatekeeper>,
    /// The issuer of tokens.
    pub issuer: String,
    /// How long access tokens live, in seconds.
    pub access_token_s: u32,
    /// Permits to tell facts.
    pub tellings: Semaphore,
    /// Permits to listen to news.
    pub watchers: Arc<Semaphore>,
}

impl Feeder {
    /// A feeder of what this gate knows.
    pub fn new(gatekeeper: Arc<Gatekeeper>, issuer: String, access_token_s: u32) -> Self {
        Self {
            gatekeeper,
            issuer,
            access_token_s,
            tellings: Semaphore::new(TELLINGS_MAX),
            watchers: Arc::new(Semaphore::new(WATCHERS_MAX)),
        }
    }

    /// Proves that the caller may be fed with something; answers with whose.
    ///
    /// # Errors
    /// A 401, `UNAVAILABLE`, or `PERMISSION_MISSING`.
    pub async fn enter(&self, metadata: &MetadataMap) -> Result<(Caller, Reach)> {
        let caller = authenticate(&self.gatekeeper, metadata, Want::default()).await?;
        let products = caller.present.system.products().map(ProductEntry::slug);
        let products: Vec<&str> = products.collect();
        let has_any = |ruler| products.iter().any(|product| may(&caller, ruler, product));
        let reach = if has_any(PRODUCT_SYSTEM) {
            Reach::All
        } else if has_any(PRODUCT_GATEPOST) {
            Reach::One(caller.organization())
        } else {
            return Err(missing("*"));
        };
        Ok((caller, reach))
    }
}

/// Whose facts about these products the caller may have.
///
/// # Errors
/// `PERMISSION_MISSING` when it lacks one for each organization, or for the asked one.
pub fn reach(caller: &Caller, asked: OrganizationId, products: &[String]) -> Result<Reach> {
    let system = &caller.present.system;
    let slug = |name: &String| match system.product(name) {
        Some(product) => product.slug().to_owned(),
        None => name.clone(),
    };
    let products: Vec<String> = products.iter().map(slug).collect();
    let lacks = |ruler| products.iter().find(|product| !may(caller, ruler, product));
    if lacks(PRODUCT_SYSTEM).is_none() {
        return Ok(Reach::All);
    }
    if let Some(product) = lacks(PRODUCT_GATEPOST) {
        return Err(missing(product));
    }
    if asked != caller.organization() && asked != system.id() {
        let message = "this application is fed with its own organization only";
        return Err(Error::new(ErrorReason::PermissionMissing, message));
    }
    Ok(Reach::One(caller.organization()))
}

/// Whether an application may be fed with a product: a person never is.
fn may(caller: &Caller, ruler: &str, product: &str) -> bool {
    match caller.subject() {
        Subject::User(_) => false,
        Subject::Application(_) => caller.may(ruler, RESOURCE_SNAPSHOTS, product).allowed,
    }
}

fn missing(product: &str) -> Error {
    let permission = format!("{PRODUCT_GATEPOST}/{RESOURCE_SNAPSHOTS}:{product}");
    let message = format!("this needs an application with the permission `{permission}`");
    Error::new(ErrorReason::PermissionMissing, message).with("permission", permission)
}
