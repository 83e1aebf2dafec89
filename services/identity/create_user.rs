//! `CreateUser`: a new account.

use std::sync::Arc;

use gatepost_core::name::{DisplayName, Email, Username};
use gatepost_core::password::PasswordPolicy;
use gatepost_core::{Status, UserId};
use gatepost_proto::ErrorReason;
use gatepost_proto::identity::v1::{CreateUserRequest, CreateUserResponse};
use gatepost_store::{PasswordHash, User};
use time::OffsetDateTime;

use super::members::set_groups_of_user;
use super::{convert, find};
use crate::app::App;
use crate::context::{Caller, Cx};
use crate::error::{Error, Result};
use crate::given::field;

/// Hashes the password before the organization is locked.
pub async fn prepare(
    app: Arc<App>,
    _: Caller,
    request: CreateUserRequest,
) -> Result<(CreateUserRequest, PasswordHash)> {
    require_good_password(&request.password, &request.username, &request.email)?;
    let hash = app.passwords.hash(&request.password).await?;
    Ok((request, hash))
}

/// Handles the RPC.
pub async fn create_user(
    cx: &mut Cx,
    (request, hash): (CreateUserRequest, PasswordHash),
) -> Result<CreateUserResponse> {
    let account = Account {
        username: &request.username,
        email: &request.email,
        first_name: &request.first_name,
        last_name: &request.last_name,
    };
    let user = account.user(UserId::new(cx.new_id()), hash, cx.now)?;
    cx.tx.users().insert(&user).await?;
    let groups = find::groups(&cx.tx, &request.groups).await?;
    set_groups_of_user(&cx.caller, &cx.tx, user.id, &groups).await?;
    let id = user.id;
    let user = convert::user(&cx.tx, user).await?;
    cx.audit.target("user", id).after(&user);
    Ok(CreateUserResponse { user: Some(user) })
}

/// What somebody typed about a new account.
pub struct Account<'a> {
    /// The name to sign in with.
    pub username: &'a str,
    /// The e-mail address.
    pub email: &'a str,
    /// Given name.
    pub first_name: &'a str,
    /// Family name.
    pub last_name: &'a str,
}

impl Account<'_> {
    /// The row of the account.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for a name that is none.
    pub fn user(&self, id: UserId, hash: PasswordHash, now: OffsetDateTime) -> Result<User> {
        let username = field("username", Username::parse(self.username))?;
        let email = field("email", Email::parse(self.email))?;
        Ok(User {
            id,
            username_key: username.key(),
            username: username.into_string(),
            email_key: Some(email.key()),
            email: Some(email.into_string()),
            email_verified: false,
            first_name: field("firstName", DisplayName::parse(self.first_name))?.into_string(),
            last_name: field("lastName", DisplayName::parse(self.last_name))?.into_string(),
            password_hash: hash,
            status: Status::Active,
            created_at: now,
            updated_at: now,
        })
    }
}

/// Refuses a password that the policy refuses.
///
/// # Errors
/// `PASSWORD_REFUSED`.
pub fn require_good_password(password: &str, username: &str, email: &str) -> Result<()> {
    PasswordPolicy::default()
        .check(password, username, email)
        .map_err(|error| {
            Error::new(
                ErrorReason::PasswordRefused,
                format!("the password {error}"),
            )
        })
}
