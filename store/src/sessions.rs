//! Signed-in devices: live ones, and ended ones until their last access token expires.

mod browsers;

use gatepost_core::session::{Presented, Rotation, RotationLimits};
use gatepost_core::{ApplicationId, Change, Fact, SessionId, UserId};
use sea_orm::{
    ActiveValue, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Select,
};
use time::OffsetDateTime;

use crate::applications::Application;
use crate::entity::{applications, organizations, sessions, users};
use crate::error::{Result, StoreError};
use crate::list::{self, Cursor, Page, Sorting, Walk};
use crate::organizations::Organization;
use crate::scope::Scope;
use crate::times::{instant, maybe_instant, micros};
use crate::users::User;

const TABLE: &str = "sessions";

/// One signed-in device of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Which session.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// Through which application she signed in, if through one.
    pub application: Option<ApplicationId>,
    /// When it began.
    pub created_at: OffsetDateTime,
    /// When it expires by itself.
    pub expires_at: OffsetDateTime,
    /// When it was ended, if it was.
    pub ended_at: Option<OffsetDateTime>,
    /// When its last access token expires; only of an ended one.
    pub ended_until: Option<OffsetDateTime>,
    /// The session of the browser in which it began, if in one: it ends with that.
    pub within: Option<SessionId>,
    /// The scope that was granted, separated by spaces.
    pub scope: String,
    /// Which of its refresh tokens is good; the first is 0.
    pub generation: u32,
    /// When that one took the place of the one before.
    pub rotated_at: Option<OffsetDateTime>,
    /// When it was used last.
    pub last_seen_at: OffsetDateTime,
    /// Where it was used last.
    pub device: Device,
    /// How the person proved who she is (RFC 8176).
    pub methods: Vec<String>,
    /// When the person proved it: when the session began, or that of the browser.
    pub signed_in_at: OffsetDateTime,
    /// What its tokens are for (RFC 8707 §2); empty for all that accepts ours.
    pub resources: Vec<String>,
    /// The issuer that it was bought at; empty for the installation's.
    pub issuer: String,
    /// What it may learn of the person beside what its scope says (OpenID Connect Core §5.5).
    pub claims: Vec<String>,
}

/// Where a session is used, as far as that can be known; empty where it is not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// The network address.
    pub address: String,
    /// What the program calls itself.
    pub agent: String,
}

/// A session with all that it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The session.
    pub session: Session,
    /// Whose it is.
    pub user: User,
    /// Through which application it began; `None` without one, or when that is gone.
    pub application: Option<Application>,
    /// Where.
    pub organization: Organization,
}

impl Session {
    /// One that begins: of nobody's application and no browser, with no scope and nothing narrowed,
    /// whose person proved now who she is, in no way yet and nowhere.
    #[must_use]
    pub fn begun(
        id: SessionId,
        user: UserId,
        now: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Self {
        Self {
            id,
            user,
            application: None,
            created_at: now,
            expires_at,
            ended_at: None,
            ended_until: None,
            within: None,
            scope: String::new(),
            generation: 0,
            rotated_at: None,
            last_seen_at: now,
            device: Device::default(),
            methods: Vec::new(),
            signed_in_at: now,
            resources: Vec::new(),
            issuer: String::new(),
            claims: Vec::new(),
        }
    }

    fn read(row: &sessions::Model) -> Result<Self> {
        let id = row.id.to_string();
        Ok(Self {
            id: SessionId::new(row.id),
            user: UserId::new(row.user_id),
            application: row.application_id.map(ApplicationId::new),
            created_at: instant(row.created_at, TABLE, &id)?,
            expires_at: instant(row.expires_at, TABLE, &id)?,
            ended_at: maybe_instant(row.ended_at, TABLE, &id)?,
            ended_until: maybe_instant(row.ended_until, TABLE, &id)?,
            within: row.within.map(SessionId::new),
            scope: row.scope.clone().unwrap_or_default(),
            generation: u32::try_from(row.generation).unwrap_or_default(),
            rotated_at: maybe_instant(row.rotated_at, TABLE, &id)?,
            last_seen_at: instant(row.last_seen_at.unwrap_or(row.created_at), TABLE, &id)?,
            device: Device {
                address: row.address.clone().unwrap_or_default(),
                agent: row.agent.clone().unwrap_or_default(),
            },
            methods: words(row.methods.as_deref()),
            signed_in_at: instant(row.signed_in_at.unwrap_or(row.created_at), TABLE, &id)?,
            resources: words(row.resources.as_deref()),
            issuer: row.issuer.clone().unwrap_or_default(),
            claims: words(row.claims.as_deref()),
        })
    }

    /// What its refresh token of this generation is worth.
    pub fn judge(&self, presented: u32, now: OffsetDateTime, limits: RotationLimits) -> Presented {
        let rotation = Rotation {
            generation: self.generation,
            began_at_us: micros(self.created_at),
            rotated_at_us: self.rotated_at.map(micros),
            expires_at_us: micros(self.expires_at),
        };
        rotation.judge(presented, micros(now), limits)
    }

    fn ended_fact(&self) -> Option<Fact> {
        self.ended_until.map(|until| ended_fact(self.id, until))
    }
}

fn words(text: Option<&str>) -> Vec<String> {
    let words = text.unwrap_or_default().split_whitespace();
    words.map(str::to_owned).collect()
}

/// Seconds are what tokens count in; rounded up, so that the fact outlives the last token.
fn ended_fact(id: SessionId, until: OffsetDateTime) -> Fact {
    Fact::EndedSession {
        id,
        until: ended_until_s(micros(until)),
    }
}

/// The `until` of a fact, from the column.
pub(crate) fn ended_until_s(micros: i64) -> i64 {
    micros.div_euclid(1_000_000) + i64::from(micros.rem_euclid(1_000_000) != 0)
}

/// The sessions of one organization.
#[derive(Debug, Clone, Copy)]
pub struct Sessions<'a> {
    scope: &'a Scope,
}

impl<'a> Sessions<'a> {
    pub(crate) fn new(scope: &'a Scope) -> Self {
        Self { scope }
    }

    fn own(self) -> Select<sessions::Entity> {
        sessions::Entity::find()
            .filter(sessions::Column::OrganizationId.eq(self.scope.organization_uuid()))
    }

    fn live(self, now: OffsetDateTime) -> Select<sessions::Entity> {
        self.own()
            .filter(sessions::Column::EndedAt.is_null())
            .filter(sessions::Column::ExpiresAt.gt(micros(now)))
    }

    async fn all(self, select: Select<sessions::Entity>) -> Result<Vec<Session>> {
        let rows = select
            .order_by_asc(sessions::Column::CreatedAt)
            .order_by_asc(sessions::Column::Id)
            .all(self.scope.database())
            .await?;
        rows.iter().map(Session::read).collect()
    }

    /// The session of this id, live or ended, if there is one.
    pub async fn get(self, id: SessionId) -> Result<Option<Session>> {
        let row = self
            .own()
            .filter(sessions::Column::Id.eq(id.uuid()))
            .one(self.scope.database())
            .await?;
        row.as_ref().map(Session::read).transpose()
    }

    /// A user's sessions that are neither ended nor expired, oldest first.
    pub async fn list_live(
        self,
        user: UserId,
        now: OffsetDateTime,
        walk: Walk,
    ) -> Result<Page<Session>> {
        let select = self.live(now);
        let select = select.filter(sessions::Column::UserId.eq(user.uuid()));
        let sorting = Sorting {
            at: sessions::Column::CreatedAt,
            id: sessions::Column::Id,
            descending: false,
        };
        list::walk(self.scope, select, sorting, walk, |row| Cursor {
            at: row.created_at,
            id: row.id,
        })
        .await?
        .try_map(|row| Session::read(&row))
    }

    /// Adds a session. `NotFound` when there is no such user.
    pub async fn insert(self, session: &Session) -> Result<()> {
        let row = sessions::Model {
            organization_id: self.scope.organization_uuid(),
            id: session.id.uuid(),
            user_id: session.user.uuid(),
            application_id: session.application.map(ApplicationId::uuid),
            created_at: micros(session.created_at),
            expires_at: micros(session.expires_at),
            ended_at: session.ended_at.map(micros),
            ended_until: session.ended_until.map(micros),
            within: session.within.map(SessionId::uuid),
            scope: Some(session.scope.clone()),
            generation: signed(session.generation),
            rotated_at: session.rotated_at.map(micros),
            last_seen_at: Some(micros(session.last_seen_at)),
            address: Some(session.device.address.clone()),
            agent: Some(session.device.agent.clone()),
            methods: Some(session.methods.join(" ")),
            signed_in_at: Some(micros(session.signed_in_at)),
            resources: Some(session.resources.join(" ")),
            issuer: Some(session.issuer.clone()),
            claims: Some(session.claims.join(" ")),
        };
        sessions::Entity::insert(row.into_active_model())
            .exec_without_returning(self.scope.database())
            .await
            .map_err(|error| StoreError::from_insert(error, "user", &[]))?;
        self.scope
            .record_all(session.ended_fact().map(Change::created));
        self.scope.touch();
        Ok(())
    }

    /// The session of this id and what it stands on, in one question.
    pub async fn standing(self, id: SessionId) -> Result<Option<Standing>> {
        let found = self
            .own()
            .filter(sessions::Column::Id.eq(id.uuid()))
            .find_also_related(users::Entity)
            .find_also_related(applications::Entity)
            .find_also(sessions::Entity, organizations::Entity)
            .one(self.scope.database())
            .await?;
        let Some((session, Some(user), application, Some(organization))) = found else {
            return Ok(None);
        };
        Ok(Some(Standing {
            session: Session::read(&session)?,
            user: User::read(user)?,
            application: application.map(Application::read).transpose()?,
            organization: Organization::read(organization)?,
        }))
    }

    /// Makes the next refresh token the good one, if this generation is the present one. `false`
    /// when it is not, or the session has ended.
    pub async fn rotate(
        self,
        id: SessionId,
        generation: u32,
        now: OffsetDateTime,
        device: &Device,
    ) -> Result<bool> {
        let row = sessions::ActiveModel {
            generation: ActiveValue::Set(signed(generation.saturating_add(1))),
            rotated_at: ActiveValue::Set(Some(micros(now))),
            last_seen_at: ActiveValue::Set(Some(micros(now))),
            address: ActiveValue::Set(Some(device.address.clone())),
            agent: ActiveValue::Set(Some(device.agent.clone())),
            ..Default::default()
        };
        let done = sessions::Entity::update_many()
            .set(row)
            .filter(sessions::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(sessions::Column::Id.eq(id.uuid()))
            .filter(sessions::Column::Generation.eq(signed(generation)))
            .filter(sessions::Column::EndedAt.is_null())
            .exec(self.scope.database())
            .await?;
        if done.rows_affected == 0 {
            return Ok(false);
        }
        self.scope.touch();
        Ok(true)
    }

    /// Ends a session and those within it; their last access tokens expire at `until`. `false`
    /// when there is none such, or it was ended before.
    pub async fn end(
        self,
        id: SessionId,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<bool> {
        let within = self
            .own()
            .filter(sessions::Column::EndedAt.is_null())
            .filter(sessions::Column::Within.eq(id.uuid()));
        for session in self.all(within).await? {
            self.end_one(session.id, now, until).await?;
        }
        self.end_one(id, now, until).await
    }

    async fn end_one(
        self,
        id: SessionId,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<bool> {
        let row = sessions::ActiveModel {
            ended_at: ActiveValue::Set(Some(micros(now))),
            ended_until: ActiveValue::Set(Some(micros(until))),
            ..Default::default()
        };
        let done = sessions::Entity::update_many()
            .set(row)
            .filter(sessions::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(sessions::Column::Id.eq(id.uuid()))
            .filter(sessions::Column::EndedAt.is_null())
            .exec(self.scope.database())
            .await?;
        if done.rows_affected == 0 {
            return Ok(false);
        }
        self.scope.record(Change::created(ended_fact(id, until)));
        Ok(true)
    }

    /// Ends all sessions of a user that were not ended, but for one; answers which, oldest first.
    pub async fn end_all_of_user(
        self,
        user: UserId,
        except: Option<SessionId>,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<Vec<SessionId>> {
        let open = self
            .own()
            .filter(sessions::Column::EndedAt.is_null())
            .filter(sessions::Column::UserId.eq(user.uuid()));
        let mut open = self.all(open).await?;
        open.retain(|session| Some(session.id) != except);
        self.end_each(open, now, until).await
    }

    /// Ends all sessions that people have through an application.
    pub(crate) async fn end_all_through(
        self,
        application: ApplicationId,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<Vec<SessionId>> {
        let open = self
            .own()
            .filter(sessions::Column::EndedAt.is_null())
            .filter(sessions::Column::ApplicationId.eq(application.uuid()));
        let open = self.all(open).await?;
        self.end_each(open, now, until).await
    }

    async fn end_each(
        self,
        sessions: Vec<Session>,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<Vec<SessionId>> {
        let mut ended = Vec::with_capacity(sessions.len());
        for session in sessions {
            if self.end_one(session.id, now, until).await? {
                ended.push(session.id);
            }
        }
        Ok(ended)
    }

    /// Removes all sessions of a user before she goes: whoever is not there needs no ended
    /// sessions.
    pub(crate) async fn forget(self, user: UserId) -> Result<()> {
        let sessions = self
            .all(self.own().filter(sessions::Column::UserId.eq(user.uuid())))
            .await?;
        self.orphan(user).await?;
        sessions::Entity::delete_many()
            .filter(sessions::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(sessions::Column::UserId.eq(user.uuid()))
            .exec(self.scope.database())
            .await?;
        let facts = sessions.iter().filter_map(Session::ended_fact);
        self.scope.record_all(facts.map(Change::removed));
        Ok(())
    }

    /// Removes what can mean nothing any more: ended sessions whose last token expired, and
    /// sessions that expired by themselves more than a day ago.
    pub(crate) async fn prune(self, now: OffsetDateTime) -> Result<u64> {
        let now = micros(now);
        let day = 86_400_000_000;
        let organization = self.scope.organization_uuid();
        let gone = self
            .own()
            .filter(
                sea_orm::Condition::any()
                    .add(sessions::Column::EndedUntil.lte(now))
                    .add(
                        sea_orm::Condition::all()
                            .add(sessions::Column::EndedAt.is_null())
                            .add(sessions::Column::ExpiresAt.lte(now - day)),
                    ),
            )
            .all(self.scope.database())
            .await?;
        for session in &gone {
            sessions::Entity::delete_many()
                .filter(sessions::Column::OrganizationId.eq(organization))
                .filter(sessions::Column::Id.eq(session.id))
                .exec(self.scope.database())
                .await?;
        }
        Ok(u64::try_from(gone.len()).unwrap_or(u64::MAX))
    }
}

fn signed(generation: u32) -> i32 {
    i32::try_from(generation).unwrap_or(i32::MAX)
}
