//! `ListPermissions`: everything the bearer may do.

use gatepost_core::decide::permissions_of;
use gatepost_proto::auth::v1::{ListPermissionsRequest, ListPermissionsResponse};
use pbjson_types::{ListValue, Value};

use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn list_permissions(
    cx: &mut Cx,
    _: ListPermissionsRequest,
) -> Result<ListPermissionsResponse> {
    let permissions = permissions_of(cx.caller.present.view(), cx.caller.subject());
    let permissions = permissions
        .into_iter()
        .map(|(resource, actions)| {
            (
                resource,
                ListValue {
                    values: actions.into_iter().map(Value::from).collect(),
                },
            )
        })
        .collect();
    Ok(ListPermissionsResponse { permissions })
}
