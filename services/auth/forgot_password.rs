//! `ForgotPassword`: a link by mail, with which somebody sets a new password.

use std::sync::Arc;
use std::time::Duration as Window;

use gatepost_core::{ApplicationId, Status, name};
use gatepost_proto::ErrorReason;
use gatepost_proto::auth::v1::{ForgotPasswordRequest, ForgotPasswordResponse};
use gatepost_replica::ISSUERS;
use gatepost_store::{Organization, User};
use time::{Duration, OffsetDateTime};

use super::letters::{self, Language};
use super::person;
use crate::app::App;
use crate::attempts::Volume;
use crate::context::{Arrival, Audit, Gate, nobody};
use crate::error::{Error, Result};
use crate::refusals;
use crate::token::ResetToken;

/// How long a link is good for.
const GOOD_FOR: Duration = Duration::minutes(30);
/// Links that one account gets in a quarter of an hour: nobody's mailbox is flooded by a stranger.
const LINKS_MAX: u64 = 3;
const LINKS_WINDOW: Window = Window::from_mins(15);

/// Handles the RPC.
pub async fn forgot_password(
    gate: &mut Gate,
    request: ForgotPasswordRequest,
) -> Result<ForgotPasswordResponse> {
    let place = match request.client_id {
        id if id.is_empty() => Place::Anywhere,
        id => Place::OfClient(id),
    };
    mail_link(
        gate,
        &request.username,
        place,
        Language::of(&request.language),
    )
    .await?;
    Ok(ForgotPasswordResponse {})
}

/// Where a name is looked for.
pub enum Place {
    /// Wherever it is, as at a sign-in without a client.
    Anywhere,
    /// In the organization of this client, which need not prove itself.
    OfClient(String),
    /// Here.
    In(Organization),
}

/// Mails a link to whom a name means, if to anybody. Nothing of the account is looked at before the
/// caller is answered, so that neither answer nor time tell whether anybody has it.
///
/// # Errors
/// `SWITCHED_OFF`, `TOO_MANY_ATTEMPTS`, `OVERLOADED`.
pub async fn mail_link(
    gate: &Gate,
    username: &str,
    place: Place,
    language: Language,
) -> Result<()> {
    require_on(&gate.app)?;
    Volume::Forgotten
        .require(&gate.app, gate.arrival.address, gate.now)
        .await?;
    let forgotten = Forgotten {
        app: Arc::clone(&gate.app),
        account: name::key(username),
        place,
        language,
        now: gate.now,
        arrival: gate.arrival.clone(),
    };
    gate.app.delivery.later(forgotten.answer()).map(drop)
}

/// Refuses where the operator has not switched it on.
///
/// # Errors
/// `SWITCHED_OFF`.
pub fn require_on(app: &App) -> Result<()> {
    if app.sign_in.forgot_password {
        return Ok(());
    }
    let message = "forgotten passwords are reset by administrators here";
    Err(Error::new(ErrorReason::SwitchedOff, message).with("setting", "GATEPOST_FORGOT_PASSWORD"))
}

/// Somebody who forgot a password, or says so.
struct Forgotten {
    app: Arc<App>,
    account: String,
    place: Place,
    language: Language,
    now: OffsetDateTime,
    arrival: Arrival,
}

impl Forgotten {
    async fn answer(self) {
        if let Err(error) = self.mail().await {
            let request_id = &self.arrival.request_id;
            tracing::warn!(request_id, %error, "a link to set a new password was not mailed");
        }
    }

    async fn mail(&self) -> Result<()> {
        let Some((organization, application, user)) = self.find().await? else {
            return Ok(());
        };
        let stands = organization.status == Status::Active && user.status == Status::Active;
        let Some(to) = user.email.clone().filter(|_| stands) else {
            return Ok(());
        };
        if !organization.password_sign_in {
            return Ok(());
        }
        if self.has_enough(&user).await {
            let enough = Error::new(ErrorReason::TooManyAttempts, "enough links were mailed");
            let enough = enough.concerning(organization.id, Some(user.id));
            refusals::audit(&self.app, &self.arrival, "ForgotPassword", None, &enough).await;
            return Ok(());
        }
        let token = ResetToken {
            organization: organization.id,
            user: user.id,
            until_s: (self.now + GOOD_FOR).unix_timestamp(),
        };
        let token = token.write(&self.app.sealer, &user);
        // Never from the request: whoever forges its `Host` would get the link.
        let base = self.app.public_url.trim_end_matches('/');
        let issuer = if organization.id == self.app.default_organization {
            base.to_owned()
        } else {
            format!("{base}{ISSUERS}{}", organization.slug)
        };
        let link = format!("{issuer}/reset-password?token={token}");
        let letter = letters::reset_link(to, self.language, &link, GOOD_FOR);
        self.record(&organization, &user).await?;
        let delivery = &self.app.delivery;
        let sent = delivery.send_in_turn(organization.id, application, letter);
        sent.await
    }

    /// Whom the name means: as at a sign-in, but that the client need not prove itself.
    async fn find(&self) -> Result<Option<(Organization, Option<ApplicationId>, User)>> {
        let sign_in = self.app.store.sign_in().await?;
        let (within, application) = match &self.place {
            Place::Anywhere => (None, None),
            Place::In(organization) => (Some(organization.clone()), None),
            Place::OfClient(id) => match sign_in.application_by_client_id(id).await? {
                Some((organization, application, _)) => (Some(organization), Some(application.id)),
                None => return Ok(None),
            },
        };
        let found = person::named(&sign_in, &self.account, within.as_ref()).await?;
        Ok(found.map(|(organization, user)| (organization, application, user)))
    }

    /// Whether the account got as many links lately as one gets. Who asks is not told.
    async fn has_enough(&self, user: &User) -> bool {
        let key = format!("forgotten:{}", user.id);
        let counted = self.app.cache.count(&key, LINKS_WINDOW, self.now).await;
        counted.is_ok_and(|count| count > LINKS_MAX)
    }

    async fn record(&self, organization: &Organization, user: &User) -> Result<()> {
        let tx = self.app.store.write(organization.id).await?;
        tx.touch();
        let mut audit = Audit::new(nobody(), "user.forget_password", self.now, &self.arrival);
        audit.target("user", user.id);
        self.app.commit(tx, audit).await?;
        Ok(())
    }
}
