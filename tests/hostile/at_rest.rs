//! What somebody finds who has the database, and not the master key.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use gatepost_core::Algorithm;
use gatepost_store::SigningKey;
use serde_json::json;

use crate::browser::Browser;
use crate::forge::{Keys, open};
use crate::world::{Outbox, PASSWORD, World};

/// As much of a secret as nothing holds by chance, and a multiple of three.
const PIECE_BYTES: usize = 18;
/// So few bytes could be anywhere by chance.
const SHORTEST: usize = 11;
const PHONE: &str = "+5511987654321";

#[tokio::test]
async fn private_keys_are_sealed_at_rest() {
    let world = World::start().await;
    // Those of the start, and those that came later.
    let path = "/v1/signing-keys:rotate";
    world.post(&world.admin, path, json!({})).await.is(200);
    // They are what signs, so what is looked for is the real thing.
    Keys::of(&world).await;
    let keys = keys(&world).await;
    assert_eq!(keys.len(), 6);
    let mut all = Vec::new();
    for key in &keys {
        all.push(key.sealed_private.clone());
        all.push(key.jwk.clone().into_bytes());
    }
    files(world.data(), &mut all);
    for key in &keys {
        let pieces = pieces(&private(key));
        for place in &all {
            let found = holds(place, &pieces);
            assert!(
                !found,
                "the private part of a {} key is there",
                key.algorithm
            );
        }
    }
}

/// Somebody who signs in in every way, with all that she is given on the way.
async fn secrets(world: &World, outbox: &Outbox) -> Vec<(&'static str, String)> {
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let mut secrets = vec![
        ("refresh token", alice.refresh_token.clone()),
        ("access token", alice.token.clone()),
        ("secret of an app", app.secret.clone()),
    ];
    let codes = app.recovery_codes.iter();
    secrets.extend(codes.map(|code| ("recovery code", code.clone())));
    let challenge = world.challenge("alice").await;
    let body = json!({
        "mfaToken": challenge, "passcode": world.passcode(&app.secret, 0), "rememberDevice": true,
    });
    let met = world.post_openly("/v1/login/mfa/verify", body).await;
    for name in ["deviceToken", "knownDevice", "refreshToken"] {
        secrets.push((name, met.is(200)[name].as_str().unwrap().to_owned()));
    }
    secrets.push(("challenge", challenge));
    secrets.push(("waiting challenge", world.challenge("alice").await));
    // Codes by SMS, to a number that is nobody's business.
    let bob = world.person("bob", &[]).await;
    let path = format!("/v1/users/{}/mfa/setup", bob.id);
    let body = json!({"mfaType": "sms", "phone": PHONE});
    world.post(&bob, &path, body).await.is(200);
    assert_eq!(outbox.last().to, PHONE);
    secrets.push(("telephone number", PHONE.to_owned()));
    secrets.push(("message", outbox.last().text));
    secrets.push(("link", world.reset_token_in(outbox, "bob").await));
    let callback = "https://app.test/cb";
    let body = json!({"name": "shop", "settings": {"redirectUris": [callback]}});
    let made = world.post(&world.admin, "/v1/applications", body).await;
    let secret = made.is(201)["clientSecret"].as_str().unwrap();
    secrets.push(("client secret", secret.to_owned()));
    let mut browser = Browser::new(world);
    browser.fill_in("/signin", "bob").await;
    let code = format!(
        "/oauth/authorize?client_id={}&redirect_uri={callback}&response_type=code&scope=openid\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        made.body["clientId"].as_str().unwrap()
    );
    secrets.push(("code", browser.get(&code).await.told("code")));
    for (name, value) in &browser.cookies {
        assert!(!value.is_empty(), "{name}");
        secrets.push(("cookie", value.clone()));
    }
    secrets.push(("password", PASSWORD.to_owned()));
    secrets
}

/// Whoever copies the database can neither sign in with it, nor write to people.
#[tokio::test]
async fn nothing_that_opens_anything_is_there() {
    let (world, outbox) = Outbox::with_world_of(&[("GATEPOST_MFA_REMEMBER_DAYS", "30")]).await;
    let secrets = secrets(&world, &outbox).await;
    assert!(secrets.len() > 20, "{}", secrets.len());
    let mut all = Vec::new();
    files(world.data(), &mut all);
    all.extend(world.dump().map(String::into_bytes));
    // What is there, is seen: names are kept as they are.
    let is_there = |text: &str| all.iter().any(|place| holds(place, &[text.into()]));
    assert!(
        is_there("alice@example.com"),
        "this does not see the database"
    );
    for (what, secret) in &secrets {
        let mut pieces = end_of(secret.as_bytes());
        let plain = secret.replace('-', "");
        pieces.extend(end_of(plain.as_bytes()));
        // As bytes, of what is a text of them.
        let bytes = [
            URL_SAFE_NO_PAD.decode(secret.rsplit(['_', '.']).next().unwrap()),
            URL_SAFE_NO_PAD.decode(secret.split_once('_').map_or("", |(_, rest)| rest)),
        ];
        let long = bytes
            .iter()
            .flatten()
            .filter(|bytes| bytes.len() > SHORTEST);
        pieces.extend(long.flat_map(|bytes| end_of(bytes)));
        if let Ok(shared) = totp_rs::Secret::try_from_base32(secret) {
            pieces.extend(end_of(shared.as_ref()));
        }
        for place in &all {
            assert!(!holds(place, &pieces), "a {what} is there");
        }
    }
}

/// What to look for: the end of a secret, where nothing else has anything in common with it, as it
/// is, and as texts have it.
fn end_of(secret: &[u8]) -> Vec<Vec<u8>> {
    let size = PIECE_BYTES.min((secret.len() - 2) / 3 * 3);
    let end = &secret[secret.len() - size - 2..];
    let mut pieces = vec![end.to_vec()];
    pieces.push(hexadecimal(end).into_bytes());
    for begin in 0..3 {
        let piece = &end[begin..begin + size];
        pieces.push(STANDARD_NO_PAD.encode(piece).into_bytes());
        pieces.push(URL_SAFE_NO_PAD.encode(piece).into_bytes());
    }
    pieces
}

/// As `PostgreSQL` writes bytes down.
fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[test]
fn whoever_looks_for_the_end_would_find() {
    let secret: Vec<u8> = (1..=40).collect();
    let inside = |bytes: &[u8]| holds(bytes, &end_of(&secret));
    assert!(inside(&secret));
    assert!(inside(hexadecimal(&secret).as_bytes()));
    for before in 0..3 {
        let longer = [vec![0; before], secret.clone()].concat();
        assert!(inside(STANDARD_NO_PAD.encode(&longer).as_bytes()));
    }
    assert!(!inside(&secret[..30]));
}

#[test]
fn whoever_looks_would_find() {
    let secret: Vec<u8> = (1..=40).collect();
    let inside = |bytes: &[u8]| holds(bytes, &pieces(&secret));
    assert!(inside(&[vec![0; 7], secret.clone()].concat()));
    for before in 0..3 {
        let longer = [vec![0; before], secret.clone()].concat();
        assert!(inside(STANDARD_NO_PAD.encode(&longer).as_bytes()));
        assert!(inside(URL_SAFE_NO_PAD.encode(&longer).as_bytes()));
    }
    assert!(!inside(&[0; 100]));
}

async fn keys(world: &World) -> Vec<SigningKey> {
    let store = world.store().await;
    let installation = store.installation().await.unwrap().unwrap();
    let tx = store.read(installation.system_organization).await.unwrap();
    tx.keys().list().await.unwrap()
}

/// The part of a key's PKCS #8 that nobody else may have.
fn private(key: &SigningKey) -> Vec<u8> {
    let pkcs8 = open(&key.sealed_private);
    match key.algorithm {
        // Behind modulus and exponent (RFC 8017 §A.1.2).
        Algorithm::RS256 => pkcs8[320..].to_vec(),
        // RFC 5915 §3.
        Algorithm::ES256 => pkcs8[36..68].to_vec(),
        // RFC 8410 §7.
        Algorithm::EdDSA => pkcs8[16..48].to_vec(),
    }
}

/// What to look for: the beginning of a secret as it is, and as texts have it.
fn pieces(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = vec![secret[..PIECE_BYTES].to_vec()];
    // A text begins its groups of three anywhere.
    for begin in 0..3 {
        let piece = &secret[begin..begin + PIECE_BYTES];
        pieces.push(STANDARD_NO_PAD.encode(piece).into_bytes());
        pieces.push(URL_SAFE_NO_PAD.encode(piece).into_bytes());
    }
    pieces
}

fn holds(place: &[u8], pieces: &[Vec<u8>]) -> bool {
    let mut begins = [false; 256];
    for piece in pieces {
        begins[usize::from(piece[0])] = true;
    }
    let is_at = |at: usize| pieces.iter().any(|piece| place[at..].starts_with(piece));
    (0..place.len()).any(|at| begins[usize::from(place[at])] && is_at(at))
}

/// Every file of a folder.
fn files(folder: &Path, all: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, all);
        } else {
            all.push(std::fs::read(path).unwrap());
        }
    }
}
