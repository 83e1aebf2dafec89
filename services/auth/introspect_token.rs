//! `IntrospectToken`: whether a token is good, and what it says (RFC 7662).
//!
//! Of an access token that is answered from memory, like every other question about one.

use gatepost_core::session::Presented;
use gatepost_core::{OrganizationId, Status, Subject};
use gatepost_proto::auth::v1::{IntrospectTokenRequest, IntrospectTokenResponse};
use gatepost_proto::timestamp::Timestamp;
use gatepost_replica::{Verified, Want};
use gatepost_store::Standing;

use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status as Refused};

use crate::app::App;
use crate::context::Arrival;
use crate::error::Result;
use crate::run::{answer_of, at_revision, authenticate, min_revision, validate};
use crate::token::RefreshToken;

/// Who asks about a token.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    /// Its organization: about tokens of others it learns nothing.
    pub organization: OrganizationId,
    /// An application may ask about every token of its organization, a person about her own.
    pub subject: Subject,
}

/// Whether an answer needs nothing but memory: about a refresh token it does not.
pub fn is_at_hand(app: &App, request: &IntrospectTokenRequest) -> bool {
    RefreshToken::read(&app.sealer, &request.token).is_none()
}

/// Handles the RPC. It needs no transaction, so it runs itself.
pub async fn introspect_token(
    app: &App,
    request: Request<IntrospectTokenRequest>,
) -> Result<Response<IntrospectTokenResponse>, Refused> {
    let arrival = Arrival::of(&request);
    let (metadata, _, message) = request.into_parts();
    introspect_here(app, &metadata, &message, || arrival).await
}

/// As [`introspect_token`]. How it came in is asked for only when it is refused.
///
/// # Errors
/// Whatever went wrong, as a status with its reason.
pub async fn introspect_here(
    app: &App,
    metadata: &MetadataMap,
    message: &IntrospectTokenRequest,
    arrival: impl FnOnce() -> Arrival,
) -> Result<Response<IntrospectTokenResponse>, Refused> {
    let result = introspected(app, metadata, message).await;
    answer_of::<IntrospectTokenRequest>(arrival, result)
}

async fn introspected(
    app: &App,
    metadata: &MetadataMap,
    message: &IntrospectTokenRequest,
) -> Result<Response<IntrospectTokenResponse>> {
    let want = Want::at_least(min_revision(metadata)?);
    let caller = authenticate(&app.gatekeeper, metadata, want).await?;
    caller.require_for_us(&app.public_url)?;
    validate(message)?;
    let asker = Asker {
        organization: caller.organization(),
        subject: caller.subject(),
    };
    let response = introspect(app, asker, &message.token).await?;
    Ok(at_revision(caller.present.revision(), response))
}

/// What a token is worth to who asks. A token that is not good is no error.
///
/// # Errors
/// `UNAVAILABLE`: nobody can say.
pub async fn introspect(app: &App, asker: Asker, token: &str) -> Result<IntrospectTokenResponse> {
    if let Some(presented) = RefreshToken::read(&app.sealer, token) {
        return Box::pin(refresh_token(app, asker, presented)).await;
    }
    let verifier = &app.gatekeeper.verifier;
    let (verified, _) = match verifier.check(token, Want::default()).await {
        Ok(checked) => checked,
        Err(error) if error.is_unavailable() => return Err(error.into()),
        Err(_) => return Ok(IntrospectTokenResponse::default()),
    };
    if !asker.may_ask_about(
        verified.principal.organization(),
        verified.principal.subject(),
    ) {
        return Ok(IntrospectTokenResponse::default());
    }
    Ok(described(&verified))
}

impl Asker {
    fn may_ask_about(self, organization: OrganizationId, subject: Subject) -> bool {
        let is_application = matches!(self.subject, Subject::Application(_));
        organization == self.organization && (is_application || subject == self.subject)
    }
}

fn described(verified: &Verified) -> IntrospectTokenResponse {
    let claims = &verified.claims;
    IntrospectTokenResponse {
        active: true,
        scope: claims.scope.clone(),
        client_id: claims.azp.clone().unwrap_or_default(),
        username: claims.name.clone(),
        token_type: "Bearer".to_owned(),
        expires_at: Some(second(claims.exp)),
        issued_at: Some(second(claims.iat)),
        sub: claims.sub.clone(),
        aud: claims.aud.clone(),
        iss: claims.iss.clone(),
        jti: claims.jti.clone(),
        sid: claims.sid.clone(),
        tenant_id: claims.tenant_id.clone(),
        acr: claims.acr.clone(),
        auth_time: (claims.auth_time > 0).then(|| second(claims.auth_time)),
    }
}

/// What a refresh token is worth is in the database, and asking uses it up in no way.
async fn refresh_token(
    app: &App,
    asker: Asker,
    presented: RefreshToken,
) -> Result<IntrospectTokenResponse> {
    let unknown = IntrospectTokenResponse::default();
    if presented.organization != asker.organization {
        return Ok(unknown);
    }
    let tx = app.store.read(presented.organization).await?;
    let Some(standing) = tx.sessions().standing(presented.session).await? else {
        return Ok(unknown);
    };
    let Standing {
        session,
        user,
        application,
        ..
    } = standing;
    let worth = session.judge(
        presented.generation,
        app.clock.now(),
        app.sign_in.rotation_of(application.as_ref()),
    );
    let stands = worth == Presented::Rotate
        && session.ended_at.is_none()
        && user.status == Status::Active
        && (session.application.is_none() || application.is_some());
    if !stands || !asker.may_ask_about(presented.organization, Subject::User(user.id)) {
        return Ok(unknown);
    }
    let issued_at = session.rotated_at.unwrap_or(session.created_at);
    Ok(IntrospectTokenResponse {
        active: true,
        scope: session.scope,
        client_id: application.map(|own| own.client_id).unwrap_or_default(),
        username: user.username,
        token_type: "refresh_token".to_owned(),
        expires_at: Some(second(session.expires_at.unix_timestamp())),
        issued_at: Some(second(issued_at.unix_timestamp())),
        sub: user.id.to_string(),
        iss: match session.issuer.as_str() {
            "" => app.public_url.clone(),
            issuer => issuer.to_owned(),
        },
        sid: session.id.to_string(),
        tenant_id: presented.organization.to_string(),
        ..unknown
    })
}

fn second(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanos: 0 }
}
