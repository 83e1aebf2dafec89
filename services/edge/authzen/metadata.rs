//! What a client must know to ask (Authorization API 1.0 §9).

use serde_json::{Map, Value};

use super::ENDPOINTS;

/// The metadata. A tenant has an identifier of its own and the endpoints of all: the token says
/// which tenant is meant.
pub fn configuration(public_url: &str, tenant: Option<&str>) -> Value {
    let tenant = tenant.map(|slug| format!("/{slug}")).unwrap_or_default();
    let mut fields = Map::new();
    let point = format!("{public_url}{tenant}");
    fields.insert("policy_decision_point".into(), point.into());
    for (path, key, _) in ENDPOINTS {
        fields.insert(key.into(), format!("{public_url}{path}").into());
    }
    Value::Object(fields)
}
