//! `IssueToken`: a name and a password, or a client and its secret, for a token.

use gatepost_core::SessionId;
use gatepost_core::name;
use gatepost_proto::ErrorReason;
use gatepost_proto::auth::v1::{IssueTokenRequest, IssueTokenResponse};
use gatepost_store::{Actor, RefreshToken, Session};

use super::issue::{self, Client, Issue, Issued, for_machine, for_person, person_scope};
use super::person::{self, Person};
use crate::attempts::Attempts;
use crate::context::{Audit, Gate};
use crate::error::{Error, Result};
use crate::seal::{REFRESH_TOKEN, new_secret};

/// What a refresh token begins with, so that scanners find one that leaked.
const REFRESH_PREFIX: &str = "gpr_";

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
    let attempts = Attempts::begin(
        &gate.app,
        &request.client_id,
        None,
        gate.arrival.address,
        gate.now,
    )
    .await?;
    let client = prove_client(gate, &attempts, &request).await?;
    // The revision is read after the credential was found, so that a replica that knows it knows
    // the credential too.
    let revision = gate
        .app
        .store
        .read(client.organization.id)
        .await?
        .revision();
    let issue = Issue {
        organization: &client.organization,
        revision,
        client: Some(&client.application),
        now: gate.now,
    };
    let issued = for_machine(&gate.app, &issue, &client).await?;
    gate.revision = Some(revision);
    Ok(response(issued, None))
}

async fn password(gate: &mut Gate, request: IssueTokenRequest) -> Result<IssueTokenResponse> {
    require("username", &request.username)?;
    require("password", &request.password)?;
    let account = name::key(&request.username);
    let client_id = Some(request.client_id.as_str()).filter(|id| !id.is_empty());
    let attempts = Attempts::begin(
        &gate.app,
        &account,
        client_id,
        gate.arrival.address,
        gate.now,
    )
    .await?;
    let client = match client_id {
        Some(_) => Some(prove_client(gate, &attempts, &request).await?),
        None => None,
    };
    let proven = Person::prove(&gate.app, &account, &request.password, client.as_ref()).await?;
    let Some(person) = proven else {
        attempts.failed(&gate.app, gate.now).await?;
        return Err(person::wrong());
    };
    issue::require_active(&person.organization)?;
    attempts.succeeded(&gate.app).await?;
    let scope = person_scope(&request.scope, None);
    start_session(gate, person, &request.password, client.as_ref(), scope).await
}

async fn prove_client(
    gate: &Gate,
    attempts: &Attempts,
    request: &IssueTokenRequest,
) -> Result<Client> {
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
    let session = Session {
        id: SessionId::new(gate.new_id()),
        user: user.id,
        application: client.map(|client| client.application.id),
        created_at: gate.now,
        expires_at: gate.now + gate.app.sign_in.refresh_token,
        ended_at: None,
        ended_until: None,
    };
    tx.sessions().insert(&session).await?;
    let refresh_token = new_refresh_token()?;
    let row = refresh_row(gate, &session, &refresh_token, &scope);
    tx.refresh_tokens().insert(&row).await?;
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
        now: gate.now,
    };
    let issued = for_person(&gate.app, &issue, &user, &session, scope).await?;
    Ok(response(issued, Some(refresh_token)))
}

/// The row of a refresh token; it lives as long as its session.
pub fn refresh_row(gate: &Gate, session: &Session, token: &str, scope: &str) -> RefreshToken {
    RefreshToken {
        hash: gate.app.sealer.hash(REFRESH_TOKEN, token),
        session: session.id,
        user: session.user,
        scope: scope.to_owned(),
        issued_at: gate.now,
        expires_at: session.expires_at,
        used_at: None,
    }
}

/// A new refresh token.
///
/// # Errors
/// `INTERNAL` when the system gives no randomness.
pub fn new_refresh_token() -> Result<String> {
    Ok(new_secret(REFRESH_PREFIX)?)
}

fn response(issued: Issued, refresh_token: Option<String>) -> IssueTokenResponse {
    IssueTokenResponse {
        access_token: issued.access_token,
        expires_in: issued.expires_in,
        refresh_token,
        token_type: "Bearer".to_owned(),
        id_token: issued.id_token,
        scope: issued.scope,
    }
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
