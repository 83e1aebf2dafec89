//! How strong a sign-in an application asks for: by `acr_values`, which is a wish, or by the claim
//! `acr` of the ID token, which may be a demand (OpenID Connect Core §5.5.1.1).

use gatepost_core::mfa::{ACR_TWO_FACTORS, strength};
use serde_json::Value;

/// The strength of two factors.
const TWO: u8 = 2;

/// What is asked for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// Nothing.
    #[default]
    Any,
    /// Two factors; the application reads what became of it.
    Wished,
    /// Two factors, or no answer.
    Demanded,
}

/// A demand that no sign-in here ever meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unmet;

impl Strength {
    /// Reads what is asked for; `claims` is the parameter of this name, `Null` without. A demand is
    /// met by the weakest of its values, and by whatever is stronger.
    ///
    /// # Errors
    /// When none of the values that are demanded is one of ours.
    pub fn read(acr_values: &str, claims: &Value) -> Result<Self, Unmet> {
        let mut wished = acr_values.split(' ').any(|acr| acr == ACR_TWO_FACTORS);
        let acr = claims.pointer("/id_token/acr").unwrap_or(&Value::Null);
        let values = values(acr);
        if acr.get("essential") == Some(&Value::Bool(true)) && !values.is_empty() {
            let least = values.iter().filter_map(|acr| strength(acr)).min();
            if least.ok_or(Unmet)? >= TWO {
                return Ok(Self::Demanded);
            }
        } else {
            wished |= values.contains(&ACR_TWO_FACTORS);
        }
        Ok(if wished { Self::Wished } else { Self::Any })
    }

    /// As [`Strength::read`], of what may be malformed: then nothing is asked for.
    pub fn of_texts(acr_values: &str, claims: &str) -> Self {
        let claims = serde_json::from_str(claims).unwrap_or_default();
        Self::read(acr_values, &claims).unwrap_or_default()
    }
}

/// One value, or several of them (§5.5.1).
fn values(member: &Value) -> Vec<&str> {
    let several = member.get("values").and_then(Value::as_array);
    let several = several.into_iter().flatten();
    let one = member.get("value").into_iter();
    one.chain(several).filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ONE: &str = "urn:gatepost:acr:1";

    #[test]
    fn a_wish_is_no_demand() {
        let claim = |member: Value| json!({"id_token": {"acr": member}});
        let cases = [
            ("", json!(null), Ok(Strength::Any)),
            ("urn:x urn:gatepost:acr:1", json!(null), Ok(Strength::Any)),
            (
                "urn:x urn:gatepost:acr:2",
                json!(null),
                Ok(Strength::Wished),
            ),
            ("", claim(json!(null)), Ok(Strength::Any)),
            (
                "",
                claim(json!({"value": ACR_TWO_FACTORS})),
                Ok(Strength::Wished),
            ),
            ("", claim(json!({"essential": true})), Ok(Strength::Any)),
            (
                "",
                claim(json!({"essential": true, "values": [ACR_TWO_FACTORS, "urn:x"]})),
                Ok(Strength::Demanded),
            ),
            (
                "",
                claim(json!({"essential": true, "values": [ACR_TWO_FACTORS, ONE]})),
                Ok(Strength::Any),
            ),
            (
                "urn:gatepost:acr:2",
                claim(json!({"essential": true, "value": ONE})),
                Ok(Strength::Wished),
            ),
            (
                "",
                claim(json!({"essential": true, "value": "urn:x"})),
                Err(Unmet),
            ),
            (
                "",
                claim(json!({"essential": "true", "value": "urn:x"})),
                Ok(Strength::Any),
            ),
            (
                "",
                json!({"userinfo": {"acr": {"essential": true, "value": ACR_TWO_FACTORS}}}),
                Ok(Strength::Any),
            ),
            ("", json!(["id_token"]), Ok(Strength::Any)),
        ];
        for (acr_values, claims, wanted) in cases {
            assert_eq!(
                Strength::read(acr_values, &claims),
                wanted,
                "{acr_values} {claims}"
            );
        }
        assert_eq!(Strength::of_texts("", "{"), Strength::Any);
    }
}
