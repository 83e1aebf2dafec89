//! Messages to people. No provider is known yet, so each is refused.

use gatepost_core::{ApplicationId, OrganizationId};
use gatepost_proto::ErrorReason;

use crate::error::{Error, Result};

/// A message to a person.
pub enum Message {
    /// By e-mail.
    Mail {
        /// The address.
        to: String,
        /// One line.
        subject: String,
        /// Plain text.
        text: String,
    },
    /// By SMS.
    Sms {
        /// The number, with its country.
        to: String,
        /// Plain text.
        text: String,
    },
}

/// Sends messages.
#[derive(Default)]
pub struct Delivery;

impl Delivery {
    /// Sends a message.
    ///
    /// # Errors
    /// `FACTOR_UNAVAILABLE`: there is no provider.
    pub async fn send(
        &self,
        _organization: OrganizationId,
        _application: Option<ApplicationId>,
        _message: Message,
    ) -> Result<()> {
        let message = "nothing sends messages here";
        Err(Error::new(ErrorReason::FactorUnavailable, message))
    }
}
