//! What a forger has: every secret of a world, and hands to sign with.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::wire::assert_problem;
use crate::world::{Answer, World};

/// The signing keys of a world, opened with its master key: what somebody has who has everything.
pub struct Keys {
    pub rsa: (String, RsaKeyPair),
    pub ec: (String, EcdsaKeyPair),
    pub ed: (String, Ed25519KeyPair),
}

impl Keys {
    pub async fn of(world: &World) -> Self {
        let store = world.store().await;
        let system = store
            .installation()
            .await
            .unwrap()
            .unwrap()
            .system_organization;
        let tx = store.read(system).await.unwrap();
        let keys = tx.keys().list().await.unwrap();
        let find = |name: &str| {
            let key = keys
                .iter()
                .find(|key| key.algorithm.name() == name)
                .unwrap();
            (key.kid.clone(), open(&key.sealed_private))
        };
        let ((rs, rsa), (es, ec), (eds, ed)) = (find("RS256"), find("ES256"), find("EdDSA"));
        let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &ec).unwrap();
        Self {
            rsa: (rs, RsaKeyPair::from_pkcs8(&rsa).unwrap()),
            ec: (es, ec),
            ed: (eds, Ed25519KeyPair::from_pkcs8(&ed).unwrap()),
        }
    }

    pub fn rs256(&self, header: &Value, claims: &Value) -> String {
        sign_rsa(&self.rsa.1, header, claims)
    }
}

/// Opens an envelope of the all-zero master key, by the book and not by our code.
pub fn open(envelope: &[u8]) -> Vec<u8> {
    let mut key = [0; 32];
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"gatepost")
        .extract(&[0; 32])
        .expand(&[b"gatepost seal v1"], hkdf::HKDF_SHA256)
        .unwrap()
        .fill(&mut key)
        .unwrap();
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap());
    let nonce = Nonce::try_assume_unique_for_key(&envelope[9..21]).unwrap();
    let mut body = envelope[21..].to_vec();
    key.open_in_place(nonce, Aad::from(b"signing key"), &mut body)
        .unwrap()
        .to_vec()
}

pub fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

pub fn sign_rsa(key: &RsaKeyPair, header: &Value, claims: &Value) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        message.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Header and claims of a token.
pub fn taken_apart(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| {
        let bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
        serde_json::from_slice(&bytes).unwrap_or_default()
    });
    (parts.next().unwrap(), parts.next().unwrap())
}

pub fn with(value: &Value, key: &str, new: Value) -> Value {
    let mut value = value.clone();
    value[key] = new;
    value
}

pub fn without(value: &Value, key: &str) -> Value {
    let mut value = value.clone();
    value.as_object_mut().unwrap().remove(key);
    value
}

pub async fn ask(world: &World, token: &str) -> Answer {
    let body = json!({"product": "midaz", "resource": "accounts", "action": "get"});
    let request = world
        .request(Method::POST, "/v1/authorize")
        .bearer_auth(token)
        .json(&body);
    world.send(request).await
}

pub async fn assert_refused(world: &World, token: &str, reason: &str, what: &str) {
    let answer = ask(world, token).await;
    assert_problem(&answer, what);
    assert_eq!(
        (answer.status.as_u16(), answer.reason()),
        (401, reason),
        "{what}"
    );
    assert_eq!(answer.headers["www-authenticate"], "Bearer", "{what}");
    let users = world.request(Method::GET, "/v1/users").bearer_auth(token);
    let users = world.send(users).await;
    assert_eq!(
        (users.status.as_u16(), users.reason()),
        (401, reason),
        "{what}"
    );
}
