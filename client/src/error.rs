//! What can go wrong for a caller.

use gatepost_proto::ErrorReason;
use thiserror::Error;

/// Why a call brought no answer.
#[derive(Debug, Error)]
pub enum Error {
    /// The server's URL is none.
    #[error("the server's address is malformed")]
    Address(#[source] tonic::transport::Error),
    /// There is no certificate in what should say who vouches for the server.
    #[error("there is no certificate among those that should vouch for the server")]
    Authorities,
    /// It was said who vouches for the server, and its address is not `https`.
    #[error("certificates vouch for a server with an https:// address only")]
    AuthoritiesUnused,
    /// The certificates that should vouch for the server cannot be used.
    #[error("the certificates that vouch for servers cannot be used: {}", innermost(.0))]
    Tls(#[source] tonic::transport::Error),
    /// Nobody answers there, or nobody for whom a trusted certificate vouches.
    #[error("the server does not answer: {}", innermost(.0))]
    Unreachable(#[source] tonic::transport::Error),
    /// The token cannot be sent in a header.
    #[error("the token is malformed")]
    Token,
    /// The server refused, or the local snapshots did.
    #[error("{0}")]
    Refused(#[from] Box<tonic::Status>),
}

impl From<tonic::Status> for Error {
    fn from(status: tonic::Status) -> Self {
        Self::Refused(Box::new(status))
    }
}

impl Error {
    /// The reason that the server gave, which is what a program should look at.
    pub fn reason(&self) -> Option<ErrorReason> {
        match self {
            Self::Refused(status) => ErrorReason::of(status),
            Self::Address(_)
            | Self::Authorities
            | Self::AuthoritiesUnused
            | Self::Tls(_)
            | Self::Unreachable(_)
            | Self::Token => None,
        }
    }
}

/// What it comes down to: the transport's own words are always the same.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}
