//! Machine clients and their secrets.

use gatepost_core::{
    Algorithm, ApplicationId, Change, CredentialId, Fact, GrantSubject, SessionId, Status,
};
use sea_orm::{
    ActiveValue, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Select,
};
use time::OffsetDateTime;

use crate::client_settings::ClientSettings;
use crate::columns;
use crate::entity::{applications, credentials};
use crate::error::{Result, StoreError};
use crate::list::{self, Cursor, Page, Sorting, Walk};
use crate::scope::Scope;
use crate::sign_in::is_text;
use crate::times::{instant, micros};

const NOUN: &str = "application";
const UNIQUE: [(&str, &str); 2] = [("name_key", "name"), ("client_id", "client_id")];

/// A machine client of one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Which application.
    pub id: ApplicationId,
    /// The name as it was written.
    pub name: String,
    /// The name as it is compared: unique in the organization.
    pub name_key: String,
    /// What it is for; may be empty.
    pub description: String,
    /// What it calls itself at the token endpoint: unique in the installation.
    pub client_id: String,
    /// What its tokens are signed with.
    pub token_algorithm: Algorithm,
    /// Whether it may be used.
    pub status: Status,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// What is set of it as a client of OAuth.
    pub settings: ClientSettings,
}

impl Application {
    fn fact(&self) -> Fact {
        Fact::Application {
            id: self.id,
            name: self.name.clone(),
            client_id: self.client_id.clone(),
            status: self.status,
        }
    }

    pub(crate) fn read(row: applications::Model) -> Result<Self> {
        let id = row.id.to_string();
        let (table, column) = ("applications", "token_algorithm");
        Ok(Self {
            id: ApplicationId::new(row.id),
            token_algorithm: columns::algorithm(&row.token_algorithm, table, column, &id)?,
            status: columns::status(&row.status, table, row.id)?,
            created_at: instant(row.created_at, table, &id)?,
            settings: read_settings(row.settings.as_deref(), &id)?,
            name: row.name,
            name_key: row.name_key,
            description: row.description,
            client_id: row.client_id,
        })
    }
}

fn read_settings(text: Option<&str>, id: &str) -> Result<ClientSettings> {
    let read = |text| columns::from_json(text, "applications", "settings", id);
    text.map_or_else(|| Ok(ClientSettings::default()), read)
}

/// Nothing is written of an application of which nothing was set.
fn written_settings(settings: &ClientSettings) -> Result<Option<String>> {
    if *settings == ClientSettings::default() {
        return Ok(None);
    }
    columns::to_json(settings).map(Some)
}

/// One secret of an application, or a public key whose private half it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Which credential: the session of its tokens.
    pub id: CredentialId,
    /// Whose it is.
    pub application: ApplicationId,
    /// What it proves itself with.
    pub proof: Proof,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

/// What an application proves itself with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The keyed hash of a secret.
    Secret(Vec<u8>),
    /// A public key, as JWK JSON.
    PublicKey(String),
}

impl Credential {
    fn fact(&self) -> Fact {
        Fact::Credential {
            id: self.id,
            application: self.application,
        }
    }

    pub(crate) fn read(row: credentials::Model) -> Result<Self> {
        Ok(Self {
            id: CredentialId::new(row.id),
            application: ApplicationId::new(row.application_id),
            created_at: instant(row.created_at, "credentials", &row.id.to_string())?,
            proof: match row.public_key {
                Some(jwk) => Proof::PublicKey(jwk),
                None => Proof::Secret(row.secret_hash),
            },
        })
    }
}

/// Which applications; what is absent does not narrow.
#[derive(Debug, Clone, Default)]
pub struct ApplicationFilter {
    /// With this status.
    pub status: Option<Status>,
}

/// The applications of one organization.
#[derive(Debug, Clone, Copy)]
pub struct Applications<'a> {
    scope: &'a Scope,
}

impl<'a> Applications<'a> {
    pub(crate) fn new(scope: &'a Scope) -> Self {
        Self { scope }
    }

    fn own(self) -> Select<applications::Entity> {
        applications::Entity::find()
            .filter(applications::Column::OrganizationId.eq(self.scope.organization_uuid()))
    }

    async fn one(self, select: Select<applications::Entity>) -> Result<Option<Application>> {
        select
            .one(self.scope.database())
            .await?
            .map(Application::read)
            .transpose()
    }

    /// The application of this id, if there is one.
    pub async fn get(self, id: ApplicationId) -> Result<Option<Application>> {
        self.one(self.own().filter(applications::Column::Id.eq(id.uuid())))
            .await
    }

    /// The application of this name, if there is one.
    pub async fn by_name(self, key: &str) -> Result<Option<Application>> {
        self.one(self.own().filter(applications::Column::NameKey.eq(key)))
            .await
    }

    /// The application of this client id, if there is one.
    pub async fn by_client_id(self, client_id: &str) -> Result<Option<Application>> {
        if !is_text(client_id) {
            return Ok(None);
        }
        self.one(
            self.own()
                .filter(applications::Column::ClientId.eq(client_id)),
        )
        .await
    }

    /// Applications, oldest first.
    pub async fn list(self, filter: &ApplicationFilter, walk: Walk) -> Result<Page<Application>> {
        let mut select = self.own();
        if let Some(status) = filter.status {
            select = select.filter(applications::Column::Status.eq(columns::status_text(status)));
        }
        let sorting = Sorting {
            at: applications::Column::CreatedAt,
            id: applications::Column::Id,
            descending: false,
        };
        list::walk(self.scope, select, sorting, walk, |row| Cursor {
            at: row.created_at,
            id: row.id,
        })
        .await?
        .try_map(Application::read)
    }

    /// Adds an application without a secret. `Conflict` when name or client id is taken.
    pub async fn insert(self, application: &Application) -> Result<()> {
        let row = applications::Model {
            organization_id: self.scope.organization_uuid(),
            id: application.id.uuid(),
            name: application.name.clone(),
            name_key: application.name_key.clone(),
            description: application.description.clone(),
            client_id: application.client_id.clone(),
            token_algorithm: application.token_algorithm.name().to_owned(),
            status: columns::status_text(application.status),
            created_at: micros(application.created_at),
            settings: written_settings(&application.settings)?,
        };
        applications::Entity::insert(row.into_active_model())
            .exec_without_returning(self.scope.database())
            .await
            .map_err(|error| StoreError::from_insert(error, NOUN, &UNIQUE))?;
        self.scope.record(Change::created(application.fact()));
        Ok(())
    }

    /// Replaces name, description, algorithm, status and settings; nothing when nothing differs.
    /// `NotFound` when there is no such application, `Conflict` when the name is taken.
    pub async fn update(self, application: &Application) -> Result<()> {
        let before = self
            .get(application.id)
            .await?
            .ok_or(StoreError::NotFound { noun: NOUN })?;
        let same = Application {
            created_at: application.created_at,
            ..before.clone()
        };
        if same == *application {
            return Ok(());
        }
        let row = applications::ActiveModel {
            name: ActiveValue::Set(application.name.clone()),
            name_key: ActiveValue::Set(application.name_key.clone()),
            description: ActiveValue::Set(application.description.clone()),
            token_algorithm: ActiveValue::Set(application.token_algorithm.name().to_owned()),
            status: ActiveValue::Set(columns::status_text(application.status)),
            settings: ActiveValue::Set(written_settings(&application.settings)?),
            ..Default::default()
        };
        applications::Entity::update_many()
            .set(row)
            .filter(applications::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(applications::Column::Id.eq(application.id.uuid()))
            .exec(self.scope.database())
            .await
            .map_err(|error| StoreError::from_insert(error, NOUN, &UNIQUE))?;
        let after = Application {
            client_id: before.client_id.clone(),
            ..application.clone()
        };
        self.scope
            .record(Change::updated(before.fact(), after.fact()));
        self.scope.touch();
        Ok(())
    }

    /// Removes an application with its credentials and grants, and ends the sessions that people
    /// have through it; their last access tokens expire at `until`. Answers those sessions.
    /// `NotFound` when there is no such application.
    pub async fn delete(
        self,
        id: ApplicationId,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<Vec<SessionId>> {
        let application = self
            .get(id)
            .await?
            .ok_or(StoreError::NotFound { noun: NOUN })?;
        let ended = self
            .scope
            .sessions()
            .end_all_through(id, now, until)
            .await?;
        for credential in self.credentials(id).await? {
            self.remove_credential(id, credential.id).await?;
        }
        self.scope
            .grants()
            .forget(GrantSubject::Application(id))
            .await?;
        self.scope.message_providers().unlink(id).await?;
        applications::Entity::delete_many()
            .filter(applications::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(applications::Column::Id.eq(id.uuid()))
            .exec(self.scope.database())
            .await?;
        self.scope.record(Change::removed(application.fact()));
        Ok(ended)
    }

    /// The secrets of an application, oldest first.
    pub async fn credentials(self, application: ApplicationId) -> Result<Vec<Credential>> {
        let rows = credentials::Entity::find()
            .filter(credentials::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(credentials::Column::ApplicationId.eq(application.uuid()))
            .order_by_asc(credentials::Column::CreatedAt)
            .order_by_asc(credentials::Column::Id)
            .all(self.scope.database())
            .await?;
        rows.into_iter().map(Credential::read).collect()
    }

    /// Adds a secret. `NotFound` when there is no such application.
    pub async fn add_credential(self, credential: &Credential) -> Result<()> {
        let (secret_hash, public_key) = match &credential.proof {
            Proof::Secret(hash) => (hash.clone(), None),
            // No secret has an empty hash.
            Proof::PublicKey(jwk) => (Vec::new(), Some(jwk.clone())),
        };
        let row = credentials::Model {
            organization_id: self.scope.organization_uuid(),
            id: credential.id.uuid(),
            application_id: credential.application.uuid(),
            secret_hash,
            public_key,
            created_at: micros(credential.created_at),
        };
        credentials::Entity::insert(row.into_active_model())
            .exec_without_returning(self.scope.database())
            .await
            .map_err(|error| StoreError::from_insert(error, NOUN, &[]))?;
        self.scope.record(Change::created(credential.fact()));
        Ok(())
    }

    /// Removes a secret, and with it its tokens. `NotFound` when the application has none such.
    pub async fn remove_credential(
        self,
        application: ApplicationId,
        id: CredentialId,
    ) -> Result<()> {
        let done = credentials::Entity::delete_many()
            .filter(credentials::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(credentials::Column::ApplicationId.eq(application.uuid()))
            .filter(credentials::Column::Id.eq(id.uuid()))
            .exec(self.scope.database())
            .await?;
        if done.rows_affected == 0 {
            return Err(StoreError::NotFound { noun: "credential" });
        }
        self.scope
            .record(Change::removed(Fact::Credential { id, application }));
        Ok(())
    }
}
