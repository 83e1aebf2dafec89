//! `SetMfaPolicy`: who needs a second factor.

use gatepost_core::mfa::{Method, Mode, Policy};
use gatepost_proto::identity::v1::{SetMfaPolicyRequest, SetMfaPolicyResponse};

use super::find;
use super::list_mfa_policies::shown;
use crate::context::Cx;
use crate::error::{Error, Result};

/// Handles the RPC.
pub async fn set_mfa_policy(
    cx: &mut Cx,
    request: SetMfaPolicyRequest,
) -> Result<SetMfaPolicyResponse> {
    let policy = policy(&request)?;
    let group = match request.group.as_str() {
        "" => None,
        named => Some(find::group(&cx.tx, named).await?.id),
    };
    let before = cx.tx.mfa().policies().await?;
    let before = before.into_iter().find(|(of, _)| *of == group);
    let before = before.map(|(_, policy)| policy).unwrap_or_default();
    let before = shown(&cx.tx, group, &before).await?;
    cx.tx.mfa().set_policy(group, policy.as_ref()).await?;
    let after = shown(&cx.tx, group, &policy.unwrap_or_default()).await?;
    match group {
        Some(group) => cx.audit.target("group", group),
        None => cx.audit.target("organization", cx.tx.organization()),
    }
    .before(&before)
    .after(&after);
    Ok(SetMfaPolicyResponse {
        policy: Some(after),
    })
}

fn policy(request: &SetMfaPolicyRequest) -> Result<Option<Policy>> {
    let Some(mode) = Mode::parse(&request.mode) else {
        return Ok(None);
    };
    let named = request.methods.iter().map(|name| {
        let known = Method::parse(name);
        known.ok_or_else(|| Error::invalid("methods", format!("`{name}` is no second factor")))
    });
    let mut methods: Vec<Method> = named.collect::<Result<_>>()?;
    methods.sort_unstable();
    methods.dedup();
    if methods.is_empty() {
        methods = Method::ALL.to_vec();
    }
    Ok(Some(Policy { mode, methods }))
}
