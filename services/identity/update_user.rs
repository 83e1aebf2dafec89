//! `UpdateUser`: names, address, groups and status change; the username stays.

use gatepost_core::name::{DisplayName, Email};
use gatepost_core::{Status, Subject};
use gatepost_proto::identity::v1::{UpdateUserRequest, UpdateUserResponse};
use gatepost_store::User;

use super::escalation::{Direction, require_may_set_status, require_not_above};
use super::mask::Mask;
use super::members::set_groups_of_user;
use super::{convert, find};
use crate::context::{Caller, Cx};
use crate::error::Result;
use crate::given::field;

const MAY_CHANGE: [&str; 5] = ["first_name", "last_name", "email", "groups", "status"];

/// Handles the RPC.
pub async fn update_user(cx: &mut Cx, request: UpdateUserRequest) -> Result<UpdateUserResponse> {
    let mask = Mask::read(request.update_mask.clone(), &MAY_CHANGE)?;
    let old = find::user(&cx.tx, &request.id).await?;
    let before = convert::user(&cx.tx, old.clone()).await?;
    let mut user = apply(&cx.caller, &request, &mask, old.clone())?;
    if user != old {
        user.updated_at = cx.now;
        cx.tx.users().update(&user).await?;
        if user.status != old.status && user.status == Status::Suspended {
            // Whoever holds a stolen session must not have it back with the account.
            let until = cx.app.sign_in.last_token_ends(cx.now);
            let sessions = cx.tx.sessions();
            sessions
                .end_all_of_user(user.id, None, cx.now, until)
                .await?;
        }
    }
    if mask.names("groups", request.groups.is_empty()) {
        let groups = find::groups(&cx.tx, &request.groups).await?;
        set_groups_of_user(&cx.caller, &cx.tx, user.id, &groups).await?;
    }
    let id = user.id;
    let after = convert::user(&cx.tx, user).await?;
    cx.audit.target("user", id).before(&before).after(&after);
    Ok(UpdateUserResponse {})
}

fn apply(
    caller: &Caller,
    request: &UpdateUserRequest,
    mask: &Mask,
    mut user: User,
) -> Result<User> {
    if mask.names("first_name", request.first_name.is_empty()) {
        let name = field("firstName", DisplayName::parse(&request.first_name))?;
        user.first_name = name.into_string();
    }
    if mask.names("last_name", request.last_name.is_empty()) {
        let name = field("lastName", DisplayName::parse(&request.last_name))?;
        user.last_name = name.into_string();
    }
    if mask.names("email", request.email.is_empty()) {
        let email = field("email", Email::parse(&request.email))?;
        if user.email_key.as_ref() != Some(&email.key()) {
            // Whoever owns the address can have the password reset.
            require_not_above(caller, Subject::User(user.id), Direction::Gain)?;
            user.email_verified = false;
            user.email_key = Some(email.key());
        }
        user.email = Some(email.into_string());
    }
    if mask.names("status", request.status.is_empty()) {
        let status = convert::read_status(&request.status)?;
        if user.status != status {
            require_may_set_status(caller, Subject::User(user.id), status)?;
        }
        user.status = status;
    }
    Ok(user)
}
