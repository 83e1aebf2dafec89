//! What is set of an application as a client of OAuth: read with all its rules, and shown.

use gatepost_proto::identity::v1 as pb;
use gatepost_store::{ClientSettings, GrantType};

use crate::error::{Error, Result};
use crate::redirect;

/// The settings of a request.
///
/// # Errors
/// `INVALID_REQUEST` for an address or a grant that may not be there.
pub fn read(settings: pb::ClientSettings) -> Result<ClientSettings> {
    let registered = redirect::may_be_registered;
    require("settings.redirectUris", &settings.redirect_uris, registered)?;
    let after = &settings.post_logout_redirect_uris;
    require("settings.postLogoutRedirectUris", after, registered)?;
    let resource = redirect::may_be_a_resource;
    require("settings.resources", &settings.resources, resource)?;
    let told = &settings.backchannel_logout_uri;
    if !told.is_empty() && !redirect::may_be_called(told) {
        return Err(unfit("settings.backchannelLogoutUri"));
    }
    if settings.public && settings.pkce_optional {
        // Its codes would be anybody's who sees them (RFC 9700 §2.1.1).
        let message = "a public application must use PKCE";
        return Err(Error::invalid("settings.pkceOptional", message));
    }
    Ok(ClientSettings {
        grant_types: grants(&settings.grant_types)?,
        redirect_uris: settings.redirect_uris,
        post_logout_redirect_uris: settings.post_logout_redirect_uris,
        backchannel_logout_uri: settings.backchannel_logout_uri,
        public: settings.public,
        pkce_optional: settings.pkce_optional,
        asks_consent: settings.asks_consent,
        resources: settings.resources,
        refresh_grace_seconds: settings.refresh_grace_seconds.unsigned_abs(),
        refresh_idle_seconds: settings.refresh_idle_seconds.unsigned_abs(),
        refresh_absolute_seconds: settings.refresh_absolute_seconds.unsigned_abs(),
    })
}

/// The settings as the contract has them; nothing when nothing is set.
pub fn shown(settings: ClientSettings) -> Option<pb::ClientSettings> {
    if settings == ClientSettings::default() {
        return None;
    }
    let seconds = |seconds| i32::try_from(seconds).unwrap_or(i32::MAX);
    let names = settings.grant_types.into_iter().map(GrantType::name);
    Some(pb::ClientSettings {
        grant_types: names.map(str::to_owned).collect(),
        redirect_uris: settings.redirect_uris,
        post_logout_redirect_uris: settings.post_logout_redirect_uris,
        backchannel_logout_uri: settings.backchannel_logout_uri,
        public: settings.public,
        pkce_optional: settings.pkce_optional,
        asks_consent: settings.asks_consent,
        resources: settings.resources,
        refresh_grace_seconds: seconds(settings.refresh_grace_seconds),
        refresh_idle_seconds: seconds(settings.refresh_idle_seconds),
        refresh_absolute_seconds: seconds(settings.refresh_absolute_seconds),
    })
}

fn grants(names: &[String]) -> Result<Vec<GrantType>> {
    let mut grants = Vec::with_capacity(names.len());
    for name in names {
        let grant = GrantType::parse(name).filter(|grant| !grants.contains(grant));
        let field = "settings.grantTypes";
        let unknown = || Error::invalid(field, "a grant is unknown, or there twice");
        grants.push(grant.ok_or_else(unknown)?);
    }
    Ok(grants)
}

fn require(field: &'static str, uris: &[String], may: impl Fn(&str) -> bool) -> Result<()> {
    if uris.iter().all(|uri| may(uri)) {
        Ok(())
    } else {
        Err(unfit(field))
    }
}

fn unfit(field: &'static str) -> Error {
    Error::invalid(
        field,
        format!("`{field}` has an address that cannot be registered"),
    )
}
