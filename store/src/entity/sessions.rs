//! Signed-in devices, live and ended.

use sea_orm::entity::prelude::*;

use super::{applications, organizations, users};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: Uuid,
    pub application_id: Option<Uuid>,
    pub created_at: i64,
    pub expires_at: i64,
    pub ended_at: Option<i64>,
    pub ended_until: Option<i64>,
    pub within: Option<Uuid>,
    pub scope: Option<String>,
    pub generation: i32,
    pub rotated_at: Option<i64>,
    pub last_seen_at: Option<i64>,
    pub address: Option<String>,
    pub agent: Option<String>,
    pub methods: Option<String>,
    pub signed_in_at: Option<i64>,
    pub resources: Option<String>,
    pub claims: Option<String>,
    pub issuer: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl Related<users::Entity> for Entity {
    fn to() -> RelationDef {
        Self::belongs_to(users::Entity)
            .from((Column::OrganizationId, Column::UserId))
            .to((users::Column::OrganizationId, users::Column::Id))
            .into()
    }
}

impl Related<applications::Entity> for Entity {
    fn to() -> RelationDef {
        let theirs = (
            applications::Column::OrganizationId,
            applications::Column::Id,
        );
        Self::belongs_to(applications::Entity)
            .from((Column::OrganizationId, Column::ApplicationId))
            .to(theirs)
            .into()
    }
}

impl Related<organizations::Entity> for Entity {
    fn to() -> RelationDef {
        Self::belongs_to(organizations::Entity)
            .from(Column::OrganizationId)
            .to(organizations::Column::Id)
            .into()
    }
}

impl ActiveModelBehavior for ActiveModel {}
