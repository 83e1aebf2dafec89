//! The Gatepost client: tokens and decisions, typed, over one gRPC connection.
//!
//! ```no_run
//! # async fn example() -> Result<(), gatepost_client::Error> {
//! use gatepost_client::Client;
//!
//! let gatepost = Client::connect("http://127.0.0.1:4000").await?;
//! let token = gatepost.client_token("client-id", "client-secret").await?;
//! let gatepost = gatepost.with_token(token.access_token())?;
//! let decision = gatepost.may("midaz", "accounts", "get").await?;
//! assert!(decision.authorized, "{}", decision.reason);
//! # Ok(())
//! # }
//! ```

mod error;
#[cfg(feature = "guard")]
pub mod guard;
#[cfg(feature = "local")]
pub mod local;
mod token;

use std::time::Duration;

use gatepost_proto::auth::v1::auth_service_client::AuthServiceClient;
use gatepost_proto::auth::v1::{IssueTokenRequest, IssueTokenResponse};
use gatepost_proto::authorize::v1::authorize_service_client::AuthorizeServiceClient;
use gatepost_proto::authorize::v1::replica_service_client::ReplicaServiceClient;
use gatepost_proto::authorize::v1::{AuthorizeRequest, AuthorizeResponse};
use gatepost_proto::identity::v1::application_service_client::ApplicationServiceClient;
use gatepost_proto::identity::v1::audit_service_client::AuditServiceClient;
use gatepost_proto::identity::v1::group_service_client::GroupServiceClient;
use gatepost_proto::identity::v1::manifest_service_client::ManifestServiceClient;
use gatepost_proto::identity::v1::mfa_service_client::MfaServiceClient;
use gatepost_proto::identity::v1::organization_service_client::OrganizationServiceClient;
use gatepost_proto::identity::v1::role_service_client::RoleServiceClient;
use gatepost_proto::identity::v1::session_service_client::SessionServiceClient;
use gatepost_proto::identity::v1::signing_key_service_client::SigningKeyServiceClient;
use gatepost_proto::identity::v1::user_service_client::UserServiceClient;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

pub use error::Error;
pub use gatepost_proto as proto;
pub use token::Token;

/// How long a connection may take to come up.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long a call may take.
const CALL_MAX: Duration = Duration::from_secs(10);
/// How often a connection has to prove that somebody is still there, and how quickly. Without it
/// a peer whose machine is gone is waited for as long as TCP likes, a quarter of an hour.
const KEEPALIVE: Duration = Duration::from_secs(5);
const KEEPALIVE_MAX: Duration = Duration::from_secs(2);

/// A connection with the caller's token on it.
pub type Connection = InterceptedService<Channel, Token>;

/// A client. Clones share the connection.
#[derive(Clone, Debug)]
pub struct Client {
    channel: Channel,
    token: Token,
}

/// A channel with settings of one's own: other certificates, a Unix socket.
impl From<Channel> for Client {
    fn from(channel: Channel) -> Self {
        let token = Token::none();
        Self { channel, token }
    }
}

/// Who may vouch for a server.
#[derive(Clone, Copy)]
enum Trust<'a> {
    /// Whom this machine trusts.
    System,
    /// PEM text of certificates, and nobody else.
    Only(&'a str),
}

fn endpoint(url: &str, trust: Trust<'_>) -> Result<Endpoint, Error> {
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(Error::Address)?;
    let endpoint = endpoint
        .connect_timeout(CONNECT_MAX)
        .timeout(CALL_MAX)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_MAX)
        .keep_alive_while_idle(true);
    let is_https = endpoint.uri().scheme_str() == Some("https");
    let tls = match trust {
        Trust::System if is_https => ClientTlsConfig::new().with_enabled_roots(),
        Trust::System => return Ok(endpoint),
        Trust::Only(_) if !is_https => return Err(Error::AuthoritiesUnused),
        Trust::Only(pem) => {
            let mut certificates = CertificateDer::pem_slice_iter(pem.as_bytes());
            if !matches!(certificates.next(), Some(Ok(_))) {
                return Err(Error::Authorities);
            }
            ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem))
        }
    };
    endpoint.tls_config(tls).map_err(Error::Tls)
}

/// Makes a method that answers the stub of a service.
macro_rules! stubs {
    ($($(#[$doc:meta])* $name:ident: $stub:ident;)*) => {
        impl Client {
            $($(#[$doc])*
            pub fn $name(&self) -> $stub<Connection> {
                $stub::with_interceptor(self.channel.clone(), self.token.clone())
            })*
        }
    };
}

stubs! {
    /// Tokens, sessions, and who the caller is.
    auth: AuthServiceClient;
    /// Decisions.
    authorize: AuthorizeServiceClient;
    /// What feeds sidecars.
    replica: ReplicaServiceClient;
    /// People and their accounts.
    users: UserServiceClient;
    /// Second factors, and who needs one.
    mfa: MfaServiceClient;
    /// Signed-in devices.
    sessions: SessionServiceClient;
    /// Groups and their members.
    groups: GroupServiceClient;
    /// Roles and who holds them.
    roles: RoleServiceClient;
    /// Machine clients.
    applications: ApplicationServiceClient;
    /// Tenants.
    organizations: OrganizationServiceClient;
    /// What products declare.
    manifests: ManifestServiceClient;
    /// The keys that sign tokens.
    signing_keys: SigningKeyServiceClient;
    /// What happened.
    audit: AuditServiceClient;
}

impl Client {
    /// Connects to a server: over `https` if somebody whom this machine trusts vouches for it.
    ///
    /// # Errors
    /// [`Error::Address`] for a URL that is none, [`Error::Tls`] on a machine that trusts nobody,
    /// [`Error::Unreachable`] if nobody answers, or nobody who is trusted.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        let channel = endpoint(url, Trust::System)?.connect().await;
        Ok(channel.map_err(Error::Unreachable)?.into())
    }

    /// Connects over `https` to a server for which one of these certificates vouches, and no
    /// other: a private authority, as PEM text.
    ///
    /// # Errors
    /// As [`Client::connect`]; [`Error::Authorities`] for a text without a certificate, and
    /// [`Error::AuthoritiesUnused`] for an address that is not `https`.
    pub async fn connect_trusting(url: &str, authorities: &str) -> Result<Self, Error> {
        let channel = endpoint(url, Trust::Only(authorities))?.connect().await;
        Ok(channel.map_err(Error::Unreachable)?.into())
    }

    /// A client that connects when it is first used, and again whenever the connection breaks.
    /// Needs a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Address`] for a URL that is none, [`Error::Tls`] for `https` on a machine that
    /// trusts nobody.
    pub fn lazy(url: &str) -> Result<Self, Error> {
        Ok(endpoint(url, Trust::System)?.connect_lazy().into())
    }

    /// As [`Client::lazy`], trusting these certificates only, as [`Client::connect_trusting`] does.
    ///
    /// # Errors
    /// [`Error::Address`], [`Error::Authorities`] and [`Error::AuthoritiesUnused`].
    pub fn lazy_trusting(url: &str, authorities: &str) -> Result<Self, Error> {
        Ok(endpoint(url, Trust::Only(authorities))?
            .connect_lazy()
            .into())
    }

    /// The same connection, for the bearer of this access token.
    ///
    /// # Errors
    /// [`Error::Token`] for a text that no header can carry.
    pub fn with_token(&self, access_token: &str) -> Result<Self, Error> {
        Ok(Self {
            channel: self.channel.clone(),
            token: Token::bearer(access_token)?,
        })
    }

    /// Gets a token for a machine.
    ///
    /// # Errors
    /// [`Error::Refused`] with the reason.
    pub async fn client_token(&self, id: &str, secret: &str) -> Result<IssueTokenResponse, Error> {
        let request = IssueTokenRequest {
            grant_type: "client_credentials".to_owned(),
            client_id: id.to_owned(),
            client_secret: secret.to_owned(),
            ..IssueTokenRequest::default()
        };
        Ok(self.auth().issue_token(request).await?.into_inner())
    }

    /// Gets a token for a person.
    ///
    /// # Errors
    /// [`Error::Refused`] with the reason.
    pub async fn password_token(
        &self,
        username: &str,
        password: &str,
    ) -> Result<IssueTokenResponse, Error> {
        let request = IssueTokenRequest {
            grant_type: "password".to_owned(),
            username: username.to_owned(),
            password: password.to_owned(),
            ..IssueTokenRequest::default()
        };
        Ok(self.auth().issue_token(request).await?.into_inner())
    }

    /// Whether the bearer may do `action` on `resource` of `product`.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is no decision: the token ended, or the server cannot show
    /// that it is fresh. A refusal is no error; see [`AuthorizeResponse::authorized`].
    pub async fn may(
        &self,
        product: &str,
        resource: &str,
        action: &str,
    ) -> Result<AuthorizeResponse, Error> {
        let request = AuthorizeRequest {
            product: product.to_owned(),
            resource: resource.to_owned(),
            action: action.to_owned(),
            ..AuthorizeRequest::default()
        };
        Ok(self.authorize().authorize(request).await?.into_inner())
    }
}
