//! `ListMfaPolicies`: who needs a second factor.

use gatepost_core::GroupId;
use gatepost_core::mfa::Policy;
use gatepost_proto::identity::v1 as pb;
use gatepost_proto::identity::v1::{ListMfaPoliciesRequest, ListMfaPoliciesResponse};
use gatepost_store::Scope;

use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn list_mfa_policies(
    cx: &mut Cx,
    _: ListMfaPoliciesRequest,
) -> Result<ListMfaPoliciesResponse> {
    let policies = cx.tx.mfa().policies().await?;
    let own = policies.iter().find(|(group, _)| group.is_none());
    let own = own.map(|(_, policy)| policy.clone()).unwrap_or_default();
    let mut items = vec![shown(&cx.tx, None, &own).await?];
    for (group, policy) in &policies {
        if group.is_some() {
            items.push(shown(&cx.tx, *group, policy).await?);
        }
    }
    Ok(ListMfaPoliciesResponse { items })
}

/// A policy as the contract shows it.
///
/// # Errors
/// What the store answers.
pub async fn shown(tx: &Scope, group: Option<GroupId>, policy: &Policy) -> Result<pb::MfaPolicy> {
    let group = match group {
        Some(id) => tx.groups().get(id).await?,
        None => None,
    };
    let methods = policy.methods.iter();
    Ok(pb::MfaPolicy {
        group: group.map(|group| group.name).unwrap_or_default(),
        mode: policy.mode.name().to_owned(),
        methods: methods.map(|method| method.name().to_owned()).collect(),
    })
}
