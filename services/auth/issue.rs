//! What the grants share: clients that prove themselves, and the tokens that everybody gets.

use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_core::claims::{AccessClaims, TYPE_APPLICATION, TYPE_USER};
use gatepost_core::mfa::acr_of;
use gatepost_core::{Algorithm, CredentialId, Revision, Status};
use gatepost_proto::ErrorReason;
use gatepost_replica::{ACCESS_TYPE, ID_TYPE, Want};
use gatepost_store::{Actor, Application, ClientSettings, Organization, Session, User};
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

/// What the tokens of a person's session say beside who she is.
pub struct Told<'a> {
    /// The scopes, separated by spaces.
    pub scope: &'a str,
    /// What they are for; empty for all that accepts ours.
    pub resources: &'a [String],
    /// What the application wants to find in the ID token; empty without.
    pub nonce: &'a str,
}

/// What a client wants of the next tokens of a session.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wish<'a> {
    /// The scope; empty for the session's.
    pub scope: &'a str,
    /// What they are to be for (RFC 8707); empty for what the session's are for.
    pub resources: &'a [String],
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
    told: Told<'_>,
) -> Result<Issued> {
    open_keys(app).await?;
    let mut claims = issue.claims(app, told.resources);
    claims.sub = user.id.to_string();
    claims.sid = session.id.to_string();
    told.scope.clone_into(&mut claims.scope);
    TYPE_USER.clone_into(&mut claims.r#type);
    claims.name.clone_from(&user.username);
    claims.display_name = user.display_name();
    acr_of(&session.methods).clone_into(&mut claims.acr);
    claims.amr.clone_from(&session.methods);
    claims.auth_time = session.signed_in_at.unix_timestamp();
    let algorithm = issue
        .client
        .map_or(Algorithm::RS256, |client| client.token_algorithm);
    let access_token = app
        .signer
        .sign(issue.now, algorithm, ACCESS_TYPE, &claims)?;
    let id_token = if has(told.scope, "openid") {
        let mut claims = IdClaims::new(&claims, user, session);
        claims.nonce = told.nonce;
        claims.at_hash = at_hash(algorithm, &access_token);
        let signed = app.signer.sign(issue.now, algorithm, ID_TYPE, &claims);
        Some(signed?)
    } else {
        None
    };
    Ok(Issued {
        access_token,
        id_token,
        scope: told.scope.to_owned(),
        expires_in: seconds(app.sign_in.access_token),
    })
}

/// Signs the token of a machine. Its session is its credential.
///
/// # Errors
/// `INTERNAL` when there is no key to sign with.
pub async fn for_machine(
    app: &App,
    issue: &Issue<'_>,
    client: &Client,
    credential: CredentialId,
    resources: &[String],
) -> Result<Issued> {
    open_keys(app).await?;
    let mut claims = issue.claims(app, resources);
    claims.sub = format!("{}/{}", issue.organization.slug, client.application.id);
    claims.sid = credential.to_string();
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

/// What tokens are for: what is asked for, within what was agreed, else within what the application
/// may ask for (RFC 8707 §2).
///
/// # Errors
/// `RESOURCE_REFUSED`.
pub fn narrowed(
    asked: &[String],
    agreed: &[String],
    settings: &ClientSettings,
) -> Result<Vec<String>> {
    let most = if agreed.is_empty() {
        &settings.resources
    } else {
        agreed
    };
    if let Some(other) = asked.iter().find(|one| !most.contains(one)) {
        let message = format!("the application may not ask for `{other}`");
        return Err(Error::new(ErrorReason::ResourceRefused, message));
    }
    Ok(if asked.is_empty() { agreed } else { asked }.to_vec())
}

/// Whether a scope is among those, which are separated by spaces.
pub fn has(scopes: &str, scope: &str) -> bool {
    scopes.split(' ').any(|one| one == scope)
}

/// The first half of the access token's hash, of the kind that its signature hashes with
/// (OpenID Connect Core §3.1.3.6).
fn at_hash(algorithm: Algorithm, access_token: &str) -> String {
    let kind = match algorithm {
        Algorithm::RS256 | Algorithm::ES256 => &digest::SHA256,
        Algorithm::EdDSA => &digest::SHA512,
    };
    let hash = digest::digest(kind, access_token.as_bytes());
    let (half, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    URL_SAFE_NO_PAD.encode(half)
}

impl Issue<'_> {
    fn claims(&self, app: &App, resources: &[String]) -> AccessClaims {
        let client_id = self.client.map(|client| client.client_id.clone());
        let iat = self.now.unix_timestamp();
        // Whatever a token is asked for is all that it is for (RFC 8707 §2.2).
        let aud = if resources.is_empty() {
            let all = [Some(app.public_url.clone()), client_id.clone()];
            all.into_iter().flatten().collect()
        } else {
            resources.to_vec()
        };
        AccessClaims {
            iss: self.issuer.to_owned(),
            aud,
            sub: String::new(),
            iat,
            nbf: iat,
            exp: iat + i64::from(seconds(app.sign_in.access_token)),
            jti: new_id(self.now).to_string(),
            sid: String::new(),
            azp: client_id.clone(),
            client_id,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    azp: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    nonce: &'a str,
    at_hash: String,
    #[serde(rename = "tenantId")]
    tenant_id: &'a str,
    #[serde(flatten)]
    about: About,
}

impl<'a> IdClaims<'a> {
    fn new(access: &'a AccessClaims, user: &'a User, session: &Session) -> Self {
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
            azp: access.azp.as_deref(),
            nonce: "",
            at_hash: String::new(),
            tenant_id: &access.tenant_id,
            about: About::of(user, &access.scope, &session.claims, "id_token"),
        }
    }
}

/// What is told of a person, by scope (OpenID Connect Core §5.4) or because it was asked for by
/// name (§5.5).
#[derive(Debug, Default, Serialize)]
pub struct About {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
}

impl About {
    /// What may be told in one place: `id_token` or `userinfo`.
    pub fn of(user: &User, scope: &str, claims: &[String], place: &str) -> Self {
        let asked = |name: &str| {
            let is_it = |claim: &String| claim.strip_prefix(place) == Some(name);
            claims.iter().any(is_it)
        };
        let (profile, email) = (has(scope, "profile"), has(scope, "email"));
        let address = user.email.clone().unwrap_or_default();
        Self {
            name: (profile || asked(".name")).then(|| user.display_name()),
            preferred_username: (profile || asked(".preferred_username"))
                .then(|| user.username.clone()),
            email: (email || asked(".email")).then_some(address),
            email_verified: (email || asked(".email_verified")).then_some(user.email_verified),
        }
    }
}

/// Takes the signing keys again when the system organization has moved on: one of them may be new
/// or withdrawn.
pub(super) async fn open_keys(app: &App) -> Result<()> {
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
