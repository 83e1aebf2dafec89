//! `CreateUser`: a new account.

use std::sync::Arc;

use gatepost_core::name::{DisplayName, Email, Username};
use gatepost_core::{PRODUCT_GATEPOST, Status, UserId};
use gatepost_proto::identity::v1::{CreateUserRequest, CreateUserResponse};
use gatepost_store::{PasswordHash, User};
use time::OffsetDateTime;

use super::members::set_groups_of_user;
use super::{convert, find};
use crate::app::App;
use crate::context::{Caller, Cx};
use crate::error::{Error, Result};
use crate::given::field;
use crate::password::{self, NewPassword};

/// Hashes the password, or judges the hash, before the organization is locked.
pub async fn prepare(
    app: Arc<App>,
    caller: Caller,
    request: CreateUserRequest,
) -> Result<(CreateUserRequest, PasswordHash)> {
    let hash = match (request.password.as_str(), request.password_hash.as_str()) {
        ("", "") => {
            let message = "`password` must not be empty, or there must be a `passwordHash`";
            return Err(Error::invalid("password", message).with("at", "missing"));
        }
        (password, "") => {
            let new = NewPassword {
                password,
                username: &request.username,
                email: &request.email,
                former: Vec::new(),
            };
            app.passwords.accept(new).await?
        }
        ("", hash) => {
            caller.require(PRODUCT_GATEPOST, "password-hashes", "post")?;
            password::import(hash)?
        }
        (_, _) => {
            let message = "give `password` or `passwordHash`, not both";
            return Err(Error::invalid("passwordHash", message));
        }
    };
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
    if !request.password_hash.is_empty() {
        let in_use = cx.tx.users().password_works().await?;
        cx.app.passwords.require_room(&hash, &in_use)?;
    }
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
