//! A product's question: who it is about, of which product, and the answer. Every face ends here.

use std::sync::LazyLock;

use gatepost_core::mfa::Demand;
use gatepost_core::snapshot::ProductEntry;
use gatepost_core::{Attributes, Decision, Question, Reason, Subject, decide};
use gatepost_proto::ErrorReason;
use metrics::Counter;

use crate::error::{Error, Result};
use crate::gatekeeper::Caller;
use crate::recent;

/// How old clients of machines name the product: `admin/<product>-editor-role`.
const LEGACY_OWNER: &str = "admin";
const LEGACY_ROLE: &str = "-editor-role";

/// What a product asks.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Empty, or the caller as `<owner>/<id>`; from machines `admin/<product>-editor-role` names
    /// the product only. Anybody else needs the permission `gatepost/subjects:ask`.
    pub sub: &'a str,
    /// The product; empty for every product that declares the permission.
    pub product: &'a str,
    /// The resource.
    pub resource: &'a str,
    /// The action.
    pub action: &'a str,
    /// What grants that are limited by attributes look at; names to values.
    pub attributes: &'a Attributes,
}

/// Which product is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product<'a> {
    /// Every one that declares the permission.
    Any,
    /// This one, by its slug or an alias.
    Named(&'a str),
    /// Two places name a product each, and not the same one.
    Contradictory,
}

/// Who a question is about, and of which product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About<'a> {
    /// Who.
    pub subject: Subject,
    /// Of which product.
    pub product: Product<'a>,
}

/// The answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it may be done.
    pub allowed: bool,
    /// Why; [`Answer::word`] is how the contract says it.
    pub reason: Reason,
    /// Who it was about.
    pub subject: Subject,
    /// What sign-in would turn the answer into a yes, if one would.
    pub demand: Option<Demand>,
}

impl Caller {
    /// Answers a question, and counts the answer.
    ///
    /// # Errors
    /// `SUBJECT_FOREIGN` or `SUBJECT_UNKNOWN` when the question is about somebody else;
    /// `NOT_SERVED` when this replica is not fed with that product.
    pub fn decide(&self, ask: &Ask<'_>) -> Result<Answer> {
        let About { subject, product } = self.about(ask.sub, ask.product)?;
        let product = match product {
            Product::Any => Some(None),
            Product::Named(product) => Some(Some(product)),
            Product::Contradictory => None,
        };
        let decision = product.map_or(Reason::UnknownProduct.into(), |product| {
            let question = Question {
                product,
                resource: ask.resource,
                action: ask.action,
                attributes: ask.attributes,
            };
            decide(self.present.view(), subject, question)
        });
        let mut answer = Answer::new(subject, decision);
        if answer.allowed && self.present.system.has_demands() && subject == self.subject() {
            let product = product.flatten();
            answer.require(self.unmet(product, ask.resource, ask.action));
        }
        COUNTERS.of(answer.allowed).increment(1);
        if let Some(product) = product {
            let now_ms = self.now().unix_timestamp() * 1_000 + i64::from(self.now().millisecond());
            recent::note(self.organization(), now_ms, subject, product, ask);
        }
        Ok(answer)
    }

    /// What a permission asks of a person's sign-in that hers was not, if anything. Machines do not
    /// sign in, and of others nobody here knows how they did.
    fn unmet(&self, product: Option<&str>, resource: &str, action: &str) -> Option<Demand> {
        self.user()?;
        let system = &self.present.system;
        let demand = if let Some(name) = product {
            system.product(name)?.demand(resource, action)
        } else {
            let all = system.products();
            let all = all.filter_map(|product| product.demand(resource, action));
            all.reduce(Demand::and)
        };
        let claims = &self.token.claims;
        let now_s = self.now().unix_timestamp();
        demand.filter(|demand| !demand.is_met(&claims.acr, claims.auth_time, now_s))
    }

    /// Who a question is about, and of which product. Both texts may be empty, see [`Ask`].
    ///
    /// # Errors
    /// `SUBJECT_FOREIGN` or `SUBJECT_UNKNOWN` when the question is about somebody else;
    /// `NOT_SERVED` when this replica is not fed with that product.
    pub fn about<'a>(&self, sub: &'a str, product: &'a str) -> Result<About<'a>> {
        let about = self.named(sub, product)?;
        self.require_served(about.product)?;
        Ok(about)
    }

    /// Refuses products that this replica is not fed with. Without a product every one would have
    /// to agree, and those that are not here cannot.
    fn require_served(&self, product: Product<'_>) -> Result<()> {
        let Some(served) = &self.present.products else {
            return Ok(());
        };
        let is_served = match product {
            Product::Any => false,
            Product::Named(name) => served.iter().any(|known| self.same_product(known, name)),
            Product::Contradictory => true,
        };
        if is_served {
            return Ok(());
        }
        let message = "this sidecar is not fed with that product";
        Err(Error::new(ErrorReason::NotServed, message))
    }

    fn named<'a>(&self, sub: &'a str, product: &'a str) -> Result<About<'a>> {
        let named = match product {
            "" => Product::Any,
            product => Product::Named(product),
        };
        if sub.is_empty() || self.is_oneself(sub) {
            return Ok(About {
                subject: self.subject(),
                product: named,
            });
        }
        if let Some(legacy) = self.legacy_product(sub) {
            let agree = product.is_empty() || self.same_product(product, legacy);
            return Ok(About {
                subject: self.subject(),
                product: if agree {
                    Product::Named(legacy)
                } else {
                    Product::Contradictory
                },
            });
        }
        Ok(About {
            subject: self.other(sub)?,
            product: named,
        })
    }

    /// Compares with the token's own claims, so that a token from before the organization got
    /// another slug still means its bearer.
    fn is_oneself(&self, sub: &str) -> bool {
        let claims = &self.token.claims;
        match self.subject() {
            Subject::Application(_) => sub == claims.sub,
            Subject::User(_) => {
                let id = sub
                    .strip_prefix(claims.owner.as_str())
                    .and_then(|id| id.strip_prefix('/'));
                id == Some(claims.sub.as_str())
            }
        }
    }

    /// The product in the form that old clients of machines send. Only the product is read from it:
    /// the machine's own grants decide, never the role that it names.
    fn legacy_product<'a>(&self, sub: &'a str) -> Option<&'a str> {
        let Subject::Application(_) = self.subject() else {
            return None;
        };
        let role = sub.strip_prefix(LEGACY_OWNER)?.strip_prefix('/')?;
        role.strip_suffix(LEGACY_ROLE)
            .filter(|product| !product.is_empty())
    }

    fn same_product(&self, left: &str, right: &str) -> bool {
        let system = &self.present.system;
        let slug = |name| system.product(name).map(ProductEntry::slug);
        left == right || (slug(left).is_some() && slug(left) == slug(right))
    }

    /// Somebody else, whom only the permitted may ask about.
    fn other(&self, sub: &str) -> Result<Subject> {
        if !self.may("gatepost", "subjects", "ask").allowed {
            let message = "`sub` names somebody else; that needs `gatepost/subjects:ask`";
            return Err(Error::new(ErrorReason::SubjectForeign, message));
        }
        let unknown = || Error::new(ErrorReason::SubjectUnknown, "nobody has this `sub`");
        let (owner, id) = sub.split_once('/').ok_or_else(unknown)?;
        let organization = &self.present.organization;
        let slug = organization.organization().map(|own| &*own.slug);
        if slug != Some(owner) {
            return Err(unknown());
        }
        let user = id
            .parse()
            .ok()
            .filter(|id| organization.user(*id).is_some());
        let application = id
            .parse()
            .ok()
            .filter(|id| organization.application(*id).is_some());
        let subject = user
            .map(Subject::User)
            .or(application.map(Subject::Application));
        subject.ok_or_else(unknown)
    }
}

impl Answer {
    fn new(subject: Subject, decision: Decision) -> Self {
        let Decision { allowed, reason } = decision;
        Self {
            allowed,
            reason,
            subject,
            demand: None,
        }
    }

    /// Makes a yes a no when a demand is not met.
    fn require(&mut self, unmet: Option<Demand>) {
        if unmet.is_some() {
            self.allowed = false;
            self.reason = Reason::StrongerSignIn;
            self.demand = unmet;
        }
    }

    /// The reason as the contract words it. None is `suspended` or `expired`: client libraries turn
    /// those into a 401.
    pub fn word(&self) -> &'static str {
        match self.reason {
            Reason::Granted => "granted",
            Reason::Denied => "denied",
            Reason::NoGrant => "permission",
            Reason::AttributesUnmet => "attributes",
            Reason::UnknownProduct => "unknown_product",
            Reason::UnknownPermission => "unknown_permission",
            Reason::StrongerSignIn => "stronger_sign_in",
            Reason::SubjectUnknown => "subject_unknown",
            Reason::OrganizationSuspended | Reason::SubjectSuspended => "subject_disabled",
        }
    }
}

/// Counts decisions, of whatever face. The counters are found once: looking one up costs as much
/// as a decision.
struct Counters {
    allowed: Counter,
    denied: Counter,
}

static COUNTERS: LazyLock<Counters> = LazyLock::new(|| {
    let count = |answer| metrics::counter!("gatepost_decisions_total", "answer" => answer);
    Counters {
        allowed: count("allow"),
        denied: count("deny"),
    }
});

impl Counters {
    fn of(&self, allowed: bool) -> &Counter {
        if allowed { &self.allowed } else { &self.denied }
    }
}
