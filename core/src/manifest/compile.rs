//! What follows from a manifest.

use std::collections::{BTreeMap, BTreeSet};

use super::{Manifest, ManifestRoute};
use crate::fact::{Effect, RolePermission};
use crate::mfa::{self, Demand, DemandingPermission};
use crate::role::ANY;
use crate::route::{Route, RouteError, grpc_path};

/// One thing that a manifest says of a permission.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ManifestLine {
    /// The role that has it; `None` when it is only declared.
    pub role: Option<String>,
    /// The permission.
    pub permission: RolePermission,
}

/// What a new manifest says that the old one did not, and the other way round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManifestDiff {
    /// Only in the new one.
    pub added: BTreeSet<ManifestLine>,
    /// Only in the old one.
    pub removed: BTreeSet<ManifestLine>,
    /// Routes only in the new one.
    pub routes_added: BTreeSet<Route>,
    /// Routes only in the old one.
    pub routes_removed: BTreeSet<Route>,
}

impl ManifestDiff {
    /// Whether both say the same of permissions and routes.
    pub fn is_empty(&self) -> bool {
        let lines = self.added.is_empty() && self.removed.is_empty();
        lines && self.routes_added.is_empty() && self.routes_removed.is_empty()
    }
}

/// Compares the permissions and routes of two manifests.
pub fn diff(old: &Manifest, new: &Manifest) -> ManifestDiff {
    let routes = |manifest: &Manifest| BTreeSet::from_iter(manifest.routes());
    let (old_routes, new_routes) = (routes(old), routes(new));
    let (old, new) = (old.lines(), new.lines());
    ManifestDiff {
        added: new.difference(&old).cloned().collect(),
        removed: old.difference(&new).cloned().collect(),
        routes_added: new_routes.difference(&old_routes).cloned().collect(),
        routes_removed: old_routes.difference(&new_routes).cloned().collect(),
    }
}

impl Manifest {
    /// The content as bytes to hash: the same for manifests that mean the same, whatever their
    /// order, and without the version.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut canonical = self.clone();
        canonical.version.clear();
        sort(&mut canonical.aliases);
        sort(&mut canonical.m2m.needs);
        for permission in &mut canonical.permissions {
            sort(&mut permission.roles);
        }
        for role in &mut canonical.roles {
            sort(&mut role.granted_to);
            sort(&mut role.machines);
        }
        sort(&mut canonical.permissions);
        sort(&mut canonical.roles);
        for route in &mut canonical.routes {
            sort(&mut route.methods);
        }
        sort(&mut canonical.routes);
        // Structs of texts, lists and flags always have a JSON form.
        serde_json::to_vec(&canonical).unwrap_or_default()
    }

    /// Every role, by name, with its permissions, sorted.
    pub fn roles(&self) -> Vec<(String, Vec<RolePermission>)> {
        let mut roles: BTreeMap<&str, BTreeSet<RolePermission>> = self
            .roles
            .iter()
            .map(|role| (role.name.as_str(), BTreeSet::new()))
            .collect();
        for line in self.lines() {
            if let Some(role) = line.role
                && let Some(permissions) = roles.get_mut(role.as_str())
            {
                permissions.insert(line.permission);
            }
        }
        let roles = roles.into_iter();
        roles
            .map(|(name, lines)| (name.to_owned(), lines.into_iter().collect()))
            .collect()
    }

    /// The (resource, action) pairs that it declares, sorted. A wildcard declares nothing.
    pub fn declared(&self) -> Vec<(String, String)> {
        let named = self
            .permissions
            .iter()
            .filter(|line| line.resource != ANY && line.action != ANY);
        let pairs: BTreeSet<(String, String)> = named
            .map(|line| (line.resource.clone(), line.action.clone()))
            .collect();
        pairs.into_iter().collect()
    }

    /// Its permissions that ask for more than being signed in, sorted, each once.
    pub fn demands(&self) -> Vec<DemandingPermission> {
        let mut demands: BTreeMap<(&str, &str), Demand> = BTreeMap::new();
        for line in &self.permissions {
            if line.acr.is_empty() && line.max_age_seconds == 0 {
                continue;
            }
            let demand = Demand {
                strength: mfa::strength(&line.acr).unwrap_or(1),
                max_age_s: line.max_age_seconds,
            };
            let pair = (line.resource.as_str(), line.action.as_str());
            let known = demands.entry(pair).or_insert(demand);
            *known = known.and(demand);
        }
        let demands = demands.into_iter();
        demands
            .map(|((resource, action), demand)| DemandingPermission {
                resource: resource.to_owned(),
                action: action.to_owned(),
                demand,
            })
            .collect()
    }

    /// Its routes, sorted; those that are none are left out.
    pub fn routes(&self) -> Vec<Route> {
        let routes = self.routes.iter();
        let mut routes: Vec<Route> = routes.filter_map(|route| route.read().ok()).collect();
        sort(&mut routes);
        routes
    }

    /// Every built-in group with the roles it is given, both sorted by name.
    pub fn groups(&self) -> BTreeMap<String, Vec<String>> {
        let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for role in &self.roles {
            for granted in &role.granted_to {
                groups
                    .entry(granted.group.clone())
                    .or_default()
                    .push(role.name.clone());
            }
        }
        groups.values_mut().for_each(sort);
        groups
    }

    /// Names of the roles that every user of every organization holds, sorted.
    pub fn everyone_roles(&self) -> Vec<String> {
        self.role_names(|role| role.everyone)
    }

    /// Names of the roles that machines of the product with this slug hold, sorted.
    pub fn machine_roles(&self, slug: &str) -> Vec<String> {
        self.role_names(|role| role.machines.iter().any(|machine| machine == slug))
    }

    fn role_names(&self, which: impl Fn(&super::ManifestRole) -> bool) -> Vec<String> {
        let chosen = self.roles.iter().filter(|role| which(role));
        let mut names: Vec<String> = chosen.map(|role| role.name.clone()).collect();
        sort(&mut names);
        names
    }

    fn lines(&self) -> BTreeSet<ManifestLine> {
        let mut lines = BTreeSet::new();
        for permission in &self.permissions {
            let line = |role: Option<&String>, effect: Effect| ManifestLine {
                role: role.cloned(),
                permission: RolePermission {
                    resource: permission.resource.clone(),
                    action: permission.action.clone(),
                    effect,
                },
            };
            lines.insert(line(None, Effect::Allow));
            lines.extend(
                permission
                    .roles
                    .iter()
                    .map(|role| line(Some(role), permission.effect)),
            );
        }
        lines
    }
}

impl ManifestRoute {
    /// The route that it declares; a gRPC method becomes the request that calls it.
    ///
    /// # Errors
    /// [`RouteError::Form`] and [`RouteError::Grpc`]; whether method and path are any is left to
    /// [`Routes::add`](crate::route::Routes::add).
    pub fn read(&self) -> Result<Route, RouteError> {
        let is_http = !self.methods.is_empty() && !self.path.is_empty();
        let is_grpc = !self.grpc.is_empty();
        if is_http == is_grpc || is_grpc && !(self.methods.is_empty() && self.path.is_empty()) {
            return Err(RouteError::Form);
        }
        let (mut methods, path) = if is_grpc {
            (vec!["POST".to_owned()], grpc_path(&self.grpc)?)
        } else {
            (self.methods.clone(), self.path.clone())
        };
        methods.sort_unstable();
        Ok(Route {
            methods,
            path,
            resource: self.resource.clone(),
            action: self.action.clone(),
        })
    }
}

/// Sorts a list that is a set.
fn sort<T: Ord>(items: &mut Vec<T>) {
    items.sort_unstable();
    items.dedup();
}
