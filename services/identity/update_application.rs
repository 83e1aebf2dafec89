//! `UpdateApplication`: another name, description, algorithm, status, settings, or other roles.

use gatepost_core::name::DisplayName;
use gatepost_core::{ApplicationId, GrantSubject, Subject};
use gatepost_proto::identity::v1::{UpdateApplicationRequest, UpdateApplicationResponse};
use gatepost_store::{Application, Grant, Role};

use super::create_application::{algorithm, require_may_publish_as};
use super::escalation::require_may_set_status;
use super::mask::Mask;
use super::{client_settings, convert, find, terms};
use crate::context::Cx;
use crate::error::{Error, Result};
use crate::given::field;

const MAY_CHANGE: [&str; 6] = [
    "name",
    "description",
    "roles",
    "token_algorithm",
    "status",
    "settings",
];

/// Handles the RPC.
pub async fn update_application(
    cx: &mut Cx,
    request: UpdateApplicationRequest,
) -> Result<UpdateApplicationResponse> {
    let mask = Mask::read(request.update_mask.clone(), &MAY_CHANGE)?;
    let old = find::application(&cx.tx, &request.id).await?;
    let before = convert::application(&cx.tx, cx.now, old.clone()).await?;
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
    if mask.names("status", request.status.is_empty()) {
        application.status = convert::read_status(&request.status)?;
        if application.status != old.status {
            let subject = Subject::Application(application.id);
            require_may_set_status(&cx.caller, subject, application.status)?;
        }
    }
    if mask.names("settings", request.settings.is_none()) {
        application.settings = client_settings::read(request.settings.unwrap_or_default())?;
        refuse_secrets_of_public(cx, &application).await?;
    }
    if application != old {
        cx.tx.applications().update(&application).await?;
    }
    if mask.names("roles", request.roles.is_empty()) {
        let roles = find::roles(&cx.tx, &request.roles).await?;
        set_roles(cx, application.id, &roles).await?;
    }
    let id = application.id;
    let after = convert::application(&cx.tx, cx.now, application).await?;
    cx.audit
        .target("application", id)
        .before(&before)
        .after(&after);
    Ok(UpdateApplicationResponse {
        application: Some(after),
    })
}

/// Who can keep no secret has none: what is known of it everywhere must prove nothing.
async fn refuse_secrets_of_public(cx: &Cx, application: &Application) -> Result<()> {
    let settings = &application.settings;
    if !settings.public {
        return Ok(());
    }
    let credentials = cx.tx.applications().credentials(application.id).await?;
    if credentials.is_empty() {
        return Ok(());
    }
    let message = "a public application has no secrets: revoke them before";
    Err(Error::invalid("settings", message))
}

async fn set_roles(cx: &Cx, application: ApplicationId, wanted: &[Role]) -> Result<()> {
    let subject = GrantSubject::Application(application);
    let now_s = cx.now.unix_timestamp();
    let present = cx.tx.grants().of(subject, now_s).await?;
    let without = |these: &[Role], those: &[Role]| -> Vec<Role> {
        let other = |role: &&Role| !those.iter().any(|one| one.id == role.id);
        these.iter().filter(other).cloned().collect()
    };
    let (added, removed) = (without(wanted, &present), without(&present, wanted));
    cx.caller.require_may_give(&added)?;
    for role in added {
        cx.tx.grants().give(&Grant::plain(subject, role.id)).await?;
    }
    for role in removed {
        terms::take(cx, subject, &role).await?;
    }
    Ok(())
}
