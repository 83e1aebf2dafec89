//! Who carries an organization's messages: its default, and what an application is linked to.

use gatepost_core::ApplicationId;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, Select};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::entity::{message_provider_links, message_providers};
use crate::error::{Result, StoreError};
use crate::scope::Scope;
use crate::times::{instant, micros};

const NOUN: &str = "message provider";
const TABLE: &str = "message_providers";
const UNIQUE: [(&str, &str); 1] = [("name", "name")];

/// What a message travels by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// E-mail.
    Mail,
    /// Short messages to telephones.
    Sms,
}

impl Channel {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Sms => "sms",
        }
    }

    fn read(text: &str, id: Uuid) -> Result<Self> {
        let found = [Self::Mail, Self::Sms]
            .into_iter()
            .find(|channel| channel.name() == text);
        found.ok_or_else(|| StoreError::Corrupt {
            table: TABLE,
            column: "channel",
            id: id.to_string(),
        })
    }
}

/// Who carries messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageProvider {
    /// Which provider.
    pub id: Uuid,
    /// What it carries.
    pub channel: Channel,
    /// Its name, unique in its organization.
    pub name: String,
    /// Where it is and how it is spoken to, as JSON. No secret is in it.
    pub settings: String,
    /// Its secrets under the master key.
    pub sealed_secrets: Vec<u8>,
    /// Whether it carries what no other one is named for.
    pub is_default: bool,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

impl MessageProvider {
    fn read(row: message_providers::Model) -> Result<Self> {
        Ok(Self {
            id: row.id,
            channel: Channel::read(&row.channel, row.id)?,
            name: row.name,
            settings: row.settings,
            sealed_secrets: row.sealed_secrets,
            is_default: row.is_default,
            created_at: instant(row.created_at, TABLE, &row.id.to_string())?,
        })
    }
}

/// The message providers of the scope's organization.
#[derive(Debug, Clone, Copy)]
pub struct MessageProviders<'a> {
    scope: &'a Scope,
}

impl<'a> MessageProviders<'a> {
    pub(crate) fn new(scope: &'a Scope) -> Self {
        Self { scope }
    }

    fn own(self) -> Select<message_providers::Entity> {
        message_providers::Entity::find()
            .filter(message_providers::Column::OrganizationId.eq(self.scope.organization_uuid()))
    }

    /// Adds a provider; as a default it takes the place of the one before. `Conflict` when another
    /// one has its name.
    pub async fn insert(self, provider: &MessageProvider) -> Result<()> {
        if provider.is_default {
            message_providers::Entity::update_many()
                .col_expr(message_providers::Column::IsDefault, Expr::val(false))
                .filter(
                    message_providers::Column::OrganizationId.eq(self.scope.organization_uuid()),
                )
                .filter(message_providers::Column::Channel.eq(provider.channel.name()))
                .exec(self.scope.database())
                .await?;
        }
        let row = message_providers::Model {
            organization_id: self.scope.organization_uuid(),
            id: provider.id,
            channel: provider.channel.name().to_owned(),
            name: provider.name.clone(),
            settings: provider.settings.clone(),
            sealed_secrets: provider.sealed_secrets.clone(),
            is_default: provider.is_default,
            created_at: micros(provider.created_at),
        };
        message_providers::Entity::insert(row.into_active_model())
            .exec_without_returning(self.scope.database())
            .await
            .map_err(|error| StoreError::from_insert(error, NOUN, &UNIQUE))?;
        self.scope.touch();
        Ok(())
    }

    /// Lets a provider carry the messages of an application, in place of any other of its channel.
    /// `NotFound` when there is no such provider here.
    pub async fn link(self, application: ApplicationId, provider: Uuid) -> Result<()> {
        let row = self
            .own()
            .filter(message_providers::Column::Id.eq(provider))
            .one(self.scope.database())
            .await?
            .ok_or(StoreError::NotFound { noun: NOUN })?;
        let link = message_provider_links::Model {
            organization_id: self.scope.organization_uuid(),
            application_id: application.uuid(),
            channel: row.channel,
            provider_id: provider,
        };
        let replace = OnConflict::columns([
            message_provider_links::Column::OrganizationId,
            message_provider_links::Column::ApplicationId,
            message_provider_links::Column::Channel,
        ])
        .update_column(message_provider_links::Column::ProviderId)
        .to_owned();
        message_provider_links::Entity::insert(link.into_active_model())
            .on_conflict(replace)
            .exec_without_returning(self.scope.database())
            .await?;
        self.scope.touch();
        Ok(())
    }

    /// Who carries messages of this channel: what the application is linked to, else the
    /// organization's default, else nobody.
    pub async fn carrier(
        self,
        channel: Channel,
        application: Option<ApplicationId>,
    ) -> Result<Option<MessageProvider>> {
        let linked = match application {
            Some(application) => self.linked(channel, application).await?,
            None => None,
        };
        let own = self
            .own()
            .filter(message_providers::Column::Channel.eq(channel.name()));
        let chosen = match linked {
            Some(provider) => own.filter(message_providers::Column::Id.eq(provider)),
            None => own.filter(message_providers::Column::IsDefault.eq(true)),
        };
        let row = chosen.one(self.scope.database()).await?;
        row.map(MessageProvider::read).transpose()
    }

    async fn linked(self, channel: Channel, application: ApplicationId) -> Result<Option<Uuid>> {
        let key = (
            self.scope.organization_uuid(),
            application.uuid(),
            channel.name().to_owned(),
        );
        let row = message_provider_links::Entity::find_by_id(key)
            .one(self.scope.database())
            .await?;
        Ok(row.map(|row| row.provider_id))
    }

    /// Forgets what an application is linked to.
    pub(crate) async fn unlink(self, application: ApplicationId) -> Result<()> {
        message_provider_links::Entity::delete_many()
            .filter(
                message_provider_links::Column::OrganizationId.eq(self.scope.organization_uuid()),
            )
            .filter(message_provider_links::Column::ApplicationId.eq(application.uuid()))
            .exec(self.scope.database())
            .await?;
        Ok(())
    }
}
