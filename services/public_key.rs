//! Public keys of applications (RFC 7517): taken in once, and asked whose private half signed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// Bits of an RSA modulus.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Bytes of a coordinate of P-256, and of an Ed25519 key.
const POINT_BYTES: usize = 32;
/// The longest exponent of an RSA key, in bytes: verifying takes longer with a longer one.
const EXPONENT_BYTES_MAX: usize = 4;
/// Members of a private key, or of a shared one (RFC 7518 §6): whoever sends one has shown it.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A public key as it is kept: what it is, and nothing else that came with it.
///
/// # Errors
/// `INVALID_REQUEST`, with what is wrong.
pub fn normal(text: &str) -> Result<String> {
    let refused = |why: &'static str| Error::invalid("publicKey", why);
    let key: Map<String, Value> =
        serde_json::from_str(text).map_err(|_| refused("it is no JSON object"))?;
    if PRIVATE.iter().any(|name| key.contains_key(*name)) {
        return Err(refused(
            "it holds the private half, which is now worth nothing",
        ));
    }
    let member = |name: &str| key.get(name).and_then(Value::as_str);
    if member("use").is_some_and(|purpose| purpose != "sig") {
        return Err(refused("its `use` must be `sig`"));
    }
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(member(name)?).ok();
    let is_point = |name: &str| bytes(name).is_some_and(|bytes| bytes.len() == POINT_BYTES);
    let (members, algorithms): (&[&str], &[&str]) = match (member("kty"), member("crv")) {
        (Some("RSA"), None) if is_rsa(bytes("n"), bytes("e")) => (&["n", "e"], &["RS256", "PS256"]),
        (Some("EC"), Some("P-256")) if is_point("x") && is_point("y") => {
            (&["crv", "x", "y"], &["ES256"])
        }
        (Some("OKP"), Some("Ed25519")) if is_point("x") => (&["crv", "x"], &["EdDSA"]),
        _ => {
            let why = "it must be RSA of 2048 to 8192 bits, P-256 or Ed25519, and whole";
            return Err(refused(why));
        }
    };
    let algorithm = member("alg").or(algorithms.first().copied());
    let algorithm = algorithm.filter(|algorithm| algorithms.contains(algorithm));
    let algorithm = algorithm.ok_or_else(|| refused("its `alg` is not one for this key"))?;
    let mut kept = Map::new();
    for name in ["kty", "kid"].iter().chain(members) {
        if let Some(text) = member(name) {
            kept.insert((*name).to_owned(), text.into());
        }
    }
    kept.insert("alg".to_owned(), algorithm.into());
    kept.insert("use".to_owned(), "sig".into());
    Ok(Value::from(kept).to_string())
}

fn is_rsa(modulus: Option<Vec<u8>>, exponent: Option<Vec<u8>>) -> bool {
    let (Some(modulus), Some(exponent)) = (modulus, exponent) else {
        return false;
    };
    let leading = modulus.first().map_or(0, |first| first.leading_zeros());
    let bits = modulus.len() * 8 - usize::try_from(leading).unwrap_or_default();
    let is_odd = exponent.last().is_some_and(|last| last % 2 == 1);
    let is_one = exponent.iter().rev().skip(1).all(|byte| *byte == 0) && exponent.ends_with(&[1]);
    RSA_BITS.contains(&bits) && exponent.len() <= EXPONENT_BYTES_MAX && is_odd && !is_one
}

/// What a token says, if the private half of this key signed it, in the one way that the key is
/// for. Of what the header says the algorithm and the key's id are compared, and nothing is
/// followed; one that names extensions which must be understood is refused (RFC 7515 §4.1.11).
pub fn read<C: DeserializeOwned>(kept: &str, token: &str) -> Option<C> {
    let jwk: Jwk = serde_json::from_str(kept).ok()?;
    let algorithm = match jwk.common.key_algorithm?.to_string().as_str() {
        "RS256" => Algorithm::RS256,
        "PS256" => Algorithm::PS256,
        "ES256" => Algorithm::ES256,
        "EdDSA" => Algorithm::EdDSA,
        _ => return None,
    };
    let header = jsonwebtoken::decode_header(token).ok()?;
    let names_another = header
        .kid
        .zip(jwk.common.key_id.as_ref())
        .is_some_and(|(named, own)| named != *own);
    if header.alg != algorithm || names_another || header.crit.is_some() {
        return None;
    }
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    let data = jsonwebtoken::decode::<C>(token, &key, &validation).ok()?;
    Some(data.claims)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn text(length: usize, last: u8) -> String {
        let mut bytes = vec![0xaa; length];
        if let Some(end) = bytes.last_mut() {
            *end = last;
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn why(key: &Value) -> String {
        normal(&key.to_string()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_kept_is_the_key_and_nothing_else() {
        let (x, y) = (text(32, 1), text(32, 2));
        let given = json!({
            "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "one", "use": "sig",
            "key_ops": ["verify"], "x5u": "https://example.com/c.pem", "ext": true,
        });
        let kept: Value = serde_json::from_str(&normal(&given.to_string()).unwrap()).unwrap();
        let expected = json!({
            "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "one", "use": "sig",
            "alg": "ES256",
        });
        assert_eq!(kept, expected);
        let again = normal(&kept.to_string()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&again).unwrap(), kept);
    }

    #[test]
    fn weak_private_and_foreign_keys_are_refused() {
        let rsa = |bytes: usize, e: &str| json!({"kty": "RSA", "n": text(bytes, 1), "e": e});
        assert!(normal(&rsa(256, "AQAB").to_string()).is_ok());
        for (bytes, e) in [
            (255, "AQAB"),
            (1025, "AQAB"),
            (256, "AQ"),
            (256, "Ag"),
            (256, ""),
        ] {
            assert!(why(&rsa(bytes, e)).contains("2048"), "{bytes} {e}");
        }
        let mut private = rsa(256, "AQAB");
        private["d"] = json!("AA");
        assert!(why(&private).contains("private half"));
        let mut other = rsa(256, "AQAB");
        other["alg"] = json!("HS256");
        assert!(why(&other).contains("`alg`"));
        other["alg"] = json!("ES256");
        assert!(why(&other).contains("`alg`"));
        other["alg"] = json!("PS256");
        assert!(normal(&other.to_string()).is_ok());
        other["use"] = json!("enc");
        assert!(why(&other).contains("`use`"));
        for key in [
            json!({"kty": "oct", "k": "AA"}),
            json!({"kty": "EC", "crv": "P-384", "x": text(48, 1), "y": text(48, 1)}),
            json!({"kty": "OKP", "crv": "X25519", "x": text(32, 1)}),
            json!({"kty": "OKP", "crv": "Ed25519", "x": text(31, 1)}),
            json!([]),
        ] {
            why(&key);
        }
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(text in "\\PC{0,200}") {
            let _ = normal(&text);
            let _ = read::<Value>(&text, &text);
        }
    }
}
