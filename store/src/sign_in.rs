//! The sign-in door: looks up across organizations who somebody is, and nothing else.

use gatepost_core::{OrganizationId, UserId};
use sea_orm::sea_query::Query;
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::applications::{Application, Credential};
use crate::dialect;
use crate::entity::{applications, credentials, organizations, passkeys, users};
use crate::error::{Result, StoreError};
use crate::organizations::Organization;
use crate::users::User;

/// A read transaction across organizations. It sees users, applications, credentials, passkeys
/// and organizations; row-level security lets it write none of them.
#[derive(Debug)]
pub struct SignIn {
    transaction: DatabaseTransaction,
}

/// Whether anything that is kept can have this name. What strangers type may hold a zero character,
/// which no database keeps, and not each of them may be asked for.
pub(crate) fn is_text(name: &str) -> bool {
    !name.contains('\0')
}

impl SignIn {
    pub(crate) fn new(transaction: DatabaseTransaction) -> Self {
        Self { transaction }
    }

    /// The users of this name, whatever their organization; the oldest organization's first.
    pub async fn users_by_username(&self, key: &str) -> Result<Vec<(Organization, User)>> {
        if !is_text(key) {
            return Ok(Vec::new());
        }
        self.users(
            Condition::all().add(users::Column::UsernameKey.eq(key)),
            None,
        )
        .await
    }

    /// The user of this name in the oldest organization that has it.
    pub async fn oldest_of_username(&self, key: &str) -> Result<Option<(Organization, User)>> {
        if !is_text(key) {
            return Ok(None);
        }
        // A name that thousands of organizations have must not cost a stranger's try so many rows.
        let found = self
            .users(
                Condition::all().add(users::Column::UsernameKey.eq(key)),
                Some(1),
            )
            .await?;
        Ok(found.into_iter().next())
    }

    /// The users who proved that this address is theirs; the oldest organization's first.
    pub async fn users_by_email(&self, key: &str) -> Result<Vec<(Organization, User)>> {
        if !is_text(key) {
            return Ok(Vec::new());
        }
        let proved = Condition::all()
            .add(users::Column::EmailKey.eq(key))
            .add(users::Column::EmailVerified.eq(true));
        self.users(proved, None).await
    }

    /// The users that are asked for, of that many of their organizations, the oldest first.
    async fn users(
        &self,
        which: Condition,
        organizations_max: Option<u64>,
    ) -> Result<Vec<(Organization, User)>> {
        let theirs = Query::select()
            .column(users::Column::OrganizationId)
            .from(users::Entity)
            .cond_where(which.clone())
            .take();
        let found = organizations::Entity::find()
            .filter(organizations::Column::Id.in_subquery(theirs))
            .order_by_asc(organizations::Column::CreatedAt)
            .order_by_asc(organizations::Column::Id)
            .limit(organizations_max)
            .all(&self.transaction)
            .await?;
        let mut users = users::Entity::find()
            .filter(which)
            .filter(users::Column::OrganizationId.is_in(found.iter().map(|one| one.id)))
            .all(&self.transaction)
            .await?;
        let mut pairs = Vec::with_capacity(users.len());
        for organization in found {
            let place = users
                .iter()
                .position(|user| user.organization_id == organization.id);
            if let Some(place) = place {
                let user = User::read(users.swap_remove(place))?;
                pairs.push((Organization::read(organization)?, user));
            }
        }
        Ok(pairs)
    }

    /// The user of this name in one organization, else of this address, proved or not.
    pub async fn user_in(&self, organization: OrganizationId, key: &str) -> Result<Option<User>> {
        if !is_text(key) {
            return Ok(None);
        }
        let rows = users::Entity::find()
            .filter(users::Column::OrganizationId.eq(organization.uuid()))
            .filter(
                Condition::any()
                    .add(users::Column::UsernameKey.eq(key))
                    .add(users::Column::EmailKey.eq(key)),
            )
            .all(&self.transaction)
            .await?;
        // Somebody's username may be another one's address: the name wins.
        let named = rows
            .iter()
            .position(|row| row.username_key == key)
            .unwrap_or(0);
        rows.into_iter().nth(named).map(User::read).transpose()
    }

    /// Whose passkeys are of this credential: of one in each organization at the most.
    pub async fn passkey_owners(
        &self,
        credential_hash: &[u8],
    ) -> Result<Vec<(OrganizationId, UserId)>> {
        let rows = passkeys::Entity::find()
            .filter(passkeys::Column::CredentialHash.eq(credential_hash))
            .all(&self.transaction)
            .await?;
        let owner = |row: passkeys::Model| {
            (
                OrganizationId::new(row.organization_id),
                UserId::new(row.user_id),
            )
        };
        Ok(rows.into_iter().map(owner).collect())
    }

    /// What the checks of an organization's password hashes cost: each cost once, in its own words.
    pub async fn password_works(&self, organization: OrganizationId) -> Result<Vec<String>> {
        dialect::password_works(&self.transaction, organization.uuid()).await
    }

    /// The application of this client id, its organization and its secrets, newest first.
    pub async fn application_by_client_id(
        &self,
        client_id: &str,
    ) -> Result<Option<(Organization, Application, Vec<Credential>)>> {
        if !is_text(client_id) {
            return Ok(None);
        }
        let row = applications::Entity::find()
            .filter(applications::Column::ClientId.eq(client_id))
            .one(&self.transaction)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let secrets = credentials::Entity::find()
            .filter(credentials::Column::OrganizationId.eq(row.organization_id))
            .filter(credentials::Column::ApplicationId.eq(row.id))
            .order_by_desc(credentials::Column::CreatedAt)
            .order_by_desc(credentials::Column::Id)
            .all(&self.transaction)
            .await?;
        let organization = self
            .organization(OrganizationId::new(row.organization_id))
            .await?
            .ok_or(StoreError::NotFound {
                noun: "organization",
            })?;
        let secrets = secrets
            .into_iter()
            .map(Credential::read)
            .collect::<Result<_>>()?;
        Ok(Some((organization, Application::read(row)?, secrets)))
    }

    /// The organization of this slug, if there is one.
    pub async fn organization_by_slug(&self, slug: &str) -> Result<Option<Organization>> {
        if !is_text(slug) {
            return Ok(None);
        }
        let row = organizations::Entity::find()
            .filter(organizations::Column::Slug.eq(slug))
            .one(&self.transaction)
            .await?;
        row.map(Organization::read).transpose()
    }

    /// The organization of this id, if there is one.
    pub async fn organization(&self, id: OrganizationId) -> Result<Option<Organization>> {
        let row = organizations::Entity::find_by_id(id.uuid())
            .one(&self.transaction)
            .await?;
        row.map(Organization::read).transpose()
    }
}
