//! A passkey is used: what it signed is compared with what is known of it.

use gatepost_core::mfa::Method;
use gatepost_core::{OrganizationId, UserId};
use gatepost_store::{Passkey, Scope};
use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;
use webauthn_rs::prelude::{DiscoverableKey, PublicKeyCredential};
use webauthn_rs_proto::AllowCredentials;

use super::ceremony::{Bound, write};
use super::{Assertion, Begun, Refusal, open, seal};
use crate::app::App;
use crate::error::{Error, Result};
use crate::mfa::Factors;

/// What credentials are hashed for.
const PURPOSE: &str = "passkey credential";
/// What user handles are hashed for.
const HANDLE: &str = "passkey user handle";

/// Begins to use a passkey: one of these, or whichever the person chooses when there are none.
///
/// # Errors
/// `PASSKEYS_UNAVAILABLE`; when the system has no randomness.
pub fn begin(
    app: &App,
    bound: Bound<'_>,
    allowed: Vec<AllowCredentials>,
    now: OffsetDateTime,
) -> Result<Begun> {
    let begun = app
        .relying_party()?
        .webauthn
        .start_discoverable_authentication();
    let (mut challenge, state) = begun.map_err(Error::internal)?;
    challenge.public_key.allow_credentials = allowed;
    Ok(Begun {
        ceremony: write(app, bound, state, now)?,
        options: serde_json::to_string(&challenge.public_key).map_err(Error::internal)?,
    })
}

/// What a browser is told of a user's passkeys, so that it asks for one of them.
///
/// # Errors
/// What the store answers; `INTERNAL` when one cannot be opened.
pub async fn shown_to(app: &App, tx: &Scope, user: UserId) -> Result<Vec<AllowCredentials>> {
    let rows = tx.mfa().passkeys(user).await?;
    let mut allowed = Vec::with_capacity(rows.len());
    for row in &rows {
        allowed.push(AllowCredentials {
            type_: "public-key".to_owned(),
            id: open(&app.sealer, row)?.cred_id().clone(),
            transports: None,
        });
    }
    Ok(allowed)
}

/// Reads what a browser says that a passkey signed.
pub fn read(credential: &str) -> Option<PublicKeyCredential> {
    serde_json::from_str(credential).ok()
}

/// What a credential is found by.
pub fn hash_of(app: &App, credential_id: &[u8]) -> Vec<u8> {
    app.sealer.hash(PURPOSE, credential_id)
}

/// What authenticators call a user: it tells nobody who she is (WebAuthn level 3, §14.6.1), and is
/// the same each time, so that a device has one passkey of hers.
pub fn handle_of(app: &App, organization: OrganizationId, user: UserId) -> Uuid {
    let hash = app.sealer.hash(HANDLE, format!("{organization} {user}"));
    hash.first_chunk()
        .map_or_else(Uuid::nil, |bytes| Uuid::from_bytes(*bytes))
}

/// Judges what a passkey signed for a user, and notes that it was used; all in this transaction, in
/// which nobody else writes.
///
/// # Errors
/// `PASSKEYS_UNAVAILABLE`; what the store answers; `INTERNAL` when it cannot be opened.
pub async fn check(
    app: &App,
    (tx, user): (&Scope, UserId),
    factors: &Factors,
    (state, signed): (Assertion, &PublicKeyCredential),
    now: OffsetDateTime,
) -> Result<std::result::Result<(), Refusal>> {
    let hash = hash_of(app, signed.get_credential_id());
    let row = tx.mfa().passkey_of(&hash).await?;
    let Some(mut row) = row.filter(|row| row.user == user) else {
        return Ok(Err(Refusal::Unknown));
    };
    if !factors.policy.allows(Method::Passkey) {
        return Ok(Err(Refusal::Uncounted));
    }
    let handle = handle_of(app, tx.organization(), user);
    let is_hers = |told: &[u8]| told == handle.as_bytes();
    let is_foreign = signed
        .get_user_unique_id()
        .is_some_and(|told| !is_hers(told));
    if is_foreign || is_framed(signed) {
        return Ok(Err(Refusal::Foreign));
    }
    match verify(app, &mut row, state, signed) {
        Ok(Ok(())) => {}
        other => return other,
    }
    tx.mfa().use_passkey(&row, now).await?;
    Ok(Ok(()))
}

/// The signature, and all that is signed; the row then knows what is new.
fn verify(
    app: &App,
    row: &mut Passkey,
    state: Assertion,
    signed: &PublicKeyCredential,
) -> Result<std::result::Result<(), Refusal>> {
    let webauthn = &app.relying_party()?.webauthn;
    let mut passkey = open(&app.sealer, row)?;
    let key = DiscoverableKey::from(&passkey);
    let result = match webauthn.finish_discoverable_authentication_v2(signed, state, &key) {
        Ok(result) if result.user_verified() => result,
        Ok(_) => return Ok(Err(Refusal::Unverified)),
        Err(error) => return Ok(Err(error.into())),
    };
    passkey.update_credential(&result);
    row.sealed = seal(&app.sealer, row.user, &passkey)?;
    row.backed_up = result.backup_state();
    Ok(Ok(()))
}

/// Whether it was signed in a frame of another site (WebAuthn level 3, §7.2 step 14): no page of
/// ours can be in one.
fn is_framed(signed: &PublicKeyCredential) -> bool {
    #[derive(Deserialize)]
    struct ClientData {
        #[serde(rename = "crossOrigin", default)]
        cross_origin: bool,
    }
    let read = serde_json::from_slice::<ClientData>(&signed.response.client_data_json);
    read.is_ok_and(|data| data.cross_origin)
}
