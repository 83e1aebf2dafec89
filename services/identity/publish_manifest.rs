//! `PublishManifest`: what a product declares, for the whole installation.

use std::sync::Arc;

use gatepost_core::manifest::Manifest;
use gatepost_core::{PRODUCT_GATEPOST, PRODUCT_SYSTEM, Subject};
use gatepost_proto::ErrorReason;
use gatepost_proto::identity::v1 as pb;
use gatepost_proto::identity::v1::{PublishManifestRequest, PublishManifestResponse};
use gatepost_replica::Want;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::get_manifest::publication;
use crate::app::App;
use crate::context::{Arrival, Caller, Cx};
use crate::error::{Error, Result};
use crate::manifests;
use crate::run::{authenticate, run};

/// Runs the RPC, then makes the manifest's groups in every organization: they have members there,
/// and no transaction should lock all organizations at once.
///
/// # Errors
/// Whatever went wrong, as a status with its reason.
pub async fn publish_manifest(
    app: &Arc<App>,
    request: Request<PublishManifestRequest>,
) -> Result<Response<PublishManifestResponse>, Status> {
    let (metadata, arrival) = (request.metadata().clone(), Arrival::of(&request));
    let message = request.get_ref().clone();
    let response = run(app, request, publish).await?;
    if response
        .get_ref()
        .publication
        .as_ref()
        .is_some_and(|publication| publication.changed)
    {
        furnish(app, &metadata, &arrival, manifest(&message)?).await?;
    }
    Ok(response)
}

async fn publish(cx: &mut Cx, request: PublishManifestRequest) -> Result<PublishManifestResponse> {
    require_publisher(&cx.caller, &request.slug)?;
    let manifest = manifest(&request)?;
    manifests::check(&manifest)?;
    // Whoever could publish these two could give everybody everything.
    if [PRODUCT_GATEPOST, PRODUCT_SYSTEM].contains(&manifest.service.as_str()) {
        let message = "this product is the installation itself";
        return Err(Error::new(ErrorReason::ManifestOwned, message));
    }
    let before = cx.tx.manifests().get(&manifest.service).await?;
    let before = before
        .map(|before| publication(&before, false))
        .transpose()?;
    let (published, changed) = manifests::publish(&cx.tx, &manifest, cx.now).await?;
    let publication = publication(&published, changed)?;
    cx.audit
        .target("manifest", &published.slug)
        .before(&before)
        .after(&publication);
    Ok(PublishManifestResponse {
        publication: Some(publication),
    })
}

/// A manifest rules every organization, so only the installation's people publish it, or the
/// product itself with an application of the system organization that has its slug for a name.
fn require_publisher(caller: &Caller, slug: &str) -> Result<()> {
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

/// The manifest of a request, as core knows it.
fn manifest(request: &PublishManifestRequest) -> Result<Manifest> {
    let service = if request.service.is_empty() {
        &request.slug
    } else {
        &request.service
    };
    if *service != request.slug {
        return Err(Error::new(
            ErrorReason::ManifestInvalid,
            "`service` must be the product in the path",
        )
        .with("field", "service"));
    }
    let mut manifest = pb::Manifest {
        service: service.clone(),
        version: request.version.clone(),
        aliases: request.aliases.clone(),
        permissions: request.permissions.clone(),
        roles: request.roles.clone(),
        m2m: Some(request.m2m.clone().unwrap_or_default()),
        routes: request.routes.clone(),
    };
    for permission in &mut manifest.permissions {
        if permission.effect.is_empty() {
            "allow".clone_into(&mut permission.effect);
        }
    }
    // Core's manifest and the contract's have one JSON form.
    let json = serde_json::to_value(manifest).map_err(Error::internal)?;
    serde_json::from_value(json)
        .map_err(|error| Error::new(ErrorReason::ManifestInvalid, error.to_string()))
}

async fn furnish(
    app: &App,
    metadata: &MetadataMap,
    arrival: &Arrival,
    manifest: Manifest,
) -> Result<()> {
    let caller = authenticate(&app.gatekeeper, metadata, Want::default()).await?;
    manifests::furnish_all(app, &[manifest], &caller.actor(), arrival).await
}
