//! What only the system organization holds: products and signing keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::declared::Declared;
use crate::fact::Algorithm;
use crate::hash::hash_of_name;
use crate::id::RoleId;
use crate::index::{PermissionIndex, ProductIndex, ProductName};
use crate::mfa::{Demand, DemandingPermission};
use crate::role::Probe;
use crate::route::{Matched, Route, Routes};
use crate::sayings::Place;
use crate::terms::RoleGrant;

/// A product, as its manifest declares it.
#[derive(Debug, Clone)]
pub struct ProductEntry {
    slug: Box<str>,
    aliases: Vec<Box<str>>,
    declared: Arc<Declared>,
    /// Which of the installation's products it is.
    number: u32,
    everyone: Vec<RoleId>,
    /// The same as grants.
    everyone_grants: Vec<RoleGrant>,
    /// The names that mean it here: its slug, and those aliases that no other product has.
    names: Vec<ProductName>,
    /// What the installation's roles say under these names.
    indexes: Vec<Arc<ProductIndex>>,
    routes: Vec<Route>,
    matcher: Routes,
    /// Sorted by resource and action.
    demands: Vec<DemandingPermission>,
}

impl ProductEntry {
    /// Its slug.
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// Older slugs that mean the same product, sorted.
    pub fn aliases(&self) -> impl Iterator<Item = &str> {
        self.aliases.iter().map(|alias| &**alias)
    }

    /// The (resource, action) pairs that it knows, sorted.
    pub fn declared(&self) -> Vec<(String, String)> {
        let pairs = self.declared.iter();
        let mut pairs: Vec<(String, String)> = pairs
            .map(|(resource, action)| (resource.to_owned(), action.to_owned()))
            .collect();
        pairs.sort_unstable();
        pairs
    }

    /// The (resource, action) pairs that it knows, in no order.
    pub(crate) fn declared_pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.declared.iter()
    }

    /// Its roles that every user of every organization holds, sorted.
    pub fn everyone(&self) -> &[RoleId] {
        &self.everyone
    }

    /// Its roles that everybody holds, as if they were given to each.
    pub(crate) fn everyone_grants(&self) -> &[RoleGrant] {
        &self.everyone_grants
    }

    /// The names that mean it here.
    pub(crate) fn names(&self) -> &[ProductName] {
        &self.names
    }

    /// What the installation's roles say of it.
    pub(crate) fn indexes(&self) -> &[Arc<ProductIndex>] {
        &self.indexes
    }

    /// Which of its permissions requests need, sorted.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The permission that a request needs: its method, and its path as sent; a query is ignored.
    ///
    /// `None` for a request that no route takes, and for a path that is not in normal form (see
    /// [`route`](crate::route)): there is no permission for it, so nobody has it.
    pub fn route<'a, 'p>(&'a self, method: &str, path: &'p str) -> Option<Matched<'a, 'p>> {
        self.matcher.find(method, path)
    }

    /// Its permissions that ask for more than being signed in, sorted.
    pub fn demands(&self) -> &[DemandingPermission] {
        &self.demands
    }

    /// What one of its permissions asks for beside being signed in, if it does.
    pub fn demand(&self, resource: &str, action: &str) -> Option<Demand> {
        let place = self.demands.binary_search_by(|known| {
            (known.resource.as_str(), known.action.as_str()).cmp(&(resource, action))
        });
        let found = place.ok().and_then(|at| self.demands.get(at));
        found.map(|known| known.demand)
    }

    /// Whether it declares just this. A wildcard is for roles and declares nothing.
    pub(crate) fn declares(&self, probe: &Probe<'_>) -> bool {
        self.declared.number(probe).is_some()
    }

    /// Where it is kept what is said of a permission, of one that it declares.
    pub(crate) fn place(&self, probe: &Probe<'_>, products: usize) -> Option<Place> {
        Some(Place {
            products,
            product: self.number,
            permissions: self.declared.len(),
            permission: self.declared.number(probe)?,
        })
    }
}

/// A key that signs or signed tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyEntry {
    /// What it signs with.
    pub algorithm: Algorithm,
    /// The public key as JWK JSON.
    pub jwk: Box<str>,
    /// Whether no other key is to sign after it.
    pub signs: bool,
}

impl SigningKeyEntry {
    pub(super) fn new(algorithm: Algorithm, jwk: &str, signs: bool) -> Self {
        Self {
            algorithm,
            jwk: jwk.into(),
            signs,
        }
    }
}

/// Products and keys: few, and seldom changed, so a change copies the maps.
#[derive(Debug, Clone, Default)]
pub(super) struct Installation {
    products: BTreeMap<Box<str>, Arc<ProductEntry>>,
    /// Slugs and aliases, with what they mean.
    names: HashTable<(Box<str>, Arc<ProductEntry>)>,
    pub(super) keys: BTreeMap<Box<str>, SigningKeyEntry>,
    /// Whether any product has demands: found out once, and not for each decision.
    is_demanding: bool,
}

impl Installation {
    /// The product of that slug, else the one that has it as an alias.
    pub(super) fn product(&self, name: &str) -> Option<&ProductEntry> {
        let found = self
            .names
            .find(hash_of_name(name), |(other, _)| **other == *name);
        found.map(|(_, product)| &**product)
    }

    /// How many products there are.
    pub(super) fn len(&self) -> usize {
        self.products.len()
    }

    pub(super) fn products(&self) -> impl Iterator<Item = &ProductEntry> {
        self.products.values().map(|product| &**product)
    }

    pub(super) fn set_product(
        &mut self,
        slug: &str,
        aliases: &[String],
        declared: &[(String, String)],
        everyone: &[RoleId],
        routes: &[Route],
    ) {
        let mut product = ProductEntry {
            slug: slug.into(),
            aliases: aliases.iter().map(|alias| alias.as_str().into()).collect(),
            declared: Arc::new(Declared::new(declared)),
            number: 0,
            everyone: everyone.to_vec(),
            everyone_grants: Vec::new(),
            names: Vec::new(),
            indexes: Vec::new(),
            routes: routes.to_vec(),
            matcher: Routes::default(),
            demands: Vec::new(),
        };
        product.aliases.sort_unstable();
        product.aliases.dedup();
        product.everyone.sort_unstable();
        product.everyone.dedup();
        let everyone = product.everyone.iter();
        product.everyone_grants = everyone.map(|role| RoleGrant::plain(*role)).collect();
        product.routes.sort_unstable();
        product.routes.dedup();
        for route in &product.routes {
            // A manifest with a bad route is never published; here it would take no request.
            let _ = product.matcher.add(route);
        }
        self.products.insert(slug.into(), Arc::new(product));
    }

    /// Sets what the permissions of a product ask for beside being signed in.
    pub(super) fn set_demands(&mut self, slug: &str, demands: &[DemandingPermission]) {
        if let Some(product) = self.products.get_mut(slug) {
            let product = Arc::make_mut(product);
            product.demands = demands.to_vec();
            product.demands.sort_unstable();
            product.demands.dedup_by(|one, other| {
                one.resource == other.resource && one.action == other.action
            });
        }
    }

    /// Whether any permission asks for more than being signed in.
    pub(super) fn demands(&self) -> bool {
        self.is_demanding
    }

    pub(super) fn remove_product(&mut self, slug: &str) {
        self.products.remove(slug);
    }

    /// Finds the names of products again, and what roles say under them.
    ///
    /// A slug means its product, whoever has it as an alias. Of two products with the same alias
    /// the first by slug has it, so that the order in which they were declared does not matter.
    pub(super) fn settle(&mut self, index: &PermissionIndex) {
        let mut means: BTreeMap<Box<str>, Box<str>> = BTreeMap::new();
        for product in self.products.values().rev() {
            let aliases = product.aliases.iter();
            means.extend(aliases.map(|alias| (alias.clone(), product.slug.clone())));
        }
        let slugs = self.products.keys();
        means.extend(slugs.map(|slug| (slug.clone(), slug.clone())));
        for (number, (slug, product)) in (0..).zip(&mut self.products) {
            let names = means.iter().filter(|(_, meant)| *meant == slug);
            let product = Arc::make_mut(product);
            product.number = number;
            product.names = names.map(|(name, _)| ProductName::new(name)).collect();
            let indexes = product.names.iter().filter_map(|name| index.of(name));
            product.indexes = indexes.cloned().collect();
        }
        let mut products = self.products.values();
        self.is_demanding = products.any(|product| !product.demands.is_empty());
        self.names = HashTable::with_capacity(means.len());
        for (name, slug) in means {
            if let Some(product) = self.products.get(&slug) {
                let entry = (name, Arc::clone(product));
                self.names
                    .insert_unique(hash_of_name(&entry.0), entry, |(name, _)| {
                        hash_of_name(name)
                    });
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let products: usize = self
            .products
            .values()
            .map(|product| product.declared.heap_bytes() + 2 * product.matcher.heap_bytes())
            .sum();
        let keys: usize = self
            .keys
            .iter()
            .map(|(kid, key)| kid.len() + key.jwk.len())
            .sum();
        products + keys
    }
}
