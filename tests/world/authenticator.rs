//! An authenticator without a device (WebAuthn level 3, §6): it makes passkeys and signs with them,
//! and says whatever a test wants it to say.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SystemRandom, fill};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Actor, Answer, PUBLIC_URL, World, texts};

const BEGIN: &str = "/v1/login/passkey/begin";
const FINISH: &str = "/v1/login/passkey/finish";

/// Of authenticator data (§6.1): present, verified, can be backed up, is backed up, has a key.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const BACKUP: u8 = 0x08 | 0x10;
const HAS_KEY: u8 = 0x40;

/// A passkey, with the private part.
pub struct Key {
    pair: Vec<u8>,
    /// What it is called.
    pub id: Vec<u8>,
    /// What its user is called; `None` of a key that does not say.
    pub handle: Option<Vec<u8>>,
    /// How often it has signed; a key that does not count stays at nothing.
    pub counter: u32,
    /// Whether its user was verified.
    pub verified: bool,
    /// Whether it is on other devices, too.
    pub backed_up: bool,
    /// The site that asks.
    pub origin: String,
    /// The relying party that the browser says it is for.
    pub party: String,
    /// Whether it was asked in a frame of another site.
    pub framed: bool,
}

/// What somebody has who added a passkey.
pub struct Added {
    /// The passkey.
    pub key: Key,
    /// The id that Gatepost gave it.
    pub id: String,
    /// The recovery codes, with a first factor.
    pub recovery_codes: Vec<String>,
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn bytes(value: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap()
}

impl Key {
    /// A key for whom the options of a registration say.
    pub fn new(options: &str) -> Self {
        let options: Value = serde_json::from_str(options).unwrap();
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let mut id = vec![0; 16];
        fill(&mut id).unwrap();
        Self {
            pair: pair.as_ref().to_vec(),
            id,
            handle: Some(bytes(&options["user"]["id"])),
            counter: 0,
            verified: true,
            backed_up: false,
            origin: PUBLIC_URL.to_owned(),
            party: options["rp"]["id"].as_str().unwrap().to_owned(),
            framed: false,
        }
    }

    fn pair(&self) -> EcdsaKeyPair {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &self.pair).unwrap()
    }

    fn client_data(&self, kind: &str, options: &str) -> Vec<u8> {
        let options: Value = serde_json::from_str(options).unwrap();
        let data = json!({
            "type": kind, "challenge": options["challenge"], "origin": self.origin,
            "crossOrigin": self.framed,
        });
        data.to_string().into_bytes()
    }

    fn data(&self, more: u8) -> Vec<u8> {
        let mut flags = PRESENT | more;
        flags |= if self.verified { VERIFIED } else { 0 };
        flags |= if self.backed_up { BACKUP } else { 0 };
        let mut data = digest(&SHA256, self.party.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// What the browser says of the new key (§6.5, without attestation).
    pub fn made(&self, options: &str) -> String {
        let mut data = self.data(HAS_KEY);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        // ES256 over P-256 (RFC 9053 §2.1, §7.1.1), in CBOR.
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        let pair = self.pair();
        let point = pair.public_key().as_ref();
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..65]);
        let mut attestation = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        attestation.push(u8::try_from(data.len()).unwrap());
        attestation.extend(data);
        let response = json!({
            "clientDataJSON": text(&self.client_data("webauthn.create", options)),
            "attestationObject": text(&attestation),
            "transports": ["internal"],
        });
        self.credential(&response)
    }

    /// What the browser says when the key has signed (§6.3.3).
    pub fn sign(&self, options: &str) -> String {
        let (client_data, data) = (self.client_data("webauthn.get", options), self.data(0));
        let mut signed = data.clone();
        signed.extend(digest(&SHA256, &client_data).as_ref());
        let signature = self.pair().sign(&SystemRandom::new(), &signed).unwrap();
        let response = json!({
            "clientDataJSON": text(&client_data),
            "authenticatorData": text(&data),
            "signature": text(signature.as_ref()),
            "userHandle": self.handle.as_deref().map(text),
        });
        self.credential(&response)
    }

    fn credential(&self, response: &Value) -> String {
        let credential = json!({
            "id": text(&self.id), "rawId": text(&self.id), "type": "public-key",
            "authenticatorAttachment": "platform", "clientExtensionResults": {},
            "response": response,
        });
        credential.to_string()
    }
}

/// A ceremony that began.
pub struct Begun {
    /// What comes back.
    pub ceremony: String,
    /// What the authenticator is asked.
    pub options: String,
}

impl Begun {
    /// The ceremony of an answer.
    pub fn of(body: &Value) -> Self {
        Self {
            ceremony: body["ceremony"].as_str().unwrap().to_owned(),
            options: body["options"].as_str().unwrap().to_owned(),
        }
    }
}

impl World {
    /// Begins to make a passkey.
    pub async fn begin_registration(&self, actor: &Actor) -> (Begun, Vec<String>) {
        let path = format!("/v1/users/{}/mfa/setup", actor.id);
        let told = self.post(actor, &path, json!({"mfaType": "passkey"})).await;
        let body = told.is(200);
        (Begun::of(body), texts(&body["recoveryCodes"]))
    }

    /// Proves a passkey that was made.
    pub async fn register(&self, actor: &Actor, begun: &Begun, made: &str) -> Answer {
        let path = format!("/v1/users/{}/mfa/verify", actor.id);
        let proof = json!({
            "mfaType": "passkey", "ceremony": begun.ceremony, "credential": made, "name": "Phone",
        });
        self.post(actor, &path, proof).await
    }

    /// Makes a passkey of somebody.
    pub async fn add_passkey(&self, actor: &Actor) -> Added {
        let (begun, recovery_codes) = self.begin_registration(actor).await;
        let key = Key::new(&begun.options);
        let made = key.made(&begun.options);
        self.register(actor, &begun, &made).await.is(200);
        let path = format!("/v1/users/{}/passkeys", actor.id);
        let listed = self.get(actor, &path).await;
        let listed = listed.is(200)["items"].as_array().unwrap().clone();
        let id = listed.last().unwrap()["id"].as_str().unwrap().to_owned();
        Added {
            key,
            id,
            recovery_codes,
        }
    }

    /// Begins to use a passkey: alone, or for a challenge.
    pub async fn begin_passkey(&self, body: Value) -> Begun {
        Begun::of(self.post_openly(BEGIN, body).await.is(200))
    }

    /// Signs in with what a passkey signed.
    pub async fn finish_passkey(&self, begun: &Begun, credential: &str) -> Answer {
        let body = json!({"ceremony": begun.ceremony, "credential": credential});
        self.post_openly(FINISH, body).await
    }

    /// Signs somebody in with a passkey.
    pub async fn sign_in_by(&self, key: &Key) -> Actor {
        let begun = self.begin_passkey(json!({})).await;
        let answer = self.finish_passkey(&begun, &key.sign(&begun.options)).await;
        let body = answer.is(200);
        let token = body["accessToken"].as_str().unwrap().to_owned();
        Actor {
            id: super::claims(&token)["sub"].as_str().unwrap().to_owned(),
            client: self.anonymous().await.with_token(&token).unwrap(),
            token,
            refresh_token: body["refreshToken"].as_str().unwrap().to_owned(),
        }
    }

    /// How many sessions somebody has, as an administrator sees it.
    pub async fn sessions_of(&self, id: &str) -> usize {
        let path = format!("/v1/users/{id}/sessions");
        let list = self.get(&self.admin, &path).await;
        list.is(200)["items"].as_array().unwrap().len()
    }

    /// What the log tells of refused passkeys: of whom and why, the newest first.
    pub async fn refusals(&self, action: &str) -> Vec<(String, String)> {
        let path = format!("/v1/audit-events?limit=100&action={action}");
        let list = self
            .send(
                self.request(Method::GET, &path)
                    .bearer_auth(&self.admin.token),
            )
            .await;
        let events = list.is(200)["items"].as_array().unwrap().iter();
        let told = |field: &Value| field.as_str().unwrap_or_default().to_owned();
        events
            .map(|event| {
                assert_eq!(event["outcome"], "refused", "{event}");
                (told(&event["targetId"]), told(&event["reason"]))
            })
            .collect()
    }
}
