//! E-mail over SMTP (RFC 5321): TLS from the beginning, or after `STARTTLS`, which is no choice of
//! the other end. Plain text stays on this machine.

use std::net::SocketAddr;

use lettre::message::header::{ContentType, MIME_VERSION_1_0};
use lettre::message::{Mailbox, Message as Written};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters,
};
use lettre::transport::smtp::extension::ClientId;
use secrecy::ExposeSecret;

use super::message::{Letter, Mail};
use super::{Failure, Sending};
use crate::outbound::{Origin, is_here};

/// The ways to tell a password, the better one first.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// Sends it, once.
pub(super) async fn send(sending: &Sending<'_>) -> Result<(), Failure> {
    let Letter::Mail(mail) = sending.letter else {
        return Err(Failure::Lasting("this provider carries e-mail".to_owned()));
    };
    let written = write(sending, mail)?;
    let origin = Origin::of(&sending.provider.url)?;
    let route = sending.outbound.route(&origin, sending.provider.by).await?;
    let mut last = Failure::Lasting("the name has no address".to_owned());
    for address in route {
        match connect(sending, address).await {
            Ok(mut connection) => {
                connection
                    .send(written.envelope(), &written.formatted())
                    .await
                    .map_err(Failure::from)?;
                // The message is theirs by now, whatever they answer to this.
                let _ = connection.quit().await;
                return Ok(());
            }
            Err(failure) => last = failure,
        }
    }
    Err(last)
}

/// The mail as it travels. The letter has no line break in its lines; lettre encodes what is no
/// ASCII, and the text (RFC 2047; RFC 2045, whose version has to be said).
fn write(sending: &Sending<'_>, mail: &Mail) -> Result<Written, Failure> {
    let mailbox = |text: &str| {
        let read = text.parse::<Mailbox>();
        read.map_err(|_| Failure::Lasting("this is no address".to_owned()))
    };
    let from = mailbox(&sending.provider.from)?;
    let domain = from.email.domain().to_owned();
    Written::builder()
        .from(from)
        .to(mailbox(&mail.to)?)
        .subject(&mail.subject)
        .message_id(Some(format!("<{}@{domain}>", sending.id)))
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN)
        .body(mail.text.clone())
        .map_err(|error| Failure::Lasting(error.to_string()))
}

async fn connect(
    sending: &Sending<'_>,
    address: SocketAddr,
) -> Result<AsyncSmtpConnection, Failure> {
    let provider = sending.provider;
    let (hello, within) = (ClientId::default(), Some(sending.within));
    let from_the_beginning = provider.url.scheme() == "smtps";
    let tls = tls(sending)?;
    let wrapped = from_the_beginning.then(|| tls.clone());
    let mut connection =
        AsyncSmtpConnection::connect_tokio1(address, within, &hello, wrapped, None).await?;
    if !from_the_beginning && (connection.can_starttls() || !is_here(address.ip())) {
        connection.starttls(tls, &hello).await?;
    }
    if let (user @ [_, ..], Some(password)) = (provider.user.as_bytes(), &provider.secrets.password)
    {
        let user = String::from_utf8_lossy(user).into_owned();
        let credentials = Credentials::new(user, password.expose_secret().to_owned());
        connection.auth(&MECHANISMS, &credentials).await?;
    }
    Ok(connection)
}

/// TLS with the host that is named, whatever its address is.
fn tls(sending: &Sending<'_>) -> Result<TlsParameters, Failure> {
    let host = sending.provider.url.host_str().unwrap_or_default();
    let mut builder = TlsParameters::builder(host.trim_matches(['[', ']']).to_owned())
        .certificate_store(CertificateStore::None);
    for root in sending.outbound.roots() {
        // One that lettre cannot read vouches for nobody.
        if let Ok(certificate) = Certificate::from_der(root.to_vec()) {
            builder = builder.add_root_certificate(certificate);
        }
    }
    Ok(builder.build_rustls()?)
}

impl From<lettre::transport::smtp::Error> for Failure {
    fn from(error: lettre::transport::smtp::Error) -> Self {
        // What a server says may repeat the message, so only its code is told.
        let why = match error.status() {
            Some(code) => format!("the mail server answered {code}"),
            None => error.to_string(),
        };
        if error.is_permanent() || error.is_client() {
            Self::Lasting(why)
        } else {
            Self::Passing {
                why,
                retry_after_s: None,
            }
        }
    }
}
