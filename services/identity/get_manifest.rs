//! `GetManifest`: what a product declares.

use gatepost_core::manifest::Manifest;
use gatepost_core::snapshot::ProductEntry;
use gatepost_proto::identity::v1 as pb;
use gatepost_proto::identity::v1::{GetManifestRequest, GetManifestResponse};
use gatepost_store::Manifest as Published;

use super::convert::timestamp;
use crate::context::Cx;
use crate::error::{Error, Result};
use crate::manifests;

/// Handles the RPC.
pub async fn get_manifest(cx: &mut Cx, request: GetManifestRequest) -> Result<GetManifestResponse> {
    let slug = cx
        .caller
        .present
        .system
        .product(&request.slug)
        .map(ProductEntry::slug);
    let slug = slug.unwrap_or(&request.slug).to_owned();
    let published = cx.tx.manifests().get(&slug).await?;
    let published = published.ok_or_else(|| Error::not_found("manifest"))?;
    Ok(GetManifestResponse {
        publication: Some(publication(&published, false)?),
    })
}

/// A publication as the contract shows it.
///
/// # Errors
/// `INTERNAL` for a row that is no manifest.
pub fn publication(published: &Published, changed: bool) -> Result<pb::Publication> {
    let document: Manifest = manifests::document(published)?;
    // Core's manifest and the contract's have one JSON form.
    let json = serde_json::to_value(document).map_err(Error::internal)?;
    Ok(pb::Publication {
        slug: published.slug.clone(),
        hash: published.hash.clone(),
        version: published.version.clone(),
        changed,
        published_at: Some(timestamp(published.published_at)),
        manifest: Some(serde_json::from_value(json).map_err(Error::internal)?),
    })
}
