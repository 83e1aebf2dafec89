//! Parsers of strangers' bytes, for the fuzz targets in `fuzz/`; no part of any interface.

mod gate;

use gatepost_store::PasswordHash;
use tonic::metadata::MetadataMap;

pub use self::gate::Gate;
use crate::error::Error;
use crate::mfa::MfaToken;
use crate::seal::{MASTER_KEY_BYTES, Sealer};
use crate::token::{BrowserToken, Code, RefreshToken};

/// The bearer token of a request, or the words of its refusal.
///
/// # Errors
/// Why there is none.
pub fn bearer(metadata: &MetadataMap) -> Result<Option<&str>, String> {
    crate::run::bearer(metadata).map_err(|error| words(&error))
}

/// Whether a text is a manifest, in YAML or JSON.
///
/// # Errors
/// What is wrong with it.
pub fn manifest(text: &str) -> Result<(), String> {
    let manifest = crate::manifests::parse(text).map_err(|error| words(&error))?;
    // What was accepted can be written down, and means the same when it is read again.
    let written = serde_json::to_string(&manifest).map_err(|error| error.to_string())?;
    let again = crate::manifests::parse(&written).map_err(|error| words(&error))?;
    let hash = crate::manifests::content_hash;
    if hash(&manifest) == hash(&again) {
        Ok(())
    } else {
        Err("means something else".to_owned())
    }
}

/// Whether a text is a password hash that may be imported.
///
/// # Errors
/// What is wrong with it.
pub fn password_hash(text: &str) -> Result<(), String> {
    let hash = PasswordHash(text.to_owned());
    crate::password::check(&hash).map_err(|error| error.to_string())
}

/// A refresh token, written again, if it is one of the installation whose master key is zeros.
pub fn refresh_token(text: &str) -> Option<String> {
    let sealer = zeros()?;
    Some(RefreshToken::read(&sealer, text)?.write(&sealer))
}

/// Client id and secret of an `Authorization` header.
pub fn client_header(value: &str) -> Option<(String, String)> {
    crate::edge::client_header(value)
}

/// What a request at the authorization endpoint wants, in words: as it came, and as it is written
/// on the way to the sign-in page and back. Nothing when it is refused.
pub fn authorization(query: &str) -> Option<[String; 2]> {
    crate::edge::wishes(query)
}

/// Whether what a code stands for is read again as it was written, when it is read at all; and
/// whether a text that nobody sealed is none. Nothing when the text stands for nothing.
pub fn code(text: &str) -> Option<bool> {
    let sealer = zeros()?;
    if Code::read(&sealer, text).is_some() {
        return Some(false);
    }
    let code: Code = serde_json::from_str(text).ok()?;
    let _ = code.fits(text);
    let written = code.write(&sealer).ok()?;
    Some(Code::read(&sealer, &written).is_none_or(|again| again == code))
}

/// The cookie of a browser, written again, if it is one of the installation whose master key is
/// zeros.
pub fn browser_cookie(text: &str) -> Option<String> {
    let sealer = zeros()?;
    Some(BrowserToken::read(&sealer, text)?.write(&sealer))
}

/// The token of a challenge, likewise.
pub fn mfa_token(text: &str) -> Option<String> {
    let sealer = zeros()?;
    Some(MfaToken::read(&sealer, text)?.write(&sealer))
}

fn zeros() -> Option<Sealer> {
    Sealer::new(&"00".repeat(MASTER_KEY_BYTES)).ok()
}

fn words(error: &Error) -> String {
    error.to_string()
}
