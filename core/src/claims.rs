//! What an access token says, who that is, and whether they still live.
//!
//! The signature, `iss`, `aud` and the times are checked by whoever holds keys and clock.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::decide::{Subject, View};
use crate::fact::Status;
use crate::id::{ApplicationId, CredentialId, OrganizationId, Revision, SessionId, UserId};
use crate::snapshot::{ApplicationEntry, UserEntry};

/// The `type` of a person's token.
pub const TYPE_USER: &str = "normal-user";
/// The `type` of a machine's token.
pub const TYPE_APPLICATION: &str = "application";

/// The claims of an access token (RFC 9068), with those that Lerian's products read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessClaims {
    /// Who issued it: the public URL.
    pub iss: String,
    /// Who may accept it: the public URL, and the client if there is one.
    pub aud: Vec<String>,
    /// Who it is about: the user's id, or `<owner>/<application id>`.
    pub sub: String,
    /// When it was issued, in unix seconds.
    pub iat: i64,
    /// From when on it holds, in unix seconds.
    pub nbf: i64,
    /// Until when it holds, in unix seconds.
    pub exp: i64,
    /// The token's own id.
    pub jti: String,
    /// The session of a person, or the credential of a machine.
    pub sid: String,
    /// The client that asked for it, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azp: Option<String>,
    /// The same once more, by the name that RFC 9068 §2.2 has for it.
    #[serde(default, rename = "client_id", skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// What it may be used for, separated by spaces (RFC 9068 §2.2.3); empty when it was bought
    /// without one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// Of a person, what the sign-in was worth (RFC 9068 §2.2.1): see [`mfa`](crate::mfa).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub acr: String,
    /// Of a person, how she proved who she is (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Of a person, when she signed in, in unix seconds.
    #[serde(default, rename = "auth_time", skip_serializing_if = "is_zero")]
    pub auth_time: i64,
    /// The organization's revision when it was issued.
    pub rev: Revision,
    /// [`TYPE_USER`] or [`TYPE_APPLICATION`].
    pub r#type: String,
    /// The organization's slug when it was issued.
    pub owner: String,
    /// Username, or the application's name.
    pub name: String,
    /// The name for people.
    pub display_name: String,
    /// The organization's id.
    pub tenant_id: String,
    /// The organization's slug when it was issued.
    pub tenant_slug: String,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes what it asks about by reference"
)]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// Why claims name nobody. A token that we signed never has such.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ClaimsError {
    /// `type` is neither a person's nor a machine's.
    #[error("unknown `type`")]
    Type,
    /// `tenantId` is no id.
    #[error("malformed `tenantId`")]
    Tenant,
    /// `sub` is not what its `type` demands, or names another owner.
    #[error("malformed `sub`")]
    Subject,
    /// `sid` is no id.
    #[error("malformed `sid`")]
    Session,
}

/// Who a token is: the part of its claims that decisions are made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Principal {
    /// A person on one device.
    User {
        /// Her organization.
        organization: OrganizationId,
        /// Who she is.
        user: UserId,
        /// The session that the token came from.
        session: SessionId,
    },
    /// A machine with one of its secrets.
    Application {
        /// Its organization.
        organization: OrganizationId,
        /// Which application.
        application: ApplicationId,
        /// The secret that the token came from.
        credential: CredentialId,
    },
}

impl Principal {
    /// Reads who the claims of a verified token name.
    pub fn from_claims(claims: &AccessClaims) -> Result<Self, ClaimsError> {
        let organization = claims.tenant_id.parse().map_err(|_| ClaimsError::Tenant)?;
        let session: SessionId = claims.sid.parse().map_err(|_| ClaimsError::Session)?;
        match claims.r#type.as_str() {
            TYPE_USER => {
                let user = claims.sub.parse().map_err(|_| ClaimsError::Subject)?;
                Ok(Self::User {
                    organization,
                    user,
                    session,
                })
            }
            TYPE_APPLICATION => {
                let (owner, id) = claims.sub.split_once('/').ok_or(ClaimsError::Subject)?;
                if owner != claims.owner {
                    return Err(ClaimsError::Subject);
                }
                let application = id.parse().map_err(|_| ClaimsError::Subject)?;
                let credential = CredentialId::new(session.uuid());
                Ok(Self::Application {
                    organization,
                    application,
                    credential,
                })
            }
            _ => Err(ClaimsError::Type),
        }
    }

    /// The organization: the tenant of everything that this caller does.
    pub const fn organization(self) -> OrganizationId {
        match self {
            Self::User { organization, .. } | Self::Application { organization, .. } => {
                organization
            }
        }
    }

    /// Who decisions are about.
    pub const fn subject(self) -> Subject {
        match self {
            Self::User { user, .. } => Subject::User(user),
            Self::Application { application, .. } => Subject::Application(application),
        }
    }

    /// The session, or the credential that stands for it: the `sid`.
    pub const fn sid(self) -> Uuid {
        match self {
            Self::User { session, .. } => session.uuid(),
            Self::Application { credential, .. } => credential.uuid(),
        }
    }
}

/// Organization, subject and `sid` of a verified token.
pub fn subject_of(claims: &AccessClaims) -> Result<(OrganizationId, Subject, Uuid), ClaimsError> {
    let principal = Principal::from_claims(claims)?;
    Ok((
        principal.organization(),
        principal.subject(),
        principal.sid(),
    ))
}

/// The least revision of the organization at which the token may be judged.
///
/// [`liveness`] takes what a snapshot does not know for gone. So a caller whose snapshot is older
/// than this catches up first, or answers that it is unavailable.
pub const fn needs_revision(claims: &AccessClaims) -> Revision {
    claims.rev
}

/// Why a token does not stand any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Ended {
    /// There is no such organization.
    #[error("the organization is gone")]
    OrganizationGone,
    /// The organization may not be used.
    #[error("the organization is suspended")]
    OrganizationSuspended,
    /// There is no such user.
    #[error("the user is gone")]
    UserGone,
    /// The user may not be used.
    #[error("the user is suspended")]
    UserSuspended,
    /// There is no such application.
    #[error("the application is gone")]
    ApplicationGone,
    /// The application may not be used.
    #[error("the application is suspended")]
    ApplicationSuspended,
    /// The secret was revoked.
    #[error("the credential is gone")]
    CredentialGone,
    /// Signed out, or ended by somebody.
    #[error("the session has ended")]
    SessionEnded,
}

/// Whether everything that a token stands on still lives.
///
/// The view is of the principal's organization, at [`needs_revision`] or later; another
/// organization's is answered as if the principal's were gone.
pub fn liveness(view: View<'_>, principal: Principal) -> Result<(), Ended> {
    if view.organization.id() != principal.organization() {
        return Err(Ended::OrganizationGone);
    }
    active(
        view.organization_status(),
        Ended::OrganizationGone,
        Ended::OrganizationSuspended,
    )?;
    match principal {
        Principal::User { user, session, .. } => {
            let status = view.organization.user(user).map(UserEntry::status);
            active(status, Ended::UserGone, Ended::UserSuspended)?;
            if view.organization.session_ended(session) {
                return Err(Ended::SessionEnded);
            }
        }
        Principal::Application {
            application,
            credential,
            ..
        } => {
            let status = view
                .organization
                .application(application)
                .map(ApplicationEntry::status);
            active(status, Ended::ApplicationGone, Ended::ApplicationSuspended)?;
            if view.organization.credential(credential) != Some(application) {
                return Err(Ended::CredentialGone);
            }
            // One machine's session may be ended without revoking its secret.
            if view
                .organization
                .session_ended(SessionId::new(credential.uuid()))
            {
                return Err(Ended::SessionEnded);
            }
        }
    }
    Ok(())
}

fn active(status: Option<Status>, gone: Ended, suspended: Ended) -> Result<(), Ended> {
    match status {
        Some(Status::Active) => Ok(()),
        Some(Status::Suspended) => Err(suspended),
        None => Err(gone),
    }
}

#[cfg(test)]
mod tests;
