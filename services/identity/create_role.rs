//! `CreateRole`: a new role of the organization.

use gatepost_core::RoleId;
use gatepost_core::name::RoleName;
use gatepost_proto::identity::v1::{CreateRoleRequest, CreateRoleResponse};
use gatepost_store::Role;

use super::convert;
use crate::context::{Caller, Cx};
use crate::error::{Error, Result};
use crate::given::{field, permissions};

/// Handles the RPC.
pub async fn create_role(cx: &mut Cx, request: CreateRoleRequest) -> Result<CreateRoleResponse> {
    let name = field("name", RoleName::parse(&request.name))?;
    let role = Role {
        id: RoleId::new(cx.new_id()),
        product: product(&cx.caller, &request.product)?,
        name_key: name.key(),
        name: name.into_string(),
        description: request.description,
        permissions: permissions(request.permissions)?,
        built_in: false,
        created_at: cx.now,
    };
    cx.caller.require_may_give(std::slice::from_ref(&role))?;
    cx.tx.roles().insert(&role).await?;
    let id = role.id;
    let role = convert::role(role);
    cx.audit.target("role", id).after(&role);
    Ok(CreateRoleResponse { role: Some(role) })
}

/// The slug of the product that this names.
fn product(caller: &Caller, named: &str) -> Result<String> {
    let product = caller.present.system.product(named);
    product
        .map(|product| product.slug().to_owned())
        .ok_or_else(|| Error::invalid("product", "no product has this slug"))
}
