//! What a subject would gain: the permissions that it does not hold now, and then would.
//!
//! A permission is a (product, resource, action) that [`decide`](crate::decide()) would allow for
//! the attributes of the question. Only names that somebody spelled out are counted: what is asked,
//! what the products declare, and what the roles of the subject say, old and new. A wildcard is
//! worth as many of those as it matches.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::Asked;
use crate::fact::Effect;
use crate::id::RoleId;
use crate::permission::Permission;
use crate::role::{ANY, Effects, PermissionSet, Probe, RoleEntry};
use crate::snapshot::ProductEntry;
use crate::terms::RoleGrant;

/// A resource and an action.
type Pair<'a> = (&'a str, &'a str);

/// What a subject holds now, compiled for comparing.
pub(super) struct Holdings<'a> {
    products: Vec<Share<'a>>,
}

/// What a subject holds of one product.
struct Share<'a> {
    product: &'a ProductEntry,
    /// What its roles say for these attributes, all together.
    held: PermissionSet,
    /// What is declared or spelled out, and neither allowed nor denied; sorted.
    open: Vec<Pair<'a>>,
}

/// A role that is given, with what of it counts for the attributes of the question.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    id: RoleId,
    role: &'a RoleEntry,
    /// Where its product is in [`Holdings`].
    place: usize,
    allows: bool,
    denies: bool,
}

impl<'a> Given<'a> {
    /// What counts of an effect of a line.
    fn weigh(&self, effects: Effects) -> (bool, bool) {
        (
            self.allows && effects.allows(),
            self.denies && effects.denies(),
        )
    }

    fn effects(&self, (resource, action): Pair<'_>) -> (bool, bool) {
        self.weigh(self.role.permissions.effects(&Probe::new(resource, action)))
    }

    /// The lines of the role.
    fn lines(&self) -> impl Iterator<Item = (Pair<'a>, Effects)> + use<'a> {
        let lines = self.role.permissions.iter();
        lines.map(|(resource, action, effects)| ((resource, action), effects))
    }
}

/// Whether a name is there that nobody could ask about: it stands for others.
fn is_pattern((resource, action): Pair<'_>) -> bool {
    resource == ANY || action == ANY
}

impl<'a> Holdings<'a> {
    /// Costs a look at each line of the subject's roles and at each declared permission.
    pub(super) fn new(asked: &Asked<'a>) -> Self {
        let view = asked.view;
        let products = view.system.products();
        let products = products.filter(|product| view.counts(product));
        let products = products.map(|product| Share {
            product,
            held: PermissionSet::default(),
            open: Vec::new(),
        });
        let mut holdings = Self {
            products: products.collect(),
        };
        let held = holdings.given(asked, &asked.held());
        for (place, share) in holdings.products.iter_mut().enumerate() {
            share.fill(held.iter().filter(|given| given.place == place));
            let mut products = asked.products.iter();
            if products.any(|product| product.slug() == share.product.slug()) {
                share.ask((asked.question.resource, asked.question.action));
            }
        }
        holdings
    }

    /// Grants, with what of them counts for the attributes of the question, sorted and each once.
    /// Those that are expired, or of products that do not count, are left out.
    pub(super) fn given(&self, asked: &Asked<'a>, grants: &[RoleGrant]) -> Vec<Given<'a>> {
        let view = asked.view;
        let both = Effects::from(Effect::Allow) | Effect::Deny.into();
        let live = grants.iter().filter(|grant| !grant.is_expired(view.now_s));
        let given = live.filter_map(|grant| {
            let role = view.role(grant.role())?;
            let slug = view.system.product(role.product())?.slug();
            let mut products = self.products.iter();
            let place = products.position(|share| share.product.slug() == slug)?;
            let weight = grant.weigh(both, view.now_s, asked.question.attributes);
            Some(Given {
                id: grant.role(),
                role,
                place,
                allows: weight.allows(),
                denies: weight.denies(),
            })
        });
        let mut given: Vec<Given<'a>> = given.collect();
        let key = |given: &Given<'a>| (given.place, given.id, given.allows, given.denies);
        given.sort_unstable_by_key(key);
        given.dedup_by_key(|given| key(given));
        given
    }

    /// How many permissions these would add; `None` when it is more than `most`, or when the looks
    /// at lines that are left do not suffice.
    pub(super) fn count(
        &self,
        given: &[Given<'a>],
        most: usize,
        looks: &mut usize,
    ) -> Option<usize> {
        let mut count = 0;
        let walked = self.each_gained(given, looks, |_, _| {
            count += 1;
            if count > most {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        walked.is_continue().then_some(count)
    }

    /// The permissions that these would add, sorted.
    pub(super) fn list(&self, given: &[Given<'a>]) -> Vec<Permission> {
        let mut gained = Vec::new();
        // It is for one answer only, so it has looks without end.
        let mut looks = usize::MAX;
        let _ = self.each_gained(given, &mut looks, |product, (resource, action)| {
            gained.push(Permission::new(product.slug(), resource, action));
            ControlFlow::Continue(())
        });
        gained.sort_unstable();
        gained
    }

    /// Visits every permission that these would add, each once.
    fn each_gained(
        &self,
        given: &[Given<'a>],
        looks: &mut usize,
        mut visit: impl FnMut(&'a ProductEntry, Pair<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for roles in given.chunk_by(|one, other| one.place == other.place) {
            let first = roles.first();
            if let Some(share) = first.and_then(|given| self.products.get(given.place)) {
                share.each_gained(roles, looks, &mut visit)?;
            }
        }
        ControlFlow::Continue(())
    }
}

impl<'a> Share<'a> {
    fn fill<'b>(&mut self, roles: impl Iterator<Item = &'b Given<'a>>)
    where
        'a: 'b,
    {
        let mut named: BTreeSet<Pair<'a>> = self.product.declared_pairs().collect();
        for given in roles {
            for (pair, effects) in given.lines() {
                named.insert(pair);
                let (allows, denies) = given.weigh(effects);
                for (counts, effect) in [(allows, Effect::Allow), (denies, Effect::Deny)] {
                    if counts {
                        self.held.insert(pair.0, pair.1, effect);
                    }
                }
            }
        }
        let open = named.into_iter().filter(|pair| !is_pattern(*pair));
        self.open = open.filter(|pair| self.says_nothing(*pair)).collect();
    }

    /// Counts what is asked, even if it is a `*`, which is a name there.
    fn ask(&mut self, pair: Pair<'a>) {
        if self.says_nothing(pair)
            && let Err(place) = self.open.binary_search(&pair)
        {
            self.open.insert(place, pair);
        }
    }

    /// Whether the subject neither holds it nor is denied it: only then can it be gained.
    fn says_nothing(&self, (resource, action): Pair<'_>) -> bool {
        let effects = self.held.effects(&Probe::new(resource, action));
        !effects.allows() && !effects.denies()
    }

    fn each_gained(
        &self,
        roles: &[Given<'a>],
        looks: &mut usize,
        visit: &mut impl FnMut(&'a ProductEntry, Pair<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let (mut wild, mut denying) = (Vec::new(), Vec::new());
        for given in roles {
            let mut kinds = (false, false);
            for (pair, effects) in given.lines() {
                look(looks)?;
                let (allows, denies) = given.weigh(effects);
                kinds = (kinds.0 || allows && is_pattern(pair), kinds.1 || denies);
            }
            wild.extend(kinds.0.then_some(given));
            denying.extend(kinds.1.then_some(given));
        }
        let spelled = roles.iter().flat_map(|given| {
            let lines = given.lines().filter(|(pair, _)| !is_pattern(*pair));
            lines.map(|(pair, effects)| (pair, given.weigh(effects).0))
        });
        // Without a wildcard, only what is spelled out can be gained.
        let open = self.open.iter().filter(|_| !wild.is_empty());
        let mut seen: BTreeSet<Pair<'a>> = BTreeSet::new();
        for (pair, allowed) in spelled.chain(open.map(|pair| (*pair, false))) {
            look(looks)?;
            let allowed = allowed || some(&wild, looks, |given| given.effects(pair).0)?;
            if allowed
                && self.says_nothing(pair)
                && !some(&denying, looks, |given| given.effects(pair).1)?
                && seen.insert(pair)
            {
                visit(self.product, pair)?;
            }
        }
        ControlFlow::Continue(())
    }
}

/// Takes a look, if one is left.
fn look(looks: &mut usize) -> ControlFlow<()> {
    match looks.checked_sub(1) {
        Some(left) => {
            *looks = left;
            ControlFlow::Continue(())
        }
        None => ControlFlow::Break(()),
    }
}

/// Whether one of the roles is such; each costs a look.
fn some<'a, 'b>(
    roles: &[&'b Given<'a>],
    looks: &mut usize,
    is: impl Fn(&'b Given<'a>) -> bool,
) -> ControlFlow<(), bool> {
    for given in roles {
        look(looks)?;
        if is(given) {
            return ControlFlow::Continue(true);
        }
    }
    ControlFlow::Continue(false)
}
