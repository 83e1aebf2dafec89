//! The Gatepost contract: messages, services, routes, rules and errors, generated from `proto/`.
//!
//! Generated code lives in the modules named like the proto packages; everything written by hand
//! here is what the generated code needs to run.

pub mod fields;
pub mod mask;
pub mod reason;
pub mod redact;
pub mod rest;
pub mod rpc;
pub mod timestamp;
pub mod validate;

mod decode;
#[cfg(test)]
mod tests;

pub use error::v1::ErrorReason;

/// The descriptor set, as gRPC reflection serves it: with options, without comments.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The OpenAPI 3.1 document of the REST face, as JSON.
pub const OPENAPI: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

/// Declares the module of a proto package: its messages, services and JSON mapping.
macro_rules! package {
    ($package:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $package, ".rs"));
        include!(concat!(env!("OUT_DIR"), "/", $package, ".serde.rs"));
    };
}

/// Package `gatepost.auth`.
pub mod auth {
    /// Package `gatepost.auth.v1`.
    #[expect(
        clippy::pedantic,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        reason = "generated"
    )]
    pub mod v1 {
        package!("gatepost.auth.v1");
    }
}

/// Package `gatepost.authorize`.
pub mod authorize {
    /// Package `gatepost.authorize.v1`.
    #[expect(
        clippy::pedantic,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        reason = "generated"
    )]
    pub mod v1 {
        package!("gatepost.authorize.v1");
    }
}

/// Package `gatepost.error`.
pub mod error {
    /// Package `gatepost.error.v1`.
    #[expect(
        clippy::pedantic,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        reason = "generated"
    )]
    pub mod v1 {
        package!("gatepost.error.v1");
    }
}

/// Package `gatepost.identity`.
pub mod identity {
    /// Package `gatepost.identity.v1`.
    #[expect(
        clippy::pedantic,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        reason = "generated"
    )]
    pub mod v1 {
        package!("gatepost.identity.v1");
    }
}

/// The part of Envoy's external authorization that the server reads and writes.
#[cfg(feature = "envoy")]
#[expect(
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]
pub mod envoy {
    include!(concat!(env!("OUT_DIR"), "/envoy.service.auth.v3.rs"));
}

/// What the messages promise: rules, validation, redaction.
#[expect(clippy::pedantic, reason = "generated")]
pub mod rules {
    include!(concat!(env!("OUT_DIR"), "/messages.rs"));
}

/// The REST face: every HTTP route with the function that serves it.
pub mod rest_routes {
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}
