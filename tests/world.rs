//! A world to test in: a real server in this process, with a clock that can be moved, and actors
//! that call it.
#![cfg(test)]

mod answer;
mod authenticator;
mod backend;
mod factor;
mod mails;
mod outbox;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gatepost::clock::{Clock, Offset, new_id};
use gatepost::serve::{Server, start};
use gatepost_client::Client;
use gatepost_proto::ErrorReason;
use gatepost_proto::identity::v1::{
    CreateApplicationRequest, CreateOrganizationRequest, CreateUserRequest, Owner,
};
use gatepost_store::{AuditDraft, Scope, Store, StoreConfig};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use backend::Backend;

pub use answer::{Answer, claims, fields, header};
pub use authenticator::{Added, Begun, Key};
pub use factor::texts;
pub use mails::{Mail, Mails};
pub use outbox::Outbox;

/// The password of everybody in a test.
pub const PASSWORD: &str = "correct horse battery staple";
/// The password of somebody who changed it.
pub const NEXT_PASSWORD: &str = "an even longer horse and its battery";
/// An id that nobody has.
pub const NOBODY: &str = "0190a5d0-ac96-774b-bcce-b302099a8057";
/// The issuer.
pub const PUBLIC_URL: &str = "https://gatepost.test";

/// A running server and its administrator.
pub struct World {
    /// Where it listens.
    pub address: SocketAddr,
    /// The first administrator: of the default organization, or of the system organization in a
    /// multi-tenant world.
    pub admin: Actor,
    offset: Arc<Offset>,
    server: Option<Server>,
    http: reqwest::Client,
    backend: Backend,
}

/// Somebody with a token.
#[derive(Clone)]
pub struct Actor {
    /// User or application id.
    pub id: String,
    /// The access token.
    pub token: String,
    /// A person's refresh token.
    pub refresh_token: String,
    /// The client with that token.
    pub client: Client,
}

impl World {
    /// A server of one organization.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A server of many organizations; the administrator is the system's.
    pub async fn start_multi_tenant() -> Self {
        Self::start_with(&[("GATEPOST_MULTI_TENANT", "true")]).await
    }

    /// A server with these settings over the test's own.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let backend = Backend::new().await;
        let config = backend.config(settings);
        let offset = Arc::new(Offset::default());
        let server = start(&config, Clock::Moved(Arc::clone(&offset)))
            .await
            .unwrap();
        let address = server.address;
        let client = Client::connect(&format!("http://{address}")).await.unwrap();
        let admin = sign_in(&client, "admin", PASSWORD).await;
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            address,
            admin,
            offset,
            server: Some(server),
            http,
            backend,
        }
    }

    /// Closes the server and starts another one on what it has left, with these settings over the
    /// test's own. What an actor's client is connected to is gone.
    pub async fn restart(&mut self, settings: &[(&str, &str)]) {
        if let Some(server) = self.server.take() {
            server.close_now().await.unwrap();
        }
        let clock = Clock::Moved(Arc::clone(&self.offset));
        let server = start(&self.backend.config(settings), clock).await;
        let server = server.unwrap();
        self.address = server.address;
        self.server = Some(server);
    }

    /// Moves the server's clock.
    pub fn advance(&self, by: Duration) {
        self.offset.advance(by);
    }

    /// Moves the server's clock, and waits until the server has proved again that it is fresh.
    pub async fn pass(&self, by: Duration) {
        self.advance(by);
        for _ in 0..100 {
            let ready = self.send(self.request(Method::GET, "/readyz")).await;
            if ready.status == StatusCode::OK {
                return;
            }
            // Nothing asks for news but a call, and this one does.
            let _ = self
                .send(self.request(Method::GET, "/.well-known/jwks.json"))
                .await;
        }
        panic!("the server does not become fresh again");
    }

    /// Changes the database of the organization of `actor` as a later RPC will, and waits until
    /// the server has seen it.
    pub async fn change(&self, actor: &Actor, doing: impl AsyncFnOnce(&Scope)) {
        let store = self.store().await;
        let organization = claims(&actor.token)["tenantId"].as_str().unwrap().parse();
        let scope = store.write(organization.unwrap()).await.unwrap();
        doing(&scope).await;
        let revision = scope.commit(unseen_hand()).await.unwrap();
        store.close().await;
        // No hint tells the server; asking for the revision makes it look.
        for _ in 0..100 {
            let request = self.request(Method::GET, "/v1/permissions");
            let request = request.header("gatepost-min-revision", revision);
            let answer = self.send(request.bearer_auth(&actor.token)).await;
            if answer.reason() != ErrorReason::RevisionAhead.name() {
                return;
            }
        }
        panic!("the server does not see revision {revision}");
    }

    /// The same database, for what no RPC does yet.
    pub async fn store(&self) -> Store {
        let mut config = StoreConfig::new(self.data());
        config.url = self
            .backend
            .database
            .as_ref()
            .map(|database| database.server_url.clone());
        Store::open(config).await.unwrap()
    }

    /// A client without a token.
    pub async fn anonymous(&self) -> Client {
        Client::connect(&self.url("")).await.unwrap()
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Signs somebody in.
    pub async fn sign_in(&self, username: &str) -> Actor {
        sign_in(&self.anonymous().await, username, PASSWORD).await
    }

    /// Makes a user in the administrator's organization and signs her in.
    pub async fn person(&self, username: &str, groups: &[&str]) -> Actor {
        self.person_of(&self.admin, username, groups).await
    }

    /// Makes a user in the organization of `admin` and signs her in.
    pub async fn person_of(&self, admin: &Actor, username: &str, groups: &[&str]) -> Actor {
        let request = CreateUserRequest {
            username: username.to_owned(),
            email: format!("{username}@example.com"),
            first_name: "Test".to_owned(),
            last_name: username.to_owned(),
            password: PASSWORD.to_owned(),
            password_hash: String::new(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        };
        admin.client.users().create_user(request).await.unwrap();
        self.sign_in(username).await
    }

    /// Makes an application in the administrator's organization and signs it in.
    pub async fn machine(&self, name: &str, roles: &[&str]) -> Actor {
        self.machine_of(&self.admin, name, roles).await
    }

    /// Makes an application in the organization of `admin` and signs it in.
    pub async fn machine_of(&self, admin: &Actor, name: &str, roles: &[&str]) -> Actor {
        let request = CreateApplicationRequest {
            name: name.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            ..CreateApplicationRequest::default()
        };
        let made = admin
            .client
            .applications()
            .create_application(request)
            .await
            .unwrap();
        let application = made.into_inner().application.unwrap();
        let client = self.anonymous().await;
        let token = client
            .client_token(&application.client_id, application.client_secret())
            .await
            .unwrap()
            .access_token
            .unwrap();
        Actor {
            id: application.id,
            client: client.with_token(&token).unwrap(),
            token,
            refresh_token: String::new(),
        }
    }

    /// Makes an organization, in a multi-tenant world, and signs its first administrator in. Her
    /// username is `admin-of-<slug>`.
    pub async fn organization(&self, slug: &str) -> Actor {
        let username = format!("admin-of-{slug}");
        let request = CreateOrganizationRequest {
            slug: slug.to_owned(),
            name: slug.to_owned(),
            owner: Some(Owner {
                email: format!("{username}@example.com"),
                username: username.clone(),
                first_name: "Admin".to_owned(),
                last_name: slug.to_owned(),
                password: PASSWORD.to_owned(),
            }),
        };
        self.admin
            .client
            .organizations()
            .create_organization(request)
            .await
            .unwrap();
        self.sign_in(&username).await
    }

    /// A request over REST, ready to be changed and sent with [`World::send`].
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, self.url(path))
    }

    /// Sends a request over REST.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.unwrap();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Answer {
            status,
            headers,
            body,
        }
    }

    /// `GET` as `actor`.
    pub async fn get(&self, actor: &Actor, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).bearer_auth(&actor.token))
            .await
    }

    /// `POST`, `PUT` or `PATCH` of a JSON body as `actor`.
    pub async fn call(&self, actor: &Actor, method: Method, path: &str, body: Value) -> Answer {
        self.send(
            self.request(method, path)
                .bearer_auth(&actor.token)
                .json(&body),
        )
        .await
    }

    /// `POST` of a JSON body as `actor`.
    pub async fn post(&self, actor: &Actor, path: &str, body: Value) -> Answer {
        self.call(actor, Method::POST, path, body).await
    }

    /// `PATCH` of a JSON body as `actor`.
    pub async fn patch(&self, actor: &Actor, path: &str, body: Value) -> Answer {
        self.call(actor, Method::PATCH, path, body).await
    }

    /// `PUT` as `actor`.
    pub async fn put(&self, actor: &Actor, path: &str) -> Answer {
        self.call(actor, Method::PUT, path, json!({})).await
    }

    /// `POST` of a JSON body by nobody.
    pub async fn post_openly(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).json(&body))
            .await
    }

    /// `DELETE` as `actor`.
    pub async fn delete(&self, actor: &Actor, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path).bearer_auth(&actor.token))
            .await
    }

    /// The answer of `POST /v1/authorize`.
    pub async fn authorize(
        &self,
        actor: &Actor,
        product: &str,
        resource: &str,
        action: &str,
    ) -> Answer {
        let body = json!({"product": product, "resource": resource, "action": action});
        self.call(actor, Method::POST, "/v1/authorize", body).await
    }

    /// Whether `actor` may, by `POST /v1/authorize`.
    #[track_caller]
    pub fn may(
        &self,
        actor: &Actor,
        product: &str,
        resource: &str,
        action: &str,
    ) -> impl Future<Output = bool> {
        let place = std::panic::Location::caller();
        async move {
            let answer = self.authorize(actor, product, resource, action).await;
            let authorized = answer.body["authorized"].as_bool();
            authorized.unwrap_or_else(|| panic!("{place}: no decision: {}", answer.body))
        }
    }

    /// What the audit log tells of a call of the administrator that succeeded.
    pub async fn audit(&self, answer: &Answer, action: &str) -> Value {
        self.audit_of(&self.admin, answer, action).await
    }

    /// What the audit log tells of a call of `actor` that succeeded, checked for what all records
    /// have in common.
    pub async fn audit_of(&self, actor: &Actor, answer: &Answer, action: &str) -> Value {
        let path = format!("/v1/audit-events?limit=100&action={action}");
        let list = self.get(actor, &path).await;
        let request_id = answer.header("x-request-id");
        let events = list.is(200)["items"].as_array().unwrap();
        let mut events = events
            .iter()
            .filter(|event| event["requestId"] == *request_id);
        let event = events.next().unwrap_or_else(|| {
            panic!("the audit log does not tell of `{action}`: {}", list.body);
        });
        assert!(events.next().is_none(), "one call, one record");
        assert_eq!(event["actorId"], *actor.id.rsplit('/').next().unwrap());
        assert_eq!(event["action"], *action);
        assert_eq!(event["outcome"], "success");
        assert_eq!(event["revision"], *answer.header("gatepost-revision"));
        let text = event.to_string();
        for secret in [PASSWORD, NEXT_PASSWORD, "$argon2", "gps_", "gpr_"] {
            assert!(!text.contains(secret), "a secret in {text}");
        }
        event.clone()
    }

    /// The rounds of hashing that the server did for passwords so far, by what they are rounds of.
    pub fn password_rounds(&self) -> BTreeMap<String, u64> {
        let server = self.server.as_ref();
        server.map(Server::password_rounds).unwrap_or_default()
    }

    /// The data folder of the server.
    pub fn data(&self) -> &std::path::Path {
        self.backend.data.path()
    }

    /// Everything that the database holds, of one that is no file in that folder.
    pub fn dump(&self) -> Option<String> {
        self.backend.dump()
    }

    /// Whether volume is counted by Valkey, and not in the server's own process.
    pub fn counts_by_valkey(&self) -> bool {
        self.backend.valkey.is_some()
    }

    /// Closes the server; dropping the world does it less politely.
    pub async fn close(mut self) {
        if let Some(server) = self.server.take() {
            server.close_now().await.unwrap();
        }
    }
}

/// The audit record of what a test does behind the server's back.
pub fn unseen_hand() -> AuditDraft {
    let now = Clock::System.now();
    AuditDraft {
        id: new_id(now),
        at: now,
        actor: gatepost_store::Actor {
            kind: "operator".to_owned(),
            id: String::new(),
            name: "test".to_owned(),
        },
        action: "test.change".to_owned(),
        target: None,
        before: None,
        after: None,
        outcome: "success".to_owned(),
        reason: None,
        request_id: None,
        address: None,
    }
}

async fn sign_in(client: &Client, username: &str, password: &str) -> Actor {
    let token = client.password_token(username, password).await.unwrap();
    let client = client.with_token(token.access_token()).unwrap();
    let info = client
        .auth()
        .get_user_info(gatepost_proto::auth::v1::GetUserInfoRequest {})
        .await
        .unwrap();
    Actor {
        id: info.into_inner().sub,
        client,
        refresh_token: token.refresh_token().to_owned(),
        token: token.access_token.unwrap(),
    }
}
