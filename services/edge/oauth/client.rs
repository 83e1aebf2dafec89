//! Client authentication: a secret in the `Authorization` header or in the form (RFC 6749 §2.3), an
//! assertion (RFC 7523 §2.2), or nothing but its name of a public client.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatepost_proto::ErrorReason;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::form::Form;
use super::refusal::{Code, Refusal};
use crate::auth::{ASSERTION_TYPE, Client};
use crate::context::Gate;
use crate::gateway::percent;

/// The longest client id and secret that are looked at, in bytes, as in `/v1`.
const CLIENT_ID_BYTES_MAX: usize = 128;
const SECRET_BYTES_MAX: usize = 256;

const ONE_WAY: &str = "the client must prove itself in one way";

/// Who a client says that it is.
#[derive(Debug, PartialEq, Eq)]
struct Presented {
    id: String,
    secret: String,
    /// Whether it came in the header.
    by_header: bool,
}

/// Proves the client of a request at an issuer: that of `slug`, or of the default organization.
///
/// # Errors
/// `invalid_client`, and `invalid_request` for more than one way to prove it.
pub async fn prove(
    gate: &Gate,
    headers: &HeaderMap,
    form: &Form,
    issuer: &str,
    slug: Option<&str>,
) -> Result<Arc<Client>, Refusal> {
    let client = if form.get("client_assertion").is_empty() {
        by_secret(gate, presented(headers, form)?).await?
    } else {
        by_assertion(gate, headers, form, issuer).await?
    };
    // A client of another organization is not known at this issuer.
    let is_here = match slug {
        Some(slug) => client.organization.slug == slug,
        None => client.organization.id == gate.app.default_organization,
    };
    if !is_here {
        return Err(unknown().by_header(headers.contains_key(AUTHORIZATION)));
    }
    Ok(client)
}

async fn by_secret(gate: &Gate, presented: Presented) -> Result<Arc<Client>, Refusal> {
    let wrong = |refusal: Refusal| refusal.by_header(presented.by_header);
    let is_short =
        presented.id.len() <= CLIENT_ID_BYTES_MAX && presented.secret.len() <= SECRET_BYTES_MAX;
    if !presented.id.is_empty() && presented.secret.is_empty() && is_short {
        let client = Client::public(&gate.app, &presented.id).await;
        return client.map_err(|error| wrong(error.into()));
    }
    if presented.id.is_empty() || !is_short {
        return Err(wrong(unknown()));
    }
    let entered = Client::enter(gate, &presented.id, &presented.secret).await;
    let (client, _) = entered.map_err(|error| wrong(error.into()))?;
    Ok(client)
}

/// The audience is the issuer, or the token endpoint, as older clients have it (RFC 7523 §3).
async fn by_assertion(
    gate: &Gate,
    headers: &HeaderMap,
    form: &Form,
    issuer: &str,
) -> Result<Arc<Client>, Refusal> {
    if headers.contains_key(AUTHORIZATION) || !form.get("client_secret").is_empty() {
        return Err(Refusal::new(Code::InvalidRequest, ONE_WAY));
    }
    if form.get("client_assertion_type") != ASSERTION_TYPE {
        let message = "`client_assertion_type` must be that of RFC 7523";
        return Err(Refusal::new(Code::InvalidRequest, message));
    }
    let endpoint = format!("{}/oauth/token", issuer.trim_end_matches('/'));
    let assertion = form.get("client_assertion");
    let client = Client::enter_by_assertion(gate, assertion, &[issuer, &endpoint]).await?;
    let named = form.get("client_id");
    if !named.is_empty() && named != client.application.client_id {
        return Err(unknown());
    }
    Ok(client)
}

fn unknown() -> Refusal {
    crate::error::Error::new(ErrorReason::ClientInvalid, "wrong client id or secret").into()
}

fn presented(headers: &HeaderMap, form: &Form) -> Result<Presented, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (first, more) = (values.next(), values.next());
    let (id, secret) = (form.get("client_id"), form.get("client_secret"));
    let Some(value) = first else {
        return Ok(Presented {
            id: id.to_owned(),
            secret: secret.to_owned(),
            by_header: false,
        });
    };
    let named = value.to_str().ok().and_then(header);
    let Some((named, proof)) = named.filter(|_| more.is_none()) else {
        let message = "the `Authorization` header must be `Basic` with client id and secret";
        return Err(Refusal::new(Code::InvalidClient, message).by_header(true));
    };
    // Naming the client in the form, too, is common; proving it twice is an error (§2.3).
    if !secret.is_empty() || (!id.is_empty() && id != named) {
        return Err(Refusal::new(Code::InvalidRequest, ONE_WAY));
    }
    Ok(Presented {
        id: named,
        secret: proof,
        by_header: true,
    })
}

/// Client id and secret, each form-encoded before they were joined (RFC 6749 §2.3.1).
pub fn header(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((percent::form(id).ok()?, percent::form(secret).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_halves_are_form_encoded() {
        let value = format!("bAsIc {}", STANDARD.encode("a%3Ab+c:s%25+t:u"));
        let read = header(&value).unwrap();
        assert_eq!(read, ("a:b c".to_owned(), "s% t:u".to_owned()));
        assert_eq!(header("Bearer x"), None);
        assert_eq!(
            header(&format!("Basic {}", STANDARD.encode("a%zz:b"))),
            None
        );
        assert_eq!(
            header(&format!("Basic {}", STANDARD.encode("no colon"))),
            None
        );
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(value in "(?i:basic )?.{0,200}") {
            let _ = header(&value);
        }
    }
}
