//! Keys that sign tokens; the private part is sealed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub kid: String,
    pub organization_id: Uuid,
    pub algorithm: String,
    pub jwk: String,
    pub sealed_private: Vec<u8>,
    pub created_at: i64,
    pub signs_from: Option<i64>,
    pub retired_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
