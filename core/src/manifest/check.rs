//! Whether a manifest makes sense.

use std::collections::BTreeSet;

use super::{Manifest, ManifestPermission, ManifestRole};
use crate::limits::{
    MANIFEST_ALIASES_MAX, MANIFEST_GRANTS_MAX, MANIFEST_PERMISSIONS_MAX, MANIFEST_ROLES_MAX,
    MANIFEST_ROUTES_MAX, ROUTE_METHODS_MAX,
};
use crate::mfa;
use crate::name::{GroupName, NameError, RoleName, Slug, check_part, check_pattern};
use crate::role::ANY;
use crate::route::{RouteError, Routes};
use crate::{PRODUCT_GATEPOST, PRODUCT_SYSTEM};

/// Something wrong in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ManifestError {
    /// Where, as in `permissions[3].action`.
    pub path: String,
    /// What.
    pub problem: ManifestProblem,
}

/// What can be wrong in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestProblem {
    /// Not a name, slug or pattern.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The same thing twice.
    #[error("is there twice")]
    Duplicate,
    /// A name that only Gatepost's own products have.
    #[error("is a name of Gatepost itself")]
    Reserved,
    /// A permission of a role that the manifest does not have.
    #[error("names a role that is not in `roles`")]
    UnknownRole,
    /// Not a route, or a second one for the same requests.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// A route to a permission that the manifest does not have.
    #[error("names a permission that is not in `permissions`")]
    UnknownPermission,
    /// Neither of the two that there are.
    #[error("is none of Gatepost's: see docs/mfa.md")]
    Acr,
    /// A demand on whatever a wildcard stands for.
    #[error("must be spelt out where `acr` or `maxAgeSeconds` is given")]
    Wildcard,
    /// More than may be.
    #[error("must be at most {max}")]
    TooMany {
        /// How many may be.
        max: usize,
    },
}

/// Most errors told at once: enough to mend a file, and a bound on the answer.
const ERRORS_MAX: usize = 20;

impl Manifest {
    /// Checks names, references, duplicates and sizes. Tells the first errors, 20 at most.
    pub fn validate(&self) -> Result<(), Vec<ManifestError>> {
        let mut errors = Errors(Vec::new());
        errors.size(
            "permissions",
            self.permissions.len(),
            MANIFEST_PERMISSIONS_MAX,
        );
        errors.size("roles", self.roles.len(), MANIFEST_ROLES_MAX);
        errors.size("routes", self.routes.len(), MANIFEST_ROUTES_MAX);
        // What is far too large is not looked at any closer.
        if errors.0.is_empty() {
            errors.name("service", &Slug::parse(&self.service));
            self.check_slugs(&mut errors);
            self.check_roles(&mut errors);
            self.check_permissions(&mut errors);
            self.check_routes(&mut errors);
        }
        if errors.0.is_empty() {
            Ok(())
        } else {
            Err(errors.0)
        }
    }

    fn check_slugs(&self, errors: &mut Errors) {
        errors.slugs("aliases", &self.aliases, MANIFEST_ALIASES_MAX);
        for (index, alias) in self.aliases.iter().enumerate() {
            if *alias == self.service {
                errors.push(format!("aliases[{index}]"), ManifestProblem::Duplicate);
            } else if [PRODUCT_GATEPOST, PRODUCT_SYSTEM].contains(&alias.as_str()) {
                errors.push(format!("aliases[{index}]"), ManifestProblem::Reserved);
            }
        }
        errors.slugs("m2m.needs", &self.m2m.needs, MANIFEST_GRANTS_MAX);
    }

    fn check_roles(&self, errors: &mut Errors) {
        let mut names = BTreeSet::new();
        for (index, role) in self.roles.iter().enumerate() {
            let path = format!("roles[{index}]");
            match RoleName::parse(&role.name) {
                Ok(name) if !names.insert(name.key()) => {
                    errors.push(format!("{path}.name"), ManifestProblem::Duplicate);
                }
                name => errors.name(&format!("{path}.name"), &name),
            }
            check_role(&path, role, errors);
        }
    }

    fn check_permissions(&self, errors: &mut Errors) {
        let roles: BTreeSet<&str> = self.roles.iter().map(|role| role.name.as_str()).collect();
        let mut seen = BTreeSet::new();
        for (index, permission) in self.permissions.iter().enumerate() {
            let path = format!("permissions[{index}]");
            if !seen.insert((&permission.resource, &permission.action, permission.effect)) {
                errors.push(path.clone(), ManifestProblem::Duplicate);
            }
            check_permission(&path, permission, &roles, errors);
        }
    }
}

impl Manifest {
    /// A route needs a permission that is spelt out in `permissions`: what nobody declares is a
    /// typing error, and would refuse everybody.
    fn check_routes(&self, errors: &mut Errors) {
        let permissions = self.permissions.iter();
        let pairs = permissions.map(|line| (line.resource.as_str(), line.action.as_str()));
        let declared: BTreeSet<(&str, &str)> = pairs.collect();
        let mut routes = Routes::default();
        for (index, route) in self.routes.iter().enumerate() {
            let path = format!("routes[{index}]");
            errors.name(&format!("{path}.resource"), &check_part(&route.resource));
            errors.name(&format!("{path}.action"), &check_part(&route.action));
            if !declared.contains(&(route.resource.as_str(), route.action.as_str())) {
                errors.push(path.clone(), ManifestProblem::UnknownPermission);
            }
            if route.methods.len() > ROUTE_METHODS_MAX {
                errors.size(&path, route.methods.len(), ROUTE_METHODS_MAX);
            } else if let Err(error) = route.read().and_then(|route| routes.add(&route)) {
                errors.push(path, error.into());
            }
        }
    }
}

fn check_role(path: &str, role: &ManifestRole, errors: &mut Errors) {
    errors.slugs(
        &format!("{path}.machines"),
        &role.machines,
        MANIFEST_GRANTS_MAX,
    );
    errors.size(
        &format!("{path}.grantedTo"),
        role.granted_to.len(),
        MANIFEST_GRANTS_MAX,
    );
    let mut groups = BTreeSet::new();
    for (index, granted) in role.granted_to.iter().enumerate() {
        let path = format!("{path}.grantedTo[{index}].group");
        match GroupName::parse(&granted.group) {
            Ok(group) if !groups.insert(group.key()) => {
                errors.push(path, ManifestProblem::Duplicate);
            }
            group => errors.name(&path, &group),
        }
    }
}

fn check_permission(
    path: &str,
    permission: &ManifestPermission,
    declared: &BTreeSet<&str>,
    errors: &mut Errors,
) {
    errors.name(
        &format!("{path}.resource"),
        &check_pattern(&permission.resource),
    );
    errors.name(
        &format!("{path}.action"),
        &check_pattern(&permission.action),
    );
    errors.size(
        &format!("{path}.roles"),
        permission.roles.len(),
        MANIFEST_ROLES_MAX,
    );
    if !permission.acr.is_empty() && mfa::strength(&permission.acr).is_none() {
        errors.push(format!("{path}.acr"), ManifestProblem::Acr);
    }
    let demands = !permission.acr.is_empty() || permission.max_age_seconds > 0;
    if demands && [&permission.resource, &permission.action].contains(&&ANY.to_owned()) {
        errors.push(path.to_owned(), ManifestProblem::Wildcard);
    }
    let mut roles = BTreeSet::new();
    for (index, role) in permission.roles.iter().enumerate() {
        if !declared.contains(role.as_str()) {
            errors.push(
                format!("{path}.roles[{index}]"),
                ManifestProblem::UnknownRole,
            );
        } else if !roles.insert(role) {
            errors.push(format!("{path}.roles[{index}]"), ManifestProblem::Duplicate);
        }
    }
}

/// Errors found so far.
struct Errors(Vec<ManifestError>);

impl Errors {
    fn push(&mut self, path: String, problem: ManifestProblem) {
        if self.0.len() < ERRORS_MAX {
            self.0.push(ManifestError { path, problem });
        }
    }

    fn name<T>(&mut self, path: &str, result: &Result<T, NameError>) {
        if let Err(error) = result {
            self.push(path.into(), (*error).into());
        }
    }

    fn size(&mut self, path: &str, count: usize, max: usize) {
        if count > max {
            self.push(path.into(), ManifestProblem::TooMany { max });
        }
    }

    fn slugs(&mut self, path: &str, slugs: &[String], max: usize) {
        self.size(path, slugs.len(), max);
        let mut seen = BTreeSet::new();
        for (index, slug) in slugs.iter().enumerate() {
            self.name(&format!("{path}[{index}]"), &Slug::parse(slug));
            if !seen.insert(slug) {
                self.push(format!("{path}[{index}]"), ManifestProblem::Duplicate);
            }
        }
    }
}
