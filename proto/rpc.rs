//! What every RPC says about itself, as the protos' `rule` option has it.

use std::fmt;

/// A request message, and through it its RPC.
pub trait Rpc: prost::Message + Default {
    /// What the RPC answers.
    type Response: prost::Message + Default + Clone;
    /// The name on the wire, for example `gatepost.identity.v1.UserService/CreateUser`.
    const NAME: &'static str;
    /// Who may call it, what it does, and its name in the audit log.
    const RULE: Rule;
}

/// Who may call an RPC, and what a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Who may call it.
    pub access: Access,
    /// What it does to the data.
    pub effect: Effect,
    /// The event's name in the audit log, `noun.verb`; none for RPCs that leave no record.
    pub audit: Option<&'static str>,
    /// Whether it works on what belongs to the installation, so in the system organization.
    pub installation: bool,
}

/// Who may call an RPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody, without a credential.
    Public,
    /// Any signed-in caller.
    Authenticated,
    /// Callers that hold this permission.
    Permission(Permission),
    /// Any signed-in caller; the handler itself checks what this sentence says.
    Custom(&'static str),
}

/// A permission of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The product's slug.
    pub product: &'static str,
    /// The resource.
    pub resource: &'static str,
    /// The action.
    pub action: &'static str,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.product, self.resource, self.action)
    }
}

/// What an RPC does to the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Answers what is there.
    Read,
    /// Changes something.
    Write,
    /// Changes something and shows a secret once.
    Reveal,
}

/// An RPC, for tests, metrics and documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RpcInfo {
    /// As [`Rpc::NAME`].
    pub name: &'static str,
    /// The service's full name.
    pub service: &'static str,
    /// The method's name.
    pub method: &'static str,
    /// As [`Rpc::RULE`].
    pub rule: Rule,
    /// The method of its main HTTP route.
    pub http_method: &'static str,
    /// The path template of its main HTTP route.
    pub path: &'static str,
    /// What its comment in the proto says.
    pub comment: &'static str,
}
