//! `IssueToken`: a name and a password, or a client and its secret, for a token.

use std::sync::Arc;

use gatepost_core::mfa::{ACR_TWO_FACTORS, Method};
use gatepost_core::{Algorithm, name};
use gatepost_proto::ErrorReason;
use gatepost_proto::auth::v1::{IssueTokenRequest, IssueTokenResponse};
use gatepost_replica::Want;
use gatepost_store::{GrantType, Organization};
use pbjson_types::{ListValue, Value};

use super::challenge::{Asked, Challenged, after_password};
use super::client::Client;
use super::issue::{self, Issue, Issued, for_machine, narrowed, person_scope};
use super::person::{self, Found, Person};
use super::session::{Start, start};
use crate::app::App;
use crate::attempts::{Attempts, KnownDevice, Visitor};
use crate::context::Gate;
use crate::error::{Error, Result};
use crate::mfa::PASSWORD_ONLY;
use crate::run::validate;

/// Whether a token can be issued from memory, and without a slow signature: to a machine that is
/// remembered, with a key on an elliptic curve.
pub async fn is_at_hand(app: &App, request: &IssueTokenRequest) -> bool {
    if request.grant_type != "client_credentials" || validate(request).is_err() {
        return false;
    }
    let remembered = Client::remembered(app, &request.client_id, &request.client_secret).await;
    let Ok(Some((client, present))) = remembered else {
        return false;
    };
    client.application.token_algorithm != Algorithm::RS256
        && app.signer.knows(present.system.revision())
}

/// Handles the RPC.
pub async fn issue_token(
    gate: &mut Gate,
    request: IssueTokenRequest,
) -> Result<IssueTokenResponse> {
    match request.grant_type.as_str() {
        // What is large and rare is not carried about by what is small and frequent.
        "password" => Box::pin(password(gate, request)).await,
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
    let device = KnownDevice::read(&gate.app.sealer, &request.known_device, gate.now);
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
    let whose = found.place();
    let Some(person) = found.prove(&gate.app, &request.password).await? else {
        attempts.failed(&gate.app, gate.now).await?;
        // Of a client everybody knows the organization, so nobody learns who is in it by this.
        if let Some(client) = &client {
            require_password_sign_in(&client.organization)?;
        }
        let wrong = person::wrong();
        return Err(match whose {
            Some(organization) => wrong.concerning(organization, who),
            None => wrong,
        });
    };
    issue::require_active(&person.organization)?;
    require_password_sign_in(&person.organization)?;
    attempts.succeeded(&gate.app).await?;
    let mut response = sign_in(gate, person, &request, client.as_deref()).await?;
    if response.access_token.is_some() {
        let sealer = &gate.app.sealer;
        response.known_device = who.map(|user| KnownDevice::next(device, user, sealer, gate.now));
    }
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

/// A session, or a challenge before it.
async fn sign_in(
    gate: &mut Gate,
    person: Person,
    request: &IssueTokenRequest,
    client: Option<&Client>,
) -> Result<IssueTokenResponse> {
    let scope = person_scope(&request.scope, None);
    let organization = person.organization.clone();
    let (tx, user) = person.enter(&gate.app, &request.password).await?;
    let application = client.map(|client| &client.application);
    let mut wanted = request.acr_values.split_whitespace();
    let asked = Asked {
        organization: &organization,
        user: &user,
        application: application.map(|application| application.id),
        scope: &scope,
        device_token: &request.device_token,
        must_be_strong: wanted.any(|acr| acr == ACR_TWO_FACTORS),
    };
    let tx = match after_password(gate, tx, asked).await? {
        Ok(tx) => tx,
        Err(challenged) => return Ok(challenge(challenged, request.passkeys)),
    };
    let begin = Start {
        organization: &organization,
        user: &user,
        application,
        scope,
        methods: PASSWORD_ONLY.map(str::to_owned).to_vec(),
    };
    let (issued, refresh_token) = start(gate, tx, begin).await?;
    Ok(response(issued, Some(refresh_token)))
}

/// A client that cannot do passkeys is not offered any; the challenge is the same.
fn challenge(mut challenged: Challenged, can_passkeys: bool) -> IssueTokenResponse {
    challenged
        .methods
        .retain(|method| can_passkeys || *method != Method::Passkey);
    let names = challenged.methods.iter().map(|method| method.name());
    let values = names.clone().map(|name| Value::from(name.to_owned()));
    IssueTokenResponse {
        mfa_required: Some(true),
        mfa_token: Some(challenged.token),
        preferred_method: names.clone().next().map(str::to_owned),
        methods: Some(ListValue {
            values: values.collect(),
        }),
        enrolment_required: Some(challenged.must_enrol),
        mfa_expires_in: Some(challenged.expires_in),
        ..IssueTokenResponse::default()
    }
}

fn response(issued: Issued, refresh_token: Option<String>) -> IssueTokenResponse {
    IssueTokenResponse {
        access_token: Some(issued.access_token),
        expires_in: Some(issued.expires_in),
        refresh_token,
        token_type: Some("Bearer".to_owned()),
        id_token: issued.id_token,
        scope: Some(issued.scope),
        ..IssueTokenResponse::default()
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
