//! Everything that Gatepost remembers: tables, queries by noun, the change feed, cache and bus.
//!
//! The way in is an organization's [`Scope`]: one transaction, in which [`Scope::users`] and its
//! kin read and write rows of that organization only. Every write is collected as core
//! [`Change`](gatepost_core::Change)s, and [`Scope::commit`] writes them, the audit record and the
//! next revision in the same transaction. Two named doors look across organizations and say so:
//! [`SignIn`] and [`Feed`].

mod applications;
mod audit;
mod bus;
mod cache;
mod client_settings;
mod columns;
mod commit;
mod config;
mod dialect;
mod entity;
mod error;
mod failures;
mod feed;
mod grants;
mod groups;
mod idempotency;
mod installation;
mod keys;
mod list;
mod manifests;
mod marks;
mod message_providers;
mod mfa;
mod migration;
mod organizations;
mod passwords;
mod roles;
mod scope;
mod sessions;
mod sign_in;
mod store;
mod times;
mod users;
mod walls;

pub use applications::{Application, ApplicationFilter, Applications, Credential, Proof};
pub use audit::{Actor, Audit, AuditDraft, AuditEvent, AuditFilter, Target};
pub use bus::{Bus, HintStream};
pub use cache::Cache;
pub use client_settings::{ClientSettings, GrantType};
pub use config::StoreConfig;
pub use error::{Cause, Result, StoreError};
pub use failures::{Failures, SignInFailure};
pub use feed::{FactParts, Feed};
pub use gatepost_core::Revision;
pub use gatepost_core::feed::{Facts, Head, Heads, Hint, Steps};
pub use grants::{Grant, GrantCursor, GrantFilter, Grants};
pub use groups::{Group, GroupFilter, Groups};
pub use idempotency::{Idempotency, IdempotencyRecord};
pub use installation::Installation;
pub use keys::{Keys, SigningKey};
pub use list::{Cursor, Page, ParseCursorError, Walk};
pub use manifests::{Manifest, Manifests, Published};
pub use marks::Marks;
pub use message_providers::{Channel, MessageProvider, MessageProviders};
pub use mfa::{Challenge, Code, Factor, Mfa, Passkey, Purpose, RememberedDevice};
pub use organizations::{Organization, Organizations};
pub use roles::{Role, RoleFilter, Roles};
pub use scope::Scope;
pub use sessions::{Device, Session, Sessions, Standing};
pub use sign_in::SignIn;
pub use store::{ServingLock, Store};
pub use users::{PasswordHash, User, UserFilter, Users};
