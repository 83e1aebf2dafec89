//! Signing: the newest key of each algorithm, opened once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use arc_swap::ArcSwap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_core::{Algorithm, Revision};
use gatepost_store::SigningKey;
use serde::Serialize;

use super::keys::KeyMaterial;
use crate::error::{Error, Result};
use crate::seal::Sealer;

/// The opened keys of one revision of the system organization.
#[derive(Default)]
struct Ring {
    revision: Revision,
    newest: HashMap<Algorithm, (String, KeyMaterial)>,
}

/// Signs tokens.
#[derive(Default)]
pub struct Signer {
    ring: ArcSwap<Ring>,
}

impl Signer {
    /// Whether the keys that are open are those of `revision`.
    pub fn knows(&self, revision: Revision) -> bool {
        self.ring.load().revision >= revision
    }

    /// Opens the keys as they are at `revision` of the system organization; `keys` has the newest
    /// first.
    ///
    /// # Errors
    /// `INTERNAL` if a key cannot be opened.
    pub fn adopt(&self, revision: Revision, keys: &[SigningKey], sealer: &Sealer) -> Result<()> {
        let mut newest = HashMap::new();
        for key in keys.iter().filter(|key| key.retired_at.is_none()) {
            if let Entry::Vacant(place) = newest.entry(key.algorithm) {
                place.insert((key.kid.clone(), KeyMaterial::open(key, sealer)?));
            }
        }
        self.ring.store(Arc::new(Ring { revision, newest }));
        Ok(())
    }

    /// Signs `claims` as a token of type `typ` (RFC 7515 §5.1).
    ///
    /// # Errors
    /// `INTERNAL` if there is no key for the algorithm.
    pub fn sign(&self, algorithm: Algorithm, typ: &str, claims: &impl Serialize) -> Result<String> {
        let ring = self.ring.load();
        let (kid, key) = ring
            .newest
            .get(&algorithm)
            .ok_or_else(|| Error::internal(format!("no {algorithm} key signs")))?;
        let header = Header {
            alg: algorithm.name(),
            typ,
            kid,
        };
        let mut token = encode(&header)?;
        token.push('.');
        token.push_str(&encode(claims)?);
        let signature = key.sign(token.as_bytes())?;
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(token)
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'a str,
    kid: &'a str,
}

fn encode(part: &impl Serialize) -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).map_err(Error::internal)?))
}
