//! What can go wrong for a caller.

use gatepost_proto::ErrorReason;
use thiserror::Error;

/// Why a call brought no answer.
#[derive(Debug, Error)]
pub enum Error {
    /// The server's URL is none.
    #[error("the server's address is malformed")]
    Address(#[source] tonic::transport::Error),
    /// Nobody answers there.
    #[error("the server does not answer")]
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
            Self::Address(_) | Self::Unreachable(_) | Self::Token => None,
        }
    }
}
