//! A gate in front of a small world that never changes, for those who throw things at the edges.
//!
//! In the organization `acme` Ann may get items, and put those with the id `7` or `a b`; secrets
//! are denied to her. The product `shop` has routes for all of that.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use axum::Router;
use axum::body::{Body, to_bytes};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use futures::{StreamExt as _, stream};
use gatepost_core::claims::{AccessClaims, TYPE_USER};
use gatepost_core::feed::{Facts, Head, Heads, Steps};
use gatepost_core::{
    Algorithm, AttributeLimit, Effect, Fact, GrantSubject, OrganizationId, Revision, RoleId,
    RolePermission, Route, Status, UserId,
};
use gatepost_proto::envoy::check_response::HttpResponse;
use gatepost_proto::envoy::{CheckRequest, CheckResponse};
use gatepost_replica::{
    FactParts, Gatekeeper, Hints, Result, SnapshotConfig, Snapshots, Source, Verifier,
};
use http::Request;
use http::header::AUTHORIZATION;
use prost::Message as _;
use serde_json::json;
use time::OffsetDateTime;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::clock::Clock;
use crate::context::Arrival;
use crate::edge::{self, envoy};

const ISSUER: &str = "https://gatepost.test";
const KID: &str = "k";
/// The world never changes, so it is never stale.
const FOR_EVER: Duration = Duration::from_hours(100 * 365 * 24);
const BODY_BYTES_MAX: usize = 16 << 20;

const SYSTEM: OrganizationId = OrganizationId::new(Uuid::from_u128(1));
const ACME: OrganizationId = OrganizationId::new(Uuid::from_u128(2));
const ANN: UserId = UserId::new(Uuid::from_u128(3));
const BOB: UserId = UserId::new(Uuid::from_u128(4));
const SESSION: Uuid = Uuid::from_u128(5);

/// The gate, and Ann's token.
pub struct Gate {
    /// What is behind it.
    pub(crate) gatekeeper: Arc<Gatekeeper>,
    router: Router,
    runtime: tokio::runtime::Runtime,
    /// Ann's.
    pub token: String,
}

impl Gate {
    /// Opens the gate.
    ///
    /// # Errors
    /// What the machine lacks.
    pub fn open() -> anyhow::Result<Self> {
        Self::within(FOR_EVER)
    }

    /// Opens the gate of a replica that knows nothing newer than this bound; nobody tells it more.
    pub(crate) fn within(bound: Duration) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())?;
        let key = Ed25519KeyPair::from_pkcs8(document.as_ref())?;
        let world = Arc::new(World {
            jwk: json!({
                "kty": "OKP", "crv": "Ed25519", "x": BASE64.encode(key.public_key()),
            })
            .to_string(),
        });
        let clock = Clock::System;
        let config = SnapshotConfig {
            system: SYSTEM,
            bound,
            single_tenant: false,
            budget_bytes: usize::MAX,
            products: None,
            serves_system: true,
        };
        let snapshots = runtime.block_on(Snapshots::open(world, clock.clone(), config))?;
        let verifier = Verifier::new(
            ISSUER.to_owned(),
            FOR_EVER,
            clock.clone(),
            Arc::clone(&snapshots),
        );
        let token = token(&key, clock.now())?;
        let gatekeeper = Arc::new(Gatekeeper {
            snapshots,
            verifier,
            clock,
        });
        Ok(Self {
            router: edge::router(&gatekeeper, None, ISSUER),
            gatekeeper,
            runtime,
            token,
        })
    }

    /// Whether Envoy's question lets a request pass; `None` when it is no such question.
    pub fn envoy(&self, message: &[u8]) -> Option<bool> {
        let question = CheckRequest::decode(message).ok()?;
        let answer = self.check(&question);
        Some(matches!(
            answer.http_response,
            Some(HttpResponse::OkResponse(_))
        ))
    }

    /// The answer to Envoy's question.
    pub fn check(&self, question: &CheckRequest) -> CheckResponse {
        let context = question.attributes.clone().unwrap_or_default();
        let answer = envoy::answer(&self.gatekeeper, &context, Arrival::inside);
        self.runtime.block_on(answer)
    }

    /// Status and body of the answer to what is posted; `None` when no such request can be sent.
    pub fn post(&self, path: &str, token: Option<&str>, body: Vec<u8>) -> Option<(u16, Vec<u8>)> {
        let mut request = Request::post(path);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        Some(self.http(request.body(Body::from(body)).ok()?))
    }

    /// The status that forward-auth answers; `None` when no such request can be sent.
    pub fn forward_auth(&self, query: &str, headers: &[(&str, &[u8])]) -> Option<u16> {
        let mut request = Request::get(format!("/forward-auth?{query}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Some(self.http(request.body(Body::empty()).ok()?).0)
    }

    /// Status and body of the answer to a request of HTTP.
    pub fn http(&self, request: Request<Body>) -> (u16, Vec<u8>) {
        self.runtime.block_on(async {
            // A router never fails.
            let Ok(answer) = self.router.clone().oneshot(request).await;
            let status = answer.status().as_u16();
            let body = to_bytes(answer.into_body(), BODY_BYTES_MAX).await;
            (status, body.unwrap_or_default().into())
        })
    }
}

fn token(key: &Ed25519KeyPair, now: OffsetDateTime) -> anyhow::Result<String> {
    let now_s = now.unix_timestamp();
    let claims = AccessClaims {
        iss: ISSUER.to_owned(),
        aud: vec![ISSUER.to_owned()],
        sub: ANN.to_string(),
        iat: now_s,
        nbf: now_s,
        exp: i64::MAX,
        jti: String::new(),
        sid: SESSION.to_string(),
        azp: None,
        client_id: None,
        scope: String::new(),
        rev: 1,
        r#type: TYPE_USER.to_owned(),
        owner: "acme".to_owned(),
        name: "ann".to_owned(),
        acr: String::new(),
        amr: Vec::new(),
        auth_time: 0,
        display_name: "Ann".to_owned(),
        tenant_id: ACME.to_string(),
        tenant_slug: "acme".to_owned(),
    };
    let header = json!({ "alg": "EdDSA", "typ": gatepost_replica::ACCESS_TYPE, "kid": KID });
    let claims = serde_json::to_vec(&claims)?;
    let signed = format!(
        "{}.{}",
        BASE64.encode(header.to_string()),
        BASE64.encode(claims)
    );
    let signature = BASE64.encode(key.sign(signed.as_bytes()));
    Ok(format!("{signed}.{signature}"))
}

/// The facts.
struct World {
    jwk: String,
}

#[tonic::async_trait]
impl Source for World {
    async fn heads(
        &self,
        organizations: &[OrganizationId],
        _: std::time::Duration,
    ) -> Result<Heads> {
        let heads = organizations.iter().map(|organization| Head {
            organization: *organization,
            revision: 1,
            epoch: 1,
        });
        let now = Clock::System.now().unix_timestamp_nanos() / 1_000;
        Ok(Heads {
            heads: heads.collect(),
            time_us: i64::try_from(now).unwrap_or(i64::MAX),
            age_us: 0,
        })
    }

    async fn facts(
        &self,
        organization: OrganizationId,
        _: OffsetDateTime,
    ) -> Result<Option<Facts<FactParts<'_>>>> {
        let facts = if organization == SYSTEM {
            system(&self.jwk)
        } else if organization == ACME {
            acme()
        } else {
            return Ok(None);
        };
        Ok(Some(Facts {
            revision: 1,
            epoch: 1,
            age_us: 0,
            parts: stream::iter([Ok(facts)]).boxed(),
        }))
    }

    async fn changes(&self, _: Head, _: Revision) -> Result<Option<Steps>> {
        Ok(None)
    }

    async fn leave_connections(&self) {}

    fn hints(self: Arc<Self>) -> Hints {
        futures::stream::pending().boxed()
    }
}

fn organization(id: OrganizationId, slug: &str) -> Fact {
    Fact::Organization {
        id,
        slug: slug.to_owned(),
        name: slug.to_owned(),
        status: Status::Active,
    }
}

fn route(method: &str, path: &str, resource: &str, action: &str) -> Route {
    Route {
        methods: vec![method.to_owned()],
        path: path.to_owned(),
        resource: resource.to_owned(),
        action: action.to_owned(),
    }
}

fn role(number: u128, resource: &str, action: &str, effect: Effect) -> Fact {
    Fact::Role {
        id: RoleId::new(Uuid::from_u128(number)),
        product: "shop".to_owned(),
        name: format!("role-{number}"),
        permissions: vec![RolePermission {
            resource: resource.to_owned(),
            action: action.to_owned(),
            effect,
        }],
        built_in: true,
    }
}

fn system(jwk: &str) -> Vec<Fact> {
    let declared = [("items", "get"), ("items", "put"), ("secrets", "get")];
    let declared = declared.map(|(resource, action)| (resource.to_owned(), action.to_owned()));
    vec![
        organization(SYSTEM, "system"),
        organization(ACME, "acme"),
        Fact::SigningKey {
            kid: KID.to_owned(),
            algorithm: Algorithm::EdDSA,
            jwk: jwk.to_owned(),
            signs: true,
        },
        Fact::Product {
            demands: Vec::new(),
            slug: "shop".to_owned(),
            aliases: vec!["old-shop".to_owned()],
            declared: declared.into(),
            everyone: Vec::new(),
            routes: vec![
                route("GET", "/v1/items/{item_id}", "items", "get"),
                route("PUT", "/v1/items/{item_id}", "items", "put"),
                route("POST", "/v1/items:search", "items", "get"),
                route("POST", "/shop.v1.Items/*", "items", "get"),
                route("GET", "/v1/secrets", "secrets", "get"),
            ],
        },
        role(11, "items", "get", Effect::Allow),
        role(12, "items", "put", Effect::Allow),
        role(13, "secrets", "*", Effect::Deny),
    ]
}

fn acme() -> Vec<Fact> {
    let grant = |number: u128, limits: Vec<AttributeLimit>| Fact::Grant {
        subject: GrantSubject::User(ANN),
        role: RoleId::new(Uuid::from_u128(number)),
        until: None,
        limits,
    };
    let user = |id: UserId, name: &str| Fact::User {
        id,
        username: name.to_owned(),
        display_name: name.to_owned(),
        status: Status::Active,
    };
    let limit = AttributeLimit {
        attribute: "item_id".to_owned(),
        values: vec!["7".to_owned(), "a b".to_owned()],
    };
    vec![
        organization(ACME, "acme"),
        user(ANN, "ann"),
        user(BOB, "bob"),
        grant(11, Vec::new()),
        grant(12, vec![limit]),
        grant(13, Vec::new()),
    ]
}
