//! `UpdateApplication`: another name, description, algorithm, or other roles.

use gatepost_core::name::DisplayName;
use gatepost_core::{ApplicationId, GrantSubject};
use gatepost_proto::identity::v1::{UpdateApplicationRequest, UpdateApplicationResponse};
use gatepost_store::Role;

use super::create_application::{algorithm, require_may_publish_as};
use super::mask::Mask;
use super::{convert, find};
use crate::context::Cx;
use crate::error::Result;
use crate::given::field;

const MAY_CHANGE: [&str; 4] = ["name", "description", "roles", "token_algorithm"];

/// Handles the RPC.
pub async fn update_application(
    cx: &mut Cx,
    request: UpdateApplicationRequest,
) -> Result<UpdateApplicationResponse> {
    let mask = Mask::read(request.update_mask.clone(), &MAY_CHANGE)?;
    let old = find::application(&cx.tx, &request.id).await?;
    let before = convert::application(&cx.tx, old.clone()).await?;
    let mut application = old.clone();
    if mask.names("name", request.name.is_empty()) {
        let name = field("name", DisplayName::parse(&request.name))?;
        application.name_key = name.key();
        application.name = name.into_string();
        require_may_publish_as(&cx.caller, &application.name)?;
    }
    if mask.names("description", request.description.is_empty()) {
        application.description = request.description;
    }
    if mask.names("token_algorithm", request.token_algorithm.is_empty()) {
        application.token_algorithm = algorithm(&request.token_algorithm);
    }
    if application != old {
        cx.tx.applications().update(&application).await?;
    }
    if mask.names("roles", request.roles.is_empty()) {
        let roles = find::roles(&cx.tx, &request.roles).await?;
        set_roles(cx, application.id, &roles).await?;
    }
    let id = application.id;
    let after = convert::application(&cx.tx, application).await?;
    cx.audit
        .target("application", id)
        .before(&before)
        .after(&after);
    Ok(UpdateApplicationResponse {
        application: Some(after),
    })
}

async fn set_roles(cx: &Cx, application: ApplicationId, wanted: &[Role]) -> Result<()> {
    let subject = GrantSubject::Application(application);
    let present = cx.tx.grants().of(subject).await?;
    let without = |these: &[Role], those: &[Role]| -> Vec<Role> {
        let other = |role: &&Role| !those.iter().any(|one| one.id == role.id);
        these.iter().filter(other).cloned().collect()
    };
    let (added, removed) = (without(wanted, &present), without(&present, wanted));
    cx.caller.require_may_give(&added)?;
    cx.caller.require_may_give(&removed)?;
    for role in added {
        cx.tx.grants().give(subject, role.id).await?;
    }
    for role in removed {
        cx.tx.grants().take(subject, role.id).await?;
    }
    Ok(())
}
