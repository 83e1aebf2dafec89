//! What a snapshot holds of each noun.

use std::sync::Arc;

use crate::fact::Status;
use crate::id::ApplicationId;
use crate::role::RoleEntry;
use crate::shards::{Entry, Weigh};
use crate::terms::Grants;

/// A user, or the edges of one who is not known yet.
#[derive(Debug, Clone, Default)]
pub struct UserEntry {
    /// Username and display name behind each other: one allocation instead of two.
    names: Box<str>,
    /// Where the display name begins.
    username_bytes: u32,
    status: Option<Status>,
    /// Slots of the groups that she is a direct member of, sorted.
    pub(super) groups: Box<[u32]>,
}

impl UserEntry {
    /// The name she signs in with.
    pub fn username(&self) -> &str {
        self.names
            .get(..self.username_bytes as usize)
            .unwrap_or_default()
    }

    /// Her name for people.
    pub fn display_name(&self) -> &str {
        self.names
            .get(self.username_bytes as usize..)
            .unwrap_or_default()
    }

    /// Whether the account may be used.
    pub fn status(&self) -> Status {
        self.status.unwrap_or(Status::Suspended)
    }

    pub(super) fn is_known(&self) -> bool {
        self.status.is_some()
    }

    pub(super) fn set(&mut self, username: &str, display_name: &str, status: Status) {
        self.names = [username, display_name].concat().into();
        self.username_bytes = u32::try_from(username.len()).unwrap_or(u32::MAX);
        self.status = Some(status);
    }

    pub(super) fn unset(&mut self) {
        *self = Self {
            groups: std::mem::take(&mut self.groups),
            ..Self::default()
        };
    }
}

impl Entry for UserEntry {
    fn is_vacant(&self) -> bool {
        self.status.is_none() && self.groups.is_empty()
    }

    fn heap_bytes(&self) -> usize {
        allocated(self.names.len()) + allocated(size_of_val(&*self.groups))
    }
}

/// An application, or the grants of one that is not known yet.
#[derive(Debug, Clone, Default)]
pub struct ApplicationEntry {
    name: Box<str>,
    client_id: Box<str>,
    status: Option<Status>,
    pub(super) grants: Grants,
}

impl ApplicationEntry {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it calls itself at the token endpoint.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Whether it may be used.
    pub fn status(&self) -> Status {
        self.status.unwrap_or(Status::Suspended)
    }

    pub(super) fn is_known(&self) -> bool {
        self.status.is_some()
    }

    pub(super) fn set(&mut self, name: &str, client_id: &str, status: Status) {
        self.name = name.into();
        self.client_id = client_id.into();
        self.status = Some(status);
    }

    pub(super) fn unset(&mut self) {
        *self = Self {
            grants: std::mem::take(&mut self.grants),
            ..Self::default()
        };
    }
}

impl Entry for ApplicationEntry {
    fn is_vacant(&self) -> bool {
        self.status.is_none() && self.grants.is_empty()
    }

    fn heap_bytes(&self) -> usize {
        allocated(self.name.len())
            + allocated(self.client_id.len())
            + allocated(self.grants.heap_bytes())
    }
}

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationEntry {
    /// Its slug: the `owner` and `tenantSlug` of tokens.
    pub slug: Box<str>,
    /// Its name for people.
    pub name: Box<str>,
    /// Whether it may be used.
    pub status: Status,
}

impl OrganizationEntry {
    pub(super) fn new(slug: &str, name: &str, status: Status) -> Self {
        Self {
            slug: slug.into(),
            name: name.into(),
            status,
        }
    }
}

impl Weigh for OrganizationEntry {
    fn heap_bytes(&self) -> usize {
        allocated(self.slug.len()) + allocated(self.name.len())
    }
}

impl Weigh for Arc<RoleEntry> {
    fn heap_bytes(&self) -> usize {
        size_of::<RoleEntry>() + 2 * size_of::<usize>() + RoleEntry::heap_bytes(self)
    }
}

/// The grants of a user herself. Few users have any, so they are kept apart.
impl Entry for Grants {
    fn is_vacant(&self) -> bool {
        self.is_empty()
    }

    fn heap_bytes(&self) -> usize {
        allocated(Grants::heap_bytes(self))
    }
}

impl Weigh for ApplicationId {}
impl Weigh for i64 {}
impl Weigh for u32 {}

/// What an allocator takes for an allocation: a header, and a multiple of 16 bytes.
const fn allocated(bytes: usize) -> usize {
    if bytes == 0 {
        0
    } else {
        (bytes + 8).next_multiple_of(16)
    }
}
