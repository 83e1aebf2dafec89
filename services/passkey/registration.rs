//! A passkey is made: the browser is told for whom, and what it made is looked at.

use gatepost_core::mfa::Method;
use gatepost_proto::ErrorReason;
use gatepost_store::{Organization, Scope, User};
use time::OffsetDateTime;
use webauthn_rs::prelude::{Credential, RegisterPublicKeyCredential};
use webauthn_rs_proto::{PublicKeyCredentialDescriptor, ResidentKeyRequirement};

use super::assertion::{handle_of, hash_of};
use super::ceremony::{Bound, write};
use super::{Begun, Refusal, Registration, Shown, open, seal};
use crate::app::App;
use crate::clock::new_id;
use crate::error::{Error, Result};
use crate::mfa::Factors;

/// Most passkeys of one user.
const PASSKEYS_PER_USER_MAX: usize = 20;
/// Most characters in the name of a passkey.
const NAME_CHARS_MAX: usize = 64;
/// What a passkey is called whose owner calls it nothing.
const NAME: &str = "Passkey";

/// Begins to make a passkey of a user, who has these factors.
///
/// # Errors
/// `PASSKEYS_UNAVAILABLE`, `FACTOR_UNAVAILABLE`, `LIMIT_REACHED`; what the store answers.
pub async fn begin(
    app: &App,
    tx: &Scope,
    (organization, user): (&Organization, &User),
    factors: &Factors,
    bound: Bound<'_>,
    now: OffsetDateTime,
) -> Result<Begun> {
    let party = app.relying_party()?;
    if !factors.policy.allows(Method::Passkey) {
        let message = "passkeys do not count here";
        return Err(Error::new(ErrorReason::FactorUnavailable, message));
    }
    let rows = tx.mfa().passkeys(user.id).await?;
    require_room(rows.len())?;
    // An authenticator that has one already makes no second one.
    let mut known = Vec::with_capacity(rows.len());
    for row in &rows {
        known.push(PublicKeyCredentialDescriptor {
            type_: "public-key".to_owned(),
            id: open(&app.sealer, row)?.cred_id().clone(),
            transports: None,
        });
    }
    let handle = handle_of(app, organization.id, user.id);
    // People choose by this between the accounts that they have here.
    let account = if app.multi_tenant {
        format!("{} ({})", user.username, organization.slug)
    } else {
        user.username.clone()
    };
    let begun =
        party
            .webauthn
            .start_passkey_registration(handle, &account, &user.display_name(), None);
    let (mut challenge, state) = begun.map_err(Error::internal)?;
    let options = &mut challenge.public_key;
    options.rp.name.clone_from(&organization.name);
    options.exclude_credentials = Some(known);
    // Without a name being typed only a passkey is found that its device lists. A key that has no
    // room for one is still good as a second factor.
    if let Some(selection) = &mut options.authenticator_selection {
        selection.resident_key = Some(ResidentKeyRequirement::Preferred);
    }
    Ok(Begun {
        ceremony: write(app, bound, state, now)?,
        options: serde_json::to_string(options).map_err(Error::internal)?,
    })
}

/// Looks at what the browser made; the answer is the passkey to be kept.
///
/// # Errors
/// `PASSKEYS_UNAVAILABLE`, `INVALID_REQUEST`; when the system has no randomness.
pub fn finish(
    app: &App,
    user: &User,
    state: &Registration,
    (shown, name): (Shown<'_>, &str),
    now: OffsetDateTime,
) -> Result<std::result::Result<gatepost_store::Passkey, Refusal>> {
    let party = app.relying_party()?;
    let Ok(made) = serde_json::from_str::<RegisterPublicKeyCredential>(shown.credential) else {
        return Ok(Err(Refusal::Wrong));
    };
    let passkey = match party.webauthn.finish_passkey_registration(&made, state) {
        Ok(passkey) => passkey,
        Err(error) => return Ok(Err(error.into())),
    };
    let sealed = seal(&app.sealer, user.id, &passkey)?;
    let credential_hash = hash_of(app, passkey.cred_id());
    Ok(Ok(gatepost_store::Passkey {
        id: new_id(now),
        user: user.id,
        credential_hash,
        sealed,
        name: name_of(name)?,
        backed_up: Credential::from(passkey).backup_state,
        created_at: now,
        last_used_at: None,
    }))
}

/// Keeps a passkey that was looked at.
///
/// # Errors
/// `LIMIT_REACHED`, `NAME_TAKEN` when somebody has it already; what the store answers.
pub async fn keep(tx: &Scope, passkey: &gatepost_store::Passkey) -> Result<()> {
    require_room(tx.mfa().passkeys(passkey.user).await?.len())?;
    Ok(tx.mfa().add_passkey(passkey).await?)
}

/// What a passkey may be called.
///
/// # Errors
/// `INVALID_REQUEST`.
pub fn name_of(text: &str) -> Result<String> {
    let name = text.trim();
    if name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        let message = "a name is 64 characters at the most, in one line";
        return Err(Error::invalid("name", message));
    }
    Ok(if name.is_empty() { NAME } else { name }.to_owned())
}

fn require_room(present: usize) -> Result<()> {
    if present < PASSKEYS_PER_USER_MAX {
        return Ok(());
    }
    let message = format!("a user has {PASSKEYS_PER_USER_MAX} passkeys at the most");
    Err(Error::new(ErrorReason::LimitReached, message)
        .with("noun", "passkey")
        .with("limit", PASSKEYS_PER_USER_MAX.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_short_line() {
        assert_eq!(name_of("  Telefone da Ana ").unwrap(), "Telefone da Ana");
        assert_eq!(name_of(" ").unwrap(), NAME);
        for bad in ["a\nb", "\u{7}", &"é".repeat(65)] {
            assert!(name_of(bad).is_err(), "{bad:?}");
        }
        assert!(name_of(&"é".repeat(64)).is_ok());
    }
}
