//! The form of `tests/cases/*.yaml`: a small installation, and questions about it with the answers.
//!
//! It knows nothing of Gatepost's own types, so that any face of the decision can be asked the same
//! questions. Everything has a name of its own in the whole file; ids are the runner's matter.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

/// A file of cases.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    /// What the cases are about.
    pub about: String,
    /// Whether the installation serves one organization only.
    #[serde(default)]
    pub single_tenant: bool,
    /// The products of the installation, by slug.
    pub products: BTreeMap<String, Product>,
    /// The organizations, by slug; the one called `system` is the system organization.
    pub organizations: BTreeMap<String, Organization>,
    /// What is asked.
    pub questions: Vec<Question>,
}

/// What a product's manifest says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Product {
    /// Older slugs.
    pub aliases: Vec<String>,
    /// `resource:action` that it knows.
    pub declares: Vec<String>,
    /// The roles of its manifest, by name: `resource:action`, or `deny resource:action`.
    pub roles: BTreeMap<String, Vec<String>>,
    /// The roles of those that every user of every organization holds.
    pub everyone: Vec<String>,
}

/// An organization and what is in it, by name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Organization {
    /// Whether it is suspended.
    pub suspended: bool,
    /// Its users.
    pub users: BTreeMap<String, Account>,
    /// Its applications.
    pub applications: BTreeMap<String, Account>,
    /// Its groups.
    pub groups: BTreeMap<String, Group>,
    /// The roles that it made itself.
    pub roles: BTreeMap<String, Role>,
    /// Who holds which role.
    pub grants: Vec<Grant>,
}

/// A user or an application.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Account {
    /// Whether it is suspended.
    pub suspended: bool,
}

/// A group.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Group {
    /// Users that are direct members.
    pub users: Vec<String>,
    /// Groups that are direct members.
    pub groups: Vec<String>,
}

/// A role that an organization made itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// The product's slug, or an alias.
    pub product: String,
    /// `resource:action`, or `deny resource:action`.
    pub permissions: Vec<String>,
}

/// A role given to somebody.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// `user NAME`, `group NAME` or `application NAME`.
    pub to: String,
    /// The role: of a manifest, or the organization's own.
    pub role: String,
    /// When it ends.
    #[serde(default)]
    pub ends: Ends,
    /// The attributes that it is limited to.
    #[serde(default)]
    pub limits: BTreeMap<String, Vec<String>>,
}

/// When a grant ends, seen from the moment of the questions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ends {
    /// It stays.
    #[default]
    Never,
    /// It has not ended yet.
    Later,
    /// It ended before.
    Before,
}

/// A question with its answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What it shows.
    pub name: String,
    /// The slug of the organization of who wants to do it.
    pub organization: String,
    /// Who wants to do it: `user NAME` or `application NAME`; a name that is nobody's is nobody.
    pub who: String,
    /// The product's slug or an alias; none for every product that declares the permission.
    #[serde(default)]
    pub product: Option<String>,
    /// The resource.
    pub resource: String,
    /// The action.
    pub action: String,
    /// What is said of the thing that it is about.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// The reason in the answer, as the contract words it: `granted` is the only yes.
    pub expect: String,
}

impl Question {
    /// Whether the answer is yes.
    pub fn allowed(&self) -> bool {
        self.expect == "granted"
    }
}

/// What a line of a role says: resource, action, and whether it denies.
pub fn permission(line: &str) -> (&str, &str, bool) {
    let (denies, pair) = match line.strip_prefix("deny ") {
        Some(pair) => (true, pair),
        None => (false, line),
    };
    let (resource, action) = pair.split_once(':').expect("`resource:action`");
    (resource, action, denies)
}

/// A kind and a name.
pub fn named(text: &str) -> (&str, &str) {
    text.split_once(' ').expect("a kind and a name")
}

/// Every file of cases, with its name, in the order of the names.
pub fn load(folder: &Path) -> Vec<(String, Cases)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "yaml") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap();
            let cases = serde_saphyr::from_str(&text);
            all.push((
                name.clone(),
                cases.unwrap_or_else(|error| panic!("{name}: {error}")),
            ));
        }
    }
    all.sort_by(|(left, _), (right, _)| left.cmp(right));
    all
}
