//! What an issuer can do (RFC 8414 §2, OpenID Connect Discovery §3). Nothing is said that is not
//! so.

use gatepost_core::mfa::{ACR_ONE_FACTOR, ACR_TWO_FACTORS};
use serde_json::{Value, json};

/// The document of an issuer; the same for OAuth and for OpenID. All issuers have the
/// installation's keys.
pub fn document(issuer: &str, public_url: &str) -> Value {
    let base = issuer.trim_end_matches('/');
    let proofs = [
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
    ];
    let algorithms = ["RS256", "PS256", "ES256", "EdDSA"];
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{base}/oauth/authorize"),
        "token_endpoint": format!("{base}/oauth/token"),
        "introspection_endpoint": format!("{base}/oauth/introspect"),
        "revocation_endpoint": format!("{base}/oauth/revoke"),
        "userinfo_endpoint": format!("{base}/oauth/userinfo"),
        "end_session_endpoint": format!("{base}/oauth/end_session"),
        "jwks_uri": format!("{}/.well-known/jwks.json", public_url.trim_end_matches('/')),
        "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "scopes_supported": ["openid", "profile", "email"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "introspection_endpoint_auth_methods_supported": proofs,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
    });
    // A public client has its name for a proof.
    let with_none = [&proofs[..], &["none"]].concat();
    let ways = json!({
        "token_endpoint_auth_methods_supported": with_none,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": with_none,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
    });
    let of_openid = json!({
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
        "acr_values_supported": [ACR_ONE_FACTOR, ACR_TWO_FACTORS],
        "claim_types_supported": ["normal"],
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce", "azp", "at_hash",
            "sid", "name", "preferred_username", "email", "email_verified",
        ],
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "claims_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": ["en", "pt-BR"],
    });
    let members = [ways, of_openid]
        .into_iter()
        .filter_map(|value| value.as_object().cloned());
    if let Some(all) = document.as_object_mut() {
        all.extend(members.flatten());
    }
    document
}
