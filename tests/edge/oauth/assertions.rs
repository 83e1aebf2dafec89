//! `private_key_jwt` (RFC 7523): a client proves itself with what it signs.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_proto::ErrorReason;
use serde_json::{Value, json};

use super::{is_error, send, text, user_info};
use crate::identity::application;
use crate::world::{Actor, Answer, PUBLIC_URL, World, claims};

const TOKEN: &str = "/oauth/token";
pub(in crate::edge) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A private key, and how it signs.
pub(in crate::edge) enum Key {
    Rsa(RsaKeyPair, &'static str),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Key {
    pub(in crate::edge) fn all() -> [Self; 4] {
        let rsa = || RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let random = SystemRandom::new();
        let scheme = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let ec = EcdsaKeyPair::generate_pkcs8(scheme, &random).unwrap();
        [
            Self::Rsa(rsa(), "RS256"),
            Self::Rsa(rsa(), "PS256"),
            Self::Ec(EcdsaKeyPair::from_pkcs8(scheme, ec.as_ref()).unwrap()),
            Self::ed(),
        ]
    }

    pub(in crate::edge) fn ed() -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed(Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap())
    }

    pub(in crate::edge) fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_, algorithm) => algorithm,
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
        }
    }

    pub(in crate::edge) fn jwk(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa(key, algorithm) => {
                let key = key.public_key();
                let n = text(key.modulus().big_endian_without_leading_zero());
                let e = text(key.exponent().big_endian_without_leading_zero());
                json!({"kty": "RSA", "n": n, "e": e, "alg": algorithm})
            }
            Self::Ec(key) => {
                let point = key.public_key().as_ref();
                let (x, y) = (text(&point[1..33]), text(&point[33..]));
                json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "own"})
            }
            Self::Ed(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": text(key.public_key().as_ref())})
            }
        }
    }

    pub(in crate::edge) fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let (bytes, random) = (message.as_bytes(), SystemRandom::new());
        let signature = match self {
            Self::Rsa(key, algorithm) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let padding: &dyn aws_lc_rs::signature::RsaEncoding = match *algorithm {
                    "PS256" => &RSA_PSS_SHA256,
                    _ => &RSA_PKCS1_SHA256,
                };
                key.sign(padding, &random, bytes, &mut signature).unwrap();
                signature
            }
            Self::Ec(key) => key.sign(&random, bytes).unwrap().as_ref().to_vec(),
            Self::Ed(key) => key.sign(bytes).as_ref().to_vec(),
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// A client with a public key of its own beside its secret.
pub(in crate::edge) struct Signer<'w> {
    world: &'w World,
    pub(in crate::edge) id: String,
    credentials: String,
    pub(in crate::edge) key: Key,
}

impl<'w> Signer<'w> {
    pub(in crate::edge) async fn of(world: &'w World, admin: &Actor, name: &str, key: Key) -> Self {
        let made = application(world, admin, json!({"name": name})).await;
        Self::beside(
            world,
            admin,
            (text(&made, "id"), text(&made, "clientId")),
            key,
        )
        .await
    }

    /// A key for an application, of this id and client id, that is there already.
    pub(in crate::edge) async fn beside(
        world: &'w World,
        admin: &Actor,
        (id, client_id): (&str, &str),
        key: Key,
    ) -> Self {
        let credentials = format!("/v1/applications/{id}/credentials");
        let body = json!({"publicKey": key.jwk().to_string()});
        let taken = world.post(admin, &credentials, body).await;
        assert!(taken.is(201).get("clientSecret").is_none());
        Self {
            world,
            id: client_id.to_owned(),
            credentials,
            key,
        }
    }

    /// The two fields of a form that prove it, once.
    pub(in crate::edge) fn proof(&self) -> [(&'static str, String); 2] {
        let assertion = self.assertion(&self.claims());
        [
            ("client_assertion_type", TYPE.to_owned()),
            ("client_assertion", assertion),
        ]
    }

    /// What it says when all is well.
    pub(in crate::edge) fn claims(&self) -> Value {
        let now = self.world.now_s();
        json!({
            "iss": self.id, "sub": self.id, "aud": PUBLIC_URL, "iat": now, "exp": now + 60,
            "jti": NUMBER.fetch_add(1, Ordering::Relaxed).to_string(),
        })
    }

    pub(in crate::edge) fn assertion(&self, claims: &Value) -> String {
        let header = json!({"alg": self.key.algorithm(), "typ": "JWT"});
        self.key.sign(&header, claims)
    }

    pub(in crate::edge) async fn show(&self, assertion: &str) -> Answer {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", TYPE),
            ("client_assertion", assertion),
        ];
        send(self.world, TOKEN, &form).await
    }

    async fn is_refused(&self, change: impl FnOnce(&mut Value)) {
        let mut claims = self.claims();
        change(&mut claims);
        let answer = self.show(&self.assertion(&claims)).await;
        is_error(&answer, 401, "invalid_client");
    }
}

#[tokio::test]
async fn keys_of_every_kind_prove_their_client() {
    let world = World::start().await;
    for key in Key::all() {
        let name = key.algorithm();
        let signer = Signer::of(&world, &world.admin, name, key).await;
        let answer = signer.show(&signer.assertion(&signer.claims())).await;
        let token = text(answer.is(200), "access_token");
        assert_eq!(claims(token)["azp"], signer.id.as_str());
        user_info(&world, token).await.is(200);
        // The token endpoint is an audience, too, and one of several.
        let mut claims = signer.claims();
        claims["aud"] = json!(["https://else.test", format!("{PUBLIC_URL}/oauth/token")]);
        signer.show(&signer.assertion(&claims)).await.is(200);
    }
}

#[tokio::test]
async fn an_assertion_works_once() {
    let world = World::start().await;
    let signer = Signer::of(&world, &world.admin, "robot", Key::ed()).await;
    let assertion = signer.assertion(&signer.claims());
    signer.show(&assertion).await.is(200);
    is_error(&signer.show(&assertion).await, 401, "invalid_client");
    // Parallel, too: of many at once one wins.
    let assertion = signer.assertion(&signer.claims());
    let answers = futures::future::join_all((0..4).map(|_| signer.show(&assertion))).await;
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 200).count(),
        1
    );
}

#[tokio::test]
async fn an_assertion_must_be_of_the_client_for_us_and_for_now() {
    let world = World::start().await;
    let signer = Signer::of(&world, &world.admin, "robot", Key::ed()).await;
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    signer
        .is_refused(|claims| claims["iss"] = json!("other"))
        .await;
    signer
        .is_refused(|claims| claims["aud"] = json!("https://else.test"))
        .await;
    signer
        .is_refused(|claims| claims["exp"] = json!(now - 120))
        .await;
    let long = signer.is_refused(|claims| claims["exp"] = json!(now + 86_400));
    long.await;
    signer.is_refused(|claims| claims["jti"] = json!("")).await;
}

#[tokio::test]
async fn another_key_algorithm_or_client_proves_nothing() {
    let world = World::start().await;
    let signer = Signer::of(&world, &world.admin, "robot", Key::ed()).await;
    let refused = async |assertion: &str| {
        is_error(&signer.show(assertion).await, 401, "invalid_client");
    };
    let header = json!({"alg": "EdDSA"});
    refused(&Key::ed().sign(&header, &signer.claims())).await;
    refused(&signer.key.sign(&json!({"alg": "none"}), &signer.claims())).await;
    // The public key is no secret: nobody signs with it (RFC 8725 §2.1).
    refused(&signer.key.sign(&json!({"alg": "HS256"}), &signer.claims())).await;
    let mut cut = signer.assertion(&signer.claims());
    cut.truncate(cut.rfind('.').unwrap() + 1);
    refused(&cut).await;
}

#[tokio::test]
async fn one_way_to_prove_it_is_enough() {
    let world = World::start().await;
    let signer = Signer::of(&world, &world.admin, "robot", Key::ed()).await;
    let assertion = signer.assertion(&signer.claims());
    let form = |more: (&'static str, &'static str)| {
        [
            ("grant_type", "client_credentials"),
            ("client_assertion", assertion.as_str()),
            more,
        ]
    };
    let untyped = send(&world, TOKEN, &form(("x", "y"))).await;
    is_error(&untyped, 400, "invalid_request");
    let twice = send(&world, TOKEN, &form(("client_secret", "gps_x"))).await;
    is_error(&twice, 400, "invalid_request");
}

#[tokio::test]
async fn a_key_that_is_withdrawn_ends_its_tokens() {
    let world = World::start().await;
    let signer = Signer::of(&world, &world.admin, "robot", Key::ed()).await;
    let answer = signer.show(&signer.assertion(&signer.claims())).await;
    let token = text(answer.is(200), "access_token").to_owned();
    let list = world.get(&world.admin, &signer.credentials).await;
    let items = list.is(200)["items"].as_array().unwrap();
    let own = items
        .iter()
        .find(|item| item.get("publicKey").is_some())
        .unwrap();
    let kept: Value = serde_json::from_str(text(own, "publicKey")).unwrap();
    assert_eq!(
        (&kept["alg"], &kept["kty"]),
        (&json!("EdDSA"), &json!("OKP"))
    );
    let path = format!("{}/{}", signer.credentials, text(own, "id"));
    world.delete(&world.admin, &path).await.is(204);
    user_info(&world, &token)
        .await
        .refuses(ErrorReason::CredentialRevoked);
    signer.is_refused(|_| {}).await;
}

#[tokio::test]
async fn weak_and_private_keys_are_not_taken() {
    let world = World::start().await;
    let made = application(&world, &world.admin, json!({"name": "robot"})).await;
    let path = format!("/v1/applications/{}/credentials", text(&made, "id"));
    let mut private = Key::ed().jwk();
    private["d"] = json!("AA");
    for key in [json!("x"), private, json!({"kty": "oct", "k": "AA"})] {
        let body = json!({"publicKey": key.to_string()});
        let refused = world.post(&world.admin, &path, body).await;
        refused.refuses(ErrorReason::InvalidRequest);
        assert_eq!(refused.body["field"], "publicKey");
    }
}
