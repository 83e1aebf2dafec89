//! `GetUser`: one user.

use gatepost_proto::identity::v1::{GetUserRequest, GetUserResponse};

use super::{convert, find};
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn get_user(cx: &mut Cx, request: GetUserRequest) -> Result<GetUserResponse> {
    let user = find::user(&cx.tx, &request.id).await?;
    Ok(GetUserResponse {
        user: Some(convert::user(&cx.tx, user).await?),
    })
}
