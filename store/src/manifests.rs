//! What products declare. Manifests belong to the system organization, and all see them.

use gatepost_core::mfa::DemandingPermission;
use gatepost_core::{Change, Fact, RoleId, Route};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::columns;
use crate::entity::{manifests, roles};
use crate::error::{Result, StoreError};
use crate::roles::Role;
use crate::scope::Scope;
use crate::times::{instant, micros};

const NOUN: &str = "manifest";

/// What a product declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The product.
    pub slug: String,
    /// Hash of its content.
    pub hash: String,
    /// Its version, as its author counts.
    pub version: String,
    /// The whole manifest as JSON.
    pub document: String,
    /// Older slugs that mean the same product.
    pub aliases: Vec<String>,
    /// The (resource, action) pairs that it knows.
    pub declared: Vec<(String, String)>,
    /// Names of its roles that every user of every organization holds.
    pub everyone: Vec<String>,
    /// Which of its permissions a request needs.
    pub routes: Vec<Route>,
    /// Its permissions that ask for more than being signed in.
    pub demands: Vec<DemandingPermission>,
    /// When it was published.
    pub published_at: OffsetDateTime,
}

/// What publishing did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The product's roles as they are now, with the ids that they keep.
    pub roles: Vec<Role>,
    /// Roles that the manifest named before and does not any more.
    pub removed: Vec<RoleId>,
}

/// The column that holds what the `Product` fact and [`Manifest`] share.
#[derive(Debug, Serialize, Deserialize)]
struct Product {
    aliases: Vec<String>,
    declared: Vec<(String, String)>,
    everyone: Vec<String>,
    everyone_ids: Vec<RoleId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    routes: Vec<Route>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    demands: Vec<DemandingPermission>,
}

impl Product {
    fn read(text: &str, slug: &str) -> Result<Self> {
        columns::from_json(text, "manifests", "product", slug)
    }

    fn fact(self, slug: String) -> Fact {
        Fact::Product {
            slug,
            aliases: self.aliases,
            declared: self.declared,
            everyone: self.everyone_ids,
            routes: self.routes,
            demands: self.demands,
        }
    }
}

/// The `Product` fact of a row.
pub(crate) fn fact_of((slug, product): (String, String)) -> Result<Fact> {
    Ok(Product::read(&product, &slug)?.fact(slug))
}

impl Manifest {
    fn read(row: manifests::Model) -> Result<Self> {
        let product = Product::read(&row.product, &row.slug)?;
        Ok(Self {
            published_at: instant(row.published_at, "manifests", &row.slug)?,
            slug: row.slug,
            hash: row.hash,
            version: row.version,
            document: row.document,
            aliases: product.aliases,
            declared: product.declared,
            everyone: product.everyone,
            routes: product.routes,
            demands: product.demands,
        })
    }
}

/// The manifests of the installation.
#[derive(Debug, Clone, Copy)]
pub struct Manifests<'a> {
    scope: &'a Scope,
}

impl<'a> Manifests<'a> {
    pub(crate) fn new(scope: &'a Scope) -> Self {
        Self { scope }
    }

    /// The manifest of this product, if there is one.
    pub async fn get(self, slug: &str) -> Result<Option<Manifest>> {
        let row = manifests::Entity::find_by_id(slug)
            .one(self.scope.database())
            .await?;
        row.map(Manifest::read).transpose()
    }

    /// All manifests, by slug.
    pub async fn list(self) -> Result<Vec<Manifest>> {
        let rows = manifests::Entity::find()
            .order_by_asc(manifests::Column::Slug)
            .all(self.scope.database())
            .await?;
        rows.into_iter().map(Manifest::read).collect()
    }

    /// Puts a product's manifest and exactly these roles in force. A role whose name is there
    /// keeps its id and its `created_at`; the given ones are for new names. Nothing happens when
    /// nothing differs.
    ///
    /// `Outside` when this is not the system organization; `Conflict` when a role's name belongs
    /// to another product; `NotFound` when `everyone` names a role that is not given.
    pub async fn publish(self, manifest: &Manifest, given: &[Role]) -> Result<Published> {
        self.scope.require_system(NOUN)?;
        let published = self.replace_roles(&manifest.slug, given).await?;
        let everyone_ids = manifest
            .everyone
            .iter()
            .map(|name| {
                let role = published.roles.iter().find(|role| role.name == *name);
                role.map(|role| role.id)
                    .ok_or(StoreError::NotFound { noun: "role" })
            })
            .collect::<Result<Vec<RoleId>>>()?;
        let product = Product {
            aliases: manifest.aliases.clone(),
            declared: manifest.declared.clone(),
            everyone: manifest.everyone.clone(),
            everyone_ids,
            routes: manifest.routes.clone(),
            demands: manifest.demands.clone(),
        };
        let row = manifests::Model {
            slug: manifest.slug.clone(),
            organization_id: self.scope.organization_uuid(),
            hash: manifest.hash.clone(),
            version: manifest.version.clone(),
            document: manifest.document.clone(),
            product: columns::to_json(&product)?,
            published_at: micros(manifest.published_at),
        };
        self.replace_row(row).await?;
        Ok(published)
    }

    async fn replace_row(self, row: manifests::Model) -> Result<()> {
        let database = self.scope.database();
        let before = manifests::Entity::find_by_id(row.slug.as_str())
            .one(database)
            .await?;
        let same = |before: &manifests::Model| {
            *before
                == manifests::Model {
                    published_at: before.published_at,
                    ..row.clone()
                }
        };
        if before.as_ref().is_some_and(same) {
            return Ok(());
        }
        let after = fact_of((row.slug.clone(), row.product.clone()))?;
        let change = match before {
            Some(before) => {
                manifests::Entity::delete_by_id(before.slug.as_str())
                    .exec(database)
                    .await?;
                Change::updated(fact_of((before.slug, before.product))?, after)
            }
            None => Change::created(after),
        };
        manifests::Entity::insert(row.into_active_model())
            .exec_without_returning(database)
            .await?;
        self.scope.record(change);
        // Another version of the same declaration is no fact, and yet a change.
        self.scope.touch();
        Ok(())
    }

    async fn replace_roles(self, slug: &str, given: &[Role]) -> Result<Published> {
        let rows = roles::Entity::find()
            .filter(roles::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(roles::Column::BuiltIn.eq(true))
            .filter(roles::Column::Product.eq(slug))
            .all(self.scope.database())
            .await?;
        let mut old = rows
            .into_iter()
            .map(Role::read)
            .collect::<Result<Vec<Role>>>()?;
        let mut kept = Vec::with_capacity(given.len());
        for role in given {
            let mut role = Role {
                built_in: true,
                product: slug.to_owned(),
                ..role.clone()
            };
            match old.iter().position(|old| old.name_key == role.name_key) {
                Some(place) => {
                    let before = old.swap_remove(place);
                    role.id = before.id;
                    role.created_at = before.created_at;
                    if role != before {
                        self.scope.roles().update_row(&before, &role).await?;
                    }
                }
                None => self.scope.roles().insert_row(&role).await?,
            }
            kept.push(role);
        }
        let removed = old.iter().map(|role| role.id).collect();
        for role in &old {
            self.scope.roles().delete_row(role).await?;
        }
        Ok(Published {
            roles: kept,
            removed,
        })
    }
}
