//! One organization at one revision: immutable, compiled for look-up, cheap to step forward.

mod build;
mod entry;
mod export;
mod fold;
mod groups;
mod installation;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use build::SnapshotBuilder;
pub use entry::{ApplicationEntry, OrganizationEntry};
pub use groups::GroupEntry;
pub use installation::{ProductEntry, SigningKeyEntry};

pub use crate::people::UserEntry;
pub use crate::role::RoleEntry;
pub use crate::terms::RoleGrant;

use crate::fact::{Change, Fact, GrantSubject, Status};
use crate::id::{
    ApplicationId, CredentialId, GroupId, OrganizationId, Revision, RoleId, SessionId, UserId,
};
use crate::index::PermissionIndex;
use crate::people::People;
use crate::role::Probe;
use crate::sayings::{Said, Sayings, Speech};
use crate::seats::{RoleSet, Seats};
use crate::shards::Shards;
use crate::terms::Grants;
use groups::Groups;
use installation::Installation;

/// An organization at a revision: the fold of its facts.
///
/// A clone shares everything; [`Snapshot::apply`] copies only what changes.
#[derive(Debug, Clone)]
pub struct Snapshot {
    organization: OrganizationId,
    revision: Revision,
    organizations: Shards<OrganizationId, Option<OrganizationEntry>>,
    /// The status that its own facts give it.
    own_status: Option<Status>,
    /// How many of the organizations that are known here are suspended.
    suspended: usize,
    people: People,
    user_grants: Shards<UserId, Grants>,
    groups: Groups,
    /// Of the roles that users and groups are given.
    seats: Seats,
    roles: Shards<RoleId, Option<Arc<RoleEntry>>>,
    applications: Shards<ApplicationId, ApplicationEntry>,
    credentials: Shards<CredentialId, Option<ApplicationId>>,
    ended_sessions: Shards<SessionId, Option<i64>>,
    installation: Arc<Installation>,
    index: PermissionIndex,
    /// What the roles and products say: another when any of them is another.
    speech: Speech,
    /// What was found out of them by decisions.
    sayings: Sayings,
    /// Whether roles or products changed since it was settled.
    stale_roles: bool,
}

impl Snapshot {
    /// Folds the facts of an organization, in any order.
    pub fn build(
        organization: OrganizationId,
        revision: Revision,
        facts: impl IntoIterator<Item = Fact>,
    ) -> Self {
        let mut builder = SnapshotBuilder::new(organization, revision);
        builder.add(facts);
        builder.build()
    }

    /// The snapshot after the changes of the revisions up to this one.
    #[must_use]
    pub fn apply(&self, revision: Revision, changes: &[Change]) -> Self {
        let mut next = self.clone();
        next.revision = revision;
        for change in changes {
            next.step(change);
        }
        next.settle();
        next
    }

    /// Finds again what follows from more than one fact.
    fn settle(&mut self) {
        self.groups.settle(&self.seats);
        let respoken = std::mem::take(&mut self.stale_roles);
        if respoken {
            self.speech = Speech::default();
            Arc::make_mut(&mut self.installation).settle(&self.index);
        }
        let reseated = self.seats.take_moved();
        if respoken || reseated || self.sayings.is_worn() {
            self.sayings = Sayings::default();
        }
    }

    /// The same snapshot without the ended sessions whose last token expired before that moment,
    /// in unix seconds. The revision stays: no answer changes.
    #[must_use]
    pub fn forget_ended_sessions(&self, before: i64) -> Self {
        let mut next = self.clone();
        let over = self.ended_sessions().filter(|(_, until)| *until < before);
        for (session, _) in over {
            next.ended_sessions.edit(session, |entry| *entry = None);
        }
        next
    }

    fn empty(organization: OrganizationId, revision: Revision) -> Self {
        Self {
            organization,
            revision,
            organizations: Shards::default(),
            own_status: None,
            suspended: 0,
            people: People::default(),
            user_grants: Shards::default(),
            groups: Groups::default(),
            seats: Seats::default(),
            roles: Shards::default(),
            applications: Shards::default(),
            credentials: Shards::default(),
            ended_sessions: Shards::default(),
            installation: Arc::default(),
            index: PermissionIndex::default(),
            speech: Speech::default(),
            sayings: Sayings::default(),
            stale_roles: false,
        }
    }

    /// Which organization.
    pub fn id(&self) -> OrganizationId {
        self.organization
    }

    /// At which revision.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Bytes of memory, near enough for a budget. What is shared with another snapshot is counted
    /// in both. Costs time with the number of shards and groups, not of users.
    pub fn approximate_bytes(&self) -> usize {
        size_of::<Self>()
            + self.organizations.bytes()
            + self.people.bytes()
            + self.user_grants.bytes()
            + self.groups.bytes()
            + self.seats.bytes()
            + self.roles.bytes()
            + self.applications.bytes()
            + self.credentials.bytes()
            + self.ended_sessions.bytes()
            + self.installation.bytes()
            + self.index.bytes()
            + self.sayings.bytes()
    }

    /// The organization itself, when its own facts name it.
    pub fn organization(&self) -> Option<&OrganizationEntry> {
        self.organization_by_id(self.organization)
    }

    /// An organization. Only the system organization's snapshot knows others than itself.
    pub fn organization_by_id(&self, id: OrganizationId) -> Option<&OrganizationEntry> {
        self.organizations.get(&id)?.as_ref()
    }

    /// Every organization that is known here, in no order.
    pub fn organizations(&self) -> impl Iterator<Item = (OrganizationId, &OrganizationEntry)> {
        self.organizations
            .iter()
            .filter_map(|(id, entry)| Some((*id, entry.as_ref()?)))
    }

    /// A user.
    pub fn user(&self, id: UserId) -> Option<UserEntry<'_>> {
        self.people.get(id).filter(|user| user.is_known())
    }

    /// Every user, in no order.
    pub fn users(&self) -> impl Iterator<Item = (UserId, UserEntry<'_>)> {
        self.people.iter().filter(|(_, user)| user.is_known())
    }

    /// A group.
    pub fn group(&self, id: GroupId) -> Option<&GroupEntry> {
        self.groups.get(id).filter(|group| group.is_known())
    }

    /// The group of that name. Looks at every group: not for the decision path.
    pub fn group_by_name(&self, name: &str) -> Option<&GroupEntry> {
        // Names are unique; should two groups ever share one, the answer is still always the same.
        self.groups()
            .filter(|group| group.name() == name)
            .min_by_key(|group| group.id())
    }

    /// Every group, in no order.
    pub fn groups(&self) -> impl Iterator<Item = &GroupEntry> {
        self.groups.iter().filter(|group| group.is_known())
    }

    /// A role of this organization; roles of manifests are in the system organization.
    pub fn role(&self, id: RoleId) -> Option<&RoleEntry> {
        self.roles.get(&id)?.as_deref()
    }

    /// Whether there is a role of this id, whose hash is known.
    pub(crate) fn has_role(&self, hash: u64, id: RoleId) -> bool {
        self.roles.find(hash, |other| *other == id).is_some()
    }

    /// Every role of this organization, in no order.
    pub fn roles(&self) -> impl Iterator<Item = (RoleId, &RoleEntry)> {
        self.roles
            .iter()
            .filter_map(|(id, role)| Some((*id, role.as_deref()?)))
    }

    /// An application.
    pub fn application(&self, id: ApplicationId) -> Option<&ApplicationEntry> {
        self.applications
            .get(&id)
            .filter(|application| application.is_known())
    }

    /// The application of that client id. Looks at every application: not for the decision path.
    pub fn application_by_client_id(
        &self,
        client_id: &str,
    ) -> Option<(ApplicationId, &ApplicationEntry)> {
        let mut found = self.applications();
        found.find(|(_, application)| application.client_id() == client_id)
    }

    /// Every application, in no order.
    pub fn applications(&self) -> impl Iterator<Item = (ApplicationId, &ApplicationEntry)> {
        let known = self
            .applications
            .iter()
            .filter(|(_, application)| application.is_known());
        known.map(|(id, application)| (*id, application))
    }

    /// The application of a credential that is in force.
    pub fn credential(&self, id: CredentialId) -> Option<ApplicationId> {
        self.credentials.get(&id).copied().flatten()
    }

    /// Whether a session's tokens must not be accepted any more.
    pub fn session_ended(&self, id: SessionId) -> bool {
        self.ended_sessions.get(&id).is_some()
    }

    /// Every ended session with the unix second of its last token's expiry, in no order.
    pub fn ended_sessions(&self) -> impl Iterator<Item = (SessionId, i64)> {
        self.ended_sessions
            .iter()
            .filter_map(|(id, until)| Some((*id, (*until)?)))
    }

    /// The product of that slug or alias. Products are in the system organization.
    pub fn product(&self, name: &str) -> Option<&ProductEntry> {
        self.installation.product(name)
    }

    /// Every product, by slug.
    pub fn products(&self) -> impl Iterator<Item = &ProductEntry> {
        self.installation.products()
    }

    /// A signing key by its kid. Signing keys are in the system organization.
    pub fn signing_key(&self, kid: &str) -> Option<&SigningKeyEntry> {
        self.installation.keys.get(kid)
    }

    /// Every signing key with its kid, by kid.
    pub fn signing_keys(&self) -> impl Iterator<Item = (&str, &SigningKeyEntry)> {
        self.installation
            .keys
            .iter()
            .map(|(kid, key)| (&**kid, key))
    }

    /// What a subject itself is given, by role, expired grants included; what its groups are given
    /// is not.
    pub fn grants_to(&self, subject: GrantSubject) -> Vec<RoleGrant> {
        self.own_grants(subject).to_vec()
    }

    /// As [`Snapshot::grants_to`], without a copy.
    pub(crate) fn own_grants(&self, subject: GrantSubject) -> &[RoleGrant] {
        match subject {
            GrantSubject::User(id) => self.user_grants.get(&id),
            GrantSubject::Group(id) => self.groups.get(id).map(|group| &group.grants),
            GrantSubject::Application(id) => self.applications.get(&id).map(|entry| &entry.grants),
        }
        .map(Grants::as_slice)
        .unwrap_or_default()
    }

    /// The known groups that a user is in, directly or through other groups, sorted by id.
    pub fn groups_of(&self, user: UserId) -> Vec<GroupId> {
        let mut groups: Vec<GroupId> = self.all_groups(user).map(GroupEntry::id).collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// The known groups that a user is a direct member of, sorted by id.
    pub fn direct_groups_of(&self, user: UserId) -> Vec<GroupId> {
        let mut groups: Vec<GroupId> = self.direct_groups(user).map(GroupEntry::id).collect();
        groups.sort_unstable();
        groups
    }

    /// The known groups that a group is a direct member of, sorted by id.
    pub fn parents_of(&self, group: GroupId) -> Vec<GroupId> {
        let entry = self.group(group).into_iter();
        let slots = entry.flat_map(|entry| entry.parents.iter());
        let parents = slots.filter_map(|slot| self.groups.at(*slot));
        let mut parents: Vec<GroupId> = parents
            .filter(|parent| parent.is_known())
            .map(GroupEntry::id)
            .collect();
        parents.sort_unstable();
        parents
    }

    /// The known groups above a group, whose roles its members hold too, sorted by id.
    pub fn groups_above(&self, group: GroupId) -> Vec<GroupId> {
        let entry = self.group(group).into_iter();
        let mut groups: Vec<GroupId> = entry
            .flat_map(|entry| self.ancestors(entry))
            .map(GroupEntry::id)
            .collect();
        groups.sort_unstable();
        groups
    }

    /// The roles that every member of a group holds: the group's and those of all groups above it,
    /// sorted. What must be judged before somebody is put into the group.
    pub fn roles_of_group(&self, group: GroupId) -> Vec<RoleId> {
        let entry = self.group(group).into_iter();
        let all = entry.flat_map(|entry| self.lineage(entry));
        let grants = all.flat_map(GroupEntry::grants);
        let mut roles: Vec<RoleId> = grants.map(RoleGrant::role).collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    }

    /// The groups of a user, direct or not; a group may come more than once.
    pub(crate) fn all_groups(&self, user: UserId) -> impl Iterator<Item = &GroupEntry> {
        self.memberships(user).map(|(_, group)| group)
    }

    /// Every way from a user to a group: the group that she is a direct member of, and the same or
    /// one above it.
    pub(crate) fn memberships(
        &self,
        user: UserId,
    ) -> impl Iterator<Item = (&GroupEntry, &GroupEntry)> {
        self.direct_groups(user)
            .flat_map(|direct| self.lineage(direct).map(move |group| (direct, group)))
    }

    /// A group and all those above it: what its members are members of.
    pub(crate) fn lineage<'a>(
        &'a self,
        group: &'a GroupEntry,
    ) -> impl Iterator<Item = &'a GroupEntry> {
        std::iter::once(group).chain(self.ancestors(group))
    }

    /// Every user, known or not, who is given roles herself, with those grants; in no order.
    pub(crate) fn users_with_grants(&self) -> impl Iterator<Item = (UserId, &[RoleGrant])> {
        let users = self.user_grants.iter();
        users.map(|(id, grants)| (*id, grants.as_slice()))
    }

    fn direct_groups(&self, user: UserId) -> impl Iterator<Item = &GroupEntry> {
        let entry = self.people.get(user);
        let slots = entry.map(UserEntry::groups).unwrap_or_default();
        slots
            .iter()
            .filter_map(|slot| self.groups.at(*slot))
            .filter(|group| group.is_known())
    }

    /// The status that the organization's own facts give it.
    pub(crate) fn own_status(&self) -> Option<Status> {
        self.own_status
    }

    /// Whether any permission of the installation asks for more than being signed in.
    pub fn has_demands(&self) -> bool {
        self.installation.demands()
    }

    /// Whether any organization that is known here is suspended.
    pub(crate) fn has_suspended(&self) -> bool {
        self.suspended > 0
    }

    /// Who speaks of what among the roles of this snapshot.
    pub(crate) fn index(&self) -> &PermissionIndex {
        &self.index
    }

    /// What the roles say of a permission, as it was found once; or found now, which `None` says
    /// when there is no place to keep it.
    pub(crate) fn said(
        &self,
        system: &Self,
        product: &ProductEntry,
        probe: &Probe<'_>,
        find: impl FnOnce() -> Said,
    ) -> Said {
        match product.place(probe, system.installation.len()) {
            Some(place) => self.sayings.get(&system.speech, place, find),
            None => find(),
        }
    }

    /// The seats of the roles that users and groups are given.
    pub(crate) fn seats(&self) -> &Seats {
        &self.seats
    }

    /// All roles that a user holds herself or through her groups.
    pub(crate) fn held(&self, user: UserEntry<'_>) -> RoleSet {
        let (groups, seats) = user.lists();
        let mut held: RoleSet = seats.iter().copied().collect();
        let by_slot = self.groups.all_roles();
        for slot in groups {
            if let Some(roles) = by_slot.get(*slot as usize) {
                held = held | *roles;
            }
        }
        held
    }

    /// The grants to a user, and to her groups and all above them, of roles in a set; with some
    /// others. Groups that are not known have none.
    pub(crate) fn grants_of(
        &self,
        user: UserEntry<'_>,
        roles: RoleSet,
    ) -> impl Iterator<Item = &RoleGrant> {
        let (groups, seats) = user.lists();
        let given = !seats.is_empty();
        let own = given.then(|| self.own_grants(GrantSubject::User(user.id())));
        let some = move |set: RoleSet| !(set & roles).is_empty();
        let groups = groups
            .iter()
            .filter(move |slot| some(self.groups.roles(**slot)));
        let direct = groups.filter_map(|slot| self.groups.at(*slot));
        let all = direct.flat_map(|group| self.lineage(group));
        let giving = all.filter(move |group| some(group.roles()));
        own.unwrap_or_default()
            .iter()
            .chain(giving.flat_map(GroupEntry::grants))
    }

    /// INVARIANT: every ancestor is known, and its closure settled.
    fn ancestors<'a>(&'a self, group: &'a GroupEntry) -> impl Iterator<Item = &'a GroupEntry> {
        group
            .ancestors
            .iter()
            .filter_map(|slot| self.groups.at(*slot))
    }
}
