//! Authorization codes: everything that was agreed in the browser, sealed, so that nothing is
//! stored until one is redeemed.
//!
//! A code names the session that it will become. Redeeming it writes that session, which can be
//! there only once; who finds it there already shows a code that was used.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_core::{ApplicationId, OrganizationId, SessionId};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::error::{Error, Result};
use crate::seal::Sealer;

/// What a code begins with, so that scanners find one that leaked.
const PREFIX: &str = "gpc_";
/// The longest code that is looked at, in bytes.
const CODE_BYTES_MAX: usize = 8192;
/// What codes are sealed for.
const PURPOSE: &str = "authorization code";
/// The length of a challenge and the least of a verifier (RFC 7636 §4.1, §4.2), in characters.
const CHALLENGE_LENGTH: usize = 43;
const VERIFIER_LENGTH_MAX: usize = 128;

/// What a code stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// The organization.
    pub organization: OrganizationId,
    /// The application that asked for it.
    pub application: ApplicationId,
    /// The session that it will become.
    pub session: SessionId,
    /// The browser's session, in which it was given.
    pub within: SessionId,
    /// At whose issuer.
    pub issuer: String,
    /// Where the browser was sent with it.
    pub redirect_uri: String,
    /// The challenge that its verifier must fit (RFC 7636); empty without.
    pub challenge: String,
    /// What was granted, separated by spaces.
    pub scope: String,
    /// What its tokens are for.
    pub resources: Vec<String>,
    /// What the application wants to find in the ID token; empty without.
    pub nonce: String,
    /// Single members that it asked for.
    pub claims: Vec<String>,
    /// The second after which it is worth nothing.
    pub until: i64,
}

impl Code {
    /// The code.
    ///
    /// # Errors
    /// `INTERNAL` without randomness.
    pub fn write(&self, sealer: &Sealer) -> Result<String> {
        let plain = serde_json::to_vec(self).map_err(Error::internal)?;
        let sealed = sealer.seal(PURPOSE, &plain)?;
        Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// What a code stands for, if it is one of ours.
    pub fn read(sealer: &Sealer, code: &str) -> Option<Self> {
        if code.len() > CODE_BYTES_MAX {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(code.strip_prefix(PREFIX)?).ok()?;
        serde_json::from_slice(&sealer.open(PURPOSE, &sealed).ok()?).ok()
    }

    /// Whether a verifier is that of the challenge (RFC 7636 §4.6). None fits no challenge, and one
    /// without a challenge fits nothing: whoever took the challenge away would go unnoticed
    /// (RFC 9700 §4.8.2).
    pub fn fits(&self, verifier: &str) -> bool {
        if self.challenge.is_empty() {
            return verifier.is_empty();
        }
        is_verifier(verifier)
            && bool::from(
                challenge(verifier)
                    .as_bytes()
                    .ct_eq(self.challenge.as_bytes()),
            )
    }
}

/// Whether a text can be a challenge of the method `S256`.
pub fn is_challenge(text: &str) -> bool {
    text.len() == CHALLENGE_LENGTH && URL_SAFE_NO_PAD.decode(text).is_ok()
}

fn is_verifier(text: &str) -> bool {
    let spoken = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (CHALLENGE_LENGTH..=VERIFIER_LENGTH_MAX).contains(&text.len()) && text.bytes().all(spoken)
}

fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    proptest! {
        /// A letter that is another one makes it nobody's.
        #[test]
        fn a_code_that_was_touched_is_none(
            nonce in ".{0,40}",
            claims in proptest::collection::vec("[a-z_.]{1,20}", 0..3),
            at: proptest::sample::Index,
            letter in "[A-Za-z0-9_-]",
            text in "(gpc_)?.{0,120}",
        ) {
            let sealer = Sealer::new(&"00".repeat(32)).unwrap();
            let code = Code { nonce, claims, ..code("") };
            let written = code.write(&sealer).unwrap();
            prop_assert_eq!(Code::read(&sealer, &written), Some(code));
            let at = at.index(written.len());
            let mut touched = written.clone();
            touched.replace_range(at..=at, &letter);
            prop_assume!(touched != written);
            prop_assert_eq!(Code::read(&sealer, &touched), None);
            prop_assert_eq!(Code::read(&sealer, &text), None);
        }
    }

    fn code(challenge: &str) -> Code {
        Code {
            organization: OrganizationId::new(Uuid::from_u128(1)),
            application: ApplicationId::new(Uuid::from_u128(2)),
            session: SessionId::new(Uuid::from_u128(3)),
            within: SessionId::new(Uuid::from_u128(4)),
            issuer: "https://gatepost.test".into(),
            redirect_uri: "https://app.test/cb".into(),
            challenge: challenge.into(),
            scope: "openid".into(),
            resources: vec!["https://api.test".into()],
            nonce: "n".into(),
            claims: Vec::new(),
            until: 60,
        }
    }

    #[test]
    fn only_what_we_wrote_is_read() {
        let sealer = |byte: &str| Sealer::new(&byte.repeat(32)).unwrap();
        let (ours, other) = (sealer("00"), sealer("01"));
        let text = code("").write(&ours).unwrap();
        assert_eq!(Code::read(&ours, &text), Some(code("")));
        assert_eq!(Code::read(&other, &text), None);
        assert_eq!(Code::read(&ours, text.strip_prefix(PREFIX).unwrap()), None);
        assert_eq!(Code::read(&ours, text.get(..text.len() - 2).unwrap()), None);
        assert_eq!(Code::read(&ours, "gpc_"), None);
        assert_ne!(text, code("").write(&ours).unwrap(), "sealed anew");
    }

    #[test]
    fn a_verifier_fits_its_challenge_and_none_fits_none() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let with = code("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(is_challenge(&with.challenge) && !is_challenge("plain"));
        assert!(with.fits(verifier));
        assert!(
            !with.fits("") && !with.fits(&with.challenge) && !with.fits(verifier.get(1..).unwrap())
        );
        assert!(code("").fits("") && !code("").fits(verifier));
    }
}
