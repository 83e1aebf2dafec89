//! Who holds which role, until when and for which attributes.

use std::fmt;
use std::str::FromStr;

use gatepost_core::{AttributeLimit, Change, Fact, GrantSubject, RoleId};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    Select,
};
use uuid::Uuid;

use crate::columns::{self, subject, subject_columns};
use crate::entity::grants;
use crate::error::{Result, StoreError};
use crate::list::ParseCursorError;
use crate::roles::Role;
use crate::scope::Scope;

/// Columns count microseconds; a grant ends with a second.
const SECOND_MICROS: i64 = 1_000_000;
const KINDS: [&str; 3] = ["application", "group", "user"];

/// Somebody holds a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who holds it.
    pub subject: GrantSubject,
    /// Which role.
    pub role: RoleId,
    /// The unix second from which it is held no longer; `None` when it is held for good.
    pub until: Option<i64>,
    /// What a question must say for it to count, sorted.
    pub limits: Vec<AttributeLimit>,
}

impl Grant {
    /// A role for good and for everything.
    pub fn plain(subject: GrantSubject, role: RoleId) -> Self {
        Self {
            subject,
            role,
            until: None,
            limits: Vec::new(),
        }
    }

    /// Whether it is held no longer at that unix second.
    pub fn is_expired(&self, now_s: i64) -> bool {
        self.until.is_some_and(|until| until <= now_s)
    }

    fn fact(&self) -> Fact {
        Fact::Grant {
            subject: self.subject,
            role: self.role,
            until: self.until,
            limits: self.limits.clone(),
        }
    }

    fn read(row: grants::Model) -> Result<Self> {
        read_columns((
            row.subject_kind,
            row.subject_id,
            row.role_id,
            row.expires_at,
            row.limits,
        ))
    }
}

/// The columns of a grant that its fact is made of.
pub(crate) type Columns = (String, Uuid, Uuid, Option<i64>, Option<String>);

fn read_columns((kind, id, role, expires_at, limits): Columns) -> Result<Grant> {
    let limits = limits.map(|text| {
        let key = format!("{kind}/{id}/{role}");
        columns::from_json(&text, "grants", "limits", &key)
    });
    Ok(Grant {
        subject: subject(&kind, id)?,
        role: RoleId::new(role),
        until: expires_at.map(|micros| micros.div_euclid(SECOND_MICROS)),
        limits: limits.transpose()?.unwrap_or_default(),
    })
}

/// The fact that a grant's row is.
pub(crate) fn fact_of(columns: Columns) -> Result<Fact> {
    Ok(read_columns(columns)?.fact())
}

/// Which grants; what is absent does not narrow.
#[derive(Debug, Clone, Copy, Default)]
pub struct GrantFilter {
    /// Of the user, group or application of this id.
    pub subject: Option<Uuid>,
    /// Of this role.
    pub role: Option<RoleId>,
}

/// A place in the list of grants: the last one that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantCursor {
    kind: &'static str,
    subject: Uuid,
    role: Uuid,
}

impl GrantCursor {
    fn of(grant: &Grant) -> Self {
        let (kind, subject) = subject_columns(grant.subject);
        let role = grant.role.uuid();
        Self {
            kind,
            subject,
            role,
        }
    }
}

impl fmt::Display for GrantCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.kind, self.subject, self.role)
    }
}

impl FromStr for GrantCursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> std::result::Result<Self, ParseCursorError> {
        let mut parts = text.splitn(3, '.');
        let mut next = || parts.next().ok_or(ParseCursorError);
        let (kind, subject, role) = (next()?, next()?, next()?);
        let kind = KINDS.into_iter().find(|known| *known == kind);
        Ok(Self {
            kind: kind.ok_or(ParseCursorError)?,
            subject: subject.parse().map_err(|_| ParseCursorError)?,
            role: role.parse().map_err(|_| ParseCursorError)?,
        })
    }
}

/// The grants of one organization.
#[derive(Debug, Clone, Copy)]
pub struct Grants<'a> {
    scope: &'a Scope,
}

impl<'a> Grants<'a> {
    pub(crate) fn new(scope: &'a Scope) -> Self {
        Self { scope }
    }

    fn own(self) -> Select<grants::Entity> {
        grants::Entity::find()
            .filter(grants::Column::OrganizationId.eq(self.scope.organization_uuid()))
    }

    fn in_order(select: Select<grants::Entity>) -> Select<grants::Entity> {
        select
            .order_by_asc(grants::Column::SubjectKind)
            .order_by_asc(grants::Column::SubjectId)
            .order_by_asc(grants::Column::RoleId)
    }

    async fn all(self, select: Select<grants::Entity>) -> Result<Vec<Grant>> {
        let rows = select.all(self.scope.database()).await?;
        rows.into_iter().map(Grant::read).collect()
    }

    /// The grant of a role to a subject, expired or not, if there is one.
    pub async fn get(self, who: GrantSubject, role: RoleId) -> Result<Option<Grant>> {
        let (kind, id) = subject_columns(who);
        let select = self
            .own()
            .filter(grants::Column::SubjectKind.eq(kind))
            .filter(grants::Column::SubjectId.eq(id))
            .filter(grants::Column::RoleId.eq(role.uuid()));
        let row = select.one(self.scope.database()).await?;
        row.map(Grant::read).transpose()
    }

    /// Gives a role, in place of a grant of the same role; `false` when the subject has it already
    /// on the same terms. `NotFound` when there is no such user, group, application or role.
    pub async fn give(self, grant: &Grant) -> Result<bool> {
        let before = self.get(grant.subject, grant.role).await?;
        if before.as_ref() == Some(grant) {
            return Ok(false);
        }
        let expires_at = grant.until.map(|until| until.saturating_mul(SECOND_MICROS));
        let limits = match grant.limits.as_slice() {
            [] => None,
            limits => Some(columns::to_json(&limits)?),
        };
        let Some(before) = before else {
            self.insert(grant, expires_at, limits).await?;
            self.scope.record(Change::created(grant.fact()));
            return Ok(true);
        };
        let (kind, id) = subject_columns(grant.subject);
        let terms = grants::ActiveModel {
            expires_at: ActiveValue::Set(expires_at),
            limits: ActiveValue::Set(limits),
            ..Default::default()
        };
        grants::Entity::update_many()
            .set(terms)
            .filter(grants::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(grants::Column::SubjectKind.eq(kind))
            .filter(grants::Column::SubjectId.eq(id))
            .filter(grants::Column::RoleId.eq(grant.role.uuid()))
            .exec(self.scope.database())
            .await?;
        self.scope
            .record(Change::updated(before.fact(), grant.fact()));
        Ok(true)
    }

    async fn insert(
        self,
        grant: &Grant,
        expires_at: Option<i64>,
        limits: Option<String>,
    ) -> Result<()> {
        self.require_subject(grant.subject).await?;
        self.scope
            .roles()
            .get(grant.role)
            .await?
            .ok_or(StoreError::NotFound { noun: "role" })?;
        let (kind, id) = subject_columns(grant.subject);
        let row = grants::Model {
            organization_id: self.scope.organization_uuid(),
            subject_kind: kind.to_owned(),
            subject_id: id,
            role_id: grant.role.uuid(),
            expires_at,
            limits,
        };
        grants::Entity::insert(row.into_active_model())
            .exec_without_returning(self.scope.database())
            .await?;
        Ok(())
    }

    async fn require_subject(self, who: GrantSubject) -> Result<()> {
        let (noun, there) = match who {
            GrantSubject::User(id) => ("user", self.scope.users().get(id).await?.is_some()),
            GrantSubject::Group(id) => ("group", self.scope.groups().get(id).await?.is_some()),
            GrantSubject::Application(id) => (
                "application",
                self.scope.applications().get(id).await?.is_some(),
            ),
        };
        if there {
            Ok(())
        } else {
            Err(StoreError::NotFound { noun })
        }
    }

    /// Takes a role back; `false` when the subject does not have it.
    pub async fn take(self, who: GrantSubject, role: RoleId) -> Result<bool> {
        let Some(grant) = self.get(who, role).await? else {
            return Ok(false);
        };
        self.remove(&grant).await?;
        Ok(true)
    }

    async fn remove(self, grant: &Grant) -> Result<()> {
        let (kind, id) = subject_columns(grant.subject);
        grants::Entity::delete_many()
            .filter(grants::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(grants::Column::SubjectKind.eq(kind))
            .filter(grants::Column::SubjectId.eq(id))
            .filter(grants::Column::RoleId.eq(grant.role.uuid()))
            .exec(self.scope.database())
            .await?;
        self.scope.record(Change::removed(grant.fact()));
        Ok(())
    }

    /// The roles that a subject holds itself at that unix second, by name. Those of its groups are
    /// not among them.
    pub async fn of(self, who: GrantSubject, now_s: i64) -> Result<Vec<Role>> {
        let grants = self.of_many(&[who]).await?.into_iter();
        let held = grants.filter(|grant| !grant.is_expired(now_s));
        let roles: Vec<RoleId> = held.map(|grant| grant.role).collect();
        let mut roles = self.scope.roles().get_many(&roles).await?;
        roles.sort_by(|one, other| one.name_key.cmp(&other.name_key));
        Ok(roles)
    }

    /// What each of these subjects was given itself, expired or not.
    pub async fn of_many(self, who: &[GrantSubject]) -> Result<Vec<Grant>> {
        let ids = who.iter().map(|who| subject_columns(*who).1);
        let select = self.own().filter(grants::Column::SubjectId.is_in(ids));
        let mut grants = self.all(Self::in_order(select)).await?;
        grants.retain(|grant| who.contains(&grant.subject));
        Ok(grants)
    }

    /// To whom a role was given itself, expired or not.
    pub async fn of_role(self, role: RoleId) -> Result<Vec<Grant>> {
        let select = self.own().filter(grants::Column::RoleId.eq(role.uuid()));
        self.all(Self::in_order(select)).await
    }

    /// A part of the grants, expired ones too, by holder and role; and where the next part begins.
    pub async fn list(
        self,
        filter: GrantFilter,
        after: Option<&GrantCursor>,
        limit: u32,
    ) -> Result<(Vec<Grant>, Option<GrantCursor>)> {
        let mut select = self.own();
        if let Some(subject) = filter.subject {
            // Ids are unique whatever they are of; with the kinds named, the key is of use.
            select = select
                .filter(grants::Column::SubjectKind.is_in(KINDS))
                .filter(grants::Column::SubjectId.eq(subject));
        }
        if let Some(role) = filter.role {
            select = select.filter(grants::Column::RoleId.eq(role.uuid()));
        }
        if let Some(after) = after {
            let keys = Expr::tuple([
                Expr::col(grants::Column::SubjectKind),
                Expr::col(grants::Column::SubjectId),
                Expr::col(grants::Column::RoleId),
            ]);
            let place = Expr::tuple([
                Expr::val(after.kind),
                Expr::val(after.subject),
                Expr::val(after.role),
            ]);
            select = select.filter(keys.gt(place));
        }
        let select = Self::in_order(select).limit(u64::from(limit) + 1);
        let mut grants = self.all(select).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = grants.len() > limit;
        grants.truncate(limit);
        let next = grants.last().filter(|_| more).map(GrantCursor::of);
        Ok((grants, next))
    }

    /// Removes grants that had expired at that unix second, the oldest first, `most` of them;
    /// answers how many. No decision changes: they counted for nothing.
    pub async fn remove_expired(self, before_s: i64, most: u32) -> Result<usize> {
        let before = before_s.saturating_mul(SECOND_MICROS);
        let select = self
            .own()
            .filter(grants::Column::ExpiresAt.lte(before))
            .order_by_asc(grants::Column::ExpiresAt)
            .limit(u64::from(most));
        let gone = self.all(select).await?;
        for grant in &gone {
            self.remove(grant).await?;
        }
        Ok(gone.len())
    }

    /// Takes all roles from a subject, before it goes.
    pub(crate) async fn forget(self, who: GrantSubject) -> Result<()> {
        for grant in self.of_many(&[who]).await? {
            self.remove(&grant).await?;
        }
        Ok(())
    }

    /// Takes a role from everybody, before it goes.
    pub(crate) async fn forget_role(self, role: RoleId) -> Result<()> {
        for grant in self.of_role(role).await? {
            self.remove(&grant).await?;
        }
        Ok(())
    }
}
