//! `CreateApplication`: a new machine client, with its secret for this once.

use gatepost_core::name::{DisplayName, Slug};
use gatepost_core::{Algorithm, ApplicationId, GrantSubject, PRODUCT_SYSTEM, Permission, Status};
use gatepost_proto::ErrorReason;
use gatepost_proto::identity::v1::{CreateApplicationRequest, CreateApplicationResponse};
use gatepost_store::{Application, Grant, Role};

use super::create_credential::add_secret;
use super::{client_settings, convert, find};
use crate::context::{Caller, Cx};
use crate::error::{Error, Result};
use crate::given::field;
use crate::manifests;

/// Handles the RPC.
pub async fn create_application(
    cx: &mut Cx,
    request: CreateApplicationRequest,
) -> Result<CreateApplicationResponse> {
    let name = field("name", DisplayName::parse(&request.name))?;
    let application = Application {
        id: ApplicationId::new(cx.new_id()),
        name_key: name.key(),
        name: name.into_string(),
        description: request.description.clone(),
        client_id: cx.new_id().to_string(),
        token_algorithm: algorithm(&request.token_algorithm),
        status: Status::Active,
        created_at: cx.now,
        settings: client_settings::read(request.settings.clone().unwrap_or_default())?,
    };
    require_may_publish_as(&cx.caller, &application.name)?;
    let roles = roles(cx, &request).await?;
    cx.caller.require_may_give(&roles)?;
    cx.tx.applications().insert(&application).await?;
    for role in roles {
        cx.tx
            .grants()
            .give(&Grant::plain(
                GrantSubject::Application(application.id),
                role.id,
            ))
            .await?;
    }
    let id = application.id;
    let secret = if application.settings.public {
        None
    } else {
        Some(add_secret(cx, id).await?.1)
    };
    let mut shown = convert::application(&cx.tx, cx.now, application).await?;
    cx.audit.target("application", id).after(&shown);
    shown.client_secret = secret;
    Ok(CreateApplicationResponse {
        application: Some(shown),
    })
}

/// In the system organization an application publishes the manifest of the product whose slug it
/// has for a name: to name one so is to give that right.
///
/// # Errors
/// `ESCALATION_REFUSED`.
pub fn require_may_publish_as(caller: &Caller, name: &str) -> Result<()> {
    let elsewhere = caller.organization() != caller.present.system.id();
    if elsewhere || Slug::parse(name).is_err() {
        return Ok(());
    }
    let permission = Permission::new(PRODUCT_SYSTEM, "declarations", "put");
    if caller.may(PRODUCT_SYSTEM, "declarations", "put").allowed {
        return Ok(());
    }
    let message = format!("an application of this name publishes a manifest: `{permission}`");
    Err(Error::new(ErrorReason::EscalationRefused, message)
        .with("permission", permission.to_string()))
}

/// The roles that are named; without any, the machine role of the product of that name.
async fn roles(cx: &Cx, request: &CreateApplicationRequest) -> Result<Vec<Role>> {
    if !request.roles.is_empty() {
        return find::roles(&cx.tx, &request.roles).await;
    }
    let Some(product) = cx.caller.present.system.product(&request.name) else {
        return Ok(Vec::new());
    };
    find::roles(
        &cx.tx,
        &manifests::machine_roles(&cx.tx, product.slug()).await?,
    )
    .await
}

/// The algorithm of this name; the contract admits no other.
pub fn algorithm(name: &str) -> Algorithm {
    match name {
        "ES256" => Algorithm::ES256,
        "EdDSA" => Algorithm::EdDSA,
        _ => Algorithm::RS256,
    }
}
