//! What the grants share: clients that prove themselves, and the tokens that everybody gets.

use std::time::Duration;

use gatepost_core::claims::{AccessClaims, TYPE_APPLICATION, TYPE_USER};
use gatepost_core::mfa::acr_of;
use gatepost_core::{Algorithm, Revision, Status};
use gatepost_proto::ErrorReason;
use gatepost_replica::{ACCESS_TYPE, ID_TYPE, Want};
use gatepost_store::{Actor, Application, Organization, Session, User};
use serde::Serialize;
use time::OffsetDateTime;

use super::client::Client;
use crate::app::App;
use crate::clock::new_id;
use crate::error::{Error, Result};

/// The scopes a person's token has when nobody asks for any.
const PERSON_SCOPES: [&str; 3] = ["openid", "profile", "email"];

/// Refuses a suspended organization.
///
/// # Errors
/// `ORGANIZATION_SUSPENDED`.
pub fn require_active(organization: &Organization) -> Result<()> {
    if organization.status == Status::Active {
        return Ok(());
    }
    Err(Error::new(
        ErrorReason::OrganizationSuspended,
        "the organization is suspended",
    ))
}

/// What a new token says beside who it is for.
pub struct Issue<'a> {
    /// The organization.
    pub organization: &'a Organization,
    /// The revision that a replica must know to judge the token.
    pub revision: Revision,
    /// The application through which it is bought.
    pub client: Option<&'a Application>,
    /// Who issues it.
    pub issuer: &'a str,
    /// The time.
    pub now: OffsetDateTime,
}

/// A signed access token, and the ID token when the scope asks for one.
pub struct Issued {
    /// The access token.
    pub access_token: String,
    /// The ID token.
    pub id_token: Option<String>,
    /// The scopes, separated by spaces.
    pub scope: String,
    /// Seconds until the access token expires.
    pub expires_in: i32,
}

/// Signs the tokens of a person's session.
///
/// # Errors
/// `INTERNAL` when there is no key to sign with.
pub async fn for_person(
    app: &App,
    issue: &Issue<'_>,
    user: &User,
    session: &Session,
    scope: String,
) -> Result<Issued> {
    open_keys(app).await?;
    let mut claims = issue.claims(app);
    claims.sub = user.id.to_string();
    claims.sid = session.id.to_string();
    claims.scope.clone_from(&scope);
    TYPE_USER.clone_into(&mut claims.r#type);
    claims.name.clone_from(&user.username);
    claims.display_name = user.display_name();
    acr_of(&session.methods).clone_into(&mut claims.acr);
    claims.amr.clone_from(&session.methods);
    claims.auth_time = session.created_at.unix_timestamp();
    let algorithm = issue
        .client
        .map_or(Algorithm::RS256, |client| client.token_algorithm);
    let wants_identity = scope.split(' ').any(|scope| scope == "openid");
    let id_token = if wants_identity {
        Some(
            app.signer
                .sign(issue.now, algorithm, ID_TYPE, &IdClaims::new(&claims, user))?,
        )
    } else {
        None
    };
    let access_token = app
        .signer
        .sign(issue.now, algorithm, ACCESS_TYPE, &claims)?;
    Ok(Issued {
        access_token,
        id_token,
        scope,
        expires_in: seconds(app.sign_in.access_token),
    })
}

/// Signs the token of a machine. Its session is its credential.
///
/// # Errors
/// `INTERNAL` when there is no key to sign with.
pub async fn for_machine(app: &App, issue: &Issue<'_>, client: &Client) -> Result<Issued> {
    open_keys(app).await?;
    let mut claims = issue.claims(app);
    claims.sub = format!("{}/{}", issue.organization.slug, client.application.id);
    claims.sid = client.credential.id.to_string();
    TYPE_APPLICATION.clone_into(&mut claims.r#type);
    claims.name.clone_from(&client.application.name);
    claims.display_name.clone_from(&client.application.name);
    let algorithm = client.application.token_algorithm;
    let access_token = app
        .signer
        .sign(issue.now, algorithm, ACCESS_TYPE, &claims)?;
    let expires_in = seconds(app.sign_in.access_token);
    Ok(Issued {
        access_token,
        id_token: None,
        scope: String::new(),
        expires_in,
    })
}

/// What the log calls an application that did something.
pub fn client_actor(client: &Client) -> Actor {
    Actor {
        kind: "application".into(),
        id: client.application.id.to_string(),
        name: client.application.name.clone(),
    }
}

/// The scopes of a person's token: those asked for that exist, within `most` if it is given.
pub fn person_scope(asked: &str, most: Option<&str>) -> String {
    let allowed = |scope: &&str| match most {
        Some(most) => most.split(' ').any(|one| one == *scope),
        None => PERSON_SCOPES.contains(scope),
    };
    if asked.is_empty() {
        return most.map_or_else(|| PERSON_SCOPES.join(" "), str::to_owned);
    }
    let mut scopes: Vec<&str> = asked.split_whitespace().filter(allowed).collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes.join(" ")
}

impl Issue<'_> {
    fn claims(&self, app: &App) -> AccessClaims {
        let client_id = self.client.map(|client| client.client_id.clone());
        let iat = self.now.unix_timestamp();
        let mut aud = vec![app.public_url.clone()];
        aud.extend(client_id.clone());
        AccessClaims {
            iss: self.issuer.to_owned(),
            aud,
            sub: String::new(),
            iat,
            nbf: iat,
            exp: iat + i64::from(seconds(app.sign_in.access_token)),
            jti: new_id(self.now).to_string(),
            sid: String::new(),
            azp: client_id,
            scope: String::new(),
            acr: String::new(),
            amr: Vec::new(),
            auth_time: 0,
            rev: self.revision,
            r#type: String::new(),
            owner: self.organization.slug.clone(),
            name: String::new(),
            display_name: String::new(),
            tenant_id: self.organization.id.to_string(),
            tenant_slug: self.organization.slug.clone(),
        }
    }
}

/// What an ID token says (OpenID Connect Core §2).
#[derive(Serialize)]
struct IdClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: Vec<&'a str>,
    iat: i64,
    exp: i64,
    auth_time: i64,
    acr: &'a str,
    amr: &'a [String],
    sid: &'a str,
    #[serde(rename = "tenantId")]
    tenant_id: &'a str,
    name: String,
    preferred_username: &'a str,
    email: &'a str,
    email_verified: bool,
}

impl<'a> IdClaims<'a> {
    fn new(access: &'a AccessClaims, user: &'a User) -> Self {
        Self {
            iss: &access.iss,
            sub: &access.sub,
            // The client is the audience; without one, this server itself.
            aud: vec![access.azp.as_deref().unwrap_or(&access.iss)],
            iat: access.iat,
            exp: access.exp,
            auth_time: access.auth_time,
            acr: &access.acr,
            amr: &access.amr,
            sid: &access.sid,
            tenant_id: &access.tenant_id,
            name: user.display_name(),
            preferred_username: &user.username,
            email: user.email.as_deref().unwrap_or_default(),
            email_verified: user.email_verified,
        }
    }
}

/// Takes the signing keys again when the system organization has moved on: one of them may be new
/// or withdrawn.
async fn open_keys(app: &App) -> Result<()> {
    let system = app.gatekeeper.snapshots.system();
    let present = app
        .gatekeeper
        .snapshots
        .get(system, Want::default())
        .await?;
    if app.signer.knows(present.system.revision()) {
        return Ok(());
    }
    let tx = app.store.read(system).await?;
    app.signer
        .adopt(tx.revision(), &tx.keys().list().await?, &app.sealer)
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_exist_and_only_narrow() {
        assert_eq!(person_scope("", None), "openid profile email");
        assert_eq!(
            person_scope("email admin openid email", None),
            "email openid"
        );
        assert_eq!(person_scope("openid profile", Some("profile")), "profile");
        assert_eq!(person_scope("", Some("profile")), "profile");
    }
}
