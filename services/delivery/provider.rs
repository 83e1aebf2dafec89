//! Who carries messages: where it is, how it is spoken to, and with what secrets.

use gatepost_core::OrganizationId;
use gatepost_store::{Channel, MessageProvider};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::{Error, Result};
use crate::gateway::percent;
use crate::outbound::{ChosenBy, Origin};
use crate::seal::Sealer;

/// How a provider is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// SMTP (RFC 5321).
    Smtp,
    /// E-mail over HTTP, in the shape of `SendGrid`'s `POST /v3/mail/send`.
    MailApi,
    /// Short messages over HTTP, in the shape of Twilio's `Messages`.
    SmsApi,
}

impl Kind {
    /// Its word in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::MailApi => "mail_api",
            Self::SmsApi => "sms_api",
        }
    }
}

/// What a provider knows us by.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// The password of SMTP, the key or token of an API.
    pub password: Option<SecretString>,
    /// What requests are signed with.
    pub signing: Option<SecretString>,
}

/// Who carries messages.
#[derive(Debug, Clone)]
pub struct Provider {
    /// How it is spoken to.
    pub kind: Kind,
    /// Where it is, with the user, as somebody chose it.
    given: String,
    /// Where it is, without the user.
    pub url: Url,
    /// As whom we speak to it; empty for nobody.
    pub user: String,
    /// Who its messages are from: an address with or without a name, or a number.
    pub from: String,
    /// What it knows us by.
    pub secrets: Secrets,
    /// Who chose it.
    pub by: ChosenBy,
}

/// As a provider is stored, beside its secrets.
#[derive(Debug, Serialize, Deserialize)]
struct StoredSettings {
    url: String,
    from: String,
}

/// As its secrets are, under the master key.
#[derive(Serialize, Deserialize)]
struct StoredSecrets {
    password: Option<String>,
    signing: Option<String>,
}

impl Provider {
    /// A provider at an address like `smtps://user@mail.example.com`, `https://api.sendgrid.com`,
    /// or `https://ACCOUNT@api.twilio.com`.
    ///
    /// # Errors
    /// One sentence that says what is wrong.
    pub fn new(
        channel: Channel,
        url: &str,
        from: &str,
        secrets: Secrets,
        by: ChosenBy,
    ) -> Result<Self, String> {
        let mut url: Url = url.parse().map_err(|error| format!("{error}"))?;
        let kind = match (channel, url.scheme()) {
            (Channel::Mail, "smtp" | "smtps") => Kind::Smtp,
            (Channel::Mail, "http" | "https") => Kind::MailApi,
            (Channel::Sms, "http" | "https") => Kind::SmsApi,
            (Channel::Mail, _) => return Err("must be smtp, smtps or https".to_owned()),
            (Channel::Sms, _) => return Err("must be https".to_owned()),
        };
        if url.password().is_some() {
            return Err("must not hold the password, which is a setting of its own".to_owned());
        }
        if url.query().is_some() || (kind == Kind::Smtp && !matches!(url.path(), "" | "/")) {
            return Err("must not have a path or query".to_owned());
        }
        let given = url.to_string();
        let user = percent::plain(url.username()).map_err(|_| "its user cannot be read")?;
        if url.set_username("").is_err() {
            return Err("has no host".to_owned());
        }
        Origin::of(&url).map_err(|error| error.to_string())?;
        if kind == Kind::SmsApi && user.is_empty() {
            return Err("must name the account, as `https://ACCOUNT@host`".to_owned());
        }
        if kind == Kind::Smtp && !user.is_empty() && secrets.password.is_none() {
            return Err("names a user, who needs a password".to_owned());
        }
        if kind != Kind::Smtp && secrets.password.is_none() {
            return Err("needs the key or token that the provider gave".to_owned());
        }
        let provider = Self {
            kind,
            given,
            url,
            user,
            from: from.to_owned(),
            secrets,
            by,
        };
        provider.check_from()?;
        Ok(provider)
    }

    fn check_from(&self) -> Result<(), String> {
        let is_good = match self.kind {
            Kind::Smtp | Kind::MailApi => {
                let is_line = !self.from.chars().any(char::is_control);
                is_line && self.from.parse::<lettre::message::Mailbox>().is_ok()
            }
            // A number, or a word where the country allows one.
            Kind::SmsApi => {
                let is_word = |c: char| c.is_ascii_alphanumeric() || "+ -_".contains(c);
                !self.from.is_empty() && self.from.len() <= 34 && self.from.chars().all(is_word)
            }
        };
        if is_good {
            Ok(())
        } else {
            Err(format!(
                "`{}` is nobody that a message can be from",
                self.from
            ))
        }
    }

    /// What is stored of an organization's provider: settings, and secrets under the master key.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub fn seal(&self, sealer: &Sealer, organization: OrganizationId) -> Result<(String, Vec<u8>)> {
        let settings = StoredSettings {
            url: self.given.clone(),
            from: self.from.clone(),
        };
        let text = |secret: &Option<SecretString>| {
            secret
                .as_ref()
                .map(|secret| secret.expose_secret().to_owned())
        };
        let secrets = StoredSecrets {
            password: text(&self.secrets.password),
            signing: text(&self.secrets.signing),
        };
        let settings = serde_json::to_string(&settings).map_err(Error::internal)?;
        let secrets =
            zeroize::Zeroizing::new(serde_json::to_vec(&secrets).map_err(Error::internal)?);
        let sealed = sealer.seal(&purpose(organization), &secrets)?;
        Ok((settings, sealed))
    }

    /// Reads an organization's provider.
    ///
    /// # Errors
    /// `INTERNAL` when what is stored cannot be read.
    pub fn open(
        sealer: &Sealer,
        organization: OrganizationId,
        stored: &MessageProvider,
    ) -> Result<Self> {
        let settings: StoredSettings =
            serde_json::from_str(&stored.settings).map_err(Error::internal)?;
        let opened = sealer.open(&purpose(organization), &stored.sealed_secrets)?;
        let secrets: StoredSecrets = serde_json::from_slice(&opened).map_err(Error::internal)?;
        let secrets = Secrets {
            password: secrets.password.map(SecretString::from),
            signing: secrets.signing.map(SecretString::from),
        };
        let by = ChosenBy::Organization;
        Self::new(stored.channel, &settings.url, &settings.from, secrets, by)
            .map_err(Error::internal)
    }

    /// The address of a path of an API.
    pub fn endpoint(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        url
    }
}

/// What the secrets of an organization's providers are sealed for: another one's row opens none.
fn purpose(organization: OrganizationId) -> String {
    format!("message provider of {organization}")
}
