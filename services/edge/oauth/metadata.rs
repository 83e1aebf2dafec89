//! What an issuer can do (RFC 8414 §2). Nothing is said that is not so.

use serde_json::{Value, json};

/// The document of an issuer. All issuers have the installation's keys.
pub fn document(issuer: &str, public_url: &str) -> Value {
    let base = issuer.trim_end_matches('/');
    let secrets = ["client_secret_basic", "client_secret_post"];
    json!({
        "issuer": issuer,
        "token_endpoint": format!("{base}/oauth/token"),
        "introspection_endpoint": format!("{base}/oauth/introspect"),
        "revocation_endpoint": format!("{base}/oauth/revoke"),
        "jwks_uri": format!("{}/.well-known/jwks.json", public_url.trim_end_matches('/')),
        "grant_types_supported": ["client_credentials", "refresh_token"],
        "response_types_supported": [],
        "scopes_supported": ["openid", "profile", "email"],
        "token_endpoint_auth_methods_supported": secrets,
        "introspection_endpoint_auth_methods_supported": secrets,
        "revocation_endpoint_auth_methods_supported": secrets,
    })
}
