//! Sessions of browsers, and those that begin within them.

use gatepost_core::{ApplicationId, SessionId, UserId};
use sea_orm::{ActiveValue, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use time::OffsetDateTime;

use super::{Device, Session, Sessions};
use crate::applications::Application;
use crate::entity::{applications, sessions};
use crate::error::Result;
use crate::times::micros;

impl Sessions<'_> {
    /// Notes that a session is used, and where. Nothing when it has ended.
    pub async fn seen(self, id: SessionId, now: OffsetDateTime, device: &Device) -> Result<()> {
        let row = sessions::ActiveModel {
            last_seen_at: ActiveValue::Set(Some(micros(now))),
            address: ActiveValue::Set(Some(device.address.clone())),
            agent: ActiveValue::Set(Some(device.agent.clone())),
            ..Default::default()
        };
        sessions::Entity::update_many()
            .set(row)
            .filter(sessions::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(sessions::Column::Id.eq(id.uuid()))
            .filter(sessions::Column::EndedAt.is_null())
            .exec(self.scope.database())
            .await?;
        self.scope.touch();
        Ok(())
    }

    /// The live sessions of a user through an application, oldest first.
    pub async fn through(
        self,
        user: UserId,
        application: ApplicationId,
        now: OffsetDateTime,
    ) -> Result<Vec<Session>> {
        let select = self
            .live(now)
            .filter(sessions::Column::UserId.eq(user.uuid()))
            .filter(sessions::Column::ApplicationId.eq(application.uuid()));
        self.all(select).await
    }

    /// The live sessions of a user, the newest first, and no more than so many.
    pub async fn newest(
        self,
        user: UserId,
        now: OffsetDateTime,
        most: u64,
    ) -> Result<Vec<Session>> {
        let rows = self
            .live(now)
            .filter(sessions::Column::UserId.eq(user.uuid()))
            .order_by_desc(sessions::Column::CreatedAt)
            .order_by_desc(sessions::Column::Id)
            .limit(most)
            .all(self.scope.database())
            .await?;
        rows.iter().map(Session::read).collect()
    }

    /// Ends all sessions of a user but that of one browser and those within it; answers which.
    pub async fn end_elsewhere(
        self,
        user: UserId,
        browser: SessionId,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<Vec<SessionId>> {
        let open = self
            .own()
            .filter(sessions::Column::EndedAt.is_null())
            .filter(sessions::Column::UserId.eq(user.uuid()));
        let mut open = self.all(open).await?;
        open.retain(|session| session.id != browser && session.within != Some(browser));
        self.end_each(open, now, until).await
    }

    /// Those of these sessions that are through an application, with it.
    pub async fn with_applications(self, ids: &[SessionId]) -> Result<Vec<(Session, Application)>> {
        let rows = self
            .own()
            .filter(sessions::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
            .find_also_related(applications::Entity)
            .order_by_asc(sessions::Column::CreatedAt)
            .order_by_asc(sessions::Column::Id)
            .all(self.scope.database())
            .await?;
        let whole = rows.into_iter().filter_map(|(session, application)| {
            let application = application?;
            Some((session, application))
        });
        whole
            .map(|(session, application)| {
                Ok((Session::read(&session)?, Application::read(application)?))
            })
            .collect()
    }

    /// Notes the live sessions of a user who goes, so that their applications can
    /// be told.
    pub(crate) async fn orphan(self, user: UserId) -> Result<()> {
        let open = self
            .own()
            .filter(sessions::Column::EndedAt.is_null())
            .filter(sessions::Column::UserId.eq(user.uuid()))
            .filter(sessions::Column::ApplicationId.is_not_null());
        let ids: Vec<SessionId> = self.all(open).await?.iter().map(|one| one.id).collect();
        let orphaned = self.with_applications(&ids).await?;
        self.scope.pending().orphaned.extend(orphaned);
        Ok(())
    }

    /// Hands what began within one session to another: who signs in again in the same browser
    /// goes on with what she has open there.
    pub async fn hand_over(self, from: SessionId, to: SessionId) -> Result<()> {
        let row = sessions::ActiveModel {
            within: ActiveValue::Set(Some(to.uuid())),
            ..Default::default()
        };
        sessions::Entity::update_many()
            .set(row)
            .filter(sessions::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(sessions::Column::Within.eq(from.uuid()))
            .filter(sessions::Column::EndedAt.is_null())
            .exec(self.scope.database())
            .await?;
        self.scope.touch();
        Ok(())
    }
}
