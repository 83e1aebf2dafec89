//! An installation made from cases: rows put behind the server's back, and tokens for everybody.

use std::collections::BTreeMap;

use gatepost::clock::{Clock, new_id};
use gatepost_core::name::key;
use gatepost_core::{
    ApplicationId, AttributeLimit, Effect, GrantSubject, GroupId, Member, OrganizationId, Question,
    Reason, RoleId, RolePermission, Route, Snapshot, SnapshotBuilder, Status, Subject, UserId,
    View, decide,
};
use gatepost_store::{Grant, Group, Manifest, PasswordHash, Role, Scope, Store, User};
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::faces::{Answer, Asking};
use super::format::{Cases, Ends, Organization, named, permission};
use super::{generated, slug};
use crate::world::{Actor, World, claims, unseen_hand};

/// Before the names of accounts: some are the names of those that are there.
const PREFIX: &str = "case-";

/// An installation and its people.
pub struct Setting {
    pub world: World,
    /// The administrator of each organization.
    pub admins: BTreeMap<String, Actor>,
    /// Everybody, by slug and `user NAME` or `application NAME`.
    pub actors: BTreeMap<(String, String), Actor>,
    /// What the server knows, by slug.
    snapshots: BTreeMap<String, Snapshot>,
    single_tenant: bool,
}

/// What is made while an installation is.
struct Making<'a> {
    cases: &'a Cases,
    store: Store,
    password: PasswordHash,
    now: OffsetDateTime,
    ids: BTreeMap<(String, String), Uuid>,
}

impl Setting {
    /// Makes the installation of these cases.
    pub async fn new(cases: &Cases) -> Self {
        let world = if cases.single_tenant {
            World::start().await
        } else {
            World::start_multi_tenant().await
        };
        let mut admins = BTreeMap::new();
        for name in cases.organizations.keys() {
            let admin = match slug(cases, name) {
                "system" | "default" => world.admin.clone(),
                slug => world.organization(slug).await,
            };
            admins.insert(slug(cases, name).to_owned(), admin);
        }
        let store = world.store().await;
        let sign_in = store.sign_in().await.unwrap();
        let (_, admin) = sign_in.oldest_of_username("admin").await.unwrap().unwrap();
        drop(sign_in);
        let mut making = Making {
            cases,
            store,
            password: admin.password_hash,
            now: Clock::System.now(),
            ids: BTreeMap::new(),
        };
        let mut actors = BTreeMap::new();
        for (name, organization) in &cases.organizations {
            let slug = slug(cases, name).to_owned();
            for name in organization.applications.keys() {
                let actor = world.machine_of(&admins[&slug], name, &[]).await;
                let id = actor.id.parse().unwrap();
                let who = format!("application {name}");
                making.ids.insert((slug.clone(), who.clone()), id);
                actors.insert((slug.clone(), who), actor);
            }
        }
        making.publish().await;
        for (name, organization) in &cases.organizations {
            let slug = slug(cases, name);
            making.furnish(slug, &admins[slug], organization).await;
        }
        for (name, organization) in &cases.organizations {
            let slug = slug(cases, name);
            for name in organization.users.keys() {
                let actor = world.sign_in(&format!("{PREFIX}{name}")).await;
                actors.insert((slug.to_owned(), format!("user {name}")), actor);
            }
        }
        for (name, organization) in &cases.organizations {
            let slug = slug(cases, name);
            making.suspend(slug, &admins[slug], organization).await;
        }
        let snapshots = making.snapshots(&world, &admins).await;
        making.store.close().await;
        Self {
            world,
            admins,
            actors,
            snapshots,
            single_tenant: cases.single_tenant,
        }
    }

    /// The answer of the core, from what the store says.
    pub fn decide(&self, asking: &Asking) -> Answer {
        let slug = &asking.organization;
        let who = self.actors[&(slug.clone(), asking.who.clone())].id.parse();
        let subject = match named(&asking.who).0 {
            "user" => Subject::User(UserId::new(who.unwrap())),
            _ => Subject::Application(ApplicationId::new(who.unwrap())),
        };
        let view = View {
            system: &self.snapshots["system"],
            organization: &self.snapshots[slug],
            single_tenant: self.single_tenant,
            now_s: Clock::System.now().unix_timestamp(),
        };
        let question = Question {
            product: asking.product.as_deref(),
            resource: &asking.resource,
            action: &asking.action,
            attributes: &asking.attributes,
        };
        let decision = decide(view, subject, question);
        Answer {
            allowed: decision.allowed,
            reason: word(decision.reason).to_owned(),
        }
    }
}

/// A reason in the words of Authorize.
fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::Granted => "granted",
        Reason::Denied => "denied",
        Reason::NoGrant => "permission",
        Reason::AttributesUnmet => "attributes",
        Reason::StrongerSignIn => "stronger_sign_in",
        Reason::UnknownProduct => "unknown_product",
        Reason::UnknownPermission => "unknown_permission",
        Reason::SubjectUnknown => "subject_unknown",
        Reason::OrganizationSuspended | Reason::SubjectSuspended => "subject_disabled",
    }
}

/// Waits until the server knows everything that was put behind its back.
async fn wait_until_seen(world: &World, actor: &Actor) {
    let body = json!({"resource": "a", "action": "b", "consistency": "CONSISTENCY_FRESH"});
    for _ in 0..100 {
        let answer = world.post(actor, "/v1/authorize", body.clone()).await;
        // Who is suspended gets no decision, but that is known.
        if matches!(answer.status.as_u16(), 200 | 401) {
            return;
        }
    }
    panic!("the server does not become fresh");
}

fn organization_of(actor: &Actor) -> OrganizationId {
    claims(&actor.token)["tenantId"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap()
}

fn lines(texts: &[String]) -> Vec<RolePermission> {
    let line = |text: &String| {
        let (resource, action, denies) = permission(text);
        RolePermission {
            resource: resource.to_owned(),
            action: action.to_owned(),
            effect: if denies { Effect::Deny } else { Effect::Allow },
        }
    };
    texts.iter().map(line).collect()
}

impl Making<'_> {
    async fn system(&self) -> OrganizationId {
        let sign_in = self.store.sign_in().await.unwrap();
        sign_in
            .organization_by_slug("system")
            .await
            .unwrap()
            .unwrap()
            .id
    }

    fn role(&self, name: &str, product: &str, texts: &[String], built_in: bool) -> Role {
        Role {
            id: RoleId::new(new_id(self.now)),
            product: product.to_owned(),
            name: name.to_owned(),
            name_key: key(name),
            description: String::new(),
            permissions: lines(texts),
            built_in,
            created_at: self.now,
        }
    }

    /// Publishes the products of the cases. Those that the server came with say nothing any more,
    /// but for Gatepost itself, by which administrators may ask.
    async fn publish(&mut self) {
        let scope = self.store.write(self.system().await).await.unwrap();
        let present = scope.manifests().list().await.unwrap();
        for mut other in present {
            if other.slug != "gatepost" && !self.cases.products.contains_key(&other.slug) {
                other.declared.clear();
                other.everyone.clear();
                scope.manifests().publish(&other, &[]).await.unwrap();
            }
        }
        for (slug, product) in &self.cases.products {
            let declared = product.declares.iter().map(|text| {
                let (resource, action, _) = permission(text);
                (resource.to_owned(), action.to_owned())
            });
            let manifest = Manifest {
                slug: slug.clone(),
                hash: "cases".to_owned(),
                version: String::new(),
                document: format!(r#"{{"service":"{slug}"}}"#),
                aliases: product.aliases.clone(),
                declared: declared.collect(),
                everyone: product.everyone.clone(),
                routes: routes(&product.declares),
                demands: Vec::new(),
                published_at: self.now,
            };
            let roles = product.roles.iter();
            let roles = roles.map(|(name, texts)| self.role(name, slug, texts, true));
            let roles: Vec<Role> = roles.collect();
            let published = scope.manifests().publish(&manifest, &roles).await.unwrap();
            for role in published.roles {
                let id = (String::new(), format!("role {}", role.name));
                self.ids.insert(id, role.id.uuid());
            }
        }
        scope.commit(unseen_hand()).await.unwrap();
    }

    async fn furnish(&mut self, slug: &str, admin: &Actor, organization: &Organization) {
        let scope = self.store.write(organization_of(admin)).await.unwrap();
        for name in organization.users.keys() {
            let id = self.new_id(slug, "user", name);
            scope.users().insert(&self.user(id, name)).await.unwrap();
        }
        for name in organization.groups.keys() {
            let id = self.new_id(slug, "group", name);
            let group = Group {
                id: GroupId::new(id),
                name: name.clone(),
                name_key: key(name),
                built_in: false,
                created_at: self.now,
            };
            scope.groups().insert(&group).await.unwrap();
        }
        for (name, group) in &organization.groups {
            let id = GroupId::new(self.id(slug, "group", name));
            let users = group.users.iter().map(|name| self.id(slug, "user", name));
            let users = users.map(|id| Member::User(UserId::new(id)));
            let groups = group.groups.iter().map(|name| self.id(slug, "group", name));
            let groups = groups.map(|id| Member::Group(GroupId::new(id)));
            for member in users.chain(groups) {
                scope.groups().add_member(id, member).await.unwrap();
            }
        }
        for (name, role) in &organization.roles {
            let made = self.role(name, &role.product, &role.permissions, false);
            let id = (slug.to_owned(), format!("role {name}"));
            self.ids.insert(id, made.id.uuid());
            scope.roles().insert(&made).await.unwrap();
        }
        self.give(slug, &scope, organization).await;
        scope.commit(unseen_hand()).await.unwrap();
    }

    async fn give(&self, slug: &str, scope: &Scope, organization: &Organization) {
        for grant in &organization.grants {
            let (kind, name) = named(&grant.to);
            let holder = self.id(slug, kind, name);
            let role = self
                .ids
                .get(&(slug.to_owned(), format!("role {}", grant.role)));
            let role = role
                .copied()
                .unwrap_or_else(|| self.id("", "role", &grant.role));
            let now_s = self.now.unix_timestamp();
            let limits = grant.limits.iter().map(|(attribute, values)| {
                let mut values = values.clone();
                values.sort_unstable();
                AttributeLimit {
                    attribute: attribute.clone(),
                    values,
                }
            });
            let grant = Grant {
                subject: match kind {
                    "user" => GrantSubject::User(UserId::new(holder)),
                    "group" => GrantSubject::Group(GroupId::new(holder)),
                    _ => GrantSubject::Application(ApplicationId::new(holder)),
                },
                role: RoleId::new(role),
                until: match grant.ends {
                    Ends::Never => None,
                    Ends::Later => Some(now_s + 3600),
                    Ends::Before => Some(now_s - 1),
                },
                limits: limits.collect(),
            };
            scope.grants().give(&grant).await.unwrap();
        }
    }

    async fn suspend(&self, slug: &str, admin: &Actor, organization: &Organization) {
        let id = organization_of(admin);
        let scope = self.store.write(id).await.unwrap();
        for (name, account) in &organization.users {
            if account.suspended {
                let mut user = self.user(self.id(slug, "user", name), name);
                user.status = Status::Suspended;
                scope.users().update(&user).await.unwrap();
            }
        }
        for (name, account) in &organization.applications {
            if account.suspended {
                let id = ApplicationId::new(self.id(slug, "application", name));
                let mut application = scope.applications().get(id).await.unwrap().unwrap();
                application.status = Status::Suspended;
                scope.applications().update(&application).await.unwrap();
            }
        }
        scope.commit(unseen_hand()).await.unwrap();
        if organization.suspended {
            let scope = self.store.write(self.system().await).await.unwrap();
            let mut suspended = scope.organizations().get(id).await.unwrap().unwrap();
            suspended.status = Status::Suspended;
            scope.organizations().update(&suspended).await.unwrap();
            scope.commit(unseen_hand()).await.unwrap();
        }
    }

    /// What the store says, once the server has seen it.
    async fn snapshots(
        &self,
        world: &World,
        admins: &BTreeMap<String, Actor>,
    ) -> BTreeMap<String, Snapshot> {
        let mut all = vec![("system".to_owned(), self.system().await)];
        all.extend(
            admins
                .iter()
                .map(|(slug, admin)| (slug.clone(), organization_of(admin))),
        );
        let mut snapshots = BTreeMap::new();
        wait_until_seen(world, &world.admin).await;
        for admin in admins.values() {
            wait_until_seen(world, admin).await;
        }
        for (slug, organization) in all {
            let feed = self.store.feed();
            let mut facts = feed.facts(organization, self.now).await.unwrap();
            let mut builder = SnapshotBuilder::new(organization, facts.revision);
            while let Some(part) = facts.parts.next().await.unwrap() {
                builder.add(part);
            }
            snapshots.insert(slug, builder.build());
        }
        snapshots
    }

    fn user(&self, id: Uuid, name: &str) -> User {
        let username = format!("{PREFIX}{name}");
        User {
            id: UserId::new(id),
            username_key: key(&username),
            username,
            email: None,
            email_key: None,
            email_verified: false,
            first_name: String::new(),
            last_name: String::new(),
            password_hash: self.password.clone(),
            status: Status::Active,
            created_at: self.now,
            updated_at: self.now,
        }
    }

    fn new_id(&mut self, slug: &str, kind: &str, name: &str) -> Uuid {
        let id = new_id(self.now);
        self.ids
            .insert((slug.to_owned(), format!("{kind} {name}")), id);
        id
    }

    fn id(&self, slug: &str, kind: &str, name: &str) -> Uuid {
        self.ids[&(slug.to_owned(), format!("{kind} {name}"))]
    }
}

/// A route for each permission, with and without what is said of a thing.
fn routes(declares: &[String]) -> Vec<Route> {
    let permissions = declares.iter().map(|text| permission(text));
    let routes = permissions.flat_map(|(resource, action, _)| {
        let paths = [
            format!("/{resource}/{action}"),
            format!("/{resource}/{action}/{{{}}}", generated::ATTRIBUTE),
        ];
        paths.map(|path| Route {
            methods: vec!["GET".to_owned()],
            path,
            resource: resource.to_owned(),
            action: action.to_owned(),
        })
    });
    routes.collect()
}
