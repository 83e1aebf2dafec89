//! The tables, as plain rows. They never leave this crate.

pub(crate) mod applications;
pub(crate) mod audit_events;
pub(crate) mod changes;
pub(crate) mod credentials;
pub(crate) mod grants;
pub(crate) mod group_members;
pub(crate) mod groups;
pub(crate) mod idempotency_keys;
pub(crate) mod installation;
pub(crate) mod manifests;
pub(crate) mod mfa_challenges;
pub(crate) mod mfa_policies;
pub(crate) mod organization_heads;
pub(crate) mod organizations;
pub(crate) mod password_history;
pub(crate) mod recovery_codes;
pub(crate) mod remembered_devices;
pub(crate) mod roles;
pub(crate) mod schema_version;
pub(crate) mod sessions;
pub(crate) mod sign_in_failures;
pub(crate) mod signing_keys;
pub(crate) mod used_marks;
pub(crate) mod user_factors;
pub(crate) mod user_members;
pub(crate) mod users;
