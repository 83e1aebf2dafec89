//! What an issuer can do (RFC 8414 §2). Nothing is said that is not so.

use serde_json::{Value, json};

/// The document of an issuer. All issuers have the installation's keys.
pub fn document(issuer: &str, public_url: &str) -> Value {
    let base = issuer.trim_end_matches('/');
    let ways = [
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
    ];
    let algorithms = ["RS256", "PS256", "ES256", "EdDSA"];
    json!({
        "issuer": issuer,
        "token_endpoint": format!("{base}/oauth/token"),
        "introspection_endpoint": format!("{base}/oauth/introspect"),
        "revocation_endpoint": format!("{base}/oauth/revoke"),
        "jwks_uri": format!("{}/.well-known/jwks.json", public_url.trim_end_matches('/')),
        "grant_types_supported": ["client_credentials", "refresh_token"],
        "response_types_supported": [],
        "scopes_supported": ["openid", "profile", "email"],
        "token_endpoint_auth_methods_supported": ways,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": ways,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": ways,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
    })
}
