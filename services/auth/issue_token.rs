//! `IssueToken`: a name and a password, or a client and its secret, for a token.

use gatepost_core::name;
use gatepost_core::{SessionId, Status};
use gatepost_proto::ErrorReason;
use gatepost_proto::auth::v1::{IssueTokenRequest, IssueTokenResponse};
use gatepost_store::{Actor, Organization, Session, User};

use super::issue::{self, Client, Issue, Issued, for_machine, for_person, person_scope};
use crate::attempts::Attempts;
use crate::context::{Audit, Gate};
use crate::error::{Error, Result};
use crate::token::RefreshToken;

/// How a password is called among the methods of a session (RFC 8176 §2).
const METHOD_PASSWORD: &str = "pwd";

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
    let found = find_person(gate, &account, client.as_ref()).await?;
    let stored = found.as_ref().map(|(_, user)| &user.password_hash);
    let correct = gate.app.passwords.verify(&request.password, stored).await?;
    let Some((organization, user)) = found.filter(|_| correct) else {
        attempts.failed(&gate.app, gate.now).await?;
        return Err(Error::new(
            ErrorReason::CredentialsInvalid,
            "wrong username or password",
        ));
    };
    issue::require_active(&organization)?;
    attempts.succeeded(&gate.app).await?;
    let scope = person_scope(&request.scope, None);
    start_session(gate, &organization, &user, client.as_ref(), scope).await
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

/// Finds the one account that the name means: in the client's organization if there is a client,
/// else by a verified e-mail address, else in the oldest organization that has the username.
async fn find_person(
    gate: &Gate,
    account: &str,
    client: Option<&Client>,
) -> Result<Option<(Organization, User)>> {
    let sign_in = gate.app.store.sign_in().await?;
    if let Some(client) = client {
        let user = sign_in.user_in(client.organization.id, account).await?;
        return Ok(user.map(|user| (client.organization.clone(), user)));
    }
    if account.contains('@') {
        let found = sign_in.users_by_email(account).await?;
        if let Some(first) = found.into_iter().next() {
            return Ok(Some(first));
        }
    }
    Ok(sign_in.oldest_of_username(account).await?)
}

/// Writes the session with its first refresh token, and signs the access token for the revision
/// that this made.
async fn start_session(
    gate: &mut Gate,
    organization: &Organization,
    user: &User,
    client: Option<&Client>,
    scope: String,
) -> Result<IssueTokenResponse> {
    let tx = gate.app.store.write(organization.id).await?;
    let user = same_account(tx.users().get(user.id).await?, user)?;
    let session = Session {
        id: SessionId::new(gate.new_id()),
        user: user.id,
        application: client.map(|client| client.application.id),
        created_at: gate.now,
        expires_at: gate.now + gate.app.sign_in.refresh_token,
        ended_at: None,
        ended_until: None,
        within: None,
        scope: scope.clone(),
        generation: 0,
        rotated_at: None,
        last_seen_at: gate.now,
        device: gate.arrival.device(),
        methods: vec![METHOD_PASSWORD.to_owned()],
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
        organization,
        revision,
        client: application,
        now: gate.now,
    };
    let issued = for_person(&gate.app, &issue, &user, &session, scope).await?;
    Ok(response(
        issued,
        Some(refresh_token.write(&gate.app.sealer)),
    ))
}

/// The account as it is inside the transaction: whoever changed the password or suspended it
/// while the old password was being checked wins.
fn same_account(now: Option<User>, checked: &User) -> Result<User> {
    let user = now
        .filter(|user| user.password_hash == checked.password_hash)
        .ok_or_else(|| {
            Error::new(
                ErrorReason::CredentialsInvalid,
                "wrong username or password",
            )
        })?;
    if user.status == Status::Suspended {
        return Err(Error::new(
            ErrorReason::UserSuspended,
            "the user is suspended",
        ));
    }
    Ok(user)
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
