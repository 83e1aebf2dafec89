//! Calls that leave this installation for an address that somebody else chose.
//!
//! A name is resolved once, every answer is tested, and the connection goes to what was tested: a
//! name that changes its answer between the test and the call gains nothing. What an organization
//! chose leads to public hosts only, over TLS; what the operator chose may be private, and plain
//! text stays on this machine. The operator may name exact origins beyond these rules. Where a
//! cloud tells machines their secrets nobody may send anything.

mod address;
mod post;

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::{Host, Url};

pub use post::{Answer, Post};

/// Addresses of one name that are looked at.
const ADDRESSES_MAX: usize = 16;
/// Ports that an organization may choose: of HTTPS, and of mail.
const HTTP_PORTS: [u16; 2] = [443, 8443];
const MAIL_PORTS: [u16; 4] = [25, 465, 587, 2525];

/// Who chose an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChosenBy {
    /// Whoever runs the program.
    Operator,
    /// Whoever administers an organization.
    Organization,
}

/// Why a call was not made or not answered.
#[derive(Debug, Error)]
pub enum OutboundError {
    /// It may not be made.
    #[error("this address may not be called: {0}")]
    Forbidden(&'static str),
    /// There is no answer now; there may be one later.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// The answer is none that we read.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
}

/// A scheme, a host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of an address.
    ///
    /// # Errors
    /// `Forbidden` for an address without a host, of another scheme, with a user or a fragment.
    pub fn of(url: &Url) -> Result<Self, OutboundError> {
        let forbidden = |why| Err(OutboundError::Forbidden(why));
        let port = match url.scheme() {
            "https" => 443,
            "http" => 80,
            "smtps" => 465,
            "smtp" => 587,
            _ => return forbidden("its scheme is none that is called"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return forbidden("it has a user");
        }
        if url.fragment().is_some() {
            return forbidden("it has a fragment");
        }
        let host = match url.host() {
            Some(Host::Domain(name)) => host_of_name(name)?,
            Some(host) => host.to_string(),
            None => return forbidden("it has no host"),
        };
        Ok(Self {
            scheme: url.scheme().to_owned(),
            host,
            port: url.port().unwrap_or(port),
        })
    }

    fn is_plain(&self) -> bool {
        self.scheme == "http"
    }
}

/// The host of an `http` address is read by WHATWG's rules, which know every spelling of an IPv4
/// address. That of another scheme is text as it came, so it is read again here.
fn host_of_name(name: &str) -> Result<String, OutboundError> {
    let name = name.trim_end_matches('.');
    let host = Host::parse(name).map_err(|_| OutboundError::Forbidden("its host is no name"))?;
    Ok(host.to_string())
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url: Url = text.parse().map_err(|error| format!("{error}"))?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() {
            return Err("must be a scheme, a host and a port, and nothing more".to_owned());
        }
        Self::of(&url).map_err(|error| error.to_string())
    }
}

/// What the operator says of calls that leave.
#[derive(Debug, Clone, Default)]
pub struct OutboundConfig {
    /// Origins that organizations may choose although they are private, plain or on other ports.
    pub allowed_origins: Vec<Origin>,
    /// PEM of certificates that vouch for others, beside those of the system.
    pub authorities: Option<String>,
}

/// The way out.
#[derive(Debug)]
pub struct Outbound {
    allowed: Vec<Origin>,
    roots: Vec<CertificateDer<'static>>,
    tls: Arc<ClientConfig>,
    resolver: Resolver,
}

/// What tells the addresses of a name.
#[derive(Debug)]
enum Resolver {
    /// The system.
    System,
    /// The next of these answers each time.
    #[cfg(test)]
    Scripted(std::sync::Mutex<Vec<Vec<IpAddr>>>),
}

impl Outbound {
    /// Reads who vouches for others.
    ///
    /// # Errors
    /// Certificates that are none.
    pub fn new(config: &OutboundConfig) -> Result<Self, String> {
        // What of the system's certificates cannot be read vouches for nobody.
        let mut roots = rustls_native_certs::load_native_certs().certs;
        if let Some(pem) = &config.authorities {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                roots.push(certificate.map_err(|error| error.to_string())?);
            }
        }
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots.iter().cloned());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(Self {
            allowed: config.allowed_origins.clone(),
            roots,
            tls: Arc::new(tls),
            resolver: Resolver::System,
        })
    }

    /// Who vouches for others.
    pub fn roots(&self) -> &[CertificateDer<'static>] {
        &self.roots
    }

    /// The addresses at which an origin may be called, each of them tested.
    ///
    /// # Errors
    /// `Forbidden`, and `Unreachable` when the name has no address now.
    pub async fn route(
        &self,
        origin: &Origin,
        by: ChosenBy,
    ) -> Result<Vec<SocketAddr>, OutboundError> {
        if address::is_metadata_name(&origin.host) {
            return Err(OutboundError::Forbidden("it tells machines their secrets"));
        }
        let named = self.allowed.contains(origin);
        if by == ChosenBy::Organization && !named {
            require_public_form(origin)?;
        }
        let addresses = self.resolve(origin).await?;
        if addresses.is_empty() {
            return Err(OutboundError::Unreachable("the name has no address".into()));
        }
        // One answer that is not allowed spoils all: who gives such answers is not to be trusted
        // with the others.
        for address in &addresses {
            test(origin, by, named, address.ip())?;
        }
        Ok(addresses)
    }

    async fn resolve(&self, origin: &Origin) -> Result<Vec<SocketAddr>, OutboundError> {
        let literal = origin.host.trim_matches(['[', ']']);
        if let Ok(address) = literal.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, origin.port)]);
        }
        let found: Vec<SocketAddr> = match &self.resolver {
            Resolver::System => tokio::net::lookup_host((origin.host.as_str(), origin.port))
                .await
                .map_err(|error| OutboundError::Unreachable(error.to_string()))?
                .take(ADDRESSES_MAX)
                .collect(),
            #[cfg(test)]
            Resolver::Scripted(answers) => {
                let answer = answers.lock().unwrap().remove(0);
                let answer = answer.into_iter();
                answer.map(|ip| SocketAddr::new(ip, origin.port)).collect()
            }
        };
        Ok(found)
    }

    /// A connection to an origin, to an address that was tested.
    async fn connect(&self, origin: &Origin, by: ChosenBy) -> Result<TcpStream, OutboundError> {
        let mut last = OutboundError::Unreachable("the name has no address".into());
        for address in self.route(origin, by).await? {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = OutboundError::Unreachable(error.to_string()),
            }
        }
        Err(last)
    }

    /// TLS with the host that the origin names, whatever its address is.
    async fn secure(
        &self,
        origin: &Origin,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, OutboundError> {
        let name = ServerName::try_from(origin.host.trim_matches(['[', ']']).to_owned())
            .map_err(|_| OutboundError::Forbidden("its host is no name"))?;
        TlsConnector::from(Arc::clone(&self.tls))
            .connect(name, stream)
            .await
            .map_err(|error| OutboundError::Unreachable(error.to_string()))
    }
}

/// Whether an address may be called.
fn test(origin: &Origin, by: ChosenBy, named: bool, address: IpAddr) -> Result<(), OutboundError> {
    if address::is_metadata(address) {
        return Err(OutboundError::Forbidden("it tells machines their secrets"));
    }
    match by {
        ChosenBy::Organization if !named && !address::is_public(address) => {
            Err(OutboundError::Forbidden("it is not a public address"))
        }
        ChosenBy::Operator if origin.is_plain() && !named && !is_here(address) => Err(
            OutboundError::Forbidden("plain text may not leave this machine"),
        ),
        ChosenBy::Organization | ChosenBy::Operator => Ok(()),
    }
}

/// Whether it is this machine.
pub fn is_here(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn require_public_form(origin: &Origin) -> Result<(), OutboundError> {
    let ports: &[u16] = match origin.scheme.as_str() {
        "https" => &HTTP_PORTS,
        "smtp" | "smtps" => &MAIL_PORTS,
        _ => return Err(OutboundError::Forbidden("it is not encrypted")),
    };
    if !ports.contains(&origin.port) {
        return Err(OutboundError::Forbidden(
            "its port is none of those allowed",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
