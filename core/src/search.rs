//! Who may do something, on what, and what: every answer of which [`decide()`] says yes, page by
//! page.
//!
//! A page has a bounded cost, so it may be short, or empty, and not be the last. Whoever follows
//! `next` to its end has seen everything once. Pages are in order, and what comes or goes between
//! two pages changes nothing else.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::decide::{Question, Subject, View, decide, roles_of};
use crate::id::{ApplicationId, UserId};
use crate::role::ANY;
use crate::snapshot::ProductEntry;
use crate::terms::Attributes;

/// Most subjects or names that are decided for one page.
pub const EXAMINED_MAX: usize = 10_000;

/// A part of everything that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, C> {
    /// What was found, in order.
    pub found: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next: Option<C>,
}

/// Which subjects are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectKind {
    /// People.
    User,
    /// Machines.
    Application,
}

impl SubjectKind {
    fn subject(self, id: Uuid) -> Subject {
        match self {
            Self::User => Subject::User(UserId::new(id)),
            Self::Application => Subject::Application(ApplicationId::new(id)),
        }
    }
}

/// The subjects of the organization that may do this, by id, after the one with the id `after`.
///
/// Snapshots keep no order of ids, so a page compares the id of every subject once, a matter of
/// nanoseconds each, and holds the next [`EXAMINED_MAX`] of them in memory; it decides for those
/// only, and only until `limit` are found.
pub fn search_subjects(
    view: View<'_>,
    question: Question<'_>,
    kind: SubjectKind,
    after: Option<Uuid>,
    limit: usize,
) -> Page<Subject, Uuid> {
    let window = match kind {
        SubjectKind::User => {
            let users = view.organization.users();
            Window::new(users.map(|(id, _)| id.uuid()), after.as_ref())
        }
        SubjectKind::Application => {
            let applications = view.organization.applications();
            Window::new(applications.map(|(id, _)| id.uuid()), after.as_ref())
        }
    };
    let page = window.page(limit, |id| {
        decide(view, kind.subject(*id), question).allowed
    });
    Page {
        found: page.found.into_iter().map(|id| kind.subject(id)).collect(),
        next: page.next,
    }
}

/// Who is asked about, and of which product.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What is decided from.
    pub view: View<'a>,
    /// Who would do it.
    pub subject: Subject,
    /// Slug or alias of the product.
    pub product: &'a str,
    /// What is said of the thing that it would be done to.
    pub attributes: &'a Attributes,
}

impl Asked<'_> {
    fn may(self, resource: &str, action: &str) -> bool {
        let question = Question {
            product: Some(self.product),
            resource,
            action,
            attributes: self.attributes,
        };
        decide(self.view, self.subject, question).allowed
    }
}

/// The resources of a product on which the subject may do this, sorted, after the one that is
/// `after`: of those that the product declares or a role of the subject spells out.
///
/// Looks at every declared permission and at every line of the subject's roles, and decides about
/// [`EXAMINED_MAX`] names at the most.
pub fn search_resources(
    asked: Asked<'_>,
    action: &str,
    after: Option<&str>,
    limit: usize,
) -> Page<String, String> {
    let names = pairs(asked).map(|(resource, _)| resource);
    let window = Window::new(names.filter(|name| *name != ANY), after.as_ref());
    let page = window.page(limit, |resource| asked.may(resource, action));
    page.into_owned()
}

/// What the subject may do on a resource of a product, sorted, after the action that is `after`:
/// of those that the product declares or a role of the subject spells out, with any resource.
///
/// Costs as much as [`search_resources`].
pub fn search_actions(
    asked: Asked<'_>,
    resource: &str,
    after: Option<&str>,
    limit: usize,
) -> Page<String, String> {
    let names = pairs(asked).map(|(_, action)| action);
    let window = Window::new(names.filter(|name| *name != ANY), after.as_ref());
    let page = window.page(limit, |action| asked.may(resource, action));
    page.into_owned()
}

/// The resources and actions that a product declares or a role of the subject spells out.
fn pairs(asked: Asked<'_>) -> impl Iterator<Item = (&str, &str)> {
    let Asked { view, subject, .. } = asked;
    let product = view.system.product(asked.product);
    let declared = product.into_iter().flat_map(ProductEntry::declared_pairs);
    let roles = product.map(|_| roles_of(view, subject)).unwrap_or_default();
    let roles = roles.into_iter().filter_map(move |id| view.role(id));
    let roles = roles.filter(move |role| product.is_some_and(|one| view.belongs(role, one)));
    let lines = roles.flat_map(|role| role.permissions.iter());
    declared.chain(lines.map(|(resource, action, _)| (resource, action)))
}

/// The next items of everything, sorted, each once.
struct Window<T> {
    items: BTreeSet<T>,
    /// Whether there are more behind them.
    more: bool,
}

impl<T: Ord + Clone> Window<T> {
    fn new(all: impl Iterator<Item = T>, after: Option<&T>) -> Self {
        let mut window = Self {
            items: BTreeSet::new(),
            more: false,
        };
        for item in all.filter(|item| after.is_none_or(|after| item > after)) {
            let beyond = window.more && window.items.last().is_some_and(|last| item > *last);
            if !beyond && window.items.insert(item) && window.items.len() > EXAMINED_MAX {
                window.items.pop_last();
                window.more = true;
            }
        }
        window
    }

    /// The items that are good, as many as are wanted.
    fn page(self, limit: usize, good: impl Fn(&T) -> bool) -> Page<T, T> {
        let mut found = Vec::new();
        let mut items = self.items.into_iter().peekable();
        let mut last = None;
        for item in items.by_ref() {
            if good(&item) {
                found.push(item.clone());
            }
            let full = found.len() >= limit;
            last = Some(item);
            if full {
                break;
            }
        }
        let more = self.more || items.peek().is_some();
        let next = last.filter(|_| more);
        Page { found, next }
    }
}

impl Page<&str, &str> {
    fn into_owned(self) -> Page<String, String> {
        Page {
            found: self.found.into_iter().map(str::to_owned).collect(),
            next: self.next.map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests;
