//! Signing keys: made once, sealed under the master key, published as JSON Web Keys.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_core::Algorithm;
use gatepost_store::SigningKey;
use serde_json::json;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::seal::Sealer;

/// What a private key is sealed for.
const PURPOSE: &str = "signing key";
const P256_COORDINATE_BYTES: usize = 32;

/// A private key, ready to sign.
pub enum KeyMaterial {
    /// RSA, 2048 bits.
    Rsa(RsaKeyPair),
    /// P-256.
    Ec(EcdsaKeyPair),
    /// Ed25519.
    Ed(Ed25519KeyPair),
}

/// Makes a key with a key id that no other key has or will have.
///
/// # Errors
/// `INTERNAL` if the system gives no randomness.
pub fn generate(
    algorithm: Algorithm,
    kid: String,
    sealer: &Sealer,
    now: OffsetDateTime,
) -> Result<SigningKey> {
    let pkcs8 = Zeroizing::new(generate_pkcs8(algorithm)?);
    let material = KeyMaterial::read(algorithm, &pkcs8)?;
    Ok(SigningKey {
        jwk: material.jwk(algorithm, &kid)?,
        sealed_private: sealer.seal(PURPOSE, &pkcs8)?,
        kid,
        algorithm,
        created_at: now,
        signs_from: None,
        retired_at: None,
    })
}

fn generate_pkcs8(algorithm: Algorithm) -> Result<Vec<u8>> {
    let failed = |_| Error::internal("a key could not be made");
    let random = SystemRandom::new();
    Ok(match algorithm {
        Algorithm::RS256 => {
            let key = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
            AsDer::<Pkcs8V1Der<'_>>::as_der(&key)
                .map_err(failed)?
                .as_ref()
                .to_vec()
        }
        Algorithm::ES256 => {
            let scheme = &ECDSA_P256_SHA256_FIXED_SIGNING;
            EcdsaKeyPair::generate_pkcs8(scheme, &random)
                .map_err(failed)?
                .as_ref()
                .to_vec()
        }
        Algorithm::EdDSA => Ed25519KeyPair::generate_pkcs8(&random)
            .map_err(failed)?
            .as_ref()
            .to_vec(),
    })
}

impl KeyMaterial {
    /// Opens a stored key.
    ///
    /// # Errors
    /// `INTERNAL` if it was sealed under another master key or is damaged.
    pub fn open(key: &SigningKey, sealer: &Sealer) -> Result<Self> {
        Self::read(key.algorithm, &sealer.open(PURPOSE, &key.sealed_private)?)
    }

    fn read(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self> {
        let damaged = |_| Error::internal("a signing key cannot be read");
        Ok(match algorithm {
            Algorithm::RS256 => Self::Rsa(RsaKeyPair::from_pkcs8(pkcs8).map_err(damaged)?),
            Algorithm::ES256 => {
                let scheme = &ECDSA_P256_SHA256_FIXED_SIGNING;
                Self::Ec(EcdsaKeyPair::from_pkcs8(scheme, pkcs8).map_err(damaged)?)
            }
            Algorithm::EdDSA => Self::Ed(Ed25519KeyPair::from_pkcs8(pkcs8).map_err(damaged)?),
        })
    }

    /// Signs as JSON Web Signature wants it (RFC 7518 §3, RFC 8037 §3.1).
    ///
    /// # Errors
    /// `INTERNAL` if the system gives no randomness.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let failed = |_| Error::internal("a token could not be signed");
        let random = SystemRandom::new();
        Ok(match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(failed)?;
                signature
            }
            Self::Ec(key) => key
                .sign(&random, message)
                .map_err(failed)?
                .as_ref()
                .to_vec(),
            Self::Ed(key) => key.sign(message).as_ref().to_vec(),
        })
    }

    /// The public half as a JSON Web Key (RFC 7517 §4).
    fn jwk(&self, algorithm: Algorithm, kid: &str) -> Result<String> {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let failed = || Error::internal("a public key could not be written");
        let mut jwk = match self {
            Self::Rsa(key) => {
                let key = key.public_key();
                let modulus = key.modulus().big_endian_without_leading_zero().to_vec();
                let exponent = key.exponent().big_endian_without_leading_zero().to_vec();
                json!({"kty": "RSA", "n": text(&modulus), "e": text(&exponent)})
            }
            Self::Ec(key) => {
                // An uncompressed point: 4, then both coordinates (SEC 1 §2.3.3).
                let point = key.public_key().as_ref().get(1..).unwrap_or_default();
                let (x, y) = point
                    .split_at_checked(P256_COORDINATE_BYTES)
                    .ok_or_else(failed)?;
                json!({"kty": "EC", "crv": "P-256", "x": text(x), "y": text(y)})
            }
            Self::Ed(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": text(key.public_key().as_ref())})
            }
        };
        if let Some(object) = jwk.as_object_mut() {
            object.insert("use".to_owned(), "sig".into());
            object.insert("alg".to_owned(), algorithm.name().into());
            object.insert("kid".to_owned(), kid.into());
        }
        Ok(jwk.to_string())
    }
}
