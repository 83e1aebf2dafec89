//! Signing: with the key whose turn it is, opened once.

use std::sync::Arc;

use arc_swap::ArcSwap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_core::signing::{Stage, Turn};
use gatepost_core::{Algorithm, Revision};
use gatepost_store::SigningKey;
use serde::Serialize;
use time::OffsetDateTime;

use super::keys::KeyMaterial;
use crate::error::{Error, Result};
use crate::seal::Sealer;

/// The opened keys of one revision of the system organization.
#[derive(Default)]
struct Ring {
    revision: Revision,
    keys: Vec<OpenKey>,
}

struct OpenKey {
    kid: String,
    algorithm: Algorithm,
    turn: Turn,
    material: Arc<KeyMaterial>,
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

    /// Takes the keys as they are at `revision` of the system organization, and opens those that
    /// are new.
    ///
    /// # Errors
    /// `INTERNAL` if a key cannot be opened.
    pub fn adopt(&self, revision: Revision, keys: &[SigningKey], sealer: &Sealer) -> Result<()> {
        let known = self.ring.load();
        let open = |key: &SigningKey| -> Result<OpenKey> {
            let known = known.keys.iter().find(|known| known.kid == key.kid);
            let material = match known {
                Some(known) => Arc::clone(&known.material),
                None => Arc::new(KeyMaterial::open(key, sealer)?),
            };
            Ok(OpenKey {
                kid: key.kid.clone(),
                algorithm: key.algorithm,
                turn: key.turn(),
                material,
            })
        };
        let keys = keys.iter().map(open).collect::<Result<_>>()?;
        self.ring.store(Arc::new(Ring { revision, keys }));
        Ok(())
    }

    /// Signs `claims` as a token of type `typ` (RFC 7515 §5.1), with the key whose turn it is at
    /// `now`.
    ///
    /// # Errors
    /// `INTERNAL` if there is no key for the algorithm.
    pub fn sign(
        &self,
        now: OffsetDateTime,
        algorithm: Algorithm,
        typ: &str,
        claims: &impl Serialize,
    ) -> Result<String> {
        let (ring, now_s) = (self.ring.load(), now.unix_timestamp());
        let signs =
            |key: &&OpenKey| key.algorithm == algorithm && key.turn.stage(now_s) == Stage::Signing;
        let key = ring.keys.iter().find(signs);
        let key = key.ok_or_else(|| Error::internal(format!("no {algorithm} key signs")))?;
        let header = Header {
            alg: algorithm.name(),
            typ,
            kid: &key.kid,
        };
        let mut token = encode(&header)?;
        token.push('.');
        token.push_str(&encode(claims)?);
        let signature = key.material.sign(token.as_bytes())?;
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

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::super::keys::generate;
    use super::*;

    fn key(kid: &str, sealer: &Sealer, now: OffsetDateTime) -> SigningKey {
        generate(Algorithm::EdDSA, kid.to_owned(), sealer, now).unwrap()
    }

    fn kid(signer: &Signer, now: OffsetDateTime) -> String {
        let token = signer.sign(now, Algorithm::EdDSA, "JWT", &()).unwrap();
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap());
        let header: serde_json::Value = serde_json::from_slice(&header.unwrap()).unwrap();
        header["kid"].as_str().unwrap().to_owned()
    }

    #[test]
    fn the_key_whose_turn_it_is_signs() {
        let sealer = Sealer::new(&"00".repeat(32)).unwrap();
        let begin = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        let turn = begin + Duration::minutes(5);
        let (mut first, mut next) = (key("first", &sealer, begin), key("next", &sealer, begin));
        let signer = Signer::default();
        signer
            .adopt(1, std::slice::from_ref(&first), &sealer)
            .unwrap();
        let material = |signer: &Signer| Arc::clone(&signer.ring.load().keys[0].material);
        let opened = material(&signer);
        first.retired_at = Some(turn);
        next.signs_from = Some(turn);
        assert!(signer.knows(1) && !signer.knows(2));
        signer.adopt(2, &[first, next.clone()], &sealer).unwrap();
        assert!(Arc::ptr_eq(&opened, &material(&signer)), "opened once");
        assert_eq!(kid(&signer, turn - Duration::seconds(1)), "first");
        assert_eq!(kid(&signer, turn), "next");
        // The first one was taken away, and a request is still under way from before.
        next.signs_from = None;
        signer.adopt(3, &[next], &sealer).unwrap();
        assert_eq!(kid(&signer, begin), "next");
        let none = signer.sign(begin, Algorithm::RS256, "JWT", &());
        assert!(none.is_err());
    }
}
