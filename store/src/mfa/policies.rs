//! Who needs a second factor: an organization, and groups of it.

use std::collections::BTreeSet;

use gatepost_core::mfa::{Method, Mode, Policy};
use gatepost_core::{GroupId, UserId};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::{Mfa, method};
use crate::entity::mfa_policies;
use crate::error::{Result, StoreError};

const TABLE: &str = "mfa_policies";

impl Mfa<'_> {
    /// The policies that were set: the organization's own first, if it has one, then its groups'.
    pub async fn policies(self) -> Result<Vec<(Option<GroupId>, Policy)>> {
        let rows = mfa_policies::Entity::find()
            .filter(mfa_policies::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .order_by_asc(mfa_policies::Column::GroupId)
            .all(self.scope.database())
            .await?;
        rows.iter().map(read).collect()
    }

    /// The policy for a user: that of the organization, made stricter by those of her groups and
    /// of all groups that hold these.
    pub async fn policy_for(self, user: UserId) -> Result<Policy> {
        let mut policies = self.policies().await?;
        let own = policies.iter().position(|(group, _)| group.is_none());
        let own = own.map(|at| policies.swap_remove(at).1).unwrap_or_default();
        if policies.is_empty() {
            return Ok(own);
        }
        let groups = self.groups_of(user).await?;
        policies.retain(|(group, _)| group.is_some_and(|group| groups.contains(&group)));
        policies.sort_by_key(|(group, _)| *group);
        Ok(policies
            .iter()
            .fold(own, |strict, (_, policy)| strict.and(policy)))
    }

    async fn groups_of(self, user: UserId) -> Result<BTreeSet<GroupId>> {
        let direct = self.scope.groups().of_user(user).await?;
        let mut groups: BTreeSet<GroupId> = direct.iter().map(|group| group.id).collect();
        let edges = self.scope.groups().edges().await?;
        loop {
            let above: Vec<GroupId> = edges
                .iter()
                .filter(|(parent, child)| groups.contains(child) && !groups.contains(parent))
                .map(|(parent, _)| *parent)
                .collect();
            if above.is_empty() {
                return Ok(groups);
            }
            groups.extend(above);
        }
    }

    /// Sets the policy of a group, or of the organization; `None` takes it away.
    pub async fn set_policy(self, group: Option<GroupId>, policy: Option<&Policy>) -> Result<()> {
        let group_id = group.map(GroupId::uuid).unwrap_or_default();
        mfa_policies::Entity::delete_many()
            .filter(mfa_policies::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(mfa_policies::Column::GroupId.eq(group_id))
            .exec(self.scope.database())
            .await?;
        if let Some(policy) = policy {
            let methods: Vec<&str> = policy.methods.iter().map(|one| one.name()).collect();
            let row = mfa_policies::Model {
                organization_id: self.scope.organization_uuid(),
                group_id,
                mode: policy.mode.name().to_owned(),
                methods: methods.join(" "),
            };
            mfa_policies::Entity::insert(row.into_active_model())
                .exec_without_returning(self.scope.database())
                .await?;
        }
        self.scope.touch();
        Ok(())
    }
}

fn read(row: &mfa_policies::Model) -> Result<(Option<GroupId>, Policy)> {
    let id = row.group_id.to_string();
    let mode = Mode::parse(&row.mode).ok_or_else(|| StoreError::Corrupt {
        table: TABLE,
        column: "mode",
        id: id.clone(),
    })?;
    let methods: Result<Vec<Method>> = row
        .methods
        .split_whitespace()
        .map(|text| method(text, TABLE, &id))
        .collect();
    let group = (row.group_id != Uuid::nil()).then(|| GroupId::new(row.group_id));
    let methods = methods?;
    Ok((group, Policy { mode, methods }))
}
