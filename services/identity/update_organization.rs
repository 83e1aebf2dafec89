//! `UpdateOrganization`: another name or colour, a suspension, another way to sign in.

use gatepost_core::Status;
use gatepost_core::mfa::AMR_PASSWORD;
use gatepost_core::name::DisplayName;
use gatepost_proto::ErrorReason;
use gatepost_proto::identity::v1::{UpdateOrganizationRequest, UpdateOrganizationResponse};
use gatepost_store::Organization;

use super::mask::Mask;
use super::{convert, find};
use crate::context::{Caller, Cx};
use crate::error::{Error, Result};
use crate::given::field;

const MAY_CHANGE: [&str; 4] = ["name", "status", "accent_color", "password_sign_in"];

/// Handles the RPC: the directory's entry and the organization's own fact, in both audit logs.
pub async fn update_organization(
    cx: &mut Cx,
    request: UpdateOrganizationRequest,
) -> Result<UpdateOrganizationResponse> {
    let mask = Mask::read(request.update_mask.clone(), &MAY_CHANGE)?;
    let old = find::organization(&cx.tx, &request.id).await?;
    let before = convert::organization(old.clone());
    let mut organization = old;
    if mask.names("name", request.name.is_empty()) {
        organization.name = field("name", DisplayName::parse(&request.name))?.into_string();
    }
    if mask.names("status", request.status.is_empty()) {
        organization.status = convert::read_status(&request.status)?;
        refuse_locking_out(cx, &organization)?;
    }
    if mask.names("accent_color", request.accent_color.is_empty()) {
        organization.accent_color = color(&request.accent_color)?;
    }
    if mask.names("password_sign_in", request.password_sign_in.is_none()) {
        let missing = || Error::invalid("passwordSignIn", "`passwordSignIn` is true or false");
        organization.password_sign_in = request.password_sign_in.ok_or_else(missing)?;
        if !organization.password_sign_in && organization.id == cx.caller.organization() {
            require_another_way(&cx.caller)?;
        }
    }
    cx.tx.organizations().update(&organization).await?;
    let id = organization.id;
    let after = convert::organization(organization);
    cx.audit
        .target("organization", id)
        .before(&before)
        .after(&after);
    Ok(UpdateOrganizationResponse {
        organization: Some(after),
    })
}

/// Whoever puts passwords off where she is herself must have signed in without hers: else nobody
/// is known to be able to come back and take it back.
fn require_another_way(caller: &Caller) -> Result<()> {
    let methods = &caller.token.claims.amr;
    let by_password = methods.iter().any(|method| method == AMR_PASSWORD);
    if caller.user().is_some() && !methods.is_empty() && !by_password {
        return Ok(());
    }
    let message = "sign in without a password first, to put it off for your own organization";
    Err(Error::invalid("passwordSignIn", message))
}

/// A colour of six hexadecimal digits, or none.
fn color(text: &str) -> Result<String> {
    let is_color = |text: &str| {
        let digits = text.strip_prefix('#').unwrap_or_default();
        digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    };
    if text.is_empty() || is_color(text) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(Error::invalid("accentColor", "must be as `#1b6e5a`"))
}

/// Nobody could take back the suspension of the organization that one must be in to do so.
fn refuse_locking_out(cx: &Cx, organization: &Organization) -> Result<()> {
    if organization.status == Status::Active {
        return Ok(());
    }
    if !cx.app.multi_tenant {
        let message = "the only organization of an installation cannot be suspended";
        return Err(Error::new(ErrorReason::SingleTenant, message));
    }
    if organization.id == cx.tx.organization() {
        let message = "the system organization cannot be suspended";
        return Err(Error::invalid("status", message));
    }
    Ok(())
}
