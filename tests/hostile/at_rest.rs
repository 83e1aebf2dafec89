//! What somebody finds who has the database, and not the master key.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use gatepost_core::Algorithm;
use gatepost_store::SigningKey;
use serde_json::json;

use crate::forge::{Keys, open};
use crate::world::World;

/// As much of a secret as nothing holds by chance, and a multiple of three.
const PIECE_BYTES: usize = 18;

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
