//! `GetUserInfo`: who the bearer is.

use gatepost_core::Subject;
use gatepost_proto::auth::v1::{GetUserInfoRequest, GetUserInfoResponse};

use crate::context::Cx;
use crate::error::{Error, Result};

/// Handles the RPC.
pub async fn get_user_info(cx: &mut Cx, _: GetUserInfoRequest) -> Result<GetUserInfoResponse> {
    let sub = cx.caller.token.claims.sub.clone();
    match cx.caller.subject() {
        Subject::User(id) => {
            let user = cx
                .tx
                .users()
                .get(id)
                .await?
                .ok_or_else(|| Error::not_found("user"))?;
            Ok(GetUserInfoResponse {
                sub,
                name: user.display_name(),
                preferred_username: user.username,
                email: user.email.unwrap_or_default(),
                email_verified: user.email_verified,
                ..GetUserInfoResponse::default()
            })
        }
        Subject::Application(id) => {
            let application = cx.tx.applications().get(id).await?;
            let application = application.ok_or_else(|| Error::not_found("application"))?;
            Ok(GetUserInfoResponse {
                sub,
                name: application.name,
                preferred_username: application.client_id,
                ..GetUserInfoResponse::default()
            })
        }
    }
}
