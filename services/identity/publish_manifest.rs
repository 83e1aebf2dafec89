//! `PublishManifest`: what a product declares, for the whole installation.

use std::sync::Arc;

use gatepost_core::manifest::Manifest;
use gatepost_proto::ErrorReason;
use gatepost_proto::identity::v1 as pb;
use gatepost_proto::identity::v1::{PublishManifestRequest, PublishManifestResponse};
use gatepost_replica::Want;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::get_manifest::publication;
use crate::app::App;
use crate::context::{Arrival, Cx};
use crate::error::{Error, Result};
use crate::run::{authenticate, run};
use crate::{given, manifests};

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
    manifests::require_publisher(&cx.caller, &request.slug)?;
    let manifest = manifest(&request)?;
    manifests::require_publishable(&manifest)?;
    require_said(&request)?;
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

/// Refuses a body that lost its words: it must not take everything from a product's users.
fn require_said(request: &PublishManifestRequest) -> Result<()> {
    let nothing = PublishManifestRequest {
        slug: request.slug.clone(),
        ..PublishManifestRequest::default()
    };
    if *request == nothing {
        let message = "a manifest that withdraws everything names its product";
        return Err(Error::invalid("service", message));
    }
    Ok(())
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
    given::manifest(pb::Manifest {
        service: service.clone(),
        version: request.version.clone(),
        aliases: request.aliases.clone(),
        permissions: request.permissions.clone(),
        roles: request.roles.clone(),
        m2m: request.m2m.clone(),
        routes: request.routes.clone(),
    })
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
