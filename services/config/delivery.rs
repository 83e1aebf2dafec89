//! The settings of messages to people, and of all calls that leave.

use std::time::Duration;

use gatepost_store::Channel;

use super::{ConfigError, Reader};
use crate::delivery::{Provider, Secrets};
use crate::outbound::{ChosenBy, OutboundConfig};

/// Who carries messages where no organization says otherwise, and how long one may take.
#[derive(Debug, Clone)]
pub struct DeliveryConfig {
    /// E-mail.
    pub mail: Option<Provider>,
    /// Short messages.
    pub sms: Option<Provider>,
    /// One try.
    pub attempt: Duration,
    /// All tries of one message.
    pub whole: Duration,
}

impl Reader<'_> {
    pub(super) fn delivery(&self) -> Result<DeliveryConfig, ConfigError> {
        let milliseconds = |name, least, most| {
            let value = self.between(name, least, most);
            value.map(Duration::from_millis)
        };
        Ok(DeliveryConfig {
            mail: self.provider(Channel::Mail)?,
            sms: self.provider(Channel::Sms)?,
            attempt: milliseconds("delivery_attempt_ms", 100, 60_000)?,
            whole: milliseconds("delivery_whole_ms", 100, 600_000)?,
        })
    }

    /// A promise to mail something needs somebody who carries mail.
    pub(super) fn forgot_password(&self) -> Result<bool, ConfigError> {
        let on: bool = self.required("forgot_password")?;
        if on && self.settings.text("mail_url").is_none() {
            let why = "needs GATEPOST_MAIL_URL: the link goes by mail";
            return Err(Self::bad("forgot_password", why));
        }
        Ok(on)
    }

    pub(super) fn outbound(&self) -> Result<OutboundConfig, ConfigError> {
        let authorities = self.settings.text("outbound_ca_file").map(|path| {
            std::fs::read_to_string(path)
                .map_err(|error| Self::bad("outbound_ca_file", format!("`{path}`: {error}")))
        });
        Ok(OutboundConfig {
            allowed_origins: self.list("outbound_allowed_origins")?,
            authorities: authorities.transpose()?,
        })
    }

    fn provider(&self, channel: Channel) -> Result<Option<Provider>, ConfigError> {
        let [url, from, secret, signing] = match channel {
            Channel::Mail => [
                "mail_url",
                "mail_from",
                "mail_secret",
                "mail_signing_secret",
            ],
            Channel::Sms => ["sms_url", "sms_from", "sms_secret", "sms_signing_secret"],
        };
        let Some(place) = self.settings.text(url) else {
            return Ok(None);
        };
        let Some(sender) = self.settings.text(from) else {
            return Err(Self::bad(from, "is needed: who messages are from"));
        };
        let secrets = Secrets {
            password: self.secret(secret),
            signing: self.secret(signing),
        };
        Provider::new(channel, place, sender, secrets, ChosenBy::Operator)
            .map(Some)
            .map_err(|why| Self::bad(url, why))
    }
}
