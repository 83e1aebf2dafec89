//! A founded installation with two organizations, on one engine or the other.

use std::sync::atomic::{AtomicU64, Ordering};

use gatepost_core::{
    Algorithm, ApplicationId, AttributeLimit, CredentialId, Fact, GrantSubject, GroupId,
    OrganizationId, RoleId, SessionId, Status, UserId,
};
use gatepost_store::{
    Actor, Application, AuditDraft, ClientSettings, Credential, Device, FactParts, Facts, Grant,
    Group, Installation, Organization, PasswordHash, Proof, Role, Session, Store, StoreConfig,
    User,
};
use sea_orm::{Database, DatabaseConnection};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::servers::postgres::{PostgresDatabase, shared};

/// Ids are unique among all worlds of the process.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

pub struct World {
    pub store: Store,
    pub config: StoreConfig,
    pub system: OrganizationId,
    pub acme: OrganizationId,
    pub globex: OrganizationId,
    pub now: OffsetDateTime,
    /// The address of the tables' owner.
    pub owner_url: String,
    pub database: Option<PostgresDatabase>,
    pub folder: TempDir,
}

pub fn id<T: From<Uuid>>() -> T {
    let number = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    T::from(Uuid::from_u128(
        0x0190_0000_0000_7000_8000_0000_0000_0000 | u128::from(number),
    ))
}

pub fn draft(action: &str) -> AuditDraft {
    AuditDraft {
        id: id(),
        at: now(),
        actor: Actor {
            kind: "user".into(),
            id: "somebody".into(),
            name: "Some Body".into(),
        },
        action: action.into(),
        target: None,
        before: None,
        after: None,
        outcome: "done".into(),
        reason: None,
        request_id: Some("request".into()),
        address: Some("127.0.0.1".into()),
    }
}

pub fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
}

pub fn user(name: &str) -> User {
    User {
        id: id(),
        username: name.into(),
        username_key: name.to_lowercase(),
        email: Some(format!("{name}@example.com")),
        email_key: Some(format!("{}@example.com", name.to_lowercase())),
        email_verified: false,
        first_name: "Some".into(),
        last_name: "Body".into(),
        password_hash: PasswordHash("hash".into()),
        status: Status::Active,
        created_at: now(),
        updated_at: now(),
    }
}

pub fn group(name: &str) -> Group {
    Group {
        id: id(),
        name: name.into(),
        name_key: name.to_lowercase(),
        built_in: false,
        created_at: now(),
    }
}

pub fn role(name: &str) -> Role {
    Role {
        id: id(),
        product: "midaz".into(),
        name: name.into(),
        name_key: name.to_lowercase(),
        description: "what it is for".into(),
        permissions: vec![gatepost_core::RolePermission {
            resource: "ledgers".into(),
            action: "*".into(),
            effect: gatepost_core::Effect::Allow,
        }],
        built_in: false,
        created_at: now(),
    }
}

/// A grant that lasts for an hour, for one ledger.
pub fn limited(subject: GrantSubject, role: RoleId) -> Grant {
    Grant {
        until: Some(now().unix_timestamp() + 3600),
        limits: vec![AttributeLimit {
            attribute: "ledger_id".into(),
            values: vec!["1".into(), "2".into()],
        }],
        ..Grant::plain(subject, role)
    }
}

pub fn application(name: &str) -> Application {
    Application {
        id: id(),
        name: name.into(),
        name_key: name.to_lowercase(),
        description: String::new(),
        client_id: id::<Uuid>().to_string(),
        token_algorithm: Algorithm::EdDSA,
        status: Status::Active,
        created_at: now(),
        settings: ClientSettings::default(),
    }
}

pub fn credential(application: ApplicationId) -> Credential {
    Credential {
        id: id::<CredentialId>(),
        application,
        proof: Proof::Secret(vec![7; 32]),
        created_at: now(),
    }
}

pub fn session(user: UserId) -> Session {
    Session {
        id: id::<SessionId>(),
        user,
        application: None,
        created_at: now(),
        expires_at: now() + Duration::DAY,
        ended_at: None,
        ended_until: None,
        within: None,
        scope: "openid".into(),
        generation: 0,
        rotated_at: None,
        last_seen_at: now(),
        device: Device {
            address: "192.0.2.1".into(),
            agent: "browser/1".into(),
        },
        methods: vec!["pwd".into()],
        signed_in_at: now(),
        resources: vec!["https://api.test".into()],
        claims: vec!["email".into()],
        issuer: "https://gatepost.test/o/acme".into(),
    }
}

pub fn organization(slug: &str, created_at: OffsetDateTime) -> Organization {
    Organization {
        id: id(),
        slug: slug.into(),
        name: format!("The {slug}"),
        status: Status::Active,
        created_at,
        accent_color: "#0a6c74".into(),
        password_sign_in: true,
    }
}

impl World {
    pub async fn sqlite() -> Self {
        let world = Self::unfounded(None).await;
        world.founded().await
    }

    pub async fn postgres() -> Self {
        // Its start takes seconds and must not stand in the way of other tests.
        let database = tokio::task::spawn_blocking(|| shared().database())
            .await
            .unwrap();
        Self::unfounded(Some(database)).await.founded().await
    }

    /// A migrated database with nothing in it.
    async fn unfounded(database: Option<PostgresDatabase>) -> Self {
        let world = Self::unmigrated(database).await;
        world.store.migrate(now()).await.unwrap();
        world
    }

    /// An empty database.
    async fn unmigrated(database: Option<PostgresDatabase>) -> Self {
        let folder = TempDir::with_prefix("gatepost-store-").unwrap();
        let mut config = StoreConfig::new(folder.path());
        config.connections_max = 8;
        let mut owner_url = format!("sqlite:{}/gatepost.db", folder.path().display());
        if let Some(database) = &database {
            config.url = Some(database.server_url.clone());
            config.migration_url = Some(database.owner_url.clone());
            owner_url.clone_from(&database.owner_url);
        }
        let store = Store::open(config.clone()).await.unwrap();
        Self {
            store,
            config,
            system: id(),
            acme: id(),
            globex: id(),
            now: now(),
            owner_url,
            database,
            folder,
        }
    }

    /// What the first start does: the system organization, and two more.
    async fn founded(mut self) -> Self {
        let system = organization("system", self.now);
        let acme = organization("acme", self.now + Duration::SECOND);
        let globex = organization("globex", self.now + Duration::seconds(2));
        (self.system, self.acme, self.globex) = (system.id, acme.id, globex.id);
        let installation = self.installation();
        let tx = self
            .store
            .found(&installation, &system)
            .await
            .unwrap()
            .unwrap();
        tx.organizations().insert(&acme).await.unwrap();
        tx.organizations().insert(&globex).await.unwrap();
        assert_eq!(tx.commit(draft("found")).await.unwrap(), 1);
        self
    }

    pub fn installation(&self) -> Installation {
        Installation {
            public_url: "https://gatepost.example".into(),
            master_key_check: vec![1, 2, 3],
            system_organization: self.system,
            default_organization: self.acme,
            created_at: self.now,
        }
    }

    /// Another database like this one, migrated and not founded.
    pub async fn beside(&self) -> Self {
        let world = self.empty_beside().await;
        world.store.migrate(now()).await.unwrap();
        world
    }

    /// Another database like this one, empty.
    pub async fn empty_beside(&self) -> Self {
        let mut database = None;
        if self.database.is_some() {
            let made = tokio::task::spawn_blocking(|| shared().database());
            database = Some(made.await.unwrap());
        }
        Self::unmigrated(database).await
    }

    /// All facts of an organization now.
    pub async fn facts(&self, organization: OrganizationId) -> Facts<Vec<Fact>> {
        all(self.store.feed().facts(organization, now()).await.unwrap()).await
    }

    /// Another replica on the same database.
    pub async fn replica(&self) -> Store {
        Store::open(self.config.clone()).await.unwrap()
    }

    /// Past the store, to what it wrote.
    pub async fn behind(&self) -> DatabaseConnection {
        Database::connect(&self.owner_url).await.unwrap()
    }

    /// Adds a user to acme.
    pub async fn add_user(&self, name: &str) -> User {
        let user = user(name);
        let tx = self.store.write(self.acme).await.unwrap();
        tx.users().insert(&user).await.unwrap();
        tx.commit(draft("user.create")).await.unwrap();
        user
    }

    /// Adds a group to acme.
    pub async fn add_group(&self, name: &str) -> GroupId {
        let group = group(name);
        let tx = self.store.write(self.acme).await.unwrap();
        tx.groups().insert(&group).await.unwrap();
        tx.commit(draft("group.create")).await.unwrap();
        group.id
    }

    /// Adds a role to acme.
    pub async fn add_role(&self, name: &str) -> RoleId {
        let role = role(name);
        let tx = self.store.write(self.acme).await.unwrap();
        tx.roles().insert(&role).await.unwrap();
        tx.commit(draft("role.create")).await.unwrap();
        role.id
    }

    /// Adds a live session of a user of acme, with a refresh token.
    pub async fn add_session(&self, user: UserId) -> Session {
        let session = session(user);
        let tx = self.store.write(self.acme).await.unwrap();
        tx.sessions().insert(&session).await.unwrap();
        tx.commit(draft("session.create")).await.unwrap();
        session
    }
}

/// All parts at once.
pub async fn all(mut facts: Facts<FactParts>) -> Facts<Vec<Fact>> {
    let mut all = Vec::new();
    while let Some(part) = facts.parts.next().await.unwrap() {
        all.extend(part);
    }
    Facts {
        revision: facts.revision,
        epoch: facts.epoch,
        age_us: facts.age_us,
        parts: all,
    }
}
