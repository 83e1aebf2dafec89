//! Signing in with a passkey and nothing else: it says who she is, and proves two factors.

use gatepost_core::mfa::{AMR_KEY, AMR_TWO_FACTORS};
use gatepost_core::{OrganizationId, Status, UserId};
use gatepost_proto::ErrorReason;
use gatepost_store::{Organization, Scope, User};
use time::Duration;
use webauthn_rs::prelude::PublicKeyCredential;

use super::issue::require_active;
use crate::attempts::Attempts;
use crate::context::{Audit, Gate};
use crate::error::{Error, Result};
use crate::hexadecimal::hexadecimal;
use crate::mfa::{self, Factors};
use crate::passkey::{self, Assertion, Bound, Refusal, check, handle_of, hash_of, invalid, take};

/// How a session that began with a passkey calls that (RFC 8176 §2): she has the key, and showed
/// the device that holds it who she is. What the key is kept in nobody has vouched for.
pub const PASSKEY_ONLY: [&str; 2] = [AMR_KEY, AMR_TWO_FACTORS];

/// What refused sign-ins are told of once for.
const TOLD: &str = "passkey refusal";
/// How long the log is not told of the same again: whoever knows what a passkey is called could
/// fill it.
const TOLD_ONCE_IN: Duration = Duration::MINUTE;

/// Somebody whose passkey is good, in the transaction in which she signs in.
pub struct Entered {
    /// The transaction, of her organization.
    pub tx: Scope,
    /// Her organization.
    pub organization: Organization,
    /// Her account.
    pub user: User,
}

/// Where a passkey is shown.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The organization, if it is known; else it is that of the passkey.
    pub organization: Option<OrganizationId>,
    /// The application that signs the person in, if there is one.
    pub client: Option<&'a str>,
    /// What the ceremony was begun for.
    pub bound: Bound<'a>,
}

/// The counters of a sign-in with a passkey: of what it is called, and of the address. Nobody can
/// guess what a key signs, so nobody's account is slowed.
///
/// # Errors
/// `TOO_MANY_ATTEMPTS`.
pub async fn begin_attempts(gate: &Gate, credential: &str, place: Place<'_>) -> Result<Attempts> {
    let signed = passkey::read(credential);
    let id = signed.as_ref().map(PublicKeyCredential::get_credential_id);
    let hash = hash_of(&gate.app, id.unwrap_or_default());
    let account = format!("passkey {}", hexadecimal(&hash));
    let address = gate.arrival.address;
    Attempts::begin(&gate.app, &account, place.client, address, gate.now).await
}

/// Proves who somebody is by what her passkey signed. Whatever is wrong, the answer is the same.
///
/// # Errors
/// `PASSKEY_INVALID`, `PASSKEYS_UNAVAILABLE`, `USER_SUSPENDED`, `ORGANIZATION_SUSPENDED`; what the
/// store answers.
pub async fn enter(
    gate: &mut Gate,
    attempts: &Attempts,
    shown: passkey::Shown<'_>,
    place: Place<'_>,
) -> Result<Entered> {
    gate.app.relying_party()?;
    let state = take::<Assertion>(&gate.app, place.bound, shown.ceremony, gate.now).await?;
    let signed = passkey::read(shown.credential);
    let owner = match &signed {
        Some(signed) => owner(gate, signed, place.organization).await?,
        None => None,
    };
    let Some((signed, (organization, user))) = signed.zip(owner) else {
        attempts.failed(&gate.app, gate.now).await?;
        return Err(invalid());
    };
    let refusal = match state {
        Err(refusal) => refusal,
        Ok(state) => match judge(gate, (organization, user), state, &signed).await? {
            Ok(entered) => return stands(entered),
            Err(refusal) => refusal,
        },
    };
    attempts.failed(&gate.app, gate.now).await?;
    tell(gate, organization, user, refusal).await?;
    Err(invalid())
}

/// Whose passkey it is. What the authenticator calls its user decides when an organization has one
/// that is called like another's (WebAuthn level 3, §7.2 step 6).
async fn owner(
    gate: &Gate,
    signed: &PublicKeyCredential,
    place: Option<OrganizationId>,
) -> Result<Option<(OrganizationId, UserId)>> {
    let hash = hash_of(&gate.app, signed.get_credential_id());
    let sign_in = gate.app.store.sign_in().await?;
    let owners = sign_in.passkey_owners(&hash).await?;
    let told = signed.get_user_unique_id();
    let is_it = |(organization, user): &(OrganizationId, UserId)| {
        let handle = handle_of(&gate.app, *organization, *user);
        told == Some(handle.as_bytes()) && place.is_none_or(|place| place == *organization)
    };
    Ok(owners.into_iter().find(is_it))
}

async fn judge(
    gate: &Gate,
    (organization, user): (OrganizationId, UserId),
    state: Assertion,
    signed: &PublicKeyCredential,
) -> Result<std::result::Result<Entered, Refusal>> {
    let tx = gate.app.store.write(organization).await?;
    let Some(person) = tx.users().get(user).await? else {
        return Ok(Err(Refusal::Unknown));
    };
    let factors = Factors::of(&tx, user).await?;
    let verdict = check(&gate.app, (&tx, user), &factors, (state, signed), gate.now).await?;
    if let Err(refusal) = verdict {
        tx.rollback().await?;
        return Ok(Err(refusal));
    }
    Ok(Ok(Entered {
        organization: tx.organizations().own().await?,
        tx,
        user: person,
    }))
}

/// Refuses whoever may not sign in, and only now: nobody else learns that.
fn stands(entered: Entered) -> Result<Entered> {
    require_active(&entered.organization)?;
    if entered.user.status == Status::Suspended {
        let message = "the user is suspended";
        return Err(Error::new(ErrorReason::UserSuspended, message));
    }
    Ok(entered)
}

/// Tells the log of a passkey that was refused.
async fn tell(
    gate: &mut Gate,
    organization: OrganizationId,
    user: UserId,
    refusal: Refusal,
) -> Result<()> {
    let reason = refusal.reason();
    let key = gate.app.sealer.hash(TOLD, format!("{user} {reason}"));
    let minute = gate.now.unix_timestamp() / TOLD_ONCE_IN.whole_seconds();
    let key = [key, minute.to_be_bytes().to_vec()].concat();
    let until = gate.now + TOLD_ONCE_IN;
    if !gate.app.store.marks().set(&key, until).await? {
        return Ok(());
    }
    let tx = gate.app.store.write(organization).await?;
    let Some(person) = tx.users().get(user).await? else {
        return Ok(());
    };
    let actor = mfa::actor(&person);
    let mut audit = Audit::new(actor, "passkey.refuse", gate.now, &gate.arrival);
    audit.target("user", user).refused(reason);
    tx.touch();
    gate.commit(tx, audit).await?;
    Ok(())
}
