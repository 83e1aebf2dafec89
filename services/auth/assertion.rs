//! Applications that prove themselves with what they sign (`private_key_jwt`, RFC 7523).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_proto::ErrorReason;
use gatepost_replica::TOKEN_BYTES_MAX;
use gatepost_store::Proof;
use serde::Deserialize;
use time::{Duration, OffsetDateTime};

use super::client::Client;
use crate::app::App;
use crate::attempts::Attempts;
use crate::context::Gate;
use crate::error::{Error, Result};
use crate::public_key;

/// The `client_assertion_type` (RFC 7523 §2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion may be good for; it is remembered for as long.
const LIFETIME_MAX: Duration = Duration::minutes(10);
/// How far the client's clock may be off.
const SKEW_MAX: Duration = Duration::seconds(60);
/// The longest `jti`, in bytes.
const ID_BYTES_MAX: usize = 256;
/// What marks of used assertions are hashed for.
const PURPOSE: &str = "used assertion";

/// What an assertion says (RFC 7523 §3).
#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    iat: Option<i64>,
    jti: String,
}

/// One audience, or a list (RFC 7519 §4.1.3).
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Client {
    /// Proves a client by an assertion that is meant for one of these audiences. It works once.
    ///
    /// # Errors
    /// `CLIENT_INVALID`, `APPLICATION_SUSPENDED`, `ORGANIZATION_SUSPENDED`, `TOO_MANY_ATTEMPTS`,
    /// and `UNAVAILABLE`.
    pub async fn enter_by_assertion(
        gate: &Gate,
        assertion: &str,
        audiences: &[&str],
    ) -> Result<Arc<Self>> {
        let app = &gate.app;
        let client_id = named_client(assertion).ok_or_else(wrong)?;
        let attempts =
            Attempts::begin(app, &client_id, None, gate.arrival.address, gate.now).await?;
        let proven = Self::prove_by_assertion(app, &client_id, assertion, audiences).await;
        if proven
            .as_ref()
            .is_err_and(|error| error.reason() == ErrorReason::ClientInvalid)
        {
            attempts.client_failed(app, gate.now).await?;
        }
        let client = proven?;
        client.known(app).await?;
        Ok(client)
    }

    async fn prove_by_assertion(
        app: &App,
        client_id: &str,
        assertion: &str,
        audiences: &[&str],
    ) -> Result<Arc<Self>> {
        let sign_in = app.store.sign_in().await?;
        let found = sign_in.application_by_client_id(client_id).await?;
        drop(sign_in);
        let (organization, application, credentials) = found.ok_or_else(wrong)?;
        let signed = credentials.into_iter().find_map(|credential| {
            let Proof::PublicKey(key) = &credential.proof else {
                return None;
            };
            let claims: Claims = public_key::read(key, assertion)?;
            Some((credential, claims))
        });
        let (credential, claims) = signed.ok_or_else(wrong)?;
        let now = app.clock.now();
        let expires_at = claims.judge(client_id, audiences, now).ok_or_else(wrong)?;
        let mark = format!("{} {} {}", organization.id, application.id, claims.jti);
        let mark = app.sealer.hash(PURPOSE, mark);
        if !app.store.marks().set(&mark, expires_at + SKEW_MAX).await? {
            return Err(wrong());
        }
        Self::standing(organization, application, Some(credential))
    }
}

impl Claims {
    /// Until when they are good, if they are now, and mean us.
    fn judge(
        &self,
        client_id: &str,
        audiences: &[&str],
        now: OffsetDateTime,
    ) -> Option<OffsetDateTime> {
        let is_theirs = self.iss == client_id && self.sub == client_id;
        let is_for_us = match &self.aud {
            Audience::One(one) => audiences.contains(&one.as_str()),
            Audience::Many(many) => many.iter().any(|one| audiences.contains(&one.as_str())),
        };
        let has_id = !self.jti.is_empty() && self.jti.len() <= ID_BYTES_MAX;
        let at = |second: i64| OffsetDateTime::from_unix_timestamp(second).ok();
        let expires_at = at(self.exp)?;
        let has_begun = |second: Option<i64>| match second {
            Some(second) => at(second).is_some_and(|begins| begins <= now + SKEW_MAX),
            None => true,
        };
        let is_now = expires_at + SKEW_MAX > now
            && expires_at <= now + LIFETIME_MAX + SKEW_MAX
            && has_begun(self.nbf)
            && has_begun(self.iat);
        (is_theirs && is_for_us && has_id && is_now).then_some(expires_at)
    }
}

/// Whom an assertion names, before anything of it is proved.
fn named_client(assertion: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        sub: String,
    }
    if assertion.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let mut parts = assertion.split('.');
    let (_, claims, _, end) = (parts.next()?, parts.next()?, parts.next()?, parts.next());
    if end.is_some() {
        return None;
    }
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    let named: Named = serde_json::from_slice(&claims).ok()?;
    Some(named.sub).filter(|sub| !sub.is_empty() && sub.len() <= 128)
}

fn wrong() -> Error {
    let message = "the assertion is not good, or was shown before";
    Error::new(ErrorReason::ClientInvalid, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const US: &[&str] = &["https://gatepost.test"];

    fn claims() -> Claims {
        Claims {
            iss: "robot".into(),
            sub: "robot".into(),
            aud: Audience::One("https://gatepost.test".into()),
            exp: 1_060,
            nbf: None,
            iat: Some(1_000),
            jti: "1".into(),
        }
    }

    fn is_good(change: impl FnOnce(&mut Claims)) -> bool {
        let mut claims = claims();
        change(&mut claims);
        let now = OffsetDateTime::from_unix_timestamp(1_000).unwrap();
        claims.judge("robot", US, now).is_some()
    }

    #[test]
    fn each_claim_counts() {
        assert!(is_good(|_| {}));
        assert!(is_good(|claims| {
            claims.aud = Audience::Many(vec!["x".into(), "https://gatepost.test".into()]);
        }));
        assert!(!is_good(|claims| claims.iss = "other".into()));
        assert!(!is_good(|claims| claims.sub = "other".into()));
        assert!(!is_good(
            |claims| claims.aud = Audience::One("https://gatepost.tes".into())
        ));
        assert!(!is_good(|claims| claims.aud = Audience::Many(Vec::new())));
        assert!(!is_good(|claims| claims.exp = 940), "it is over");
        assert!(
            !is_good(|claims| claims.exp = 1_661),
            "it is good for too long"
        );
        assert!(!is_good(|claims| claims.exp = i64::MAX));
        assert!(!is_good(|claims| claims.nbf = Some(1_061)));
        assert!(!is_good(|claims| claims.iat = Some(1_061)));
        assert!(!is_good(|claims| claims.jti = String::new()));
        assert!(!is_good(|claims| claims.jti = "x".repeat(257)));
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(assertion in "[A-Za-z0-9_.{}\":-]{0,200}") {
            let _ = named_client(&assertion);
        }
    }
}
