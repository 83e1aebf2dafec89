//! `CreateOrganization`: a new tenant, furnished, with its first administrator.

use std::sync::Arc;

use gatepost_core::name::{DisplayName, Slug};
use gatepost_core::{OrganizationId, Status, UserId};
use gatepost_proto::ErrorReason;
use gatepost_proto::identity::v1::{CreateOrganizationRequest, CreateOrganizationResponse, Owner};
use gatepost_store::{Organization, PasswordHash};

use super::convert;
use super::create_user::Account;
use crate::app::App;
use crate::bootstrap;
use crate::context::{Audit, Caller, Cx};
use crate::error::{Error, Result};
use crate::given::field;
use crate::once;
use crate::password::NewPassword;

/// Hashes the owner's password before the system organization is locked.
pub async fn prepare(
    app: Arc<App>,
    _: Caller,
    request: CreateOrganizationRequest,
) -> Result<(CreateOrganizationRequest, Owner, PasswordHash)> {
    if !app.multi_tenant {
        let message = "this installation serves one organization; see GATEPOST_MULTI_TENANT";
        return Err(Error::new(ErrorReason::SingleTenant, message));
    }
    let owner = request.owner.clone().unwrap_or_default();
    let new = NewPassword {
        password: &owner.password,
        username: &owner.username,
        email: &owner.email,
        former: Vec::new(),
    };
    let hash = app.passwords.accept(new).await?;
    Ok((request, owner, hash))
}

/// Handles the RPC: the directory's entry in the system organization, and everything inside of the
/// new one, in one transaction and in both audit logs.
pub async fn create_organization(
    cx: &mut Cx,
    (request, owner, hash): (CreateOrganizationRequest, Owner, PasswordHash),
) -> Result<CreateOrganizationResponse> {
    let organization = Organization {
        id: OrganizationId::new(cx.new_id()),
        slug: field("slug", Slug::parse(&request.slug))?.into_string(),
        name: field("name", DisplayName::parse(&request.name))?.into_string(),
        status: Status::Active,
        created_at: cx.now,
        accent_color: String::new(),
        password_sign_in: true,
    };
    let account = Account {
        username: &owner.username,
        email: &owner.email,
        first_name: &owner.first_name,
        last_name: &owner.last_name,
    };
    let user = account.user(UserId::new(cx.new_id()), hash, cx.now)?;
    let shown = convert::organization(organization.clone());
    let response = CreateOrganizationResponse {
        organization: Some(shown.clone()),
    };

    cx.tx.organizations().insert(&organization).await?;
    let mut audit = Audit::new(
        cx.caller.actor(),
        "organization.create",
        cx.now,
        &cx.arrival,
    );
    audit.target("organization", organization.id).after(&shown);
    once::keep(cx, &response).await?;
    cx.tx
        .continue_in(organization.id, audit.into_draft())
        .await?;

    bootstrap::furnish_new(&cx.tx, &user, cx.now).await?;
    cx.audit
        .target("organization", organization.id)
        .after(&shown);
    Ok(response)
}
