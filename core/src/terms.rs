//! A grant as somebody holds it: which role, for how long, and for which attributes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fact::AttributeLimit;
use crate::id::RoleId;
use crate::role::Effects;

/// What a question says of the thing that it is about: attribute to value.
pub type Attributes = BTreeMap<String, String>;

/// What a question says that says nothing of attributes.
pub static NO_ATTRIBUTES: Attributes = BTreeMap::new();

/// A role that is given to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleGrant {
    role: RoleId,
    /// Few grants have any.
    terms: Option<Arc<Terms>>,
}

/// What a grant depends on.
#[derive(Debug, PartialEq, Eq)]
struct Terms {
    until: Option<i64>,
    /// Sorted by attribute, and the values of each sorted.
    limits: Box<[AttributeLimit]>,
}

/// How a question's attributes fit the limits of a grant; of several limits the last one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// The attribute is there and among the values.
    Met,
    /// The attribute is not there, so nobody can say.
    Missing,
    /// The attribute is there and is another.
    Foreign,
}

impl RoleGrant {
    /// A role for ever and for everything.
    pub(crate) const fn plain(role: RoleId) -> Self {
        Self { role, terms: None }
    }

    /// A role until a moment, in unix seconds, and within limits.
    pub(crate) fn new(role: RoleId, until: Option<i64>, limits: &[AttributeLimit]) -> Self {
        if until.is_none() && limits.is_empty() {
            return Self::plain(role);
        }
        let mut limits: Vec<AttributeLimit> = limits.to_vec();
        for limit in &mut limits {
            limit.values.sort_unstable();
            limit.values.dedup();
        }
        limits.sort_unstable();
        limits.dedup();
        let limits = limits.into_boxed_slice();
        let terms = Some(Arc::new(Terms { until, limits }));
        Self { role, terms }
    }

    /// Which role.
    pub fn role(&self) -> RoleId {
        self.role
    }

    /// The unix second from which the grant is as good as gone; `None` when it stays.
    pub fn until(&self) -> Option<i64> {
        self.terms.as_ref()?.until
    }

    /// The attributes that it is limited to, sorted.
    pub fn limits(&self) -> &[AttributeLimit] {
        self.terms
            .as_ref()
            .map(|terms| &*terms.limits)
            .unwrap_or_default()
    }

    /// Whether it depends on anything but the role.
    pub(crate) fn has_terms(&self) -> bool {
        self.terms.is_some()
    }

    /// Whether the grant is over at that unix second.
    pub fn is_expired(&self, now_s: i64) -> bool {
        self.until().is_some_and(|until| until <= now_s)
    }

    /// Whether the grant holds for everything, and at least until that unix second; `None` for
    /// ever.
    pub(crate) fn outlasts(&self, until: Option<i64>) -> bool {
        let lasts = |own| until.is_some_and(|until| until <= own);
        self.limits().is_empty() && self.until().is_none_or(lasts)
    }

    /// What the role's effects are worth under this grant.
    ///
    /// An allow counts when every limit is met; a deny unless one is foreign, so that leaving an
    /// attribute out never helps.
    pub(crate) fn weigh(&self, effects: Effects, now_s: i64, attributes: &Attributes) -> Effects {
        let Some(terms) = &self.terms else {
            return effects;
        };
        if self.is_expired(now_s) {
            return Effects::default();
        }
        let fits = terms.limits.iter().map(|limit| fit(limit, attributes));
        match fits.max().unwrap_or(Fit::Met) {
            Fit::Met => effects,
            Fit::Missing => effects.elsewhere(),
            Fit::Foreign => effects.without_deny().elsewhere(),
        }
    }

    /// Bytes on the heap.
    fn heap_bytes(&self) -> usize {
        let text = |text: &String| size_of::<String>() + text.len();
        let limit = |limit: &AttributeLimit| {
            size_of::<AttributeLimit>()
                + limit.attribute.len()
                + limit.values.iter().map(text).sum::<usize>()
        };
        self.terms.as_ref().map_or(0, |terms| {
            size_of::<Terms>()
                + 2 * size_of::<usize>()
                + terms.limits.iter().map(limit).sum::<usize>()
        })
    }
}

fn fit(limit: &AttributeLimit, attributes: &Attributes) -> Fit {
    match attributes.get(&limit.attribute) {
        None => Fit::Missing,
        Some(value) if limit.values.binary_search(value).is_ok() => Fit::Met,
        Some(_) => Fit::Foreign,
    }
}

/// The grants of one subject, sorted by role, with one for each.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grants(Box<[RoleGrant]>);

impl Grants {
    /// Puts a grant in, in place of the one of the same role, which is given back.
    pub(crate) fn put(&mut self, grant: RoleGrant) -> Option<RoleGrant> {
        let mut grants = std::mem::take(&mut self.0).into_vec();
        let before = match grants.binary_search_by_key(&grant.role, RoleGrant::role) {
            Ok(position) => {
                let old = grants.get_mut(position);
                old.map(|old| std::mem::replace(old, grant))
            }
            Err(position) => {
                grants.insert(position, grant);
                None
            }
        };
        self.0 = grants.into_boxed_slice();
        before
    }

    /// Takes the grant of a role out, and gives it back.
    pub(crate) fn remove(&mut self, role: RoleId) -> Option<RoleGrant> {
        let position = self.0.binary_search_by_key(&role, RoleGrant::role).ok()?;
        let mut grants = std::mem::take(&mut self.0).into_vec();
        let before = grants.remove(position);
        self.0 = grants.into_boxed_slice();
        Some(before)
    }

    /// Every grant, by role.
    pub(crate) fn as_slice(&self) -> &[RoleGrant] {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let terms: usize = self.0.iter().map(RoleGrant::heap_bytes).sum();
        size_of_val(&*self.0) + terms
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::fact::Effect;

    fn limit(attribute: &str, values: &[&str]) -> AttributeLimit {
        AttributeLimit {
            attribute: attribute.into(),
            values: values.iter().map(|value| String::from(*value)).collect(),
        }
    }

    /// Whether an allow and a deny count.
    fn counts(limits: &[AttributeLimit], given: &[(&str, &str)]) -> (bool, bool) {
        let pair =
            |(attribute, value): &(&str, &str)| (String::from(*attribute), String::from(*value));
        let attributes: Attributes = given.iter().map(pair).collect();
        let grant = RoleGrant::new(RoleId::new(Uuid::nil()), None, limits);
        let both = Effects::from(Effect::Allow) | Effect::Deny.into();
        let effects = grant.weigh(both, 0, &attributes);
        (effects.allows(), effects.denies())
    }

    #[test]
    fn a_missing_attribute_never_helps() {
        let limits = [limit("ledger", &["b", "a", "b"]), limit("branch", &["x"])];
        assert_eq!(counts(&[], &[]), (true, true));
        assert_eq!(counts(&limits, &[]), (false, true));
        assert_eq!(counts(&limits, &[("ledger", "a")]), (false, true));
        let (met, foreign) = ([("ledger", "b"), ("branch", "x")], [("ledger", "c")]);
        assert_eq!(counts(&limits, &met), (true, true));
        assert_eq!(counts(&limits, &foreign), (false, false));
        let nothing = [limit("ledger", &[])];
        assert_eq!(counts(&nothing, &[("ledger", "")]), (false, false));
        // Two limits of one attribute must both be met.
        let both = [limit("ledger", &["a", "b"]), limit("ledger", &["b", "c"])];
        assert_eq!(counts(&both, &[("ledger", "b")]), (true, true));
        assert_eq!(counts(&both, &[("ledger", "a")]), (false, false));
    }

    #[test]
    fn ends_at_its_second() {
        let grant = RoleGrant::new(RoleId::new(Uuid::nil()), Some(10), &[]);
        let allowed = |now_s| {
            grant
                .weigh(Effect::Allow.into(), now_s, &NO_ATTRIBUTES)
                .allows()
        };
        assert!(allowed(9) && !allowed(10) && !allowed(11));
    }
}
