//! AuthZEN's words, and what they are in ours.
//!
//! | AuthZEN | here |
//! | --- | --- |
//! | subject `{type: "user" or "application", id}` | the subject; `id` bare, or `<owner>/<id>` |
//! | resource `type: "product/resource"` | product and resource |
//! | resource `type: "resource"`, property `product` | the same; without it, every product |
//! | resource `id` | the attribute `resource_id` |
//! | action `name` | the action |
//! | scalars in `context` and in properties of action and resource | attributes; the later wins |

use gatepost_core::limits::NAME_CHARS_MAX;
use gatepost_core::{Attributes, Subject};
use gatepost_proto::ErrorReason;
use gatepost_replica::Ask;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::context::Caller;
use crate::error::{Error, Result};

/// The attribute that is the resource's id.
const RESOURCE_ID: &str = "resource_id";
const PRODUCT: &str = "product";
/// Most attributes of a question.
const ATTRIBUTES_MAX: usize = 100;
/// Most characters of an attribute's value. Of a longer one no grant can speak; it is left out,
/// which can only refuse.
const VALUE_CHARS_MAX: usize = 300;

type Object = Map<String, Value>;

/// A subject or a resource.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Entity {
    pub r#type: String,
    /// Required but in searches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    properties: Option<Object>,
}

/// An action.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Action {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    properties: Option<Object>,
}

/// A question, or what questions have in common.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Evaluation {
    pub subject: Option<Entity>,
    pub action: Option<Action>,
    pub resource: Option<Entity>,
    pub context: Option<Object>,
}

/// Who is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Somebody.
    Known(Subject),
    /// Nobody that there is, so everything is refused.
    Nobody,
}

/// Of which product and resource a question is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct What<'a> {
    /// Empty for every product that declares the permission.
    pub product: &'a str,
    /// The resource; empty when the type names a product only.
    pub resource: &'a str,
}

/// A question with all its parts. They are borrowed: a thousand questions may share one context.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    subject: Option<&'a Entity>,
    action: Option<&'a Action>,
    resource: Option<&'a Entity>,
    context: Option<&'a Object>,
}

impl Evaluation {
    /// The question.
    pub fn asking(&self) -> Asking<'_> {
        Asking {
            subject: self.subject.as_ref(),
            action: self.action.as_ref(),
            resource: self.resource.as_ref(),
            context: self.context.as_ref(),
        }
    }
}

impl<'a> Asking<'a> {
    /// The same question, with what it lacks taken from another (§7.1.1).
    #[must_use]
    pub fn or(self, defaults: Self) -> Self {
        Self {
            subject: self.subject.or(defaults.subject),
            action: self.action.or(defaults.action),
            resource: self.resource.or(defaults.resource),
            context: self.context.or(defaults.context),
        }
    }

    /// The subject.
    ///
    /// # Errors
    /// `INVALID_REQUEST` when there is none.
    pub fn subject(self) -> Result<&'a Entity> {
        self.subject.ok_or_else(|| lacks("subject"))
    }

    /// The action's name.
    ///
    /// # Errors
    /// `INVALID_REQUEST` when there is none.
    pub fn action(self) -> Result<&'a str> {
        let action = self.action.ok_or_else(|| lacks("action"))?;
        check(&action.name, "action.name")
    }

    /// The resource.
    ///
    /// # Errors
    /// `INVALID_REQUEST` when there is none.
    pub fn resource(self) -> Result<&'a Entity> {
        self.resource.ok_or_else(|| lacks("resource"))
    }

    /// What is said of the thing.
    ///
    /// # Errors
    /// `INVALID_REQUEST` when that is too much.
    pub fn attributes(self) -> Result<Attributes> {
        let action = self.action.and_then(|one| one.properties.as_ref());
        let properties = self.resource.and_then(|one| one.properties.as_ref());
        let objects = || [self.context, action, properties].into_iter().flatten();
        if objects().map(Map::len).sum::<usize>() > ATTRIBUTES_MAX {
            let message = format!("there must be at most {ATTRIBUTES_MAX} attributes");
            return Err(Error::invalid("context", message));
        }
        let mut attributes = Attributes::new();
        for (name, value) in objects().flatten() {
            put(&mut attributes, name, value);
        }
        // That names the product and says nothing of the thing.
        attributes.remove(PRODUCT);
        let id = self.resource.and_then(|one| one.id.as_deref());
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            put_text(&mut attributes, RESOURCE_ID, id);
        }
        Ok(attributes)
    }
}

impl Entity {
    /// The id of a question's subject or resource.
    ///
    /// # Errors
    /// `INVALID_REQUEST` when there is none.
    pub fn id(&self, field: &'static str) -> Result<&str> {
        self.id.as_deref().ok_or_else(|| lacks(field))
    }

    /// Which subject this is. Whoever may not ask about others learns nothing of them.
    ///
    /// # Errors
    /// `INVALID_REQUEST`, `SUBJECT_FOREIGN`, `NOT_SERVED`.
    pub fn who(&self, caller: &Caller, product: &str) -> Result<Who> {
        let id = self.id("subject.id")?;
        let own = caller.present.organization.organization();
        let slug = own.map_or("", |own| &own.slug);
        let (owner, bare) = id.split_once('/').unwrap_or((slug, id));
        let wanted = bare.parse::<Uuid>().ok();
        let wanted = wanted.filter(|_| owner == slug || owner == caller.token.claims.owner);
        let is_oneself =
            self.r#type == kind_of(caller.subject()) && wanted == Some(uuid_of(caller.subject()));
        let sub = match wanted {
            _ if is_oneself => String::new(),
            Some(id) => format!("{slug}/{id}"),
            // Nobody can have it, and only the permitted are told so.
            None => format!("{slug}/"),
        };
        match caller.about(&sub, product) {
            Ok(about) if kind_of(about.subject) == self.r#type => Ok(Who::Known(about.subject)),
            Ok(_) => Ok(Who::Nobody),
            Err(error) if error.reason() == ErrorReason::SubjectUnknown => Ok(Who::Nobody),
            Err(error) => Err(error.into()),
        }
    }

    /// Product and resource; `None` when two places name different products.
    ///
    /// # Errors
    /// `INVALID_REQUEST` when the type is none.
    pub fn what(&self) -> Result<Option<What<'_>>> {
        let properties = self.properties.as_ref();
        let property = properties.and_then(|all| all.get(PRODUCT)?.as_str());
        let kind = check(&self.r#type, "resource.type")?;
        Ok(match (kind.split_once('/'), property) {
            (Some((product, _)), Some(other)) if product != other => None,
            (Some((product, resource)), _) => Some(What { product, resource }),
            (None, product) => Some(What {
                product: product.unwrap_or_default(),
                resource: kind,
            }),
        })
    }
}

/// A question to the gatekeeper about one subject.
pub fn ask<'a>(
    sub: &'a str,
    what: What<'a>,
    action: &'a str,
    attributes: &'a Attributes,
) -> Ask<'a> {
    Ask {
        sub,
        product: what.product,
        resource: what.resource,
        action,
        attributes,
    }
}

/// A subject as Authorize takes it; empty for the caller.
pub fn sub(caller: &Caller, subject: Subject) -> String {
    if subject == caller.subject() {
        return String::new();
    }
    let own = caller.present.organization.organization();
    let slug = own.map_or("", |own| &own.slug);
    format!("{slug}/{}", uuid_of(subject))
}

/// The id of a subject.
pub fn uuid_of(subject: Subject) -> Uuid {
    match subject {
        Subject::User(id) => id.uuid(),
        Subject::Application(id) => id.uuid(),
    }
}

/// The type of a subject.
pub fn kind_of(subject: Subject) -> &'static str {
    match subject {
        Subject::User(_) => "user",
        Subject::Application(_) => "application",
    }
}

/// Only scalars can be compared with what a grant is limited to.
fn put(attributes: &mut Attributes, name: &str, value: &Value) {
    match value {
        Value::String(text) => put_text(attributes, name, text),
        Value::Bool(_) | Value::Number(_) => put_text(attributes, name, &value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => {}
    }
}

fn put_text(attributes: &mut Attributes, name: &str, value: &str) {
    let short = |text: &str, max: usize| text.chars().nth(max).is_none();
    if !name.is_empty() && short(name, NAME_CHARS_MAX) && short(value, VALUE_CHARS_MAX) {
        attributes.insert(name.into(), value.into());
    } else {
        // An outer value must not stand in for the one that was meant.
        attributes.remove(name);
    }
}

fn lacks(field: &'static str) -> Error {
    Error::invalid(field, format!("`{field}` is missing"))
}

fn check<'a>(text: &'a str, field: &'static str) -> Result<&'a str> {
    // Product and resource, and the slash between them.
    let fits = text.chars().nth(2 * NAME_CHARS_MAX + 1).is_none();
    if text.is_empty() || !fits {
        return Err(Error::invalid(field, format!("`{field}` is not a name")));
    }
    Ok(text)
}
