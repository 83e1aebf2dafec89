//! `IssueToken`: a name and a password, or a client and its secret, for a token.

use std::sync::Arc;

use gatepost_core::SessionId;
use gatepost_core::name;
use gatepost_proto::ErrorReason;
use gatepost_proto::auth::v1::{IssueTokenRequest, IssueTokenResponse};
use gatepost_replica::Want;
use gatepost_store::{Actor, GrantType, Organization, Session};

use super::client::Client;
use super::issue::{self, Issue, Issued, Told, for_machine, for_person, narrowed, person_scope};
use super::person::{self, Found, Person};
use crate::attempts::{Attempts, KnownDevice, Visitor};
use crate::context::{Audit, Gate};
use crate::error::{Error, Result};
use crate::token::RefreshToken;

/// How a password is called among the methods of a session (RFC 8176 §2).
pub const METHOD_PASSWORD: &str = "pwd";

/// Handles the RPC.
pub async fn issue_token(
    gate: &mut Gate,
    request: IssueTokenRequest,
) -> Result<IssueTokenResponse> {
    match request.grant_type.as_str() {
        "password" => password(gate, request).await,
        "client_credentials" => client_credentials(gate, request).await,
        "" => Err(incomplete("grantType")),
        _ => Err(Error::new(
            ErrorReason::GrantTypeUnsupported,
            "`grantType` must be `password` or `client_credentials`",
        )),
    }
}

async fn client_credentials(
    gate: &mut Gate,
    request: IssueTokenRequest,
) -> Result<IssueTokenResponse> {
    require("clientId", &request.client_id)?;
    require("clientSecret", &request.client_secret)?;
    let entered = Client::enter(gate, &request.client_id, &request.client_secret).await;
    let client = entered?.0;
    let issuer = gate.app.public_url.clone();
    let issued = for_client(gate, &client, &issuer, &[]).await?;
    Ok(response(issued, None))
}

/// A token for an application that proved itself.
///
/// # Errors
/// `GRANT_TYPE_REFUSED`; `RESOURCE_REFUSED`; `INTERNAL` when there is no key to sign with;
/// `UNAVAILABLE`.
pub async fn for_client(
    gate: &mut Gate,
    client: &Client,
    issuer: &str,
    resources: &[String],
) -> Result<Issued> {
    client.require(GrantType::ClientCredentials)?;
    let resources = narrowed(resources, &[], &client.application.settings)?;
    let credential = client.credential.as_ref().map(|credential| credential.id);
    let credential = credential.ok_or_else(|| Error::internal("a client without a proof"))?;
    // The client was found in this snapshot, so a replica that knows its revision knows it too.
    let snapshots = &gate.app.gatekeeper.snapshots;
    let present = snapshots
        .get(client.organization.id, Want::default())
        .await?;
    let issue = Issue {
        organization: &client.organization,
        revision: present.revision(),
        client: Some(&client.application),
        issuer,
        now: gate.now,
    };
    let issued = for_machine(&gate.app, &issue, client, credential, &resources).await?;
    gate.revision = Some(present.revision());
    Ok(issued)
}

async fn password(gate: &mut Gate, request: IssueTokenRequest) -> Result<IssueTokenResponse> {
    require("username", &request.username)?;
    require("password", &request.password)?;
    let account = name::key(&request.username);
    let client_id = Some(request.client_id.as_str()).filter(|id| !id.is_empty());
    let device = KnownDevice::read(&gate.app.sealer, &request.device_token, gate.now);
    let visitor = Visitor {
        account: &account,
        client: client_id,
        address: gate.arrival.address,
        device,
    };
    let attempts = Attempts::begin_as(&gate.app, visitor, gate.now).await?;
    let client = match client_id {
        Some(_) => Some(prove_client(gate, &attempts, &request).await?),
        None => None,
    };
    if let Some(client) = &client {
        client.require(GrantType::Password)?;
    }
    let place = client.as_deref().map(|client| &client.organization);
    let found = Found::of(&gate.app, &account, place).await?;
    let attempts = attempts
        .require_same(&gate.app, visitor, found.user(), gate.now)
        .await?;
    let who = found.user();
    let Some(person) = found.prove(&gate.app, &request.password).await? else {
        attempts.failed(&gate.app, gate.now).await?;
        // Of a client everybody knows the organization, so nobody learns who is in it by this.
        if let Some(client) = &client {
            require_password_sign_in(&client.organization)?;
        }
        return Err(person::wrong());
    };
    issue::require_active(&person.organization)?;
    require_password_sign_in(&person.organization)?;
    attempts.succeeded(&gate.app).await?;
    let scope = person_scope(&request.scope, None);
    let mut response =
        start_session(gate, person, &request.password, client.as_deref(), scope).await?;
    let sealer = &gate.app.sealer;
    response.device_token = who.map(|user| KnownDevice::next(device, user, sealer, gate.now));
    Ok(response)
}

async fn prove_client(
    gate: &Gate,
    attempts: &Attempts,
    request: &IssueTokenRequest,
) -> Result<Arc<Client>> {
    let proven = Client::prove(&gate.app, &request.client_id, &request.client_secret).await;
    if proven
        .as_ref()
        .is_err_and(|error| error.reason() == ErrorReason::ClientInvalid)
    {
        attempts.client_failed(&gate.app, gate.now).await?;
    }
    proven
}

/// Writes the session with its first refresh token, and signs the access token for the revision
/// that this made.
async fn start_session(
    gate: &mut Gate,
    person: Person,
    password: &str,
    client: Option<&Client>,
    scope: String,
) -> Result<IssueTokenResponse> {
    let organization = person.organization.clone();
    let (tx, user) = person.enter(&gate.app, password).await?;
    let lifetime = match client {
        Some(client) => gate.app.sign_in.lifetime(&client.application.settings),
        None => gate.app.sign_in.refresh_token,
    };
    let session = Session {
        id: SessionId::new(gate.new_id()),
        user: user.id,
        application: client.map(|client| client.application.id),
        created_at: gate.now,
        expires_at: gate.now + lifetime,
        ended_at: None,
        ended_until: None,
        within: None,
        scope: scope.clone(),
        generation: 0,
        rotated_at: None,
        last_seen_at: gate.now,
        device: gate.arrival.device(),
        methods: vec![METHOD_PASSWORD.to_owned()],
        signed_in_at: gate.now,
        resources: Vec::new(),
        claims: Vec::new(),
    };
    tx.sessions().insert(&session).await?;
    let refresh_token = RefreshToken {
        organization: organization.id,
        session: session.id,
        generation: session.generation,
    };
    let actor = Actor {
        kind: "user".into(),
        id: user.id.to_string(),
        name: user.username.clone(),
    };
    let mut audit = Audit::new(actor, "session.start", gate.now, &gate.arrival);
    audit.target("session", session.id);
    let revision = gate.commit(tx, audit).await?;
    let application = client.map(|client| &client.application);
    let issue = Issue {
        organization: &organization,
        revision,
        client: application,
        issuer: &gate.app.public_url,
        now: gate.now,
    };
    let told = Told {
        scope: &scope,
        resources: &[],
        nonce: "",
    };
    let issued = for_person(&gate.app, &issue, &user, &session, told).await?;
    Ok(response(
        issued,
        Some(refresh_token.write(&gate.app.sealer)),
    ))
}

fn response(issued: Issued, refresh_token: Option<String>) -> IssueTokenResponse {
    IssueTokenResponse {
        access_token: issued.access_token,
        expires_in: issued.expires_in,
        refresh_token,
        token_type: "Bearer".to_owned(),
        id_token: issued.id_token,
        scope: issued.scope,
        device_token: None,
    }
}

/// Refuses where nobody signs in with a password. Asked only after the password was checked, so
/// that it costs the same.
///
/// # Errors
/// `PASSWORD_SIGN_IN_OFF`.
pub fn require_password_sign_in(organization: &Organization) -> Result<()> {
    if organization.password_sign_in {
        return Ok(());
    }
    let message = "nobody of this organization signs in with a password";
    Err(Error::new(ErrorReason::PasswordSignInOff, message))
}

fn require(field: &'static str, value: &str) -> Result<()> {
    if value.is_empty() {
        Err(incomplete(field))
    } else {
        Ok(())
    }
}

fn incomplete(field: &'static str) -> Error {
    Error::new(
        ErrorReason::GrantIncomplete,
        format!("this grant needs `{field}`"),
    )
    .with("field", field)
}
